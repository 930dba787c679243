//! What the scenarios and the quickstart share: doubles on loopback, and the real parts with how each starts.
#![allow(dead_code, reason = "the quickstart and the scenarios each use a part of it")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on says where")]

/// The programs as cargo built them for this test.
pub const PLUGIN: &str = env!("CARGO_BIN_EXE_kubectl-regcred");
pub const HELPER: &str = env!("CARGO_BIN_EXE_docker-credential-gitea");

pub mod api_server;
pub mod attempts;
pub mod background;
#[cfg(target_os = "linux")]
pub mod buildkit;
#[cfg(target_os = "linux")]
pub mod bus;
#[cfg(target_os = "linux")]
pub mod container;
pub mod control_plane;
#[cfg(target_os = "linux")]
pub mod daemon;
#[cfg(target_os = "linux")]
pub mod disk;
pub mod docker_registry;
#[cfg(target_os = "linux")]
pub mod elsewhere;
#[cfg(target_os = "linux")]
pub mod engine;
#[cfg(target_os = "linux")]
pub mod fake_secrets;
pub mod forward;
pub mod frames;
pub mod gate;
#[cfg(unix)]
pub mod gated_parts;
pub mod gated_store;
pub mod generated;
pub mod gitea;
pub mod http;
pub mod image;
#[cfg(target_os = "linux")]
pub mod keepassxc;
#[cfg(target_os = "linux")]
pub mod keyring;
#[cfg(target_os = "linux")]
pub mod krew;
pub mod kube_api;
pub mod nginx;
#[cfg(target_os = "linux")]
pub mod node;
pub mod oracle;
pub mod part;
pub mod parts;
#[cfg(target_os = "linux")]
pub mod plane;
pub mod pusher;
pub mod raw;
#[macro_use]
pub mod scenario;
pub mod schema;
#[cfg(target_os = "linux")]
pub mod server;
pub mod socks;
#[cfg(target_os = "linux")]
pub mod store;
pub mod tls;
#[cfg(target_os = "linux")]
pub mod vault;
#[cfg(target_os = "linux")]
pub mod world;
