//! Ends a process that would otherwise hang. The only place that exits the process.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// Counts signs of progress. Global, like the process's exit.
static MOVES: AtomicU32 = AtomicU32::new(0);

/// Restarts the time limit, because what the process waits for makes progress.
pub(crate) fn keep_alive() {
    MOVES.fetch_add(1, Ordering::Relaxed);
}

/// Ends the process unless dropped in time.
///
/// For calls that cannot be cancelled, such as a system keychain whose dialogue nobody sees.
#[derive(Debug)]
#[must_use = "it is called off when it is dropped"]
pub struct Watchdog(
    /// Nothing is sent; dropping it ends the watchdog.
    #[allow(dead_code, reason = "held for its drop")]
    Sender<()>,
);

impl Watchdog {
    /// After `limit` without progress, calls `last_words` and exits with its result.
    ///
    /// If no thread can be started there is no watchdog, which is better than failing.
    pub fn start(limit: Duration, last_words: impl FnOnce() -> u8 + Send + 'static) -> Self {
        let (alive, watched) = channel();
        let watch = move || {
            let mut moves = MOVES.load(Ordering::Relaxed);
            while watched.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                let before = std::mem::replace(&mut moves, MOVES.load(Ordering::Relaxed));
                if before != moves {
                    continue;
                }
                let code = last_words();
                // Memory of the hanging thread may be in use, so it is not zeroed. No core is written
                // ([`crate::sys::core_dump`]), and the kernel zeroes pages before another process gets them.
                std::process::exit(code.into());
            }
        };
        let _detached = thread::Builder::new()
            .name("watchdog".to_owned())
            .stack_size(64 * 1024)
            .spawn(watch);
        Self(alive)
    }
}
