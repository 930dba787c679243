//! Somebody at another system, whose programs run on this one: Windows' by Wine, those of Linux on arm64 by qemu-user, and
//! those without the kernel's keyring as they are. `tests/run.sh` has them built, and says where they are.

mod system;
mod wine;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

use tempfile::TempDir;

use super::container::output;
use super::gitea::{Gitea, Profile, Visibility};
use super::keyring::Keyring;
use super::plane::{Plane, SECRET, Who};
use super::world::Ran;
pub use system::System;
use wine::Wine;

/// Names the bus of a Secret Service.
const SESSION_BUS: &str = "DBUS_SESSION_BUS_ADDRESS";

/// Somebody at such a system, with a registry and a cluster on loopback.
pub struct Elsewhere {
    // Dropped before the folder that it is in.
    wine: Option<Wine>,
    folder: TempDir,
    system: System,
    pub gitea: Gitea,
    pub cluster: Plane,
    /// A namespace of this one's own.
    pub namespace: String,
    /// Linux's keychain, where it was asked for.
    keyring: Option<Keyring>,
}

impl Elsewhere {
    /// With the double of a cluster.
    pub fn start(system: System) -> Self {
        Self::with(system, Plane::double())
    }

    /// With the real one that all scenarios share.
    pub fn with_real_cluster(system: System) -> Self {
        Self::with(system, Plane::real())
    }

    fn with(system: System, cluster: Plane) -> Self {
        let folder = tempfile::Builder::new().prefix("elsewhere-").tempdir().unwrap();
        let built = system.built().unwrap();
        let this = Self {
            wine: (system == System::Windows).then(|| Wine::start(&built, folder.path())),
            folder,
            system,
            gitea: Gitea::start(Profile::V1_27),
            namespace: cluster.namespace(),
            cluster,
            keyring: None,
        };
        fs::create_dir_all(this.home()).unwrap();
        fs::create_dir(this.programs()).unwrap();
        for name in ["kubectl-regcred", "docker-credential-gitea"] {
            this.install(&built, name);
        }
        this.gitea.add_user("admin");
        this.gitea.set_visibility("admin", Visibility::Private);
        this.write_kubeconfig();
        this
    }

    /// Linux's keychain, a Secret Service that is open.
    pub fn with_keyring(mut self) -> Self {
        self.keyring = Some(Keyring::start());
        self
    }

    /// A vault that opens with a key file, chosen as the keychain.
    pub fn with_vault(self) -> Self {
        let key = self.native(&self.home().join("vault.key"));
        let mut command = self.command("kubectl-regcred");
        command.args(["keychain", "use", "vault", "--key-file", &key]);
        self.run(&mut command, "").done();
        self
    }

    /// The cluster's certificate authority is a file of this system.
    fn write_kubeconfig(&self) {
        let mut text = self.cluster.kubeconfig(Who::Admin);
        if let Plane::Real(plane) = self.cluster {
            let authority = plane.authority();
            text = text.replace(&authority.display().to_string(), &self.native(&authority));
        }
        fs::write(self.at("kubeconfig"), text).unwrap();
    }

    /// Puts a program on that system's PATH, or what runs it.
    fn install(&self, built: &Path, name: &str) {
        let file = self.system.file(name);
        let (built, installed) = (built.join(&file), self.programs().join(&file));
        match (&self.wine, self.system) {
            (Some(wine), _) => wine.install(&file, &self.programs()),
            (None, System::Arm64) => {
                let script = format!("#!/bin/sh\nexec {} '{}' \"$@\"\n", system::QEMU, built.display());
                fs::write(&installed, script).unwrap();
                fs::set_permissions(&installed, fs::Permissions::from_mode(0o755)).unwrap();
            }
            (None, _) => {
                fs::copy(built, installed).unwrap();
            }
        }
    }

    fn at(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The folder of its programs, which is on its PATH.
    pub fn programs(&self) -> PathBuf {
        self.at("bin")
    }

    /// The home folder, as this system sees it.
    pub fn home(&self) -> PathBuf {
        self.wine.as_ref().map_or_else(|| self.at("home"), Wine::home)
    }

    /// How that system names a path.
    pub fn native(&self, path: &Path) -> String {
        match &self.wine {
            Some(wine) => wine.native(path),
            None => path.display().to_string(),
        }
    }

    /// A program of that system by its name, with the environment of whoever works there.
    pub fn command(&self, name: &str) -> Command {
        let program = self.programs().join(self.system.file(name));
        let mut command = if let Some(wine) = &self.wine {
            wine.command(&program, &self.programs())
        } else {
            let mut command = Command::new(program);
            command.env_clear().env("HOME", self.home());
            command
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(self.programs()).chain(std::env::split_paths(&path));
        command
            .env("PATH", std::env::join_paths(path).unwrap())
            .env("KUBECONFIG", self.native(&self.at("kubeconfig")))
            .env("REGCRED_NAME", "jane@desk")
            .current_dir(self.home());
        if let Some(keyring) = &self.keyring {
            command.env(SESSION_BUS, keyring.env().var(SESSION_BUS).unwrap());
        }
        command
    }

    /// `kubectl regcred` with this command line and standard input; `[REGISTRY]`, `[NAMESPACE]` and `[HOME]` are
    /// this one's.
    pub fn regcred_with(&self, line: &str, stdin: &str) -> Ran {
        let words = line.split_whitespace().map(|word| {
            let word = word.replace("[REGISTRY]", &self.gitea.registry());
            let word = word.replace("[NAMESPACE]", &self.namespace);
            word.replace("[HOME]", &self.native(&self.home()))
        });
        self.run(self.command("kubectl-regcred").args(words), stdin)
    }

    pub fn regcred(&self, line: &str) -> Ran {
        self.regcred_with(line, "")
    }

    /// `docker-credential-gitea`, as docker calls it.
    pub fn helper(&self, action: &str, stdin: &str) -> Ran {
        let stdin = stdin.replace("[REGISTRY]", &self.gitea.registry());
        self.run(self.command("docker-credential-gitea").arg(action), &stdin)
    }

    /// Runs it to its end. What differs from one run to the next has a name in what it says.
    pub fn run(&self, command: &mut Command, stdin: &str) -> Ran {
        let output = output(command, stdin.as_bytes());
        let text = |bytes: &[u8]| self.normal(&String::from_utf8_lossy(bytes));
        Ran {
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            code: output.status.code().unwrap_or(-1),
        }
    }

    fn normal(&self, text: &str) -> String {
        text.replace(&self.gitea.registry(), "[REGISTRY]")
            .replace(&self.native(&self.home()), "[HOME]")
            .replace(&self.native(self.folder.path()), "[FOLDER]")
            .replace(&format!("namespace {}", self.namespace), "namespace [NAMESPACE]")
            .replace(&format!("context {}", self.cluster.context()), "context [CONTEXT]")
    }

    /// A program of Windows that has a file open until its standard input ends.
    pub fn holds_open(&self, file: &Path) -> Child {
        self.wine.as_ref().unwrap().holds(Some(file))
    }

    /// The cluster's Secret, where there is one.
    pub fn document(&self) -> String {
        use base64::Engine as _;
        let secret = self.cluster.secret(&self.namespace, SECRET).unwrap();
        let text = secret["data"][".dockerconfigjson"].as_str().unwrap();
        String::from_utf8(base64::engine::general_purpose::STANDARD.decode(text).unwrap()).unwrap()
    }
}
