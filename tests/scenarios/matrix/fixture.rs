//! A workstation with one client, a keyring, and a registry with Gitea's sign-in.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use regcred::keychain::vault::{Key, Passphrase, Vault};
use regcred::keychain::{Config as Remembered, Keychain};
use regcred::model::{Credential, Token, Use};

use super::clients::{Client, Files, Kind};
use crate::clients::workstation::forms;
use crate::support::docker_registry::DockerRegistry;
use crate::support::engine::Engine;
use crate::support::gitea::{Gitea, Profile, Settings, Visibility};
use crate::support::keyring::{Keyring, Running, files_with, until};
use crate::support::part::program;
use crate::support::server::KernelKeys;

/// What every client needs beside itself.
pub const PARTS: [&str; 5] = [
    "dbus-daemon",
    "gnome-keyring-daemon",
    "docker-registry",
    "htpasswd",
    "skopeo",
];

/// How the clients' files name our helper.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Config {
    /// For this registry, in docker's file and in podman's.
    CredHelpers,
    /// For this registry, in docker's file alone.
    DockersFile,
    /// For every registry, in docker's file: podman's has no such key.
    CredsStore,
}

impl Config {
    /// Those that make a difference to a client.
    pub fn of(client: &Client) -> &'static [Self] {
        match client.files {
            Files::Podman => &[Self::CredHelpers, Self::DockersFile, Self::CredsStore],
            Files::Docker | Files::Own => &[Self::CredHelpers, Self::CredsStore],
        }
    }

    /// What the table calls it.
    pub fn label(self) -> &'static str {
        match self {
            Self::CredHelpers => "credHelpers",
            Self::DockersFile => "docker's file",
            Self::CredsStore => "credsStore",
        }
    }
}

/// What the helper finds when it is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Situation {
    Stored,
    Nothing,
    Locked,
    NoBus,
    /// The vault is chosen, and locked.
    LockedVault,
    /// The vault is chosen, and unlocked: the same as [`Situation::Stored`] for a client.
    Vault,
}

impl Situation {
    /// What the page tells of.
    pub const ALL: [Self; 5] = [
        Self::Stored,
        Self::Nothing,
        Self::Locked,
        Self::NoBus,
        Self::LockedVault,
    ];

    fn has_bus(self) -> bool {
        matches!(self, Self::Stored | Self::Nothing | Self::Locked)
    }

    pub(super) fn is_vault(self) -> bool {
        matches!(self, Self::LockedVault | Self::Vault)
    }
}

/// What came of one step.
#[allow(clippy::struct_excessive_bools, reason = "each is one thing that was looked at")]
pub struct Seen {
    pub code: i32,
    /// stdout and stderr as they came, with nothing of this run's own in them.
    pub output: String,
    /// The registry was shown the credential.
    pub signed_in: bool,
    /// The registry was asked for a token or an image.
    pub asked: bool,
    /// The keychain holds the token that was given.
    pub stored: bool,
    /// The keychain holds something for this registry.
    pub kept: bool,
    /// The token lies in a file of the client's.
    pub plaintext: bool,
    /// The token was printed.
    pub leaked: bool,
}

pub struct Workstation {
    client: &'static Client,
    engine: Option<Engine>,
    // Dropped before its folder.
    vault: DeskVault,
    keyring: Keyring,
    pub(super) gitea: Gitea,
    _images: Option<DockerRegistry>,
    token: String,
    /// What is in the keychain before somebody logs in.
    previous: String,
}

/// A vault, which is in use where the configuration says so.
struct DeskVault {
    vault: Vault,
    key: Key,
    _kernel_keys: KernelKeys,
}

impl DeskVault {
    fn make(keyring: &Keyring) -> Self {
        let kernel_keys = KernelKeys::take();
        let vault = Vault::new(&keyring.env(), &Remembered::default()).unwrap();
        let key = Key::generate();
        vault
            .create(&key, Some(&Passphrase::new("correct horse").unwrap()))
            .unwrap();
        Self {
            vault,
            key,
            _kernel_keys: kernel_keys,
        }
    }

    fn unlock(&self) {
        self.vault.unlock_with(self.key.clone(), None).unwrap();
    }
}

impl Drop for DeskVault {
    fn drop(&mut self) {
        let _ = self.vault.lock();
    }
}

impl Workstation {
    /// At a double, whose images are in a docker-registry.
    pub fn new(client: &'static Client) -> Self {
        let gitea = Gitea::start(Profile::V1_27);
        let images = DockerRegistry::behind(&gitea);
        Self::at(client, gitea, Some(images))
    }

    pub fn at_real_gitea(client: &'static Client) -> Self {
        Self::at(client, Gitea::start_real(Settings::default()), None)
    }

    fn at(client: &'static Client, gitea: Gitea, images: Option<DockerRegistry>) -> Self {
        for name in ["admin", "open"] {
            gitea.add_user(name);
        }
        gitea.set_visibility("admin", Visibility::Private);
        let keyring = Keyring::start();
        let workstation = Self {
            client,
            engine: client.engine.then(Engine::start),
            vault: DeskVault::make(&keyring),
            keyring,
            _images: images,
            token: gitea.add_token("admin", "write:package"),
            previous: gitea.add_token("admin", "write:package"),
            gitea,
        };
        workstation.set_up();
        for line in client.before {
            let (code, output) = workstation.run(line, "", Situation::Nothing);
            assert_eq!(code, 0, "{line}: {output}");
        }
        workstation
    }

