//! A pull Secret, reduced to what the survey needs.

use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher as _, RandomState};

use super::question::{Interest, TokenSlot};
use crate::cluster::secret::annotations::{Entry, LAST_APPLIED, MANAGED_BY_LABEL, MANAGER};
use crate::cluster::secret::format::{ARGO_LABEL, SecretFormat};
use crate::cluster::secret::owner::{Ownership, has_written, owner};
use crate::cluster::secret::pull_secret::{
    DOCUMENT_KEY, LEGACY_DOCUMENT_KEY, LEGACY_PULL_SECRET_TYPE, Observed, PULL_SECRET_TYPE,
};
use crate::model::pull::takes_some;
use crate::model::{DockerConfig, EntryProblem, Registry, Target, Token, printable};

/// The longest user name that is shown, in characters.
const MAX_USER: usize = 120;

/// A Secret of a type that kubelet pulls with, or one of ours in another format. Texts in it may come from the cluster, made fit to be shown.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "facts, each of its own")]
pub struct SeenSecret {
    /// Where it is.
    pub target: Target,
    /// It is of the older type `kubernetes.io/dockercfg`, which sync does not write.
    pub is_legacy: bool,
    /// Its data cannot be changed.
    pub is_immutable: bool,
    /// How it holds its credential. With another format than its own, kubelet passes over it.
    pub format: SecretFormat,
    /// It has the label by which Argo CD finds its repositories.
    pub is_of_argo_cd: bool,
    /// It has our label.
    pub is_managed: bool,
    /// The content of our annotations.
    pub declared: Vec<Entry>,
    /// Its owner.
    pub ownership: Ownership,
    /// The version that was read.
    pub resource_version: String,
    /// When its document was written last, in seconds since 1970, where the API server kept that.
    pub written: Option<i64>,
    /// Its `last-applied-configuration` annotation holds the document a second time, in plain text.
    pub has_applied_copy: bool,
    /// How kubelet reads its document.
    pub state: State,
    /// The keychain's credentials that it holds just as `sync` writes them, each with its place in
    /// [`super::question::Question::interests`].
    pub holds: Vec<(usize, TokenSlot)>,
}

impl SeenSecret {
    /// The entries that name the whole registry, and no path below it: those that `sync` writes.
    pub fn entries_of(&self, registry: &Registry) -> impl Iterator<Item = &SeenEntry> {
        let entries = match &self.state {
            State::Entries(entries) => entries.as_slice(),
            State::Empty | State::Broken { .. } => &[],
        };
        entries.iter().filter(|entry| registry.is_named_by(&entry.key))
    }
}

/// How kubelet reads a document.
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
    /// The registry that it is for, by its place in [`super::question::Question::interests`], however the key is spelled; of
    /// a wildcard that is for several, the first.
    pub interest: Option<usize>,
    /// What kubelet would log in with; only of entries of the registries. `None`: nothing, which is as good as anonymous.
    pub login: Option<Login>,
}

/// A user and the kind of the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// The user; text from the cluster.
    pub username: String,
    pub token: HeldToken,
}

/// Which token it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HeldToken {
    /// The keychain's.
    Stored(TokenSlot),
    /// Another, by its place in [`super::report::Survey::other_tokens`].
    Other(usize),
}

