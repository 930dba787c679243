//! A private image, and who may pull it: with the pull Secret, through the ServiceAccount, while the token is rotated.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::json;

use super::place::{Place, is_about};
use crate::status::fixture::SECRET;
use crate::support::part::until;
use crate::support::parts::{GITEA, NODE, REAL_PARTS};

const PASSWORD: &str = "password of admin";

scenario!(secrets_and_accounts, needs(REAL_PARTS, GITEA, NODE, "sh", "kubectl"));
pub fn secrets_and_accounts() {
    let place = Place::new();
    let image = place.image("admin/app:1");
    place.world.login("cluster", "read:package");

    // Nothing to log in with, and the command that mends it.
    let spec = place.spec(&image, &[], &json!({}));
    place.deployment("web", &spec, 1);
    let stuck = place.stuck_of("web");
    let found = place.finding(&stuck);
    assert_eq!(found["code"], "pod-without-secret", "{found:#}");
    place.type_in(&found);
    place.runs_of("web", 1);
    let now = place.pods_of("web");
    assert_ne!(now, [stuck], "a pod keeps the list that it was made with");
    let pod = place.find("pod", &now[0]).unwrap();
    assert_eq!(pod["spec"]["imagePullSecrets"], json!([{"name": SECRET}]));

    // Made before its ServiceAccount had the Secret.
    place.apply(&json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "late"}}));
    let spec = place.spec(&image, &[], &json!({"serviceAccountName": "late"}));
    place.deployment("late", &spec, 1);
    let stuck = place.stuck_of("late");
    let attach = "sync -n [NAMESPACE] --registry [REGISTRY] --service-account late";
    place.world.regcred(attach).done();
    let found = place.finding(&stuck);
    assert_eq!(found["code"], "pod-older-than-account", "{found:#}");
    place.type_in(&found);
    place.runs_of("late", 1);

    // A Secret that comes later is enough for a pod that names it: kubelet looks again by itself.
    place.pod("named", &image, &["own"]);
    place.stuck("named");
    let made = place.find("pod", "named").unwrap();
    let found = place.finding("named");
    assert_eq!(found["code"], "pod-secret-missing", "{found:#}");
    place.type_in(&found);
    place.runs("named");
    let runs = place.find("pod", "named").unwrap();
    assert_eq!(runs["metadata"]["uid"], made["metadata"]["uid"], "nobody made it again");

    let findings = place.findings();
    let of_pods = findings.iter().filter(|finding| finding["object"]["kind"] == "pod");
    assert_eq!(of_pods.count(), 0, "{findings:#?}");
}

scenario!(
    rotated_while_pods_restart,
    needs(REAL_PARTS, GITEA, NODE, "sh", "kubectl")
);
pub fn rotated_while_pods_restart() {
    let place = Place::new();
    let image = place.image("admin/app:1");
    let first = place.well();
    let spec = place.spec(&image, &[SECRET], &json!({}));
    place.deployment("web", &spec, 2);
    place.runs_of("web", 2);

    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        // One pod after the other goes, and another comes that pulls.
        let restarts = scope.spawn(|| {
            loop {
                if let Some(pod) = place.pods_of("web").first() {
                    place.kubectl(&["delete", "pod", pod, "--ignore-not-found"]);
                }
                if is_over.load(Ordering::SeqCst) {
                    return;
                }
            }
        });
        let rotate = "rotate [REGISTRY] --use cluster -n [NAMESPACE] --mint --token-name rotated --password-stdin";
        let ran = place.world.regcred_with(rotate, PASSWORD);
        is_over.store(true, Ordering::SeqCst);
        assert_eq!(ran.code, 0, "{ran}");
        restarts.join().unwrap();
    });
    assert!(!place.world.gitea.knows("admin", &first), "the old token is revoked");
    place.runs_of("web", 2);

    // Every pod made anew by the rotation itself; it waits for them.
    let before = place.pods_of("web");
    let rotate =
        "rotate [REGISTRY] --use cluster -n [NAMESPACE] --mint --token-name again --password-stdin --restart --wait";
    let ran = place.world.regcred_with(rotate, PASSWORD);
    assert_eq!(ran.code, 0, "{ran}");
    until("the pods of before are gone", || {
        let now = place.pods_of("web");
        before.iter().all(|pod| !now.contains(pod))
    });
    place.runs_of("web", 2);

    // With the token that is left.
    for pod in place.pods_of("web") {
        place.delete(&pod);
    }
    place.runs_of("web", 2);
    let findings = place.findings();
    let mut of_web = place.pods_of("web").into_iter();
    let stuck = of_web.any(|pod| findings.iter().any(|finding| is_about(finding, &pod)));
    assert!(!stuck, "{findings:#?}");
}
