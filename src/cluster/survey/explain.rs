//! Explains for each image of one pod what kubelet would do.

use std::cell::RefCell;

use kube::api::ListParams;

use super::assemble::targets;
use super::diagnose::Named;
use super::events;
use super::gather::Gather;
use super::question::{Interest, Question};
use super::report::{Survey, now};
use super::secret::SeenSecret;
use super::secret::Tokens;
use crate::cluster::client::connect::Cluster;
use crate::cluster::error::Error;
use crate::cluster::rbac::{Access, Feature};
use crate::cluster::reader::Reader;
use crate::cluster::reader::places::NamespaceSelection;
use crate::cluster::resource::Resource;
use crate::cluster::workload::controllers::Controllers;
use crate::cluster::workload::model::{ContainerKind, Registries, Workload};
use crate::model::pull::Pull;
use crate::model::{Namespace, Registry, Target};

/// A pod with the pull of each of its images.
#[derive(Debug)]
pub struct PodPulls {
    pub namespace: Namespace,
    pub name: String,
    /// Its topmost controller that we know of, as kubectl prints it.
    pub controller: Option<String>,
    /// The creation time, in seconds since 1970.
    pub created: Option<i64>,
    /// Its pull Secrets, in its order.
    pub secrets: Vec<NamedSecret>,
    pub account: String,
    /// That one's pull Secrets as they are now; `None` where they could not be seen.
    pub account_secrets: Option<Vec<String>>,
    /// Its images, in the order in which kubelet pulls them: volumes, init containers, containers, ephemeral ones.
    pub images: Vec<ImagePull>,
    /// The registries of its images: what the places of `interest` in the survey stand for. Those that were asked about
    /// come first.
    pub registries: Vec<Registry>,
    /// The rest of what was seen for it: tokens that the keychain does not have, and what could not be seen.
    pub survey: Survey,
}

/// A Secret that a pod names.
#[derive(Debug)]
pub struct NamedSecret {
    pub name: String,
    /// What is there.
    pub found: Found,
}

/// What is there under a name.
#[derive(Debug)]
pub enum Found {
    /// Nothing.
    Missing,
    /// A Secret of a type that kubelet passes over.
    WrongType,
    /// It could not be looked at: in the survey's `unseen`.
    Unseen,
    /// This one.
    Seen(Box<SeenSecret>),
}

/// One image of a pod.
#[derive(Debug)]
pub struct ImagePull {
    /// The container, or the volume.
    pub container: String,
    /// Which of them.
    pub kind: ContainerKind,
    /// As the pod names it.
    pub image: String,
    /// What kubelet does with the pod's Secrets as they are now. Its places of Secrets are those of [`PodPulls::secrets`].
    pub pull: Pull,
    /// How it stands.
    pub outcome: PullOutcome,
}

/// The state of an image's pull.
#[derive(Debug)]
pub enum PullOutcome {
    /// kubelet has the image: the container runs, or ran.
    Pulled,
    /// It waits for the image.
    Stuck,
    /// kubelet says nothing of it yet.
    NotYet,
}

/// Looks at one pod, and at what there is to pull its images with; `None` where there is no such pod.
///
/// # Errors
/// Where the cluster does not answer, or pods may not be listed in the namespace.
pub async fn explain(
    cluster: &Cluster,
    namespace: &Namespace,
    pod: &str,
    mut interests: Vec<Interest<'_>>,
) -> Result<Option<PodPulls>, Error> {
    let Some(seen) = find(cluster, namespace, pod).await? else {
        return Ok(None);
    };
    // Of a single pod, every image is of interest.
    for registry in seen
        .images
        .iter()
        .filter_map(|image| Registry::of_image(&image.reference))
    {
        if !interests.iter().any(|interest| interest.registry == registry) {
            interests.push(Interest {
                registry,
                kept: Vec::new(),
            });
        }
    }
    let question = Question {
        places: NamespaceSelection::Named(vec![namespace.clone()]),
        targets: targets(namespace, &seen.own_secrets).collect(),
        named: Vec::new(),
        interests,
    };
    let tokens = RefCell::new(Tokens::new(&question.interests));
    let gather = Gather::new(cluster, &question, Some(pod), &|_| {}).await?;
    let mut finished = gather.run(&question, &tokens).await?;
    // The one that was found first: it may have changed, or be gone, by now.
    finished.gathered.pods = vec![seen.clone()];
    let sees_accounts = finished
        .gathered
        .unseen
        .blind
        .has_seen(Resource::ServiceAccounts, namespace);
    let controller = Controllers::new(&finished.gathered.workloads).top(&seen).shown();
    let absent = finished.absent.clone();
    let survey = Survey::new(finished, &question, tokens.into_inner().others, now());

    let account = survey.accounts.iter().find(|account| account.name == seen.account);
    let account_secrets = account.map(|account| account.pull_secrets.clone()).unwrap_or_default();
    let secrets = seen.own_secrets.iter().map(|name| NamedSecret {
        name: name.clone(),
        found: found(&survey, namespace, name, |target| absent.get(target).copied()),
    });
    let named = Named::new(&survey, namespace, &seen.own_secrets);
    let images = seen.images.iter().map(|image| ImagePull {
        container: image.container.clone(),
        kind: image.kind,
        image: image.reference.clone(),
        pull: named.pull(&image.reference),
        outcome: match survey
            .stuck
            .iter()
            .find(|one| (one.kind, &one.container) == (image.kind, &image.container))
        {
            Some(_) => PullOutcome::Stuck,
            None if image.is_there => PullOutcome::Pulled,
            None => PullOutcome::NotYet,
        },
    });
    Ok(Some(PodPulls {
        namespace: namespace.clone(),
        name: seen.name.clone(),
        controller,
        created: seen.created,
        secrets: secrets.collect(),
        account: seen.account.clone(),
        account_secrets: sees_accounts.then_some(account_secrets),
        images: images.collect(),
        registries: question
            .interests
            .iter()
            .map(|interest| interest.registry.clone())
            .collect(),
        survey,
    }))
}

async fn find(cluster: &Cluster, namespace: &Namespace, pod: &str) -> Result<Option<Workload>, Error> {
    let none = Registries::new([]);
    let reader = Reader::new(cluster, 1, &|_| {});
    let of = |raw| Workload::new(Resource::Pods, raw, &none);
    let named = ListParams::default().fields(&format!("metadata.name={pod}"));
    let access = Access::to(Feature::Status);
    let found = reader.list(Resource::Pods, Some(namespace), &named, of).await;
    let mut found = found.map_err(|error| error.for_access(&access))?;
    events::complete(&reader, &mut found).await;
    Ok(found.into_iter().next())
}

fn found(survey: &Survey, namespace: &Namespace, name: &str, absent: impl Fn(&Target) -> Option<bool>) -> Found {
    let Ok(secret) = name.parse() else {
        return Found::Missing;
    };
    let target = Target {
        namespace: namespace.clone(),
        secret,
    };
    match (survey.secret(&target), absent(&target)) {
        (Some(secret), _) => Found::Seen(Box::new(secret.clone())),
        (None, Some(true)) => Found::WrongType,
        (None, Some(false)) => Found::Missing,
        (None, None) => Found::Unseen,
    }
}
