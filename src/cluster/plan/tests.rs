//! Plans, from what was observed.

use super::*;
use crate::model::{Credential, Token, Use};
use serde_json::{Value, json};

fn credential(registry: &str, token: &str) -> Credential {
    Credential {
        registry: registry.parse().unwrap(),
        username: "admin".parse().unwrap(),
        token: Token::parse(token).unwrap(),
    }
}

fn target() -> Target {
    Target {
        namespace: "honeydue".parse().unwrap(),
        secret: "gitea-credentials".parse().unwrap(),
    }
}

fn observed(change: impl FnOnce(&mut Value)) -> Observed {
    let made = decide(None, &credential("gitea.example.com", "old"), false).unwrap();
    let mut secret = serde_json::to_value(&made.manifest).unwrap();
    secret["metadata"]["resourceVersion"] = "7".into();
    secret["metadata"]["managedFields"] = json!([{"manager": "kubectl-regcred", "operation": "Apply"}]);
    change(&mut secret);
    Observed::new(serde_json::from_value(secret).unwrap())
}

fn decide(observed: Option<&Observed>, credential: &Credential, force: bool) -> Result<Plan, Refusal> {
    plan(
        &target(),
        observed,
        &[Wanted {
            credential,
            usage: Use::Cluster,
        }],
        force,
    )
}

fn document(text: &str) -> Value {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text).into()
}

fn shown(plan: &Plan) -> Vec<String> {
    match &plan.action {
        Action::Configure { changes } => changes.iter().map(ToString::to_string).collect(),
        other => vec![format!("{other:?}")],
    }
}

#[test]
fn a_new_secret_is_complete_and_its_token_stays_out_of_debug() {
    let plan = decide(None, &credential("gitea.example.com", "s3cret"), false).unwrap();
    assert_eq!(
        serde_json::to_value(&plan.manifest).unwrap(),
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson",
            "metadata": {
                "name": "gitea-credentials", "namespace": "honeydue",
                "labels": {"app.kubernetes.io/managed-by": "kubectl-regcred"},
                "annotations": {
                    "kubectl-regcred/registry": "gitea.example.com",
                    "kubectl-regcred/username": "admin",
                    "kubectl-regcred/use": "cluster",
                },
            },
            "data": {".dockerconfigjson": document(r#"{"auths":{"gitea.example.com":{"username":"admin","password":"s3cret","auth":"YWRtaW46czNjcmV0"}}}"#)},
        })
    );
    let debug = format!("{plan:?}");
    assert!(!debug.contains("s3cret") && !debug.contains("czNjcmV0"), "{debug}");
}

#[test]
fn the_same_again_is_unchanged_and_a_new_token_is_one_change() {
    let there = observed(|_| ());
    let same = decide(Some(&there), &credential("gitea.example.com", "old"), false).unwrap();
    assert_eq!((same.action, same.notes), (Action::Unchanged, vec![]));
    let new = decide(Some(&there), &credential("gitea.example.com", "new"), false).unwrap();
    assert_eq!(shown(&new), ["credential for gitea.example.com"]);
    assert_eq!((new.force, new.resource_version.as_deref()), (false, Some("7")));
}

