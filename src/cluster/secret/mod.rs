//! Pull Secrets: observing them, determining the owner, planning and applying changes.

pub mod annotations;
pub mod apply;
pub mod format;
pub mod left_alone;
pub mod manifest;
pub mod observe;
pub mod owner;
pub mod owners;
pub mod plan;
pub mod pull_secret;
pub mod reader;
pub mod service_account;
