//! Roles and bindings as YAML.
//!
//! A Role's name ends in a digest of its rules, a binding's in one of its Role and its subject. Two of one name are the
//! same, so applying one never takes from anybody what another one gave.

use std::borrow::Cow;
use std::fmt::Write as _;

use ring::digest::{SHA256, digest};

use crate::cluster::secret::annotations::{MANAGED_BY_LABEL, MANAGER};
use crate::model::{Namespace, ServiceAccountName};

/// Longest part of a name that says what a Role allows; all the words of [`Feature::word`] that go together fit.
const MAX_PURPOSE: usize = 40;
/// Longest part of a binding's name that shows its subject.
const MAX_SUBJECT: usize = 40;
/// How much of a digest ends a name, in octets: 24 hexadecimal digits.
const DIGEST: usize = 12;

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
    Group(String),
    /// A ServiceAccount.
    ServiceAccount {
        namespace: Namespace,
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

/// A rule of RBAC; no names are all objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rule<'a> {
    /// The API group; empty for the core's.
    pub(super) group: &'a str,
    /// In the plural, as URLs have them.
    pub(super) resources: Vec<&'a str>,
    pub(super) names: Vec<&'a str>,
    pub(super) verbs: Vec<&'a str>,
}

/// The Role or ClusterRole of these rules, and a binding of it to each subject.
pub(super) fn manifests(purpose: &str, rules: &[Rule<'_>], scope: &Scope, subjects: &[Subject]) -> String {
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
    let resources: Vec<_> = rule.resources.iter().map(|resource| word(resource)).collect();
    let group = word(rule.group);
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

/// A group or a resource, without quotes where a YAML reader takes it for text. A custom resource may be named `on`, and
/// its group `1.5`.
fn word(text: &str) -> Cow<'_, str> {
    const OTHER_TYPES: [&str; 9] = ["null", "true", "false", "yes", "no", "on", "off", "y", "n"];
    let is_text = text.starts_with(|first: char| first.is_ascii_lowercase()) && !OTHER_TYPES.contains(&text);
    if is_text { text.into() } else { quoted(text).into() }
}

/// JSON's strings are YAML's.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn every_group_and_resource_is_text_for_a_yaml_reader() {
        for name in [
            "",
            "*",
            "apps",
            "1.5",
            "1e3.5",
            "0x1.f",
            "on",
            "null",
            "nullable",
            "y.example.com",
        ] {
            let rules = [Rule {
                group: name,
                resources: vec![name],
                names: vec![],
                verbs: vec!["get"],
            }];
            let yaml = manifests("", &rules, &Scope::Cluster, &[]);
            let [role] = serde_saphyr::from_multiple::<Value>(&yaml).unwrap().try_into().unwrap();
            assert_eq!(
                role["rules"],
                json!([{"apiGroups": [name], "resources": [name], "verbs": ["get"]}])
            );
        }
    }
}
