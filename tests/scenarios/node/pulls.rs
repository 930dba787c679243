//! A private image, and who may pull it: with the pull Secret, through the ServiceAccount, while the token is rotated.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::fixture::{Pods, is_about};
use crate::status::fixture::SECRET;
use crate::support::part::until;
use crate::support::parts::{GITEA, NODE, REAL_PARTS};

const PASSWORD: &str = "password of admin";

scenario!(secrets_and_accounts, needs(REAL_PARTS, GITEA, NODE, "sh", "kubectl"));
pub fn secrets_and_accounts() {
    let pods = Pods::new();
    let image = pods.image("admin/app:1");
    pods.world.login("cluster", "read:package");

    // Nothing to log in with, and the command that mends it.
    let spec = pods.spec(&image, &[], &json!({}));
    pods.deployment("web", &spec, 1);
    let stuck = pods.stuck_of("web");
    let found = pods.finding(&stuck);
    assert_eq!(found["code"], "pod-without-secret", "{found:#}");
    pods.type_in(&found);
    pods.runs_of("web", 1);
    let now = pods.pods_of("web");
    assert_ne!(now, [stuck], "a pod keeps the list that it was made with");
    let pod = pods.find("pod", &now[0]).unwrap();
    assert_eq!(pod["spec"]["imagePullSecrets"], json!([{"name": SECRET}]));

    // Made before its ServiceAccount had the Secret.
    pods.apply(&json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "late"}}));
    let spec = pods.spec(&image, &[], &json!({"serviceAccountName": "late"}));
    pods.deployment("late", &spec, 1);
    let stuck = pods.stuck_of("late");
    let attach = "sync -n [NAMESPACE] --registry [REGISTRY] --service-account late";
    pods.world.regcred(attach).done();
    let found = pods.finding(&stuck);
    assert_eq!(found["code"], "pod-older-than-account", "{found:#}");
    pods.type_in(&found);
    pods.runs_of("late", 1);

    // A Secret that comes later is enough for a pod that names it: kubelet looks again by itself.
    pods.pod("named", &image, &["own"]);
    pods.stuck("named");
    let made = pods.find("pod", "named").unwrap();
    let found = pods.finding("named");
    assert_eq!(found["code"], "pod-secret-missing", "{found:#}");
    pods.type_in(&found);
    pods.runs("named");
    let runs = pods.find("pod", "named").unwrap();
    assert_eq!(runs["metadata"]["uid"], made["metadata"]["uid"], "nobody made it again");

    let findings = pods.findings();
    let of_pods = findings.iter().filter(|finding| finding["object"]["kind"] == "pod");
    assert_eq!(of_pods.count(), 0, "{findings:#?}");
}

scenario!(
    rotated_while_pods_restart,
    needs(REAL_PARTS, GITEA, NODE, "sh", "kubectl")
);
pub fn rotated_while_pods_restart() {
    let pods = Pods::new();
    let image = pods.image("admin/app:1");
    let first = pods.well();
    let spec = pods.spec(&image, &[SECRET], &json!({}));
    pods.deployment("web", &spec, 2);
    pods.runs_of("web", 2);

    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // One pod after the other goes, and another comes that pulls.
        let restarts = scope.spawn(|| {
            loop {
                if let Some(pod) = pods.pods_of("web").first() {
                    pods.kubectl(&["delete", "pod", pod, "--ignore-not-found"]);
                }
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
            }
        });
        let rotate = "rotate [REGISTRY] --use cluster -n [NAMESPACE] --mint --token-name rotated --password-stdin";
        let ran = pods.world.regcred_with(rotate, PASSWORD);
        is_over.store(true, Ordering::SeqCst);
        assert_eq!(ran.code, 0, "{ran}");
        restarts.join().unwrap();
    });
    assert!(!pods.world.gitea.knows("admin", &first), "the old token is revoked");
    pods.runs_of("web", 2);

    // Every pod made anew by the rotation itself; it waits for them.
    let before = pods.pods_of("web");
    let rotate =
        "rotate [REGISTRY] --use cluster -n [NAMESPACE] --mint --token-name again --password-stdin --restart --wait";
    let ran = pods.world.regcred_with(rotate, PASSWORD);
    assert_eq!(ran.code, 0, "{ran}");
    until("the pods of before are gone", || {
        let now = pods.pods_of("web");
        before.iter().all(|pod| !now.contains(pod))
    });
    pods.runs_of("web", 2);

    // With the token that is left.
    for pod in pods.pods_of("web") {
        pods.delete(&pod);
    }
    pods.runs_of("web", 2);
    let findings = pods.findings();
    let mut of_web = pods.pods_of("web").into_iter();
    let stuck = of_web.any(|pod| findings.iter().any(|finding| is_about(finding, &pod)));
    assert!(!stuck, "{findings:#?}");
}
