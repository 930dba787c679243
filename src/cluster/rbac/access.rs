//! The permissions that a command needs: a table from each feature to its RBAC rules.

use std::collections::{BTreeMap, BTreeSet};

use super::manifests::{Rule, Scope, Subject, manifests};
use crate::cluster::consumer_kinds::{KINDS, Kind, Reach, UPDATER_CONFIG, UPDATER_GROUPS, groups};
use crate::cluster::resource::Resource;
use crate::model::{ApiGroup, ClusterId, SecretName, ServiceAccountName};

/// Something that commands do and that needs its own permissions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// Creating and updating pull Secrets: `sync`.
    Sync,
    /// Updating existing pull Secrets: `sync -A`, `sync --remove`.
    Refresh,
    /// The same for `rotate`, which creates none.
    Rotate,
    /// Searching all namespaces for Secrets that hold a token before it is revoked: `rotate`.
    Search,
    /// Reading everything that matters for pulling images: `status`.
    Status,
    /// Finding existing pull Secrets: `-A`.
    Managed,
    /// Finding namespaces by their labels: `-l`.
    Selector,
    /// Reading which of them hold a token of ours: `sync -A --detach`.
    Recognise,
    /// Attaching to and detaching from ServiceAccounts: `--service-account`.
    ServiceAccounts,
    /// Finding and restarting workloads: `--restart`.
    Restart,
    /// Following rollouts: `--wait`.
    Wait,
    /// Deleting pods that are stuck on a pull: `--unstick`.
    Unstick,
    /// Reading which images are needed: `images`.
    Images,
    /// Reading for which platforms there are nodes: `images check`.
    Nodes,
    /// Reading the custom resources that name Secrets of any namespace: `status`.
    Consumers,
}

impl Feature {
    /// Its part of the Role's name.
    fn word(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Refresh => "refresh",
            Self::Rotate => "rotate",
            Self::Search => "search",
            Self::Status => "status",
            Self::Managed => "all",
            Self::Selector => "selector",
            Self::Recognise => "recognise",
            Self::ServiceAccounts => "attach",
            Self::Restart => "restart",
            Self::Wait => "wait",
            Self::Unstick => "unstick",
            Self::Images => "images",
            Self::Nodes => "nodes",
            Self::Consumers => "consumers",
        }
    }

    /// Whether it concerns the Secrets themselves, which come before everything else.
    fn is_about_secrets(self) -> bool {
        matches!(
            self,
            Self::Sync | Self::Refresh | Self::Rotate | Self::Search | Self::Managed | Self::Selector | Self::Recognise
        )
    }
}

/// The names that a rule is limited to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Only {
    Secrets,
    ServiceAccounts,
    Any,
}

struct Row {
    feature: Feature,
    resources: &'static [Resource],
    verbs: &'static [&'static str],
    only: Only,
}

/// What each feature needs. A scenario takes away one verb after the other and expects the command to fail each time.
const ROWS: &[Row] = &[
    Row {
        feature: Feature::Sync,
        resources: &[Resource::Secrets],
        verbs: &["get", "patch"],
        only: Only::Secrets,
    },
    // RBAC cannot limit `create` to a name: authorization runs before the name is known.
    Row {
        feature: Feature::Sync,
        resources: &[Resource::Secrets],
        verbs: &["create"],
        only: Only::Any,
    },
    Row {
        feature: Feature::Refresh,
        resources: &[Resource::Secrets],
        verbs: &["get", "patch"],
        only: Only::Secrets,
    },
    Row {
        feature: Feature::Rotate,
        resources: &[Resource::Secrets],
        verbs: &["get", "patch"],
        only: Only::Secrets,
    },
    Row {
        feature: Feature::Search,
        resources: &[Resource::Secrets],
        verbs: &["get", "list"],
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
        feature: Feature::Recognise,
        resources: &[Resource::Secrets],
        verbs: &["get"],
        only: Only::Secrets,
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
    // RBAC knows names and no types, so it cannot say which Secrets are Helm's.
    Row {
        feature: Feature::Images,
        resources: &Resource::OF_IMAGES,
        verbs: &["list"],
        only: Only::Any,
    },
    Row {
        feature: Feature::Nodes,
        resources: &[Resource::Nodes],
        verbs: &["list"],
        only: Only::Any,
    },
    // Optional: without it, `status` knows only the reasons that the pods themselves give.
    Row {
        feature: Feature::Status,
        resources: &[Resource::Events],
        verbs: &["list"],
        only: Only::Any,
    },
];

/// Features and the objects that they concern: what a Role has to allow.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Access {
    pub features: BTreeSet<Feature>,
    /// Empty means all Secrets.
    pub secrets: BTreeSet<SecretName>,
    /// Empty means all ServiceAccounts.
    pub service_accounts: BTreeSet<ServiceAccountName>,
    /// Groups of custom resources: for images, every kind of them may be listed; for `status`, those that name Secrets.
    pub groups: BTreeSet<ApiGroup>,
    /// The namespaces are found only at run time, so a ClusterRole is needed.
    pub is_everywhere: bool,
}

