//! What is read of a workload and of a pod.

use super::*;
use serde_json::{Value, json};

pub fn registries() -> Vec<Registry> {
    vec!["gitea.example.com".parse().unwrap()]
}

pub fn workload(resource: Resource, object: &Value) -> Workload {
    let mut raw: Raw = serde_json::from_value(object.clone()).unwrap();
    raw.metadata.namespace = "honeydue".to_owned();
    Workload::new(resource, raw, &Registries::new(&registries())).unwrap()
}

#[test]
fn every_place_that_names_an_image_counts() {
    let image = "gitea.example.com/owner/app:1";
    for (pod, pulls) in [
        (
            json!({"containers": [{"name": "a", "image": "nginx"}, {"name": "b", "image": image}]}),
            true,
        ),
        (
            json!({"containers": [], "initContainers": [{"name": "a", "image": image}]}),
            true,
        ),
        (
            json!({"containers": [], "ephemeralContainers": [{"name": "a", "image": image}]}),
            true,
        ),
        (
            json!({"containers": [], "volumes": [{"name": "v", "image": {"reference": image}}]}),
            true,
        ),
        (
            json!({"containers": [{"name": "a", "image": "gitea.example.com.evil/app"}]}),
            false,
        ),
        (
            json!({"containers": [{"name": "a", "image": "ghcr.io/gitea.example.com/app"}]}),
            false,
        ),
        (
            json!({"containers": [{"name": "a", "image": "gitea.example.com:3000/app"}]}),
            false,
        ),
        (json!({"containers": [{"name": "a"}]}), false),
    ] {
        let made = |resource, spec: Value| workload(resource, &json!({"metadata": {}, "spec": spec})).pulls();
        assert_eq!(made(Resource::Pods, pod.clone()), pulls, "{pod}");
        assert_eq!(
            made(Resource::Deployments, json!({"template": {"spec": pod}})),
            pulls,
            "{pod}"
        );
        let job = json!({"jobTemplate": {"spec": {"template": {"spec": pod}}}});
        assert_eq!(made(Resource::CronJobs, job), pulls, "{pod}");
    }
}

#[test]
fn only_a_pull_from_the_registry_is_stuck() {
    let stuck = |image: &str, containers: &str, statuses: &str, reason: &str| {
        let object = json!({
            "metadata": {},
            "spec": {containers: [{"name": "a", "image": image}, {"name": "b", "image": "gitea.example.com/b"}]},
            "status": {statuses: [{"name": "a", "state": {"waiting": {"reason": reason}}}, {"name": "b", "state": {"running": {}}}]},
        });
        let pod = workload(Resource::Pods, &object);
        pod.stuck(&Registries::new(&registries())).map(str::to_owned)
    };
    let (main, init) = (
        ("containers", "containerStatuses"),
        ("initContainers", "initContainerStatuses"),
    );
    let image = "gitea.example.com/a";
    for (image, (containers, statuses), reason, is_stuck) in [
        (image, main, "ErrImagePull", true),
        (image, main, "ImagePullBackOff", true),
        (image, init, "ImagePullBackOff", true),
        (image, main, "CrashLoopBackOff", false),
        (image, main, "InvalidImageName", false),
        ("ghcr.io/a", main, "ImagePullBackOff", false),
    ] {
        assert_eq!(
            stuck(image, containers, statuses, reason).is_some(),
            is_stuck,
            "{image} {statuses} {reason}"
        );
    }
}

#[test]
fn fields_of_null_and_of_other_versions_are_taken() {
    let odd = json!({"metadata": {}, "spec": {"replicas": 1, "strategy": {"type": "Recreate"}, "new": {"x": 1}}, "status": {}});
    assert!(!workload(Resource::Deployments, &odd).pulls());
    assert!(!workload(Resource::Pods, &json!({"metadata": {}, "spec": {}})).is_over);
}

/// kubelet's reason can be the text of a decoder, which quotes what it read.
#[test]
fn what_kubelet_says_of_a_pod_is_fit_to_be_shown() {
    let text = format!("illegal base64 data at input byte 4\n{}", "x".repeat(2000));
    let pod = json!({
        "metadata": {},
        "spec": {"containers": [{"name": "a", "image": "gitea.example.com/a"}]},
        "status": {"containerStatuses": [{"name": "a", "state": {"waiting": {"reason": text, "message": text}}}]},
    });
    let pod = workload(Resource::Pods, &pod);
    let (_, waiting) = pod.waiting().next().unwrap();
    assert_eq!(waiting.said, PullFailure::Undecodable);
    for shown in [&waiting.reason, &waiting.message] {
        assert!(!shown.contains(char::is_control) && shown.len() < 1100, "{shown}");
    }
}
