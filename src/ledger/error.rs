//! Why the ledger cannot be used.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use crate::model::printable;
use crate::sys::replace;

/// Longest quotation of what is wrong with the file, in characters.
const MAX_QUOTED: usize = 200;

/// Why the ledger cannot be used.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LedgerError {
    /// Neither `$XDG_STATE_HOME` nor `$HOME` is set.
    #[error("there is no home folder to keep the ledger in")]
    NoHome,
    #[error("the ledger {path} cannot be read: {cause}", path = path.display())]
    Read { path: PathBuf, cause: io::Error },
    #[error("the ledger {path} cannot be written: {cause}", path = path.display())]
    Write { path: PathBuf, cause: io::Error },
    /// Another process has held its lock for this long.
    #[error("another regcred has kept the ledger locked for {} s", .waited.as_secs())]
    Busy { waited: Duration },
    /// It is no ledger.
    #[error("the ledger {path} is damaged: {what}", path = path.display())]
    Damaged { path: PathBuf, what: String },
    #[error("the ledger {path} was written by another version of regcred (format {version})", path = path.display())]
    Version { path: PathBuf, version: u32 },
}

impl LedgerError {
    pub(super) fn damaged(path: &Path, error: &serde_json::Error) -> Self {
        Self::Damaged {
            path: path.to_owned(),
            what: printable(&error.to_string(), MAX_QUOTED),
        }
    }

    /// What to do.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::NoHome => Some("set HOME"),
            Self::Damaged { .. } => Some(
                "rename the file: kubectl regcred where makes a new one from what the clusters show, and sync \
                     --actions-secret PLACE notes an Actions secret again; where files are, and how registries are reached, \
                     is lost with it",
            ),
            Self::Version { .. } => Some("use that version, or a later one"),
            Self::Busy { .. } => Some("see whether another regcred hangs, and try again"),
            Self::Write { cause, .. } => replace::hint(cause),
            Self::Read { .. } => None,
        }
    }
}
