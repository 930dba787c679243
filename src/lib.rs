//! One registry token in the OS keychain feeds docker, Kubernetes pull Secrets and CI.
//!
//! The map, from the outside in. Arrows point one way: programs → [`commands`] → {[`keychain`], [`docker`], [`registry`],
//! [`cluster`]} → [`model`]. The four in the middle do not know each other.
//!
//! - [`helper`] speaks docker's credential-helper protocol over [`keychain`]; nothing else is in its path.
//! - [`commands`] holds one file a verb of `kubectl regcred`: observe, plan, apply, report.
//! - [`keychain`] is where credentials rest.
//! - [`docker`] is docker's and podman's files, the helper on PATH, and other helpers.
//! - [`registry`] is the registry's and Gitea's HTTP.
//! - [`cluster`] is Kubernetes: connecting, Secrets, and who owns them.
//! - [`model`] has the words that everything is said in, without I/O.
//! - [`tls`] is certificates and keys as Go takes them; [`sys`] is what belongs to the operating system.
//!
//! docs/architecture.md walks through it, and tests/architecture.rs holds what may import what.

pub mod cluster;
pub mod commands;
pub mod docker;
pub mod error;
pub mod helper;
pub mod keychain;
pub mod model;
pub mod output;
pub mod registry;
pub mod sys;
pub mod tls;
