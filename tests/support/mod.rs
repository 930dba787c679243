//! What the scenarios and the quickstart share: doubles on loopback, and the real parts with how each starts.
#![allow(dead_code, reason = "the quickstart and the scenarios each use a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

#[cfg(target_os = "linux")]
pub mod fake_secrets;
#[cfg(target_os = "linux")]
pub mod keyring;
pub mod docker_registry;
pub mod gitea;
pub mod http;
pub mod image;
pub mod part;
pub mod tls;
