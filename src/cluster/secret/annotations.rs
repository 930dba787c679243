//! What we write on a Secret beside its data: whose work it is, and for which registries. Nothing from the token.

use std::collections::BTreeMap;

use crate::model::{Registry, Use};

/// Our field manager. Not `kubectl`, for which the API server would keep a copy of the Secret in an annotation.
pub const MANAGER: &str = "kubectl-regcred";
/// The label by which our Secrets are found; its value is [`MANAGER`].
pub const MANAGED_BY_LABEL: &str = "app.kubernetes.io/managed-by";
/// The registries whose credentials we keep in the Secret, sorted, with commas between them.
pub const REGISTRY_ANNOTATION: &str = "kubectl-regcred/registry";
/// Their user names, in the order of the registries; `%` and `,` in a name are `%25` and `%2C`.
pub const USERNAME_ANNOTATION: &str = "kubectl-regcred/username";
/// Their uses, in the order of the registries.
pub const USE_ANNOTATION: &str = "kubectl-regcred/use";

/// Where kubectl keeps what was last applied: for a Secret, its tokens in plain text.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// One registry of ours in a Secret, as the annotations have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub registry: Registry,
    /// Whose token it was.
    pub username: String,
    /// What the credential is for.
    pub usage: Use,
}

impl Entry {
    /// Reads the three lists. Lists that do not go together, edited by hand, are no entries.
    #[must_use]
    pub fn read(annotations: &BTreeMap<String, String>) -> Vec<Self> {
        let list = |key| {
            annotations
                .get(key)
                .map(|text: &String| text.split(',').collect::<Vec<_>>())
                .unwrap_or_default()
        };
        let (registries, names, uses) = (
            list(REGISTRY_ANNOTATION),
            list(USERNAME_ANNOTATION),
            list(USE_ANNOTATION),
        );
        if registries.len() != names.len() || names.len() != uses.len() {
            return Vec::new();
        }
        let entry = |((registry, name), usage): ((&str, &str), &str)| {
            Some(Self {
                registry: registry.parse().ok()?,
                username: unescaped(name),
                usage: usage.parse().ok()?,
            })
        };
        registries
            .into_iter()
            .zip(names)
            .zip(uses)
            .map(entry)
            .collect::<Option<_>>()
            .unwrap_or_default()
    }

    /// The annotations for these entries, in any order.
    #[must_use]
    pub fn write(mut entries: Vec<Self>) -> BTreeMap<String, String> {
        entries.sort_by(|one, other| one.registry.cmp(&other.registry));
        let list = |text: fn(&Self) -> String| entries.iter().map(text).collect::<Vec<_>>().join(",");
        [
            (REGISTRY_ANNOTATION, list(|entry| entry.registry.to_string())),
            (USERNAME_ANNOTATION, list(|entry| escaped(&entry.username))),
            (USE_ANNOTATION, list(|entry| entry.usage.to_string())),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
    }
}

fn escaped(name: &str) -> String {
    name.replace('%', "%25").replace(',', "%2C")
}

fn unescaped(name: &str) -> String {
    name.replace("%2C", ",").replace("%25", "%")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(registry: &str, username: &str, usage: Use) -> Entry {
        Entry {
            registry: registry.parse().unwrap(),
            username: username.into(),
            usage,
        }
    }

    #[test]
    fn lists_are_sorted_and_read_back() {
        let one = vec![
            entry("ghcr.io", "o,r%2Cg", Use::Docker),
            entry("127.0.0.1:5000", "admin", Use::Cluster),
        ];
        let annotations = Entry::write(one.clone());
        assert_eq!(annotations[REGISTRY_ANNOTATION], "127.0.0.1:5000,ghcr.io");
        assert_eq!(annotations[USERNAME_ANNOTATION], "admin,o%2Cr%252Cg");
        assert_eq!(annotations[USE_ANNOTATION], "cluster,docker");
        assert_eq!(Entry::read(&annotations), [one[1].clone(), one[0].clone()]);
    }

    #[test]
    fn lists_that_do_not_go_together_are_no_entries() {
        let mut annotations = Entry::write(vec![entry("ghcr.io", "org", Use::Docker)]);
        annotations.insert(USE_ANNOTATION.into(), "docker,cluster".into());
        assert_eq!(Entry::read(&annotations), []);
        assert_eq!(Entry::read(&BTreeMap::new()), []);
    }
}
