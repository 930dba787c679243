//! `status`: every code by something that is out of step, and gone once the command that it prints was run.

/// A scenario that makes `status` find this code.
macro_rules! finding {
    ($test:ident, $code:expr, on($($place:ident),+)) => {
        scenario!($test, on($($place),+));
        inventory::submit! { super::Found(|| $code) }
    };
}

mod age;
mod clusters;
mod consumers;
mod docker;
pub mod documents;
pub mod fixture;
mod images;
mod objects;
mod pods;
mod screens;
mod sealed;
mod survey;
mod team;
mod workstation;

use std::collections::BTreeSet;

use regcred::commands::status::Code;

/// A code that a scenario makes `status` find.
struct Found(fn() -> Code);

inventory::collect!(Found);

scenario!(every_code_has_a_scenario);
fn every_code_has_a_scenario() {
    let played: BTreeSet<&str> = inventory::iter::<Found>
        .into_iter()
        .map(|found| (found.0)().as_str())
        .collect();
    let all: BTreeSet<&str> = Code::all().map(Code::as_str).collect();
    assert_eq!(played, all);
}
