//! `sync`: which Secrets, what is written and refused, ServiceAccounts, restarts, and `--remove`.

mod accounts;
mod actions;
mod choice_of_credential;
mod dry_run;
mod failures;
mod formats;
mod interrupted;
pub mod library;
mod lost_answers;
mod many;
mod meanwhile;
mod owners;
mod permissions;
mod pipeline;
mod planted;
mod proof;
mod refusals;
mod remove;
mod restart;
mod secret;
mod service_accounts;
mod targets;
mod team;
mod workloads;
