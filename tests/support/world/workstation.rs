//! The files of docker and podman on this workstation, the programs on its PATH, and its credentials.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred::model::{Credential, Token, Use};

use super::{Keys, World};

/// What must not change where nothing is written.
#[derive(Debug, PartialEq, Eq)]
pub struct Trace(u64, i64, i64, u32, Vec<u8>);

pub fn trace(path: &Path) -> Trace {
    let data = fs::metadata(path).unwrap();
    Trace(
        data.ino(),
        data.mtime(),
        data.mtime_nsec(),
        data.mode(),
        fs::read(path).unwrap(),
    )
}

/// What a docker configuration has as `auth`.
pub fn auth(user: &str, token: &str) -> String {
    STANDARD.encode(format!("{user}:{token}"))
}

/// A credential of any registry.
pub fn credential(registry: &str, username: &str, token: &str) -> Credential {
    Credential {
        registry: registry.parse().unwrap(),
        username: username.parse().unwrap(),
        token: Token::parse(token).unwrap(),
    }
}

/// Makes a shell script. It is written by a child: a file that this process has open for writing, children of other
/// tests have too, and then it cannot be run.
pub fn script(file: &Path, text: &str) {
    let mut install = Command::new("install");
    install
        .args(["-m", "755", "/dev/stdin"])
        .arg(file)
        .stdin(Stdio::piped());
    let mut child = install.spawn().unwrap();
    write!(child.stdin.take().unwrap(), "#!/bin/sh\n{text}\n").unwrap();
    assert!(child.wait().unwrap().success());
}

impl World {
    /// With no program on PATH but those that a test puts into [`World::programs`].
    pub fn with_own_programs(mut self) -> Self {
        fs::create_dir(self.programs()).unwrap();
        let path = self.programs();
        self.with_path(path);
        self
    }

    /// With only this on PATH, and a runtime folder.
    pub fn with_path(&mut self, path: PathBuf) {
        self.variables.insert("PATH".to_owned(), path.into());
        let run = self.folder().join("run");
        self.variables.insert("XDG_RUNTIME_DIR".to_owned(), run.into());
    }

    pub fn programs(&self) -> PathBuf {
        self.folder().join("programs")
    }

    pub fn docker_file(&self) -> PathBuf {
        self.home().join(".docker/config.json")
    }

    pub fn podman_file(&self) -> PathBuf {
        self.folder().join("run/containers/auth.json")
    }

    pub fn write_docker(&self, text: &str) {
        self.write(&self.docker_file(), text);
    }

    pub fn write_podman(&self, text: &str) {
        self.write(&self.podman_file(), text);
    }

    /// Writes a file of this user's, with `[REGISTRY]` in it, and `[auth:user:token]` for base64.
    pub fn write(&self, path: &Path, text: &str) {
        let mut text = text.replace("[REGISTRY]", &self.registry());
        while let Some((before, rest)) = text.split_once("[auth:") {
            let (pair, after) = rest.split_once(']').unwrap();
            text = format!("{before}{}{after}", STANDARD.encode(pair));
        }
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// What stands in a file, with `[REGISTRY]` in it.
    pub fn read(&self, path: &Path) -> String {
        fs::read_to_string(path)
            .unwrap()
            .replace(&self.registry(), "[REGISTRY]")
    }

    /// What the keychain has of this registry: the user and the token.
    pub fn kept(&self, usage: Use) -> Option<(String, String)> {
        let registry = self.registry().parse().unwrap();
        let kept = self.keychain().get(&registry, usage).unwrap()?;
        Some((kept.username.to_string(), kept.token.expose().to_owned()))
    }

    /// What an earlier version of regcred has left behind: nobody knows since when the token is kept. On doubles.
    pub fn forget_since(&self, usage: Use, username: &str, token: &str) {
        let Keys::Memory(store) = &self.keys else {
            panic!("only on doubles")
        };
        let account = format!("{usage} {}", self.registry());
        let item = store.build("kubectl-regcred", &account, None).unwrap();
        let text = serde_json::json!({"username": username, "token": token}).to_string();
        item.set_password(&text).unwrap();
        fs::remove_file(self.home().join(".local/state/regcred/ledger.json")).unwrap();
    }

    /// Puts a credential of this registry into the keychain, for docker.
    pub fn keep(&self, username: &str, token: &str) {
        let credential = credential(&self.registry(), username, token);
        self.keychain().put(Use::Docker, &credential).unwrap();
    }
}
