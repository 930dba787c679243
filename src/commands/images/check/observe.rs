//! Observes the clusters: what they need, what they pull it with, and on which nodes.

use std::cell::RefCell;

use futures_util::future::{join, try_join};

use super::args::ImagesCheckArgs;
use crate::cluster::images::{Needs, Node, needs, nodes};
use crate::cluster::survey::{NamespaceSelection, Question, Step, Survey, survey};
use crate::cluster::{self, Cluster};
use crate::commands::shared::targets;
use crate::commands::status::cluster_view::interest;
use crate::commands::status::credentials::StoredCredentials;
use crate::commands::system::System;
use crate::model::Registry;

/// A cluster, or why nothing is known of it.
pub(super) struct Observed {
    /// The context's name in the kubeconfig; empty in a pod.
    pub(super) context: String,
    /// Its name on the command line.
    pub(super) flag: Option<String>,
    pub(super) seen: Result<Seen, cluster::Error>,
}

/// What was seen of a cluster.
pub(super) struct Seen {
    /// Where it was looked.
    pub(super) places: NamespaceSelection,
    pub(super) survey: Survey,
    pub(super) needs: Needs,
    /// Its nodes, or why they are not known.
    pub(super) nodes: Result<Vec<Node>, cluster::Error>,
}

/// Observes every context of the command line, one after the other.
pub(super) async fn clusters(
    args: &ImagesCheckArgs,
    registries: &[Registry],
    credentials: &StoredCredentials,
    system: &mut System<'_>,
) -> Vec<Observed> {
    let mut all = Vec::new();
    for flag in targets::contexts(&args.cluster.contexts) {
        let mut observed = Observed {
            context: flag.clone().unwrap_or_default(),
            flag,
            seen: Err(cluster::KubeconfigError::None.into()),
        };
        let options = args.cluster.options(observed.flag.as_deref());
        observed.seen = match Cluster::connect(&system.env, &options).await {
            Ok(cluster) => {
                cluster.context().clone_into(&mut observed.context);
                Box::pin(one(&cluster, args, registries, credentials, system)).await
            }
            Err(error) => Err(error),
        };
        all.push(observed);
    }
    all
}

async fn one(
    cluster: &Cluster,
    args: &ImagesCheckArgs,
    registries: &[Registry],
    credentials: &StoredCredentials,
    system: &mut System<'_>,
) -> Result<Seen, cluster::Error> {
    let places = args.places(cluster.namespace());
    let interests = registries.iter().map(|registry| interest(registry, credentials));
    let question = Question {
        places: places.clone(),
        targets: Vec::new(),
        interests: interests.collect(),
    };
    let name = match cluster.context() {
        "" => "cluster",
        context => context,
    };
    let output = RefCell::new(&mut system.output);
    let progress = |step: Step| output.borrow_mut().progress(format_args!("{name}: {step}"));
    let seen = try_join(
        survey(cluster, &question, &progress),
        needs(cluster, &places, registries, &progress),
    );
    let (seen, nodes) = Box::pin(join(seen, nodes(cluster))).await;
    let (survey, needs) = seen?;
    Ok(Seen {
        places,
        survey,
        needs,
        nodes,
    })
}
