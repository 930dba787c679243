//! How kubelet selects credentials from a pod's pull Secrets, as a pure function.
//!
//! Source: Kubernetes, `pkg/credentialprovider`. `secrets.MakeDockerKeyring` combines all the pod's Secrets into one
//! keyring, and `BasicDockerKeyring.Lookup` returns all matching credentials. kubelet tries them in order until a pull
//! succeeds, then the node's own credentials; without any it pulls anonymously. It reads the Secrets again at each
//! attempt.

mod glob;
mod key;
mod url;

use std::collections::{BTreeSet, HashMap};

pub use key::Mismatch;
use key::{Key, Repository};

/// The host of Docker Hub's key, which no image name contains.
const HUB_KEY_HOST: &str = "index.docker.io";

/// One of a pod's pull Secrets, as kubelet finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PullSecret<'a> {
    /// It does not exist: kubelet continues without it and records an event.
    Missing,
    /// It has another type or no document: kubelet ignores it silently.
    Unusable,
    /// It cannot be decoded, which makes kubelet fail for *all* the pod's Secrets.
    Broken,
    /// The keys of its entries, in order.
    Entries(Vec<&'a str>),
}

/// The position of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryAt {
    /// The Secret's index in the pod's list.
    pub secret: usize,
    /// The entry's index in the Secret.
    pub entry: usize,
}

/// What kubelet does for one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pull {
    /// kubelet fails before it contacts the registry.
    Fails {
        /// The index of the first Secret that it cannot decode.
        secret: usize,
    },
    /// kubelet contacts the registry.
    Tries {
        /// The entries that it tries, in order. If there are none, it pulls anonymously, unless the node has its own
        /// credential.
        entries: Vec<EntryAt>,
        /// The other entries, and why it does not use them.
        mismatches: Vec<(EntryAt, Mismatch)>,
    },
}

impl Pull {
    /// For a pod without pull Secrets.
    pub const NONE: Self = Self::Tries {
        entries: Vec::new(),
        mismatches: Vec::new(),
    };

    /// The entries that it tries, in order.
    pub fn entries(&self) -> &[EntryAt] {
        match self {
            Self::Fails { .. } => &[],
            Self::Tries { entries, .. } => entries,
        }
    }
}

/// What kubelet does for `image` with its pod's pull Secrets, given in the pod's order.
///
/// kubelet tries keys of one Secret that normalise to the same text in random order, because it keeps them in a map.
/// Here they are in the order of the document.
pub fn pull(image: &str, secrets: &[PullSecret<'_>]) -> Pull {
    if let Some(secret) = secrets.iter().position(|secret| *secret == PullSecret::Broken) {
        return Pull::Fails { secret };
    }
    let repository = Repository::of_image(image);
    let mut matching: Vec<(String, EntryAt)> = Vec::new();
    let mut of_hub = BTreeSet::new();
    let mut mismatches = Vec::new();
    for (secret, found) in secrets.iter().enumerate() {
        let PullSecret::Entries(keys) = found else { continue };
        let last: HashMap<&str, usize> = keys.iter().enumerate().map(|(at, key)| (*key, at)).collect();
        for (entry, text) in keys.iter().enumerate() {
            let at = EntryAt { secret, entry };
            if last[text] != entry {
                mismatches.push((at, Mismatch::Repeated));
                continue;
            }
            let Some(key) = Key::parse(text) else {
                mismatches.push((at, Mismatch::NotAnAddress));
                continue;
            };
            if key.matches(&repository) {
                matching.push((key.text().to_owned(), at));
                continue;
            }
            if key.text() == HUB_KEY_HOST {
                of_hub.insert(at);
            }
            mismatches.push((at, key.mismatch(text, &repository)));
        }
    }
    if matching.is_empty() && repository.is_on_default_registry() {
        mismatches.retain(|(at, _)| !of_hub.contains(at));
        return Pull::Tries {
            entries: of_hub.into_iter().collect(),
            mismatches,
        };
    }
    // Longer paths come before shorter ones of the same host, and names before wildcards.
    matching.sort_by(|(key, at), (other, other_at)| other.cmp(key).then(at.cmp(other_at)));
    Pull::Tries {
        entries: matching.into_iter().map(|(_, at)| at).collect(),
        mismatches,
    }
}

/// Whether kubelet would use an entry with this key for images of `host` if there is no better entry.
pub fn takes(key: &str, host: &str) -> bool {
    takes_where(key, host, Key::matches)
}

/// Whether kubelet would use an entry with this key for some images of `host`: all of them, or those below a path.
pub fn takes_some(key: &str, host: &str) -> bool {
    takes_where(key, host, Key::matches_beside)
}

fn takes_where(key: &str, host: &str, matches: fn(&Key, &Repository) -> bool) -> bool {
    let repository = Repository::of_image(&format!("{host}/owner/image"));
    Key::parse(key).is_some_and(|key| {
        matches(&key, &repository) || repository.is_on_default_registry() && key.text() == HUB_KEY_HOST
    })
}

#[cfg(test)]
mod cases;
#[cfg(test)]
mod tests;
