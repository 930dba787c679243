//! Many Secrets of several contexts: what `sync` and `rotate` have in common.
//!
//! [`Run`] works through the batches, [`After`] is what is done once a Secret is right, [`Rollouts`] follows what was
//! restarted, and [`Report`] says what became of it all.

mod after;
mod follow;
mod interrupt;
mod one;
mod report;
mod run;

pub(in crate::commands) use after::{After, Aftermath};
pub(in crate::commands) use follow::Rollouts;
pub(in crate::commands) use interrupt::{Interrupt, Interrupted};
pub(in crate::commands) use one::Done;
pub(in crate::commands) use report::{Ended, Item, Report, Row};
pub(in crate::commands) use run::{AT_ONCE, Run};
