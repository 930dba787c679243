//! Which workloads use a pull Secret for a registry, and which of them can be restarted. Pure.

use std::collections::BTreeSet;
use std::fmt;

use super::controllers::{Controllers, Top};
use super::list::AccountLists;
use super::model::{Controller, Workload};
use crate::cluster::resource::Resource;
use crate::model::{CommandLine, Namespace, SecretName};

/// A workload that uses the Secret for an image of the registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretUser {
    /// It can be restarted.
    Restartable {
        /// A Deployment, StatefulSet or DaemonSet.
        resource: Resource,
        name: String,
        /// What made it and may undo a change of it, as `prometheus.monitoring.coreos.com/main`.
        made_by: Option<String>,
        /// It did not work before.
        is_broken: bool,
    },
    /// It cannot, or should not.
    Held {
        /// As kubectl prints it: `deployment.apps/api`.
        what: String,
        why: SkipReason,
    },
}

/// Why a workload is not restarted.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SkipReason {
    /// A paused Deployment.
    Paused,
    /// A StatefulSet or DaemonSet that replaces its pods only as they are deleted.
    OnDelete,
    /// A StatefulSet that replaces only the pods from this ordinal on.
    Partition(i64),
    /// A Job: its template cannot be changed.
    Job,
    /// A CronJob: its next run has new pods anyway.
    CronJob,
    /// A ReplicaSet or ReplicationController on its own: it replaces no pod that is there.
    ReplicaSet,
    /// A pod that nothing would bring back.
    BarePod,
    /// Its pods are made by something that only its own tool can restart.
    OtherController,
}

impl SkipReason {
    /// What to do about it, where there is something to do.
    #[must_use]
    pub fn instead(&self, what: &str, namespace: &Namespace) -> Option<String> {
        let delete = || CommandLine::new("kubectl delete pod POD").option("-n", "NAMESPACE", namespace.as_str());
        Some(match self {
            Self::Paused => {
                let resume = CommandLine::new("kubectl rollout resume")
                    .value("WORKLOAD", what)
                    .option("-n", "NAMESPACE", namespace.as_str());
                format!("{resume}, then restart it")
            }
            Self::OnDelete => format!("delete its pods one by one: {}", delete()),
            Self::Partition(_) => "set its partition to 0, then restart it".to_owned(),
            Self::Job => {
                "it goes on with the pods that it has; where they are stuck, delete it and make it again".to_owned()
            }
            Self::CronJob => return None,
            Self::ReplicaSet => {
                format!("delete its pods, and it makes new ones: {}", delete())
            }
            Self::BarePod => "where it is stuck, delete it and make it again".to_owned(),
            Self::OtherController => "restart it with the tool that it belongs to".to_owned(),
        })
    }
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Paused => f.write_str("it is paused"),
            Self::OnDelete => f.write_str("its update strategy is OnDelete"),
            Self::Partition(from) => write!(f, "its partition leaves pods below ordinal {from} as they are"),
            Self::Job => f.write_str("a Job's pods are not replaced"),
            Self::CronJob => f.write_str("its next run has new pods"),
            Self::ReplicaSet => f.write_str("nothing rolls its pods"),
            Self::BarePod => f.write_str("no controller would make it again"),
            Self::OtherController => f.write_str("it is no kind that kubectl restarts"),
        }
    }
}

/// Finds them, each once, under the name of its topmost controller.
///
/// A pod template uses the Secret that it names. Only where it names none at all do its pods get those of their
/// ServiceAccount, when they are made (the admission plugin `ServiceAccount`). Pods count as well as templates, because
/// what makes pods may be of a kind that we do not know, and because webhooks add pull Secrets to pods.
pub fn users(workloads: &[Workload], accounts: &AccountLists, secret: &SecretName) -> Vec<SecretUser> {
    let controllers = Controllers::new(workloads);
    let has_it = |list: &[String]| list.iter().any(|name| name == secret.as_str());
    let pulls_with_it = |workload: &Workload| {
        let list = match workload.own_secrets.as_slice() {
            [] => accounts.get(&workload.account).map_or(&[][..], Vec::as_slice),
            own => own,
        };
        workload.pulls() && !workload.is_over && has_it(list)
    };
    let mut found = BTreeSet::new();
    for workload in workloads.iter().filter(|workload| pulls_with_it(workload)) {
        let Top {
            workload: top,
            controller,
            is_other,
        } = controllers.top(workload);
        if top.is_over {
            continue;
        }
        // A pod or ReplicaSet of an earlier template, which named the Secret, says nothing about the next pods.
        if is_other && !top.own_secrets.is_empty() && !pulls_with_it(top) {
            continue;
        }
        found.extend(user(top, controller));
    }
    found.into_iter().collect()
}

