//! What has to be allowed for a command, and the Roles that allow it.

mod access;
mod manifests;

pub(super) use access::role_for_verb;
pub use access::{Access, Feature, groups_of_status};
pub use manifests::{Scope, Subject};
