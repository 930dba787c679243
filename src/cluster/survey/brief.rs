//! Pods and workloads, cut down to what pulling images has to do with.

use std::collections::{BTreeSet, HashMap, HashSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{OwnerReference, Time};
use serde::Deserialize;

use super::message::said;
use super::question::Interest;
use super::stuck::{ContainerKind, Said};
use crate::cluster::names::Namespace;
use crate::cluster::resource::Resource;
use crate::cluster::workload::workloads::{Controller, JobTemplate, PodSpec, Template, controller_of};
use crate::model::{Registry, printable_around};

/// Longest message that is kept, in characters. containerd and kubelet name the image several times, and the reason last:
/// what is cut out is in the middle.
pub(super) const MAX_MESSAGE: usize = 1000;

/// How much of a message is searched for the image of a volume, in octets, and in how many messages: a pod of thousands of
/// volumes and containers is not compared each with each.
const MAX_NAMING: usize = 4096;
const MAX_OTHERS: usize = 4;

/// Reasons for which a container waits for its image, as kubelet has them (`pkg/kubelet/images`).
const REASONS: [&str; 6] = [
    "ErrImagePull",
    "ImagePullBackOff",
    INVALID_NAME,
    NEVER_PULLED,
    "RegistryUnavailable",
    "SignatureValidationFailed",
];

/// No reference to an image can be read so.
pub(super) const INVALID_NAME: &str = "InvalidImageName";
/// `imagePullPolicy: Never`, and the node does not have it.
pub(super) const NEVER_PULLED: &str = "ErrImageNeverPull";

/// Metadata without what is long: `managedFields` and annotations.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Meta {
    name: String,
    namespace: String,
    uid: String,
    owner_references: Vec<OwnerReference>,
    creation_timestamp: Option<Time>,
    deletion_timestamp: Option<Time>,
    labels: Labels,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Labels {
    #[serde(rename = "pod-template-hash")]
    template_hash: Option<String>,
}

/// A pod as the server gives it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RawPod {
    metadata: Meta,
    spec: PodSpec,
    status: PodStatus,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct PodStatus {
    phase: String,
    container_statuses: Vec<ContainerStatus>,
    init_container_statuses: Vec<ContainerStatus>,
    ephemeral_container_statuses: Vec<ContainerStatus>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ContainerStatus {
    name: String,
    #[serde(rename = "imageID")]
    image_id: String,
    state: ContainerState,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ContainerState {
    waiting: Option<RawWaiting>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawWaiting {
    reason: String,
    message: String,
}

impl RawWaiting {
    /// Of pull Secrets that it cannot decode, kubelet gives the decoder's words as the reason too.
    fn is_for_image(&self) -> bool {
        let Self { reason, message } = self;
        REASONS.contains(&reason.as_str())
            || (reason.len() < MAX_NAMING && reason == message && said(message, "") == Said::Undecodable)
    }
}

/// A workload as the server gives it.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct RawWorkload {
    metadata: Meta,
    spec: WorkloadSpec,
    status: WorkloadStatus,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct WorkloadSpec {
    template: Option<Template>,
    job_template: Option<JobTemplate>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WorkloadStatus {
    conditions: Vec<RawCondition>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct RawCondition {
    #[serde(rename = "type")]
    kind: String,
    status: String,
}

/// A ServiceAccount as the server gives it.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct RawAccount {
    metadata: Meta,
    image_pull_secrets: Vec<Named>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Named {
    name: String,
}

/// An image of a pod.
#[derive(Clone, Debug)]
pub(super) struct Image {
    pub(super) container: String,
    pub(super) kind: ContainerKind,
    pub(super) reference: String,
    /// kubelet has it.
    pub(super) is_there: bool,
    pub(super) waiting: Option<Waiting>,
}

/// That kubelet waits for an image, and what it says of that.
#[derive(Clone, Debug)]
pub(super) struct Waiting {
    pub(super) reason: String,
    pub(super) message: String,
    pub(super) said: Said,
}

/// A pod or a workload that pulls images of the registries.
#[derive(Clone, Debug)]
pub(super) struct Brief {
    pub(super) resource: Resource,
    pub(super) namespace: Namespace,
    pub(super) name: String,
    pub(super) uid: String,
    pub(super) created: Option<i64>,
    pub(super) controller: Option<Controller>,
    /// What a Deployment's ReplicaSet adds to its name.
    pub(super) template_hash: Option<String>,
    pub(super) own_secrets: Vec<String>,
    pub(super) account: String,
    /// By their place among the interests.
    pub(super) registries: Vec<usize>,
    /// Of a pod: the images that it waits for; all of them where one pod is to be explained.
    pub(super) images: Vec<Image>,
}

impl Brief {
    /// As kubectl prints it: `deployment.apps/api`.
    pub(super) fn shown(&self) -> String {
        format!("{}/{}", self.resource.qualified(), self.name)
    }
}

/// Which pods and images are kept.
#[derive(Clone, Copy)]
pub(super) struct Sieve<'a> {
    pub(super) interests: &'a [Interest<'a>],
    /// Keep all images of a pod.
    pub(super) is_whole: bool,
}

impl Sieve<'_> {
    /// The registry of an image, by its place.
    pub(super) fn interest(&self, image: &str) -> Option<usize> {
        // Nothing that begins like a web address is an image, and kubelet says so.
        let image = ["https://", "http://", "docker://"]
            .iter()
            .find_map(|scheme| image.strip_prefix(scheme))
            .unwrap_or(image);
        let registry = Registry::of_image(image)?;
        self.interests.iter().position(|interest| interest.registry == registry)
    }

    fn registries(&self, spec: &PodSpec) -> Vec<usize> {
        let containers = spec.containers.iter().chain(&spec.init_containers);
        let images = containers
            .chain(&spec.ephemeral_containers)
            .map(|one| one.image.as_str());
        let volumes = spec.volumes.iter().filter_map(|volume| volume.image.as_ref());
        let mut found: Vec<usize> = images
            .chain(volumes.map(|image| image.reference.as_str()))
            .filter_map(|image| self.interest(image))
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }

    /// The registries of images that it waits for, and that nobody asked about.
    pub(super) fn strange(&self, raw: &RawPod) -> BTreeSet<Registry> {
        let RawPod { metadata, spec, status } = raw;
        if matches!(status.phase.as_str(), "Succeeded" | "Failed") || metadata.deletion_timestamp.is_some() {
            return BTreeSet::new();
        }
        let statuses = status.container_statuses.iter();
        let statuses = statuses.chain(&status.init_container_statuses);
        let waiting: HashSet<&str> = statuses
            .filter(|status| {
                let waiting = status.state.waiting.as_ref();
                waiting.is_some_and(RawWaiting::is_for_image)
            })
            .map(|status| status.name.as_str())
            .collect();
        let containers = spec.containers.iter().chain(&spec.init_containers);
        containers
            .filter(|container| waiting.contains(container.name.as_str()))
            .filter(|container| self.interest(&container.image).is_none())
            .filter_map(|container| Registry::of_image(&container.image))
            .collect()
    }

    /// `None` for a pod that is over, that kubelet runs from a file without Secrets, or that is not about the registries.
    pub(super) fn pod(&self, raw: RawPod) -> Option<Brief> {
        let registries = self.registries(&raw.spec);
        let is_over =
            matches!(raw.status.phase.as_str(), "Succeeded" | "Failed") || raw.metadata.deletion_timestamp.is_some();
        let RawPod { metadata, spec, status } = raw;
        let mut brief = brief(Resource::Pods, metadata, &spec, registries)?;
        let is_static = brief
            .controller
            .as_ref()
            .is_some_and(|controller| controller.kind == "Node");
        if !self.is_whole && (is_over || is_static || brief.registries.is_empty()) {
            return None;
        }
        brief.images = images(spec, &status);
        if !self.is_whole {
            let is_waited_for = |image: &Image| image.waiting.is_some() && self.interest(&image.reference).is_some();
            brief.images.retain(is_waited_for);
        }
        Some(brief)
    }

    /// `None` for a workload that is over or that is not about the registries.
    pub(super) fn workload(&self, resource: Resource, raw: RawWorkload) -> Option<Brief> {
        let RawWorkload { metadata, spec, status } = raw;
        let is_over = |condition: &RawCondition| {
            matches!(condition.kind.as_str(), "Complete" | "Failed") && condition.status == "True"
        };
        let is_done = resource == Resource::Jobs && status.conditions.iter().any(is_over);
        if is_done || metadata.deletion_timestamp.is_some() {
            return None;
        }
        let spec = match (spec.template, spec.job_template) {
            (Some(template), _) => template.spec,
            (None, Some(job)) => job.spec.template.spec,
            (None, None) => return None,
        };
        let registries = self.registries(&spec);
        brief(resource, metadata, &spec, registries).filter(|brief| !brief.registries.is_empty())
    }
}

/// Namespace, name and pull Secrets of a ServiceAccount.
pub(super) fn account(raw: RawAccount) -> Option<(Namespace, String, Vec<String>)> {
    let names = raw.image_pull_secrets.into_iter().map(|secret| secret.name);
    let names = names.filter(|name| !name.is_empty()).collect();
    Some((raw.metadata.namespace.parse().ok()?, raw.metadata.name, names))
}

fn brief(resource: Resource, metadata: Meta, spec: &PodSpec, registries: Vec<usize>) -> Option<Brief> {
    let names = spec.image_pull_secrets.iter().map(|secret| secret.name.clone());
    Some(Brief {
        resource,
        namespace: metadata.namespace.parse().ok()?,
        created: metadata.creation_timestamp.map(|time| time.0.as_second()),
        controller: controller_of(&metadata.owner_references),
        name: metadata.name,
        uid: metadata.uid,
        template_hash: metadata.labels.template_hash,
        own_secrets: names.filter(|name| !name.is_empty()).collect(),
        account: Some(spec.service_account_name.clone())
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| "default".to_owned()),
        registries,
        images: Vec::new(),
    })
}

/// The start of a text, in octets at most.
fn start(text: &str, max: usize) -> &str {
    let mut end = max.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The images of a pod, in the order in which kubelet pulls them.
fn images(spec: PodSpec, status: &PodStatus) -> Vec<Image> {
    let groups = [
        (
            ContainerKind::Init,
            spec.init_containers,
            &status.init_container_statuses,
        ),
        (ContainerKind::Main, spec.containers, &status.container_statuses),
        (
            ContainerKind::Ephemeral,
            spec.ephemeral_containers,
            &status.ephemeral_container_statuses,
        ),
    ];
    let mut found: Vec<Image> = Vec::new();
    for (kind, containers, statuses) in groups {
        let statuses: HashMap<&str, &ContainerStatus> =
            statuses.iter().map(|status| (status.name.as_str(), status)).collect();
        for container in containers {
            let status = statuses.get(container.name.as_str()).copied();
            let waiting = status.and_then(|status| status.state.waiting.as_ref());
            let waiting = waiting.filter(|waiting| waiting.is_for_image());
            found.push(Image {
                container: container.name,
                kind,
                reference: container.image,
                is_there: status.is_some_and(|status| !status.image_id.is_empty()),
                waiting: waiting.map(|waiting| Waiting {
                    reason: waiting.reason.clone(),
                    message: waiting.message.clone(),
                    said: Said::Else,
                }),
            });
        }
    }
    // The containers that wait for another image than their own. kubelet pulls the volumes of one after the other.
    let is_of_other = |image: &Image| {
        let waiting = image.waiting.as_ref();
        waiting.is_some_and(|waiting| !start(&waiting.message, MAX_NAMING).contains(image.reference.as_str()))
    };
    let mut others: Vec<usize> = (0..found.len())
        .filter(|at| is_of_other(&found[*at]))
        .take(MAX_OTHERS)
        .collect();
    let has_image = found.iter().any(|image| image.is_there);
    let mut all: Vec<Image> = Vec::new();
    for volume in spec.volumes {
        let Some(image) = volume.image.filter(|image| !image.reference.is_empty()) else {
            continue;
        };
        // kubelet reports the pull of a volume on the container that mounts it, and names the image only in the message.
        let on = others.iter().position(|at| {
            let message = found[*at]
                .waiting
                .as_ref()
                .map_or("", |waiting| waiting.message.as_str());
            start(message, MAX_NAMING).contains(&image.reference)
        });
        let waiting = on.and_then(|on| found[others.remove(on)].waiting.take());
        let is_there = waiting.is_none() && has_image;
        all.push(Image {
            container: volume.name,
            kind: ContainerKind::Volume,
            reference: image.reference,
            is_there,
            waiting,
        });
    }
    all.append(&mut found);
    for image in &mut all {
        if let Some(waiting) = &mut image.waiting {
            waiting.said = said(&waiting.message, &image.reference);
            waiting.message = printable_around(&waiting.message, MAX_MESSAGE);
        }
    }
    all
}
