//! The end of a program that would otherwise hang. The only place that ends the process.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

/// Counts what shows that this process waits, and does not hang. There is one of them in a process, as of its end.
static MOVES: AtomicU32 = AtomicU32::new(0);

/// Gives the process its time anew: what it waits for goes on.
pub(crate) fn goes_on() {
    MOVES.fetch_add(1, Ordering::Relaxed);
}

/// Ends the process unless it is dropped in time.
///
/// For calls that this program cannot take back: a keychain of the system, whose dialogue nobody sees.
#[derive(Debug)]
#[must_use = "it is called off when it is dropped"]
pub struct Watchdog(
    /// Never sent on: that it is gone is the message.
    #[allow(dead_code, reason = "held for its drop")]
    Sender<()>,
);

impl Watchdog {
    /// After a time of `limit` in which nothing went on, runs `last_words` and exits with the code that it gives.
    ///
    /// Where the system has no thread to give, there is no watchdog: working without one is better than not at all.
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
                // What hangs cannot be asked to return, and its memory may be in use: nothing of it is zeroed here. No
                // core is written ([`crate::sys::core_dump`]), and the kernel zeroes pages before another process gets them.
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
