//! What `--dry-run` and `-o` print, and where no token is printed.

#![expect(
    clippy::too_many_lines,
    reason = "a session with its output is long, and is read from top to bottom"
)]

use serde_json::json;
use snapbox::str;

use crate::support::parts::{DOUBLES, REAL, REAL_WITH_VAULT};
use crate::support::world::{Ran, World};

const LOGIN: &str = "login [REGISTRY] -u admin --token-stdin";

scenario!(dry_runs_and_documents, on(DOUBLES, REAL, REAL_WITH_VAULT));
fn dry_runs_and_documents(world: &World) {
    let token = world.gitea.add_token("admin", "write:package");
    world.regcred_with(LOGIN, &token).done();
    world.regcred("sync -n [NAMESPACE] --dry-run=client").says(str![[r#"
exit 0
--- stdout
secret/gitea-credentials created in namespace [NAMESPACE] (dry run)
--- stderr

"#]]);
    world.regcred("sync -n [NAMESPACE] --dry-run=server").says(str![[r#"
exit 0
--- stdout
secret/gitea-credentials created in namespace [NAMESPACE] (server dry run)
--- stderr

"#]]);
    assert!(world.secret("gitea-credentials").is_none(), "a dry run writes nothing");
    world
        .regcred("sync -n [NAMESPACE] -o name --secret pull")
        .says(str![[r#"
exit 0
--- stdout
secret/pull
--- stderr

"#]]);
    world.put_secret(&json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "gitea-credentials"},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": "e30="},
    }));
    world.regcred("sync -n [NAMESPACE] --dry-run=client").says(str![[r#"
exit 0
--- stdout
secret/gitea-credentials configured in namespace [NAMESPACE] (dry run)
  credential for [REGISTRY]
  label app.kubernetes.io/managed-by
  annotation kubectl-regcred/registry
  annotation kubectl-regcred/use
  annotation kubectl-regcred/username
  annotation kubectl-regcred/installation
  annotation kubectl-regcred/written-by
--- stderr
warning: secret/gitea-credentials in namespace [NAMESPACE]: adopted from kubectl-create

"#]]);
    assert_eq!(world.document("gitea-credentials"), "{}");
    world
        .regcred("sync -n [NAMESPACE] --dry-run=server -o json")
        .says(str![[r#"
exit 0
--- stdout
{
  "apiVersion": "regcred/v1",
  "kind": "SyncResult",
  "dryRun": "server",
  "items": [
   {
   "context": "[CONTEXT]",
   "namespace": "[NAMESPACE]",
   "secret": "gitea-credentials",
   "action": "configured",
   "changes": [
   "credential for [REGISTRY]",
   "label app.kubernetes.io/managed-by",
   "annotation kubectl-regcred/registry",
   "annotation kubectl-regcred/use",
   "annotation kubectl-regcred/username",
   "annotation kubectl-regcred/installation",
   "annotation kubectl-regcred/written-by"
   ],
   "notes": [
   "adopted from kubectl-create"
   ]
   }
  ]
}
--- stderr
warning: secret/gitea-credentials in namespace [NAMESPACE]: adopted from kubectl-create

"#]]);
    let manifest = world.regcred("sync -n [NAMESPACE] -n other --dry-run=client -o yaml");
    let hidden = Ran {
        stdout: hide_data(&manifest.stdout),
        ..manifest
    };
    hidden.says(str![[r#"
exit 0
--- stdout
apiVersion: v1
kind: Secret
metadata:
  name: gitea-credentials
  namespace: [NAMESPACE]
  labels:
   app.kubernetes.io/managed-by: kubectl-regcred
  annotations:
   kubectl-regcred/registry: [REGISTRY]
   kubectl-regcred/use: docker
   kubectl-regcred/username: admin
type: kubernetes.io/dockerconfigjson
data:
  .dockerconfigjson: [DOCUMENT]
---
apiVersion: v1
kind: Secret
metadata:
  name: gitea-credentials
  namespace: other
  labels:
   app.kubernetes.io/managed-by: kubectl-regcred
  annotations:
   kubectl-regcred/registry: [REGISTRY]
   kubectl-regcred/use: docker
   kubectl-regcred/username: admin
type: kubernetes.io/dockerconfigjson
data:
  .dockerconfigjson: [DOCUMENT]
--- stderr

"#]]);
    world.regcred("sync --dry-run=client -o yaml").says(str![[r#"
exit 2
--- stdout
--- stderr
error: no namespace was named for the Secret
hint: -n NAMESPACE: a manifest is printed without contacting a cluster

"#]]);
    world.regcred("list -o json").says(str![[r#"
exit 0
--- stdout
{
  "apiVersion": "regcred/v1",
  "kind": "CredentialList",
  "items": [
   {
   "registry": "[REGISTRY]",
   "username": "admin",
   "use": "docker",
   "since": "[..]Z"
   }
  ]
}
--- stderr

"#]]);
}

scenario!(a_token_is_not_printed_to_a_screen);
fn a_token_is_not_printed_to_a_screen() {
    let mut world = World::of_doubles();
    world.at_screen = true;
    let token = world.gitea.add_token("admin", "write:package");
    world.regcred_with(LOGIN, &token).done();
    world.regcred("sync -n x --dry-run=client -o yaml").says(str![[r#"
exit 2
--- stdout
--- stderr
error: this would print the token on a terminal
hint: pipe it into a program such as kubeseal or sops, or use --show-token

"#]]);
    let shown = world.regcred("sync -n x --dry-run=client -o yaml --show-token").done();
    assert!(shown.contains("  .dockerconfigjson: ey"), "{shown}");
}

/// A manifest with its token taken out.
fn hide_data(text: &str) -> String {
    let lines = text.lines().map(|line| match line.split_once(".dockerconfigjson: ey") {
        Some((indent, _)) => format!("{indent}.dockerconfigjson: [DOCUMENT]\n"),
        None => format!("{line}\n"),
    });
    lines.collect()
}
