//! Decides which Secrets may get a credential: those that the user has named, and those that hold a token of ours.
//!
//! Everyone who may create a Secret in a namespace can add our label and annotations, but only a Secret that was written
//! by us can hold one of our tokens.

use std::fmt;

use super::annotations::Entry;
use super::pull_secret::{Observed, PULL_SECRET_TYPE, Wanted};
use crate::cluster::untrusted::untrusted;
use crate::model::{OwnTokens, Registry, Token, UseName, Writer};

/// A registry whose credential is not written to a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftAlone {
    pub registry: Registry,
    /// What the Secret holds instead of a token of ours.
    pub holds: Holds,
}

/// The content of a Secret that holds no token of ours. Its texts come from the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holds {
    /// There is no such Secret.
    NoSecret,
    /// It is not a pull Secret.
    OtherType(String),
    /// Its document cannot be read.
    Unreadable,
    /// It has no entry of the registry.
    NoEntry,
    /// Its entry of the registry has no user or no password.
    NoLogin,
    /// Its entry of the registry has a token of this user for another use, by [`Use::name`](crate::model::Use::name).
    OtherUse(Option<UseName>),
    /// Its entry of the registry has a token that is not one of ours.
    OtherToken {
        /// The user in the entry.
        username: String,
        /// Who wrote it, as the annotations have it.
        writer: Option<Writer>,
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
            Holds::OtherUse(Some(name)) => write!(f, "its entry for {registry} holds the token for {name}"),
            Holds::OtherUse(None) => write!(f, "its entry for {registry} holds the token for clusters or for docker"),
            Holds::OtherToken { username, writer } => {
                write!(
                    f,
                    "its entry for {registry} holds another token, of the user {:?}",
                    untrusted(username)
                )?;
                match writer {
                    Some(writer) => write!(f, ", written by {writer}"),
                    None => Ok(()),
                }
            }
        }
    }
}

/// The credentials that may be written, at most one for each registry, and why the others may not. If some may be written,
/// the others are reported only if the Secret's annotations name their registry.
pub fn may_write<'a>(observed: Option<&Observed>, wanted: &[Wanted<'a>]) -> (Vec<Wanted<'a>>, Vec<LeftAlone>) {
    let mut may = Vec::new();
    let mut left = Vec::new();
    for one in wanted {
        let registry = &one.credential.registry;
        let of_other_use = || observed.and_then(|observed| other_use(observed, one));
        let holds = match one.replaces {
            Some(own) => instead(observed, registry, own).map(|holds| of_other_use().unwrap_or(holds)),
            None => of_other_use(),
        };
        match holds {
            None => may.push(*one),
            Some(holds) => left.push(LeftAlone {
                registry: registry.clone(),
                holds,
            }),
        }
    }
    let may = one_each(observed, may);
    if !may.is_empty() {
        let declared = observed.map(Observed::entries).unwrap_or_default();
        let is_written = |registry: &Registry| may.iter().any(|one| one.credential.registry == *registry);
        left.retain(|left| declared.iter().any(|entry| entry.registry == left.registry) && !is_written(&left.registry));
    }
    (may, left)
}

/// One credential for each registry. If a Secret's token was, or is, kept for several uses, it stays with one that still has
/// that token, and of these with the one that its annotations name.
fn one_each<'a>(observed: Option<&Observed>, mut may: Vec<Wanted<'a>>) -> Vec<Wanted<'a>> {
    let declared = observed.map(Observed::entries).unwrap_or_default();
    let rank = |one: &Wanted<'_>| {
        let (credential, usage) = (one.credential, one.usage);
        let is_current = observed.is_some_and(|observed| observed.mentions(&credential.token));
        let is_declared = |entry: &Entry| entry.registry == credential.registry && entry.usage == usage;
        match is_current {
            true if declared.iter().any(is_declared) => 0,
            true => 1,
            false => 2,
        }
    };
    // Stable: of equal ones, the first that the caller named.
    may.sort_by_key(rank);
    let mut each: Vec<Wanted<'a>> = Vec::new();
    for one in may {
        if each
            .iter()
            .all(|other| other.credential.registry != one.credential.registry)
        {
            each.push(one);
        }
    }
    each
}

/// The token for another use that the Secret holds instead of this credential, or an earlier one for the same use.
fn other_use(observed: &Observed, wanted: &Wanted<'_>) -> Option<Holds> {
    let document = observed.document().ok()?;
    let held: Vec<Token> = document
        .logins_of(&wanted.credential.registry)
        .into_iter()
        .flatten()
        .map(|(_, token)| token)
        .collect();
    if held.contains(&wanted.credential.token) {
        return None;
    }
    let mut others = wanted.others.iter();
    let (name, _) = others.find(|(_, own)| held.iter().any(|token| own.has(token)))?;
    Some(Holds::OtherUse(*name))
}

/// Whether the Secret's entries of the registry hold only these tokens; otherwise what they hold.
pub fn may_remove(observed: &Observed, registry: &Registry, own: &OwnTokens) -> Result<(), Holds> {
    if let Some(holds) = instead(Some(observed), registry, own) {
        return Err(holds);
    }
    let logins = observed.document().map(|document| document.logins_of(registry));
    let mut logins = logins.into_iter().flatten().flatten();
    match logins.find(|(_, token)| !token.expose().is_empty() && !own.has(token)) {
        None => Ok(()),
        Some((username, _)) => Err(Holds::OtherToken {
            username,
            writer: observed.writer(registry),
        }),
    }
}

/// What the Secret holds for the registry instead of one of these tokens; `None` if it holds one of them.
#[must_use]
pub fn instead(observed: Option<&Observed>, registry: &Registry, own: &OwnTokens) -> Option<Holds> {
    let Some(observed) = observed else {
        return Some(Holds::NoSecret);
    };
    if let Some(name) = observed.other_type() {
        return Some(Holds::OtherType(name.to_owned()));
    }
    let Ok(document) = observed.document() else {
        return Some(Holds::Unreadable);
    };
    let logins = document.logins_of(registry);
    if logins.iter().flatten().any(|(_, token)| own.has(token)) {
        return None;
    }
    Some(match logins.into_iter().flatten().next() {
        Some((username, _)) => Holds::OtherToken {
            username,
            writer: observed.writer(registry),
        },
        None if document.logins_of(registry).is_empty() => Holds::NoEntry,
        None => Holds::NoLogin,
    })
}
