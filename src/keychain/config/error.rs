//! Errors of the configuration file.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use super::{KEYCHAIN, NAME, StoreNameError, VAULT_KEY_FILE};
use crate::model::Writer;
use crate::sys::replace;

/// Why `config.toml` could not be read or changed. A failed change leaves it as it was.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Neither `HOME` nor `XDG_CONFIG_HOME` names a folder.
    #[error("there is no folder for {}: HOME is not set, nor is XDG_CONFIG_HOME", super::BELOW)]
    NoHome,
    #[error("{} is {what}", path.display())]
    NotAFile { path: PathBuf, what: &'static str },
    #[error("{} is longer than {} KiB, which no such file is", path.display(), super::MAX_FILE / 1024)]
    TooLong { path: PathBuf },
    /// A dangling symbolic link, so the chosen keychain is not known.
    #[error("{} is a link to a file that is not there", path.display())]
    Dangling { path: PathBuf },
    /// Reading failed.
    #[error("cannot read {}: {cause}", path.display())]
    Read { path: PathBuf, cause: io::Error },
    /// A line is not valid.
    #[error("{} line {line}: {cause}", path.display())]
    Content {
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        cause: LineError,
    },
    #[error("{} is not an absolute path in UTF-8", .0.display())]
    KeyFile(PathBuf),
    /// Changing the file failed, or creating its folder or lock.
    #[error("cannot change {}: {cause}", path.display())]
    Write {
        /// The file, its folder or its lock file.
        path: PathBuf,
        cause: io::Error,
    },
    /// It is a link to a read-only file, such as one that NixOS or Home Manager created.
    #[error("cannot change {}: it is a link to {}: {cause}", path.display(), target.display())]
    LinkedAway {
        path: PathBuf,
        target: PathBuf,
        cause: io::Error,
    },
    /// The file has changed since it was read.
    #[error("another program changed {}", path.display())]
    Changed { path: PathBuf },
    /// Another process holds the write lock.
    #[error("another regcred has been changing {} for {} s", path.display(), waited.as_secs())]
    Busy { path: PathBuf, waited: Duration },
}

/// Why a line of `config.toml` is not valid.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LineError {
    #[error("it is not UTF-8 text")]
    NotText,
    /// Not valid TOML; with the parser's message.
    #[error("it is not TOML: {0}")]
    Syntax(String),
    /// An unknown or misspelt setting.
    #[error("\"{0}\" is not a setting that regcred knows: there are {KEYCHAIN}, {NAME} and {VAULT_KEY_FILE}")]
    UnknownKey(String),
    /// The value is a number, a list or a table.
    #[error("{0} has to be text in quotes")]
    NotAString(&'static str),
    #[error(transparent)]
    Store(#[from] StoreNameError),
    /// The path is relative.
    #[error("{VAULT_KEY_FILE} has to be an absolute path: \"{0}\" is not")]
    RelativePath(String),
    /// The name is empty, too long, or has characters that cannot be shown.
    #[error(
        "{NAME} has to be one line of 1 to {} characters that can be shown",
        Writer::MAX_NAME
    )]
    Name,
}

impl ConfigError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoHome => "set HOME to your home folder, or XDG_CONFIG_HOME to your configuration folder",
            Self::NotAFile { .. } | Self::TooLong { .. } => "see what it is, and move it away if nothing needs it",
            Self::Dangling { .. } => {
                "bring back what it links to, or remove the link: without the file, the system's keychain is used"
            }
            Self::Read { .. } => "see to it that you may read it; without the file, the system's keychain is used",
            Self::Content { cause, .. } => match cause {
                LineError::NotText => "save the file as UTF-8 in an editor",
                LineError::RelativePath(_) => {
                    "write the path out in an editor, without ~ and $: vault-key-file = \"/home/me/.config/regcred/vault.key\""
                }
                LineError::Name => {
                    "correct the line in an editor, or remove it: then it is your user name and the host's"
                }
                LineError::Store(_) => {
                    "correct the line in an editor, or remove it: then the system's keychain is used"
                }
                LineError::Syntax(_) | LineError::UnknownKey(_) | LineError::NotAString(_) => {
                    "correct the line in an editor; what it can say is like this: keychain = \"vault\""
                }
            },
            Self::KeyFile(_) => "give an absolute path, such as /home/me/.config/regcred/vault.key",
            Self::LinkedAway { .. } => {
                "change it where it is made, such as in Home Manager's configuration; what it can say is like this: \
                 keychain = \"vault\""
            }
            Self::Changed { .. } => "see what it says now, and try again",
            Self::Busy { .. } => "see whether another regcred hangs, and try again",
            Self::Write { cause, .. } => return replace::hint(cause),
        })
    }
}
