//! The least that somebody needs to be allowed: one table from what a command does to the rules of RBAC.
//!
//! A Role's name ends in a digest of its rules, a binding's in one of its Role and its subject. Two of one name are the
//! same, so applying one never takes from anybody what another one gave.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use ring::digest::{SHA256, digest};

use super::names::{Namespace, SecretName, ServiceAccountName};
use super::resource::Resource;
use super::secret::annotations::{MANAGED_BY_LABEL, MANAGER};

/// Longest part of a name that says what a Role allows; all the words of [`Feature::word`] that go together fit.
const MAX_PURPOSE: usize = 40;
/// Longest part of a name that says whom a binding is for.
const MAX_SUBJECT: usize = 40;
/// How much of a digest ends a name, in octets: 24 hexadecimal digits.
const DIGEST: usize = 12;

/// A part of what commands do that needs permissions of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Feature {
    /// Making and writing pull Secrets: `sync`.
    Sync,
    /// Writing pull Secrets that are there: `sync -A`, `sync --remove`.
    Refresh,
    /// The same for `rotate`, which makes none.
    Rotate,
    /// Looking in all namespaces for Secrets that hold a token which is about to be revoked: `rotate`.
    Search,
    /// Looking at everything that has to do with pulling: `status`.
    Status,
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
}

impl Feature {
    /// What a Role's name says of it.
    fn word(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Refresh => "refresh",
            Self::Rotate => "rotate",
            Self::Search => "search",
            Self::Status => "status",
            Self::Managed => "all",
            Self::Selector => "selector",
            Self::ServiceAccounts => "attach",
            Self::Restart => "restart",
            Self::Wait => "wait",
            Self::Unstick => "unstick",
        }
    }

    /// Whether it is about the Secrets themselves, and so done before the rest.
    fn is_about_secrets(self) -> bool {
        matches!(
            self,
            Self::Sync | Self::Refresh | Self::Rotate | Self::Search | Self::Managed | Self::Selector
        )
    }
}

/// Which objects of a resource a rule can be limited to.
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

/// What each feature asks of the API server; a scenario takes every verb away in turn and sees the command fail for it.
const ROWS: &[Row] = &[
    Row {
        feature: Feature::Sync,
        resources: &[Resource::Secrets],
        verbs: &["get", "patch"],
        only: Only::Secrets,
    },
    // RBAC cannot limit `create` to a name: the name is not known yet when it is asked.
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
    /// The Secrets; all of them where none is named.
    pub secrets: BTreeSet<SecretName>,
    /// The ServiceAccounts; all of them where none is named.
    pub service_accounts: BTreeSet<ServiceAccountName>,
    /// Namespaces are not known before they are found, so it has to be allowed in all of them.
    pub is_everywhere: bool,
}

/// A rule of RBAC; no names are all objects.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Rule<'a> {
    resources: Vec<Resource>,
    names: Vec<&'a str>,
    verbs: Vec<&'a str>,
}

impl Access {
    /// Of one feature, for every object.
    #[must_use]
    pub fn to(feature: Feature) -> Self {
        Self {
            features: [feature].into(),
            ..Self::default()
        }
    }

    /// The part of it that is about one Secret and what pulls with it, where the namespaces are known.
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

    /// The part of it that comes once the Secrets are written.
    #[must_use]
    pub fn after_secrets(&self) -> Self {
        let mut this = self.clone();
        this.features.retain(|feature| !feature.is_about_secrets());
        this
    }

    /// YAML of the Role or ClusterRole that allows exactly this, and of a binding to each subject.
    #[must_use]
    pub fn role(&self, scope: &Scope, subjects: &[Subject]) -> String {
        let words: Vec<_> = self.features.iter().map(|feature| feature.word()).collect();
        manifests(&words.join("-"), &self.rules(), scope, subjects)
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
            Only::Secrets => self.secrets.iter().map(SecretName::as_str).collect(),
            Only::ServiceAccounts => self.service_accounts.iter().map(ServiceAccountName::as_str).collect(),
            Only::Any => Vec::new(),
        }
    }
}

/// YAML of a Role that allows one verb, for what no command has described; `None` for a verb that we never ask for.
pub(super) fn role_for_verb(
    verb: &str,
    resource: Resource,
    name: Option<&str>,
    scope: &Scope,
    subjects: &[Subject],
) -> Option<String> {
    let is_ours = |row: &&Row| row.resources.contains(&resource) && row.verbs.contains(&verb);
    ROWS.iter().find(is_ours)?;
    // RBAC knows no name when it is asked for these.
    let names = name.filter(|_| !matches!(verb, "create" | "list" | "watch"));
    let rule = Rule {
        resources: vec![resource],
        names: names.into_iter().collect(),
        verbs: vec![verb],
    };
    let words = format!("{verb}-{}", resource.plural());
    Some(manifests(&words, &[rule], scope, subjects))
}

