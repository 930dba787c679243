//! A workload or a pod, reduced to what matters for pulling images.

use std::collections::HashMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;

use super::message::{PullFailure, said};
use super::raw::{Condition, ContainerStatus, Raw, RawWaiting, Spec, Status, names};
use crate::cluster::resource::Resource;
use crate::cluster::untrusted::untrusted;
use crate::model::{Namespace, Registry, printable_around};

/// Longest message that is kept, in characters. containerd and kubelet name the image several times, and the reason last:
/// what is cut out is in the middle.
pub const MAX_MESSAGE: usize = 1000;

/// How much of a message is searched for the image of a volume, in octets, and in how many messages: a pod of thousands of
/// volumes and containers is not compared each with each.
const MAX_NAMING: usize = 4096;
const MAX_OTHERS: usize = 4;

/// No reference to an image can be read so.
pub const INVALID_NAME: &str = "InvalidImageName";
/// `imagePullPolicy: Never`, and the node does not have it.
pub const NEVER_PULLED: &str = "ErrImageNeverPull";
/// The reasons that end by themselves once the registry gives the image.
const PULL_REASONS: [&str; 2] = ["ErrImagePull", "ImagePullBackOff"];
/// The other reasons for which a container waits for its image, as kubelet has them (`pkg/kubelet/images`).
const OTHER_REASONS: [&str; 4] = [
    INVALID_NAME,
    NEVER_PULLED,
    "RegistryUnavailable",
    "SignatureValidationFailed",
];

/// The registries that matter. An image's is named by its place among them.
#[derive(Clone, Debug)]
pub struct Registries<'a>(Vec<&'a Registry>);

impl<'a> Registries<'a> {
    pub fn new(registries: impl IntoIterator<Item = &'a Registry>) -> Self {
        Self(registries.into_iter().collect())
    }

    /// The registry of an image.
    pub fn of(&self, image: &str) -> Option<usize> {
        // Nothing that begins like a web address is an image, and kubelet says so.
        let image = ["https://", "http://", "docker://"]
            .iter()
            .find_map(|scheme| image.strip_prefix(scheme))
            .unwrap_or(image);
        let registry = Registry::of_image(image)?;
        self.0.iter().position(|one| **one == registry)
    }

    /// Those of all images that a pod's spec names, each once.
    fn of_pod(&self, spec: &Spec) -> Vec<usize> {
        let containers = spec.containers.iter().chain(&spec.init_containers);
        let images = containers
            .chain(&spec.ephemeral_containers)
            .map(|one| one.image.as_str());
        let volumes = spec.volumes.iter().filter_map(|volume| volume.image.as_ref());
        let mut found: Vec<usize> = images
            .chain(volumes.map(|image| image.reference.as_str()))
            .filter_map(|image| self.of(image))
            .collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}

/// A workload or a pod.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "independent states")]
pub struct Workload {
    pub resource: Resource,
    pub namespace: Namespace,
    pub name: String,
    pub uid: String,
    pub resource_version: String,
    /// Seconds since 1970.
    pub created: Option<i64>,
    pub controller: Option<Controller>,
    /// What a Deployment's ReplicaSet adds to its name.
    pub template_hash: Option<String>,
    /// The pull Secrets that its pods are made with, or that the pod has.
    pub own_secrets: Vec<String>,
    /// The ServiceAccount of its pods.
    pub account: String,
    /// The registries of its images, by their place.
    pub registries: Vec<usize>,
    /// A pod's images, in the order in which kubelet pulls them.
    pub images: Vec<Image>,
    /// It is finished, scaled to nothing, or being deleted: no pod of it will pull again.
    pub is_over: bool,
    pub is_paused: bool,
    /// None of its pods works, or its last rollout failed.
    pub is_broken: bool,
    /// Its pods are replaced only as somebody deletes them.
    pub is_on_delete: bool,
    /// Pods with a lower ordinal are not replaced.
    pub partition: i64,
}

/// Who controls an object, as the object says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Controller {
    /// As kubectl would print it: `rollout.argoproj.io/api`.
    pub shown: String,
    pub kind: String,
    pub name: String,
    pub uid: String,
}

impl Controller {
    /// The one among an object's owners that controls it.
    pub fn of(owners: &[OwnerReference]) -> Option<Self> {
        let owner = owners.iter().find(|owner| owner.controller == Some(true))?;
        let group = owner.api_version.split_once('/').map_or("", |(group, _)| group);
        let kind = owner.kind.to_lowercase();
        let kind = if group.is_empty() {
            kind
        } else {
            format!("{kind}.{group}")
        };
        Some(Self {
            shown: untrusted(&format!("{kind}/{}", owner.name)),
            kind: owner.kind.clone(),
            name: owner.name.clone(),
            uid: owner.uid.clone(),
        })
    }
}

/// Whether none of a workload's pods works, or its last rollout failed, by what its controller says.
fn is_broken(resource: Resource, status: &Status, replicas: Option<i64>) -> bool {
    let has = |kind: &str, is: &dyn Fn(&Condition) -> bool| {
        let mut conditions = status.conditions.iter();
        conditions.any(|condition| condition.kind == kind && is(condition))
    };
    match resource {
        Resource::Deployments => {
            has("Available", &|condition| condition.status == "False")
                || has("Progressing", &|condition| {
                    condition.reason == "ProgressDeadlineExceeded"
                })
        }
        Resource::StatefulSets => replicas.unwrap_or(1) > 0 && status.ready_replicas == 0,
        Resource::DaemonSets => status.desired_number_scheduled > 0 && status.number_available == 0,
        _ => false,
    }
}

