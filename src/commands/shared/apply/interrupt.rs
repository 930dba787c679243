//! Ctrl-C: the first one stops after the current work, the second one stops immediately.

use std::io;
use std::pin::pin;

use futures_util::future::{Either, select};
use tokio::sync::{oneshot, watch};

use crate::error::CommandError;

#[cfg(unix)]
type Signals = tokio::signal::unix::Signal;
#[cfg(windows)]
type Signals = tokio::signal::windows::CtrlC;

/// Counts Ctrl-C from its creation, on the runtime that it was created on. All clones share the count, and each clone
/// waits for the presses that it has not seen yet.
#[derive(Clone)]
pub(in crate::commands) struct Interrupt(watch::Receiver<u32>);

/// Ctrl-C was pressed before the work was finished.
pub(in crate::commands) struct Interrupted;

impl Interrupt {
    /// Handles Ctrl-C, which by default would end the process in the middle of a write.
    pub(in crate::commands) fn listen(is_ours: bool) -> io::Result<Self> {
        #[cfg(unix)]
        let listen = || tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt());
        #[cfg(windows)]
        let listen = tokio::signal::windows::ctrl_c;
        let (times, seen) = watch::channel(0);
        if is_ours {
            tokio::spawn(count(listen()?, times));
        }
        Ok(Self(seen))
    }

    /// The number of presses.
    pub(in crate::commands) fn times(&self) -> u32 {
        *self.0.borrow()
    }

    /// Waits for the next Ctrl-C.
    pub(in crate::commands) async fn pressed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Runs work that can be dropped at any moment, such as reading.
    pub(in crate::commands) async fn or<T>(&self, work: impl Future<Output = T>) -> Result<T, Interrupted> {
        let mut interrupt = self.clone();
        if interrupt.times() > 0 {
            return Err(Interrupted);
        }
        match select(pin!(work), pin!(interrupt.pressed())).await {
            Either::Left((done, _)) => Ok(done),
            Either::Right(_) => Err(Interrupted),
        }
    }

    /// The same for blocking work, such as a request to a registry. After Ctrl-C it continues without being waited for,
    /// until the process ends: the next run has to check what it has changed.
    pub(in crate::commands) async fn or_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Result<T, CommandError>, Interrupted> {
        self.or(in_thread(work)).await
    }

    /// The same for work that the first Ctrl-C lets end, after `at_first` has said so: only the next one ends the wait.
    pub(in crate::commands) async fn or_blocking_at_second<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
        mut at_first: impl FnMut(),
    ) -> Result<Result<T, CommandError>, Interrupted> {
        let mut interrupt = self.clone();
        let mut answer = pin!(in_thread(work));
        loop {
            match select(answer.as_mut(), pin!(interrupt.pressed())).await {
                Either::Left((done, _)) => return Ok(done),
                Either::Right(_) => {}
            }
            if interrupt.times() > 1 {
                return Err(Interrupted);
            }
            at_first();
        }
    }
}

/// The result of blocking work in a thread of its own.
async fn in_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, CommandError> {
    let (done, answer) = oneshot::channel();
    std::thread::Builder::new().spawn(move || drop(done.send(work())))?;
    let answer = answer.await;
    answer.map_err(|_| CommandError::failed("a thread of regcred ended without a result"))
}

async fn count(mut signals: Signals, times: watch::Sender<u32>) {
    while signals.recv().await.is_some() {
        times.send_modify(|times| *times += 1);
    }
}
