//! The least that somebody needs to be allowed: one table from what a command does to the rules of RBAC.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::names::{Namespace, SecretName, ServiceAccountName};
use super::resource::Resource;

/// The name of the Role and of its binding.
const NAME: &str = "kubectl-regcred";

/// A part of what commands do that needs permissions of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// Writing pull Secrets: `sync` and `rotate`.
    Secrets,
    /// Finding the Secrets that are there already: `-A`.
    Managed,
    /// Finding namespaces by their labels: `-l`.
    Selector,
    /// Attaching to and detaching from ServiceAccounts: `--service-account`.
    ServiceAccounts,
    /// Finding and restarting workloads: `--restart`.
    Restart,
    /// Following rollouts: `--wait`.
    Wait,
    /// Deleting pods that are stuck on a pull: `--unstick`.
    Unstick,
    /// Looking at everything that has to do with pulling: `status`.
    Status,
}

/// Which objects of a resource a rule can be limited to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Only {
    Secret,
    ServiceAccounts,
    Any,
}

struct Row {
    feature: Feature,
    resources: &'static [Resource],
    verbs: &'static [&'static str],
    only: Only,
}

/// What each feature asks of the API server; a scenario takes every verb away in turn and sees the command fail for it.
const ROWS: &[Row] = &[
    Row {
        feature: Feature::Secrets,
        resources: &[Resource::Secrets],
        verbs: &["get", "patch"],
        only: Only::Secret,
    },
    // RBAC cannot limit `create` to a name: the name is not known yet when it is asked.
    Row {
        feature: Feature::Secrets,
        resources: &[Resource::Secrets],
        verbs: &["create"],
        only: Only::Any,
    },
    Row {
        feature: Feature::Managed,
        resources: &[Resource::Secrets],
        verbs: &["list"],
        only: Only::Any,
    },
    Row {
        feature: Feature::Selector,
        resources: &[Resource::Namespaces],
        verbs: &["list"],
        only: Only::Any,
    },
    Row {
        feature: Feature::ServiceAccounts,
        resources: &[Resource::ServiceAccounts],
        verbs: &["get", "patch"],
        only: Only::ServiceAccounts,
    },
    Row {
        feature: Feature::Restart,
        resources: &[Resource::ServiceAccounts],
        verbs: &["list"],
        only: Only::Any,
    },
    Row {
        feature: Feature::Restart,
        resources: &Resource::WORKLOADS,
        verbs: &["list"],
        only: Only::Any,
    },
    Row {
        feature: Feature::Restart,
        resources: &Resource::RESTARTABLE,
        verbs: &["patch"],
        only: Only::Any,
    },
    Row {
        feature: Feature::Wait,
        resources: &Resource::RESTARTABLE,
        verbs: &["list", "watch"],
        only: Only::Any,
    },
    Row {
        feature: Feature::Unstick,
        resources: &[Resource::Pods],
        verbs: &["list", "delete"],
        only: Only::Any,
    },
    Row {
        feature: Feature::Status,
        resources: &Resource::SURVEYED,
        verbs: &["list"],
        only: Only::Any,
    },
    // The one that it does without: kubelet's reasons are then those of the pods alone.
    Row {
        feature: Feature::Status,
        resources: &[Resource::Events],
        verbs: &["list"],
        only: Only::Any,
    },
];

/// Where the permissions hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// In one namespace, by a Role. Without a name, wherever `kubectl apply` puts it.
    Namespace(Option<Namespace>),
    /// Everywhere, by a ClusterRole.
    Cluster,
}

/// Who is to have them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A user, by the name that the API server has for them.
    User(String),
    /// A group.
    Group(String),
    /// A ServiceAccount.
    ServiceAccount {
        /// Its namespace.
        namespace: Namespace,
        /// Its name.
        name: ServiceAccountName,
    },
}

impl Subject {
    /// The subject behind a user name as the API server shows it.
    #[must_use]
    pub fn of_user(user: &str) -> Self {
        let service_account = || {
            let (namespace, name) = user.strip_prefix("system:serviceaccount:")?.split_once(':')?;
            Some(Self::ServiceAccount {
                namespace: namespace.parse().ok()?,
                name: name.parse().ok()?,
            })
        };
        service_account().unwrap_or_else(|| Self::User(user.to_owned()))
    }
}

