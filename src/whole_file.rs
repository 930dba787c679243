//! Reading a file whole, without being held up or filled up by what may stand in its place.

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::path::Path;

use zeroize::Zeroizing;

/// Why a file was not read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// It is this instead.
    NotAFile(&'static str),
    /// It is longer than the caller takes.
    TooLong,
    /// What the system said.
    System(io::Error),
}

impl From<io::Error> for Unread {
    fn from(cause: io::Error) -> Self {
        Self::System(cause)
    }
}

/// The file's bytes, at most `max` of them; `None` where there is no file.
pub(crate) fn read(path: &Path, max: u64) -> Result<Option<Zeroizing<Vec<u8>>>, Unread> {
    // Asked before it is opened: to open a pipe is to wait for its other end.
    let kind = match fs::metadata(path) {
        Ok(found) => found.file_type(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(cause) => return Err(cause.into()),
    };
    if !kind.is_file() {
        return Err(Unread::NotAFile(if kind.is_dir() {
            "a folder"
        } else {
            "no regular file"
        }));
    }
    let file = File::open(path)?;
    let length = file.metadata()?.len();
    // Room for all of it at once: a buffer that grows leaves copies of secrets behind.
    let room = usize::try_from(length.min(max) + 2).unwrap_or_default();
    let mut bytes = Zeroizing::new(Vec::with_capacity(room));
    file.take(max + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max {
        return Err(Unread::TooLong);
    }
    Ok(Some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_file_or_too_long_is_told_apart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert!(matches!(read(&path, 3), Ok(None)));
        assert!(matches!(read(folder.path(), 3), Err(Unread::NotAFile("a folder"))));
        fs::write(&path, "abc").unwrap();
        assert_eq!(read(&path, 3).unwrap().unwrap().as_slice(), b"abc");
        assert!(matches!(read(&path, 2), Err(Unread::TooLong)));
        assert!(matches!(read(&path.join("below"), 3), Err(Unread::System(_))));
        #[cfg(target_os = "linux")]
        assert!(matches!(
            read(Path::new("/dev/null"), 3),
            Err(Unread::NotAFile("no regular file"))
        ));
    }
}
