//! ServiceAccounts, restarts, stuck pods, and who has to be allowed what: on the double, and on a real control plane
//! with controllers. There is no kubelet: a scenario says itself how its pods are.

mod accounts;
mod permissions;
mod restarts;
mod stage;
