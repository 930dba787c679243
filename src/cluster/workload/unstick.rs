//! Deleting pods that are stuck on a pull from a registry, so that their controllers make new ones.
//!
//! kubelet heals most of them by itself: it reads the Secret at every try, but tries only every five minutes in the end.
//! A pod that was made before its ServiceAccount had the Secret never heals: its list is copied when it is made.

use std::fmt;

use kube::api::{DeleteParams, ListParams, Preconditions};
use kube::core::Request;
use serde_json::Value;

use super::list::{api, workloads};
use super::model::{Registries, Workload};
use crate::cluster::client::connect::Cluster;
use crate::cluster::client::write::Written;
use crate::cluster::error::Error;
use crate::cluster::resource::{Object, Resource};
use crate::cluster::secret::apply::DryRun;
use crate::model::{Namespace, Registry};

/// How often a pod is looked at and deleted where kubelet reports on it in between.
const TRIES: u32 = 5;

/// A pod that is stuck on a pull from the registry, and the action that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StuckPod {
    pub name: String,
    /// As kubelet has it: `ErrImagePull` or `ImagePullBackOff`.
    pub reason: String,
    /// What was done.
    pub fate: PodAction,
}

/// The action for a stuck pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PodAction {
    /// It was deleted; its controller makes a new one.
    Deleted,
    /// It has no controller: nothing would bring it back.
    Bare,
    /// Its Job would count it as a failed try, and may be over with that.
    OfJob,
}

impl fmt::Display for PodAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Deleted => "deleted",
            Self::Bare => "it has no controller that would make it again",
            Self::OfJob => "its Job would count it as a failed try (backoffLimit)",
        })
    }
}

/// Deletes the pods of a namespace that are stuck on a pull from one of the registries and that a controller makes again.
///
/// A pod is deleted only as it was seen: one that got its image in between is left alone.
pub async fn unstick(
    cluster: &Cluster,
    namespace: &Namespace,
    registries: &[Registry],
    dry_run: DryRun,
) -> Result<Vec<StuckPod>, Error> {
    let registries = Registries::new(registries);
    let pods = workloads(cluster, namespace, Resource::Pods, ListParams::default(), &registries).await?;
    let mut stuck = Vec::new();
    for pod in pods {
        stuck.extend(delete(cluster, namespace, &registries, pod, dry_run).await?);
    }
    Ok(stuck)
}

/// What to do with a pod; nothing with one that is not stuck.
fn fate(pod: &Workload, registries: &Registries<'_>) -> Option<StuckPod> {
    let reason = pod.stuck(registries).filter(|_| !pod.is_over)?.to_owned();
    let fate = match pod.controller.as_ref().map(|controller| controller.kind.as_str()) {
        None => PodAction::Bare,
        Some("Job") => PodAction::OfJob,
        // kubelet runs a static pod from a file, without Secrets.
        Some("Node") => return None,
        Some(_) => PodAction::Deleted,
    };
    Some(StuckPod {
        name: pod.name.clone(),
        reason,
        fate,
    })
}

async fn delete(
    cluster: &Cluster,
    namespace: &Namespace,
    registries: &Registries<'_>,
    mut pod: Workload,
    dry_run: DryRun,
) -> Result<Option<StuckPod>, Error> {
    let api = api(cluster, namespace, Resource::Pods);
    let call = |name: &str| cluster.call(Object::new(Resource::Pods, namespace, name));
    let mut tries = 0;
    // It may be deleted by an attempt whose answer was lost.
    let mut begun: Option<StuckPod> = None;
    loop {
        let Some(stuck) = fate(&pod, registries) else {
            return Ok(begun.filter(|_| pod.is_over));
        };
        if stuck.fate != PodAction::Deleted || dry_run == DryRun::Client {
            return Ok(Some(stuck));
        }
        let params = DeleteParams {
            dry_run: dry_run == DryRun::Server,
            preconditions: Some(Preconditions {
                uid: Some(pod.uid.clone()),
                resource_version: Some(pod.resource_version.clone()),
            }),
            ..DeleteParams::default()
        };
        let request = Request::new(api.resource_url()).delete(&pod.name, &params);
        let Written { answer, may_be_done } = cluster.write::<Value>(request).await;
        if may_be_done && dry_run == DryRun::None {
            begun = Some(stuck.clone());
        }
        let message = match answer {
            Ok(_) => return Ok(Some(stuck)),
            Err(kube::Error::Api(status)) if status.reason == "NotFound" => return Ok(begun),
            Err(kube::Error::Api(status)) if status.code == 409 => status.message.clone(),
            Err(error) => return Err(call(&pod.name).error(error)),
        };
        tries += 1;
        if tries == TRIES {
            return Err(Error::Contended {
                object: Object::new(Resource::Pods, namespace, &pod.name),
                tries,
                message: cluster.named().quote(&message),
            });
        }
        // By a list of one: who may list pods need not be allowed to get them as well.
        let one = ListParams::default().fields(&format!("metadata.name={}", pod.name));
        let again = workloads(cluster, namespace, Resource::Pods, one, registries).await?;
        match again.into_iter().next() {
            // Another one of this name, in its place.
            Some(again) if begun.is_some() && again.uid != pod.uid => return Ok(begun),
            Some(again) => pod = again,
            None => return Ok(begun),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::workload::model::tests::{registries, workload};
    use serde_json::json;

    fn fate_of(kind: Option<&str>, phase: &str) -> Option<PodAction> {
        let mut pod = json!({
            "metadata": {"name": "pod"},
            "spec": {"containers": [{"name": "a", "image": "gitea.example.com/a"}]},
            "status": {"phase": phase, "containerStatuses": [{"name": "a", "state": {"waiting": {"reason": "ImagePullBackOff"}}}]},
        });
        if let Some(kind) = kind {
            pod["metadata"]["ownerReferences"] =
                json!([{"apiVersion": "x/v1", "kind": kind, "name": "o", "uid": "o", "controller": true}]);
        }
        fate(&workload(Resource::Pods, &pod), &Registries::new(&registries())).map(|stuck| stuck.fate)
    }

    #[test]
    fn only_what_comes_back_is_deleted() {
        for kind in [
            "ReplicaSet",
            "StatefulSet",
            "DaemonSet",
            "ReplicationController",
            "Rollout",
        ] {
            assert_eq!(fate_of(Some(kind), "Pending"), Some(PodAction::Deleted), "{kind}");
        }
        assert_eq!(fate_of(None, "Pending"), Some(PodAction::Bare));
        assert_eq!(fate_of(Some("Job"), "Pending"), Some(PodAction::OfJob));
        assert_eq!(fate_of(Some("Node"), "Pending"), None);
        assert_eq!(fate_of(Some("ReplicaSet"), "Failed"), None);
    }
}
