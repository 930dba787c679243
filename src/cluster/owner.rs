//! Whose a Secret is.

use kube::api::ObjectMeta;

use super::annotations::{MANAGED_BY_LABEL, MANAGER};
use super::error::untrusted;
use super::owners::Sign::{Annotation, AnnotationIs, AnnotationPrefix, Label, LabelIs, Manager, Reference};
use super::owners::{OWNERS, Sign};

/// Somebody else who keeps a Secret as they want it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Its name, as people know it; may hold text from the cluster, made fit to be shown.
    pub name: String,
    /// What becomes of a change of ours.
    pub what_happens: &'static str,
    /// What to do instead.
    pub instead: &'static str,
}

/// Whose a Secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ownership {
    /// We made or adopted it.
    Ours,
    /// It was made by hand, with kubectl or an editor.
    Adoptable {
        /// The program that last wrote its data, where the API server kept that.
        from: Option<String>,
    },
    /// Somebody would undo our change, or be surprised by it.
    Foreign(Owner),
}

const ELSE_HAPPENS: &str = "it may write its own value again";
const ELSE_INSTEAD: &str = "change the value where it takes it from";

/// Programs that people hold in their hands: what they wrote stays as it is until somebody writes it again.
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
    // What the API server calls everybody who wrote before it kept track.
    "before-first-apply",
];

/// The names of the owners that are told apart, for lists in documents and tests.
pub fn known_owners() -> impl Iterator<Item = &'static str> {
    OWNERS.iter().map(|row| row.name)
}

/// Says whose the Secret with this metadata is.
#[must_use]
pub fn owner(metadata: &ObjectMeta) -> Ownership {
    if let Some(row) = OWNERS
        .iter()
        .find(|row| row.signs.iter().any(|sign| sign.is_on(metadata)))
    {
        let (what_happens, instead) = (row.what_happens, row.instead);
        return Ownership::Foreign(Owner {
            name: row.name.to_owned(),
            what_happens,
            instead,
        });
    }
    let foreign = |name: String| {
        Ownership::Foreign(Owner {
            name,
            what_happens: ELSE_HAPPENS,
            instead: ELSE_INSTEAD,
        })
    };
    if let Some(reference) = metadata.owner_references.iter().flatten().next() {
        return foreign(format!("{} {}", untrusted(&reference.kind), untrusted(&reference.name)));
    }
    let label = metadata.labels.as_ref().and_then(|labels| labels.get(MANAGED_BY_LABEL));
    match label.map(String::as_str) {
        None | Some("" | MANAGER) => {}
        Some(other) if is_editor(other) => {}
        Some(other) => return foreign(untrusted(other)),
    }
    let writers = || writers(metadata);
    if let Some(other) = writers().find(|writer| *writer != MANAGER && !is_editor(writer)) {
        return foreign(untrusted(other));
    }
    if label.is_some_and(|label| label == MANAGER) || writers().any(|writer| writer == MANAGER) {
        return Ownership::Ours;
    }
    let from = writers().last().map(untrusted);
    Ownership::Adoptable { from }
}

impl Sign {
    fn is_on(&self, metadata: &ObjectMeta) -> bool {
        let label = |name: &str| metadata.labels.as_ref().and_then(|labels| labels.get(name));
        let annotation = |name: &str| {
            metadata
                .annotations
                .as_ref()
                .and_then(|annotations| annotations.get(name))
        };
        match *self {
            Label(name) => label(name).is_some(),
            LabelIs(name, value) => label(name).is_some_and(|is| is.eq_ignore_ascii_case(value)),
            Annotation(name) => annotation(name).is_some(),
            AnnotationIs(name, value) => annotation(name).is_some_and(|is| is.eq_ignore_ascii_case(value)),
            AnnotationPrefix(prefix) => metadata
                .annotations
                .iter()
                .flatten()
                .any(|(name, _)| name.starts_with(prefix)),
            Reference(kind) => metadata
                .owner_references
                .iter()
                .flatten()
                .any(|reference| reference.kind == kind),
            Manager(prefix) => writers(metadata).any(|writer| writer.starts_with(prefix)),
        }
    }
}

/// The field managers of the document, oldest first. Who only put an annotation on the Secret does not write it.
fn writers(metadata: &ObjectMeta) -> impl Iterator<Item = &str> {
    let mut entries: Vec<_> = metadata
        .managed_fields
        .iter()
        .flatten()
        .filter(|entry| {
            entry
                .fields_v1
                .as_ref()
                .is_some_and(|fields| fields.0["f:data"].get("f:.dockerconfigjson").is_some())
        })
        .collect();
    entries.sort_by_key(|entry| entry.time.clone());
    entries.into_iter().filter_map(|entry| entry.manager.as_deref())
}

