//! Determines the owner of a Secret.

use std::fmt;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::api::ObjectMeta;

use super::annotations::{MANAGED_BY_LABEL, MANAGER};
use super::format::SecretFormat;
use super::owners::Marker::{Annotation, AnnotationIs, Label, LabelIs, Manager, Reference};
use super::owners::{Marker, NameSource, OWNERS, Row};
use crate::cluster::untrusted::untrusted;
use crate::model::{CommandLine, Namespace, SecretName};

/// Another tool that manages a Secret. The texts may contain names from the cluster, made printable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its product name.
    pub name: String,
    /// The object of that tool that owns the Secret, if the Secret names it: `release web`.
    pub object: Option<String>,
    /// What the tool would do to our change.
    pub what_happens: &'static str,
    /// What to do instead.
    pub instead: String,
    /// Whether the Secret still looks like the tool's after we have written it: every change then needs
    /// `--force-conflicts`.
    pub stays: bool,
}

impl fmt::Display for Owner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        self.object.as_ref().map_or(Ok(()), |object| write!(f, " ({object})"))
    }
}

/// The ownership of a Secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// We created or adopted it.
    Ours,
    /// It was created by hand, with kubectl or an editor.
    Adoptable {
        /// The program that last wrote its data, if the API server recorded one.
        from: Option<String>,
    },
    /// Another tool would undo our change, or conflict with it.
    Foreign(Box<Owner>),
}

/// The keys of a Secret's data that are its credential.
type Keys = &'static [&'static str];

const ELSE_HAPPENS: &str = "it may write its own value again";
const ELSE_INSTEAD: &str = "change the value where it takes it from";

/// The default field manager of Kubernetes' generated clients: scripts, but also Ansible's modules and laconic-so, which
/// writes its Secret at every start of a deployment. They cannot be told apart, so such a Secret is refused;
/// `--force-conflicts` takes it over for good.
const GENERATED_CLIENT: &str = "OpenAPI-Generator";
const GENERATED_CLIENTS: &str = "a Kubernetes client library, as scripts, Ansible and laconic-so use it";
const GENERATED_INSTEAD: &str = "change the value where that program takes it from, unless it is one that is done";

/// Interactive programs, which do not write a Secret again on their own.
/// <https://kubernetes.io/docs/reference/using-api/server-side-apply/#managers>: the default is the program's name.
const EDITORS: &[&str] = &[
    "kubectl",
    "oc",
    "k9s",
    "Lens",
    "OpenLens",
    "Freelens",
    "headlamp",
    "dashboard",
    "octant",
    "curl",
    // The API server's name for everything written before it tracked field managers.
    "before-first-apply",
];

/// The names of the owners that can be recognised, for documents and tests.
pub fn known_owners() -> impl Iterator<Item = &'static str> {
    OWNERS.iter().map(|row| row.name)
}

/// Determines the ownership from the metadata of a Secret in this format.
#[must_use]
pub fn owner(metadata: &ObjectMeta, format: &SecretFormat) -> Ownership {
    of_fields(metadata, format.keys())
}

/// The same of a ServiceAccount, which has no data.
pub fn owner_of_account(metadata: &ObjectMeta) -> Ownership {
    of_fields(metadata, &[])
}

fn of_fields(metadata: &ObjectMeta, keys: Keys) -> Ownership {
    match classify(metadata, keys) {
        Ownership::Foreign(mut owner) => {
            owner.stays = matches!(classify(&written_by_us(metadata), keys), Ownership::Foreign(_));
            Ownership::Foreign(owner)
        }
        other => other,
    }
}

/// The metadata as it would be after our write: everything else on it stays.
fn written_by_us(metadata: &ObjectMeta) -> ObjectMeta {
    let mut after = metadata.clone();
    let labels = after.labels.get_or_insert_default();
    labels.insert(MANAGED_BY_LABEL.to_owned(), MANAGER.to_owned());
    after.managed_fields = None;
    after
}

fn classify(metadata: &ObjectMeta, keys: Keys) -> Ownership {
    if let Some(row) = OWNERS
        .iter()
        .find(|row| row.signs.iter().any(|sign| sign.is_on(metadata, keys)))
    {
        return Ownership::Foreign(Box::new(row.owner(metadata)));
    }
    let foreign = |name: String, object: Option<String>, instead: &str| {
        Ownership::Foreign(Box::new(Owner {
            name,
            object,
            what_happens: ELSE_HAPPENS,
            instead: instead.to_owned(),
            stays: false,
        }))
    };
    if let Some(reference) = metadata.owner_references.iter().flatten().next() {
        let name = format!("{} {}", untrusted(&reference.kind), untrusted(&reference.name));
        return foreign(name, None, ELSE_INSTEAD);
    }
    let label = label(metadata, MANAGED_BY_LABEL);
    match label {
        None | Some("" | MANAGER) => {}
        Some(other) if is_editor(other) => {}
        Some(other) => return foreign(untrusted(other), None, ELSE_INSTEAD),
    }
    if let Some(other) = owning_writers(metadata, keys).find(|writer| *writer != MANAGER && !is_editor(writer)) {
        return if other == GENERATED_CLIENT {
            foreign(other.to_owned(), Some(GENERATED_CLIENTS.to_owned()), GENERATED_INSTEAD)
        } else {
            foreign(untrusted(other), None, ELSE_INSTEAD)
        };
    }
    if label == Some(MANAGER) || writers(metadata, keys).any(|writer| writer == MANAGER) {
        return Ownership::Ours;
    }
    let from = writers(metadata, keys).last().map(untrusted);
    Ownership::Adoptable { from }
}

