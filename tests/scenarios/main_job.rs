//! The main job in one session, of no single verb: log in, sync, docker, a new token, log out.

use serde_json::{Value, json};
use snapbox::str;

use crate::support::parts::{DOUBLES, REAL, REAL_WITH_VAULT};
use crate::support::world::World;

const LOGIN: &str = "login [REGISTRY] -u admin --token-stdin";

scenario!(from_login_to_logout, on(DOUBLES, REAL, REAL_WITH_VAULT));
fn from_login_to_logout(world: &World) {
    let first = world.gitea.add_token("admin", "write:package");
    world.regcred("list").says(str![[r#"
exit 0
--- stdout
--- stderr
the keychain holds no credential
hint: kubectl regcred login REGISTRY -u USER

"#]]);
    world.regcred_with(LOGIN, &first).says(str![[r#"
exit 0
--- stdout
--- stderr
verified at [REGISTRY], the token of admin, scopes write:package
logged in to [REGISTRY] as admin for docker

"#]]);
    world.regcred("list").says(str![[r#"
exit 0
--- stdout
REGISTRY   USERNAME   USE   AGE
[REGISTRY]   admin   docker   <1h
--- stderr

"#]]);
    world.regcred("sync -n [NAMESPACE]").says(str![[r#"
exit 0
--- stdout
secret/gitea-credentials created in namespace [NAMESPACE]
--- stderr

"#]]);
    let made = world.secret("gitea-credentials").unwrap();
    assert_eq!(made["type"], "kubernetes.io/dockerconfigjson");
    assert_eq!(
        made["metadata"]["labels"],
        json!({"app.kubernetes.io/managed-by": "kubectl-regcred"})
    );
    assert!(world.document("gitea-credentials").contains(&first));

    world.regcred("sync -n [NAMESPACE]").says(str![[r#"
exit 0
--- stdout
secret/gitea-credentials unchanged in namespace [NAMESPACE]
--- stderr

"#]]);
    let version = |secret: &Value| secret["metadata"]["resourceVersion"].clone();
    assert_eq!(
        version(&world.secret("gitea-credentials").unwrap()),
        version(&made),
        "unchanged is no write"
    );

    let said = world.regcred("sync -n [NAMESPACE] -v").stderr;
    assert!(
        said.contains("the keychain's credential of admin at [REGISTRY] for docker"),
        "{said}"
    );
    assert!(said.contains("connected to http") && !said.contains(&first), "{said}");
    let got: Value = serde_json::from_str(&world.helper("get", "[REGISTRY]").done()).unwrap();
    assert_eq!(
        got,
        json!({"ServerURL": "[REGISTRY]", "Username": "admin", "Secret": first})
    );

    let second = world.gitea.add_token("admin", "write:package");
    world.gitea.revoke(&first);
    world.regcred_with(LOGIN, &second).done();
    world.regcred("sync -n [NAMESPACE]").says(str![[r#"
exit 0
--- stdout
secret/gitea-credentials configured in namespace [NAMESPACE]
--- stderr

"#]]);
    let changed = world.secret("gitea-credentials").unwrap();
    assert_eq!(changed["metadata"]["uid"], made["metadata"]["uid"], "changed in place");
    let document = world.document("gitea-credentials");
    assert!(document.contains(&second) && !document.contains(&first));
    assert!(world.helper("get", "[REGISTRY]").done().contains(&second));

    world.regcred("logout [REGISTRY]").says(str![[r#"
exit 0
--- stdout
--- stderr
forgot the credential of [REGISTRY] for docker
warning: secret/gitea-credentials in namespace [NAMESPACE] of context [..] still holds it, and it is still valid
hint: to take it out of a Secret: kubectl regcred sync --remove --registry [REGISTRY] -n [NAMESPACE] --secret gitea-credentials --context [..]

"#]]);
    world.regcred("logout [REGISTRY]").says(str![[r#"
exit 0
--- stdout
--- stderr
not logged in to [REGISTRY]

"#]]);
    world.helper("get", "[REGISTRY]").says(str![[r#"
exit 1
--- stdout
credentials not found in native keychain
--- stderr

"#]]);
    world.regcred("sync -n [NAMESPACE]").says(str![[r#"
exit 1
--- stdout
--- stderr
error: the keychain holds no credential
hint: kubectl regcred login REGISTRY -u USER

"#]]);
}
