//! File locks that are waited for with a time limit, or not at all.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::sys::{private, watchdog};

/// Opens a lock file of this user, creating it if necessary. Its content does not matter.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    private::open(path)
}

/// Locks `file` until it is dropped. Returns `false` if a single other holder kept the lock for all of `patience`; as
/// long as the queue moves, its length does not matter.
///
/// On a file system without locks (some network ones) nothing is locked, and that is not an error.
pub(crate) fn wait(file: &File, patience: Duration) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            if !wait_in_queue(file, patience)? {
                return Ok(false);
            }
        }
        Err(TryLockError::Error(e)) => return is_without_locks(e),
    }
    // Shows the others that the queue moves. If that fails, they wait for `patience` at most.
    let _ = file.set_modified(SystemTime::now());
    Ok(true)
}

/// The same without waiting: `false` if another holder has the lock.
pub(crate) fn attempt(file: &File) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(e)) => is_without_locks(e),
    }
}

/// Whether the error is that of a file system without locks. NFS without its lock daemon says ENOLCK, for which std has no
/// kind.
fn is_without_locks(error: io::Error) -> io::Result<bool> {
    #[cfg(unix)]
    let is_unavailable = error.raw_os_error() == Some(nix::libc::ENOLCK);
    #[cfg(not(unix))]
    let is_unavailable = false;
    if is_unavailable || error.kind() == io::ErrorKind::Unsupported {
        return Ok(true);
    }
    Err(error)
}

/// Uses a blocking lock, because the system queues fairly; polling would starve some and, with a hundred processes,
/// slow down the holder.
fn wait_in_queue(file: &File, patience: Duration) -> io::Result<bool> {
    let locked = lock_in_thread(file)?;
    let mut taken = file.metadata()?.modified()?;
    loop {
        match locked.recv_timeout(patience) {
            Ok(Ok(())) => return Ok(true),
            Ok(Err(e)) => return is_without_locks(e),
            Err(RecvTimeoutError::Disconnected) => return Err(io::Error::other("the thread that waits has ended")),
            Err(RecvTimeoutError::Timeout) => {}
        }
        let before = std::mem::replace(&mut taken, file.metadata()?.modified()?);
        if before == taken {
            return Ok(false);
        }
        watchdog::keep_alive();
    }
}

/// std has no lock with a deadline, so a thread waits for it. If the receiver has given up, the lock is released as
/// soon as it is acquired.
fn lock_in_thread(file: &File) -> io::Result<Receiver<io::Result<()>>> {
    let (sender, receiver) = channel();
    let file = file.try_clone()?;
    thread::Builder::new()
        .name("lock".to_owned())
        .stack_size(64 * 1024)
        .spawn(move || {
            let locked = file.lock();
            let _ = sender.send(locked);
        })?;
    Ok(receiver)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(1);

    fn open_in(folder: &tempfile::TempDir) -> File {
        open(&folder.path().join("lock")).unwrap()
    }

    #[test]
    fn a_single_holder_is_waited_for_only_so_long() {
        let folder = tempfile::tempdir().unwrap();
        let held = open_in(&folder);
        assert!(wait(&held, PATIENCE).unwrap());
        assert!(!wait(&open_in(&folder), PATIENCE).unwrap());
        drop(held);
        // The one that has given up does not keep the lock.
        assert!(wait(&open_in(&folder), Duration::from_secs(60)).unwrap());
    }

    #[test]
    fn a_holder_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let held = open_in(&folder);
        assert!(attempt(&held).unwrap());
        assert!(!attempt(&open_in(&folder)).unwrap());
        drop(held);
        assert!(attempt(&open_in(&folder)).unwrap());
    }

    #[cfg(unix)]
    #[test]
    fn a_file_system_without_locks_is_no_error() {
        use nix::libc::{EIO, ENOLCK, ENOSYS, EOPNOTSUPP};
        for code in [ENOLCK, ENOSYS, EOPNOTSUPP] {
            assert!(is_without_locks(io::Error::from_raw_os_error(code)).unwrap(), "{code}");
        }
        let error = is_without_locks(io::Error::from_raw_os_error(EIO)).unwrap_err();
        assert_eq!(error.raw_os_error(), Some(EIO));
    }

    #[test]
    fn a_moving_queue_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let held = open_in(&folder);
        assert!(wait(&held, PATIENCE).unwrap());
        let (sender, done) = channel();
        let last = open_in(&folder);
        thread::spawn(move || sender.send(wait(&last, PATIENCE).unwrap()));
        // As if the lock changed hands for several times the patience.
        let end = std::time::Instant::now() + 3 * PATIENCE;
        while std::time::Instant::now() < end {
            held.set_modified(SystemTime::now()).unwrap();
            thread::yield_now();
        }
        assert!(done.try_recv().is_err(), "it waits");
        drop(held);
        assert!(done.recv().unwrap());
    }
}
