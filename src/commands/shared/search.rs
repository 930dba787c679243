//! Looking everywhere for Secrets that hold a token: in every cluster that a context leads to, by our label and by what
//! the ledger remembers. What could not be looked at is part of the answer: it is never taken for absent.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::{StreamExt as _, stream};

use super::apply::AT_ONCE;
use crate::cluster::{self, Access, Cluster, ConnectOptions, Feature, KubeconfigError, Observed, SecretReader, Target};
use crate::error::CommandError;
use crate::ledger::{Ledger, Skipped};
use crate::model::{ClusterId, Registry, count, printable};
use crate::output::Output;
use crate::sys::env::Env;

/// Clusters that are looked at at the same time.
pub(in crate::commands) const CLUSTERS_AT_ONCE: usize = 8;

/// Longest text of an API server's URL in a message, in characters.
const MAX_SERVER: usize = 200;
/// Secrets that are named in one message.
const MAX_NAMED: usize = 5;

/// What is looked for, and where.
pub(in crate::commands) struct Search<'a> {
    pub(in crate::commands) env: &'a Env,
    /// How to connect to each context.
    pub(in crate::commands) contexts: Vec<ConnectOptions>,
    /// Whether these are all contexts that there are: otherwise another one may lead to a cluster that is not found.
    pub(in crate::commands) has_every_context: bool,
    /// The registries whose tokens are looked for.
    pub(in crate::commands) registries: &'a [Registry],
    pub(in crate::commands) ledger: &'a Ledger,
    /// What is not looked at.
    pub(in crate::commands) skipped: &'a Skipped,
}

/// What was seen.
pub(in crate::commands) struct Looked<T> {
    /// The clusters that answered.
    pub(in crate::commands) clusters: Vec<LookedCluster>,
    pub(in crate::commands) places: Vec<Place<T>>,
    pub(in crate::commands) unseen: Vec<Unseen>,
}

/// A cluster that answered.
pub(in crate::commands) struct LookedCluster {
    pub(in crate::commands) id: ClusterId,
    pub(in crate::commands) server: String,
    /// The context that it was looked at through.
    pub(in crate::commands) context: String,
    /// Its Secrets that were read and hold nothing that was looked for, or are gone.
    pub(in crate::commands) empty: Vec<Target>,
}

/// A Secret that holds what was looked for.
pub(in crate::commands) struct Place<T> {
    pub(in crate::commands) cluster: ClusterId,
    pub(in crate::commands) context: String,
    pub(in crate::commands) target: Target,
    /// Whether our label leads to it.
    pub(in crate::commands) is_labelled: bool,
    pub(in crate::commands) is_immutable: bool,
    pub(in crate::commands) holds: T,
}

/// What could not be looked at.
pub(in crate::commands) enum Unseen {
    /// A cluster did not answer.
    Context { context: String, error: cluster::Error },
    /// Which Secrets have our label is not known.
    Search { context: String, error: cluster::Error },
    /// What is in one Secret.
    Secret {
        context: String,
        target: Target,
        error: cluster::Error,
    },
    /// No context leads to this cluster any more, and the ledger knows Secrets in it.
    Lost {
        cluster: ClusterId,
        /// The context that led to it; its id if none did.
        name: String,
        server: String,
        secrets: usize,
    },
}

impl Unseen {
    /// What was not looked at, and why, with what may be done about it.
    pub(in crate::commands) fn error(self) -> CommandError {
        let of = |context: &str| match context {
            "" => "the cluster".to_owned(),
            name => format!("context {name}"),
        };
        let access = Access {
            is_everywhere: true,
            ..Access::to(Feature::Search)
        };
        match self {
            Self::Context { context, error } => {
                CommandError::from(error).on(format_args!("{} was not looked at", of(&context)))
            }
            Self::Search { context, error } => {
                CommandError::from(error.for_access(&access)).on(format_args!("{} was not searched", of(&context)))
            }
            Self::Secret { context, target, error } => {
                let error = CommandError::from(error.for_access(&access));
                error.on(format_args!("{target} of {} was not looked at", of(&context)))
            }
            Self::Lost {
                name, server, secrets, ..
            } => CommandError::failed(format_args!(
                "no context leads to the cluster {name} ({}) any more, in which {} had a token",
                printable(&server, MAX_SERVER),
                count::show(secrets, "Secret"),
            ))
            .hint("add a context for it to the kubeconfig"),
        }
    }

