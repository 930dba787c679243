//! Whose a Secret is, by what is on it.

use super::*;
use serde_json::{Value, json};

fn written_by(manager: &str) -> Value {
    json!({"manager": manager, "operation": "Update", "fieldsV1": {"f:data": {"f:.dockerconfigjson": {}}}})
}

fn of(metadata: Value) -> Ownership {
    owner(
        &serde_json::from_value(metadata).unwrap(),
        &SecretFormat::DockerConfigJson,
    )
}

/// Metadata that shows one sign and nothing else.
fn showing(sign: &Marker) -> Value {
    match *sign {
        Label(name) => json!({"labels": {name: "x"}}),
        LabelIs(name, value) => json!({"labels": {name: value}}),
        Annotation(name) => json!({"annotations": {name: "x"}}),
        AnnotationIs(name, value) => json!({"annotations": {name: value}}),
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

fn foreign(metadata: Value) -> Owner {
    match of(metadata) {
        Ownership::Foreign(owner) => *owner,
        other => panic!("{other:?}"),
    }
}

#[test]
fn unknown_owners_are_named_by_what_is_there() {
    let reference = json!({"ownerReferences": [{"apiVersion": "v1", "kind": "Robot\u{1b}", "name": "r2", "uid": "u"}]});
    for (metadata, shown) in [
        (reference, "Robot r2"),
        (json!({"labels": {"app.kubernetes.io/managed-by": "robot"}}), "robot"),
        (
            json!({"managedFields": [written_by("OpenAPI-Generator")]}),
            "OpenAPI-Generator (a Kubernetes client library, as scripts, Ansible and laconic-so use it)",
        ),
    ] {
        assert_eq!(foreign(metadata).to_string(), shown);
    }
}

#[test]
fn what_owns_it_is_named_in_words_that_are_fit_to_be_shown() {
    let flux = json!({"kustomize.toolkit.fluxcd.io/name": "apps", "kustomize.toolkit.fluxcd.io/namespace": "flux"});
    for (metadata, shown) in [
        (
            json!({"annotations": {"meta.helm.sh/release-name": "web\u{1b}[2J"}}),
            "Helm (release web [2J)",
        ),
        (
            json!({"labels": flux}),
            "Flux kustomize-controller (Kustomization flux/apps)",
        ),
        (
            json!({"annotations": {"argocd.argoproj.io/tracking-id": "shop:/Secret:team/gitea"}}),
            "Argo CD (application shop)",
        ),
        (
            json!({"labels": {"argocd.argoproj.io/instance": "shop"}}),
            "Argo CD (application shop)",
        ),
        (
            json!({"ownerReferences": [{"apiVersion": "v1", "kind": "ExternalSecret", "name": "gitea", "uid": "u"}]}),
            "External Secrets Operator (ExternalSecret gitea)",
        ),
        (json!({"managedFields": [written_by("helm")]}), "Helm"),
    ] {
        assert_eq!(foreign(metadata).to_string(), shown);
    }
}

#[test]
fn a_copy_points_to_its_source_by_a_command_that_can_be_typed() {
    for annotation in [
        "reflector.v1.k8s.emberstack.com/reflects",
        "replicator.v1.mittwald.de/replicate-from",
    ] {
        let copy = |of: &str| foreign(json!({"annotations": {annotation: of}})).instead;
        assert_eq!(
            copy("infra/gitea"),
            "sync its source: kubectl regcred sync -n infra --secret gitea"
        );
        for no_secret in [
            "gitea",
            "",
            "infra/a b",
            "infra/$(id)",
            "-A/gitea",
            "infra/--force-conflicts",
            "a/b/c",
        ] {
            let instead = copy(no_secret);
            assert!(instead.starts_with("sync") && !instead.contains("kubectl"), "{instead}");
        }
    }
    let pushed = json!({"annotations": {"replicator.v1.mittwald.de/replicated-from-version": "7"}});
    assert!(foreign(pushed).instead.contains("the Secret of the same name"));
}

#[test]
fn who_left_more_than_a_value_stays_after_a_forced_write() {
    let label = |name: &str| json!({"labels": {name: "Helm"}});
    for (metadata, stays) in [
        (json!({"annotations": {"meta.helm.sh/release-name": "web"}}), true),
        (label("kustomize.toolkit.fluxcd.io/name"), true),
        (label("app.kubernetes.io/managed-by"), false),
        (json!({"managedFields": [written_by("Terraform")]}), false),
        (json!({"managedFields": [written_by("OpenAPI-Generator")]}), false),
    ] {
        assert_eq!(foreign(metadata.clone()).stays, stays, "{metadata}");
    }
    let reference = json!([{"apiVersion": "v1", "kind": "Robot", "name": "r2", "uid": "u"}]);
    assert!(foreign(json!({"ownerReferences": reference})).stays);
}

#[test]
fn a_field_that_others_share_with_us_is_ours() {
    let shared = json!({"managedFields": [written_by("some-operator"), written_by("kubectl-regcred")]});
    assert_eq!(of(shared), Ownership::Ours);
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

#[test]
fn whoever_writes_the_credential_of_another_format_owns_it() {
    let written = |manager: &str, key: &str| json!({"managedFields": [{"manager": manager, "operation": "Update", "fieldsV1": {"f:data": {key: {}}}}]});
    for format in ["basic-auth", "argocd-repository"] {
        let of = |metadata: Value| owner(&serde_json::from_value(metadata).unwrap(), &format.parse().unwrap());
        let applied = json!({"managedFields": [{"manager": "kustomize-controller", "operation": "Apply",
            "fieldsV1": {"f:stringData": {"f:password": {}}}}]});
        assert!(matches!(of(applied), Ownership::Foreign(_)));
        for key in ["f:username", "f:password"] {
            let found = of(written("kustomize-controller", key));
            assert!(
                matches!(&found, Ownership::Foreign(owner) if owner.name.contains("Flux")),
                "{found:?}"
            );
            assert!(matches!(
                of(written("kubectl-create", key)),
                Ownership::Adoptable { from: Some(_) }
            ));
            assert_eq!(of(written(MANAGER, key)), Ownership::Ours);
        }
        // Not the credential.
        assert_eq!(
            of(written("kustomize-controller", "f:url")),
            Ownership::Adoptable { from: None }
        );
    }
}
