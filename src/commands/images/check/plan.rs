//! What to ask registries, and with which credentials. Pure.

use std::collections::{BTreeMap, BTreeSet};

use super::observe::{Observed, Seen};
use crate::cluster::images::{ImageUse, Needed};
use crate::cluster::survey::{HeldToken, Logins};
use crate::commands::status::cluster_view::{interest, other};
use crate::commands::status::credentials::StoredCredentials;
use crate::model::{Credential, ImageReference, Namespace, Registry, Repository, Version};

/// A question to a registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Question {
    pub(super) registry: Registry,
    pub(super) repository: Repository,
    pub(super) version: Version,
    /// The credentials to ask it with, in kubelet's order, by their place in [`Plan::credentials`].
    pub(super) logins: Vec<usize>,
}

/// An image that is used somewhere, and how to find out whether it can be pulled there.
pub(super) struct Planned<'a> {
    /// The cluster, by its place.
    pub(super) cluster: usize,
    pub(super) image: &'a ImageReference,
    pub(super) used: &'a ImageUse,
    pub(super) source: Source,
    /// By its place in [`Plan::questions`]; `None` if there is nobody to ask as.
    pub(super) question: Option<usize>,
}

/// What kubelet would pull it with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Source {
    /// A Secret.
    Secret,
    /// Nothing, unless the node has a credential. It is asked for with the keychain's.
    Anonymous,
    /// Nothing at all: one of the pod's Secrets cannot be decoded.
    Broken { secret: String },
    /// It is not known, because not everything could be read. It is asked for with the keychain's.
    Unknown,
}

#[derive(Default)]
pub(super) struct Plan<'a> {
    pub(super) credentials: Vec<Credential>,
    pub(super) questions: Vec<Question>,
    pub(super) planned: Vec<Planned<'a>>,
}

/// Plans the questions for everything that could have to be pulled.
pub(super) fn plan<'a>(clusters: &'a [Observed], registries: &[Registry], stored: &StoredCredentials) -> Plan<'a> {
    let mut planner = Planner {
        registries,
        stored,
        plan: Plan::default(),
        places: BTreeMap::new(),
    };
    for (at, cluster) in clusters.iter().enumerate() {
        if let Ok(seen) = &cluster.seen {
            planner.cluster(at, seen);
        }
    }
    planner.plan
}

struct Planner<'a, 'p> {
    registries: &'p [Registry],
    stored: &'p StoredCredentials,
    plan: Plan<'a>,
    places: BTreeMap<Question, usize>,
}

impl<'a> Planner<'a, '_> {
    fn cluster(&mut self, cluster: usize, seen: &'a Seen) {
        // Thousands of pods have few tokens: each is looked for among the others once.
        let mut known: BTreeMap<(usize, HeldToken), Option<usize>> = BTreeMap::new();
        for need in &seen.needs.needs {
            let Needed::Image(image) = &need.needed else { continue };
            let Some(registry) = self.registries.iter().position(|one| one == image.registry()) else {
                continue;
            };
            for used in need.uses.iter().filter(|used| used.is_named && used.how.can_run()) {
                let (source, held) = self.held(seen, registry, image, used);
                let mut logins: Vec<usize> = Vec::new();
                for token in held {
                    let login = *known
                        .entry((registry, token))
                        .or_insert_with(|| self.login(seen, registry, token));
                    logins.extend(login.filter(|login| !logins.contains(login)));
                }
                let question = (!logins.is_empty()).then(|| self.question(image, logins));
                self.plan.planned.push(Planned {
                    cluster,
                    image,
                    used,
                    source,
                    question,
                });
            }
        }
    }

    /// What an image is pulled with, and the tokens to ask for it with.
    fn held(&self, seen: &Seen, registry: usize, image: &ImageReference, used: &ImageUse) -> (Source, Vec<HeldToken>) {
        let own = || {
            let kept = interest(&self.registries[registry], self.stored).kept;
            kept.first()
                .map(|(slot, _)| HeldToken::Stored(*slot))
                .into_iter()
                .collect()
        };
        let Some(namespace) = &used.namespace else {
            return (Source::Unknown, own());
        };
        match logins(seen, namespace, image, used) {
            Logins::Unseen => (Source::Unknown, own()),
            Logins::Fails { secret } => (Source::Broken { secret }, Vec::new()),
            Logins::Tries(tried) => {
                // A token goes only to the registry that its entry names.
                let entries = tried.into_iter().filter(|tried| tried.entry.interest == Some(registry));
                let held: Vec<_> = entries.filter_map(|tried| Some(tried.entry.login?.token)).collect();
                if held.is_empty() {
                    (Source::Anonymous, own())
                } else {
                    (Source::Secret, held)
                }
            }
        }
    }

    fn login(&mut self, seen: &Seen, registry: usize, token: HeldToken) -> Option<usize> {
        let credential = match token {
            HeldToken::Other(at) => other(&seen.survey, at, self.registries)?,
            HeldToken::Stored(slot) => {
                let kept = interest(&self.registries[registry], self.stored).kept;
                let found = kept.into_iter().find(|(kept, _)| *kept == slot)?;
                found.1.clone()
            }
        };
        let credentials = &mut self.plan.credentials;
        let at = credentials.iter().position(|one| *one == credential);
        Some(at.unwrap_or_else(|| {
            credentials.push(credential);
            credentials.len() - 1
        }))
    }

    fn question(&mut self, image: &ImageReference, logins: Vec<usize>) -> usize {
        let question = Question {
            registry: image.registry().clone(),
            repository: image.repository().clone(),
            version: image.version(),
            logins,
        };
        let questions = &mut self.plan.questions;
        *self.places.entry(question.clone()).or_insert_with(|| {
            questions.push(question);
            questions.len() - 1
        })
    }
}

/// What kubelet logs in with. An object without a pod of its own has the namespace's default.
fn logins(seen: &Seen, namespace: &Namespace, image: &ImageReference, used: &ImageUse) -> Logins {
    let (own, account) = match &used.pod {
        Some(pod) => (pod.pull_secrets.as_slice(), pod.account.as_str()),
        None => (&[][..], ""),
    };
    seen.survey.logins(namespace, own, account, &image.to_string())
}

/// The platforms that nodes of the clusters have; none if the nodes of one are not known.
pub(super) fn platforms(clusters: &[Observed]) -> BTreeSet<String> {
    let mut platforms = BTreeSet::new();
    for seen in clusters.iter().filter_map(|cluster| cluster.seen.as_ref().ok()) {
        match &seen.nodes {
            Ok(nodes) => platforms.extend(nodes.iter().map(|node| node.platform.clone())),
            Err(_) => return BTreeSet::new(),
        }
    }
    platforms
}
