//! Pods, and what makes pods, as the server gives them: the fields that we read, of all kinds at once. What one kind does
//! not have stays empty.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{OwnerReference, Time};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// A workload or a pod.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Raw {
    pub metadata: Metadata,
    pub spec: Spec,
    pub status: Status,
}

/// Metadata without what is long: `managedFields` and annotations.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Metadata {
    pub name: String,
    pub namespace: String,
    pub uid: String,
    pub resource_version: String,
    pub generation: i64,
    pub owner_references: Vec<OwnerReference>,
    pub creation_timestamp: Option<Time>,
    pub deletion_timestamp: Option<Time>,
    pub labels: Labels,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Labels {
    #[serde(rename = "pod-template-hash")]
    pub template_hash: Option<String>,
}

/// The spec of a workload, of a pod, or of the template of either.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Spec {
    pub replicas: Option<i64>,
    pub paused: bool,
    pub update_strategy: Strategy,
    template: Option<Box<Template>>,
    job_template: Option<Box<Template>>,
    pub image_pull_secrets: Vec<Named>,
    pub service_account_name: String,
    pub node_name: String,
    pub node_selector: BTreeMap<String, String>,
    pub affinity: Affinity,
    pub containers: Vec<Container>,
    pub init_containers: Vec<Container>,
    pub ephemeral_containers: Vec<Container>,
    pub volumes: Vec<Volume>,
}

impl Spec {
    /// That of its pods; of a pod, its own.
    pub fn into_pod(self) -> Self {
        match (self.template, self.job_template) {
            (Some(template), _) => template.spec,
            (None, Some(job)) => job.spec.into_pod(),
            (None, None) => Self {
                template: None,
                job_template: None,
                ..self
            },
        }
    }
}

/// Only whether it is about nodes.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Affinity {
    pub node_affinity: Option<IgnoredAny>,
}

impl Spec {
    /// The Secrets that its pods read as files or variables.
    pub fn read_secrets(&self) -> BTreeSet<&str> {
        if let Some(template) = self.template.as_ref().or(self.job_template.as_ref()) {
            return template.spec.read_secrets();
        }
        let mounted = self.volumes.iter().flat_map(|volume| {
            let projected = volume.projected.sources.iter().flat_map(|source| &source.secret);
            let secret = volume.secret.iter().map(|secret| secret.secret_name.as_str());
            secret.chain(projected.map(|named| named.name.as_str()))
        });
        let containers = self.containers.iter().chain(&self.init_containers);
        let variables = containers.flat_map(|container| {
            let one = container.env.iter().flat_map(|variable| &variable.value_from);
            let one = one.flat_map(|from| &from.secret_key_ref);
            let all = container.env_from.iter().flat_map(|variables| &variables.secret_ref);
            one.chain(all).map(|named| named.name.as_str())
        });
        mounted.chain(variables).filter(|name| !name.is_empty()).collect()
    }
}

impl Raw {
    /// Whether it is a pod of a workload whose template says the same.
    pub fn is_made_by_a_known_controller(&self) -> bool {
        const KNOWN: [&str; 4] = ["ReplicaSet", "StatefulSet", "DaemonSet", "Job"];
        let mut owners = self.metadata.owner_references.iter();
        owners.any(|owner| owner.controller == Some(true) && KNOWN.contains(&owner.kind.as_str()))
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Template {
    spec: Spec,
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
pub struct Named {
    pub name: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct Container {
    pub name: String,
    pub image: String,
    env: Vec<Variable>,
    env_from: Vec<Variables>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Variable {
    value_from: Option<ValueFrom>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct ValueFrom {
    secret_key_ref: Option<Named>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Variables {
    secret_ref: Option<Named>,
}

/// Since Kubernetes 1.31 a volume can be an image.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Volume {
    pub name: String,
    pub image: Option<ImageVolume>,
    secret: Option<SecretVolume>,
    projected: Projected,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct SecretVolume {
    secret_name: String,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Projected {
    sources: Vec<Projection>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Projection {
    secret: Option<Named>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ImageVolume {
    pub reference: String,
}

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
    pub phase: String,
    pub container_statuses: Vec<ContainerStatus>,
    pub init_container_statuses: Vec<ContainerStatus>,
    pub ephemeral_container_statuses: Vec<ContainerStatus>,
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
#[serde(default, rename_all = "camelCase")]
pub struct ContainerStatus {
    pub name: String,
    #[serde(rename = "imageID")]
    pub image_id: String,
    pub state: ContainerState,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct ContainerState {
    pub waiting: Option<RawWaiting>,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct RawWaiting {
    pub reason: String,
    pub message: String,
}

/// A ServiceAccount.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct RawAccount {
    pub metadata: Metadata,
    image_pull_secrets: Vec<Named>,
    secrets: Vec<Named>,
}

impl RawAccount {
    /// The Secrets that it lists for others than kubelet, such as Tekton.
    pub fn listed_secrets(&self) -> BTreeSet<&str> {
        self.secrets.iter().map(|named| named.name.as_str()).collect()
    }

    /// The pull Secrets that its pods get, if they name none themselves.
    pub fn pull_secrets(&self) -> Vec<String> {
        names(&self.image_pull_secrets)
    }
}

/// The names of a list of pull Secrets; kubelet passes over an empty one.
pub fn names(secrets: &[Named]) -> Vec<String> {
    let names = secrets.iter().map(|secret| secret.name.clone());
    names.filter(|name| !name.is_empty()).collect()
}