fn manifests(purpose: &str, rules: &[Rule<'_>], scope: &Scope, subjects: &[Subject]) -> String {
    let (kind, namespace) = match scope {
        Scope::Cluster => ("ClusterRole", String::new()),
        Scope::Namespace(None) => ("Role", String::new()),
        Scope::Namespace(Some(namespace)) => ("Role", format!("\n  namespace: {}", quoted(namespace.as_str()))),
    };
    let head = |kind: &str, name: &str| {
        format!(
            "apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata:\n  name: {name}{namespace}\n  labels:\n    {MANAGED_BY_LABEL}: {MANAGER}\n"
        )
    };
    let rules: String = rules.iter().map(rule).collect();
    let purpose = plain(purpose, MAX_PURPOSE);
    let role = named(&[&purpose], &[&rules]);
    let mut yaml = format!("{}rules:\n{rules}", head(kind, &role));
    for subject in subjects {
        let (shown, entry) = subject_entry(subject);
        let name = named(&[&purpose, &shown], &[&role, &entry]);
        let _ = write!(
            yaml,
            "---\n{}roleRef:\n  apiGroup: rbac.authorization.k8s.io\n  kind: {kind}\n  name: {role}\nsubjects:\n{entry}",
            head(&format!("{kind}Binding"), &name)
        );
    }
    yaml
}

fn rule(rule: &Rule<'_>) -> String {
    let group = rule.resources.first().map_or("", |resource| resource.group());
    let group = if group.is_empty() { "\"\"" } else { group };
    let resources: Vec<_> = rule.resources.iter().map(|resource| resource.plural()).collect();
    let mut yaml = format!("- apiGroups: [{group}]\n  resources: [{}]\n", resources.join(", "));
    if !rule.names.is_empty() {
        let names: Vec<_> = rule.names.iter().map(|name| quoted(name)).collect();
        let _ = writeln!(yaml, "  resourceNames: [{}]", names.join(", "));
    }
    let _ = writeln!(yaml, "  verbs: [{}]", rule.verbs.join(", "));
    yaml
}

/// What of a subject a binding's name shows, and its entry in the binding.
fn subject_entry(subject: &Subject) -> (String, String) {
    let (kind, name, shown, rest) = match subject {
        Subject::User(name) => (
            "User",
            name.as_str(),
            name.clone(),
            "apiGroup: rbac.authorization.k8s.io".to_owned(),
        ),
        Subject::Group(name) => (
            "Group",
            name.as_str(),
            name.clone(),
            "apiGroup: rbac.authorization.k8s.io".to_owned(),
        ),
        Subject::ServiceAccount { namespace, name } => (
            "ServiceAccount",
            name.as_str(),
            format!("{namespace}-{name}"),
            format!("namespace: {}", quoted(namespace.as_str())),
        ),
    };
    let entry = format!("- kind: {kind}\n  name: {}\n  {rest}\n", quoted(name));
    (plain(&shown, MAX_SUBJECT), entry)
}

/// A name of these words that no other content has: they alone leave out what a name cannot hold.
fn named(words: &[&str], content: &[&str]) -> String {
    let mut name = MANAGER.to_owned();
    for word in words.iter().filter(|word| !word.is_empty()) {
        let _ = write!(name, "-{word}");
    }
    name.push('-');
    let digest = digest(&SHA256, content.join("\0").as_bytes());
    for octet in &digest.as_ref()[..DIGEST] {
        let _ = write!(name, "{octet:02x}");
    }
    name
}

/// The letters and digits of a text that may stand in a DNS name, with a hyphen for what is between them.
fn plain(text: &str, max: usize) -> String {
    let mut plain = String::new();
    for letter in text.chars().map(|letter| letter.to_ascii_lowercase()) {
        if plain.len() == max {
            break;
        }
        if letter.is_ascii_lowercase() || letter.is_ascii_digit() {
            plain.push(letter);
        } else if !plain.is_empty() && !plain.ends_with('-') {
            plain.push('-');
        }
    }
    plain.trim_end_matches('-').to_owned()
}

/// JSON's strings are YAML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn access(features: &[Feature]) -> Access {
        Access {
            features: features.iter().copied().collect(),
            secrets: ["x".parse().unwrap()].into(),
            service_accounts: ["default".parse().unwrap()].into(),
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
