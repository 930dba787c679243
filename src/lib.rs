//! One registry token in the OS keychain feeds docker, Kubernetes pull Secrets and CI.
//!
//! Imports go one way: programs → [`commands`] → {[`keychain`], [`docker`], [`registry`], [`cluster`]} → [`model`]. The
//! four in the middle do not import each other.
//!
//! - [`helper`] implements docker's credential-helper protocol with [`keychain`] and nothing else.
//! - [`commands`] has a file or folder for each verb of `kubectl regcred`: observe, plan, apply, report.
//! - [`keychain`] stores credentials.
//! - [`docker`] handles docker's and podman's files, the helper on PATH, and other helpers.
//! - [`registry`] makes HTTP requests to registries and Gitea.
//! - [`cluster`] is Kubernetes: connecting, Secrets and their owners, workloads.
//! - [`model`] has the domain types, without I/O.
//! - [`tls`] handles certificates and keys by Go's rules; [`sys`] is for the operating system.
//!
//! docs/architecture.md explains the code, and tests/architecture.rs checks the import rules.

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
