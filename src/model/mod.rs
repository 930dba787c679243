//! Domain types, without I/O.

pub(crate) mod auth_entry;
mod cluster_id;
mod docker_config;
pub mod duration;
pub(crate) mod go_json;
mod helper_entry;
mod hint;
mod image;
mod json_edit;
mod json_mask;
mod names;
mod own_tokens;
pub mod pull;
mod redaction;
mod registry;
pub mod rotation;
pub(crate) mod serde_text;
mod steps;
mod target;
mod text;
mod token;
mod writer;

pub use cluster_id::{ClusterId, ClusterIdError};
pub use docker_config::{DockerConfig, DockerConfigError, EntryProblem, Login};
pub use helper_entry::{HELPER_NOT_FOUND, HelperEntry};
pub use hint::{CommandLine, Hint};
pub use json_edit::{JsonEdit, JsonEditError};
pub use names::{NameError, Namespace, SecretName, ServiceAccountName};
pub use own_tokens::{EarlierTokens, Fingerprint, FingerprintError, FingerprintKey, MAX_EARLIER, OwnTokens};
pub use redaction::Redaction;
pub use registry::{Registry, RegistryError};
pub use target::{Target, TargetError};
pub use text::{escape_control, has_control, printable, printable_around, strip_control};
pub use token::{Credential, Token, TokenError, Use, UseError, Username, UsernameError};
pub use writer::{InstallationId, InstallationIdError, Writer};
