//! Pull Secrets in a cluster: the same scenarios on the double and on a real control plane, and connecting.

mod connecting;
mod echo;
mod foreign;
#[cfg(unix)]
mod programs;
mod secrets;
pub mod world;

use libtest_mimic::Trial;

pub fn trials() -> Vec<Trial> {
    let parts = [
        secrets::trials(),
        connecting::trials(),
        foreign::trials(),
        echo::trials(),
        #[cfg(unix)]
        programs::trials(),
    ];
    parts.into_iter().flatten().collect()
}
