//! Docker and podman on this workstation: their files, the helper on PATH, and other credential helpers.
//!
//! The files belong to other programs, so everything in them that we do not set is kept byte for byte. This module uses
//! no keychain and no network and prints nothing.

mod answers;
mod config;
mod detect;
mod edit;
mod engine;
mod entry;
mod environment;
mod error;
mod file;
mod files;
#[cfg(fuzzing)]
pub mod fuzzing;
mod inspect;
mod names;
mod observe;
pub mod other_helper;
mod plan;
mod process;
pub mod program;
mod registries_conf;
mod setup_record;
mod stored;
mod write;

use crate::sys::on_path;

pub use answers::{Answer, Client, Source};
pub use config::{Config, ConfigError};
pub use detect::{detected_store, has_helm, has_podman};
pub use edit::{Change, DesiredConfig, FileRecord, Replaced, Store};
pub use engine::{Engine, Engines};
pub use entry::{Entry, EntryContent, Unmovable};
pub use error::Error;
pub use file::{File, OtherNames};
pub use files::{Files, SkippedFile};
pub use inspect::{Warning, WarningKind, inspect};
pub use names::other_name;
pub use observe::{Workstation, observe};
pub use plan::{After, FilePlan};
pub use registries_conf::Order;
pub use setup_record::SetupRecord;
pub use stored::{Lookup, Stored, StoredIn, ask, is_below_hub, registry_of};

/// Our helper's name in these files; docker puts `docker-credential-` before it.
pub const HELPER: &str = "gitea";
