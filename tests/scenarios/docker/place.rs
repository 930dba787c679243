//! A workstation with docker's and podman's files.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred::model::{Credential, Token, Use};

use crate::support::world::World;

/// docker's file with a login in plain text, and what else people have in there.
pub const PLAIN: &str = r#"{
  "auths": {
    "https://[REGISTRY]/v2/": {"auth": "[auth:admin:TOKEN]", "email": "a@example.com"}
  },
  "detachKeys": "ctrl-e,e"
}
"#;

pub struct Place {
    pub world: World,
    pub docker: PathBuf,
    pub podman: PathBuf,
}

/// What must not change where nothing is written.
#[derive(Debug, PartialEq, Eq)]
pub struct Trace(u64, i64, i64, u32, Vec<u8>);

impl Place {
    /// With a keychain in memory, and no program on PATH but our helper.
    pub fn of_doubles() -> Self {
        let mut world = World::of_doubles();
        let programs = Path::new(env!("CARGO_BIN_EXE_docker-credential-gitea")).parent();
        world.variables.insert("PATH".to_owned(), programs.unwrap().into());
        let run = world.folder().join("run");
        world.variables.insert("XDG_RUNTIME_DIR".to_owned(), run.clone().into());
        Self::of(world, &run)
    }

    /// With gnome-keyring and whatever clients there are.
    pub fn of_real_parts() -> Self {
        let world = World::of_real_parts();
        let run = world.folder().join("run");
        Self::of(world, &run)
    }

    fn of(world: World, run: &Path) -> Self {
        let docker = world.home().join(".docker/config.json");
        fs::create_dir_all(docker.parent().unwrap()).unwrap();
        fs::create_dir_all(run.join("containers")).unwrap();
        Self {
            docker,
            podman: run.join("containers/auth.json"),
            world,
        }
    }

    /// Puts [`PLAIN`] into docker's file, with a token that opens the registry.
    pub fn with_token(&self) -> String {
        let token = self.world.gitea.add_token("admin", "write:package");
        self.write_docker(&PLAIN.replace("TOKEN", &token));
        token
    }

    /// A credential of this registry.
    pub fn credential(&self, username: &str, token: &str) -> Credential {
        Credential {
            registry: self.world.registry().parse().unwrap(),
            username: username.parse().unwrap(),
            token: Token::parse(token).unwrap(),
        }
    }

    /// What the keychain holds for docker.
    pub fn kept(&self) -> Option<(String, String)> {
        let registry = self.world.registry().parse().unwrap();
        let kept = self.world.keychain().get(&registry, Use::Docker).unwrap();
        kept.map(|kept| (kept.username.to_string(), kept.token.expose().to_owned()))
    }

    pub fn keep(&self, username: &str, token: &str) {
        self.world
            .keychain()
            .put(Use::Docker, &self.credential(username, token))
            .unwrap();
    }

    /// Writes docker's file, with `[REGISTRY]` in it, and `[auth:user:token]` for base64.
    pub fn write_docker(&self, text: &str) {
        self.write(&self.docker, text);
    }

    pub fn write(&self, path: &Path, text: &str) {
        fs::write(path, self.filled(text)).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn filled(&self, text: &str) -> String {
        let mut text = text.replace("[REGISTRY]", &self.world.registry());
        while let Some((before, rest)) = text.split_once("[auth:") {
            let (pair, after) = rest.split_once(']').unwrap();
            text = format!("{before}{}{after}", STANDARD.encode(pair));
        }
        text
    }

    /// What stands in a file, with `[REGISTRY]` in it.
    pub fn read(&self, path: &Path) -> String {
        fs::read_to_string(path)
            .unwrap()
            .replace(&self.world.registry(), "[REGISTRY]")
    }

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
}
