//! Reads whole files with a size limit and without blocking on pipes.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

use thiserror::Error;
use zeroize::Zeroizing;

use crate::sys::secret_buffer;

/// How much of a pipe is usual, in octets.
const PIPED: u64 = 64 * 1024;

#[derive(Debug, Error)]
pub(crate) enum ReadFileError {
    #[error("it is {0}")]
    NotAFile(&'static str),
    #[error("it is longer than any such file")]
    TooLong,
    #[error(transparent)]
    System(#[from] io::Error),
}

impl From<ReadFileError> for io::Error {
    fn from(why: ReadFileError) -> Self {
        match why {
            ReadFileError::System(cause) => cause,
            other => Self::other(other),
        }
    }
}

/// Whether pipes may be read too.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pipes {
    None,
    /// A pipe that this process was started with, so that opening does not block.
    Inherited,
}

/// The file's content, at most `max` octets; `None` if there is no file.
pub(crate) fn read(path: &Path, max: u64) -> Result<Option<Zeroizing<Vec<u8>>>, ReadFileError> {
    match read_any(path, max, Pipes::None) {
        Err(ReadFileError::System(e)) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        done => done.map(Some),
    }
}

/// The content of a file from the command line, at most `max` octets. It may be a pipe from the shell: `<(sops -d
/// FILE)`, `/dev/stdin`.
pub(crate) fn read_named(path: &Path, max: u64) -> Result<Zeroizing<Vec<u8>>, ReadFileError> {
    read_any(path, max, Pipes::Inherited)
}

/// Whether the path is a file descriptor that this process was started with.
pub(crate) fn is_inherited(path: &Path) -> bool {
    path == Path::new("/dev/stdin") || path.starts_with("/dev/fd") || path.starts_with("/proc/self/fd")
}

fn read_any(path: &Path, max: u64, pipes: Pipes) -> Result<Zeroizing<Vec<u8>>, ReadFileError> {
    // Checked before opening, because opening a pipe blocks until the other end is opened.
    let found = fs::metadata(path)?;
    let is_pipe = pipes == Pipes::Inherited && is_inherited(path) && is_fifo(&found);
    let mut options = OpenOptions::new();
    options.read(true);
    if !is_pipe {
        check(&found)?;
        // The file may have been replaced since the check.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, nix::fcntl::OFlag::O_NONBLOCK.bits());
    }
    let mut file = options.open(path)?;
    let found = file.metadata()?;
    if !is_pipe {
        check(&found)?;
    }
    let expected = if is_pipe { PIPED } else { found.len() };
    let [expected, max] = [expected, max].map(|octets| usize::try_from(octets).unwrap_or(usize::MAX));
    secret_buffer::read(&mut file, expected, max)?.ok_or(ReadFileError::TooLong)
}

fn check(found: &fs::Metadata) -> Result<(), ReadFileError> {
    if found.is_file() {
        return Ok(());
    }
    Err(ReadFileError::NotAFile(if found.is_dir() {
        "a folder"
    } else {
        "no regular file"
    }))
}

#[cfg(unix)]
fn is_fifo(found: &fs::Metadata) -> bool {
    std::os::unix::fs::FileTypeExt::is_fifo(&found.file_type())
}

#[cfg(not(unix))]
fn is_fifo(_: &fs::Metadata) -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_long_and_special_files_are_distinguished() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert!(matches!(read(&path, 3), Ok(None)));
        assert!(matches!(
            read(folder.path(), 3),
            Err(ReadFileError::NotAFile("a folder"))
        ));
        fs::write(&path, "abc").unwrap();
        assert_eq!(read(&path, 3).unwrap().unwrap().as_slice(), b"abc");
        assert!(matches!(read(&path, 2), Err(ReadFileError::TooLong)));
        assert!(matches!(read(&path.join("below"), 3), Err(ReadFileError::System(_))));
        #[cfg(target_os = "linux")]
        assert!(matches!(
            read(Path::new("/dev/null"), 3),
            Err(ReadFileError::NotAFile("no regular file"))
        ));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn inherited_pipes_are_read_and_devices_are_not() {
        use std::os::fd::AsRawFd as _;
        let (reader, mut writer) = io::pipe().unwrap();
        io::Write::write_all(&mut writer, b"abc").unwrap();
        drop(writer);
        let path = format!("/dev/fd/{}", reader.as_raw_fd());
        assert_eq!(read_named(Path::new(&path), 3).unwrap().as_slice(), b"abc");
        assert!(matches!(read(Path::new(&path), 3), Err(ReadFileError::NotAFile(_))));
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        for path in [pipe.as_path(), Path::new("/dev/zero")] {
            assert!(matches!(
                read_named(path, 3),
                Err(ReadFileError::NotAFile("no regular file"))
            ));
        }
    }
}
