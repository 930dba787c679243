//! What fuzzing asks of parsers that are private (tests/fuzz); compiled for nothing else.

pub use super::registries_conf::stores;
