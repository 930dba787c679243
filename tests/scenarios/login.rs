//! `login`: where a token comes from, when it is refused, and making one. Verifying as the library does it is in
//! `registry/`.

mod ca_file;
pub mod from_docker;
mod mint;
mod refusals;
mod token_sources;
