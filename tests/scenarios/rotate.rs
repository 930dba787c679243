//! `rotate`: killed anywhere, failing in part, and what it says.

mod half_seen;
mod interrupted;
mod killed;
mod partial;
mod place;
mod says;

use libtest_mimic::Trial;

pub fn trials() -> Vec<Trial> {
    [
        half_seen::trials(),
        interrupted::trials(),
        killed::trials(),
        partial::trials(),
        says::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
