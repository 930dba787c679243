//! Observes the clusters: what they need, what they pull it with, and on which nodes.

use std::cell::RefCell;
use std::collections::BTreeSet;

use futures_util::future::join;

use super::args::ImagesCheckArgs;
use crate::cluster::images::{Needed, Needs, Node, needs, nodes};
use crate::cluster::survey::{NamespaceSelection, Question, Step, Survey, survey};
use crate::cluster::{self, Cluster, SecretName, Target};
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
    let name = match cluster.context() {
        "" => "cluster",
        context => context,
    };
    let output = RefCell::new(&mut system.output);
    let progress = |step: Step| output.borrow_mut().progress(format_args!("{name}: {step}"));
    let interests = registries.iter().map(|registry| interest(registry, credentials));
    let seen = async {
        let needs = needs(cluster, &places, registries, &progress).await?;
        let question = Question {
            places: places.clone(),
            targets: Vec::new(),
            named: named(&needs).into_iter().collect(),
            interests: interests.collect(),
        };
        let survey = survey(cluster, &question, &progress).await?;
        Ok::<_, cluster::Error>((survey, needs))
    };
    let (seen, nodes) = Box::pin(join(seen, nodes(cluster))).await;
    let (survey, needs) = seen?;
    Ok(Seen {
        places,
        survey,
        needs,
        nodes,
    })
}

/// The pull Secrets that what needs an image names itself, also where it is only what could be rolled back to.
fn named(needs: &Needs) -> BTreeSet<Target> {
    let images = needs
        .needs
        .iter()
        .filter(|need| matches!(need.needed, Needed::Image(_)));
    let uses = images.flat_map(|need| &need.uses).filter(|used| used.is_pulled());
    let mut named = BTreeSet::new();
    for used in uses {
        let (Some(namespace), Some(pod)) = (&used.namespace, &used.pod) else {
            continue;
        };
        // A name that no Secret can have is passed over, as kubelet does.
        let secrets = pod
            .pull_secrets
            .iter()
            .filter_map(|name| name.parse::<SecretName>().ok());
        named.extend(secrets.map(|secret| Target {
            namespace: namespace.clone(),
            secret,
        }));
    }
    named
}
