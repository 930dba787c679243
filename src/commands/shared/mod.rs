//! Shared by several verbs: reading and verifying a token, selecting Secrets ([`targets`]) and writing them ([`apply`]).

pub(super) mod accounts;
pub(super) mod another;
pub(super) mod apply;
pub(super) mod authorship;
pub(super) mod choose;
pub(super) mod connections;
pub(super) mod copies;
pub(super) mod document;
pub(super) mod env_file;
pub(super) mod git;
pub(super) mod known_tokens;
pub(super) mod ledger_writer;
pub(super) mod mint;
pub(super) mod password;
pub(super) mod program;
pub(super) mod proof;
pub(super) mod sealed;
pub(super) mod search;
pub(super) mod skipped;
pub(super) mod standard_input;
pub(super) mod stored_twice;
pub(super) mod targets;
pub(super) mod token_age;
pub(super) mod token_id;
pub(super) mod token_source;
pub(super) mod verify;