impl Row {
    fn owner(&self, metadata: &ObjectMeta) -> Owner {
        let object = self.objects.iter().find_map(|(what, clue)| {
            let name = untrusted(&clue.read(metadata)?);
            Some(format!("{what} {name}")).filter(|_| !name.is_empty())
        });
        let source = self.source.as_ref().and_then(|clue| clue.secret(metadata));
        let instead = source.map_or_else(
            || self.instead.to_owned(),
            |(namespace, name)| {
                let sync = CommandLine::new("kubectl regcred sync")
                    .option("-n", "NAMESPACE", namespace.as_str())
                    .option("--secret", "SECRET", name.as_str());
                format!("sync its source: {sync}")
            },
        );
        Owner {
            name: self.name.to_owned(),
            object,
            what_happens: self.what_happens,
            instead,
            stays: false,
        }
    }
}

impl NameSource {
    /// The name as the Secret has it: untrusted.
    fn read(&self, metadata: &ObjectMeta) -> Option<String> {
        match *self {
            Self::Annotation(name) => annotation(metadata, name).map(str::to_owned),
            Self::AnnotationUpTo(name, end) => annotation(metadata, name)?.split(end).next().map(str::to_owned),
            Self::Label(name) => label(metadata, name).map(str::to_owned),
            Self::Labels(namespace, name) => {
                Some(format!("{}/{}", label(metadata, namespace)?, label(metadata, name)?))
            }
            Self::Reference(kind) => references(metadata, kind).next().map(str::to_owned),
        }
    }

    /// The Secret that is named there, if the names are valid: they become part of a command that is printed.
    fn secret(&self, metadata: &ObjectMeta) -> Option<(Namespace, SecretName)> {
        let text = self.read(metadata)?;
        let (namespace, name) = text.split_once('/')?;
        Some((namespace.parse().ok()?, name.parse().ok()?))
    }
}

impl Marker {
    fn is_on(&self, metadata: &ObjectMeta, keys: Keys) -> bool {
        match *self {
            Label(name) => label(metadata, name).is_some(),
            LabelIs(name, value) => label(metadata, name).is_some_and(|is| is.eq_ignore_ascii_case(value)),
            Annotation(name) => annotation(metadata, name).is_some(),
            AnnotationIs(name, value) => annotation(metadata, name).is_some_and(|is| is.eq_ignore_ascii_case(value)),
            Reference(kind) => references(metadata, kind).next().is_some(),
            Manager(prefix) => owning_writers(metadata, keys).any(|writer| writer.starts_with(prefix)),
        }
    }
}

fn label<'a>(metadata: &'a ObjectMeta, name: &str) -> Option<&'a str> {
    metadata.labels.as_ref()?.get(name).map(String::as_str)
}

fn annotation<'a>(metadata: &'a ObjectMeta, name: &str) -> Option<&'a str> {
    metadata.annotations.as_ref()?.get(name).map(String::as_str)
}

/// The names in owner references of this kind.
fn references<'a>(metadata: &'a ObjectMeta, kind: &str) -> impl Iterator<Item = &'a str> {
    let references = metadata.owner_references.iter().flatten();
    references
        .filter(move |reference| reference.kind == kind)
        .map(|reference| reference.name.as_str())
}

/// The field managers that own the current value, unless we are one of them: then the value is ours, and the others
/// only wrote the same one.
fn owning_writers(metadata: &ObjectMeta, keys: Keys) -> impl Iterator<Item = &str> {
    let ours = writers(metadata, keys).any(|writer| writer == MANAGER);
    writers(metadata, keys).filter(move |_| !ours)
}

/// The field managers of the credential, oldest first. One that only annotated the Secret does not count.
fn writers(metadata: &ObjectMeta, keys: Keys) -> impl Iterator<Item = &str> {
    let mut entries: Vec<_> = metadata
        .managed_fields
        .iter()
        .flatten()
        .filter(|entry| has_written(entry, keys))
        .collect();
    entries.sort_by_key(|entry| entry.time.clone());
    entries.into_iter().filter_map(|entry| entry.manager.as_deref())
}

/// Whether an entry of the API server's record is of one of these keys of a Secret.
pub fn has_written(entry: &ManagedFieldsEntry, keys: Keys) -> bool {
    let fields = entry.fields_v1.iter().map(|fields| &fields.0);
    // Who applies `stringData` is kept as the writer of that.
    let mut data = fields.flat_map(|fields| [&fields["f:data"], &fields["f:stringData"]]);
    data.any(|data| keys.iter().any(|key| data.get(format!("f:{key}")).is_some()))
}

pub fn is_editor(manager: &str) -> bool {
    // `kubectl-create`, `kubectl-client-side-apply`, `kubectl-edit` …: kubectl names its managers after the command.
    EDITORS.iter().any(|editor| {
        manager
            .strip_prefix(editor)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.', '_']))
    })
}

#[cfg(test)]
mod tests;
