//! What the user excluded by name.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::model::{ActionsSecret, Namespace, Target, serde_text};

/// What the user excluded with `--skip-…`. An old token is revoked even if one of these holds it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Skipped {
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub contexts: BTreeSet<String>,
    #[serde(with = "serde_text::each", skip_serializing_if = "BTreeSet::is_empty")]
    pub namespaces: BTreeSet<Namespace>,
    #[serde(with = "namespaces_and_names", skip_serializing_if = "BTreeSet::is_empty")]
    pub secrets: BTreeSet<Target>,
    /// Secrets of Actions.
    #[serde(with = "serde_text::each", skip_serializing_if = "BTreeSet::is_empty")]
    pub actions: BTreeSet<ActionsSecret>,
    /// Contexts that are not searched for further Secrets with the old token.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub searches: BTreeSet<String>,
}

impl Skipped {
    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether this Secret was skipped.
    pub fn has(&self, target: &Target) -> bool {
        self.namespaces.contains(&target.namespace) || self.secrets.contains(target)
    }

    /// Whether this context was skipped.
    pub fn has_context(&self, context: &str) -> bool {
        self.contexts.contains(context)
    }

    /// Whether the search in this context was skipped.
    pub fn has_search(&self, context: &str) -> bool {
        self.searches.contains(context)
    }

    /// Skips these too.
    pub fn add(&mut self, more: &Self) {
        self.contexts.extend(more.contexts.iter().cloned());
        self.namespaces.extend(more.namespaces.iter().cloned());
        self.secrets.extend(more.secrets.iter().cloned());
        self.actions.extend(more.actions.iter().cloned());
        self.searches.extend(more.searches.iter().cloned());
    }
}

/// `NAMESPACE/NAME`, each.
mod namespaces_and_names {
    use std::collections::BTreeSet;

    use serde::Serializer;

    pub(super) use super::serde_text::each::deserialize;
    use crate::model::Target;

    pub(super) fn serialize<S: Serializer>(targets: &BTreeSet<Target>, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(targets.iter().map(Target::namespaced_name))
    }
}
