//! The keychains that are real parts, for the scenarios that hold on each of them.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use regcred::sys::env::Env;

use super::keyring::{Keyring, PASSWORD, Product};
use super::part::missing;
use super::vault::{self, VaultHome};

/// Which keychain it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A Secret Service.
    Service(Product),
    /// The vault, on a machine without D-Bus.
    Vault,
}

impl Kind {
    /// What it needs and is not here.
    #[must_use]
    pub fn missing(self) -> Vec<&'static str> {
        match self {
            Self::Service(product) => missing(&product.parts()),
            Self::Vault => vault::missing(),
        }
    }

    /// Starts it, unlocked and empty.
    pub fn start(self) -> Store {
        match self {
            Self::Service(product) => Store::Service(Keyring::start_product(product)),
            Self::Vault => Store::Vault(VaultHome::start()),
        }
    }
}

/// A keychain that is there.
pub enum Store {
    /// A Secret Service.
    Service(Keyring),
    /// The vault.
    Vault(VaultHome),
}

impl Store {
    /// The environment of a session with it, for child processes and for use in this process.
    pub fn env(&self) -> Env {
        match self {
            Self::Service(keyring) => keyring.env(),
            Self::Vault(home) => home.env(),
        }
    }

    /// A program in this session.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        match self {
            Self::Service(keyring) => keyring.command(program),
            Self::Vault(home) => home.command(program),
        }
    }

    /// The folder that holds `home`, `run` and `tmp`.
    pub fn folder(&self) -> &Path {
        match self {
            Self::Service(keyring) => keyring.bus().folder(),
            Self::Vault(home) => home.folder(),
        }
    }

    /// The Secret Service, where it is one.
    ///
    /// # Panics
    /// Where it is none.
    pub fn keyring(&mut self) -> &mut Keyring {
        match self {
            Self::Service(keyring) => keyring,
            Self::Vault(_) => panic!("only on a Secret Service"),
        }
    }

    /// What every action says while it is locked.
    pub fn is_locked_text(&self) -> &'static str {
        match self {
            Self::Service(_) => "the keyring is locked",
            Self::Vault(_) => "the vault is locked",
        }
    }

    /// Locks it.
    pub fn lock(&mut self) {
        match self {
            Self::Service(keyring) => keyring.lock(),
            Self::Vault(home) => home.lock(),
        }
    }

    /// Unlocks it without a prompt.
    pub fn unlock(&self) {
        match self {
            Self::Service(keyring) => keyring.unlock(),
            Self::Vault(home) => home.unlock(),
        }
    }

    /// As after a crash of the daemon or of the machine: it is there again, and nobody has given it the password.
    pub fn crash(&mut self) {
        match self {
            Self::Service(keyring) => {
                keyring.kill_daemon();
                keyring.start_daemon(None);
            }
            Self::Vault(home) => home.reboot(),
        }
    }

    /// Ends it in good order, starts it again and unlocks it.
    pub fn restart(&mut self) {
        match self {
            Self::Service(keyring) => {
                keyring.stop_daemon();
                keyring.start_daemon(Some(PASSWORD));
            }
            Self::Vault(home) => {
                home.reboot();
                home.unlock();
            }
        }
    }
}
