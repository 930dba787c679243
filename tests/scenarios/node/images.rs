//! `images check` beside a node that pulls: what it says of an image is what kubelet and containerd then do.

use serde_json::{Value, json};

use super::fixture::Pods;
use crate::status::fixture::SECRET;
use crate::support::gitea::{ask, basic};
use crate::support::part::until;
use crate::support::parts::{GITEA, NODE, REAL_PARTS};

/// The codes that it finds, and the images that they are about.
fn found(pods: &Pods) -> Vec<(String, String)> {
    let ran = pods.world.regcred("images check -n [NAMESPACE] -o json");
    let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"));
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let findings = document["findings"].as_array().unwrap().iter();
    let mut found: Vec<_> = findings
        .map(|finding| {
            let name = text(&finding["object"]["name"]);
            (text(&finding["code"]), name.rsplit('/').next().unwrap().to_owned())
        })
        .collect();
    found.sort();
    found
}

fn is(code: &str, image: &str) -> Vec<(String, String)> {
    vec![(code.to_owned(), image.to_owned())]
}

scenario!(
    check_says_what_the_node_does,
    needs(REAL_PARTS, GITEA, NODE, "sh", "kubectl")
);
fn check_says_what_the_node_does() {
    let pods = Pods::new();
    pods.push("admin/app:2", &["amd64", "arm64"]);
    pods.well();
    let spec = |image: &str| pods.spec(&pods.image(image), &[SECRET], &json!({}));

    // An index: the node names what it runs by its digest.
    pods.deployment("web", &spec("admin/app:2"), 1);
    pods.runs_of("web", 1);
    assert_eq!(found(&pods), []);

    // The tag is pushed again, and a new pod has the new image.
    pods.push("admin/app:2", &["amd64"]);
    assert_eq!(found(&pods), is("tag-moved", "app:2"));
    for pod in pods.pods_of("web") {
        pods.delete(&pod);
    }
    pods.runs_of("web", 1);
    assert_eq!(found(&pods), []);

    // What a rollback would need is gone, and the rollback cannot pull.
    pods.deployment("web", &spec("admin/app:1"), 1);
    let is_first = |pod: &Value| pod["spec"]["containers"][0]["image"] == pods.image("admin/app:1");
    until("only the other image runs", || {
        let all = pods.pods();
        all.len() == 1 && all.iter().all(is_first)
    });
    pods.runs_of("web", 1);
    let token = basic("admin", &pods.world.token("write:package"));
    let path = "/api/v1/packages/admin/container/app/2";
    let deleted = ask(&pods.world.gitea.registry(), ("DELETE", path), Some(&token), &[], None);
    assert_eq!(deleted.status, 204, "{deleted:?}");
    assert_eq!(found(&pods), is("image-missing", "app:2"));
    pods.kubectl(&["rollout", "undo", "deployment/web"]);
    until("the rollback is stuck", || {
        let stuck = pods.pods().into_iter().find(|pod| !is_first(pod));
        stuck.is_some_and(|pod| {
            let reason = &pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"];
            reason == "ErrImagePull" || reason == "ImagePullBackOff"
        })
    });
}
