//! Reads the objects for a survey, and continues if some may not be read.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::try_join5;
use futures_util::stream::{StreamExt as _, TryStreamExt as _, iter};
use k8s_openapi::api::core::v1::Secret;
use serde::de::DeserializeOwned;
use tokio::sync::OnceCell;

use super::events;
use super::question::{NamespaceSelection, Question};
use super::reader::Reader;
use super::reader::Step;
use super::report::{SeenAccount, Unreadable};
use super::secret::{SeenSecret, Tokens, reduce};
use crate::cluster::client::connect::Cluster;
use crate::cluster::client::pages::Named;
use crate::cluster::error::Error;
use crate::cluster::list::{FoundNamespace, namespaces};
use crate::cluster::rbac::{Access, Feature};
use crate::cluster::resource::{Object, Resource};
use crate::cluster::secret::pull_secret::{LEGACY_PULL_SECRET_TYPE, Observed, PULL_SECRET_TYPE};
use crate::cluster::workload::model::{Registries, Workload};
use crate::cluster::workload::raw::{Raw, RawAccount};
use crate::model::{Namespace, Registry, Target};

/// Connections at a time where each page is a large one; memory is what they cost.
const PAGES_AT_ONCE: usize = 3;
/// Connections at a time where each namespace has a page of its own: as many as sync has.
pub(super) const NAMESPACES_AT_ONCE: usize = 8;
/// The most registries outside the question that are remembered.
pub(super) const MAX_REGISTRIES: usize = 32;
/// What makes pods.
const WORKLOADS: [Resource; 5] = [
    Resource::Deployments,
    Resource::StatefulSets,
    Resource::DaemonSets,
    Resource::CronJobs,
    Resource::Jobs,
];

/// The objects that were read.
#[derive(Default)]
pub(super) struct Gathered {
    pub(super) secrets: BTreeMap<Target, SeenSecret>,
    pub(super) accounts: Vec<SeenAccount>,
    pub(super) pods: Vec<Workload>,
    pub(super) workloads: Vec<Workload>,
    pub(super) unseen: BTreeMap<Resource, Unreadable>,
    /// See [`super::report::Survey::passed_over`] and [`super::report::Counts::passed_over`].
    pub(super) passed_over: BTreeSet<Registry>,
    pub(super) pods_passed_over: usize,
    /// Namespaces in which a kind could not be read; `None` for all of them.
    pub(super) blind: BTreeSet<(Resource, Option<Namespace>)>,
}

impl Gathered {
    /// Whether the kind was read in the namespace.
    pub(super) fn has_seen(&self, resource: Resource, namespace: &Namespace) -> bool {
        !self.blind.contains(&(resource, None)) && !self.blind.contains(&(resource, Some(namespace.clone())))
    }
}

/// The namespaces, resolved.
enum Where {
    Everywhere,
    In(Vec<Namespace>),
}

/// One survey's reading.
pub(super) struct Gather<'a> {
    pub(super) reader: Reader<'a>,
    places: Where,
    all: OnceCell<Vec<Namespace>>,
    pub(super) registries: Registries<'a>,
    /// Only this pod.
    pod: Option<&'a str>,
    access: Access,
    pub(super) gathered: RefCell<Gathered>,
}

impl<'a> Gather<'a> {
    pub(super) async fn new(
        cluster: &'a Cluster,
        question: &'a Question<'a>,
        pod: Option<&'a str>,
        progress: &'a dyn Fn(Step),
    ) -> Result<Self, Error> {
        let mut access = Access::to(Feature::Status);
        access.is_everywhere = !matches!(question.places, NamespaceSelection::Named(_));
        let places = match &question.places {
            NamespaceSelection::All => Where::Everywhere,
            NamespaceSelection::Named(names) => Where::In(names.clone()),
            NamespaceSelection::Selected(selector) => {
                access.features.insert(Feature::Selector);
                let found = namespaces(cluster, selector).await;
                let found = found.map_err(|error| error.for_access(&access))?;
                Where::In(
                    found
                        .into_iter()
                        .map(|FoundNamespace { namespace, .. }| namespace)
                        .collect(),
                )
            }
        };
        let at_once = if matches!(places, Where::Everywhere) {
            PAGES_AT_ONCE
        } else {
            NAMESPACES_AT_ONCE
        };
        Ok(Self {
            reader: Reader::new(cluster, at_once, progress),
            places,
            all: OnceCell::new(),
            registries: Registries::new(question.interests.iter().map(|interest| &interest.registry)),
            pod,
            access,
            gathered: RefCell::default(),
        })
    }

