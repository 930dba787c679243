//! Docker's and podman's side of the workstation: their files, the helper on PATH, and other credential helpers.
//!
//! The files belong to other programs, so every byte that is not ours to change stays. No keychain, no network and no
//! output in here.

mod answers;
mod config;
mod detect;
mod edit;
mod entry;
mod error;
mod file;
mod files;
mod inspect;
mod memory;
mod observe;
pub mod other_helper;
mod plan;
mod process;
pub mod program;
mod registries_conf;
mod stored;
mod warning;
mod write;

use crate::sys::on_path;

pub use answers::{Answer, Client, Source};
pub use config::{Config, ConfigError};
pub use detect::{detected_store, has_helm, has_podman};
pub use edit::{Change, Remembered, Stood, Store, Wanted};
pub use entry::{Entry, Held, Stays};
pub use error::Error;
pub use file::{File, OtherNames};
pub use files::{Files, LeftOut};
pub use inspect::inspect;
pub use memory::Memory;
pub use observe::{Workstation, observe};
pub use plan::{After, FilePlan};
pub use registries_conf::Order;
pub use stored::{Found, Place, Stored, ask, is_below_hub, registry_of};
pub use warning::{Warning, WarningKind};

/// What our helper is called in these files: docker puts `docker-credential-` before it.
pub const HELPER: &str = "gitea";
