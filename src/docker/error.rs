//! What can go wrong with docker's and podman's files.

use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::ConfigError;

/// Why a file was not read or not changed. Where it was not changed, it is as it was.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// Neither `HOME` nor `DOCKER_CONFIG` is set.
    #[error("there is no home folder: HOME is not set, nor is DOCKER_CONFIG")]
    NoHome,
    /// A folder, a pipe, a device.
    #[error("{} is {what}", path.display())]
    NotAFile {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        what: &'static str,
    },
    /// Longer than any such file.
    #[error("{} is longer than {} MiB, which no such file is", path.display(), max / 1024 / 1024)]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The limit, in octets.
        max: u64,
    },
    /// The system does not let us read it.
    #[error("cannot read {}: {cause}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// It can be read and not understood.
    #[error("{} cannot be used: {cause}", path.display())]
    Document {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        cause: ConfigError,
    },
}

impl Error {
    /// The same error, about the name that people know the file by.
    pub(super) fn at(mut self, name: &Path) -> Self {
        match &mut self {
            Self::NotAFile { path, .. }
            | Self::TooLong { path, .. }
            | Self::Read { path, .. }
            | Self::Document { path, .. } => name.clone_into(path),
            Self::NoHome => {}
        }
        self
    }

    /// What to do about it, where there is something to do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoHome => "let HOME name your home folder, or DOCKER_CONFIG the folder of config.json".to_owned(),
            Self::NotAFile { path, .. } | Self::TooLong { path, .. } => {
                format!(
                    "see what is at {}, and move it away if nothing needs it",
                    path.display()
                )
            }
            Self::Document { path, cause } => match cause {
                ConfigError::Twice(member) => {
                    format!(
                        "put both \"{member}\" of {} together into one, in an editor",
                        path.display()
                    )
                }
                _ => format!(
                    "correct {} in an editor: docker does not read it either",
                    path.display()
                ),
            },
            Self::Read { .. } => return None,
        })
    }
}
