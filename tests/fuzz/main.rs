//! libFuzzer with regcred's parsers: `tests/fuzz.sh` builds it, with `cfg(fuzzing)`, and runs it.

#![cfg_attr(fuzzing, no_main)]
#![allow(
    clippy::unwrap_used,
    reason = "a panic is how a target says that something is broken"
)]

#[cfg(fuzzing)]
mod targets;

#[cfg(not(fuzzing))]
fn main() {
    panic!("built by tests/fuzz.sh only");
}
