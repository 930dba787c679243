//! ServiceAccounts, restarts, stuck pods, and who has to be allowed what: on the double, and on a real control plane
//! with controllers. There is no kubelet: a scenario says itself how its pods are.

mod accounts;
mod permissions;
mod restarts;
mod stage;

use libtest_mimic::Trial;

/// A name, and what happens on a server of this kind.
type Scenario<S> = (&'static str, fn(&S));

pub fn trials() -> Vec<Trial> {
    [accounts::trials(), restarts::trials(), permissions::trials()]
        .into_iter()
        .flatten()
        .collect()
}
