//! A machine without a desktop: somebody's home folder, and no session bus.

use std::path::{Path, PathBuf};

use linux_keyutils::{KeyError, KeyRing, KeyRingIdentifier};
use regcred::env::Env;
use tempfile::TempDir;

/// What the header of a vault begins its own line with, before version and id.
const STANZA: &str = "-> kubectl-regcred/vault ";

/// A home and a temporary folder. The key of its vault goes with it.
pub struct Server(TempDir);

impl Server {
    /// One on which nothing was done yet.
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("server-").tempdir().unwrap();
        for name in ["home", "tmp"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self(folder)
    }

    /// The folder that holds everything of this server.
    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    /// The environment of whoever works there, as ssh gives it: nothing of a session.
    pub fn env(&self) -> Env {
        let [home, tmp] = ["home", "tmp"].map(|name| self.folder().join(name));
        [("HOME", home), ("TMPDIR", tmp)].into_iter().collect()
    }

    /// The vault's file.
    pub fn vault(&self) -> PathBuf {
        self.folder().join("home/.local/share/regcred/vault.age")
    }

    /// Does to this vault what starting the machine anew does to all: its key is gone from the kernel's keyring. Says
    /// whether it was there.
    pub fn reboot(&self) -> bool {
        self.forget().unwrap()
    }

    fn forget(&self) -> Result<bool, KeyError> {
        let Some(description) = self.description() else {
            return Ok(false);
        };
        let user = KeyRing::from_special_id(KeyRingIdentifier::User, true)?;
        match user.search(&description) {
            Ok(key) => key.invalidate().map(|()| true),
            Err(KeyError::KeyDoesNotExist | KeyError::KeyExpired | KeyError::KeyRevoked) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// What its key is called in the kernel's keyring.
    fn description(&self) -> Option<String> {
        let vault = std::fs::read(self.vault()).ok()?;
        let text = String::from_utf8_lossy(&vault);
        let stanza = text.lines().find_map(|line| line.strip_prefix(STANZA))?;
        let (_, id) = stanza.split_once(' ').unwrap();
        Some(format!("kubectl-regcred:vault:{id}"))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.forget();
    }
}