    /// `28.2.2`, as the program says.
    pub fn version(&self) -> String {
        let (code, output) = self.run(self.client.version, "", Situation::Nothing);
        assert_eq!(code, 0, "{output}");
        let words = output
            .split([' ', '\n', ',', '+'])
            .map(|word| word.replace("engine:", "engine "));
        let numbers = words.filter(|word| {
            word.trim_start_matches("engine ")
                .trim_start_matches('v')
                .starts_with(|c: char| c.is_ascii_digit())
        });
        numbers
            .take(if self.engine.is_some() { 2 } else { 1 })
            .collect::<Vec<_>>()
            .join(", ")
    }

    /// Does one step in one situation, and looks at everything that it left.
    pub fn observe(&mut self, kind: Kind, line: &str, config: Config, situation: Situation) -> Seen {
        let registry = self.gitea.registry().parse().unwrap();
        self.configure(config, situation);
        self.vault.unlock();
        let keychain = Keychain::open(&self.keyring.env()).unwrap();
        if situation == Situation::Nothing {
            keychain.delete(&registry, Use::Docker).unwrap();
        } else {
            let token = if kind == Kind::Login {
                &self.previous
            } else {
                &self.token
            };
            let credential = Credential {
                registry: registry.clone(),
                username: "admin".parse().unwrap(),
                token: Token::parse(token).unwrap(),
            };
            keychain.put(Use::Docker, &credential).unwrap();
        }
        match situation {
            Situation::Locked => self.keyring.lock(),
            Situation::LockedVault => assert!(self.vault.vault.lock().unwrap()),
            _ => {}
        }
        let before = self.gitea.requests().len();
        let given = if kind == Kind::Login { &*self.token } else { "" };
        let (code, output) = self.run(line, given, situation);
        match situation {
            Situation::Locked => self.keyring.unlock(),
            Situation::LockedVault => self.vault.unlock(),
            _ => {}
        }
        let requests = self.gitea.requests().split_off(before);
        let forms = forms(&self.token);
        let found = keychain.get(&registry, Use::Docker).unwrap();
        Seen {
            code,
            signed_in: requests.iter().any(|seen| seen.auth == "basic"),
            // The first request of most of them is one without a credential, which the registry answers with where to
            // get a token: it says nothing but in the end.
            asked: requests
                .iter()
                .any(|seen| seen.path == "/v2/token" || situation == Situation::Nothing),
            stored: found.as_ref().is_some_and(|found| found.token.expose() == self.token),
            kept: found.is_some(),
            plaintext: forms.iter().any(|form| !files_with(self.folder(), form).is_empty()),
            leaked: forms.iter().any(|form| output.contains(form)),
            output: self.normal(&output),
        }
    }

    pub(super) fn folder(&self) -> &Path {
        self.keyring.bus().folder()
    }

    pub(super) fn home(&self) -> PathBuf {
        self.folder().join("home")
    }

    /// The runtime folder, of which there is a second one without a bus in it.
    pub(super) fn runtime(&self, situation: Situation) -> PathBuf {
        self.folder()
            .join(if situation.has_bus() { "run" } else { "run-without-bus" })
    }

    /// Runs a line of [`super::clients`] to its end.
    pub(super) fn run(&self, line: &str, stdin: &str, situation: Situation) -> (i32, String) {
        let home = self.home();
        let line = line
            .replace("[REGISTRY]", &self.gitea.registry())
            .replace("[FOLDER]", home.to_str().unwrap());
        let mut words = line.split_whitespace().peekable();
        let mut variables = Vec::new();
        while let Some((name, value)) = words.peek().and_then(|word| word.split_once('=')) {
            variables.push((name, value));
            words.next();
        }
        let mut command = Command::new(program(words.next().unwrap()).unwrap());
        let given = self.folder().join("tmp/stdin");
        fs::write(&given, stdin).unwrap();
        let printed = self.folder().join("tmp/printed");
        let output = File::create(&printed).unwrap();
        command
            .args(words)
            .current_dir(&home)
            .env_clear()
            // No other helper is found: some clients take one that nobody named.
            .env("PATH", self.folder().join("bin"))
            .env("HOME", &home)
            .env("TMPDIR", self.folder().join("tmp"))
            .env("XDG_RUNTIME_DIR", self.runtime(situation))
            .env("CONTAINERS_CONF", home.join(".config/containers/containers.conf"))
            .env("CONTAINERS_STORAGE_CONF", home.join(".config/containers/storage.conf"))
            .envs(variables)
            .stdin(File::open(&given).unwrap())
            .stdout(output.try_clone().unwrap())
            .stderr(output);
        if let Some(engine) = &self.engine {
            command.env("DOCKER_HOST", engine.host());
        }
        if situation.has_bus() {
            command.env("DBUS_SESSION_BUS_ADDRESS", self.keyring.bus().address());
        }
        // One that hangs is ended.
        let mut running = Running(command.spawn().unwrap());
        let mut status = None;
        until(&line, || {
            status = running.0.try_wait().unwrap();
            status.is_some()
        });
        // A token is given in this file, and looked for in all others.
        fs::remove_file(given).unwrap();
        let output = String::from_utf8_lossy(&fs::read(&printed).unwrap()).into_owned();
        fs::remove_file(printed).unwrap();
        (status.and_then(|status| status.code()).unwrap_or(-1), output)
    }

    /// A client's words with nothing in them that is another one in the next run.
    fn normal(&self, output: &str) -> String {
        let lines =
            output.lines().map(
                |line| match line.strip_prefix("time=\"").and_then(|rest| rest.split_once("\" ")) {
                    Some((_, rest)) => rest,
                    None => line,
                },
            );
        lines
            .collect::<Vec<_>>()
            .join("\n")
            .replace(&self.gitea.registry(), "gitea.example.com")
            .replace(self.home().to_str().unwrap(), "~")
            .replace(self.folder().to_str().unwrap(), "")
    }
}
