//! Finds the controller of a pod or a workload.

use std::collections::HashMap;

use super::model::{Controller, Workload};
use crate::cluster::resource::Resource;
use crate::model::Namespace;

/// Pod, ReplicaSet or Job, Deployment or CronJob: no chain of controllers is longer. What tenants write can be a circle.
const MAX_CHAIN: usize = 4;

/// The workloads that were read, by what leads to them.
pub struct Controllers<'a> {
    by_uid: HashMap<&'a str, &'a Workload>,
    deployments: HashMap<(&'a Namespace, &'a str), &'a Workload>,
}

/// The end of a chain of controllers.
#[derive(Clone, Copy)]
pub struct Top<'a> {
    /// The last that was read: the object itself, where its controller was not.
    pub workload: &'a Workload,
    /// What controls that one, where something does.
    pub controller: Option<&'a Controller>,
    /// Whether it is another than the object.
    pub is_other: bool,
}

impl<'a> Top<'a> {
    /// What has to be changed or restarted, as kubectl prints it; `None` for an object on its own.
    pub fn shown(&self) -> Option<String> {
        if self.is_other {
            Some(self.workload.shown())
        } else {
            self.controller.map(|controller| controller.shown.clone())
        }
    }

    /// The workload that made the object, where it was read.
    pub fn maker(&self) -> Option<&'a Workload> {
        self.is_other.then_some(self.workload)
    }
}

impl<'a> Controllers<'a> {
    pub fn new(workloads: impl IntoIterator<Item = &'a Workload> + Clone) -> Self {
        let by_uid = workloads.clone().into_iter().map(|one| (one.uid.as_str(), one));
        let deployments = workloads
            .into_iter()
            .filter(|one| one.resource == Resource::Deployments)
            .map(|one| ((&one.namespace, one.name.as_str()), one));
        Self {
            by_uid: by_uid.collect(),
            deployments: deployments.collect(),
        }
    }

    /// Follows the controllers of an object as far as they were read.
    pub fn top(&self, object: &'a Workload) -> Top<'a> {
        let mut top = Top {
            workload: object,
            controller: object.controller.as_ref(),
            is_other: false,
        };
        for _ in 0..MAX_CHAIN {
            let Some(next) = top
                .controller
                .and_then(|controller| self.find(top.workload, controller))
            else {
                break;
            };
            top = Top {
                workload: next,
                controller: next.controller.as_ref(),
                is_other: true,
            };
        }
        top
    }

    /// Where ReplicaSets are not listed, of which every Deployment keeps ten: a Deployment's is named after it and the
    /// template's hash, which is a label of the pod.
    fn find(&self, object: &Workload, controller: &Controller) -> Option<&'a Workload> {
        if let Some(found) = self.by_uid.get(controller.uid.as_str()) {
            return Some(found);
        }
        let hash = object.template_hash.as_deref()?;
        let deployment = controller.name.strip_suffix(hash)?.strip_suffix('-')?;
        let found = self.deployments.get(&(&object.namespace, deployment));
        found.filter(|_| controller.kind == "ReplicaSet").copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::workload::model::tests::workload;
    use serde_json::{Value, json};

    fn object(resource: Resource, name: &str, metadata: &Value, owner: Option<(&str, &str)>) -> Workload {
        let mut object = json!({"metadata": metadata, "spec": {}});
        object["metadata"]["name"] = name.into();
        object["metadata"]["uid"] = name.into();
        if let Some((kind, owner)) = owner {
            object["metadata"]["ownerReferences"] =
                json!([{"apiVersion": "apps/v1", "kind": kind, "name": owner, "uid": owner, "controller": true}]);
        }
        workload(resource, &object)
    }

    #[test]
    fn the_topmost_that_was_read_made_it() {
        let cron = object(Resource::CronJobs, "cron", &json!({}), None);
        let job = object(Resource::Jobs, "job", &json!({}), Some(("CronJob", "cron")));
        let pod = object(Resource::Pods, "pod", &json!({}), Some(("Job", "job")));
        let all = [cron, job];
        let top = Controllers::new(&all).top(&pod);
        assert_eq!(top.shown().as_deref(), Some("cronjob.batch/cron"));
        let only_job = Controllers::new(&all[1..]).top(&pod).shown();
        assert_eq!(only_job.as_deref(), Some("job.batch/job"));
        let none = Controllers::new(&[]).top(&pod).shown();
        assert_eq!(none.as_deref(), Some("job.apps/job"), "as its owner reference has it");
    }

    #[test]
    fn a_deployment_is_found_without_its_replica_set() {
        let labels = json!({"labels": {"pod-template-hash": "5d9c"}});
        let pod = |set: &str| object(Resource::Pods, "pod", &labels, Some(("ReplicaSet", set)));
        let all = [object(Resource::Deployments, "api", &json!({}), None)];
        let shown = |pod: &Workload| Controllers::new(&all).top(pod).shown().unwrap();
        assert_eq!(shown(&pod("api-5d9c")), "deployment.apps/api");
        assert_eq!(shown(&pod("api-1234")), "replicaset.apps/api-1234");
        let of_other_kind = object(Resource::Pods, "pod", &labels, Some(("Rollout", "api-5d9c")));
        assert_eq!(shown(&of_other_kind), "rollout.apps/api-5d9c");
    }

    #[test]
    fn a_circle_of_owners_ends() {
        let one = object(Resource::Jobs, "a", &json!({}), Some(("Job", "b")));
        let other = object(Resource::Jobs, "b", &json!({}), Some(("Job", "a")));
        let own = object(Resource::Jobs, "c", &json!({}), Some(("Job", "c")));
        let all = [one, other, own];
        for object in &all {
            assert!(Controllers::new(&all).top(object).shown().is_some(), "{}", object.name);
        }
    }
}
