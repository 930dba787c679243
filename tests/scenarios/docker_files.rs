//! `docker setup` and `docker remove`: docker's and podman's files, on doubles and through the real clients.

mod clients;
mod conflicts;
mod interrupted;
mod place;
mod real;
mod refusals;
mod setup;

use libtest_mimic::Trial;

pub fn trials() -> Vec<Trial> {
    let parts = [
        setup::trials(),
        conflicts::trials(),
        clients::trials(),
        interrupted::trials(),
        refusals::trials(),
        real::trials(),
    ];
    parts.into_iter().flatten().collect()
}
