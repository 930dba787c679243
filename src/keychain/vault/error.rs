//! What can go wrong with a vault. Whatever it is, the file stays as it is.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::kernel::Refused;
use crate::model::{CommandLine, Hint};

/// Why a vault without a passphrase stays locked.
pub const NO_KEY_FILE: &str = "it opens with a key file, and none was named";

/// Why the vault did not do what it was asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// Neither variable says where this user's data is.
    #[error("there is no place for a vault: neither XDG_DATA_HOME nor HOME is set")]
    NoHome,
    /// The vault was chosen, and there is none.
    #[error("there is no vault at {}", .0.display())]
    Missing(PathBuf),
    /// A new one was to be made, and there is one.
    #[error("there is a vault already at {}", .0.display())]
    Exists(PathBuf),
    /// Nobody has given the passphrase since it was locked, or since the machine was started.
    #[error("the vault is locked")]
    Locked,
    /// It has no passphrase, and nothing says where its key is.
    #[error("the vault is locked: {NO_KEY_FILE}")]
    LockedWithoutPassphrase,
    /// It has a passphrase too, and its key file, which would open it without, cannot be read.
    #[error("the vault is locked: its key file {} cannot be read: {cause}", path.display())]
    LockedWithoutKeyFile { path: PathBuf, cause: io::Error },
    /// It is locked, and could not be unlocked for other programs.
    #[error("the vault is locked: {0}")]
    NoKernelKeyring(#[source] Refused),
    /// The key could not be taken out of, or put into, the kernel's keyring.
    #[error(transparent)]
    Kernel(Refused),
    /// Not the passphrase that its key is wrapped with.
    #[error("this is not the vault's passphrase")]
    WrongPassphrase,
    /// A passphrase was given for a vault that has none.
    #[error("this vault has no passphrase: it opens with a key file")]
    NoPassphrase,
    /// The key file has the key of another vault.
    #[error("the key in {} does not open the vault {}", key_file.display(), vault.display())]
    WrongKey { key_file: PathBuf, vault: PathBuf },
    #[error("the vault's key file {} cannot be used: {cause}", path.display())]
    KeyFile { path: PathBuf, cause: KeyFileProblem },
    /// Cut short, changed, or not written by this program.
    #[error("the vault {} is damaged: {what}", path.display())]
    Damaged {
        path: PathBuf,
        /// What does not fit.
        what: &'static str,
    },
    /// Written by a version of this program that is newer than this one.
    #[error("the vault {} is of format {version}, which this version of regcred does not know", path.display())]
    Version { path: PathBuf, version: String },
    /// Others may read it or write to it.
    #[error("the vault {} is open to other users: its mode is {mode:04o}", path.display())]
    Exposed { path: PathBuf, mode: u32 },
    /// Somebody else's file, as `sudo` leaves one behind.
    #[error("the vault {} belongs to another user, of number {owner}", path.display())]
    Foreign { path: PathBuf, owner: u32 },
    /// The system does not let it be read.
    #[error("the vault {} cannot be read: {cause}", path.display())]
    Read { path: PathBuf, cause: io::Error },
    /// Its lock file cannot be made or locked.
    #[error("the vault's lock file {} cannot be used: {cause}", path.display())]
    Lock { path: PathBuf, cause: io::Error },
    /// The system does not let it be written.
    #[error("the vault {} cannot be written: {cause}", path.display())]
    Write { path: PathBuf, cause: io::Error },
}

/// What is the matter with a key file.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum KeyFileProblem {
    /// The system does not let it be read, or made.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// Every user of the machine may read it, or others may write to it.
    #[error("it is open to other users: its mode is {0:04o}")]
    Exposed(u32),
    /// Neither this user's nor root's.
    #[error("it belongs to another user, of number {0}")]
    Foreign(u32),
    /// It holds something else, or more than one key.
    #[error("it does not hold one key, a line AGE-SECRET-KEY-1…")]
    NotAKey,
}

impl Error {
    /// What to do about it, where there is something to do.
    pub fn hint(&self) -> Option<Hint> {
        let (what, command) = match self {
            Self::Missing(_) => (
                "put a copy of it from a backup there, or make a new one",
                "kubectl regcred keychain use vault",
            ),
            Self::Exists(_) => ("use it", "kubectl regcred keychain use vault"),
            Self::Locked => ("unlock it", "kubectl regcred keychain unlock"),
            Self::LockedWithoutKeyFile { .. } => (
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
            Self::NoHome => "let HOME name your home folder",
            Self::LockedWithoutPassphrase => {
                "let REGCRED_VAULT_KEY_FILE name its key file, or: kubectl regcred keychain unlock --key-file FILE"
            }
            Self::NoKernelKeyring(refused) | Self::Kernel(refused) => return refused.hint(),
            Self::NoPassphrase => "kubectl regcred keychain unlock --key-file FILE",
            Self::WrongKey { .. } => {
                "let REGCRED_VAULT_KEY_FILE name the file with this vault's key; what names this one is said by: \
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
            Self::KeyFile { .. } => "what names it is said by: kubectl regcred keychain status",
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
            Self::Lock { .. } => "whoever changes the vault has to write to its folder: see whose it is, and its mode",
            // A file that is not there is [`Self::Missing`]: here, a link leads nowhere.
            Self::Read { cause, .. } if cause.kind() == io::ErrorKind::NotFound => {
                "it is a link: bring back what it leads to, or remove the link"
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_is_the_command_that_mends_it_by_itself() {
        let without_key_file = Error::LockedWithoutKeyFile {
            path: PathBuf::new(),
            cause: io::ErrorKind::NotFound.into(),
        };
        for error in [Error::Locked, without_key_file, Error::Missing(PathBuf::new())] {
            assert!(error.hint().unwrap().command().is_some(), "{error}");
        }
        let hint = Error::NoKernelKeyring(Refused::Forbidden).hint().unwrap();
        assert_eq!(hint.command(), None);
    }
}
