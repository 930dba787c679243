//! Whose a Secret is: one table of the programs that write Secrets and write them again.

use kube::api::ObjectMeta;

use super::annotations::{MANAGED_BY_LABEL, MANAGER};
use super::error::untrusted;

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

/// What gives an owner away.
enum Sign {
    /// A label of this name, whatever its value.
    Label(&'static str),
    /// A label with this value.
    LabelIs(&'static str, &'static str),
    /// An annotation of this name.
    Annotation(&'static str),
    /// An annotation whose name starts so.
    AnnotationPrefix(&'static str),
    /// An annotation with this value.
    AnnotationIs(&'static str, &'static str),
    /// An owner reference of this kind.
    Reference(&'static str),
    /// A field manager whose name starts so and who wrote the document.
    Manager(&'static str),
}

struct Row {
    name: &'static str,
    signs: &'static [Sign],
    what_happens: &'static str,
    instead: &'static str,
}

use Sign::{Annotation, AnnotationIs, AnnotationPrefix, Label, LabelIs, Manager, Reference};

/// First match wins: what deploys through Helm stands before Helm.
const OWNERS: &[Row] = &[
    Row {
        name: "External Secrets Operator",
        signs: &[
            Reference("ExternalSecret"),
            Label("reconcile.external-secrets.io/managed"),
            Annotation("reconcile.external-secrets.io/data-hash"),
            Manager("externalsecrets.external-secrets.io"),
        ],
        what_happens: "it writes its own value again at the next refresh",
        instead: "change the value in the secret store that its ExternalSecret reads",
    },
    Row {
        name: "Sealed Secrets",
        signs: &[
            Reference("SealedSecret"),
            AnnotationIs("sealedsecrets.bitnami.com/managed", "true"),
        ],
        what_happens: "it unseals its own value over the change",
        instead: "seal the new value: kubectl regcred sync --dry-run=client -o yaml | kubeseal",
    },
    Row {
        name: "reflector",
        signs: &[
            Annotation("reflector.v1.k8s.emberstack.com/reflects"),
            AnnotationIs("reflector.v1.k8s.emberstack.com/auto-reflects", "True"),
        ],
        what_happens: "it is a mirror, and gets its source's value again",
        instead: "sync the source that the annotation reflector.v1.k8s.emberstack.com/reflects names",
    },
    Row {
        name: "kubernetes-replicator",
        signs: &[
            Annotation("replicator.v1.mittwald.de/replicate-from"),
            Annotation("replicator.v1.mittwald.de/replicated-from-version"),
        ],
        what_happens: "it is a replica, and gets its source's value again",
        instead: "sync the source that the annotation replicator.v1.mittwald.de/replicate-from names",
    },
    Row {
        name: "ClusterSecret",
        signs: &[Label("clustersecret.io"), AnnotationPrefix("clustersecret.io/")],
        what_happens: "it writes the ClusterSecret's value again",
        instead: "change the ClusterSecret",
    },
    Row {
        name: "Config Syncer (kubed)",
        signs: &[
            Label("kubed.appscode.com/origin"),
            Annotation("kubed.appscode.com/origin"),
        ],
        what_happens: "it is a copy, and gets its source's value again",
        instead: "sync the source that kubed.appscode.com/origin names",
    },
    Row {
        name: "imagepullsecret-patcher",
        signs: &[AnnotationIs("app.kubernetes.io/managed-by", "imagepullsecret-patcher")],
        what_happens: "it deletes the Secret and makes its own again",
        instead: "change the document that imagepullsecret-patcher is given",
    },
    Row {
        name: "registry-creds",
        signs: &[Reference("ClusterPullSecret")],
        what_happens: "it is a copy of a ClusterPullSecret's seed",
        instead: "sync the seed Secret, and have registry-creds copy it again",
    },
    Row {
        name: "Kyverno",
        signs: &[
            Label("generate.kyverno.io/policy-name"),
            LabelIs(MANAGED_BY_LABEL, "kyverno"),
        ],
        what_happens: "its generate rule writes the source's value again",
        instead: "sync the source that the policy clones",
    },
    Row {
        name: "Vault Secrets Operator",
        signs: &[
            LabelIs(MANAGED_BY_LABEL, "hashicorp-vso"),
            Reference("VaultStaticSecret"),
            Reference("VaultDynamicSecret"),
        ],
        what_happens: "it writes Vault's value again",
        instead: "change the value in Vault",
    },
    Row {
        name: "Secrets Store CSI Driver",
        signs: &[Label("secrets-store.csi.k8s.io/managed")],
        what_happens: "it writes the provider's value again and deletes the Secret with the last pod",
        instead: "change the value at the provider",
    },
    Row {
        name: "1Password Operator",
        signs: &[Annotation("operator.1password.io/item-path")],
        what_happens: "it writes 1Password's value again",
        instead: "change the item in 1Password",
    },
    Row {
        name: "Argo CD",
        signs: &[
            Annotation("argocd.argoproj.io/tracking-id"),
            Label("argocd.argoproj.io/instance"),
            Manager("argocd-"),
        ],
        what_happens: "it shows the change as drift, and self-heal reverts it",
        instead: "change the Secret in the application's git repository, or take it out of there",
    },
    Row {
        name: "Flux (kustomize-controller)",
        signs: &[
            Label("kustomize.toolkit.fluxcd.io/name"),
            Manager("kustomize-controller"),
        ],
        what_happens: "it applies the manifest in git again at the next interval",
        instead: "change the Secret in git, or take it out of the Kustomization",
    },
    Row {
        name: "Flux (helm-controller)",
        signs: &[Label("helm.toolkit.fluxcd.io/name"), Manager("helm-controller")],
        what_happens: "the next upgrade or drift correction of the HelmRelease writes the chart's value again",
        instead: "change the values of the HelmRelease",
    },
    Row {
        name: "Helm",
        signs: &[
            LabelIs(MANAGED_BY_LABEL, "Helm"),
            Annotation("meta.helm.sh/release-name"),
            Manager("helm"),
        ],
        what_happens: "the next helm upgrade writes the chart's value again or fails with a conflict",
        instead: "change the chart's values, or let the chart refer to a Secret instead of making one",
    },
    Row {
        name: "kapp",
        signs: &[Label("kapp.k14s.io/app")],
        what_happens: "the next kapp deploy writes the manifest's value again",
        instead: "change the manifest that kapp deploys",
    },
    Row {
        name: "Terraform",
        signs: &[
            LabelIs(MANAGED_BY_LABEL, "terraform"),
            Manager("Terraform"),
            Manager("HashiCorp"),
        ],
        what_happens: "the next terraform apply writes its own value again",
        instead: "change the Terraform configuration, or take the Secret out of it",
    },
    Row {
        name: "Pulumi",
        signs: &[
            Annotation("pulumi.com/autonamed"),
            LabelIs(MANAGED_BY_LABEL, "pulumi"),
            Manager("pulumi-kubernetes"),
        ],
        what_happens: "the next pulumi up writes its own value again",
        instead: "change the Pulumi program, or take the Secret out of it",
    },
    Row {
        name: "Operator Lifecycle Manager",
        signs: &[
            LabelIs("olm.managed", "true"),
            Label("olm.owner"),
            Reference("ClusterServiceVersion"),
        ],
        what_happens: "it writes the operator's value again",
        instead: "change what the operator's subscription configures",
    },
    Row {
        name: "OpenShift's registry",
        signs: &[AnnotationPrefix("openshift.io/internal-registry-")],
        what_happens: "OpenShift writes its own value again",
        instead: "leave it to OpenShift",
    },
];

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
];

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
