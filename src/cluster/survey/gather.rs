//! Reads the objects for a survey, and continues if some may not be read.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use futures_util::future::{join, try_join5};
use futures_util::stream::{StreamExt as _, TryStreamExt as _, iter};
use k8s_openapi::api::core::v1::Secret;
use kube::api::ListParams;

use super::consumers::{self, Consumers, Uses};
use super::events;
use super::question::Question;
use super::report::{RunningImage, SeenAccount};
use super::secret::{SeenSecret, Tokens, reduce};
use crate::cluster::client::connect::Cluster;
use crate::cluster::error::Error;
use crate::cluster::rbac::Feature;
use crate::cluster::reader::Step;
use crate::cluster::reader::places::{Places, Reading, Unseen};
use crate::cluster::resource::Resource;
use crate::cluster::secret::annotations::{MANAGED_BY_LABEL, MANAGER};
use crate::cluster::secret::pull_secret::{LEGACY_PULL_SECRET_TYPE, Observed, PULL_SECRET_TYPE};
use crate::cluster::workload::model::{Registries, Workload};
use crate::cluster::workload::raw::{Raw, RawAccount};
use crate::model::{Namespace, Registry, Target};

/// The most registries outside the question that are remembered.
pub(super) const MAX_REGISTRIES: usize = 32;
/// The most Secrets that one object is noted to read by name, and the most readers of one Secret.
const MAX_READ: usize = 20;
const MAX_READERS: usize = 20;
/// The most images that are noted as running. Any tenant can add to them.
const MAX_RUNNING: usize = 500;
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
    /// The images that pods run, each with the first of these pods.
    pub(super) running: BTreeMap<String, RunningImage>,
    pub(super) workloads: Vec<Workload>,
    /// Secrets that pods read as files or variables, and those that ServiceAccounts list for others than kubelet.
    pub(super) reads: Uses,
    /// In each namespace, the first object that reads more of them than are noted.
    pub(super) reads_many: BTreeMap<Namespace, String>,
    pub(super) consumers: Consumers,
    pub(super) unseen: Unseen,
    /// See [`super::report::Survey::passed_over`] and [`super::report::Counts::passed_over`].
    pub(super) passed_over: BTreeSet<Registry>,
    pub(super) pods_passed_over: usize,
}

/// One survey's reading.
pub(super) struct Gather<'a> {
    pub(super) reading: Reading<'a>,
    pub(super) registries: Registries<'a>,
    /// Only this pod.
    pod: Option<&'a str>,
    pub(super) gathered: RefCell<Gathered>,
}

impl<'a> Gather<'a> {
    pub(super) async fn new(
        cluster: &'a Cluster,
        question: &'a Question<'a>,
        pod: Option<&'a str>,
        progress: &'a dyn Fn(Step),
    ) -> Result<Self, Error> {
        Ok(Self {
            reading: Reading::new(cluster, &question.places, Feature::Status, progress).await?,
            registries: Registries::new(question.interests.iter().map(|interest| &interest.registry)),
            pod,
            gathered: RefCell::default(),
        })
    }

