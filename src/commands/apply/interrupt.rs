//! Ctrl-C: the first one asks to stop, the second one to stop at once.

use std::io;

#[cfg(unix)]
type Signals = tokio::signal::unix::Signal;
#[cfg(windows)]
type Signals = tokio::signal::windows::CtrlC;

/// Listens from the moment that it is made, on the runtime that it is made on.
pub(in crate::commands) struct Interrupt {
    signals: Option<Signals>,
    /// How often it was pressed.
    pub(in crate::commands) times: u32,
}

impl Interrupt {
    /// Takes Ctrl-C over from the system, which would end the process in the middle of a write.
    pub(in crate::commands) fn listen(is_ours: bool) -> io::Result<Self> {
        #[cfg(unix)]
        let listen = || tokio::signal::unix::signal(tokio::signal::unix::SignalKind::interrupt());
        #[cfg(windows)]
        let listen = tokio::signal::windows::ctrl_c;
        Ok(Self {
            signals: is_ours.then(listen).transpose()?,
            times: 0,
        })
    }

    /// Waits for the next Ctrl-C.
    pub(in crate::commands) async fn pressed(&mut self) {
        if let Some(signals) = &mut self.signals
            && signals.recv().await.is_some()
        {
            self.times += 1;
        } else {
            std::future::pending::<()>().await;
        }
    }
}
