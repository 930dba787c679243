//! Pull Secrets in a cluster: the same scenarios on the double and on a real control plane, and connecting.

mod connecting;
mod echo;
mod foreign;
#[cfg(unix)]
mod programs;
mod secrets;
pub mod world;
