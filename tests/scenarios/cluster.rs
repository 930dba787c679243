//! Pull Secrets in a cluster: the same scenarios on the double and on a real control plane, and connecting.

mod connecting;
mod foreign;
mod secrets;
pub mod world;

use libtest_mimic::Trial;

pub fn trials() -> Vec<Trial> {
    [secrets::trials(), connecting::trials(), foreign::trials()]
        .into_iter()
        .flatten()
        .collect()
}
