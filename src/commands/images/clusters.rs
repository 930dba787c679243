//! Looks into the clusters that were named, for the images that they run or could roll back to.

use std::cell::RefCell;

use serde::{Deserialize, Serialize};

use super::args::ImageUsersArgs;
use super::demand::{Demand, Usage};
use crate::cluster::images::{How, ImageUse, Needed, Needs, Unread, needs};
use crate::cluster::survey::{NamespaceSelection, Step};
use crate::cluster::{self, Cluster};
use crate::commands::args::ClusterArgs;
use crate::commands::shared::targets;
use crate::commands::system::System;
use crate::error::{CommandError, Exit};
use crate::model::{ClusterId, Registry, Version, printable, serde_text};

/// The longest name of a cluster in a message, in characters.
const MAX_NAME: usize = 200;
/// What a context is called in a pod that has none.
const OWN_CLUSTER: &str = "in-cluster";

/// A cluster that was looked into.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct SeenCluster {
    /// The context that led to it; `None` where it is the cluster that this process ran in.
    pub(super) context: Option<String>,
    #[serde(with = "serde_text")]
    pub(super) id: ClusterId,
    /// The URL of its API server.
    pub(super) server: String,
}

/// What the clusters need.
pub(super) struct Seen {
    /// The contexts that were looked into; `None` is the cluster that this process runs in.
    pub(super) contexts: Vec<Option<String>>,
    /// Those of them that answered.
    pub(super) clusters: Vec<SeenCluster>,
    pub(super) demand: Demand,
    unread: Vec<CommandError>,
}

/// Looks into every context that was named, for images of this registry.
pub(super) fn look(args: &ImageUsersArgs, registry: &Registry, system: &mut System<'_>) -> Result<Seen, CommandError> {
    let mut registries = args.known_as.clone();
    registries.push(registry.clone());
    let args = &args.cluster;
    let contexts = if args.contexts.is_empty() {
        // Only in a pod there is no doubt which cluster is meant.
        Vec::from_iter(cluster::is_in_pod(&system.env).then_some(None))
    } else {
        targets::contexts(&args.contexts)
    };
    let mut seen = Seen {
        contexts: Vec::new(),
        clusters: Vec::new(),
        demand: Demand::default(),
        unread: Vec::new(),
    };
    for context in contexts {
        let name = context.clone().unwrap_or_else(|| OWN_CLUSTER.to_owned());
        match cluster::block_on(look_into(args, context.as_deref(), &name, &registries, system))? {
            Ok((cluster, mut found)) => {
                seen.clusters.push(cluster);
                let unread = std::mem::take(&mut found.unread);
                seen.unread
                    .extend(unread.into_iter().map(|unread| not_read(unread, &name)));
                seen.demand.add_needs(found, &name);
            }
            Err(error) => seen
                .unread
                .push(CommandError::from(error).on(format_args!("context {name}"))),
        }
        seen.contexts.push(context);
        system.output.end_progress();
    }
    Ok(seen)
}

async fn look_into(
    args: &ClusterArgs,
    context: Option<&str>,
    name: &str,
    registries: &[Registry],
    system: &mut System<'_>,
) -> Result<(SeenCluster, Needs), cluster::Error> {
    let cluster = Cluster::connect(&system.env, &args.options(context)).await?;
    let seen = SeenCluster {
        context: context.map(str::to_owned),
        id: cluster.id().await?,
        server: cluster.server().to_owned(),
    };
    let output = RefCell::new(&mut system.output);
    let progress = |step: Step| output.borrow_mut().progress(format_args!("{name}: {step}"));
    let needs = needs(&cluster, &NamespaceSelection::All, registries, &progress).await?;
    Ok((seen, needs))
}

/// Fails where a context leads to another cluster than the one that a plan was made for: what that one uses is not known now.
pub(super) fn ensure_same(planned: &[SeenCluster], now: &[SeenCluster]) -> Result<(), CommandError> {
    for planned in planned {
        let now = now.iter().find(|now| now.context == planned.context);
        if now.is_some_and(|now| planned.is(now)) {
            continue;
        }
        let now = now.map_or_else(|| "no cluster".to_owned(), SeenCluster::shown);
        return Err(CommandError::failed(format_args!(
            "the plan is for {}, and {} {now}: nothing was changed",
            planned.shown(),
            planned.way()
        ))
        .hint("make a new plan for the cluster of now, or correct the kubeconfig"));
    }
    Ok(())
}

/// Fails where a plan cannot be kept to its cluster: in pods, the API server has the same address in every cluster.
pub(super) fn ensure_known(seen: &[SeenCluster]) -> Result<(), CommandError> {
    let is_unknown = |one: &SeenCluster| one.context.is_none() && matches!(one.id, ClusterId::Server(_));
    if !seen.iter().any(is_unknown) {
        return Ok(());
    }
    Err(CommandError::failed(
        "which cluster the plan is for is not known, because the ServiceAccount of this pod may not read the uid of the \
         namespace kube-system: nothing was changed",
    )
    .hint("kubectl regcred rbac -A --images --serviceaccount NAMESPACE:NAME | kubectl apply -f - allows it"))
}

impl SeenCluster {
    /// Whether both are one cluster, as far as that is known.
    fn is(&self, other: &Self) -> bool {
        match (&self.id, &other.id) {
            (ClusterId::Uid(uid), ClusterId::Uid(other)) => uid == other,
            _ => self.server == other.server,
        }
    }

