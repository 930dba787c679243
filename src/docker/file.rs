//! Reading one of the files.

use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{Config, Error};
use crate::sys::replace;
use crate::sys::whole_file::{self, Unread};

/// More than any such file has, in octets: those with a few hundred logins have some 100 kB.
const MAX_FILE: u64 = 16 * 1024 * 1024;

/// A file as it was read, or that it was not there.
#[derive(Clone, Debug)]
pub struct File {
    /// As its client names it.
    pub path: PathBuf,
    /// Where that leads to once all symbolic links are followed.
    pub target: PathBuf,
    /// The document; of a file that is not there, an empty one.
    pub config: Config,
    /// What stood in the file; `None` where there is none.
    pub(super) bytes: Option<Zeroizing<Vec<u8>>>,
    /// Where it has other names, which keep what is in it when this one is given another file.
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

/// Windows' hard links to such files are nobody's habit, and std does not count them.
#[cfg(not(unix))]
fn other_names(_: &Path) -> Option<OtherNames> {
    None
}

impl File {
    /// Reads the file at `path`, which need not be there.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let target = replace::target(path).map_err(|cause| Error::Read {
            path: path.to_owned(),
            cause,
        })?;
        let bytes = bytes(&target).map_err(|error| error.at(path))?;
        let config =
            Config::parse(bytes.as_ref().map_or(&[], |bytes| bytes.as_slice())).map_err(|cause| Error::Document {
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

    /// Whether its name is a symbolic link, or one of its folders is.
    pub fn is_linked(&self) -> bool {
        self.path != self.target
    }
}

/// The file's bytes; `None` where there is no file.
pub(super) fn bytes(target: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
    let path = || target.to_owned();
    whole_file::read(target, MAX_FILE).map_err(|why| match why {
        Unread::NotAFile(what) => Error::NotAFile { path: path(), what },
        Unread::TooLong => Error::TooLong {
            path: path(),
            max: MAX_FILE,
        },
        Unread::System(cause) => Error::Read { path: path(), cause },
    })
}