pub(super) fn is_editor(manager: &str) -> bool {
    // `kubectl-create`, `kubectl-client-side-apply`, `kubectl-edit` …: kubectl names its managers after the command.
    EDITORS.iter().any(|editor| {
        manager
            .strip_prefix(editor)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.', '_']))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn written_by(manager: &str) -> Value {
        json!({"manager": manager, "operation": "Update", "fieldsV1": {"f:data": {"f:.dockerconfigjson": {}}}})
    }

    fn of(metadata: Value) -> Ownership {
        owner(&serde_json::from_value(metadata).unwrap())
    }

    /// Metadata that shows one sign and nothing else.
    fn showing(sign: &Sign) -> Value {
        match *sign {
            Label(name) => json!({"labels": {name: "x"}}),
            LabelIs(name, value) => json!({"labels": {name: value}}),
            Annotation(name) => json!({"annotations": {name: "x"}}),
            AnnotationIs(name, value) => json!({"annotations": {name: value}}),
            AnnotationPrefix(prefix) => json!({"annotations": {format!("{prefix}x"): "x"}}),
            Reference(kind) => {
                json!({"ownerReferences": [{"apiVersion": "v1", "kind": kind, "name": "x", "uid": "u"}]})
            }
            Manager(prefix) => json!({"managedFields": [written_by("kubectl"), written_by(&format!("{prefix}x"))]}),
        }
    }

    #[test]
    fn every_sign_of_every_row_names_its_owner() {
        for row in OWNERS {
            for sign in row.signs {
                let found = of(showing(sign));
                assert!(
                    matches!(&found, Ownership::Foreign(owner) if owner.name == row.name),
                    "{}: {} is {found:?}",
                    row.name,
                    showing(sign)
                );
            }
        }
    }

    #[test]
    fn a_sign_outweighs_our_own_label() {
        let found = of(json!({
            "labels": {"app.kubernetes.io/managed-by": "kubectl-regcred"},
            "ownerReferences": [{"apiVersion": "bitnami.com/v1alpha1", "kind": "SealedSecret", "name": "x", "uid": "u"}],
        }));
        assert!(matches!(found, Ownership::Foreign(owner) if owner.name == "Sealed Secrets"));
    }

    #[test]
    fn what_flux_deploys_through_helm_belongs_to_flux() {
        let found = of(json!({
            "labels": {"app.kubernetes.io/managed-by": "Helm", "helm.toolkit.fluxcd.io/name": "app"},
            "annotations": {"meta.helm.sh/release-name": "app"},
        }));
        assert!(matches!(found, Ownership::Foreign(owner) if owner.name.starts_with("Flux")));
    }

    #[test]
    fn unknown_owners_are_named_by_what_is_there() {
        let reference =
            json!({"ownerReferences": [{"apiVersion": "v1", "kind": "Robot\u{1b}", "name": "r2", "uid": "u"}]});
        for (metadata, name) in [
            (reference, "Robot r2"),
            (json!({"labels": {"app.kubernetes.io/managed-by": "robot"}}), "robot"),
            (
                json!({"managedFields": [written_by("OpenAPI-Generator")]}),
                "OpenAPI-Generator",
            ),
        ] {
            assert!(
                matches!(of(metadata), Ownership::Foreign(owner) if owner.name == name),
                "{name}"
            );
        }
    }

    #[test]
    fn what_people_wrote_by_hand_is_adoptable() {
        for manager in [
            "kubectl",
            "kubectl-create",
            "kubectl-client-side-apply",
            "kubectl-edit",
            "kubectl-patch",
            "kubectl-replace",
            "kubectl-apply",
            "kubectl.exe",
            "k9s",
            "before-first-apply",
        ] {
            let found = of(json!({"managedFields": [written_by(manager)]}));
            assert_eq!(
                found,
                Ownership::Adoptable {
                    from: Some(manager.into())
                }
            );
        }
        assert_eq!(of(json!({})), Ownership::Adoptable { from: None });
        assert!(matches!(
            of(json!({"managedFields": [written_by("kubectlx")]})),
            Ownership::Foreign(_)
        ));
    }

    #[test]
    fn what_we_wrote_is_ours_even_after_an_edit() {
        assert_eq!(
            of(json!({"managedFields": [written_by("kubectl-regcred")]})),
            Ownership::Ours
        );
        let edited = json!({
            "labels": {"app.kubernetes.io/managed-by": "kubectl-regcred"},
            "managedFields": [written_by("kubectl-edit")],
        });
        assert_eq!(of(edited), Ownership::Ours);
    }

    #[test]
    fn who_only_annotates_a_secret_does_not_own_it() {
        let source = json!({
            "annotations": {"reflector.v1.k8s.emberstack.com/reflection-allowed": "true"},
            "managedFields": [
                written_by("kubectl-create"),
                {"manager": "robot", "operation": "Update", "fieldsV1": {"f:metadata": {"f:annotations": {}}}},
            ],
        });
        assert_eq!(
            of(source),
            Ownership::Adoptable {
                from: Some("kubectl-create".into())
            }
        );
    }
}
