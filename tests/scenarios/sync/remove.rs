//! `sync --remove`: one registry out of a Secret, and nothing else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use snapbox::str;

use crate::support::parts::{DOUBLES, REAL};
use crate::support::world::World;

scenario!(one_of_two, on(DOUBLES, REAL));
fn one_of_two(world: &World) {
    let token = world.gitea.add_token("admin", "read:package");
    world
        .regcred_with("login [REGISTRY] -u admin --token-stdin", &token)
        .done();
    world
        .regcred_with("login ghcr.io -u org --token-stdin --no-verify", "other")
        .done();
    world
        .regcred("sync --no-verify -n [NAMESPACE] --registry [REGISTRY]")
        .done();
    let only_ours = world.document("gitea-credentials");
    world
        .regcred("sync --no-verify -n [NAMESPACE] --registry ghcr.io")
        .done();
    let both = world.document("gitea-credentials");
    for dry_run in ["client", "server"] {
        let said = world.regcred(&format!(
            "sync -n [NAMESPACE] --registry ghcr.io --remove --dry-run={dry_run}"
        ));
        assert!(said.stdout.contains("\n  credential for ghcr.io (removed)\n"), "{said}");
        said.done();
        assert_eq!(world.document("gitea-credentials"), both);
    }
    world
        .regcred("sync -n [NAMESPACE] --registry ghcr.io --remove")
        .says(str![[r#"
exit 0
--- stdout
secret/gitea-credentials configured in namespace [NAMESPACE]
--- stderr

"#]]);
    assert_eq!(world.document("gitea-credentials"), only_ours);
    let annotations = &world.secret("gitea-credentials").unwrap()["metadata"]["annotations"];
    assert_eq!(annotations["kubectl-regcred/registry"], world.registry());
    // Again, and where there is no Secret at all, there is nothing to do.
    for line in [
        "sync -n [NAMESPACE] --registry ghcr.io --remove",
        "sync -n [NAMESPACE] --registry ghcr.io --remove --secret none",
    ] {
        assert!(world.regcred(line).done().contains(" unchanged "), "{line}");
    }
    assert!(world.secret("none").is_none());
    // The last one: the Secret stays, and is nobody's.
    world
            .regcred("sync -n [NAMESPACE] --registry [REGISTRY] --remove").says(str![[r#"
exit 0
--- stdout
secret/gitea-credentials configured in namespace [NAMESPACE]
--- stderr
warning: secret/gitea-credentials in namespace [NAMESPACE]: no entry is left in it: delete it, or pods that name it pull as nobody

"#]]);
    let secret = world.secret("gitea-credentials").unwrap();
    assert_eq!(world.document("gitea-credentials"), r#"{"auths":{}}"#);
    let of_ours = |kind: &str| {
        let all = secret["metadata"][kind].as_object().cloned().unwrap_or_default();
        all.keys()
            .filter(|key| key.contains("regcred") || key.contains("managed-by"))
            .count()
    };
    assert_eq!((of_ours("labels"), of_ours("annotations")), (0, 0), "{secret}");
    // It is taken in again by name.
    world
        .regcred("sync --no-verify -n [NAMESPACE] --registry [REGISTRY]")
        .done();
    assert_eq!(world.document("gitea-credentials"), only_ours);
}

scenario!(what_others_made, on(DOUBLES, REAL));
fn what_others_made(world: &World) {
    let text = r#"{ "auths" : { "https://ghcr.io/v2/": {"auth":"YTpi"} , "quay.io" :{"auth":"YzpkCg=="}}, "x": 1 }"#;
    let secret = |name: &str, labels: serde_json::Value| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson",
            "metadata": {"name": name, "namespace": world.namespace, "labels": labels},
            "data": {".dockerconfigjson": STANDARD.encode(text)},
        })
    };
    world.put_secret(&secret("by-hand", json!({})));
    world.put_secret_of(
        "helm",
        &secret("of-helm", json!({"app.kubernetes.io/managed-by": "Helm"})),
    );
    let said = world.regcred("sync -n [NAMESPACE] --secret by-hand --registry ghcr.io --remove");
    assert!(said.stderr.contains("adopted"), "{said}");
    said.done();
    assert_eq!(
        world.document("by-hand"),
        r#"{ "auths" : { "quay.io" :{"auth":"YzpkCg=="}}, "x": 1 }"#
    );
    let said = world.regcred("sync -n [NAMESPACE] --secret of-helm --registry ghcr.io --remove");
    assert!(said.code == 1 && said.stderr.contains("it belongs to Helm"), "{said}");
    assert_eq!(world.document("of-helm"), text);
    // It holds nothing of that one: not even its owner matters.
    let said = world.regcred("sync -n [NAMESPACE] --secret of-helm --registry docker.io --remove");
    assert!(said.done().contains(" unchanged "));
    let said = world.regcred("sync -n [NAMESPACE] --secret of-helm --registry ghcr.io --remove --force-conflicts");
    said.done();
    assert!(!world.document("of-helm").contains("ghcr.io"));
}

scenario!(wrong_usage, on(DOUBLES, REAL));
fn wrong_usage(world: &World) {
    for (line, says) in [
        ("sync -n [NAMESPACE] --remove", "--registry"),
        (
            "sync -n [NAMESPACE] --registry ghcr.io --remove --token-env X",
            "--token-env",
        ),
        ("sync -n [NAMESPACE] --registry ghcr.io --remove --restart", "--restart"),
        (
            "sync -n [NAMESPACE] --registry ghcr.io --remove --service-account ci",
            "--service-account",
        ),
        (
            "sync -n [NAMESPACE] --docker-server ghcr.io",
            "hint: the registry is --registry REGISTRY",
        ),
        (
            "login --docker-server=ghcr.io -u org",
            "hint: the registry is --registry REGISTRY",
        ),
        ("sync -n [NAMESPACE] --docker-username=org", "hint: the user is -u NAME"),
    ] {
        let ran = world.regcred(line);
        assert_eq!(ran.code, 2, "{line}: {ran}");
        assert!(ran.stderr.contains(says), "{line}: {ran}");
    }
}
