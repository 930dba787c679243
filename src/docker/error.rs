//! Errors with docker's and podman's files.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use thiserror::Error;

use super::{ConfigError, HELPER};
use crate::model::CommandLine;
use crate::sys::replace;

/// Why a file could not be read or changed. A failed change leaves it as it was.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// Neither `HOME` nor `DOCKER_CONFIG` is set.
    #[error("there is no home folder: HOME is not set, nor is DOCKER_CONFIG")]
    NoHome,
    #[error("{} is {what}", path.display())]
    NotAFile { path: PathBuf, what: &'static str },
    #[error("{} is longer than {} MiB, which no such file is", path.display(), max / 1024 / 1024)]
    TooLong {
        path: PathBuf,
        /// The limit, in octets.
        max: u64,
    },
    /// Reading failed.
    #[error("cannot read {}: {cause}", path.display())]
    Read { path: PathBuf, cause: io::Error },
    #[error("{} cannot be used: {cause}", path.display())]
    Document { path: PathBuf, cause: ConfigError },
    /// Changing failed.
    #[error("cannot change {}: {cause}", path.display())]
    Write { path: PathBuf, cause: io::Error },
    /// It is a link to a read-only file, such as one that NixOS or Home Manager created.
    #[error("cannot change {}: it is a link to {}: {cause}", path.display(), target.display())]
    LinkedAway {
        path: PathBuf,
        target: PathBuf,
        cause: io::Error,
    },
    /// The file has changed since it was read.
    #[error("another program keeps changing {}", path.display())]
    Changed { path: PathBuf },
    #[error("another regcred has been changing docker's files for {} s", .0.as_secs())]
    Busy(Duration),
    /// The setup record is damaged.
    #[error("{}, where setting up is remembered, cannot be read", path.display())]
    DamagedRecord { path: PathBuf },
    /// The setup record was written by a later version.
    #[error("{} was written by a later version of regcred", path.display())]
    LaterRecord { path: PathBuf },
}

impl Error {
    /// The same error with the path that the user knows the file by.
    pub(super) fn at(mut self, name: &Path) -> Self {
        match &mut self {
            Self::NotAFile { path, .. }
            | Self::TooLong { path, .. }
            | Self::Read { path, .. }
            | Self::Document { path, .. }
            | Self::Write { path, .. }
            | Self::LinkedAway { path, .. }
            | Self::Changed { path }
            | Self::DamagedRecord { path }
            | Self::LaterRecord { path } => name.clone_into(path),
            Self::NoHome | Self::Busy(_) => {}
        }
        self
    }

    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NoHome => "set HOME to your home folder, or DOCKER_CONFIG to the folder of config.json".to_owned(),
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
                ConfigError::More => format!(
                    "delete what follows in {}, in an editor: docker passes over it, and podman does not read the file",
                    path.display()
                ),
                _ => format!(
                    "correct {} in an editor: docker and podman cannot read it either",
                    path.display()
                ),
            },
            Self::LinkedAway { target, .. } => format!(
                "let whatever makes {} put this into it: \"credHelpers\": {{\"REGISTRY\": \"{HELPER}\"}}",
                target.display()
            ),
            Self::Changed { .. } => "stop the program that keeps changing it, and try again".to_owned(),
            Self::Busy(_) => "see whether another regcred waits for an answer, and try again".to_owned(),
            Self::DamagedRecord { path } => format!(
                "move {} away: our helper can be taken out without it, but what it replaced does not come back",
                path.display()
            ),
            Self::LaterRecord { .. } => "update kubectl-regcred: kubectl krew upgrade regcred".to_owned(),
            Self::Write { cause, .. } if cfg!(windows) && cause.kind() == io::ErrorKind::PermissionDenied => {
                "close the program that has it open, and try again".to_owned()
            }
            Self::Write { path, cause } if cause.kind() == io::ErrorKind::PermissionDenied => {
                let shown = |path: &Path| path.display().to_string();
                let list = CommandLine::new("ls -ld").value("FILE", shown(path));
                let folder = path.parent().map(shown).unwrap_or_default();
                format!(
                    "see whose it and its folder are, and let both be yours: {}",
                    list.value("FOLDER", folder)
                )
            }
            Self::Write { cause, .. } => return replace::hint(cause).map(str::to_owned),
            Self::Read { .. } => return None,
        })
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_another_user_is_explained() {
        // What the kernel says when a file of root's is to keep its owner.
        let error = Error::Write {
            path: "/h/.docker/config.json".into(),
            cause: io::ErrorKind::PermissionDenied.into(),
        };
        let hint = error.hint().unwrap();
        assert!(hint.ends_with(": ls -ld /h/.docker/config.json /h/.docker"), "{hint}");
    }
}
