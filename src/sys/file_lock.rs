//! Waiting for a file's lock, with an end.

use std::fs::{File, TryLockError};
use std::io;
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, SystemTime};

use crate::sys::{user, watchdog};

/// Opens this user's file at `path` to be locked, and makes it where it is not there. Its content does not matter.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    user::open_own(path)
}

/// Locks `file`, which holds until it is dropped. `false` where one of the others held it all the time that `patience`
/// lasts: a queue of any length is waited for, as long as it moves.
///
/// A file system without locks (some network ones) gives none, and no error.
pub(crate) fn wait(file: &File, patience: Duration) -> io::Result<bool> {
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            if !stand_in_line(file, patience)? {
                return Ok(false);
            }
        }
        Err(TryLockError::Error(e)) if e.kind() == io::ErrorKind::Unsupported => return Ok(true),
        Err(TryLockError::Error(e)) => return Err(e),
    }
    // Those who wait see by it that the line moves. Where it cannot be changed, they wait for `patience` at most.
    let _ = file.set_modified(SystemTime::now());
    Ok(true)
}

/// Whoever tries again and again is overtaken by whoever comes just in time, and a hundred who do so hold up the one
/// that has the lock; the system keeps a line.
fn stand_in_line(file: &File, patience: Duration) -> io::Result<bool> {
    let turn = turn(file)?;
    let mut taken = file.metadata()?.modified()?;
    loop {
        match turn.recv_timeout(patience) {
            Ok(locked) => return locked.map(|()| true),
            Err(RecvTimeoutError::Disconnected) => return Err(io::Error::other("the thread that waits has ended")),
            Err(RecvTimeoutError::Timeout) => {}
        }
        let before = std::mem::replace(&mut taken, file.metadata()?.modified()?);
        if before == taken {
            return Ok(false);
        }
        watchdog::goes_on();
    }
}

/// std has no lock with a deadline, so that a thread of its own waits. Where nobody listens to it any more, the lock
/// goes as soon as it comes.
fn turn(file: &File) -> io::Result<Receiver<io::Result<()>>> {
    let (say, turn) = channel();
    let file = file.try_clone()?;
    thread::Builder::new()
        .name("lock".to_owned())
        .stack_size(64 * 1024)
        .spawn(move || {
            let locked = file.lock();
            let _ = say.send(locked);
        })?;
    Ok(turn)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(1);

    fn open_in(folder: &tempfile::TempDir) -> File {
        open(&folder.path().join("lock")).unwrap()
    }

    #[test]
    fn one_that_holds_it_all_the_time_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let held = open_in(&folder);
        assert!(wait(&held, PATIENCE).unwrap());
        assert!(!wait(&open_in(&folder), PATIENCE).unwrap());
        drop(held);
        // Also from whoever has given up.
        assert!(wait(&open_in(&folder), Duration::from_secs(60)).unwrap());
    }

    #[test]
    fn a_line_that_moves_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let held = open_in(&folder);
        assert!(wait(&held, PATIENCE).unwrap());
        let (say, done) = channel();
        let last = open_in(&folder);
        thread::spawn(move || say.send(wait(&last, PATIENCE).unwrap()));
        // As if one after the other came first, for several times as long as anybody waits for one of them.
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
