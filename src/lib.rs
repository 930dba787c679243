//! One registry token in the OS keychain feeds docker, Kubernetes pull Secrets and CI.
//!
//! The map, from the outside in. Arrows point one way: programs → [`commands`] → {[`keychain`], [`docker`], [`gitea`],
//! [`cluster`]} → [`model`]. The four in the middle do not know each other.
//!
//! - [`helper`] speaks docker's credential-helper protocol over [`keychain`]; nothing else is in its path.
//! - [`commands`] holds one file a verb of `kubectl regcred`: observe, plan, apply, report.
//! - [`keychain`] is where credentials rest.
//! - [`docker`] is docker's and podman's files, the helper on PATH, and other helpers.
//! - [`gitea`] is the registry's and Gitea's HTTP.
//! - [`cluster`] is Kubernetes: connecting, Secrets, and who owns them.
//! - [`model`] has the words that everything is said in, without I/O.

pub mod cli;
pub mod cluster;
pub mod commands;
pub mod core_dump;
pub mod docker;
pub mod env;
pub mod error;
mod file_lock;
pub mod gitea;
pub mod helper;
pub mod keychain;
pub mod link;
pub mod model;
mod on_path;
pub mod output;
pub mod proxy;
mod replace;
pub mod tls;
pub mod user;
pub mod watchdog;
mod whole_file;
