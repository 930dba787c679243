//! Vault errors. None of them changes the file.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::kernel_key::KernelKeyringError;
use crate::model::{CommandLine, Hint};
use crate::sys::replace;

/// The reason given for a locked vault without a passphrase.
pub const NO_KEY_FILE: &str = "it opens with a key file, and none was named";

/// Why a vault operation failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// Neither variable names the folder for this user's data.
    #[error("there is no place for a vault: neither XDG_DATA_HOME nor HOME is set")]
    NoHome,
    /// The vault was chosen but does not exist.
    #[error("there is no vault at {}", .0.display())]
    Missing(PathBuf),
    /// Creating a vault where there is one already.
    #[error("there is a vault already at {}", .0.display())]
    Exists(PathBuf),
    /// It has not been unlocked since it was locked or since the last reboot.
    #[error("the vault is locked")]
    Locked,
    /// It has no passphrase, and no key file is configured.
    #[error("the vault is locked: {NO_KEY_FILE}")]
    LockedWithoutPassphrase,
    /// Its key file cannot be read; it has a passphrase too.
    #[error("the vault is locked: its key file {} cannot be read: {cause}", path.display())]
    LockedWithoutKeyFile {
        path: PathBuf,
        cause: io::Error,
        /// Whether the passphrase could unlock it here.
        kernel: Result<(), KernelKeyringError>,
    },
    /// It is locked, and the kernel's keyring cannot hold its key.
    #[error("the vault is locked: {0}")]
    NoKernelKeyring(#[source] KernelKeyringError),
    /// The key could not be added to or removed from the kernel's keyring.
    #[error(transparent)]
    Kernel(KernelKeyringError),
    /// The key is wrapped with another passphrase.
    #[error("this is not the vault's passphrase")]
    WrongPassphrase,
    /// A passphrase was given for a vault that has none.
    #[error("this vault has no passphrase: it opens with a key file")]
    NoPassphrase,
    /// The key file holds another vault's key.
    #[error("the key in {} does not open the vault {}", key_file.display(), vault.display())]
    WrongKey { key_file: PathBuf, vault: PathBuf },
    #[error("the vault's key file {} cannot be used: {cause}", path.display())]
    KeyFile { path: PathBuf, cause: KeyFileProblem },
    /// Truncated, changed, or not written by this program.
    #[error("the vault {} is damaged: {what}", path.display())]
    Damaged {
        path: PathBuf,
        /// What is wrong, as part of a sentence.
        what: &'static str,
    },
    /// Written by a newer version of this program.
    #[error("the vault {} is of format {version}, which this version of regcred does not know", path.display())]
    Version { path: PathBuf, version: String },
    /// Other users have permissions on it.
    #[error("the vault {} is open to other users: its mode is {mode:04o}", path.display())]
    Exposed { path: PathBuf, mode: u32 },
    /// Owned by another user, for example after a use of `sudo`.
    #[error("the vault {} belongs to another user (uid {owner})", path.display())]
    Foreign { path: PathBuf, owner: u32 },
    /// Reading failed.
    #[error("the vault {} cannot be read: {cause}", path.display())]
    Read { path: PathBuf, cause: io::Error },
    /// Its lock file cannot be created or locked.
    #[error("the vault's lock file {} cannot be used: {cause}", path.display())]
    Lock { path: PathBuf, cause: io::Error },
    /// Writing failed.
    #[error("the vault {} cannot be written: {cause}", path.display())]
    Write { path: PathBuf, cause: io::Error },
}

/// Why a key file cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyFileProblem {
    /// Reading or creating it failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Other users may read or change it.
    #[error("it is open to other users: its mode is {0:04o}")]
    Exposed(u32),
    /// Owned by neither this user nor root.
    #[error("it belongs to another user (uid {0})")]
    Foreign(u32),
    /// It contains something else than exactly one key.
    #[error("it does not hold one key, a line AGE-SECRET-KEY-1…")]
    NotAKey,
}