/// `None` for what the control plane's own components run: kubelet takes no pull Secrets for static pods.
fn user(top: &Workload, controller: Option<&Controller>) -> Option<SecretUser> {
    let what = top.shown();
    let held = |why| {
        Some(SecretUser::Held {
            what: what.clone(),
            why,
        })
    };
    let restartable = || {
        Some(SecretUser::Restartable {
            resource: top.resource,
            name: top.name.clone(),
            made_by: controller.map(|controller| controller.shown.clone()),
            is_broken: top.is_broken,
        })
    };
    match (top.resource, controller) {
        (Resource::Deployments, _) if top.is_paused => held(SkipReason::Paused),
        (Resource::StatefulSets | Resource::DaemonSets, _) if top.is_on_delete => held(SkipReason::OnDelete),
        (Resource::StatefulSets, _) if top.partition > 0 => held(SkipReason::Partition(top.partition)),
        (Resource::Deployments | Resource::StatefulSets | Resource::DaemonSets, _) => restartable(),
        (Resource::Pods, _) if top.is_static() => None,
        (_, Some(controller)) => Some(SecretUser::Held {
            what: controller.shown.clone(),
            why: SkipReason::OtherController,
        }),
        (Resource::CronJobs, None) => held(SkipReason::CronJob),
        (Resource::Jobs, None) => held(SkipReason::Job),
        (Resource::ReplicaSets | Resource::ReplicationControllers, None) => held(SkipReason::ReplicaSet),
        (Resource::Pods, None) => held(SkipReason::BarePod),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::workload::model::tests::workload;
    use serde_json::{Value, json};

    const IMAGE: &str = "gitea.example.com/owner/app:1";

    /// A pod's spec.
    fn pod(image: &str, secrets: &[&str], account: Option<&str>) -> Value {
        let mut pod = json!({"containers": [{"name": "a", "image": image}]});
        if !secrets.is_empty() {
            pod["imagePullSecrets"] = secrets.iter().map(|name| json!({"name": name})).collect();
        }
        if let Some(account) = account {
            pod["serviceAccountName"] = account.into();
        }
        pod
    }

    fn object(resource: Resource, name: &str, owner: Option<(&str, &str)>, spec: impl Into<Value>) -> Workload {
        let mut object = json!({"metadata": {"name": name, "uid": name}, "spec": spec.into()});
        if let Some((kind, owner)) = owner {
            object["metadata"]["ownerReferences"] =
                json!([{"apiVersion": "apps/v1", "kind": kind, "name": owner, "uid": owner, "controller": true}]);
            if kind == "Rollout" {
                object["metadata"]["ownerReferences"][0]["apiVersion"] = "argoproj.io/v1alpha1".into();
            }
        }
        workload(resource, &object)
    }

    fn template(pod: impl Into<Value>) -> Value {
        json!({"template": {"spec": pod.into()}})
    }

    fn deployment(name: &str, pod: Value) -> Workload {
        object(Resource::Deployments, name, None, template(pod))
    }

    fn found(workloads: &[Workload]) -> Vec<String> {
        let accounts = [
            ("default".to_owned(), vec!["x".to_owned(), "ours".to_owned()]),
            ("bare".to_owned(), vec![]),
        ];
        users(workloads, &accounts.into(), &"ours".parse().unwrap())
            .iter()
            .map(|user| match user {
                SecretUser::Restartable {
                    resource,
                    name,
                    made_by: None,
                    ..
                } => format!("{}/{name}", resource.singular()),
                SecretUser::Restartable {
                    name,
                    made_by: Some(by),
                    ..
                } => format!("{name} of {by}"),
                SecretUser::Held { what, why } => format!("{what}: {why:?}"),
            })
            .collect()
    }

    #[test]
    fn look_alikes_are_told_apart() {
        for (pod, uses) in [
            (pod(IMAGE, &["ours"], None), true),
            (pod(IMAGE, &["other", "ours"], Some("bare")), true),
            (pod(IMAGE, &[], None), true),
            (pod(IMAGE, &[], Some("default")), true),
            (pod(IMAGE, &["other"], None), false), // its own list wins over the ServiceAccount's
            (pod(IMAGE, &[], Some("bare")), false),
            (pod(IMAGE, &[], Some("missing")), false),
            (pod("ghcr.io/owner/app", &["ours"], None), false),
            (pod(IMAGE, &["ours-2"], None), false),
        ] {
            assert_eq!(!found(&[deployment("api", pod.clone())]).is_empty(), uses, "{pod}");
        }
    }

    #[test]
    fn what_is_not_restarted_says_why() {
        let with = |key: &str, value: Value| {
            let mut spec = template(pod(IMAGE, &["ours"], None));
            spec[key] = value;
            spec
        };
        let plain = || template(pod(IMAGE, &["ours"], None));
        for (resource, spec, shown) in [
            (
                Resource::Deployments,
                with("paused", true.into()),
                "deployment.apps/w: Paused",
            ),
            (
                Resource::StatefulSets,
                with("updateStrategy", json!({"type": "OnDelete"})),
                "statefulset.apps/w: OnDelete",
            ),
            (
                Resource::StatefulSets,
                with(
                    "updateStrategy",
                    json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}),
                ),
                "statefulset.apps/w: Partition(2)",
            ),
            (
                Resource::StatefulSets,
                with("updateStrategy", json!({"rollingUpdate": {"partition": 0}})),
                "statefulset/w",
            ),
            (
                Resource::DaemonSets,
                with("updateStrategy", json!({"type": "OnDelete"})),
                "daemonset.apps/w: OnDelete",
            ),
            (Resource::DaemonSets, plain(), "daemonset/w"),
            (Resource::Jobs, plain(), "job.batch/w: Job"),
            (
                Resource::CronJobs,
                json!({"jobTemplate": {"spec": plain()}}),
                "cronjob.batch/w: CronJob",
            ),
            (Resource::ReplicaSets, plain(), "replicaset.apps/w: ReplicaSet"),
            (
                Resource::ReplicationControllers,
                plain(),
                "replicationcontroller/w: ReplicaSet",
            ),
            (Resource::Pods, pod(IMAGE, &["ours"], None), "pod/w: BarePod"),
        ] {
            assert_eq!(found(&[object(resource, "w", None, spec)]), [shown]);
        }
        let gone = with("replicas", 0.into());
        assert!(found(&[object(Resource::ReplicaSets, "w", None, gone)]).is_empty());
    }

    #[test]
    fn a_chain_of_controllers_is_one_user() {
        let replica_set = |owner| {
            object(
                Resource::ReplicaSets,
                "rs",
                Some(owner),
                template(pod(IMAGE, &["ours"], None)),
            )
        };
        let of = |owner| object(Resource::Pods, "pod", Some(owner), pod(IMAGE, &["ours"], None));
        let api = || deployment("api", pod(IMAGE, &["ours"], None));
        assert_eq!(
            found(&[of(("ReplicaSet", "rs")), replica_set(("Deployment", "api")), api()]),
            ["deployment/api"]
        );
        // What makes the pods is of a kind that is not listed.
        assert_eq!(
            found(&[of(("ReplicaSet", "rs")), replica_set(("Rollout", "api"))]),
            ["rollout.argoproj.io/api: OtherController"]
        );
        assert_eq!(
            found(&[of(("Rollout", "own"))]),
            ["rollout.argoproj.io/own: OtherController"]
        );
        assert!(found(&[of(("Node", "worker-1"))]).is_empty(), "a static pod");
        // A Deployment that an operator made is restarted, and the operator is named.
        let made = object(
            Resource::Deployments,
            "api",
            Some(("Rollout", "r")),
            template(pod(IMAGE, &["ours"], None)),
        );
        assert_eq!(found(&[made]), ["api of rollout.argoproj.io/r"]);
    }

    #[test]
    fn pods_count_where_the_template_names_no_secret() {
        let of = || {
            object(
                Resource::Pods,
                "pod",
                Some(("Deployment", "api")),
                pod(IMAGE, &["ours"], None),
            )
        };
        // A webhook added it.
        assert_eq!(
            found(&[of(), deployment("api", pod(IMAGE, &[], Some("bare")))]),
            ["deployment/api"]
        );
        // The pod is of an earlier template.
        assert!(found(&[of(), deployment("api", pod(IMAGE, &["other"], None))]).is_empty());
    }

    #[test]
    fn a_circle_of_owners_ends() {
        let one = object(
            Resource::ReplicaSets,
            "a",
            Some(("ReplicaSet", "b")),
            template(pod(IMAGE, &["ours"], None)),
        );
        let other = object(
            Resource::ReplicaSets,
            "b",
            Some(("ReplicaSet", "a")),
            template(pod(IMAGE, &["ours"], None)),
        );
        assert!(found(&[one, other]).len() <= 2);
    }
}
