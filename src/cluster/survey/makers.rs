//! What made a pod, as far as it can be told without listing what comes between.

use std::collections::HashMap;

use super::brief::Brief;
use crate::cluster::names::Namespace;
use crate::cluster::resource::Resource;

/// The workloads that were seen, by what leads to them.
pub(super) struct Makers<'a> {
    by_uid: HashMap<&'a str, &'a Brief>,
    deployments: HashMap<(&'a Namespace, &'a str), &'a Brief>,
}

/// What made a pod or a workload.
pub(super) enum Maker<'a> {
    /// A workload that was seen.
    Seen(&'a Brief),
    /// Something else, as kubectl prints it.
    Named(String),
    /// It is on its own.
    Nobody,
}

impl<'a> Makers<'a> {
    pub(super) fn new(workloads: &'a [Brief]) -> Self {
        let deployments = workloads.iter().filter(|one| one.resource == Resource::Deployments);
        Self {
            by_uid: workloads.iter().map(|one| (one.uid.as_str(), one)).collect(),
            deployments: deployments
                .map(|one| ((&one.namespace, one.name.as_str()), one))
                .collect(),
        }
    }

    /// The topmost that is of a kind we know. ReplicaSets are not listed, of which every Deployment keeps ten: a
    /// Deployment's is named after it and the template's hash, which is a label of the pod.
    pub(super) fn of(&self, brief: &Brief) -> Maker<'a> {
        let Some(controller) = &brief.controller else {
            return Maker::Nobody;
        };
        if let Some(maker) = self.by_uid.get(controller.uid.as_str()) {
            // A Job may have a CronJob.
            return match self.of(maker) {
                Maker::Seen(top) => Maker::Seen(top),
                Maker::Named(_) | Maker::Nobody => Maker::Seen(maker),
            };
        }
        let hash = brief.template_hash.as_deref().unwrap_or_default();
        let of_deployment = controller
            .name
            .strip_suffix(hash)
            .and_then(|name| name.strip_suffix('-'));
        let deployment = of_deployment
            .filter(|_| controller.kind == "ReplicaSet")
            .and_then(|name| self.deployments.get(&(&brief.namespace, name)));
        deployment.map_or_else(|| Maker::Named(controller.shown.clone()), |one| Maker::Seen(one))
    }

    /// The topmost, as kubectl prints it; the pod itself where it is on its own.
    pub(super) fn shown(&self, brief: &Brief) -> String {
        match self.of(brief) {
            Maker::Seen(maker) => maker.shown(),
            Maker::Named(by) => by,
            Maker::Nobody => brief.shown(),
        }
    }
}
