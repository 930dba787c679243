//! Whether the registries still have the images that pods run: one request for each, without its manifest, and no more of them
//! than a registry answers in a few seconds. `images check` looks at all of it.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use futures_util::stream::FuturesUnordered;

use super::credentials::StoredCredentials;
use super::tokens::Verdicts;
use crate::cluster::survey::Survey;
use crate::commands::shared::connections::Connections;
use crate::model::{Credential, ImageReference, Registry};
use crate::registry::{Images, ImagesError, Options};
use crate::sys::env::Env;
use crate::sys::workers;

/// The most images that one registry is asked for.
pub(super) const MAX_IMAGES: usize = 100;
/// Requests to one registry at the same time: a small server is not hurried.
const AT_ONCE: usize = 4;
/// After this time, a registry is asked for no more of them.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// What the registries said.
#[derive(Debug, Default)]
pub(super) struct RunningImages {
    /// Those that their registry does not have.
    pub(super) missing: BTreeSet<ImageReference>,
    /// How many were found out about.
    pub(super) known: usize,
    /// How many run.
    pub(super) all: usize,
}

/// Asks for the images that pods run, with the keychain's tokens that the registries accept.
pub(super) async fn look(
    surveys: impl Iterator<Item = &Survey>,
    registries: &[Registry],
    credentials: &StoredCredentials,
    verdicts: &Verdicts,
    connections: &Connections,
    env: &Env,
) -> RunningImages {
    let mut wanted: BTreeMap<&Registry, BTreeSet<ImageReference>> = BTreeMap::new();
    for survey in surveys {
        for (reference, running) in &survey.running {
            // A name that is none has a finding of its own, with the pod that waits for it.
            let Ok(image) = reference.parse::<ImageReference>() else {
                continue;
            };
            if let Some(registry) = registries.get(running.interest).filter(|one| *one == image.registry()) {
                wanted.entry(registry).or_default().insert(image);
            }
        }
    }
    let mut found = RunningImages::default();
    let mut under_way = FuturesUnordered::new();
    for (registry, images) in wanted {
        let held = credentials.held.iter().map(|held| &held.credential);
        let mut accepted = held.filter(|one| one.registry == *registry && verdicts.of(one).verified().is_some());
        let Some(credential) = accepted.next() else {
            continue;
        };
        found.all += images.len();
        let options = Options {
            timeout: PATIENCE,
            ..connections.options(registry)
        };
        let (credential, env) = (credential.clone(), Arc::new(env.clone()));
        under_way.push(tokio::task::spawn_blocking(move || {
            of_one(&credential, images, &options, &env)
        }));
    }
    while let Some(asked) = under_way.next().await {
        let (known, missing) = asked.unwrap_or_default();
        found.known += known;
        found.missing.extend(missing);
    }
    found
}

/// How many images one registry told about, and those that it does not have.
fn of_one(
    credential: &Credential,
    images: BTreeSet<ImageReference>,
    options: &Options,
    env: &Env,
) -> (usize, BTreeSet<ImageReference>) {
    let end = Instant::now() + PATIENCE;
    let (mut known, mut missing) = (0, BTreeSet::new());
    let Ok(registry) = Images::open(credential, options, env) else {
        return (known, missing);
    };
    let ask = |image: ImageReference| {
        let answer = (Instant::now() < end).then(|| registry.digest(image.repository(), &image.version()))?;
        Some((image, answer))
    };
    let _: Option<()> = workers::each(images.into_iter().take(MAX_IMAGES).collect(), AT_ONCE, ask, |answer| {
        match answer {
            Some((_, Ok(Some(_)))) => known += 1,
            Some((image, Ok(None))) => {
                known += 1;
                missing.insert(image);
            }
            // For another credential than the cluster's, that says nothing.
            Some((_, Err(ImagesError::Refused { .. }))) => {}
            // It would not answer the next one either.
            Some((_, Err(_))) | None => return ControlFlow::Break(()),
        }
        ControlFlow::Continue(())
    });
    (known, missing)
}
