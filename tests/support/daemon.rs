//! A program that is asked to end, so that it ends what it has started itself.

use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// How long it may take to end by itself.
const GRACE: Duration = Duration::from_secs(30);

/// It runs until this is dropped.
pub struct Daemon(pub Child);

impl Daemon {
    /// Whether it has ended before.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.0.try_wait(), Ok(None))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let end = Instant::now() + GRACE;
        while !self.has_ended() {
            if Instant::now() > end {
                let _ = self.0.kill();
                let _ = self.0.wait();
                return;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
    }
}
