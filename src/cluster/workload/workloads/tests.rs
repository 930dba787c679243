//! Which workloads use a Secret.

use super::*;
use serde_json::{Value, json};

pub(in crate::cluster) fn workload(resource: Resource, object: &Value) -> Workload {
    let raw = serde_json::from_value(object.clone()).unwrap();
    Workload::new(resource, raw, &["gitea.example.com".parse().unwrap()])
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
        let made = |resource, spec: Value| workload(resource, &json!({"metadata": {}, "spec": spec})).pulls;
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
    let stuck = |image: &str, list: &str, reason: &str| {
        workload(
            Resource::Pods,
            &json!({
                "metadata": {},
                "spec": {"containers": [{"name": "a", "image": image}, {"name": "b", "image": "gitea.example.com/b"}]},
                "status": {list: [{"name": "a", "state": {"waiting": {"reason": reason}}}, {"name": "b", "state": {"running": {}}}]},
            }),
        )
        .stuck
    };
    let image = "gitea.example.com/a";
    for (image, list, reason, is_stuck) in [
        (image, "containerStatuses", "ErrImagePull", true),
        (image, "containerStatuses", "ImagePullBackOff", true),
        (image, "initContainerStatuses", "ImagePullBackOff", true),
        (image, "containerStatuses", "CrashLoopBackOff", false),
        (image, "containerStatuses", "InvalidImageName", false),
        ("ghcr.io/a", "containerStatuses", "ImagePullBackOff", false),
    ] {
        assert_eq!(
            stuck(image, list, reason).is_some(),
            is_stuck,
            "{image} {list} {reason}"
        );
    }
}

#[test]
fn fields_of_null_and_of_other_versions_are_taken() {
    let odd = json!({"metadata": {}, "spec": {"replicas": 1, "strategy": {"type": "Recreate"}, "new": {"x": 1}}, "status": {}});
    assert!(!workload(Resource::Deployments, &odd).pulls);
    assert!(!workload(Resource::Pods, &json!({"metadata": {}, "spec": {}})).is_over);
}
