//! The kinds of objects that we ask an API server for, with the names that they have there.

use std::fmt;

use kube::core::ApiResource;

use crate::model::{Namespace, Target};

/// A resource of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Resource {
    Namespaces,
    Secrets,
    ServiceAccounts,
    Pods,
    /// What came before ReplicaSets.
    ReplicationControllers,
    Deployments,
    StatefulSets,
    DaemonSets,
    ReplicaSets,
    Jobs,
    CronJobs,
    /// What kubelet and others tell of an object.
    Events,
    ConfigMaps,
    /// Earlier templates of StatefulSets and DaemonSets.
    ControllerRevisions,
    /// Templates that no workload has.
    PodTemplates,
    Nodes,
}

impl Resource {
    /// Those whose pods pull images, owners before what they own.
    pub(super) const WORKLOADS: [Self; 8] = [
        Self::Deployments,
        Self::StatefulSets,
        Self::DaemonSets,
        Self::CronJobs,
        Self::Jobs,
        Self::ReplicaSets,
        Self::ReplicationControllers,
        Self::Pods,
    ];

    /// Those that `status` looks at: what makes pods, but not what comes between it and them, of which there are many.
    pub(super) const SURVEYED: [Self; 8] = [
        Self::Secrets,
        Self::ServiceAccounts,
        Self::Pods,
        Self::Deployments,
        Self::StatefulSets,
        Self::DaemonSets,
        Self::Jobs,
        Self::CronJobs,
    ];

    /// Those that name images, or hold something that does: what runs, and what could be rolled back to. And what it is
    /// pulled with.
    pub(super) const OF_IMAGES: [Self; 13] = [
        Self::Secrets,
        Self::ServiceAccounts,
        Self::ConfigMaps,
        Self::Pods,
        Self::PodTemplates,
        Self::ReplicationControllers,
        Self::Deployments,
        Self::StatefulSets,
        Self::DaemonSets,
        Self::ReplicaSets,
        Self::ControllerRevisions,
        Self::Jobs,
        Self::CronJobs,
    ];

    /// Those that `kubectl rollout restart` knows.
    pub(super) const RESTARTABLE: [Self; 3] = [Self::Deployments, Self::StatefulSets, Self::DaemonSets];

    fn names(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Self::Namespaces => ("", "Namespace", "namespaces"),
            Self::Secrets => ("", "Secret", "secrets"),
            Self::ServiceAccounts => ("", "ServiceAccount", "serviceaccounts"),
            Self::Pods => ("", "Pod", "pods"),
            Self::ReplicationControllers => ("", "ReplicationController", "replicationcontrollers"),
            Self::Deployments => ("apps", "Deployment", "deployments"),
            Self::StatefulSets => ("apps", "StatefulSet", "statefulsets"),
            Self::DaemonSets => ("apps", "DaemonSet", "daemonsets"),
            Self::ReplicaSets => ("apps", "ReplicaSet", "replicasets"),
            Self::Jobs => ("batch", "Job", "jobs"),
            Self::CronJobs => ("batch", "CronJob", "cronjobs"),
            Self::Events => ("", "Event", "events"),
            Self::ConfigMaps => ("", "ConfigMap", "configmaps"),
            Self::ControllerRevisions => ("apps", "ControllerRevision", "controllerrevisions"),
            Self::PodTemplates => ("", "PodTemplate", "podtemplates"),
            Self::Nodes => ("", "Node", "nodes"),
        }
    }

    /// Whether there are servers of this API without the kind, such as kcp, which runs no pods. A list of any other
    /// kind that is not found is a wrong address.
    pub(super) fn may_be_absent(self) -> bool {
        !matches!(self, Self::Namespaces | Self::Secrets | Self::ServiceAccounts)
    }

    /// The API group; empty for the core's.
    #[must_use]
    pub fn group(self) -> &'static str {
        self.names().0
    }

    /// As manifests have it: `Deployment`.
    #[must_use]
    pub fn kind(self) -> &'static str {
        self.names().1
    }

    /// As URLs and RBAC have it: `deployments`.
    #[must_use]
    pub fn plural(self) -> &'static str {
        self.names().2
    }

    /// As kubectl takes it: `deployment`.
    #[must_use]
    pub fn singular(self) -> &'static str {
        // True of every kind here.
        self.plural().trim_end_matches('s')
    }

    /// As kubectl prints it before a name: `deployment.apps`.
    #[must_use]
    pub fn qualified(self) -> String {
        match self.group() {
            "" => self.singular().to_owned(),
            group => format!("{}.{group}", self.singular()),
        }
    }

    /// What kube asks for it by. All of them are at `v1` of their groups, CronJobs since Kubernetes 1.21.
    pub(super) fn api(self) -> ApiResource {
        let (group, kind, plural) = self.names();
        ApiResource {
            group: group.to_owned(),
            version: "v1".to_owned(),
            api_version: if group.is_empty() {
                "v1".to_owned()
            } else {
                format!("{group}/v1")
            },
            kind: kind.to_owned(),
            plural: plural.to_owned(),
        }
    }
}

/// An object, or all of a kind, for messages: `deployment.apps/api in namespace honeydue`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object {
    pub resource: Resource,
    /// `None` for what is in no namespace, or in any.
    pub namespace: Option<Namespace>,
    /// `None` for all of the kind.
    pub name: Option<String>,
}

impl Object {
    /// One object in a namespace.
    #[must_use]
    pub fn new(resource: Resource, namespace: &Namespace, name: &str) -> Self {
        Self {
            resource,
            namespace: Some(namespace.clone()),
            name: Some(name.to_owned()),
        }
    }

    /// All of a kind that is in no namespace, or in all of them.
    #[must_use]
    pub fn everywhere(resource: Resource) -> Self {
        Self {
            resource,
            namespace: None,
            name: None,
        }
    }

    /// All of a kind in a namespace.
    #[must_use]
    pub fn all(resource: Resource, namespace: &Namespace) -> Self {
        Self {
            resource,
            namespace: Some(namespace.clone()),
            name: None,
        }
    }
}

impl From<&Target> for Object {
    fn from(target: &Target) -> Self {
        Self::new(Resource::Secrets, &target.namespace, target.secret.as_str())
    }
}

impl fmt::Display for Object {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "{}/{name}", self.resource.qualified())?,
            None => f.write_str(self.resource.plural())?,
        }
        match &self.namespace {
            Some(namespace) => write!(f, " in namespace {namespace}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_kubectl() {
        let namespace: Namespace = "team".parse().unwrap();
        let object = |resource| Object::new(resource, &namespace, "x").to_string();
        assert_eq!(object(Resource::Deployments), "deployment.apps/x in namespace team");
        assert_eq!(object(Resource::ServiceAccounts), "serviceaccount/x in namespace team");
        assert_eq!(
            Object::all(Resource::Pods, &namespace).to_string(),
            "pods in namespace team"
        );
        for resource in Resource::WORKLOADS {
            assert_eq!(resource.singular(), resource.kind().to_lowercase());
        }
    }
}
