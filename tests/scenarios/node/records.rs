//! kubelet's record of the pulls that it has verified: who gets an image that is on the node already.

use serde_json::json;

use super::fixture::Pods;
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
    let pods = Pods::new();
    let image = pods.image("admin/app:1");
    let asked = || pods.asked("admin/app");
    let keep = json!({"imagePullPolicy": "IfNotPresent"});
    let starts = |name: &str, secret: &str| {
        let before = asked();
        pods.pod_with(name, &image, &[secret], &keep);
        pods.runs(name);
        asked() - before
    };
    let first = pods.well();
    pods.pod("first", &image, &[SECRET]);
    pods.runs("first");
    assert_eq!(starts("the-same", SECRET), 0);

    // It is on the node, and not for everybody there.
    pods.pod_with("nobody", &image, &[], &keep);
    assert!(pods.stuck("nobody").message.ends_with("401 Unauthorized"));
    let found = pods.finding("nobody");
    assert_eq!(found["code"], "pod-without-secret", "{found:#}");
    pods.delete("nobody");
    pods.pod_with("never", &image, &[], &json!({"imagePullPolicy": "Never"}));
    assert_eq!(pods.stuck("never").reason, "ErrImageNeverPull");
    let found = pods.finding("never");
    assert_eq!(found["code"], "pod-image-never-pulled", "{found:#}");
    let cause = found["cause"].as_str().unwrap();
    assert!(cause.contains("or only from a pull with another credential"), "{cause}");
    pods.delete("never");

    // Changed in place, the old token revoked: the Secret is the same.
    let rotate = "rotate [REGISTRY] --use cluster -n [NAMESPACE] --mint --token-name rotated --password-stdin";
    let ran = pods.world.regcred_with(rotate, PASSWORD);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(!pods.world.gitea.knows("admin", &first));
    assert_eq!(starts("changed-in-place", SECRET), 0);

    // Under a new name, with the same token: the token is the same.
    pods.world
        .regcred("sync -n [NAMESPACE] --registry [REGISTRY] --secret named-anew")
        .done();
    assert_eq!(starts("named-anew", "named-anew"), 0);

    // Made again: neither is known any more to be the one, but the token still is.
    pods.kubectl(&["delete", "secret", SECRET]);
    pods.world.sync();
    assert_eq!(starts("made-again", SECRET), 0);

    // Another name and another token: it has to be asked for, and is given.
    let other = pods.world.token("read:package");
    pods.world.put_pull_secret("another", &[("[REGISTRY]", &other)]);
    assert!(starts("another", "another") > 0);

    // Nor does a dead token get it.
    pods.world.put_pull_secret("dead", &[("[REGISTRY]", &first)]);
    pods.pod_with("dead", &image, &["dead"], &keep);
    pods.stuck("dead");
    let found = pods.finding("dead");
    assert_eq!(found["code"], "pod-token-rejected", "{found:#}");
    pods.type_in(&found);
    pods.runs("dead");
}

/// Before Kubernetes 1.35, whoever comes gets what is on the node, with whatever credential it was pulled.
fn without_a_record() {
    let pods = Pods::new();
    let image = pods.image("admin/app:1");
    let first = pods.well();
    pods.pod("first", &image, &[SECRET]);
    pods.runs("first");
    let before = pods.asked("admin/app");
    let rotate = "rotate [REGISTRY] --use cluster -n [NAMESPACE] --mint --token-name rotated --password-stdin";
    let ran = pods.world.regcred_with(rotate, PASSWORD);
    assert_eq!(ran.code, 0, "{ran}");
    pods.world.put_pull_secret("dead", &[("[REGISTRY]", &first)]);
    let keep = json!({"imagePullPolicy": "IfNotPresent"});
    pods.pod_with("changed-in-place", &image, &[SECRET], &keep);
    pods.pod_with("nobody", &image, &[], &keep);
    pods.pod_with("never", &image, &[], &json!({"imagePullPolicy": "Never"}));
    pods.pod_with("dead", &image, &["dead"], &keep);
    for pod in ["changed-in-place", "nobody", "never", "dead"] {
        pods.runs(pod);
    }
    assert_eq!(pods.asked("admin/app"), before);
    let findings = pods.findings();
    let of_pods = findings.iter().filter(|finding| finding["object"]["kind"] == "pod");
    assert_eq!(of_pods.count(), 0, "{findings:#?}");

    // Not who asks the registry each time.
    pods.pod("always", &image, &[]);
    assert!(pods.stuck("always").message.ends_with("401 Unauthorized"));
    let found = pods.finding("always");
    assert_eq!(found["code"], "pod-without-secret", "{found:#}");
}

scenario!(a_login_of_the_node, needs(REAL_PARTS, GITEA, NODE, "sh", "kubectl"));
/// As k3s' `registries.yaml` gives one to containerd: docs/workloads.md.
pub fn a_login_of_the_node() {
    let pods = Pods::new();
    let image = pods.image("admin/app:1");
    let token = pods.world.token("read:package");
    let registry = pods.world.registry();
    let name = "node-with-a-login";
    let _node = Node::start(name, Some([&registry, "admin", &token]));
    let there = json!({"nodeName": name});

    // Every pod of the node pulls with it, and gets what another has pulled.
    pods.pod_with("plain", &image, &[], &there);
    pods.runs("plain");
    let before = pods.asked("admin/app");
    pods.pod_with(
        "again",
        &image,
        &[],
        &json!({"nodeName": name, "imagePullPolicy": "IfNotPresent"}),
    );
    pods.runs("again");
    assert_eq!(pods.asked("admin/app"), before);

    // It dies, and a pod without a Secret has no other.
    pods.world.gitea.revoke(&token);
    pods.well();
    pods.pod_with("later", &image, &[], &there);
    pods.stuck("later");
    let found = pods.finding("later");
    assert_eq!(found["code"], "pod-without-secret", "{found:#}");
    // A Secret comes before it.
    pods.pod_with("named", &image, &[SECRET], &there);
    pods.runs("named");

    for pod in ["plain", "again", "later", "named"] {
        pods.delete(pod);
    }
}
