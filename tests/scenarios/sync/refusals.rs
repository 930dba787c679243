//! Secrets that `sync` refuses to write: another type, immutable, somebody else's. The owners that it knows are in `owners`.

use serde_json::{Value, json};
use snapbox::str;

use crate::support::parts::{DOUBLES, REAL, REAL_WITH_VAULT};
use crate::support::world::World;

const LOGIN: &str = "login [REGISTRY] -u admin --token-stdin";

scenario!(what_others_made, on(DOUBLES, REAL, REAL_WITH_VAULT));
fn what_others_made(world: &World) {
    let token = world.gitea.add_token("admin", "write:package");
    world.regcred_with(LOGIN, &token).done();
    let secret = |name: &str, kind: &str, more: Value| {
        let mut secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": kind,
            "data": {".dockerconfigjson": "e30="},
        });
        for (key, value) in more.as_object().unwrap() {
            secret[key] = value.clone();
        }
        world.put_secret(&secret);
        world.secret(name).unwrap()
    };
    let docker = "kubernetes.io/dockerconfigjson";
    let made = [
        secret("opaque", "Opaque", json!({})),
        secret("immutable", docker, json!({"immutable": true})),
        secret(
            "helm",
            docker,
            json!({"metadata": {
                "name": "helm", "labels": {"app.kubernetes.io/managed-by": "Helm"},
                "annotations": {"meta.helm.sh/release-name": "web"},
            }}),
        ),
    ];
    world.regcred("sync -n [NAMESPACE] --secret opaque").says(str![[r#"
exit 1
--- stdout
--- stderr
error: secret/opaque in namespace [NAMESPACE]: its type is "Opaque", not kubernetes.io/dockerconfigjson, and a Secret's type cannot be changed
hint: take a new name with --secret NAME

"#]]);
    world.regcred("sync -n [NAMESPACE] --secret immutable").says(str![[r#"
exit 1
--- stdout
--- stderr
error: secret/immutable in namespace [NAMESPACE]: it is immutable: its data cannot be changed
hint: take a new name with --secret NAME, and do not delete and recreate this one: kubelet would go on with the old data

"#]]);
    world.regcred("sync -n [NAMESPACE] --secret helm").says(str![[r#"
exit 1
--- stdout
--- stderr
error: secret/helm in namespace [NAMESPACE]: it belongs to Helm (release web): the next helm upgrade writes the chart's value again or fails with a conflict
hint: change the chart's values, or let the chart refer to a Secret instead of making one; or take a new name with --secret NAME; --force-conflicts writes it anyway

"#]]);
    for before in made {
        let name = before["metadata"]["name"].as_str().unwrap();
        assert_eq!(
            world.secret(name).unwrap(),
            before,
            "a refused Secret keeps every field"
        );
    }
    world.regcred("sync -n [NAMESPACE] --secret helm --force-conflicts").says(str![[r#"
exit 0
--- stdout
secret/helm configured in namespace [NAMESPACE]
--- stderr
warning: secret/helm in namespace [NAMESPACE]: belongs to Helm (release web): the next helm upgrade writes the chart's value again or fails with a conflict; it stays marked as Helm's, so that the next change needs --force-conflicts too

"#]]);
}
