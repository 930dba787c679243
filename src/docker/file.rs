//! Reading docker's and podman's files.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{Config, ConfigError, Error};
use crate::sys::replace;
use crate::sys::whole_file::{self, ReadFileError};

/// Size limit in octets; a file with a few hundred logins has some 100 kB.
const MAX_FILE: u64 = 16 * 1024 * 1024;

/// A file as it was read; it need not exist.
#[derive(Clone, Debug)]
pub struct File {
    /// The path that its client uses.
    pub path: PathBuf,
    /// The path with all symbolic links resolved.
    pub target: PathBuf,
    /// The document, empty if the file does not exist.
    pub config: Config,
    /// The content; `None` if the file does not exist.
    pub(super) bytes: Option<Zeroizing<Vec<u8>>>,
    /// Other hard links, which keep the old content when this name is replaced.
    pub other_names: Option<OtherNames>,
}

/// Further hard links to a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OtherNames {
    /// The mount point of the file system that they are on.
    pub mount: PathBuf,
    /// The file's number there.
    pub inode: u64,
}

#[cfg(unix)]
fn other_names(target: &Path) -> Option<OtherNames> {
    use std::os::unix::fs::MetadataExt as _;
    let found = std::fs::metadata(target).ok().filter(|found| found.nlink() > 1)?;
    let is_same = |folder: &&Path| std::fs::metadata(folder).is_ok_and(|folder| folder.dev() == found.dev());
    let mount = target.ancestors().skip(1).take_while(is_same).last()?;
    Some(OtherNames {
        mount: mount.to_owned(),
        inode: found.ino(),
    })
}

/// std does not count hard links on Windows, where they are unusual for such files.
#[cfg(not(unix))]
fn other_names(_: &Path) -> Option<OtherNames> {
    None
}

impl File {
    /// Reads the file at `path`, which need not exist.
    pub fn read(path: &Path) -> Result<Self, Error> {
        Self::read_by(path, Config::parse)
    }

    /// The same as docker, which passes over what follows the first value. Such a file is only looked at.
    pub(super) fn read_as_docker(path: &Path) -> Result<Self, Error> {
        Self::read_by(path, Config::parse_first)
    }

    fn read_by(path: &Path, parse: impl Fn(&[u8]) -> Result<Config, ConfigError>) -> Result<Self, Error> {
        let target = replace::target(path).map_err(|cause| Error::Read {
            path: path.to_owned(),
            cause,
        })?;
        let bytes = bytes(&target).map_err(|error| error.at(path))?;
        let config = parse(bytes.as_ref().map_or(&[], |bytes| bytes.as_slice())).map_err(|cause| Error::Document {
            path: path.to_owned(),
            cause,
        })?;
        Ok(Self {
            path: path.to_owned(),
            other_names: other_names(&target),
            target,
            config,
            bytes,
        })
    }

    pub fn exists(&self) -> bool {
        self.bytes.is_some()
    }

    /// Whether the path or one of its folders is a symbolic link.
    pub fn is_linked(&self) -> bool {
        self.path != self.target
    }
}

/// The file's bytes; `None` if there is no file.
pub(super) fn bytes(target: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
    let path = || target.to_owned();
    whole_file::read(target, MAX_FILE).map_err(|why| match why {
        ReadFileError::NotAFile(what) => Error::NotAFile { path: path(), what },
        ReadFileError::TooLong => Error::TooLong {
            path: path(),
            max: MAX_FILE,
        },
        ReadFileError::System(cause) => Error::Read { path: path(), cause },
    })
}
