//! Which of several credentials a Secret gets: by its registry, and by its use.

use snapbox::str;

use crate::support::parts::{DOUBLES, REAL, REAL_WITH_VAULT};
use crate::support::world::World;

const LOGIN: &str = "login [REGISTRY] -u admin --token-stdin";

scenario!(several_registries, on(DOUBLES, REAL, REAL_WITH_VAULT));
fn several_registries(world: &World) {
    let token = world.gitea.add_token("admin", "write:package");
    world.regcred_with(LOGIN, &token).done();
    world
        .regcred_with("login ghcr.io -u org --token-stdin --no-verify", "other")
        .done();
    world.regcred("list -o name").says(str![[r#"
exit 0
--- stdout
[REGISTRY]
ghcr.io
--- stderr

"#]]);
    world.regcred("list -o wide").says(str![[r#"
exit 0
--- stdout
REGISTRY   USERNAME   USE   AGE   KIND
[REGISTRY]   admin   docker   <1h   token or password
ghcr.io   org   docker   <1h   token or password
--- stderr

"#]]);
    world.regcred("sync --no-verify -n [NAMESPACE]").says(str![[r#"
exit 1
--- stdout
--- stderr
error: secret/gitea-credentials in namespace [NAMESPACE]: the keychain holds several registries, [REGISTRY], ghcr.io, and the Secret does not show which it is for: there is no such Secret
hint: kubectl regcred sync -n [NAMESPACE] --secret gitea-credentials --registry REGISTRY

"#]]);
    world
        .regcred("sync --no-verify -n [NAMESPACE] --dry-run=client -o yaml")
        .says(str![[r#"
exit 2
--- stdout
--- stderr
error: the keychain holds several registries: [REGISTRY], ghcr.io
hint: name one with --registry REGISTRY

"#]]);
    world
        .regcred("sync --no-verify -n [NAMESPACE] --registry ghcr.io")
        .says(str![[r#"
exit 0
--- stdout
secret/gitea-credentials created in namespace [NAMESPACE]
--- stderr

"#]]);
    let before = world.document("gitea-credentials");
    world
        .regcred("sync --no-verify -n [NAMESPACE] --registry [REGISTRY]")
        .says(str![[r#"
exit 0
--- stdout
secret/gitea-credentials configured in namespace [NAMESPACE]
--- stderr

"#]]);
    let after = world.document("gitea-credentials");
    let entry = before.strip_prefix("{\"auths\":{").unwrap().strip_suffix("}}").unwrap();
    assert!(after.contains(entry), "the other registry's entry keeps every byte");
    assert!(after.contains(&token));
    // The Secret shows by now which registries it is for: cron need not say.
    let newer = world.gitea.add_token("admin", "read:package");
    world.regcred_with(LOGIN, &newer).done();
    world.regcred("sync --no-verify -n [NAMESPACE]").says(str![[r#"
exit 0
--- stdout
secret/gitea-credentials configured in namespace [NAMESPACE]
--- stderr

"#]]);
    let refreshed = world.document("gitea-credentials");
    assert!(refreshed.contains(entry) && refreshed.contains(&newer), "{refreshed}");
    world
        .regcred("sync --no-verify -n [NAMESPACE] --registry quay.io")
        .says(str![[r#"
exit 1
--- stdout
--- stderr
error: the keychain holds no credential of quay.io
hint: kubectl regcred login quay.io -u USER

"#]]);
    world
        .regcred("sync --no-verify -n [NAMESPACE] --registry ghcr.io -u somebody")
        .says(str![[r#"
exit 1
--- stdout
--- stderr
error: the keychain's credential of ghcr.io for docker belongs to org, not to somebody
hint: leave -u out, or log in as that user first

"#]]);
    world.regcred("logout").says(str![[r#"
exit 2
--- stdout
--- stderr
error: the keychain holds several registries: [REGISTRY], ghcr.io
hint: kubectl regcred logout REGISTRY

"#]]);
}

scenario!(a_token_for_clusters, on(DOUBLES, REAL, REAL_WITH_VAULT));
fn a_token_for_clusters(world: &World) {
    let both = world.gitea.add_token("admin", "write:package");
    let reader = world.gitea.add_token("admin", "read:package");
    world.regcred_with(LOGIN, &both).done();
    world
        .regcred_with(&format!("{LOGIN} --use cluster"), &both)
        .says(str![[r#"
exit 0
--- stdout
--- stderr
verified at [REGISTRY], the token of admin, scopes write:package
warning: the token may push or delete; for clusters a token with read:package is enough
logged in to [REGISTRY] as admin for cluster

"#]]);
    world
        .regcred_with(&format!("{LOGIN} --use cluster"), &reader)
        .says(str![[r#"
exit 0
--- stdout
--- stderr
verified at [REGISTRY], the token of admin, scopes read:package
logged in to [REGISTRY] as admin for cluster

"#]]);
    world.regcred("list").says(str![[r#"
exit 0
--- stdout
REGISTRY   USERNAME   USE   AGE
[REGISTRY]   admin   docker   <1h
[REGISTRY]   admin   cluster   <1h
--- stderr

"#]]);
    world.regcred("sync --no-verify -n [NAMESPACE]").done();
    assert!(
        world.document("gitea-credentials").contains(&reader),
        "sync --no-verify prefers the one for clusters"
    );
    assert!(
        world.helper("get", "[REGISTRY]").done().contains(&both),
        "docker gets the other"
    );
    world
        .regcred("sync --no-verify -n [NAMESPACE] --use docker")
        .says(str![[r#"
exit 0
--- stdout
secret/gitea-credentials configured in namespace [NAMESPACE]
--- stderr

"#]]);
    assert!(world.document("gitea-credentials").contains(&both));
    let wide = world.gitea.add_token("admin", "all");
    world.regcred_with(LOGIN, &wide).says(str![[r#"
exit 0
--- stdout
--- stderr
verified at [REGISTRY], the token of admin, scopes all
warning: the token may do more than read and write packages
logged in to [REGISTRY] as admin for docker

"#]]);
    world.regcred("logout [REGISTRY] --use cluster").says(str![[r#"
exit 0
--- stdout
--- stderr
forgot the credential of [REGISTRY] for cluster

"#]]);
    world.regcred("list").says(str![[r#"
exit 0
--- stdout
REGISTRY   USERNAME   USE   AGE
[REGISTRY]   admin   docker   <1h
--- stderr

"#]]);
}
