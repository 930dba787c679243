//! What runs in a namespace, as far as pulling images goes: pods, and what makes pods, in pages and cut down to the
//! fields that matter.

use std::collections::HashMap;

use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::Api;
use kube::api::{ListParams, ObjectMeta};
use kube::core::Object as Generic;
use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::cluster::client::connect::Cluster;
use crate::cluster::client::pages::{self, Extent};
use crate::cluster::error::Error;
use crate::cluster::names::Namespace;
use crate::cluster::resource::{Object, Resource};
use crate::cluster::untrusted::untrusted;
use crate::model::Registry;

/// Any workload or pod as the server gives it, with the fields that we read.
pub type Raw = Generic<Spec, Status>;

/// The specs of all kinds at once: what one kind does not have stays empty.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Spec {
    pub replicas: Option<i64>,
    pub paused: bool,
    pub update_strategy: Strategy,
    template: Option<Template>,
    job_template: Option<JobTemplate>,
    /// A pod's own.
    #[serde(flatten)]
    pod: PodSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Strategy {
    #[serde(rename = "type")]
    pub kind: String,
    pub rolling_update: Rolling,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Rolling {
    pub partition: i64,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct JobTemplate {
    pub spec: Box<JobSpec>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct JobSpec {
    pub template: Template,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Template {
    pub spec: PodSpec,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PodSpec {
    pub image_pull_secrets: Vec<Named>,
    pub service_account_name: String,
    pub containers: Vec<Container>,
    pub init_containers: Vec<Container>,
    pub ephemeral_containers: Vec<Container>,
    pub volumes: Vec<Volume>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Named {
    pub name: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Container {
    pub name: String,
    pub image: String,
}

/// Since Kubernetes 1.31 a volume can be an image.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Volume {
    pub name: String,
    pub image: Option<ImageVolume>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ImageVolume {
    pub reference: String,
}

/// The statuses of all kinds at once.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Status {
    pub observed_generation: i64,
    pub replicas: i64,
    pub updated_replicas: i64,
    pub ready_replicas: i64,
    pub available_replicas: i64,
    pub current_revision: String,
    pub update_revision: String,
    pub desired_number_scheduled: i64,
    pub updated_number_scheduled: i64,
    pub number_available: i64,
    pub conditions: Vec<Condition>,
    phase: String,
    container_statuses: Vec<ContainerStatus>,
    init_container_statuses: Vec<ContainerStatus>,
    ephemeral_container_statuses: Vec<ContainerStatus>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Condition {
    #[serde(rename = "type")]
    pub kind: String,
    pub status: String,
    pub reason: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct ContainerStatus {
    name: String,
    state: State,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct State {
    waiting: Option<Waiting>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Waiting {
    reason: String,
}

/// The pull Secrets of ServiceAccounts, by the ServiceAccount's name.
pub type AccountLists = HashMap<String, Vec<String>>;

/// Who controls an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Controller {
    /// As kubectl would print it: `rollout.argoproj.io/api`.
    pub shown: String,
    pub kind: String,
    pub name: String,
    pub uid: String,
}

/// A workload or a pod, cut down.
#[derive(Clone, Debug)]
#[allow(clippy::struct_excessive_bools, reason = "facts, each of its own")]
pub struct Workload {
    pub resource: Resource,
    pub name: String,
    pub uid: String,
    pub resource_version: String,
    pub controller: Option<Controller>,
    /// The pull Secrets that its pods are made with, or that the pod has.
    pub pull_secrets: Vec<String>,
    pub service_account: String,
    /// Whether an image is from one of the registries that were asked about.
    pub pulls: bool,
    /// It is finished, scaled to nothing, or being deleted: no pod of it will pull again.
    pub is_over: bool,
    pub paused: bool,
    /// Its pods are replaced only as somebody deletes them.
    pub on_delete: bool,
    /// Pods with a lower ordinal are not replaced.
    pub partition: i64,
    /// Why a pod's pull from the registry does not succeed, as kubelet has it.
    pub stuck: Option<String>,
}

impl Workload {
    pub fn new(resource: Resource, raw: Raw, registries: &[Registry]) -> Self {
        let Raw {
            metadata, spec, status, ..
        } = raw;
        let status = status.unwrap_or_default();
        let is_over = metadata.deletion_timestamp.is_some() || is_over(resource, &spec, &status);
        let pod = match (spec.template, spec.job_template) {
            (Some(template), _) => template.spec,
            (None, Some(job)) => job.spec.template.spec,
            (None, None) => spec.pod,
        };
        let is_from = |image: &str| Registry::of_image(image).is_some_and(|from| registries.contains(&from));
        let volumes = pod.volumes.iter().filter_map(|volume| volume.image.as_ref());
        let pulls = pod.containers().any(|container| is_from(&container.image))
            || volumes.map(|image| &image.reference).any(|image| is_from(image));
        let stuck = status
            .container_statuses
            .iter()
            .chain(&status.init_container_statuses)
            .chain(&status.ephemeral_container_statuses)
            .filter(|status| {
                let mut containers = pod.containers();
                containers.any(|container| container.name == status.name && is_from(&container.image))
            })
            .filter_map(|status| status.state.waiting.as_ref())
            .map(|waiting| waiting.reason.as_str())
            .find(|reason| matches!(*reason, "ErrImagePull" | "ImagePullBackOff"))
            .map(str::to_owned);
        Self {
            resource,
            controller: controller(&metadata),
            name: metadata.name.unwrap_or_default(),
            uid: metadata.uid.unwrap_or_default(),
            resource_version: metadata.resource_version.unwrap_or_default(),
            pull_secrets: pod
                .image_pull_secrets
                .iter()
                .map(|secret| secret.name.clone())
                .collect(),
            service_account: Some(pod.service_account_name)
                .filter(|name| !name.is_empty())
                .unwrap_or_else(|| "default".to_owned()),
            pulls,
            is_over,
            paused: spec.paused,
            on_delete: spec.update_strategy.kind == "OnDelete",
            partition: spec.update_strategy.rolling_update.partition,
            stuck,
        }
    }
}

impl PodSpec {
    fn containers(&self) -> impl Iterator<Item = &Container> {
        self.containers
            .iter()
            .chain(&self.init_containers)
            .chain(&self.ephemeral_containers)
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

fn controller(metadata: &ObjectMeta) -> Option<Controller> {
    controller_of(metadata.owner_references.as_deref().unwrap_or_default())
}

/// Who controls an object with these owners.
pub fn controller_of(references: &[OwnerReference]) -> Option<Controller> {
    let owner = references.iter().find(|reference| reference.controller == Some(true))?;
    let group = owner.api_version.split_once('/').map_or("", |(group, _)| group);
    let kind = owner.kind.to_lowercase();
    let kind = if group.is_empty() {
        kind
    } else {
        format!("{kind}.{group}")
    };
    Some(Controller {
        shown: untrusted(&format!("{kind}/{}", owner.name)),
        kind: owner.kind.clone(),
        name: owner.name.clone(),
        uid: owner.uid.clone(),
    })
}

pub fn api(cluster: &Cluster, namespace: &Namespace, resource: Resource) -> Api<Raw> {
    Api::namespaced_with(cluster.client().clone(), namespace.as_str(), &resource.api())
}

/// The pull Secrets of the ServiceAccounts of a namespace, by the ServiceAccount's name.
pub async fn service_accounts(cluster: &Cluster, namespace: &Namespace) -> Result<AccountLists, Error> {
    let of = |account: ServiceAccount| {
        let list = account.image_pull_secrets.into_iter().flatten();
        (
            account.metadata.name.unwrap_or_default(),
            list.map(|entry| entry.name).collect(),
        )
    };
    let (found, _) = matching(cluster, namespace, Resource::ServiceAccounts, ListParams::default(), of).await?;
    Ok(found.into_iter().collect())
}

/// All objects of a kind in a namespace, cut down page by page, with the version of the list; nothing where the server
/// does not have the kind.
pub async fn list<T>(
    cluster: &Cluster,
    namespace: &Namespace,
    resource: Resource,
    of: impl Fn(Raw) -> T,
) -> Result<(Vec<T>, String), Error> {
    matching(cluster, namespace, resource, ListParams::default(), of).await
}

/// The same of those that match `params` alone.
pub async fn matching<K: DeserializeOwned, T>(
    cluster: &Cluster,
    namespace: &Namespace,
    resource: Resource,
    params: ListParams,
    of: impl Fn(K) -> T,
) -> Result<(Vec<T>, String), Error> {
    let ask = async |params: &ListParams| pages::page(cluster, resource, Some(namespace), Extent::Whole, params).await;
    let found = pages::all(resource, params, ask, |object| Some(of(object))).await;
    found.map_err(|error| cluster.call(Object::all(resource, namespace)).error(error))
}

#[cfg(test)]
pub mod tests;
