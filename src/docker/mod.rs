//! Docker's and podman's side of the workstation: their files, the helper on PATH, and other credential helpers.
//!
//! The files belong to other programs, so every byte that is not ours to change stays. No keychain, no network and no
//! output in here.

mod config;
mod entry;
mod error;
mod file;
mod files;
mod observe;
mod on_path;
pub mod other_helper;
pub mod program;
mod registries_conf;
mod stored;

pub use config::{Config, ConfigError};
pub use entry::{Entry, Held, Stays};
pub use error::Error;
pub use file::File;
pub use files::Files;
pub use observe::{Workstation, detected, observe};
pub use registries_conf::Order;
pub use stored::{Found, Place, Stored};

/// What our helper is called in these files: docker puts `docker-credential-` before it.
pub const HELPER: &str = "gitea";
