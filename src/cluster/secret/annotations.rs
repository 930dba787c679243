//! What we write on a Secret beside its data: whose work it is, and for which registries. Nothing from the token.

use std::collections::BTreeMap;

use crate::model::{InstallationId, Registry, Use, Writer};

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

/// Who wrote them last, in the order of the registries: names, escaped in the same way.
pub const WRITTEN_BY_ANNOTATION: &str = "kubectl-regcred/written-by";
/// From which installations, in the order of the registries; empty where nothing is kept, as in CI.
pub const INSTALLATION_ANNOTATION: &str = "kubectl-regcred/installation";
/// In which format the Secret has them, where that is not the one that kubelet reads.
pub const FORMAT_ANNOTATION: &str = "kubectl-regcred/format";
/// Every annotation of ours.
pub const ANNOTATIONS: [&str; 6] = [
    REGISTRY_ANNOTATION,
    USERNAME_ANNOTATION,
    USE_ANNOTATION,
    WRITTEN_BY_ANNOTATION,
    INSTALLATION_ANNOTATION,
    FORMAT_ANNOTATION,
];

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
    /// Who wrote it last, where that is known.
    pub writer: Option<Writer>,
}

impl Entry {
    /// Reads the lists. Lists that do not go together, edited by hand, are no entries; where only those of the writers
    /// do not, nothing is known of these.
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
        let (writers, installations) = (list(WRITTEN_BY_ANNOTATION), list(INSTALLATION_ANNOTATION));
        let writer = |at: usize| {
            if writers.len() != names.len() {
                return None;
            }
            let id = installations.get(at).filter(|_| installations.len() == names.len());
            let id = id.and_then(|id| id.parse::<InstallationId>().ok());
            Writer::new(&unescaped(writers[at]), id)
        };
        let entry = |(at, ((registry, name), usage)): (usize, ((&&str, &&str), &&str))| {
            Some(Self {
                registry: registry.parse().ok()?,
                username: unescaped(name),
                usage: usage.parse().ok()?,
                writer: writer(at),
            })
        };
        registries
            .iter()
            .zip(&names)
            .zip(&uses)
            .enumerate()
            .map(entry)
            .collect::<Option<_>>()
            .unwrap_or_default()
    }

    /// The annotations for these entries, in any order.
    #[must_use]
    pub fn write(mut entries: Vec<Self>) -> BTreeMap<String, String> {
        entries.sort_by(|one, other| one.registry.cmp(&other.registry));
        let list = |text: fn(&Self) -> String| entries.iter().map(text).collect::<Vec<_>>().join(",");
        let mut lists = vec![
            (REGISTRY_ANNOTATION, list(|entry| entry.registry.to_string())),
            (USERNAME_ANNOTATION, list(|entry| escaped(&entry.username))),
            (USE_ANNOTATION, list(|entry| entry.usage.to_string())),
        ];
        if entries.iter().any(|entry| entry.writer.is_some()) {
            let writer = |entry: &Self| {
                entry
                    .writer
                    .as_ref()
                    .map_or_else(String::new, |one| escaped(one.name()))
            };
            let installation = |entry: &Self| {
                let id = entry.writer.as_ref().and_then(|one| one.installation.as_ref());
                id.map_or_else(String::new, ToString::to_string)
            };
            lists.extend([
                (WRITTEN_BY_ANNOTATION, list(writer)),
                (INSTALLATION_ANNOTATION, list(installation)),
            ]);
        }
        lists.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
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
            writer: None,
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
    fn writers_are_read_back_and_never_trusted() {
        let id = InstallationId::of([7; 16]);
        let by = |name: &str, id| Writer::new(name, id);
        let mut entries = vec![
            entry("ghcr.io", "org", Use::Docker),
            entry("quay.io", "org", Use::Docker),
        ];
        entries[0].writer = by("jane, at her desk", Some(id));
        let annotations = Entry::write(entries.clone());
        assert_eq!(annotations[WRITTEN_BY_ANNOTATION], "jane%2C at her desk,");
        assert_eq!(Entry::read(&annotations), entries);
        entries[0].writer = by("ci", None);
        assert_eq!(Entry::write(entries)[INSTALLATION_ANNOTATION], ",");
        for (written_by, installation, writer) in [
            ("\u{1b}[2J\u{202e}mallory", "x", by("[2Jmallory", None)),
            ("one,too,many", "x", None),
            ("", "", None),
        ] {
            let mut annotations = Entry::write(vec![entry("ghcr.io", "org", Use::Docker)]);
            annotations.insert(WRITTEN_BY_ANNOTATION.into(), written_by.into());
            annotations.insert(INSTALLATION_ANNOTATION.into(), installation.into());
            assert_eq!(Entry::read(&annotations)[0].writer, writer, "{written_by}");
        }
    }

    #[test]
    fn lists_that_do_not_go_together_are_no_entries() {
        let mut annotations = Entry::write(vec![entry("ghcr.io", "org", Use::Docker)]);
        annotations.insert(USE_ANNOTATION.into(), "docker,cluster".into());
        assert_eq!(Entry::read(&annotations), []);
        assert_eq!(Entry::read(&BTreeMap::new()), []);
    }
}