/// An image of a pod.
#[derive(Clone, Debug)]
pub struct Image {
    /// The container, or the volume.
    pub container: String,
    pub kind: ContainerKind,
    pub reference: String,
    /// kubelet has it.
    pub is_there: bool,
    pub waiting: Option<Waiting>,
}

/// What of a pod an image is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum ContainerKind {
    Main,
    Init,
    Ephemeral,
    /// A volume that is an image.
    Volume,
}

/// That kubelet waits for an image, and what it says of that, made fit to be shown.
#[derive(Clone, Debug)]
pub struct Waiting {
    pub reason: String,
    pub message: String,
    pub said: PullFailure,
}

impl Workload {
    /// `None` where its namespace has no valid name.
    pub fn new(resource: Resource, raw: Raw, registries: &Registries<'_>) -> Option<Self> {
        let Raw { metadata, spec, status } = raw;
        let is_broken = is_broken(resource, &status, spec.replicas);
        let is_over = metadata.deletion_timestamp.is_some() || is_over(resource, &spec, &status);
        let (is_paused, strategy) = (spec.paused, spec.update_strategy.clone());
        let pod = spec.into_pod();
        Some(Self {
            resource,
            is_broken,
            namespace: metadata.namespace.parse().ok()?,
            created: metadata.creation_timestamp.map(|time| time.0.as_second()),
            controller: Controller::of(&metadata.owner_references),
            name: metadata.name,
            uid: metadata.uid,
            resource_version: metadata.resource_version,
            template_hash: metadata.labels.template_hash,
            own_secrets: names(&pod.image_pull_secrets),
            account: Some(pod.service_account_name.clone())
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| "default".to_owned()),
            registries: registries.of_pod(&pod),
            images: if resource == Resource::Pods {
                images(pod, &status)
            } else {
                Vec::new()
            },
            is_over,
            is_paused,
            is_on_delete: strategy.kind == "OnDelete",
            partition: strategy.rolling_update.partition,
        })
    }

    /// As kubectl prints it: `deployment.apps/api`.
    pub fn shown(&self) -> String {
        format!("{}/{}", self.resource.qualified(), self.name)
    }

    /// Whether an image is from one of the registries.
    pub fn pulls(&self) -> bool {
        !self.registries.is_empty()
    }

    /// A pod that kubelet runs from a file, without pull Secrets.
    pub fn is_static(&self) -> bool {
        let controller = self.controller.as_ref();
        self.resource == Resource::Pods && controller.is_some_and(|controller| controller.kind == "Node")
    }

    /// The images of a pod that kubelet waits for.
    pub fn waiting(&self) -> impl Iterator<Item = (&Image, &Waiting)> {
        self.images
            .iter()
            .filter_map(|image| Some((image, image.waiting.as_ref()?)))
    }

    /// Why a pod's pull from one of the registries does not succeed, as kubelet has it: where it tries again and again.
    pub fn stuck(&self, registries: &Registries<'_>) -> Option<&str> {
        let mut waiting = self
            .waiting()
            .filter(|(image, _)| registries.of(&image.reference).is_some());
        let found = waiting.find(|(_, waiting)| PULL_REASONS.contains(&waiting.reason.as_str()));
        found.map(|(_, waiting)| waiting.reason.as_str())
    }
}

fn is_over(resource: Resource, spec: &Spec, status: &Status) -> bool {
    match resource {
        Resource::Pods => matches!(status.phase.as_str(), "Succeeded" | "Failed"),
        Resource::Jobs => status
            .conditions
            .iter()
            .any(|condition| matches!(condition.kind.as_str(), "Complete" | "Failed") && condition.status == "True"),
        Resource::ReplicaSets | Resource::ReplicationControllers => spec.replicas == Some(0),
        _ => false,
    }
}

/// Of pull Secrets that it cannot decode, kubelet gives the decoder's words as the reason too.
fn is_for_image(waiting: &RawWaiting) -> bool {
    let RawWaiting { reason, message } = waiting;
    PULL_REASONS.contains(&reason.as_str())
        || OTHER_REASONS.contains(&reason.as_str())
        || (reason.len() < MAX_NAMING && reason == message && said(message, "") == PullFailure::Undecodable)
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
fn images(spec: Spec, status: &Status) -> Vec<Image> {
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
            let waiting = waiting.filter(|waiting| is_for_image(waiting));
            found.push(Image {
                container: container.name,
                kind,
                reference: container.image,
                is_there: status.is_some_and(|status| !status.image_id.is_empty()),
                waiting: waiting.map(|waiting| Waiting {
                    reason: waiting.reason.clone(),
                    message: waiting.message.clone(),
                    said: PullFailure::Else,
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
            waiting.reason = untrusted(&waiting.reason);
        }
    }
    all
}

#[cfg(test)]
pub mod tests;