    /// Reads it all; the tokens that are found go into `tokens`.
    pub(super) async fn run(self, targets: &[Target], tokens: &RefCell<Tokens<'a>>) -> Result<Finished<'a>, Error> {
        let of_type = |kind: &str| format!("type={kind}");
        let secret = |secret: Secret| reduce(&Observed::new(secret), &mut tokens.borrow_mut());
        let one_pod = self
            .pod
            .map_or_else(String::new, |name| format!("metadata.name={name}"));
        let (current, legacy) = (of_type(PULL_SECRET_TYPE), of_type(LEGACY_PULL_SECRET_TYPE));
        let workloads = iter(WORKLOADS).map(|resource| {
            let this = &self;
            let of = move |raw| this.workload(resource, raw);
            async move { this.read(resource, "", of).await }
        });
        // One that the cluster does not answer is the end of the others.
        let (secrets, legacy, accounts, mut pods, workloads) = try_join5(
            self.read(Resource::Secrets, &current, secret),
            self.read(Resource::Secrets, &legacy, secret),
            self.read(Resource::ServiceAccounts, "", account),
            self.read(Resource::Pods, &one_pod, |raw| self.pod(raw)),
            workloads.buffer_unordered(WORKLOADS.len()).try_collect::<Vec<_>>(),
        )
        .await?;
        // A single pod has been looked at before.
        if self.pod.is_none() {
            events::complete(&self.reader, &mut pods).await;
        }
        {
            let mut gathered = self.gathered.borrow_mut();
            let secrets = secrets.into_iter().chain(legacy);
            gathered.secrets = secrets.map(|secret| (secret.target.clone(), secret)).collect();
            gathered.accounts = accounts;
            gathered.pods = pods;
            gathered.workloads = workloads.into_iter().flatten().collect();
        }
        let absent = self.find_named(targets, tokens).await?;
        let reader = self.reader;
        let counted = |resource| reader.seen(resource);
        Ok(Finished {
            secrets: counted(Resource::Secrets),
            pods: counted(Resource::Pods),
            registries: self.registries,
            places: match self.places {
                Where::Everywhere => None,
                Where::In(places) => Some(places),
            },
            absent,
            gathered: self.gathered.into_inner(),
        })
    }

    /// `None` for a workload that is over or that pulls nothing from the registries.
    fn workload(&self, resource: Resource, raw: Raw) -> Option<Workload> {
        Workload::new(resource, raw, &self.registries).filter(|workload| !workload.is_over && workload.pulls())
    }

    /// A pod with the images that it waits for; the one pod that is asked about with all of them. `None` for a pod that is
    /// over, that kubelet runs without pull Secrets, or that pulls nothing from the registries.
    fn pod(&self, raw: Raw) -> Option<Workload> {
        let mut pod = Workload::new(Resource::Pods, raw, &self.registries)?;
        self.pass_over(&pod);
        if self.pod.is_some() {
            return Some(pod);
        }
        pod.images
            .retain(|image| image.waiting.is_some() && self.registries.of(&image.reference).is_some());
        (!pod.is_over && !pod.is_static() && pod.pulls()).then_some(pod)
    }

    /// Counts a pod that waits for an image of a registry outside the question.
    fn pass_over(&self, pod: &Workload) {
        let waiting = pod.waiting().filter(|_| !pod.is_over);
        let strange: BTreeSet<Registry> = waiting
            .filter(|(image, _)| self.registries.of(&image.reference).is_none())
            .filter_map(|(image, _)| Registry::of_image(&image.reference))
            .collect();
        if strange.is_empty() {
            return;
        }
        let mut gathered = self.gathered.borrow_mut();
        gathered.pods_passed_over += 1;
        for registry in strange {
            if gathered.passed_over.len() < MAX_REGISTRIES {
                gathered.passed_over.insert(registry);
            }
        }
    }

    /// All objects of a kind in the places. If all namespaces may not be listed at once, each is listed by itself; what cannot be
    /// read is recorded, and is an error only where the cluster itself is out of reach.
    async fn read<K: DeserializeOwned, T>(
        &self,
        resource: Resource,
        fields: &str,
        of: impl Fn(K) -> Option<T>,
    ) -> Result<Vec<T>, Error> {
        let of = &of;
        let places = match &self.places {
            Where::In(places) => places,
            Where::Everywhere => match self.reader.list(resource, None, fields, of).await {
                Ok(found) => return Ok(found),
                Err(error) => {
                    let is_forbidden = matches!(error, Error::Forbidden(_));
                    self.record(resource, None, error)?;
                    let all = self.all_namespaces().await?;
                    if !is_forbidden || all.is_empty() {
                        self.gathered.borrow_mut().blind.insert((resource, None));
                        return Ok(Vec::new());
                    }
                    all
                }
            },
        };
        let mut lists = iter(places)
            .map(|namespace| async move { (namespace, self.reader.list(resource, Some(namespace), fields, of).await) })
            .buffer_unordered(NAMESPACES_AT_ONCE);
        let mut found = Vec::new();
        while let Some((namespace, list)) = lists.next().await {
            match list {
                Ok(list) => found.extend(list),
                Err(error) => self.record(resource, Some(namespace), error)?,
            }
        }
        Ok(found)
    }

    /// The names of all namespaces; none where they may not be listed either.
    async fn all_namespaces(&self) -> Result<&Vec<Namespace>, Error> {
        let list = || async {
            let name = |object: Named| object.metadata.name?.parse::<Namespace>().ok();
            match self.reader.list(Resource::Namespaces, None, "", name).await {
                Err(error) if is_fatal(&error) => Err(error),
                Err(_) => Ok(Vec::new()),
                Ok(found) => Ok(found),
            }
        };
        self.all.get_or_try_init(list).await
    }

    /// Keeps the first error of a kind; hands back one that nothing else would get past.
    pub(super) fn record(&self, resource: Resource, namespace: Option<&Namespace>, error: Error) -> Result<(), Error> {
        if is_fatal(&error) {
            return Err(error);
        }
        let mut gathered = self.gathered.borrow_mut();
        // Secrets are read twice, once a type.
        let is_new = namespace.is_some_and(|namespace| gathered.blind.insert((resource, Some(namespace.clone()))));
        let unseen = gathered.unseen.entry(resource).or_insert_with(|| Unreadable {
            object: namespace.map_or_else(
                || Object::everywhere(resource),
                |namespace| Object::all(resource, namespace),
            ),
            namespaces: 0,
            error: error.for_access(&self.access),
        });
        unseen.namespaces += usize::from(is_new);
        Ok(())
    }
}

/// All that the rest is worked out from.
pub(super) struct Finished<'a> {
    pub(super) gathered: Gathered,
    pub(super) registries: Registries<'a>,
    /// `None` for all.
    pub(super) places: Option<Vec<Namespace>>,
    /// Secrets that are named and not there; `true` for one of another type.
    pub(super) absent: BTreeMap<Target, bool>,
    pub(super) secrets: usize,
    pub(super) pods: usize,
}

/// What no other request to the cluster would get past either.
fn is_fatal(error: &Error) -> bool {
    error.is_about_the_cluster() || matches!(error, Error::Timeout { .. } | Error::Busy { .. })
}

/// A ServiceAccount that names pull Secrets.
fn account(raw: RawAccount) -> Option<SeenAccount> {
    let pull_secrets = raw.pull_secrets();
    Some(SeenAccount {
        namespace: raw.metadata.namespace.parse().ok()?,
        name: raw.metadata.name,
        pull_secrets,
    })
    .filter(|account| !account.pull_secrets.is_empty())
}
