//! The end of a program that would otherwise hang. The only place that ends the process.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

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
    /// After `limit`, runs `last_words` and exits with the code that it gives.
    ///
    /// Where the system has no thread to give, there is no watchdog: working without one is better than not at all.
    pub fn start(limit: Duration, last_words: impl FnOnce() -> u8 + Send + 'static) -> Self {
        let (alive, watched) = channel();
        let watch = move || {
            if watched.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
                let code = last_words();
                // What hangs cannot be asked to return.
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
