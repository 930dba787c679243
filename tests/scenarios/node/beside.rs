//! `status` where one pod runs and another waits for its image, as an operator meets them: nothing is told of the one, and
//! everything of the other.

use serde_json::Value;

use super::fixture::{Pods, is_about};
use crate::status::fixture::SECRET;
use crate::support::parts::{GITEA, NODE, REAL_PARTS};

/// `status --pod`: what became of the pod's image, and what is said of the one token that kubelet tries.
fn of_pod(pods: &Pods, pod: &str) -> (String, String) {
    let line = format!("status --pod [NAMESPACE]/{pod} -o json");
    let document: Value = serde_json::from_str(&pods.world.regcred(&line).stdout).unwrap();
    let text = |value: &Value| value.as_str().unwrap_or_else(|| panic!("{document:#}")).to_owned();
    let image = &document["images"][0];
    assert_eq!(image["tries"].as_array().map(Vec::len), Some(1), "{document:#}");
    (text(&image["outcome"]), text(&image["tries"][0]["token"]))
}

scenario!(one_runs_and_one_waits, needs(REAL_PARTS, GITEA, NODE, "sh", "kubectl"));
pub fn one_runs_and_one_waits() {
    let pods = Pods::new();
    let world = &pods.world;
    let first = pods.well();
    pods.pod("web", &pods.image("admin/app:1"), &[SECRET]);
    pods.runs("web");
    pods.all_is_well();

    // A tag that nobody has pushed.
    pods.pod("next", &pods.image("admin/app:2"), &[SECRET]);
    pods.stuck("next");
    let only_about = |code: &str, pod: &str| {
        let ran = world.regcred("status -n [NAMESPACE]");
        assert_eq!(ran.code, 3, "{ran}");
        assert!(ran.stdout.contains(&format!("{code}: ")), "{ran}");
        let mut findings = pods.findings();
        findings.retain(|finding| finding["object"]["kind"] == "pod");
        assert_eq!(findings.len(), 1, "{findings:#?}");
        assert!(
            is_about(&findings[0], pod) && findings[0]["code"] == code,
            "{findings:#?}"
        );
    };
    only_about("pod-image-missing", "next");
    let accepted = "the keychain's token for clusters; [REGISTRY] accepts it".to_owned();
    assert_eq!(of_pod(&pods, "web"), ("pulled".to_owned(), accepted.clone()));
    assert_eq!(of_pod(&pods, "next"), ("waiting".to_owned(), accepted));
    pods.push("admin/app:2", &["amd64"]);
    pods.runs("next");
    pods.all_is_well();

    // The token is revoked: who runs goes on, who is made again waits.
    world.gitea.revoke(&first);
    pods.delete("next");
    pods.pod("next", &pods.image("admin/app:2"), &[SECRET]);
    pods.stuck("next");
    pods.runs("web");
    only_about("pod-token-rejected", "next");
    for (pod, outcome) in [("web", "pulled"), ("next", "waiting")] {
        let (became, token) = of_pod(&pods, pod);
        assert_eq!(became, outcome);
        assert!(token.contains("does not accept"), "{token}");
    }
    pods.well();
    pods.runs("next");
    pods.all_is_well();
}
