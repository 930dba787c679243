//! A vault as a real part: on a server of its own, made and opened by the plugin itself.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;

use linux_keyutils::KeyError;
use regcred::keychain::Config;
use regcred::keychain::vault::Vault;
use regcred::sys::env::Env;

use super::server::{self, Server};
use super::world::Ran;
use super::{HELPER, PLUGIN};

/// What opens a vault that has one.
pub const PASSPHRASE: &str = "correct horse battery staple";

/// `kernel keyring`, where this process may not use it.
#[must_use]
pub fn missing() -> Vec<&'static str> {
    let here = Env::from_iter([("HOME", "/nonexistent")]);
    let vault = Vault::new(&here, &Config::default()).unwrap();
    if vault.can_be_unlocked().is_err() {
        return vec!["kernel keyring"];
    }
    if server::has_foreign_keys() {
        return vec!["kernel keyring without an unlocked vault of yours (kubectl regcred keychain lock)"];
    }
    Vec::new()
}

/// A server with a vault. What the kernel keeps of it goes with it.
pub struct VaultHome {
    server: Server,
    /// What its vaults were called in the kernel's keyring: the file may be a broken one by then.
    ids: Mutex<BTreeSet<String>>,
    /// More environment variables for the programs.
    pub variables: BTreeMap<String, OsString>,
}

impl VaultHome {
    /// A machine on which nothing was chosen yet.
    pub fn empty() -> Self {
        Self {
            server: Server::start(),
            ids: Mutex::default(),
            variables: BTreeMap::new(),
        }
    }

    /// A vault with a passphrase, unlocked.
    pub fn start() -> Self {
        let home = Self::empty();
        home.regcred("keychain use vault --passphrase-stdin", PASSPHRASE).done();
        home.id();
        home
    }

    /// A vault that a key file opens, which the configuration names.
    pub fn with_key_file() -> Self {
        let home = Self::empty();
        let line = format!("keychain use vault --key-file {}", home.key_file().display());
        home.regcred(&line, "").done();
        home.id();
        home
    }

    /// The folder that holds `home` and `tmp`.
    pub fn folder(&self) -> &Path {
        self.server.folder()
    }

    /// The vault.
    pub fn file(&self) -> PathBuf {
        self.server.vault()
    }

    /// Its key file, where it has one.
    pub fn key_file(&self) -> PathBuf {
        self.folder().join("home/vault.key")
    }

    /// Where it is written that the vault is in use.
    pub fn config_file(&self) -> PathBuf {
        self.folder().join("home/.config/regcred/config.toml")
    }

    /// The environment of a login on this machine.
    pub fn env(&self) -> Env {
        let server = self.server.env();
        let server = server.iter().map(|(name, value)| (name.to_owned(), value.to_owned()));
        let path = ("PATH".into(), std::env::var_os("PATH").unwrap_or_default());
        let more = self.variables.iter().map(|(name, value)| (name.into(), value.clone()));
        // The last one of a name counts.
        server.chain([path]).chain(more).collect()
    }

    /// A program on this machine.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.env().iter()).current_dir(self.folder());
        command
    }

    /// `kubectl regcred`, with this command line and standard input.
    pub fn regcred(&self, line: &str, stdin: &str) -> Ran {
        self.run(self.command(PLUGIN).args(line.split_whitespace()), stdin)
    }

    /// `docker-credential-gitea`, as docker calls it.
    pub fn helper(&self, action: &str, stdin: &str) -> Ran {
        self.run(self.command(HELPER).arg(action), stdin)
    }

    /// Runs it to its end, with this on its standard input.
    pub fn run(&self, command: &mut Command, stdin: &str) -> Ran {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // It may have ended without reading.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        let folder = self.folder().display().to_string();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&folder, "[FOLDER]");
        Ran {
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            code: output.status.code().unwrap_or(-1),
        }
    }

    /// Locks it, by its own verb.
    pub fn lock(&self) {
        self.regcred("keychain lock", "").done();
    }

    /// Unlocks it with [`PASSPHRASE`].
    pub fn unlock(&self) {
        self.regcred("keychain unlock --passphrase-stdin", PASSPHRASE).done();
    }

    /// What a restart of the machine does to it: the kernel has forgotten its key. Those of other tests stay.
    pub fn reboot(&self) {
        self.id();
        self.forget().unwrap();
    }

    fn forget(&self) -> Result<(), KeyError> {
        self.ids
            .lock()
            .unwrap()
            .iter()
            .try_for_each(|id| server::forget(id).map(drop))
    }

    /// What it is called in the kernel's keyring.
    pub fn id(&self) -> Option<String> {
        let id = self.server.id()?;
        self.ids.lock().unwrap().insert(id.clone());
        Some(id)
    }

    /// The text of its key: what the kernel keeps, or what the key file holds.
    pub fn key_text(&self) -> String {
        let in_file = || {
            let text = fs::read_to_string(self.key_file()).unwrap();
            let key = text.lines().find(|line| line.starts_with("AGE-SECRET-KEY-1"));
            key.unwrap().to_owned()
        };
        self.kernel_key().unwrap_or_else(in_file)
    }

    /// The text of the key that the kernel keeps for it, where it is unlocked.
    pub fn kernel_key(&self) -> Option<String> {
        self.id();
        self.server.kernel_key()
    }
}

impl Drop for VaultHome {
    fn drop(&mut self) {
        self.id();
        // Where there is no such keyring, nothing is in it.
        let _ = self.forget();
    }
}
