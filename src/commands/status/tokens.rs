//! What registries say about tokens: each distinct one is asked about once, and few enough for no account to be locked.

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use super::code::Code;
use crate::model::{Credential, Registry};
use crate::registry::{self, ImageAccess, Server, Verified, VerifyError};
use crate::sys::env::Env;

/// Refused tokens of one account, after which the others are left alone. A Gitea before 1.20, and other registries, try
/// what is no token as the account's password, and directories lock an account after about five of those.
const MAX_REFUSED: usize = 2;
/// Distinct tokens of one registry that are asked about at all.
const MAX_TOKENS: usize = 16;

/// What a registry says about one token.
#[derive(Clone, Debug)]
pub(super) enum Verdict {
    /// It accepts it.
    Accepted(Arc<Verified>),
    /// It does not: the code, why, and how to tell more.
    Refused {
        code: Code,
        cause: String,
        hint: Option<String>,
    },
    /// It did not say.
    Silent { cause: String, hint: Option<String> },
    /// It was not asked, for the account's sake.
    NotAsked,
    /// Nobody was to be asked, or it cannot be.
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

    /// Nothing can pull with it.
    pub(super) fn is_refused(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if *code != Code::TokenUnclear)
    }

    /// What the registry said about a token that it accepts.
    pub(super) fn verified(&self) -> Option<&Verified> {
        match self {
            Self::Accepted(verified) => Some(verified),
            _ => None,
        }
    }

    /// The version of Gitea, where it tells.
    pub(super) fn gitea(&self) -> Option<&str> {
        match &self.verified()?.server {
            Server::Gitea { version } => version.as_deref(),
            _ => None,
        }
    }
}

/// Every token that was asked about.
#[derive(Default)]
pub(super) struct Verdicts(BTreeMap<Registry, Vec<(Credential, Verdict)>>);

impl Verdicts {
    /// What is known about this token.
    pub(super) fn of(&self, credential: &Credential) -> Verdict {
        self.known(credential).cloned().unwrap_or(Verdict::Unknown)
    }

    fn known(&self, credential: &Credential) -> Option<&Verdict> {
        let of_registry = self.0.get(&credential.registry)?;
        let found = of_registry.iter().find(|(known, _)| known == credential);
        found.map(|(_, verdict)| verdict)
    }

    /// Asks the registries, all at the same time and each about one token after the other.
    pub(super) async fn ask(
        self,
        credentials: Vec<Credential>,
        options: &registry::Options,
        env: &Env,
        mut progress: impl FnMut(usize, usize),
    ) -> Self {
        let mut waiting: BTreeMap<Registry, Vec<Credential>> = BTreeMap::new();
        for credential in credentials {
            let list = waiting.entry(credential.registry.clone()).or_default();
            // Of thousands of tokens, one a namespace, those that nobody asks about need not be remembered either.
            if list.len() < MAX_TOKENS && self.known(&credential).is_none() && !list.contains(&credential) {
                list.push(credential);
            }
        }
        let mut verdicts = self.0;
        let mut under_way = FuturesUnordered::new();
        for (registry, list) in waiting {
            let known = verdicts.remove(&registry).unwrap_or_default();
            let (options, env) = (options.clone(), env.clone());
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
    /// The same, with this one.
    pub(super) fn with(mut self, credential: Credential, verdict: Verdict) -> Self {
        self.0
            .entry(credential.registry.clone())
            .or_default()
            .push((credential, verdict));
        self
    }
}

/// One registry's.
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
            // It would not answer the next question either.
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

/// What registries said about images.
pub(super) type Images = BTreeMap<Image, ImageAccess>;

/// An image of a registry, for the registry to be asked about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Image {
    registry: Registry,
    image: registry::Image,
}

impl Image {
    /// `None` for a name that no registry is asked about.
    pub(super) fn new(registry: &Registry, image: &str) -> Option<Self> {
        Some(Self {
            registry: registry.clone(),
            image: registry::Image::of(image).ok()?,
        })
    }
}

/// Images that are asked about at most: each is several requests.
const MAX_IMAGES: usize = 20;

/// Asks registries whether they have these images, with a credential that they accept.
pub(super) async fn images(wanted: BTreeMap<Image, Credential>, options: &registry::Options, env: &Env) -> Images {
    let mut under_way = FuturesUnordered::new();
    for (image, credential) in wanted.into_iter().take(MAX_IMAGES) {
        let (options, env) = (options.clone(), env.clone());
        under_way.push(tokio::task::spawn_blocking(move || {
            let standing = registry::image_access(&image.image, &credential, &options, &env);
            Some((image, standing.ok()?))
        }));
    }
    let mut standings = BTreeMap::new();
    while let Some(asked) = under_way.next().await {
        standings.extend(asked.ok().flatten());
    }
    standings
}
