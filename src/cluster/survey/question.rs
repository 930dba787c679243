//! The registries, Secrets and namespaces of a survey.

use crate::cluster::reader::places::NamespaceSelection;
use crate::model::{Credential, Registry, Target};

/// The scope of a survey.
#[derive(Clone, Debug)]
pub struct Question<'a> {
    /// Where.
    pub places: NamespaceSelection,
    /// Secrets that are expected to be there: looked for by name even where Secrets cannot be listed.
    pub targets: Vec<Target>,
    /// Secrets that something else than a pod, a workload or a ServiceAccount names for pulling, such as what could be rolled
    /// back to. They are looked for as those are that pods name.
    pub named: Vec<Target>,
    /// The registries that it is about.
    pub interests: Vec<Interest<'a>>,
}

/// A registry, and the credentials of it to compare with. Where two have the same token, the first of them is named.
#[derive(Clone, Debug)]
pub struct Interest<'a> {
    pub registry: Registry,
    /// The keychain's credentials of it.
    pub kept: Vec<(TokenSlot, &'a Credential)>,
}

/// The role of a credential in the keychain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenSlot {
    /// For this workstation.
    Docker,
    /// For pull Secrets.
    Cluster,
    /// For a use of the user's own, by its place among the credentials of whoever asks.
    Named(usize),
    /// The new credential of a pending rotation.
    Pending,
}
