//! Verifies tokens at the registries: each distinct token once, and few enough that no account is locked.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use super::code::Code;
use crate::commands::shared::connections::Connections;
use crate::commands::shared::verify::MAX_REFUSED;
use crate::model::{Credential, ImageReference, Registry};
use crate::registry::{self, ImageAccess, Server, Verified, VerifyError};
use crate::sys::env::Env;

/// The most distinct tokens of one registry that are verified.
const MAX_TOKENS: usize = 16;

/// A registry's verdict on one token.
#[derive(Clone, Debug)]
pub(in crate::commands) enum Verdict {
    /// The registry accepts it.
    Accepted(Arc<Verified>),
    /// The registry refuses it: the code, the cause, and a hint.
    Refused {
        code: Code,
        cause: String,
        hint: Option<String>,
    },
    /// The registry gave no clear answer.
    Silent { cause: String, hint: Option<String> },
    /// It was not tried, so that the account is not locked.
    NotAsked,
    /// It could not be tried, or `--offline` was given.
    Unknown,
}

impl Verdict {
    fn of(error: &VerifyError) -> Self {
        let (cause, hint) = (error.to_string(), error.hint());
        let code = match error {
            VerifyError::Rejected { .. } | VerifyError::AccountRefused { .. } => Code::TokenRejected,
            VerifyError::NoPackageScope { .. } => Code::TokenWithoutPackageScope,
            VerifyError::RejectedOrNoPackageScope { .. } => Code::TokenUnclear,
            VerifyError::IdentityToken => return Self::Unknown,
            _ => return Self::Silent { cause, hint },
        };
        Self::Refused { code, cause, hint }
    }

    /// Whether nothing can pull with it.
    pub(in crate::commands) fn is_refused(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if *code != Code::TokenUnclear)
    }

    /// The details of an accepted token.
    pub(in crate::commands) fn verified(&self) -> Option<&Verified> {
        match self {
            Self::Accepted(verified) => Some(verified),
            _ => None,
        }
    }

    /// The version of Gitea, if it is known.
    pub(in crate::commands) fn gitea(&self) -> Option<&str> {
        match &self.verified()?.server {
            Server::Gitea { version } => version.as_deref(),
            _ => None,
        }
    }
}

/// The verdicts on all tokens.
#[derive(Default)]
pub(in crate::commands) struct Verdicts(BTreeMap<Registry, Vec<(Credential, Verdict)>>);

impl Verdicts {
    /// The verdict on this token.
    pub(in crate::commands) fn of(&self, credential: &Credential) -> Verdict {
        self.known(credential).cloned().unwrap_or(Verdict::Unknown)
    }

    fn known(&self, credential: &Credential) -> Option<&Verdict> {
        let of_registry = self.0.get(&credential.registry)?;
        let found = of_registry.iter().find(|(known, _)| known == credential);
        found.map(|(_, verdict)| verdict)
    }

    /// Verifies the tokens: at all registries at the same time, and at each registry one after the other.
    pub(in crate::commands) async fn ask(
        self,
        credentials: Vec<Credential>,
        connections: &Connections,
        env: &Env,
        mut progress: impl FnMut(usize, usize),
    ) -> Self {
        let mut waiting: BTreeMap<Registry, Vec<Credential>> = BTreeMap::new();
        for credential in credentials {
            let list = waiting.entry(credential.registry.clone()).or_default();
            // With thousands of tokens, one in each namespace, the ones that are not verified are not stored either.
            if list.len() < MAX_TOKENS && self.known(&credential).is_none() && !list.contains(&credential) {
                list.push(credential);
            }
        }
        let mut verdicts = self.0;
        let mut under_way = FuturesUnordered::new();
        for (registry, list) in waiting {
            let known = verdicts.remove(&registry).unwrap_or_default();
            let (options, env) = (connections.options(&registry), env.clone());
            under_way.push(async move {
                let asked = tokio::task::spawn_blocking(move || of_one(known, list, &options, &env)).await;
                (registry, asked.unwrap_or_default())
            });
        }
        let total = under_way.len();
        let mut done = 0;
        while let Some((registry, list)) = under_way.next().await {
            done += 1;
            progress(done, total);
            verdicts.insert(registry, list);
        }
        Self(verdicts)
    }
}

#[cfg(test)]
impl Verdicts {
    /// Adds a verdict.
    pub(in crate::commands) fn with(mut self, credential: Credential, verdict: Verdict) -> Self {
        self.0
            .entry(credential.registry.clone())
            .or_default()
            .push((credential, verdict));
        self
    }
}

/// The verdicts of one registry.
fn of_one(
    mut known: Vec<(Credential, Verdict)>,
    waiting: Vec<Credential>,
    options: &registry::Options,
    env: &Env,
) -> Vec<(Credential, Verdict)> {
    for credential in waiting {
        let refused = known.iter().filter(|(other, verdict)| {
            other.username == credential.username && matches!(verdict, Verdict::Refused { .. })
        });
        let silent = known
            .iter()
            .find(|(_, verdict)| matches!(verdict, Verdict::Silent { .. }));
        let verdict = if let Some((_, verdict)) = silent {
            // The registry would not answer the next request either.
            verdict.clone()
        } else if refused.count() >= MAX_REFUSED || known.len() >= MAX_TOKENS {
            Verdict::NotAsked
        } else {
            match registry::verify(&credential, options, env) {
                Ok(verified) => Verdict::Accepted(Arc::new(verified)),
                Err(error) => Verdict::of(&error),
            }
        };
        known.push((credential, verdict));
    }
    known
}

/// The registries' answers about images.
pub(in crate::commands) type Images = BTreeMap<ImageReference, ImageAccess>;

/// The most images that are requested, because each takes several requests.
const MAX_IMAGES: usize = 20;

/// Asks registries whether they have these images, with a credential that they accept.
pub(in crate::commands) async fn images(
    wanted: BTreeMap<ImageReference, Credential>,
    connections: &Connections,
    env: &Env,
) -> Images {
    let mut under_way = FuturesUnordered::new();
    for (image, credential) in wanted.into_iter().take(MAX_IMAGES) {
        let (options, env) = (connections.options(&credential.registry), env.clone());
        under_way.push(tokio::task::spawn_blocking(move || {
            let standing = registry::image_access(&image, &credential, &options, &env);
            Some((image, standing.ok()?))
        }));
    }
    let mut standings = BTreeMap::new();
    while let Some(asked) = under_way.next().await {
        standings.extend(asked.ok().flatten());
    }
    standings
}