    /// Reads it all; the tokens that are found go into `tokens`.
    pub(super) async fn run(
        self,
        question: &Question<'_>,
        tokens: &RefCell<Tokens<'a>>,
    ) -> Result<Finished<'a>, Error> {
        let all = ListParams::default();
        let fields = |fields: &str| ListParams::default().fields(fields);
        let of_type = |kind: &str| fields(&format!("type={kind}"));
        let secret = |secret: Secret| reduce(&Observed::new(secret), &mut tokens.borrow_mut());
        let pods = match self.pod {
            Some(name) => fields(&format!("metadata.name={name}")),
            None => all.clone(),
        };
        let (current, legacy) = (of_type(PULL_SECRET_TYPE), of_type(LEGACY_PULL_SECRET_TYPE));
        // Ours in another format than kubelet's.
        let others = fields(&format!("type!={PULL_SECRET_TYPE},type!={LEGACY_PULL_SECRET_TYPE}"))
            .labels(&format!("{MANAGED_BY_LABEL}={MANAGER}"));
        let workloads = iter(WORKLOADS).map(|resource| {
            let (this, all) = (&self, &all);
            let of = move |raw| this.workload(resource, raw);
            async move { this.reading.read(resource, all, of).await }
        });
        // One that the cluster does not answer is the end of the others.
        let of_secrets = async {
            let current = self.reading.read(Resource::Secrets, &current, secret).await?;
            let others = self.reading.read(Resource::Secrets, &others, secret).await?;
            Ok::<_, Error>(current.into_iter().chain(others))
        };
        let (secrets, legacy, accounts, mut pods, workloads) = try_join5(
            of_secrets,
            self.reading.read(Resource::Secrets, &legacy, secret),
            self.reading
                .read(Resource::ServiceAccounts, &all, |raw| self.account(raw)),
            self.reading.read(Resource::Pods, &pods, |raw| self.pod(raw)),
            workloads.buffer_unordered(WORKLOADS.len()).try_collect::<Vec<_>>(),
        )
        .await?;
        // A single pod has been looked at before.
        if self.pod.is_none() {
            events::complete(&self.reading.reader, &mut pods).await;
        }
        {
            let mut gathered = self.gathered.borrow_mut();
            let secrets = secrets.chain(legacy);
            gathered.secrets = secrets.map(|secret| (secret.target.clone(), secret)).collect();
            gathered.accounts = accounts;
            gathered.pods = pods;
            gathered.workloads = workloads.into_iter().flatten().collect();
        }
        let has_ours = self.gathered.borrow().secrets.values().any(|secret| secret.is_managed);
        let look = async {
            let places = match &self.reading.places {
                Places::Everywhere => None,
                Places::In(places) => Some(places.as_slice()),
            };
            match self.pod {
                // It is about Secrets of ours that seem unused.
                None if has_ours => consumers::look(self.reading.reader.cluster, places).await,
                _ => Consumers::default(),
            }
        };
        let (consumers, absent) = join(look, self.find_named(question, tokens)).await;
        let absent = absent?;
        self.gathered.borrow_mut().consumers = consumers;
        self.gathered.borrow_mut().unseen = self.reading.take_unseen();
        let counted = |resource| self.reading.reader.seen(resource);
        Ok(Finished {
            secrets: counted(Resource::Secrets),
            pods: counted(Resource::Pods),
            registries: self.registries,
            places: match self.reading.places {
                Places::Everywhere => None,
                Places::In(places) => Some(places),
            },
            absent,
            gathered: self.gathered.into_inner(),
        })
    }

    /// `None` for a workload that is over or that pulls nothing from the registries.
    fn workload(&self, resource: Resource, raw: Raw) -> Option<Workload> {
        self.note_reads(resource, &raw);
        Workload::new(resource, raw, &self.registries).filter(|workload| !workload.is_over && workload.pulls())
    }

    /// A pod with the images that it waits for; the one pod that is asked about with all of them. `None` for a pod that is
    /// over, that kubelet runs without pull Secrets, or that pulls nothing from the registries.
    fn pod(&self, raw: Raw) -> Option<Workload> {
        // The others say what their workload says.
        if !raw.is_made_by_a_known_controller() {
            self.note_reads(Resource::Pods, &raw);
        }
        let mut pod = Workload::new(Resource::Pods, raw, &self.registries)?;
        self.pass_over(&pod);
        if self.pod.is_some() {
            return Some(pod);
        }
        if !pod.is_over {
            self.note_running(&pod);
        }
        pod.images
            .retain(|image| image.waiting.is_some() && self.registries.of(&image.reference).is_some());
        (!pod.is_over && !pod.is_static() && pod.pulls()).then_some(pod)
    }

    /// A ServiceAccount that names pull Secrets; what it lists for Tekton and others is noted.
    fn account(&self, raw: RawAccount) -> Option<SeenAccount> {
        let shown = format!("{}/{}", Resource::ServiceAccounts.qualified(), raw.metadata.name);
        self.note(&raw.metadata.namespace, &shown, raw.listed_secrets());
        account(raw)
    }

    /// Notes the images of the registries that a pod runs.
    fn note_running(&self, pod: &Workload) {
        for image in pod.images.iter().filter(|image| image.is_there) {
            let Some(interest) = self.registries.of(&image.reference) else {
                continue;
            };
            let running = &mut self.gathered.borrow_mut().running;
            if running.contains_key(&image.reference) || running.len() >= MAX_RUNNING {
                continue;
            }
            let used = RunningImage {
                interest,
                namespace: pod.namespace.clone(),
                pod: pod.name.clone(),
            };
            running.insert(image.reference.clone(), used);
        }
    }

    /// Notes the Secrets that the pods of a workload read, as those of `BuildKit` do.
    fn note_reads(&self, resource: Resource, raw: &Raw) {
        let shown = format!("{}/{}", resource.qualified(), raw.metadata.name);
        self.note(&raw.metadata.namespace, &shown, raw.spec.read_secrets());
    }

    fn note(&self, namespace: &str, shown: &str, names: BTreeSet<&str>) {
        let Ok(namespace) = namespace.parse::<Namespace>() else {
            return;
        };
        if names.len() > MAX_READ {
            let many = &mut self.gathered.borrow_mut().reads_many;
            many.entry(namespace.clone()).or_insert_with(|| shown.to_owned());
        }
        for name in names.into_iter().take(MAX_READ) {
            let Ok(secret) = name.parse() else { continue };
            let target = Target {
                namespace: namespace.clone(),
                secret,
            };
            let mut gathered = self.gathered.borrow_mut();
            let readers = gathered.reads.entry(target).or_default();
            if readers.len() < MAX_READERS {
                readers.insert(shown.to_owned());
            }
        }
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