    /// The flag that skips it, the name of its value, and the value.
    pub(in crate::commands) fn skip(&self) -> Option<(&'static str, &'static str, String)> {
        match self {
            Self::Context { context, .. } | Self::Search { context, .. } if context.is_empty() => None,
            Self::Context { context, .. } => Some(("--skip-context", "NAME", context.clone())),
            Self::Search { context, .. } => Some(("--skip-search", "CONTEXT", context.clone())),
            Self::Secret { target, .. } => Some(("--skip-secret", "NAMESPACE/NAME", target.namespaced_name())),
            Self::Lost { name, .. } => Some(("--skip-context", "NAME", name.clone())),
        }
    }
}

/// A context that leads to a cluster.
struct Reached {
    id: ClusterId,
    cluster: Cluster,
}

impl Search<'_> {
    /// Looks into every Secret that may hold one of the tokens. `holds` says what of a Secret matters; each is read, asked
    /// for that, and dropped.
    pub(in crate::commands) async fn look<T>(&self, holds: &dyn Fn(&Observed) -> Option<T>) -> Looked<T> {
        let connecting = self.contexts.iter().filter(|options| {
            let context = options.context.as_deref().unwrap_or_default();
            !self.skipped.has_context(context)
        });
        let mut reached: Vec<Reached> = Vec::new();
        let mut unreached: Vec<(String, cluster::Error)> = Vec::new();
        // Their credential plugins cannot share a terminal.
        let is_unattended = self.contexts.len() > 1;
        let mut connected = stream::iter(connecting)
            .map(|options| async move {
                let alone = ConnectOptions {
                    is_unattended: options.is_unattended || is_unattended,
                    ..options.clone()
                };
                (options, connect(self.env, &alone).await)
            })
            .buffered(CLUSTERS_AT_ONCE);
        while let Some((options, connected)) = connected.next().await {
            match connected {
                Ok((cluster, id)) => reached.push(Reached { id, cluster }),
                // Without a kubeconfig there is no cluster.
                Err(cluster::Error::Kubeconfig(KubeconfigError::None)) if options.context.is_none() => {}
                Err(error) => unreached.push((options.context.clone().unwrap_or_default(), error)),
            }
        }
        drop(connected);
        let mut looked = Looked {
            clusters: Vec::new(),
            places: Vec::new(),
            unseen: Vec::new(),
        };
        let by_cluster = by_cluster(reached, self.ledger);
        let mut looking = stream::iter(by_cluster.values())
            .map(|contexts| self.look_into(contexts, holds))
            .buffered(CLUSTERS_AT_ONCE);
        while let Some((cluster, places, unseen)) = looking.next().await {
            looked.clusters.push(cluster);
            looked.places.extend(places);
            looked.unseen.extend(unseen);
        }
        drop(looking);
        looked.unseen.extend(self.unreached(unreached, &looked.clusters));
        looked
    }

    /// Looks into one cluster, through the first of its contexts that may list Secrets, or else the first.
    async fn look_into<T>(
        &self,
        contexts: &[Reached],
        holds: &dyn Fn(&Observed) -> Option<T>,
    ) -> (LookedCluster, Vec<Place<T>>, Vec<Unseen>) {
        let mut unseen = Vec::new();
        let mut managed = Vec::new();
        let mut at = 0;
        let mut first = None;
        for (place, one) in contexts.iter().enumerate() {
            if self.skipped.has_search(one.cluster.context()) {
                continue;
            }
            match cluster::managed_secrets(&one.cluster).await {
                Ok(found) => {
                    (managed, at, first) = (found, place, None);
                    break;
                }
                Err(error) => drop(first.get_or_insert((one.cluster.context().to_owned(), error))),
            }
        }
        unseen.extend(first.map(|(context, error)| Unseen::Search { context, error }));
        let Reached { id, cluster } = &contexts[at];
        let mut targets: BTreeMap<Target, bool> = BTreeMap::new();
        let known = self
            .registries
            .iter()
            .flat_map(|registry| self.ledger.secrets_at(cluster.server(), id, registry));
        targets.extend(known.map(|target| (target, false)));
        // Those of other registries too: one token may be kept under several names of a registry.
        targets.extend(managed.into_iter().map(|one| (one.target, true)));
        let reader = SecretReader::ahead(cluster, targets.keys()).await;
        let reader = &reader;
        let mut looked = stream::iter(targets)
            .map(|(target, is_labelled)| async move {
                let observed = reader.observe(&target).await;
                (target, is_labelled, observed)
            })
            .buffered(AT_ONCE);
        let (mut places, mut empty) = (Vec::new(), Vec::new());
        while let Some((target, is_labelled, observed)) = looked.next().await {
            match observed {
                Ok(observed) => match observed.as_ref().and_then(holds) {
                    Some(holds) => places.push(Place {
                        cluster: id.clone(),
                        context: cluster.context().to_owned(),
                        target,
                        is_labelled,
                        is_immutable: observed.is_some_and(|secret| secret.is_immutable()),
                        holds,
                    }),
                    None => empty.push(target),
                },
                // What was given up by name is not read.
                Err(_) if self.skipped.has(&target) => {}
                Err(error) => unseen.push(Unseen::Secret {
                    context: cluster.context().to_owned(),
                    target,
                    error,
                }),
            }
        }
        let cluster = LookedCluster {
            id: id.clone(),
            server: cluster.server().to_owned(),
            context: cluster.context().to_owned(),
            empty,
        };
        (cluster, places, unseen)
    }

    /// What was not reached: contexts that led nowhere, and clusters that no context leads to any more.
    fn unreached(&self, contexts: Vec<(String, cluster::Error)>, looked: &[LookedCluster]) -> Vec<Unseen> {
        let failed: BTreeSet<&String> = contexts.iter().map(|(context, _)| context).collect();
        let known = self
            .registries
            .iter()
            .flat_map(|registry| self.ledger.clusters_of(registry));
        let is_asked = |name: &String| self.contexts.iter().any(|one| one.context.as_ref() == Some(name));
        let lost: BTreeMap<&ClusterId, _> = known
            .filter(|known| {
                let is_by_address = matches!(known.id, ClusterId::Server(_));
                !looked
                    .iter()
                    .any(|one| one.id == known.id || is_by_address && one.server == known.server)
            })
            .filter(|known| self.has_every_context || known.contexts.iter().any(is_asked))
            // Its context is there, and was named already; or it was given up.
            .filter(|known| !known.contexts.iter().any(|context| failed.contains(context)))
            .filter(|known| !known.contexts.iter().any(|context| self.skipped.has_context(context)))
            .filter(|known| !self.skipped.has_context(&known.id.to_string()))
            .map(|known| (&known.id, known))
            .collect();
        let lost: Vec<Unseen> = lost
            .into_values()
            .map(|known| Unseen::Lost {
                cluster: known.id.clone(),
                name: known
                    .contexts
                    .iter()
                    // A name that leads to another cluster by now says nothing of this one.
                    .find(|name| !is_asked(name))
                    .cloned()
                    .unwrap_or_else(|| known.id.to_string()),
                server: known.server.clone(),
                secrets: self
                    .registries
                    .iter()
                    .map(|registry| self.ledger.secrets_in(registry, &known.id).len())
                    .sum(),
            })
            .collect();
        let contexts = contexts.into_iter();
        contexts
            .map(|(context, error)| Unseen::Context { context, error })
            .chain(lost)
            .collect()
    }
}