impl Access {
    /// One feature, for all objects.
    #[must_use]
    pub fn to(feature: Feature) -> Self {
        Self {
            features: [feature].into(),
            ..Self::default()
        }
    }

    /// Limited to one Secret and its ServiceAccounts, if the namespaces are known.
    #[must_use]
    pub fn for_secret(&self, secret: &SecretName, accounts: impl IntoIterator<Item = ServiceAccountName>) -> Self {
        let mut this = self.clone();
        if !self.is_everywhere {
            this.secrets = [secret.clone()].into();
        }
        this.service_accounts.extend(accounts);
        if this.service_accounts.is_empty() {
            this.features.remove(&Feature::ServiceAccounts);
        } else {
            this.features.insert(Feature::ServiceAccounts);
        }
        this
    }

    /// Only what is done after the Secrets are written.
    #[must_use]
    pub fn after_secrets(&self) -> Self {
        let mut this = self.clone();
        this.features.retain(|feature| !feature.is_about_secrets());
        this
    }

    /// The YAML of a Role or ClusterRole that allows exactly this, with a binding for each subject.
    #[must_use]
    pub fn role(&self, scope: &Scope, subjects: &[Subject]) -> String {
        let words: Vec<_> = self.features.iter().map(|feature| feature.word()).collect();
        manifests(&words.join("-"), &self.rules(), scope, subjects)
    }

    /// The rows that apply, merged into as few rules as possible.
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
            let same =
                |rule: &&mut Rule<'_>| rule.group == resource.group() && rule.names == names && rule.verbs == verbs;
            match rules.iter_mut().find(same) {
                Some(rule) => rule.resources.push(resource.plural()),
                None => rules.push(Rule {
                    group: resource.group(),
                    resources: vec![resource.plural()],
                    names,
                    verbs,
                }),
            }
        }
        if self.features.contains(&Feature::Images) {
            // By its uid a plan of `images prune` knows the cluster; that reads all namespaces.
            if self.is_everywhere {
                rules.push(Rule {
                    group: Resource::Namespaces.group(),
                    resources: vec![Resource::Namespaces.plural()],
                    names: vec![ClusterId::NAMESPACE],
                    verbs: vec!["get"],
                });
            }
            rules.extend(self.groups.iter().map(|group| Rule {
                group: group.as_str(),
                resources: vec!["*"],
                names: Vec::new(),
                verbs: vec!["list"],
            }));
        } else {
            rules.extend(self.rules_of_consumers());
        }
        rules
    }

    /// For the kinds that name Secrets, and the Image Updater's `ConfigMap`.
    fn rules_of_consumers(&self) -> Vec<Rule<'_>> {
        let may = |feature| self.features.contains(&feature);
        let is_asked_for = |kind: &&Kind| match kind.reach {
            Reach::Namespace => may(Feature::Status),
            Reach::Across | Reach::Cluster => may(Feature::Consumers),
        };
        let mut rules: Vec<Rule<'_>> = Vec::new();
        for group in &self.groups {
            let of_group = KINDS.iter().filter(|kind| kind.group == group.as_str());
            let resources: Vec<&str> = of_group.filter(is_asked_for).map(|kind| kind.plural).collect();
            if !resources.is_empty() {
                rules.push(Rule {
                    group: group.as_str(),
                    resources,
                    names: Vec::new(),
                    verbs: vec!["list"],
                });
            }
        }
        let has_updater = self.groups.iter().any(|group| UPDATER_GROUPS.contains(&group.as_str()));
        if has_updater && may(Feature::Consumers) {
            rules.push(Rule {
                group: "",
                resources: vec!["configmaps"],
                names: vec![UPDATER_CONFIG],
                verbs: vec!["list"],
            });
        }
        rules
    }

    /// Whether a Role in one namespace does not allow to read all of its groups for `status`.
    #[must_use]
    pub fn has_groups_across(&self) -> bool {
        let is_across =
            |kind: &Kind| kind.reach != Reach::Namespace && self.groups.iter().any(|g| g.as_str() == kind.group);
        KINDS.iter().any(is_across)
    }

    fn names(&self, only: Only) -> Vec<&str> {
        match only {
            Only::Secrets => self.secrets.iter().map(SecretName::as_str).collect(),
            Only::ServiceAccounts => self.service_accounts.iter().map(ServiceAccountName::as_str).collect(),
            Only::Any => Vec::new(),
        }
    }
}

/// The groups of custom resources that `status` reads.
#[must_use]
pub fn groups_of_status() -> Vec<&'static str> {
    groups()
}