/// What is done with which objects, and so what has to be allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    /// What is done.
    pub features: BTreeSet<Feature>,
    /// The Secret, where it is always the same one.
    pub secret: Option<SecretName>,
    /// The ServiceAccounts, where they are known.
    pub service_accounts: Vec<ServiceAccountName>,
}

/// A rule of RBAC; no names are all objects.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule<'a> {
    resources: Vec<Resource>,
    names: Vec<&'a str>,
    verbs: Vec<&'static str>,
}

impl Access {
    /// Whether namespaces are not known before they are found.
    #[must_use]
    pub fn is_everywhere(&self) -> bool {
        self.features.contains(&Feature::Managed) || self.features.contains(&Feature::Selector)
    }

    /// YAML of the Role or ClusterRole that allows exactly this, and of a binding to each subject.
    #[must_use]
    pub fn role(&self, scope: &Scope, subjects: &[Subject]) -> String {
        let (kind, namespace) = match scope {
            Scope::Cluster => ("ClusterRole", String::new()),
            Scope::Namespace(None) => ("Role", String::new()),
            Scope::Namespace(Some(namespace)) => ("Role", format!("\n  namespace: {}", quoted(namespace.as_str()))),
        };
        let head = |kind: &str| {
            format!("apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata:\n  name: {NAME}{namespace}\n")
        };
        let mut yaml = head(kind) + "rules:\n";
        for rule in self.rules() {
            let group = rule.resources.first().map_or("", |resource| resource.group());
            let resources: Vec<_> = rule.resources.iter().map(|resource| resource.plural()).collect();
            let group = if group.is_empty() { "\"\"" } else { group };
            let _ = write!(
                yaml,
                "- apiGroups: [{group}]\n  resources: [{}]\n",
                resources.join(", ")
            );
            if !rule.names.is_empty() {
                let names: Vec<_> = rule.names.iter().map(|name| quoted(name)).collect();
                let _ = writeln!(yaml, "  resourceNames: [{}]", names.join(", "));
            }
            let _ = writeln!(yaml, "  verbs: [{}]", rule.verbs.join(", "));
        }
        if !subjects.is_empty() {
            let binding = head(&format!("{kind}Binding"));
            let _ = write!(
                yaml,
                "---\n{binding}roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: {kind}\n  name: {NAME}\nsubjects:\n"
            );
        }
        for subject in subjects {
            let (kind, name, rest) = match subject {
                Subject::User(name) => ("User", name.as_str(), "apiGroup: rbac.authorization.k8s.io".to_owned()),
                Subject::Group(name) => ("Group", name.as_str(), "apiGroup: rbac.authorization.k8s.io".to_owned()),
                Subject::ServiceAccount { namespace, name } => (
                    "ServiceAccount",
                    name.as_str(),
                    format!("namespace: {}", quoted(namespace.as_str())),
                ),
            };
            let _ = write!(yaml, "- kind: {kind}\n  name: {}\n  {rest}\n", quoted(name));
        }
        yaml
    }

    /// The rows that apply, with what can stand in one rule in one.
    fn rules(&self) -> Vec<Rule<'_>> {
        let mut verbs: BTreeMap<(Resource, Only), BTreeSet<&str>> = BTreeMap::new();
        for row in ROWS.iter().filter(|row| self.features.contains(&row.feature)) {
            let only = if self.names(row.only).is_empty() {
                Only::Any
            } else {
                row.only
            };
            for &resource in row.resources {
                verbs.entry((resource, only)).or_default().extend(row.verbs);
            }
        }
        let mut rules: Vec<Rule<'_>> = Vec::new();
        for ((resource, only), verbs) in verbs {
            let (names, verbs) = (self.names(only), verbs.into_iter().collect::<Vec<_>>());
            let same = |rule: &&mut Rule<'_>| {
                rule.resources[0].group() == resource.group() && rule.names == names && rule.verbs == verbs
            };
            match rules.iter_mut().find(same) {
                Some(rule) => rule.resources.push(resource),
                None => rules.push(Rule {
                    resources: vec![resource],
                    names,
                    verbs,
                }),
            }
        }
        rules
    }

    fn names(&self, only: Only) -> Vec<&str> {
        match only {
            Only::Secret => self.secret.iter().map(SecretName::as_str).collect(),
            Only::ServiceAccounts => self.service_accounts.iter().map(ServiceAccountName::as_str).collect(),
            Only::Any => Vec::new(),
        }
    }
}

