//! Waiting for a file's lock, with an end.

use std::fs::{File, TryLockError};
use std::io;
use std::time::{Duration, Instant};

/// Pause between two attempts; std has no lock with a deadline.
const PAUSE: Duration = Duration::from_millis(5);

/// Locks `file`, which holds until it is dropped. `false` where others held it all the time that `patience` lasts.
///
/// A file system without locks (some network ones) gives none, and no error.
pub(crate) fn wait(file: &File, patience: Duration) -> io::Result<bool> {
    let end = Instant::now() + patience;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) if Instant::now() < end => std::thread::sleep(PAUSE),
            Err(TryLockError::WouldBlock) => return Ok(false),
            Err(TryLockError::Error(e)) if e.kind() == io::ErrorKind::Unsupported => return Ok(true),
            Err(TryLockError::Error(e)) => return Err(e),
        }
    }
}
