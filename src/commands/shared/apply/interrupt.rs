//! Ctrl-C: the first one asks to stop, the second one to stop at once.

use std::io;
use std::pin::pin;

use futures_util::future::{Either, select};
use tokio::sync::{oneshot, watch};

use crate::error::CommandError;

#[cfg(unix)]
type Signals = tokio::signal::unix::Signal;
#[cfg(windows)]
type Signals = tokio::signal::windows::CtrlC;

/// Listens from the moment that it is made, on the runtime that it is made on. Its clones count together, and each waits
/// for the presses that it has not seen.
#[derive(Clone)]
pub(in crate::commands) struct Interrupt(watch::Receiver<u32>);

/// Ctrl-C was pressed before the work came to its end.
pub(in crate::commands) struct Interrupted;

impl Interrupt {
    /// Takes Ctrl-C over from the system, which would end the process in the middle of a write.
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

    /// How often it was pressed.
    pub(in crate::commands) fn times(&self) -> u32 {
        *self.0.borrow()
    }

    /// Waits for the next Ctrl-C.
    pub(in crate::commands) async fn pressed(&mut self) {
        if self.0.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }

    /// Does work that can be dropped at any moment, such as reading.
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

    /// The same for work that keeps its thread waiting, such as a question to a registry. It goes on, and ends with the
    /// process, where nothing waits for it any more: the next run has to look at what it was changing.
    pub(in crate::commands) async fn or_blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Result<T, CommandError>, Interrupted> {
        let (done, answer) = oneshot::channel();
        let work = move || drop(done.send(work()));
        if let Err(error) = std::thread::Builder::new().spawn(work) {
            return Ok(Err(error.into()));
        }
        let answer = self.or(answer).await?;
        Ok(answer.map_err(|_| CommandError::failed("a part of regcred ended without an answer")))
    }
}

async fn count(mut signals: Signals, times: watch::Sender<u32>) {
    while signals.recv().await.is_some() {
        times.send_modify(|times| *times += 1);
    }
}