/// YAML of a Role that allows one verb, for what no command has described; `None` for a verb that we never ask for.
pub(in crate::cluster) fn role_for_verb(
    verb: &str,
    resource: Resource,
    name: Option<&str>,
    scope: &Scope,
    subjects: &[Subject],
) -> Option<String> {
    let is_ours = |row: &&Row| row.resources.contains(&resource) && row.verbs.contains(&verb);
    ROWS.iter().find(is_ours)?;
    // RBAC does not see a name for these verbs.
    let names = name.filter(|_| !matches!(verb, "create" | "list" | "watch"));
    let rule = Rule {
        group: resource.group(),
        resources: vec![resource.plural()],
        names: names.into_iter().collect(),
        verbs: vec![verb],
    };
    let words = format!("{verb}-{}", resource.plural());
    Some(manifests(&words, &[rule], scope, subjects))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::secret::annotations::{MANAGED_BY_LABEL, MANAGER};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn access(features: &[Feature]) -> Access {
        Access {
            features: features.iter().copied().collect(),
            secrets: ["x".parse().unwrap()].into(),
            service_accounts: ["default".parse().unwrap()].into(),
            groups: BTreeSet::new(),
            is_everywhere: false,
        }
    }

    fn documents(yaml: &str) -> Vec<Value> {
        serde_saphyr::from_multiple(yaml).unwrap()
    }

    fn team() -> Scope {
        Scope::Namespace(Some("team".parse().unwrap()))
    }

    fn name(document: &Value) -> &str {
        document["metadata"]["name"].as_str().unwrap()
    }

    #[test]
    fn sync_needs_three_verbs_and_only_create_for_every_name() {
        let subject = Subject::of_user("system:serviceaccount:ci:deploy");
        let documents = documents(&access(&[Feature::Sync]).role(&team(), &[subject]));
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
        for document in &documents {
            assert_eq!(document["metadata"]["namespace"], "team");
            assert_eq!(document["metadata"]["labels"], json!({MANAGED_BY_LABEL: MANAGER}));
        }
        assert_eq!(documents[1]["roleRef"]["name"], name(&documents[0]));
        assert!(name(&documents[0]).starts_with("kubectl-regcred-sync-"));
        assert!(name(&documents[1]).starts_with("kubectl-regcred-sync-ci-deploy-"));
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
    fn custom_resources_are_listed_group_by_group() {
        let access = Access {
            groups: ["argoproj.io".parse().unwrap()].into(),
            ..Access::to(Feature::Images)
        };
        let rules = documents(&access.role(&Scope::Cluster, &[]))[0]["rules"].take();
        assert_eq!(
            rules.as_array().unwrap().last().unwrap(),
            &json!({"apiGroups": ["argoproj.io"], "resources": ["*"], "verbs": ["list"]}),
        );
    }

    #[test]
    fn status_lists_only_the_kinds_that_name_secrets() {
        let of = |features: &[Feature], group: &str| {
            let access = Access {
                features: features.iter().copied().collect(),
                groups: [group.parse().unwrap()].into(),
                ..Access::default()
            };
            (
                access.has_groups_across(),
                documents(&access.role(&Scope::Cluster, &[]))[0]["rules"].take(),
            )
        };
        assert_eq!(
            of(&[Feature::Consumers], "argoproj.io"),
            (
                true,
                json!([
                    {"apiGroups": ["argoproj.io"], "resources": ["applications"], "verbs": ["list"]},
                    {"apiGroups": [""], "resources": ["configmaps"], "resourceNames": ["argocd-image-updater-config"], "verbs": ["list"]},
                ])
            )
        );
        let (is_across, rules) = of(&[Feature::Status], "keda.sh");
        assert!(is_across);
        assert_eq!(
            rules[3],
            json!({"apiGroups": ["keda.sh"], "resources": ["scaledjobs", "triggerauthentications"], "verbs": ["list"]})
        );
        let (is_across, rules) = of(&[Feature::Status, Feature::Consumers], "source.toolkit.fluxcd.io");
        assert!(!is_across);
        assert_eq!(
            rules[3],
            json!({"apiGroups": ["source.toolkit.fluxcd.io"], "resources": ["ocirepositories", "helmrepositories"], "verbs": ["list"]})
        );
    }

    #[test]
    fn everywhere_is_a_cluster_role_and_makes_no_secret() {
        let access = Access {
            secrets: BTreeSet::new(),
            ..access(&[Feature::Refresh, Feature::Managed])
        };
        let documents = documents(&access.role(&Scope::Cluster, &[Subject::Group("ops".into())]));
        assert_eq!(documents[0]["kind"], "ClusterRole");
        assert_eq!(
            documents[0]["rules"],
            json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list", "patch"]}])
        );
        assert_eq!(documents[1]["kind"], "ClusterRoleBinding");
        assert_eq!(documents[1]["roleRef"]["kind"], "ClusterRole");
        assert!(documents[1]["metadata"].get("namespace").is_none());
    }

    #[test]
    fn a_name_from_a_server_stays_a_string() {
        let subject = Subject::of_user("a: \"b\"\n- c");
        let documents = documents(&access(&[Feature::Sync]).role(&team(), &[subject]));
        assert_eq!(documents[1]["subjects"][0]["name"], "a: \"b\"\n- c");
        assert!(name(&documents[1]).starts_with("kubectl-regcred-sync-a-b-c-"));
        assert_eq!(
            Subject::of_user("system:serviceaccount:A:b"),
            Subject::User("system:serviceaccount:A:b".into())
        );
    }

    #[test]
    fn one_secret_of_many_needs_no_more_than_its_own() {
        let many = Access {
            secrets: ["a", "b"].map(|name| name.parse().unwrap()).into(),
            ..Access::to(Feature::Sync)
        };
        let one = many.for_secret(&"b".parse().unwrap(), []);
        assert_eq!(
            documents(&one.role(&team(), &[]))[0]["rules"][0],
            json!({"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["b"], "verbs": ["get", "patch"]})
        );
        let attached = many.for_secret(&"b".parse().unwrap(), ["ci".parse().unwrap()]);
        assert_eq!(
            documents(&attached.after_secrets().role(&team(), &[]))[0]["rules"],
            json!([{"apiGroups": [""], "resources": ["serviceaccounts"], "resourceNames": ["ci"], "verbs": ["get", "patch"]}])
        );
    }

    #[test]
    fn one_verb_is_one_rule_and_only_of_those_that_are_asked_for() {
        let one = |verb, resource, name| role_for_verb(verb, resource, name, &team(), &[]);
        let get = documents(&one("get", Resource::Secrets, Some("x")).unwrap());
        assert_eq!(
            get[0]["rules"],
            json!([{"apiGroups": [""], "resources": ["secrets"], "resourceNames": ["x"], "verbs": ["get"]}])
        );
        let create = documents(&one("create", Resource::Secrets, Some("x")).unwrap());
        assert_eq!(
            create[0]["rules"],
            json!([{"apiGroups": [""], "resources": ["secrets"], "verbs": ["create"]}])
        );
        // A server that names another verb asks for rights of its own choice.
        assert_eq!(one("escalate", Resource::Secrets, None), None);
        assert_eq!(one("delete", Resource::Secrets, Some("x")), None);
    }

    fn any_access() -> impl Strategy<Value = Access> {
        const ALL: [Feature; 11] = [
            Feature::Sync,
            Feature::Refresh,
            Feature::Rotate,
            Feature::Search,
            Feature::Status,
            Feature::Managed,
            Feature::Selector,
            Feature::ServiceAccounts,
            Feature::Restart,
            Feature::Wait,
            Feature::Unstick,
        ];
        let features = proptest::sample::subsequence(ALL.to_vec(), 1..4);
        let secrets = proptest::sample::subsequence(vec!["a", "b", "a-b"], 0..3);
        let accounts = proptest::sample::subsequence(vec!["default", "ci"], 0..2);
        (features, secrets, accounts).prop_map(|(features, secrets, accounts)| Access {
            features: features.into_iter().collect(),
            secrets: secrets.into_iter().map(|name| name.parse().unwrap()).collect(),
            service_accounts: accounts.into_iter().map(|name| name.parse().unwrap()).collect(),
            groups: BTreeSet::new(),
            is_everywhere: false,
        })
    }

    fn any_subject() -> impl Strategy<Value = Subject> {
        let names = || {
            prop_oneof![
                Just("jane".to_owned()),
                Just("Jane".to_owned()),
                Just("ci-deploy".to_owned()),
                Just("oidc:jane@example.com".to_owned()),
                Just("jané".to_owned()),
                Just("j".repeat(300)),
                "\\PC{1,80}",
            ]
        };
        let account = Subject::ServiceAccount {
            namespace: "ci".parse().unwrap(),
            name: "deploy".parse().unwrap(),
        };
        prop_oneof![
            names().prop_map(Subject::User),
            names().prop_map(Subject::Group),
            Just(account)
        ]
    }

    proptest! {
        #[test]
        fn what_has_one_name_is_the_same(
            one in any_access(), other in any_access(), whose in any_subject(), others in any_subject(),
        ) {
            let one = documents(&one.role(&team(), &[whose]));
            let other = documents(&other.role(&team(), &[others]));
            for (a, b) in one.iter().zip(&other) {
                prop_assert_eq!(name(a) == name(b), a == b, "{} {}", a, b);
                // A DNS subdomain, which every name of RBAC may be.
                prop_assert!(name(a).len() <= 253 && name(a).parse::<SecretName>().is_ok(), "{}", a);
            }
        }
    }
}
