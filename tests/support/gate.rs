//! Where a program is killed: before and after everything that it changes in the keychain, a cluster or at Gitea.
//!
//! The doubles and proxies cross the gate with every change. A gate that is set to stop at the n-th crossing lets that one
//! and everything after it hang, so that the test can kill the program exactly there; for a command that runs in this
//! process, it fails instead, which leaves the same behind.

use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

/// How long a program may take to reach the gate, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// What happens at the crossing that is stopped at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// It and all that follow fail.
    Fail,
    /// They never come to an end.
    Hold,
}

#[derive(Default)]
struct State {
    crossed: Vec<String>,
    stop: Option<(usize, Manner)>,
    is_stopped: bool,
}

/// Shared by everything that a program changes.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<State>, Condvar)>);

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Gate")
    }
}

impl Gate {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.0.lock().unwrap()
    }

    /// From now on stops at the crossing of this number, counted from 0.
    pub fn stop_at(&self, number: usize, manner: Manner) {
        *self.state() = State {
            stop: Some((number, manner)),
            ..State::default()
        };
    }

    /// Lets everything through, and counts anew.
    pub fn open(&self) {
        *self.state() = State::default();
        self.0.1.notify_all();
    }

    /// What crossed so far; the last is where it was stopped, if it was.
    pub fn crossed(&self) -> Vec<String> {
        self.state().crossed.clone()
    }

    pub fn is_stopped(&self) -> bool {
        self.state().is_stopped
    }

    /// Waits until a program hangs at the gate, or `is_over`.
    pub fn wait(&self, mut is_over: impl FnMut() -> bool) {
        let mut state = self.state();
        let mut waited = Duration::ZERO;
        let step = Duration::from_millis(20);
        while !state.is_stopped && !is_over() {
            assert!(waited < PATIENCE, "nothing at the gate after {PATIENCE:?}");
            state = self.0.1.wait_timeout(state, step).unwrap().0;
            waited += step;
        }
    }

    /// Crosses; the manner in which it was stopped, where it was.
    pub fn cross(&self, what: impl FnOnce() -> String) -> Option<Manner> {
        let mut state = self.state();
        if !state.is_stopped {
            state.crossed.push(what());
            let number = state.crossed.len() - 1;
            state.is_stopped = state.stop.is_some_and(|(stop, _)| stop == number);
            self.0.1.notify_all();
        }
        Self::stopped(&state)
    }

    /// The same for what only looks: it is no crossing, and nothing that is dead looks.
    pub fn look(&self) -> Option<Manner> {
        let state = self.state();
        Self::stopped(&state)
    }

    fn stopped(state: &State) -> Option<Manner> {
        state.stop.filter(|_| state.is_stopped).map(|(_, manner)| manner)
    }

    /// Crosses in an asynchronous server: `false` where it should fail.
    pub async fn pass(&self, what: impl FnOnce() -> String) -> bool {
        Self::heed(self.cross(what)).await
    }

    /// [`Gate::look`] in an asynchronous server.
    pub async fn glance(&self) -> bool {
        Self::heed(self.look()).await
    }

    async fn heed(stopped: Option<Manner>) -> bool {
        match stopped {
            None => true,
            Some(Manner::Fail) => false,
            Some(Manner::Hold) => std::future::pending().await,
        }
    }
}
