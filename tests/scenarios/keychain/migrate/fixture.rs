//! A workstation with a Secret Service and a vault that a key file opens.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use keyring_core::api::CredentialStoreApi as _;
use regcred::keychain::secret_service::SecretService;
use regcred::keychain::{Keychain, Name, Rotation, StoreName, StoredItem};
use regcred::model::rotation::Phase;
use regcred::model::{Credential, Token, Use};
use regcred::sys::env::Env;

use crate::support::PLUGIN;
use crate::support::keyring::{Keyring, until};
use crate::support::world::Ran;

pub struct Session {
    pub keyring: Keyring,
    /// As in a session of its own, such as one over SSH.
    pub without_bus: bool,
}

impl Session {
    /// With an empty vault, and the Secret Service in use.
    pub fn of(keyring: Keyring) -> Self {
        let without_bus = false;
        let this = Self { keyring, without_bus };
        let key_file = this.home().join("vault.key");
        let line = format!("keychain use vault --key-file {}", key_file.display());
        this.regcred(&line).done();
        this.regcred("keychain use secret-service").done();
        this
    }

    pub fn home(&self) -> PathBuf {
        self.folder().join("home")
    }

    fn folder(&self) -> &Path {
        self.keyring.bus().folder()
    }

    pub fn vault(&self) -> PathBuf {
        self.home().join(".local/share/regcred/vault.age")
    }

    pub fn env(&self) -> Env {
        let env = self.keyring.env();
        if self.without_bus {
            // The folder that the bus's socket is in goes with it.
            env.without("DBUS_SESSION_BUS_ADDRESS").without("XDG_RUNTIME_DIR")
        } else {
            env
        }
    }

    /// A program in this session.
    pub fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.env().iter());
        command
    }

    /// `kubectl regcred` with this command line.
    pub fn regcred(&self, line: &str) -> Ran {
        self.ended(self.start(line))
    }

    /// Starts it.
    pub fn start(&self, line: &str) -> Child {
        start(self.command(PLUGIN), line)
    }

    /// The same as somebody else would: with this keychain in use for this one alone.
    pub fn start_for(&self, store: StoreName, line: &str) -> Child {
        let mut command = self.command(PLUGIN);
        command.env("XDG_CONFIG_HOME", self.config_for(store));
        start(command, line)
    }

    /// A folder with a configuration by which this keychain is in use.
    pub fn config_for(&self, store: StoreName) -> PathBuf {
        let folder = self.folder().join(format!("tmp/{store}"));
        let key_file = self.home().join("vault.key");
        std::fs::create_dir_all(folder.join("regcred")).unwrap();
        let text = format!("keychain = \"{store}\"\nvault-key-file = \"{}\"\n", key_file.display());
        std::fs::write(folder.join("regcred/config.toml"), text).unwrap();
        folder
    }

    /// What it printed, without what differs from one run to the next.
    pub fn ended(&self, child: Child) -> Ran {
        let output = child.wait_with_output().unwrap();
        let folder = self.folder().display().to_string();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&folder, "[FOLDER]");
        Ran {
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            code: output.status.code().unwrap_or(-1),
        }
    }

    /// A command as it was printed for a person.
    pub fn typed(&self, line: &str) {
        let line = line.strip_prefix("kubectl regcred ").unwrap();
        self.regcred(line).done();
    }

    pub fn keychain(&self, store: StoreName) -> Keychain {
        Keychain::open_store(&self.env(), store).unwrap()
    }

    /// Everything in a keychain, with its secrets.
    pub fn items(&self, store: StoreName) -> BTreeMap<Name, StoredItem> {
        let keychain = self.keychain(store);
        // gnome-keyring drops a call now and then while a client before this one is taken off the bus.
        let mut names = None;
        until("the keychain lists its items", || {
            names = keychain.names().ok();
            names.is_some()
        });
        let names = names.unwrap_or_default().into_keys();
        let kept = |name: Name| keychain.item(&name).unwrap().map(|kept| (name, kept));
        names.filter_map(kept).collect()
    }

    pub fn put(&self, store: StoreName, registry: &str, username: &str, token: &str) {
        let name = Name::of_server(registry, Use::Docker).unwrap();
        self.keychain(store)
            .write(&name, &credential(&name, username, token))
            .unwrap();
    }

    /// The token for docker.
    pub fn token(&self, store: StoreName, registry: &str) -> Option<String> {
        let found = self.keychain(store).get(&registry.parse().unwrap(), Use::Docker);
        found.unwrap().map(|found| found.token.expose().to_owned())
    }

    /// Puts one of every kind into a keychain.
    pub fn fill(&self, store: StoreName) -> BTreeMap<Name, StoredItem> {
        for (server, username, token) in [
            // What KeePassXC would take for a placeholder.
            ("gitea.example.com", "admin", "{USERNAME}"),
            ("localhost:5000", "<token>", "ümlaut \"quoted\" \\ <&>"),
            ("docker.io", "alice", "pat"),
            ("https://index.docker.io/v1/access-token", "alice", "access"),
            ("https://index.docker.io/v1/refresh-token", "alice", "refresh"),
        ] {
            self.put(store, server, username, token);
        }
        self.rotating(store, "gitea.example.com", Use::Cluster);
        let items = self.items(store);
        assert_eq!(items.len(), 6);
        items
    }

    /// Puts a credential into a keychain of which a rotation is pending.
    pub fn rotating(&self, store: StoreName, registry: &str, usage: Use) -> StoredItem {
        let keychain = self.keychain(store);
        let name = Name::login(&registry.parse().unwrap(), usage);
        let idle = StoredItem {
            current: credential(&name, "admin", "old"),
            rotation: None,
        };
        keychain.write(&name, &idle.current).unwrap();
        let kept = StoredItem {
            rotation: Some(Rotation {
                phase: Phase::Writing,
                other: Some(credential(&name, "admin", "new")),
                journal: r#"{"targets":[ "{a}" ]}"#.to_owned(),
            }),
            ..idle.clone()
        };
        keychain.replace(&name, &idle, &kept).unwrap();
        kept
    }

    /// Takes an item out of a keychain, which nobody may who does not end its rotation first.
    pub fn forget(&self, store: StoreName, name: &Name, kept: &StoredItem) {
        let idle = StoredItem {
            rotation: None,
            ..kept.clone()
        };
        let keychain = self.keychain(store);
        keychain.replace(name, kept, &idle).unwrap();
        assert!(keychain.remove(name).unwrap());
    }

    /// Puts something else into the Secret Service's item of a registry, as another program would.
    pub fn damage(&self, registry: &str) {
        let service = SecretService::new(&self.env());
        let entry = service.build("kubectl-regcred", &format!("docker {registry}"), None);
        entry.unwrap().set_password("no JSON").unwrap();
    }
}

fn start(mut command: Command, line: &str) -> Child {
    command.args(line.split_whitespace()).stdin(Stdio::null());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn credential(name: &Name, username: &str, token: &str) -> Credential {
    Credential {
        registry: name.registry.clone(),
        username: username.parse().unwrap(),
        token: Token::parse(token).unwrap(),
    }
}
