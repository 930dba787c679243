//! Shared by several verbs: reading and verifying a token, selecting Secrets ([`targets`]) and writing them ([`apply`]).

pub(super) mod apply;
pub(super) mod choose;
pub(super) mod document;
mod env_file;
pub(super) mod mint;
pub(super) mod password;
pub(super) mod program;
pub(super) mod standard_input;
pub(super) mod targets;
pub(super) mod token_source;
pub(super) mod verify;
