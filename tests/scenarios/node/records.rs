//! kubelet's record of the pulls that it has verified: who gets an image that is on the node already.

use serde_json::json;

use super::place::Place;
use crate::status::fixture::SECRET;
use crate::support::node::{Node, minor};
use crate::support::parts::{GITEA, NODE, REAL_PARTS};

const PASSWORD: &str = "password of admin";

scenario!(the_record_of_pulls, needs(REAL_PARTS, GITEA, NODE, "sh", "kubectl"));
/// The image is asked for only where kubelet has no record of the credential.
pub fn the_record_of_pulls() {
    if minor() < 35 {
        return without_a_record();
    }
    let place = Place::new();
    let image = place.image("admin/app:1");
    let asked = || place.asked("admin/app");
    let keep = json!({"imagePullPolicy": "IfNotPresent"});
    let starts = |name: &str, secret: &str| {
        let before = asked();
        place.pod_with(name, &image, &[secret], &keep);
        place.runs(name);
        asked() - before
    };
    let first = place.well();
    place.pod("first", &image, &[SECRET]);
    place.runs("first");
    assert_eq!(starts("the-same", SECRET), 0);

    // It is on the node, and not for everybody there.
    place.pod_with("nobody", &image, &[], &keep);
    assert!(place.stuck("nobody").message.ends_with("401 Unauthorized"));
    let found = place.finding("nobody");
    assert_eq!(found["code"], "pod-without-secret", "{found:#}");
    place.delete("nobody");
    place.pod_with("never", &image, &[], &json!({"imagePullPolicy": "Never"}));
    assert_eq!(place.stuck("never").reason, "ErrImageNeverPull");
    let found = place.finding("never");
    assert_eq!(found["code"], "pod-image-never-pulled", "{found:#}");
    let cause = found["cause"].as_str().unwrap();
    assert!(cause.contains("or only from a pull with another credential"), "{cause}");
    place.delete("never");

    // Changed in place, the old token revoked: the Secret is the same.
    let rotate = "rotate [REGISTRY] --use cluster -n [NAMESPACE] --mint --token-name rotated --password-stdin";
    let ran = place.world.regcred_with(rotate, PASSWORD);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(!place.world.gitea.knows("admin", &first));
    assert_eq!(starts("changed-in-place", SECRET), 0);

    // Under a new name, with the same token: the token is the same.
    place
        .world
        .regcred("sync -n [NAMESPACE] --registry [REGISTRY] --secret named-anew")
        .done();
    assert_eq!(starts("named-anew", "named-anew"), 0);

    // Made again: neither is known any more to be the one, but the token still is.
    place.kubectl(&["delete", "secret", SECRET]);
    place.world.sync();
    assert_eq!(starts("made-again", SECRET), 0);

    // Another name and another token: it has to be asked for, and is given.
    let other = place.world.token("read:package");
    place.world.put_pull_secret("another", &[("[REGISTRY]", &other)]);
    assert!(starts("another", "another") > 0);

    // Nor does a dead token get it.
    place.world.put_pull_secret("dead", &[("[REGISTRY]", &first)]);
    place.pod_with("dead", &image, &["dead"], &keep);
    place.stuck("dead");
    let found = place.finding("dead");
    assert_eq!(found["code"], "pod-token-rejected", "{found:#}");
    place.type_in(&found);
    place.runs("dead");
}

/// Before Kubernetes 1.35, whoever comes gets what is on the node, with whatever credential it was pulled.
fn without_a_record() {
    let place = Place::new();
    let image = place.image("admin/app:1");
    let first = place.well();
    place.pod("first", &image, &[SECRET]);
    place.runs("first");
    let before = place.asked("admin/app");
    let rotate = "rotate [REGISTRY] --use cluster -n [NAMESPACE] --mint --token-name rotated --password-stdin";
    let ran = place.world.regcred_with(rotate, PASSWORD);
    assert_eq!(ran.code, 0, "{ran}");
    place.world.put_pull_secret("dead", &[("[REGISTRY]", &first)]);
    let keep = json!({"imagePullPolicy": "IfNotPresent"});
    place.pod_with("changed-in-place", &image, &[SECRET], &keep);
    place.pod_with("nobody", &image, &[], &keep);
    place.pod_with("never", &image, &[], &json!({"imagePullPolicy": "Never"}));
    place.pod_with("dead", &image, &["dead"], &keep);
    for pod in ["changed-in-place", "nobody", "never", "dead"] {
        place.runs(pod);
    }
    assert_eq!(place.asked("admin/app"), before);
    let findings = place.findings();
    let of_pods = findings.iter().filter(|finding| finding["object"]["kind"] == "pod");
    assert_eq!(of_pods.count(), 0, "{findings:#?}");

    // Not who asks the registry each time.
    place.pod("always", &image, &[]);
    assert!(place.stuck("always").message.ends_with("401 Unauthorized"));
    let found = place.finding("always");
    assert_eq!(found["code"], "pod-without-secret", "{found:#}");
}

scenario!(a_login_of_the_node, needs(REAL_PARTS, GITEA, NODE, "sh", "kubectl"));
/// As k3s' `registries.yaml` gives one to containerd: docs/workloads.md.
pub fn a_login_of_the_node() {
    let place = Place::new();
    let image = place.image("admin/app:1");
    let token = place.world.token("read:package");
    let registry = place.world.registry();
    let name = "node-with-a-login";
    let _node = Node::start(name, Some([&registry, "admin", &token]));
    let there = json!({"nodeName": name});

    // Every pod of the node pulls with it, and gets what another has pulled.
    place.pod_with("plain", &image, &[], &there);
    place.runs("plain");
    let before = place.asked("admin/app");
    place.pod_with(
        "again",
        &image,
        &[],
        &json!({"nodeName": name, "imagePullPolicy": "IfNotPresent"}),
    );
    place.runs("again");
    assert_eq!(place.asked("admin/app"), before);

    // It dies, and a pod without a Secret has no other.
    place.world.gitea.revoke(&token);
    place.well();
    place.pod_with("later", &image, &[], &there);
    place.stuck("later");
    let found = place.finding("later");
    assert_eq!(found["code"], "pod-without-secret", "{found:#}");
    // A Secret comes before it.
    place.pod_with("named", &image, &[SECRET], &there);
    place.runs("named");

    for pod in ["plain", "again", "later", "named"] {
        place.delete(pod);
    }
}
