//! Writes many Secrets in several contexts, for `sync` and `rotate`.
//!
//! [`Run`] processes the batches, [`After`] does what follows the writing of a Secret, [`Rollouts`] follows the restarts,
//! and [`Report`] prints the results.

mod after;
mod follow;
mod interrupt;
mod one;
mod report;
mod run;

pub(in crate::commands) use after::{After, AfterResult};
pub(in crate::commands) use follow::Rollouts;
pub(in crate::commands) use interrupt::{Interrupt, Interrupted};
pub(in crate::commands) use one::Done;
pub(in crate::commands) use report::{Item, PassResult, Report, Row, Unfinished};
pub(in crate::commands) use run::{AT_ONCE, Run};
