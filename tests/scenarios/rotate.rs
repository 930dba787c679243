//! `rotate`: killed anywhere, failing in part, and what it says.

mod killed;
mod partial;
mod place;
mod says;
mod unfinished;

use libtest_mimic::Trial;

pub fn trials() -> Vec<Trial> {
    [
        killed::trials(),
        partial::trials(),
        says::trials(),
        unfinished::trials(),
    ]
    .into_iter()
    .flatten()
    .collect()
}