/// JSON's strings are YAML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn access(features: &[Feature]) -> Access {
        Access {
            features: features.iter().copied().collect(),
            secret: Some("x".parse().unwrap()),
            service_accounts: vec!["default".parse().unwrap()],
        }
    }

    fn documents(yaml: &str) -> Vec<Value> {
        serde_saphyr::from_multiple(yaml).unwrap()
    }

    fn team() -> Scope {
        Scope::Namespace(Some("team".parse().unwrap()))
    }

    #[test]
    fn sync_needs_three_verbs_and_only_create_for_every_name() {
        let subject = Subject::of_user("system:serviceaccount:ci:deploy");
        let documents = documents(&access(&[Feature::Secrets]).role(&team(), &[subject]));
        assert_eq!(
            documents[0]["rules"],
            json!([
                {"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["x"], "verbs": ["get", "patch"]},
                {"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]},
            ])
        );
        assert_eq!(
            documents[1]["subjects"],
            json!([{"kind": "ServiceAccount", "name": "deploy", "namespace": "ci"}])
        );
        assert_eq!(
            documents[1]["metadata"],
            json!({"name": "kubectl-regcred", "namespace": "team"})
        );
    }

    #[test]
    fn resources_with_the_same_verbs_share_a_rule() {
        let all = access(&[
            Feature::ServiceAccounts,
            Feature::Restart,
            Feature::Wait,
            Feature::Unstick,
        ]);
        assert_eq!(
            documents(&all.role(&team(), &[]))[0]["rules"],
            json!([
                {"apiGroups": [""], "resources": ["serviceaccounts"], "resourceNames": ["default"], "verbs": ["get", "patch"]},
                {"apiGroups": [""], "resources": ["serviceaccounts", "replicationcontrollers"], "verbs": ["list"]},
                {"apiGroups": [""], "resources": ["pods"], "verbs": ["delete", "list"]},
                {"apiGroups": ["apps"], "resources": ["deployments", "statefulsets", "daemonsets"], "verbs": ["list", "patch", "watch"]},
                {"apiGroups": ["apps"], "resources": ["replicasets"], "verbs": ["list"]},
                {"apiGroups": ["batch"], "resources": ["jobs", "cronjobs"], "verbs": ["list"]},
            ])
        );
    }

    #[test]
    fn status_only_reads() {
        assert_eq!(
            documents(&access(&[Feature::Status]).role(&team(), &[]))[0]["rules"],
            json!([
                {"apiGroups": [""], "resources": ["secrets", "serviceaccounts", "pods", "events"], "verbs": ["list"]},
                {"apiGroups": ["apps"], "resources": ["deployments", "statefulsets", "daemonsets"], "verbs": ["list"]},
                {"apiGroups": ["batch"], "resources": ["jobs", "cronjobs"], "verbs": ["list"]},
            ])
        );
    }

    #[test]
    fn everywhere_is_a_cluster_role() {
        let access = Access {
            secret: None,
            ..access(&[Feature::Secrets, Feature::Managed])
        };
        let documents = documents(&access.role(&Scope::Cluster, &[Subject::Group("ops".into())]));
        assert_eq!(documents[0]["kind"], "ClusterRole");
        assert_eq!(
            documents[0]["rules"],
            json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["create", "get", "list", "patch"]}])
        );
        assert_eq!(documents[1]["kind"], "ClusterRoleBinding");
        assert_eq!(documents[1]["roleRef"]["kind"], "ClusterRole");
        assert!(documents[1]["metadata"].get("namespace").is_none());
    }

    #[test]
    fn a_name_from_a_server_stays_a_string() {
        let subject = Subject::of_user("a: \"b\"\n- c");
        let documents = documents(&access(&[Feature::Secrets]).role(&team(), &[subject]));
        assert_eq!(documents[1]["subjects"][0]["name"], "a: \"b\"\n- c");
        assert_eq!(
            Subject::of_user("system:serviceaccount:A:b"),
            Subject::User("system:serviceaccount:A:b".into())
        );
    }
}