/// Tokens that were found, each once.
pub(super) struct Tokens<'a> {
    interests: &'a [Interest<'a>],
    pub(super) others: Vec<OtherToken>,
    /// The places in `others` by the interest and the token's hash, so that a Secret of a thousand tokens does not make
    /// looking a thousand times as long. The hash is keyed anew in each process: nobody can choose tokens that share one.
    places: HashMap<(usize, u64), Vec<usize>>,
    keys: RandomState,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(interests: &'a [Interest<'a>]) -> Self {
        Self {
            interests,
            others: Vec::new(),
            places: HashMap::new(),
            keys: RandomState::new(),
        }
    }

    /// Identifies a token, and records it if it is new.
    fn held(&mut self, interest: usize, username: &str, token: Token) -> Login {
        let username = printable(username, MAX_USER);
        let kept = &self.interests[interest].kept;
        let kept = kept.iter().find(|(_, credential)| credential.token == token);
        let token = match kept {
            Some((keeping, _)) => HeldToken::Stored(*keeping),
            None => HeldToken::Other(self.other(interest, &username, token)),
        };
        Login { username, token }
    }

    fn other(&mut self, interest: usize, username: &str, token: Token) -> usize {
        let hash = self.keys.hash_one(token.expose());
        let places = self.places.entry((interest, hash)).or_default();
        if let Some(place) = places.iter().find(|place| self.others[**place].token == token) {
            return *place;
        }
        let place = self.others.len();
        places.push(place);
        self.others.push(OtherToken {
            interest,
            username: username.to_owned(),
            token,
        });
        place
    }

    /// The registry that a key was written for.
    fn interest(&self, key: &str) -> Option<usize> {
        let named = key.parse::<Registry>().ok();
        let is_meant = |registry: &Registry| named.as_ref() == Some(registry) || takes_some(key, registry.as_str());
        self.interests.iter().position(|interest| is_meant(&interest.registry))
    }

    /// The kept credentials that a document with these entries holds just as `sync` writes them.
    fn kept_in(&self, document: &DockerConfig, entries: &[SeenEntry]) -> Vec<(usize, TokenSlot)> {
        // A document can be long: it is only asked about registries of which it has a kept token.
        let has_kept = |entry: &&SeenEntry| {
            let token = entry.login.as_ref().map(|login| login.token);
            matches!(token, Some(HeldToken::Stored(_)))
        };
        let interests: BTreeSet<usize> = entries
            .iter()
            .filter(has_kept)
            .filter_map(|entry| entry.interest)
            .collect();
        let mut held = Vec::new();
        for at in interests {
            let kept = self.interests[at].kept.iter();
            let kept = kept.filter(|(_, credential)| document.holds(credential));
            held.extend(kept.map(|(slot, _)| (at, *slot)));
        }
        held
    }
}

/// Reduces a Secret; `None` if kubelet ignores its type.
pub(super) fn reduce(observed: &Observed, tokens: &mut Tokens<'_>) -> Option<SeenSecret> {
    let is_legacy = match observed.type_name() {
        PULL_SECRET_TYPE => false,
        LEGACY_PULL_SECRET_TYPE => true,
        _ if !observed.format().is_for_kubelet() => false,
        _ => return None,
    };
    let metadata = observed.metadata();
    let applied = observed.annotation(LAST_APPLIED).unwrap_or_default();
    let (state, holds) = state(observed, is_legacy, tokens);
    Some(SeenSecret {
        target: Target {
            namespace: metadata.namespace.as_deref()?.parse().ok()?,
            secret: metadata.name.as_deref()?.parse().ok()?,
        },
        is_legacy,
        is_immutable: observed.is_immutable(),
        format: observed.format(),
        is_of_argo_cd: observed.label(ARGO_LABEL.0).is_some(),
        is_managed: observed.label(MANAGED_BY_LABEL) == Some(MANAGER),
        declared: observed.entries(),
        ownership: owner(metadata, &observed.format()),
        resource_version: metadata.resource_version.clone().unwrap_or_default(),
        written: written(observed),
        has_applied_copy: [DOCUMENT_KEY, LEGACY_DOCUMENT_KEY]
            .iter()
            .any(|key| applied.contains(key)),
        state,
        holds,
    })
}

