//! What fuzzing asks of parsers that are private (tests/fuzz); compiled for nothing else.

pub use super::shared::env_file::fuzzing::{assigned, env_file};
pub use super::shared::targets::fuzzing::{listed, spec};
