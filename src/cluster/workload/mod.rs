//! What runs with a pull Secret: finding it, restarting it, following it.

pub mod restart;
pub mod rollout;
pub mod unstick;
pub mod users;
pub mod workloads;
