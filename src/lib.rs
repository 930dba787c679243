//! One registry token in the OS keychain feeds docker, Kubernetes pull Secrets and CI.
//!
//! The map, from the outside in. Imports go one way: programs → [`commands`] → {[`keychain`], [`docker`], [`registry`],
//! [`cluster`], [`ledger`]} → [`model`]. The five in the middle do not know each other.
//!
//! - [`helper`] speaks docker's credential-helper protocol over [`keychain`]; nothing else is in its path.
//! - [`commands`] has a file or a folder for each verb of `kubectl regcred`: its flags, then observe, plan, apply, report.
//! - [`keychain`] stores credentials.
//! - [`ledger`] remembers where this machine's tokens were written.
//! - [`docker`] reads and edits docker's and podman's files, and finds the helper on PATH and other helpers.
//! - [`registry`] speaks HTTP to a registry and to Gitea.
//! - [`cluster`] speaks to Kubernetes: connecting, Secrets, workloads, and the survey that `status` is made from.
//! - [`model`] has the domain types, without I/O.
//! - [`tls`] reads certificates and keys as Go does; [`sys`] wraps the operating system.
//!
//! docs/architecture.md walks through it, and tests/architecture.rs holds what may import what.

pub mod cluster;
pub mod commands;
pub mod docker;
pub mod error;
pub mod helper;
pub mod keychain;
pub mod ledger;
pub mod model;
pub mod output;
pub mod registry;
pub mod sys;
pub mod tls;
