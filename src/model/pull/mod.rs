//! What kubelet does with the pull Secrets of a pod: the rules of its keyring, as one pure function.
//!
//! Kubernetes, `pkg/credentialprovider`: `secrets.MakeDockerKeyring` makes one keyring of all the pod's Secrets, and
//! `BasicDockerKeyring.Lookup` gives every credential of it that matches the image. kubelet tries them one after the
//! other until a pull succeeds, and after them what the node itself is configured with; without any it pulls
//! anonymously. It reads the Secrets anew at each try.

mod glob;
mod key;
mod url;

use std::collections::{BTreeSet, HashMap};

pub use key::Mismatch;
use key::{Key, Repository};

/// The host of the one key that stands for Docker Hub under a name that no image has.
const HUB_KEY_HOST: &str = "index.docker.io";

/// One of a pod's pull Secrets, as kubelet finds it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PullSecret<'a> {
    /// There is none of this name: kubelet goes on without it, and leaves an event.
    Missing,
    /// It is of another type, or has no document in it: kubelet passes over it without a word.
    Unusable,
    /// It holds something that kubelet cannot decode, which fails the keyring of *all* the pod's Secrets.
    Broken,
    /// The keys of its entries, in their order.
    Entries(Vec<&'a str>),
}

/// An entry of one of the Secrets, by the places of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryAt {
    /// Of the Secret, in the pod's list.
    pub secret: usize,
    /// Of the entry, in the Secret.
    pub entry: usize,
}

/// What kubelet does for one image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pull {
    /// It makes no keyring, and asks the registry nothing.
    Fails {
        /// The place of the first Secret that it cannot decode.
        secret: usize,
    },
    /// It asks the registry.
    Tries {
        /// With these entries, in this order; without any, anonymously, unless the node has a credential of its own.
        entries: Vec<EntryAt>,
        /// The other entries, and why it does not take them.
        mismatches: Vec<(EntryAt, Mismatch)>,
    },
}

impl Pull {
    /// Of a pod without pull Secrets.
    pub const NONE: Self = Self::Tries {
        entries: Vec::new(),
        mismatches: Vec::new(),
    };

    /// The entries that it tries, in order.
    #[must_use]
    pub fn entries(&self) -> &[EntryAt] {
        match self {
            Self::Fails { .. } => &[],
            Self::Tries { entries, .. } => entries,
        }
    }
}

/// What kubelet does for `image` with the pull Secrets of its pod, which are given in the pod's order.
///
/// The keys of one Secret that come to the same are tried in no order that anybody could know: kubelet has them in a
/// map. Here they keep the order of the document.
#[must_use]
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

/// Whether kubelet takes an entry of this key for the images of a host, as they name it, where there is no better entry.
#[must_use]
pub fn takes(key: &str, host: &str) -> bool {
    let repository = Repository::of_image(&format!("{host}/owner/image"));
    Key::parse(key).is_some_and(|key| {
        key.matches(&repository) || repository.is_on_default_registry() && key.text() == HUB_KEY_HOST
    })
}

#[cfg(test)]
mod cases;
#[cfg(test)]
mod tests;
