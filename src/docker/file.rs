//! Reading one of the files, without being held up or filled up by what may stand in its place.

use std::fs;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::{Config, Error};
use crate::replace;

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
            target,
            config,
            bytes,
        })
    }

    /// Whether there is such a file.
    #[must_use]
    pub fn exists(&self) -> bool {
        self.bytes.is_some()
    }

    /// Whether its name is a symbolic link, or one of its folders is.
    #[must_use]
    pub fn is_linked(&self) -> bool {
        self.path != self.target
    }
}

/// The file's bytes; `None` where there is no file.
pub(super) fn bytes(target: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
    let failed = |cause| Error::Read {
        path: target.to_owned(),
        cause,
    };
    // Asked before it is opened: to open a pipe is to wait for its other end.
    let kind = match fs::metadata(target) {
        Ok(found) => found.file_type(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(failed(cause)),
    };
    if !kind.is_file() {
        let path = target.to_owned();
        let what = if kind.is_dir() { "a folder" } else { "no regular file" };
        return Err(Error::NotAFile { path, what });
    }
    let file = fs::File::open(target).map_err(failed)?;
    let length = file.metadata().map_err(failed)?.len();
    // Room for all of it at once: a buffer that grows leaves copies of tokens behind.
    let room = usize::try_from(length.min(MAX_FILE) + 2).unwrap_or_default();
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(Error::TooLong {
            path: target.to_owned(),
            max: MAX_FILE,
        });
    }
    Ok(Some(bytes))
}