    /// How it is reached, before its name.
    fn way(&self) -> String {
        match &self.context {
            Some(context) => format!("context {} leads to", printable(context, MAX_NAME)),
            None => "this pod runs in".to_owned(),
        }
    }

    /// As messages name it; a plan in a file can say anything.
    fn shown(&self) -> String {
        let server = printable(&self.server, MAX_NAME);
        match &self.id {
            id @ ClusterId::Uid(_) => format!("the cluster {} at {server}", printable(&id.to_string(), MAX_NAME)),
            ClusterId::Server(_) => format!("the cluster at {server}"),
        }
    }
}

fn not_read(unread: Unread, context: &str) -> CommandError {
    let error = CommandError::failed(&unread).on(context);
    match unread {
        Unread::Kind(kind) => error.hints(CommandError::from(kind.error).next().to_vec()),
        _ => error,
    }
}

impl Seen {
    /// Fails if anything could not be read: what is not known must not be taken for unused.
    pub(super) fn ensure_whole(&self) -> Result<(), CommandError> {
        match self.unread.first() {
            Some(error) => Err(error
                .clone()
                .on("nothing was changed, because not everything could be read")),
            None => Ok(()),
        }
    }

    /// Says what could not be read; the exit code.
    pub(super) fn report_unread(&self, system: &mut System<'_>) -> Exit {
        for (at, error) in self.unread.iter().enumerate() {
            // One Role allows all of them.
            let mut later = self.unread[at + 1..].iter();
            if later.any(|later| later.next() == error.next()) {
                system.output.error(&error.clone().without_hints());
            } else {
                system.output.error(error);
            }
        }
        if self.unread.is_empty() {
            Exit::Done
        } else {
            Exit::Failed
        }
    }
}

impl Demand {
    /// Adds what a cluster needs.
    fn add_needs(&mut self, found: Needs, context: &str) {
        for need in found.needs {
            for used in need.uses {
                let usage = Usage::of(&used, context);
                match &need.needed {
                    Needed::Image(reference) => {
                        let repository = reference.repository();
                        // Beside a digest, a tag says what it was pushed as, and somebody may go back to it.
                        if let (Some(tag), Some(_)) = (reference.tag(), reference.digest()) {
                            self.add(repository, Version::Tag(tag.clone()), usage.clone());
                        }
                        self.add(repository, reference.version(), usage.clone());
                    }
                    Needed::Id(digest) => self.add_digest(digest.clone(), usage.clone()),
                    Needed::Repository { path, .. } => self.add_path(path.clone(), usage.clone()),
                }
                if let Some(running) = used.running {
                    self.add_digest(running, usage);
                }
            }
        }
    }
}

impl Usage {
    fn of(used: &ImageUse, context: &str) -> Self {
        let object = used.controller.as_ref().unwrap_or(&used.object);
        Self {
            context: context.to_owned(),
            place: match &used.namespace {
                Some(namespace) => format!("{namespace}/{object}"),
                None => object.clone(),
            },
            how: match &used.how {
                How::Runs => "runs it".to_owned(),
                How::Template => "starts it".to_owned(),
                How::Rollback => "could roll back to it".to_owned(),
                How::HelmRelease { revision, .. } => format!("could roll back to it (Helm revision {revision})"),
                How::CustomResource => "names it".to_owned(),
                How::Finished => "ran it".to_owned(),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(context: Option<&str>, id: &str, server: &str) -> SeenCluster {
        SeenCluster {
            context: context.map(str::to_owned),
            id: id.parse().unwrap(),
            server: server.to_owned(),
        }
    }

    #[test]
    fn a_plan_is_for_its_own_clusters() {
        let (prod, spare) = (Some("prod"), Some("spare"));
        let planned = [
            seen(prod, "uid:a", "https://a"),
            seen(spare, "server:https://b", "https://b"),
        ];
        let is_refused = |now: &[SeenCluster]| ensure_same(&planned, now).is_err();
        assert!(!is_refused(&planned));
        // A known uid has the last word, and otherwise the address.
        assert!(!is_refused(&[
            seen(prod, "uid:a", "https://vpn"),
            seen(spare, "uid:b", "https://b")
        ]));
        assert!(is_refused(&[seen(prod, "uid:b", "https://a"), planned[1].clone()]));
        assert!(is_refused(&[planned[0].clone(), seen(spare, "uid:b", "https://vpn")]));
        assert!(is_refused(&planned[..1]));
    }

    #[test]
    fn a_pods_cluster_is_known_by_its_uid_alone() {
        let address = "server:https://10.43.0.1:443";
        assert!(ensure_known(&[seen(None, address, "https://10.43.0.1:443")]).is_err());
        assert!(ensure_known(&[seen(None, "uid:a", "https://10.43.0.1:443")]).is_ok());
        assert!(ensure_known(&[seen(Some("prod"), address, "https://10.43.0.1:443")]).is_ok());
        let [one, other] = ["uid:a", "uid:b"].map(|id| [seen(None, id, "https://10.43.0.1:443")]);
        let error = ensure_same(&one, &other).unwrap_err().to_string();
        assert!(error.contains(", and this pod runs in the cluster uid:b"), "{error}");
    }
}
