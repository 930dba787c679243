//! A pull Secret, cut down to what can be said about it.

use super::{Interest, Keeping, OtherToken};
use crate::cluster::annotations::{Entry, LAST_APPLIED, MANAGED_BY_LABEL, MANAGER};
use crate::cluster::owner::{Ownership, owner};
use crate::cluster::pull_secret::{
    DOCUMENT_KEY, LEGACY_DOCUMENT_KEY, LEGACY_PULL_SECRET_TYPE, Observed, PULL_SECRET_TYPE, Target,
};
use crate::model::pull::{PullSecret, pull};
use crate::model::{DockerConfig, EntryProblem, Registry, Token, printable};

/// Longest user name that is worth showing, in characters.
const MAX_USER: usize = 120;

/// A Secret of a type that kubelet pulls with. Texts in it may come from the cluster, made fit to be shown.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "facts, each of its own")]
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

/// Tokens that were found, each once.
pub(super) struct Tokens<'a> {
    interests: &'a [Interest<'a>],
    pub(super) others: Vec<OtherToken>,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(interests: &'a [Interest<'a>]) -> Self {
        Self {
            interests,
            others: Vec::new(),
        }
    }

    /// Says whose token it is, and keeps one that is new.
    fn held(&mut self, interest: usize, username: &str, token: Token) -> Held {
        let username = printable(username, MAX_USER);
        let kept = &self.interests[interest].kept;
        let kept = kept.iter().find(|(_, credential)| credential.token == token);
        let token = match kept {
            Some((keeping, _)) => HeldToken::Kept(*keeping),
            None => HeldToken::Other(self.other(interest, &username, token)),
        };
        Held { username, token }
    }

    fn other(&mut self, interest: usize, username: &str, token: Token) -> usize {
        let is_it = |other: &OtherToken| other.interest == interest && other.token == token;
        self.others.iter().position(is_it).unwrap_or_else(|| {
            self.others.push(OtherToken {
                interest,
                username: username.to_owned(),
                token,
            });
            self.others.len() - 1
        })
    }

    /// The registry that a key was written for.
    fn interest(&self, key: &str) -> Option<usize> {
        let named = key.parse::<Registry>().ok();
        let is_meant = |registry: &Registry| {
            let image = format!("{registry}/owner/image");
            named.as_ref() == Some(registry) || !pull(&image, &[PullSecret::Entries(vec![key])]).entries().is_empty()
        };
        self.interests.iter().position(|interest| is_meant(&interest.registry))
    }
}

/// Cuts a Secret down; `None` for one of a type that kubelet passes over.
pub(super) fn reduce(observed: &Observed, tokens: &mut Tokens<'_>) -> Option<SeenSecret> {
    let is_legacy = match observed.type_name() {
        PULL_SECRET_TYPE => false,
        LEGACY_PULL_SECRET_TYPE => true,
        _ => return None,
    };
    let metadata = observed.metadata();
    let applied = observed.annotation(LAST_APPLIED).unwrap_or_default();
    Some(SeenSecret {
        target: Target {
            namespace: metadata.namespace.as_deref()?.parse().ok()?,
            secret: metadata.name.as_deref()?.parse().ok()?,
        },
        is_legacy,
        is_immutable: observed.is_immutable(),
        is_managed: observed.label(MANAGED_BY_LABEL) == Some(MANAGER),
        declared: observed.entries(),
        ownership: owner(metadata),
        resource_version: metadata.resource_version.clone().unwrap_or_default(),
        written: written(observed),
        has_applied_copy: [DOCUMENT_KEY, LEGACY_DOCUMENT_KEY]
            .iter()
            .any(|key| applied.contains(key)),
        state: state(observed, is_legacy, tokens),
    })
}

fn state(observed: &Observed, is_legacy: bool, tokens: &mut Tokens<'_>) -> State {
    let document = match observed.bytes(if is_legacy { LEGACY_DOCUMENT_KEY } else { DOCUMENT_KEY }) {
        None | Some([]) => return State::Empty,
        Some(bytes) if is_legacy => DockerConfig::parse_legacy(bytes),
        Some(bytes) => DockerConfig::parse(bytes),
    };
    let Some(document) = document.ok().filter(DockerConfig::has_readable_headers) else {
        return State::Broken { problems: Vec::new() };
    };
    let problems = document.problems();
    if !problems.is_empty() {
        return State::Broken { problems };
    }
    let entries = document.logins().into_iter().map(|(key, login)| {
        let interest = tokens.interest(&key);
        let login = interest.zip(login.ok().flatten());
        SeenEntry {
            login: login.map(|(interest, (username, token))| tokens.held(interest, &username, token)),
            interest,
            key,
        }
    });
    State::Entries(entries.collect())
}

/// When the document was written last, by the API server's record of who wrote what, or else when the Secret was made.
fn written(observed: &Observed) -> Option<i64> {
    let metadata = observed.metadata();
    let entries = metadata.managed_fields.iter().flatten();
    let writes = entries.filter(|entry| {
        let fields = entry.fields_v1.as_ref().map(|fields| &fields.0["f:data"]);
        fields.is_some_and(|data| {
            let has = |key: &str| data.get(format!("f:{key}")).is_some();
            has(DOCUMENT_KEY) || has(LEGACY_DOCUMENT_KEY)
        })
    });
    let times = writes.filter_map(|entry| entry.time.as_ref());
    times
        .chain(&metadata.creation_timestamp)
        .map(|time| time.0.as_second())
        .max()
}