impl<T> Place<T> {
    /// The Secret, as a message names it.
    pub(in crate::commands) fn shown(&self, names_context: bool) -> String {
        let immutable = if self.is_immutable { " (immutable)" } else { "" };
        match self.context.as_str() {
            context if names_context && !context.is_empty() => {
                format!("{} of context {context}{immutable}", self.target)
            }
            _ => format!("{}{immutable}", self.target),
        }
    }
}

/// The first of these Secrets by name, and how many more there are.
pub(in crate::commands) fn named<T>(places: &[Place<T>], names_context: bool) -> String {
    let shown: Vec<String> = places
        .iter()
        .take(MAX_NAMED)
        .map(|place| place.shown(names_context))
        .collect();
    match places.len().saturating_sub(MAX_NAMED) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

impl<T> Looked<T> {
    /// Reports what stops working when the token is revoked: `token` as it is called in the sentence, such as `the token`.
    pub(in crate::commands) fn report_broken(self, token: &str, output: &mut Output<'_>) {
        for place in self.places {
            output.warn(format_args!(
                "{} holds {token}, which is revoked now: its pods cannot pull any more",
                place.shown(true)
            ));
        }
        for unseen in self.unseen {
            let error = unseen.error().without_hints();
            output.warn(format_args!("{error}: Secrets there that hold {token} stop working"));
        }
    }
}

/// Reports all errors but the last one, which is for the caller to return.
pub(in crate::commands) fn all_but_last(
    errors: impl IntoIterator<Item = CommandError>,
    output: &mut Output<'_>,
) -> Option<CommandError> {
    let mut last = None;
    for error in errors {
        if let Some(earlier) = last.replace(error) {
            output.error(&earlier);
        }
    }
    last
}

/// A connection, and which cluster it leads to.
pub(in crate::commands) async fn connect(
    env: &Env,
    options: &ConnectOptions,
) -> Result<(Cluster, ClusterId), cluster::Error> {
    let cluster = Cluster::connect(env, options).await?;
    let id = cluster.id().await?;
    Ok((cluster, id))
}

/// Each cluster once, with the contexts that lead to it, in their order.
fn by_cluster(reached: Vec<Reached>, ledger: &Ledger) -> BTreeMap<ClusterId, Vec<Reached>> {
    let seen = reached.iter().map(|one| (one.id.clone(), one.cluster.server()));
    let ids = which(&seen.collect::<Vec<_>>(), ledger);
    let mut clusters: BTreeMap<ClusterId, Vec<Reached>> = BTreeMap::new();
    for (mut one, id) in reached.into_iter().zip(ids) {
        one.id = id;
        clusters.entry(one.id.clone()).or_default().push(one);
    }
    clusters
}

/// Which clusters these are, by what each said of itself and its address. Where one context may not read the uid, it is the
/// one that another context reads at this address, or the one that was known there; but a gateway may have several.
pub(in crate::commands) fn which(seen: &[(ClusterId, &str)], ledger: &Ledger) -> Vec<ClusterId> {
    let mut uids: BTreeMap<&str, BTreeSet<&ClusterId>> = BTreeMap::new();
    for (id, server) in seen.iter().filter(|(id, _)| matches!(id, ClusterId::Uid(_))) {
        uids.entry(server).or_default().insert(id);
    }
    seen.iter()
        .map(|(id, server)| match (id, uids.get(server)) {
            (ClusterId::Server(_), Some(uids)) if uids.len() == 1 => (*uids.first().unwrap_or(&id)).clone(),
            (ClusterId::Server(_), None) => ledger.cluster_at(server, id.clone()),
            _ => id.clone(),
        })
        .collect()
}

/// Every context of the kubeconfig, the current one first; without any, the cluster that this runs in.
pub(in crate::commands) fn every_context(
    env: &Env,
    options: &ConnectOptions,
) -> Result<Vec<ConnectOptions>, KubeconfigError> {
    let of = |context: Option<String>| ConnectOptions {
        kubeconfig: options.kubeconfig.clone(),
        context,
        request_timeout: options.request_timeout,
        ..ConnectOptions::default()
    };
    let configured = cluster::configured(env, options.kubeconfig.as_deref())?;
    if configured.contexts.is_empty() {
        return Ok(vec![of(None)]);
    }
    let mut names: Vec<String> = configured.contexts.into_iter().map(|(name, _)| name).collect();
    if let Some(current) = configured.current {
        names.sort_by_key(|name| *name != current);
    }
    Ok(names.into_iter().map(|name| of(Some(name))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn uid(name: &str) -> ClusterId {
        ClusterId::Uid(name.to_owned())
    }

    #[test]
    fn a_uid_is_never_taken_for_another() {
        let by_address = ClusterId::Server("https://a".to_owned());
        let nothing = Ledger::default();
        // As with a gateway, or where a tunnel led elsewhere.
        let seen = [
            (uid("one"), "https://a"),
            (by_address.clone(), "https://a"),
            (uid("two"), "https://a"),
            (by_address.clone(), "https://a"),
        ];
        assert_eq!(
            which(&seen, &nothing),
            [uid("one"), by_address.clone(), uid("two"), by_address.clone()]
        );
        assert_eq!(which(&seen[..2], &nothing), [uid("one"), uid("one")]);
        assert_eq!(which(&seen[1..2], &nothing), [by_address]);
    }
}
