//! What it prints: on doubles and on real parts the same.

use regcred::model::Use;
use serde_json::json;
use snapbox::str;

use super::fixture::{PASSWORD, Rotation, SECRET};
use crate::support::control_plane::ControlPlane;
use crate::support::gitea::Profile;
use crate::support::part::until;
use crate::support::parts::{CONTROLLERS, DOUBLES, REAL};
use crate::support::world::World;

fn rotation(world: World) -> (Rotation, String) {
    let mut rotation = Rotation::with(world, Use::Cluster, &[]);
    let token = rotation.another_token();
    rotation.world.variables.insert("NEW_TOKEN".to_owned(), token.into());
    let flags = format!("{} --token-env NEW_TOKEN", rotation.flags());
    (rotation, flags)
}

scenario!(a_rotation, on(DOUBLES, REAL));
fn a_rotation(world: World) {
    let (rotation, flags) = rotation(world);
    rotation.rotate(&flags).says(str![[r#"
exit 0
--- stdout
secret/gitea-credentials configured in namespace [NAMESPACE]
--- stderr
verified at [REGISTRY], the token of admin, scopes read:package
kept the new token beside the old one
read the Secret back: it holds the new token
the new token is current: sync gets it from now on
revoked the old token
rotated the token of [REGISTRY] for cluster

"#]]);
    rotation.check_ended("rotated");
    rotation.rotate("--resume").says(str![[r#"
exit 0
--- stdout
--- stderr
no rotation is pending on this machine

"#]]);
}

scenario!(a_plan, on(DOUBLES, REAL));
fn a_plan(world: World) {
    let (rotation, flags) = rotation(world);
    rotation.rotate(&format!("{flags} --dry-run=client")).says(str![[r#"
exit 0
--- stdout
would keep the new token beside the old one
secret/gitea-credentials configured in namespace [NAMESPACE] (dry run)
  credential for [REGISTRY]
would read the Secret back, and make the new token the one for cluster
would revoke the old token, last, and only if all of this succeeded
--- stderr
verified at [REGISTRY], the token of admin, scopes read:package

"#]]);
    let line = format!("{} --mint --restart --dry-run=client", rotation.flags());
    if rotation.world.is_real() {
        rotation.rotate(&line).says(str![[r#"
exit 0
--- stdout
would make a token of admin at [REGISTRY] with the scopes read:package
secret/gitea-credentials configured in namespace [NAMESPACE] (dry run)
  credential for [REGISTRY]
would read the Secret back, and make the new token the one for cluster
would revoke the old token, last, and only if all of this succeeded
--- stderr
nothing to restart in namespace [NAMESPACE]: no workload uses it to pull

"#]]);
    }
    let line = format!("{} --keep-old --dry-run=server -o json", rotation.flags());
    rotation.rotate(&line).says(str![[r#"
exit 0
--- stdout
{
  "apiVersion": "regcred/v1",
  "kind": "RotateResult",
  "registry": "[REGISTRY]",
  "use": "cluster",
  "way": "forward",
  "dryRun": "server",
  "steps": [
   "prove new",
   "keep writing",
   "write new",
   "check new",
   "keep promoted",
   "check new",
   "forget"
  ],
  "stepsDone": 0,
  "items": [
   {
   "context": "[CONTEXT]",
   "namespace": "[NAMESPACE]",
   "secret": "gitea-credentials",
   "action": "configured",
   "changes": [
   "credential for [REGISTRY]"
   ],
   "notes": []
   }
  ],
  "restarts": [],
  "current": "old",
  "pending": null,
  "revocation": "not"
}
--- stderr

"#]]);
    rotation.check_ended("only planned");
    assert_eq!((rotation.served(), rotation.alive()), (rotation.old.clone(), 2));
}

scenario!(a_pending_one, on(DOUBLES, REAL));
fn a_pending_one(world: World) {
    let (rotation, flags) = rotation(world);
    // Gitea is of a generation that wants the password for this, and nobody is there to be asked.
    rotation.world.gitea.state().profile = Profile::V1_25;
    rotation.rotate(&flags).says(str![[r#"
exit 1
--- stdout
secret/gitea-credentials configured in namespace [NAMESPACE]
--- stderr
verified at [REGISTRY], scopes read:package
kept the new token beside the old one
read the Secret back: it holds the new token
the new token is current: sync gets it from now on
the Secrets of this rotation hold the new token; the old one may be alive
error: the old token was not revoked: [REGISTRY] lets no token delete itself: that takes the account's password, or the web page
hint: delete it by hand at http://[REGISTRY]/user/settings/applications
hint: delete it there and repeat this command; or give the account's password with --password-stdin; or leave the token valid with --keep-old
hint: kubectl regcred rotate [REGISTRY] --use cluster --resume finishes it
hint: kubectl regcred rotate [REGISTRY] --use cluster --abort goes back to the old token

"#]]);
    rotation.rotate(&flags).says(str![[r#"
exit 1
--- stdout
--- stderr
error: a rotation of the token of [REGISTRY] for cluster is pending (revoking)
hint: kubectl regcred rotate [REGISTRY] --use cluster --resume finishes it
hint: kubectl regcred rotate [REGISTRY] --use cluster --abort goes back to the old token

"#]]);
    for line in [
        "logout [REGISTRY] --use cluster",
        "logout [REGISTRY] --use cluster --revoke",
        "login [REGISTRY] -u admin --use cluster --mint --password-stdin",
    ] {
        let ran = rotation.world.regcred_with(line, PASSWORD);
        ran.says(str![[r#"
exit 1
--- stdout
--- stderr
error: the credential of [REGISTRY] (cluster) is being rotated
hint: finish it with: kubectl regcred rotate [REGISTRY] --use cluster --resume; or go back with: kubectl regcred rotate [REGISTRY] --use cluster --abort

"#]]);
    }
    assert!(rotation.works(&rotation.old));
    let ran = rotation.rotate("--resume --password-stdin");
    ran.says(str![[r#"
exit 0
--- stdout
secret/gitea-credentials unchanged in namespace [NAMESPACE]
--- stderr
verified at [REGISTRY], scopes read:package
read the Secret back: it holds the new token
revoked the old token
rotated the token of [REGISTRY] for cluster

"#]]);
    rotation.check_ended("with the password");
    assert!(!rotation.works(&rotation.old));
}

scenario!(restarts, on(REAL), needs(CONTROLLERS));
/// Real only: the double knows no workloads. Its pod works; no kubelet runs the next one, so following the rollout ends at
/// the time limit.
fn restarts(world: World) {
    let (rotation, flags) = rotation(world);
    let (cluster, namespace) = (ControlPlane::with_controllers(), &rotation.world.namespace);
    let image = format!("{}/admin/api:1", rotation.world.registry());
    let labels = json!({"app": "api"});
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"},
        "spec": {"selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels},
            "spec": {"imagePullSecrets": [{"name": SECRET}], "containers": [{"name": "api", "image": image}]},
        }},
    });
    let _ = cluster.kubectl_ok(&["create", "-n", namespace, "-f", "-"], &deployment.to_string());
    let get = |what: &[&str]| cluster.kubectl_ok(&[&["get", "-n", namespace], what].concat(), "");
    until("there is a pod", || !get(&["pods", "-o", "name"]).is_empty());
    let ready = r#"{"status":{"phase":"Running","conditions":[{"type":"Ready","status":"True"}]}}"#;
    let pod = get(&["pods", "-o", "name"]).trim().to_owned();
    let _ = cluster.kubectl_ok(
        &["patch", &pod, "-n", namespace, "--subresource=status", "-p", ready],
        "",
    );
    let available = ["deployment", "api", "-o", "jsonpath={.status.availableReplicas}"];
    until("it is available", || get(&available) == "1");
    let annotations = r"jsonpath={.spec.template.metadata.annotations.kubectl\.kubernetes\.io/restartedAt}";
    let restarted_at = || cluster.kubectl_ok(&["get", "deployment", "api", "-n", namespace, "-o", annotations], "");
    let ran = rotation.rotate(&format!("{flags} --restart --wait=1s"));
    assert_eq!(ran.code, 1, "{ran}");
    assert!(
        ran.stdout
            .contains("deployment.apps/api restarted in namespace [NAMESPACE]\n"),
        "{ran}"
    );
    assert!(ran.stderr.contains("did not roll out within 1 s"), "{ran}");
    assert!(rotation.works(&rotation.old), "it waits for a person: {ran}");
    let at = restarted_at();
    assert!(!at.is_empty());
    let ran = rotation.rotate("--resume");
    assert_eq!(ran.code, 0, "{ran}");
    rotation.check_ended("resumed");
    assert_eq!(restarted_at(), at, "not a second time");
}

scenario!(a_workload_that_was_broken_before_does_not_hold_it_up, on(REAL));
fn a_workload_that_was_broken_before_does_not_hold_it_up(world: World) {
    let (rotation, flags) = rotation(world);
    let (cluster, namespace) = (ControlPlane::shared(), &rotation.world.namespace);
    let image = format!("{}/admin/api:1", rotation.world.registry());
    let labels = json!({"app": "broken"});
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "broken"},
        "spec": {"selector": {"matchLabels": labels}, "template": {
            "metadata": {"labels": labels},
            "spec": {"imagePullSecrets": [{"name": SECRET}], "containers": [{"name": "api", "image": image}]},
        }},
    });
    let _ = cluster.kubectl_ok(&["create", "-n", namespace, "-f", "-"], &deployment.to_string());
    // As its controller would say it.
    let status = json!({"status": {"conditions": [
        {"type": "Available", "status": "False", "reason": "MinimumReplicasUnavailable"}
    ]}});
    let patch = [
        "patch",
        "deployment",
        "broken",
        "-n",
        namespace,
        "--subresource=status",
        "-p",
    ];
    let status = status.to_string();
    let _ = cluster.kubectl_ok(&[&patch[..], &[status.as_str()]].concat(), "");
    let ran = rotation.rotate(&format!("{flags} --restart --wait=1s"));
    assert_eq!(ran.code, 0, "{ran}");
    let says =
        "warning: deployment.apps/broken in namespace [NAMESPACE] did not roll out, and did not work before either: ";
    assert!(ran.stderr.contains(says), "{ran}");
    rotation.check_ended("with a broken workload");
    assert!(!rotation.works(&rotation.old), "{ran}");
}

scenario!(documents, on(DOUBLES, REAL));
fn documents(world: World) {
    let (rotation, flags) = rotation(world);
    rotation.rotate(&format!("{flags} -o json")).says(str![[r#"
exit 0
--- stdout
{
  "apiVersion": "regcred/v1",
  "kind": "RotateResult",
  "registry": "[REGISTRY]",
  "use": "cluster",
  "way": "forward",
  "dryRun": "none",
  "steps": [
   "prove new",
   "keep writing",
   "write new",
   "check new",
   "keep promoted",
   "check new",
   "keep revoking",
   "revoke old",
   "forget"
  ],
  "stepsDone": 9,
  "items": [
   {
   "context": "[CONTEXT]",
   "namespace": "[NAMESPACE]",
   "secret": "gitea-credentials",
   "action": "configured",
   "changes": [
   "credential for [REGISTRY]"
   ],
   "notes": []
   }
  ],
  "restarts": [],
  "current": "new",
  "pending": null,
  "revocation": "done"
}
--- stderr
verified at [REGISTRY], the token of admin, scopes read:package
kept the new token beside the old one
read the Secret back: it holds the new token
the new token is current: sync gets it from now on
revoked the old token
rotated the token of [REGISTRY] for cluster

"#]]);
    rotation.check_ended("rotated");
}

scenario!(a_password_is_replaced_and_not_called_revoked);
fn a_password_is_replaced_and_not_called_revoked() {
    let world = World::of_doubles();
    // It takes a password in place of a token.
    world.gitea.state().profile = Profile::V1_26;
    let login = "login [REGISTRY] -u admin --use cluster --token-stdin --no-verify";
    world.regcred_with(login, PASSWORD).done();
    world.regcred("sync -n [NAMESPACE]").done();
    let token = world.gitea.add_token("admin", "read:package");
    let ran = world.regcred_with("rotate [REGISTRY] --use cluster --token-stdin", &token);
    assert_eq!(ran.code, 0, "{ran}");
    let warning = "warning: the old token was not revoked: what is stored is no access token but a password";
    assert!(ran.stderr.contains(warning), "{ran}");
    assert!(world.document("gitea-credentials").contains(&token));
}
