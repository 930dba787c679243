//! Where a program is killed: before and after everything that it changes in the keychain, a cluster or at Gitea.
//!
//! The doubles and proxies cross the gate with every change. A gate that is set to stop at the n-th crossing lets that one
//! and everything after it hang, so that the test can kill the program exactly there; for a command that runs in this
//! process, it fails instead, which leaves the same behind. A gate can also have something happen to a server at the n-th
//! crossing: a fault that strikes at a known change, and not where a clock says.

use std::sync::atomic::{AtomicBool, Ordering};
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
    /// It goes on: for the request that a fault strikes at.
    Pass,
}

/// A fault, and what becomes of the very request that it strikes at. What follows goes on.
struct Strike {
    /// How many more go by before.
    left: usize,
    /// Of those that have this in what they are called.
    what: String,
    manner: Manner,
    fault: Box<dyn FnOnce() + Send>,
}

#[derive(Default)]
struct State {
    crossed: Vec<String>,
    stop: Option<(usize, Manner)>,
    is_stopped: bool,
    strike: Option<Strike>,
}

/// Shared by everything that a program changes.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<State>, Condvar)>, Arc<AtomicBool>);

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

    /// From now on something happens at the crossing of this number, counted from 0, of those that have `what` in what
    /// they are called: `after PATCH`, or `GET /api/v1/pods` for a read.
    pub fn strike_at(&self, (number, what): (usize, &str), manner: Manner, fault: impl FnOnce() + Send + 'static) {
        *self.state() = State {
            strike: Some(Strike {
                left: number,
                what: what.to_owned(),
                manner,
                fault: Box::new(fault),
            }),
            ..State::default()
        };
    }

    /// Whether it has not happened yet.
    pub fn is_armed(&self) -> bool {
        self.state().strike.is_some()
    }

    /// Whether the network between the program and the API server takes everything and delivers nothing.
    pub fn is_cut_off(&self) -> bool {
        self.1.load(Ordering::SeqCst)
    }

    /// Has it take everything, or deliver again. A fault may do that.
    pub fn cutter(&self) -> impl Fn(bool) + Send + Sync + 'static {
        let is_cut_off = self.1.clone();
        move |is_so| is_cut_off.store(is_so, Ordering::SeqCst)
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
            let what = what();
            state.crossed.push(what.clone());
            let number = state.crossed.len() - 1;
            state.is_stopped = state.stop.is_some_and(|(stop, _)| stop == number);
            self.0.1.notify_all();
            if let Some(manner) = Self::struck(&mut state, &what) {
                return Some(manner).filter(|manner| *manner != Manner::Pass);
            }
        }
        Self::stopped(&state)
    }

    /// The same for a read that a fault may strike at.
    fn read(&self, what: &str) -> Option<Manner> {
        let mut state = self.state();
        match Self::struck(&mut state, what) {
            Some(Manner::Pass) => None,
            Some(manner) => Some(manner),
            None => Self::stopped(&state),
        }
    }

    /// Has the fault happen, if it is to strike here. Nobody else crosses meanwhile.
    fn struck(state: &mut State, what: &str) -> Option<Manner> {
        let is_here = |strike: &mut Strike| {
            let is_such = what.contains(&strike.what);
            let is_here = is_such && strike.left == 0;
            strike.left -= usize::from(is_such && !is_here);
            is_here
        };
        let strike = state.strike.take_if(is_here)?;
        (strike.fault)();
        Some(strike.manner)
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

    /// [`Gate::look`] in an asynchronous server, at this method and path.
    pub async fn glance(&self, what: &str) -> bool {
        Self::heed(self.read(what)).await
    }

    async fn heed(stopped: Option<Manner>) -> bool {
        match stopped {
            None | Some(Manner::Pass) => true,
            Some(Manner::Fail) => false,
            Some(Manner::Hold) => std::future::pending().await,
        }
    }
}
