//! What several verbs have in common: where a token comes from and how it is proved, which Secrets are meant
//! ([`targets`]), and the work on all of them ([`apply`]), which `sync` and `rotate` do.

pub(super) mod apply;
pub(super) mod book;
pub(super) mod choose;
pub(super) mod document;
mod env_file;
pub(super) mod known_tokens;
pub(super) mod mint;
pub(super) mod password;
pub(super) mod program;
pub(super) mod proof;
pub(super) mod search;
pub(super) mod standard_input;
pub(super) mod targets;
pub(super) mod token_id;
pub(super) mod token_source;
pub(super) mod verify;
