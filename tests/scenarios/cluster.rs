//! How every verb reaches a cluster, and what it makes of the answers: kubeconfig, credential plugins, proxies, retries.

mod connecting;
mod flags;
mod foreign_answers;
mod http2;
#[cfg(unix)]
mod programs;
mod quoted_answers;
