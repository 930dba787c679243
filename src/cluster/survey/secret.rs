//! A pull Secret, cut down to what can be said about it.

use crate::cluster::annotations::Entry;
use crate::cluster::owner::Ownership;
use crate::cluster::pull_secret::Target;
use crate::model::EntryProblem;

use super::Keeping;

/// A Secret of a type that kubelet pulls with. Texts in it may come from the cluster, made fit to be shown.
#[derive(Clone, Debug)]
pub struct SeenSecret {
    /// Where it is.
    pub target: Target,
    /// It is of the older type `kubernetes.io/dockercfg`, which sync does not write.
    pub is_legacy: bool,
    /// Its data is frozen for ever.
    pub is_immutable: bool,
    /// It has our label.
    pub is_managed: bool,
    /// What our annotations say.
    pub declared: Vec<Entry>,
    /// Whose it is.
    pub ownership: Ownership,
    /// The version that was looked at.
    pub resource_version: String,
    /// When its document was written last, in seconds since 1970, where the API server kept that.
    pub written: Option<i64>,
    /// Its `last-applied-configuration` annotation holds the document a second time, in plain text.
    pub has_applied_copy: bool,
    /// What kubelet makes of its document.
    pub state: State,
}

/// What kubelet makes of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// There is none, or an empty one: kubelet passes over it.
    Empty,
    /// It cannot be decoded, which fails every pull of a pod that names the Secret.
    Broken {
        /// The entries that cannot be decoded; none where it is the document as such.
        problems: Vec<EntryProblem>,
    },
    /// Its entries.
    Entries(Vec<SeenEntry>),
}

/// An entry of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenEntry {
    /// Its key, as it stands there: what kubelet matches by. Not fit to be shown before it went through `printable`.
    pub key: String,
    /// The registry that it is for, by its place in [`super::Question::interests`], however the key is spelled.
    pub interest: Option<usize>,
    /// What kubelet would log in with; only of entries of the registries. `None`: nothing, which is as good as anonymous.
    pub login: Option<Held>,
}

/// A user and whose token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// The user; text from the cluster.
    pub username: String,
    /// The token.
    pub token: HeldToken,
}

/// Which token it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HeldToken {
    /// The keychain's.
    Kept(Keeping),
    /// Another, by its place in [`super::Survey::other_tokens`].
    Other(usize),
}
