//! The state of this machine's keychains, without prompting and without reading a secret.

use std::path::PathBuf;

use crate::keychain::vault::{self, KeyState, Source, Vault};
use crate::keychain::{Config, Error, Keychain, StoreName};
use crate::sys::env::Env;

/// The keychain in use, and where it was chosen.
pub(super) struct Choice {
    pub(super) store: StoreName,
    /// The configuration file that chooses it; `None` for the default.
    pub(super) chosen_in: Option<PathBuf>,
}

/// The state that needs no other process: the vault, its key file and the kernel's keyring.
pub(super) struct LocalState {
    pub(super) vault: Result<Open, Error>,
    /// The vault's path, whether or not it exists.
    pub(super) path: Option<PathBuf>,
    pub(super) key_file: Option<KeyFile>,
    /// Whether the kernel's keyring can be used.
    pub(super) kernel: Result<(), Error>,
}

/// The key file of a vault.
pub(super) struct KeyFile {
    pub(super) path: PathBuf,
    pub(super) named_by: &'static str,
    pub(super) exists: bool,
}

/// A keychain that answers.
pub(super) struct Open {
    pub(super) credentials: usize,
    /// What opens the vault.
    pub(super) key: Option<KeyState>,
}

/// Why a keychain cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unavailable {
    Absent,
    Locked,
    Failed,
}

impl Unavailable {
    pub(super) fn of(error: &Error) -> Self {
        use vault::Error as V;
        match error {
            Error::NoBus | Error::ForeignRuntimeFolder { .. } | Error::NoService | Error::Vault(V::Missing(_)) => {
                Self::Absent
            }
            Error::Locked
            | Error::Vault(
                V::Locked | V::LockedWithoutPassphrase | V::LockedWithoutKeyFile { .. } | V::NoKernelKeyring(_),
            ) => Self::Locked,
            _ => Self::Failed,
        }
    }
}

pub(super) fn choice(config: &Config) -> Choice {
    Choice {
        store: config.store.unwrap_or(StoreName::System),
        chosen_in: config.path.clone().filter(|_| config.store.is_some()),
    }
}

pub(super) fn here(config: &Config, env: &Env) -> LocalState {
    let found = Vault::new(env, config);
    let key_file = found.as_ref().ok().and_then(|vault| match vault.source() {
        Source::File { path, named_by } => Some(KeyFile {
            path: path.clone(),
            named_by,
            exists: path.exists(),
        }),
        Source::Kernel => None,
    });
    LocalState {
        path: found.as_ref().ok().map(|vault| vault.path().to_owned()),
        key_file,
        kernel: found
            .as_ref()
            .map_or(Ok(()), |vault| vault.can_be_unlocked().map_err(Error::from)),
        vault: found.map_err(Error::from).and_then(|vault| {
            Ok(Open {
                credentials: count(env, StoreName::Vault)?,
                key: Some(vault.state()?.key),
            })
        }),
    }
}

/// The system's keychain. A session bus that does not answer takes seconds, so the caller prints the rest first.
pub(super) fn desktop(env: &Env) -> Result<Open, Error> {
    if Keychain::is_system_locked(env)? {
        return Err(Error::Locked);
    }
    Ok(Open {
        credentials: count(env, StoreName::System)?,
        key: None,
    })
}

fn count(env: &Env, name: StoreName) -> Result<usize, Error> {
    Ok(Keychain::open_store(env, name)?.list_metadata()?.len())
}
