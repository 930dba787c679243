//! `rotate`: killed anywhere, failing in part, and what it says.

mod accounts;
mod actions;
mod copies;
mod everywhere;
pub mod fixture;
mod if_older;
mod incomplete_lists;
mod interrupted;
mod killed;
mod ledger;
mod output;
mod partial_failures;
mod places;
mod random;
mod skipped;
mod two_machines;
mod two_processes;
