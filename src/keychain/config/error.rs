//! What can go wrong with what regcred remembers about the keychain.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use super::{KEYCHAIN, StoreNameError, VAULT_KEY_FILE};

/// Why `config.toml` was not read or not changed. Where it was not changed, it is as it was.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// Neither `HOME` nor `XDG_CONFIG_HOME` names a folder, so nothing can be remembered.
    #[error("there is no folder for {}: HOME is not set, nor is XDG_CONFIG_HOME", super::BELOW)]
    NoHome,
    #[error("{} is {what}", path.display())]
    NotAFile { path: PathBuf, what: &'static str },
    #[error("{} is longer than {} KiB, which no such file is", path.display(), super::MAX_FILE / 1024)]
    TooLong { path: PathBuf },
    /// It is a symbolic link to a file that is not there: what was chosen in it is not known.
    #[error("{} is a link to a file that is not there", path.display())]
    Dangling { path: PathBuf },
    /// The system does not let us read it.
    #[error("cannot read {}: {cause}", path.display())]
    Read { path: PathBuf, cause: io::Error },
    /// It can be read and does not say what regcred understands.
    #[error("{} line {line}: {cause}", path.display())]
    Content {
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        cause: LineError,
    },
    #[error("{} is not a whole path in UTF-8", .0.display())]
    KeyFile(PathBuf),
    /// The system does not let us change it, or what belongs to it.
    #[error("cannot change {}: {cause}", path.display())]
    Write {
        /// The file, its folder or its lock file.
        path: PathBuf,
        cause: io::Error,
    },
    /// It is a link to where nobody may write, such as a file that NixOS or Home Manager made.
    #[error("cannot change {}: it is a link to {}: {cause}", path.display(), target.display())]
    LinkedAway {
        path: PathBuf,
        target: PathBuf,
        cause: io::Error,
    },
    /// It is not what it was when this was decided.
    #[error("another program changed {}", path.display())]
    Changed { path: PathBuf },
    /// Another process holds the lock that keeps two of them from writing at once.
    #[error("another regcred has been changing {} for {} s", path.display(), waited.as_secs())]
    Busy { path: PathBuf, waited: Duration },
}

/// What is wrong with a line of `config.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum LineError {
    #[error("it is not UTF-8 text")]
    NotText,
    /// No TOML; in the parser's words.
    #[error("it is not TOML: {0}")]
    Syntax(String),
    /// A key that this version does not know, or a misspelt one.
    #[error("\"{0}\" is no setting that regcred knows: there is {KEYCHAIN} and {VAULT_KEY_FILE}")]
    UnknownKey(String),
    /// A number, a list, a table.
    #[error("{0} has to be text in quotes")]
    NotAString(&'static str),
    #[error(transparent)]
    Store(#[from] StoreNameError),
    /// A path that would lead to another file from every folder.
    #[error("{VAULT_KEY_FILE} has to be a whole path, from the root folder on: \"{0}\" is not")]
    RelativePath(String),
}

impl ConfigError {
    /// What to do about it, where there is something to do.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoHome => "let HOME name your home folder, or XDG_CONFIG_HOME the folder of your configuration",
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
                LineError::Store(_) => {
                    "correct the line in an editor, or remove it: then the system's keychain is used"
                }
                LineError::Syntax(_) | LineError::UnknownKey(_) | LineError::NotAString(_) => {
                    "correct the line in an editor; what it can say is like this: keychain = \"vault\""
                }
            },
            Self::KeyFile(_) => "give the path from the root folder on, such as /home/me/.config/regcred/vault.key",
            Self::LinkedAway { .. } => {
                "change it where it is made, such as in Home Manager's configuration; what it can say is like this: \
                 keychain = \"vault\""
            }
            Self::Changed { .. } => "see what it says now, and try again",
            Self::Busy { .. } => "see whether another regcred hangs, and try again",
            Self::Write { .. } => return None,
        })
    }
}