/// How kubelet reads the document, and [`SeenSecret::holds`].
fn state(observed: &Observed, is_legacy: bool, tokens: &mut Tokens<'_>) -> (State, Vec<(usize, TokenSlot)>) {
    let without_entries = |state| (state, Vec::new());
    let document = match observed.bytes(if is_legacy { LEGACY_DOCUMENT_KEY } else { DOCUMENT_KEY }) {
        _ if !observed.format().is_for_kubelet() => observed.document(),
        None | Some([]) => return without_entries(State::Empty),
        Some(bytes) if is_legacy => DockerConfig::parse_legacy(bytes),
        Some(bytes) => DockerConfig::parse(bytes),
    };
    let Some(document) = document.ok().filter(DockerConfig::has_readable_headers) else {
        return without_entries(State::Broken { problems: Vec::new() });
    };
    let problems = document.problems();
    if !problems.is_empty() {
        return without_entries(State::Broken { problems });
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
    let entries: Vec<SeenEntry> = entries.collect();
    let holds = tokens.kept_in(&document, &entries);
    (State::Entries(entries), holds)
}

/// When the document was written last, by the API server's record of who wrote what, or else when the Secret was made.
fn written(observed: &Observed) -> Option<i64> {
    let metadata = observed.metadata();
    let entries = metadata.managed_fields.iter().flatten();
    let keys = observed.format().keys();
    let writes = entries.filter(|entry| has_written(entry, keys));
    let times = writes.filter_map(|entry| entry.time.as_ref());
    times
        .chain(&metadata.creation_timestamp)
        .map(|time| time.0.as_second())
        .max()
}

/// A token found in Secrets that the keychain does not hold, to be verified at its registry.
#[derive(Clone, Debug)]
pub struct OtherToken {
    /// The registry, by its place in [`Question::interests`].
    pub interest: usize,
    /// The user of the first Secret that has it; text from a cluster.
    pub username: String,
    pub token: Token,
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use serde_json::{Value, json};

    use super::*;
    use crate::model::Credential;

    /// Whether a Secret with these keys of the kept token, and other keys of a robot's, holds the credential.
    fn holds(kept: &[&str], robots: &[&str]) -> bool {
        let registry = "gitea.example.com".parse::<Registry>().unwrap();
        let credential = Credential {
            registry: registry.clone(),
            username: "admin".parse().unwrap(),
            token: Token::parse("kept").unwrap(),
        };
        let interests = [Interest {
            registry,
            kept: vec![(TokenSlot::Cluster, &credential)],
        }];
        let entry = |(key, user, token): (&str, &str, &str)| {
            let pair = json!({"username": user, "password": token});
            (String::from(key), pair)
        };
        let kept = kept.iter().map(|key| (*key, "admin", "kept"));
        let robots = robots.iter().map(|key| (*key, "robot", "robots"));
        let auths: serde_json::Map<String, Value> = kept.chain(robots).map(entry).collect();
        let document = json!({"auths": auths}).to_string();
        let secret = json!({
            "type": PULL_SECRET_TYPE, "metadata": {"namespace": "web", "name": "pull"},
            "data": {DOCUMENT_KEY: STANDARD.encode(&document)},
        });
        let observed = Observed::new(serde_json::from_value(secret).unwrap());
        let seen = reduce(&observed, &mut Tokens::new(&interests)).unwrap();
        let is_held = seen.holds == [(0, TokenSlot::Cluster)];
        assert!(is_held || seen.holds.is_empty());
        assert_eq!(
            is_held,
            observed.holds(&credential),
            "sync says otherwise of {document}"
        );
        is_held
    }

    #[test]
    fn a_secret_holds_what_sync_would_leave_as_it_is() {
        const OURS: &str = "gitea.example.com";
        for key in [
            OURS,
            "https://gitea.example.com",
            "gitea.example.com/",
            "https://gitea.example.com/v2/",
        ] {
            assert!(holds(&[key], &[]), "{key}");
        }
        for key in [
            "gitea.example.com:443",
            "Gitea.example.com",
            "gitea.example.com/v2",
            "gitea.example.com/team",
            "*.example.com",
            "other.example.com",
        ] {
            assert!(!holds(&[key], &[]), "{key}");
            assert!(holds(&[key, OURS], &[]), "{key} beside ours");
        }
        for key in [
            "gitea.example.com/team",
            "*.example.com",
            "*.example.com/team",
            "other.example.com",
        ] {
            assert!(holds(&[OURS], &[key]), "{key} of a robot's beside ours");
        }
        for key in ["gitea.example.com:443", "https://gitea.example.com"] {
            assert!(!holds(&[OURS], &[key]), "{key} of a robot's beside ours");
        }
    }

    #[test]
    fn of_thousands_of_tokens_each_is_found_without_looking_at_the_others() {
        let interests = [Interest {
            registry: "gitea.example.com".parse().unwrap(),
            kept: Vec::new(),
        }];
        let mut tokens = Tokens::new(&interests);
        let mut place = |at: usize| match tokens.held(0, "admin", Token::verbatim(at.to_string())).token {
            HeldToken::Other(place) => place,
            HeldToken::Stored(_) => panic!("nothing is kept"),
        };
        for at in (0..20_000).chain(0..20_000) {
            assert_eq!(place(at), at);
        }
        assert_eq!(tokens.others.len(), 20_000);
        // What has to be compared with each other is what shares a hash of 64 bits.
        assert!(tokens.places.values().all(|places| places.len() <= 2));
    }
}