impl Error {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<Hint> {
        let (what, command) = match self {
            Self::Missing(_) => (
                "put a copy of it from a backup there, or make a new one",
                "kubectl regcred keychain use vault",
            ),
            Self::Exists(_) => ("use it", "kubectl regcred keychain use vault"),
            Self::Locked => ("unlock it", "kubectl regcred keychain unlock"),
            Self::LockedWithoutKeyFile { kernel: Ok(()), .. } => (
                "bring the key file back, or unlock it with its passphrase",
                "kubectl regcred keychain unlock",
            ),
            Self::WrongPassphrase => ("try again", "kubectl regcred keychain unlock"),
            other => return other.advice().map(Hint::from),
        };
        Some(Hint::to(what, CommandLine::new(command)))
    }

    fn advice(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoHome => "set HOME to your home folder",
            Self::LockedWithoutPassphrase => {
                "set REGCRED_VAULT_KEY_FILE to its key file, or: kubectl regcred keychain unlock --key-file FILE"
            }
            Self::LockedWithoutKeyFile { .. } => {
                "bring the key file back, or make another one with the vault's passphrase: \
                 kubectl regcred keychain use vault --key-file FILE"
            }
            Self::NoKernelKeyring(refused) | Self::Kernel(refused) => return refused.hint(),
            Self::NoPassphrase => "kubectl regcred keychain unlock --key-file FILE",
            Self::WrongKey { .. } => {
                "set REGCRED_VAULT_KEY_FILE to the file with this vault's key; see where the key file is configured with: \
                 kubectl regcred keychain status"
            }
            Self::KeyFile {
                cause: KeyFileProblem::Exposed(_),
                ..
            } => "chmod 600 it",
            Self::KeyFile {
                cause: KeyFileProblem::Foreign(_),
                ..
            } => "let it belong to yourself or to root: chown it, or make a copy of your own",
            Self::KeyFile {
                cause: KeyFileProblem::NotAKey,
                ..
            } => "age-keygen makes such files, and so does: kubectl regcred keychain use vault --key-file FILE",
            Self::KeyFile {
                cause: KeyFileProblem::Io(cause),
                ..
            }
            | Self::Lock { cause, .. }
                if replace::hint(cause).is_some() =>
            {
                return replace::hint(cause);
            }
            Self::KeyFile { .. } => "see where it is configured with: kubectl regcred keychain status",
            Self::Damaged { .. } => {
                "it is left as it is: put a copy of it from a backup there; or move it away, \
                 and begin a new one with: kubectl regcred keychain use vault"
            }
            Self::Version { .. } => "it is left as it is: upgrade with kubectl krew upgrade regcred",
            Self::Exposed { .. } => {
                "chmod 600 it; where others have had access to this machine, change its passphrase too: \
                 kubectl regcred keychain passphrase"
            }
            Self::Foreign { .. } => "chown it to yourself, or run this as that user",
            Self::Write { cause, .. } => return replace::hint(cause),
            Self::Lock { .. } => "its folder has to be writable: check its owner and mode",
            // A missing file is [`Self::Missing`], so this is a dangling link.
            Self::Read { cause, .. } if cause.kind() == io::ErrorKind::NotFound => {
                "it is a link: bring back what it leads to, or remove the link"
            }
            Self::Read { cause, .. } if cause.kind() == io::ErrorKind::PermissionDenied => {
                "it or its folder belongs to another user, as after sudo: chown -R the folder to yourself"
            }
            Self::Read { .. } => "look what is in its place: it is a file below folders of your own",
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_is_the_command_that_mends_it_by_itself() {
        let without_key_file = |kernel| Error::LockedWithoutKeyFile {
            path: PathBuf::new(),
            cause: io::ErrorKind::NotFound.into(),
            kernel,
        };
        for error in [Error::Locked, without_key_file(Ok(())), Error::Missing(PathBuf::new())] {
            assert!(error.hint().unwrap().command().is_some(), "{error}");
        }
        let refused = KernelKeyringError::Forbidden;
        for error in [without_key_file(Err(refused.clone())), Error::NoKernelKeyring(refused)] {
            assert_eq!(error.hint().unwrap().command(), None, "{error}");
        }
    }
}
