//! Which Secrets a credential may go into: those that a person named, and those whose content proves that they are ours.
//!
//! Anybody who may create a Secret in one namespace can give it our label and our annotations. A token of ours in it nobody
//! has who was not given it.

use std::fmt;

use super::pull_secret::{Observed, PULL_SECRET_TYPE, Wanted};
use crate::cluster::untrusted::untrusted;
use crate::model::{OwnTokens, Registry};

/// A registry whose credential a Secret does not get.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftAlone {
    pub registry: Registry,
    /// What is there instead of a token of ours.
    pub holds: Holds,
}

/// What a Secret holds where a token of ours was looked for. Texts in it come from the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holds {
    /// There is no such Secret.
    NoSecret,
    /// It is no pull Secret.
    OtherType(String),
    /// Its document cannot be read.
    Unreadable,
    /// It has no entry of the registry.
    NoEntry,
    /// Its entry of the registry has no user or no password.
    NoLogin,
    /// Its entry of the registry has a token that is not one of ours.
    OtherToken {
        /// Whose it is, by the entry.
        username: String,
    },
}

impl fmt::Display for LeftAlone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let registry = &self.registry;
        match &self.holds {
            Holds::NoSecret => f.write_str("there is no such Secret"),
            Holds::OtherType(name) => write!(f, "its type is {:?}, not {PULL_SECRET_TYPE}", untrusted(name)),
            Holds::Unreadable => f.write_str("its .dockerconfigjson cannot be read"),
            Holds::NoEntry => write!(f, "it has no entry for {registry}"),
            Holds::NoLogin => write!(f, "its entry for {registry} has neither user nor password"),
            Holds::OtherToken { username } => {
                write!(
                    f,
                    "its entry for {registry} holds another token, of the user {:?}",
                    untrusted(username)
                )
            }
        }
    }
}

/// What may be written, and why not the rest. Beside what may be, only a registry is worth a word that the Secret's own
/// annotations name.
pub fn may_write<'a>(observed: Option<&Observed>, wanted: &[Wanted<'a>]) -> (Vec<Wanted<'a>>, Vec<LeftAlone>) {
    let mut may = Vec::new();
    let mut left = Vec::new();
    for one in wanted {
        let registry = &one.credential.registry;
        match one.replaces.and_then(|own| instead(observed, registry, own)) {
            None => may.push(*one),
            Some(holds) => left.push(LeftAlone {
                registry: registry.clone(),
                holds,
            }),
        }
    }
    if !may.is_empty() {
        let declared = observed.map(Observed::entries).unwrap_or_default();
        left.retain(|left| declared.iter().any(|entry| entry.registry == left.registry));
    }
    (may, left)
}

/// What the Secret holds of the registry instead of one of these tokens; `None` where it holds one.
#[must_use]
pub fn instead(observed: Option<&Observed>, registry: &Registry, own: &OwnTokens) -> Option<Holds> {
    let Some(observed) = observed else {
        return Some(Holds::NoSecret);
    };
    if observed.type_name() != PULL_SECRET_TYPE {
        return Some(Holds::OtherType(observed.type_name().to_owned()));
    }
    let Ok(document) = observed.document() else {
        return Some(Holds::Unreadable);
    };
    let logins = document.logins_of(registry);
    if logins.iter().flatten().any(|(_, token)| own.has(token)) {
        return None;
    }
    Some(match logins.into_iter().flatten().next() {
        Some((username, _)) => Holds::OtherToken { username },
        None if document.logins_of(registry).is_empty() => Holds::NoEntry,
        None => Holds::NoLogin,
    })
}