#[test]
fn a_second_registry_joins_and_one_that_left_is_forgotten() {
    let there = observed(|_| ());
    let joined = decide(Some(&there), &credential("ghcr.io", "t"), false).unwrap();
    assert_eq!(
        joined.manifest.metadata.annotations["kubectl-regcred/registry"],
        "ghcr.io,gitea.example.com"
    );
    assert_eq!(
        joined.manifest.metadata.annotations["kubectl-regcred/use"],
        "cluster,cluster"
    );
    let left = observed(|secret| secret["data"][".dockerconfigjson"] = document(r#"{"auths":{}}"#));
    let left = decide(Some(&left), &credential("ghcr.io", "t"), false).unwrap();
    assert_eq!(
        left.manifest.metadata.annotations["kubectl-regcred/registry"],
        "ghcr.io"
    );
}

#[test]
fn several_registries_are_one_plan() {
    let credentials = [credential("gitea.example.com", "new"), credential("ghcr.io", "t")];
    let wanted: Vec<_> = credentials
        .iter()
        .map(|credential| Wanted {
            credential,
            usage: Use::Docker,
        })
        .collect();
    let made = plan(&target(), None, &wanted, false).unwrap();
    let annotations = &made.manifest.metadata.annotations;
    assert_eq!(annotations["kubectl-regcred/registry"], "ghcr.io,gitea.example.com");
    assert_eq!(annotations["kubectl-regcred/use"], "docker,docker");
    let changed = plan(&target(), Some(&observed(|_| ())), &wanted, false).unwrap();
    assert_eq!(
        shown(&changed)[..2],
        ["credential for gitea.example.com", "credential for ghcr.io"]
    );
}

#[test]
fn one_made_by_kubectl_is_adopted_and_its_copy_removed() {
    let there = observed(|secret| {
        secret["metadata"]["labels"] = Value::Null;
        secret["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/last-applied-configuration": "{}"});
        secret["metadata"]["managedFields"] = json!([{"manager": "kubectl-client-side-apply", "operation": "Update",
            "fieldsV1": {"f:data": {".": {}, "f:.dockerconfigjson": {}}}}]);
    });
    let adopted = decide(Some(&there), &credential("gitea.example.com", "new"), false).unwrap();
    assert!(adopted.force);
    assert_eq!(
        adopted.notes[0],
        Note::Adopted {
            from: Some("kubectl-client-side-apply".into())
        }
    );
    assert!(adopted.notes.contains(&Note::LastAppliedRemoved));
    assert!(shown(&adopted).contains(&Change::LastApplied.to_string()));
}

#[test]
fn a_copy_that_a_killed_run_left_behind_is_all_that_the_next_one_changes() {
    let there = observed(|secret| {
        secret["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = "{}".into();
    });
    let next = decide(Some(&there), &credential("gitea.example.com", "old"), false).unwrap();
    assert_eq!(
        next.action,
        Action::Configure {
            changes: vec![Change::LastApplied]
        }
    );
}

#[test]
fn what_cannot_be_written_is_refused_with_a_way_out() {
    let new = credential("gitea.example.com", "new");
    let refuse = |change: fn(&mut Value)| decide(Some(&observed(change)), &new, true).unwrap_err();
    for (refusal, text) in [
        (refuse(|secret| secret["type"] = "Opaque".into()), "\"Opaque\""),
        (refuse(|secret| secret["immutable"] = true.into()), "immutable"),
        (
            refuse(|secret| secret["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into()),
            "deleted",
        ),
        (
            refuse(|secret| secret["data"][".dockerconfigjson"] = document(r#"{"auths":[]}"#)),
            "no docker config",
        ),
        (
            refuse(|secret| secret["data"][".dockerconfigjson"] = document("nonsense s3cret")),
            "no docker config",
        ),
    ] {
        assert!(refusal.to_string().contains(text), "{refusal}");
        assert!(
            refusal.hint().contains("--secret NAME") && !refusal.to_string().contains("s3cret"),
            "{refusal}"
        );
    }
    let same = credential("gitea.example.com", "old");
    let immutable = observed(|secret| secret["immutable"] = true.into());
    assert_eq!(
        decide(Some(&immutable), &same, false).unwrap().action,
        Action::Unchanged
    );
}

#[test]
fn somebody_elses_is_refused_unless_forced() {
    let there = observed(|secret| secret["metadata"]["labels"]["app.kubernetes.io/managed-by"] = "Helm".into());
    let new = credential("gitea.example.com", "new");
    let refusal = decide(Some(&there), &new, false).unwrap_err();
    assert!(
        matches!(&refusal, Refusal::Foreign(owner) if owner.name == "Helm"),
        "{refusal}"
    );
    assert!(refusal.hint().contains("--force-conflicts") && refusal.hint().contains("--secret NAME"));
    let forced = decide(Some(&there), &new, true).unwrap();
    assert!(matches!(&forced.notes[0], Note::Overrides(owner) if owner.name == "Helm"));
}

#[test]
fn foreign_entries_that_break_kubelet_are_reported_and_kept() {
    let there = observed(|secret| {
        secret["data"][".dockerconfigjson"] = document(r#"{"auths":{"bad\u001b[31m":{"auth":1}}}"#);
    });
    let plan = decide(Some(&there), &credential("gitea.example.com", "new"), false).unwrap();
    assert!(matches!(&plan.notes[0], Note::BreaksKubelet(_)));
    assert!(!plan.notes[0].to_string().contains('\u{1b}'));
}
