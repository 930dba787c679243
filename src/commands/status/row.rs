//! The table of targets: one row for each registry that a Secret is, or should be, for.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::model::{InstallationId, Use, Writer, serde_text};

/// The state of a Secret.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::commands) enum State {
    /// It holds what sync would write.
    InSync,
    /// It holds something else.
    Stale,
    /// It holds a token that works and is another's.
    OfAnother,
    /// The registry does not accept what it holds.
    Rejected,
    /// It does not exist.
    Missing,
    /// kubelet cannot read it.
    Broken,
    /// It is out of step, and this tool manages it.
    OwnedBy(String),
    /// Valid but not managed.
    NotManaged,
    /// It holds the new token of a pending rotation.
    Rotating,
    /// It could not be compared or verified.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::commands) struct Row {
    /// `None` for the in-cluster configuration.
    pub(in crate::commands) context: Option<String>,
    pub(in crate::commands) namespace: String,
    pub(in crate::commands) secret: String,
    /// `None` if its registry is not known.
    pub(in crate::commands) registry: Option<String>,
    /// The user in it: text from the cluster, made printable.
    pub(in crate::commands) username: Option<String>,
    pub(in crate::commands) state: State,
    /// The use of the credential that it should hold.
    #[serde(rename = "use", with = "serde_text::option")]
    pub(in crate::commands) usage: Option<Use>,
    /// Whether it has our label.
    pub(in crate::commands) managed: bool,
    /// The other tool that manages it.
    pub(in crate::commands) owner: Option<String>,
    /// Who wrote its credential last, if that is in its annotations.
    pub(in crate::commands) written_by: Option<WrittenBy>,
    /// Workloads and pods that use it.
    pub(in crate::commands) used_by: Vec<String>,
    /// ServiceAccounts that name it.
    pub(in crate::commands) service_accounts: Vec<String>,
}

/// Who wrote a credential, from the annotations of a Secret, which anyone who may change it can change too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::commands) struct WrittenBy {
    /// Text from the cluster, made printable.
    name: String,
    /// The id of the installation; `None` if it keeps none, as in CI.
    #[serde(with = "serde_text::option")]
    installation: Option<InstallationId>,
    /// Whether it is this one.
    this_installation: bool,
}

impl WrittenBy {
    pub(in crate::commands) fn new(writer: &Writer, own: Option<&InstallationId>) -> Self {
        Self {
            name: writer.name().to_owned(),
            installation: writer.installation.clone(),
            this_installation: own.is_some() && writer.installation.as_ref() == own,
        }
    }
}

impl State {
    /// The word for it in documents.
    pub(in crate::commands) fn word(&self) -> &'static str {
        match self {
            Self::InSync => "inSync",
            Self::Stale => "stale",
            Self::OfAnother => "ofAnother",
            Self::Rejected => "rejected",
            Self::Missing => "missing",
            Self::Broken => "broken",
            Self::OwnedBy(_) => "ownedByOther",
            Self::NotManaged => "notManaged",
            Self::Rotating => "rotating",
            Self::Unknown => "unknown",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InSync => f.write_str("in sync"),
            Self::OfAnother => f.write_str("another's"),
            Self::NotManaged => f.write_str("not managed"),
            Self::OwnedBy(owner) => write!(f, "owned by {owner}"),
            other => f.write_str(other.word()),
        }
    }
}

impl Serialize for State {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.word())
    }
}
