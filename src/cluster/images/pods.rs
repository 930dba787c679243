//! The images of pods and of what makes pods.

use super::need::{Collector, How, ImageUse, InvalidImage, Needed, PodSide};
use crate::cluster::resource::Resource;
use crate::cluster::untrusted::untrusted;
use crate::cluster::workload::model::Controller;
use crate::cluster::workload::raw::{ContainerStatus, Raw, Spec, Status, names};
use crate::model::{Digest, ImageReference, Namespace, Registry};

/// What stands before the digest in an `imageID` of Docker.
const DOCKER_SCHEMES: [&str; 2] = ["docker-pullable://", "docker://"];
/// The most images with invalid names that are reported.
const MAX_INVALID: usize = 100;

/// Adds the images of a workload or pod.
pub(super) fn add(collector: &mut Collector, registries: &[Registry], resource: Resource, raw: Raw) {
    let Raw { metadata, spec, status } = raw;
    let Ok(namespace) = metadata.namespace.parse::<Namespace>() else {
        return;
    };
    let controller = Controller::of(&metadata.owner_references);
    let how = how(resource, controller.is_some(), &status);
    let pod = spec.into_pod();
    let side = PodSide {
        pull_secrets: names(&pod.image_pull_secrets),
        account: pod.service_account_name.clone(),
        node: Some(pod.node_name.clone()).filter(|node| !node.is_empty()),
        node_selector: pod.node_selector.clone(),
        has_node_affinity: pod.affinity.node_affinity.is_some(),
    };
    let object = untrusted(&format!("{}/{}", resource.qualified(), metadata.name));
    for (container, image) in images(&pod) {
        let running = running(&status, container);
        let used = ImageUse {
            namespace: Some(namespace.clone()),
            object: object.clone(),
            controller: controller.as_ref().map(|controller| controller.shown.clone()),
            container: untrusted(container),
            how: how.clone(),
            is_named: true,
            running: running.as_ref().map(|(_, digest)| digest.clone()),
            pod: Some(side.clone()),
        };
        add_image(collector, registries, image, running, used);
    }
}

fn add_image(
    collector: &mut Collector,
    registries: &[Registry],
    image: &str,
    running: Option<(Option<ImageReference>, Digest)>,
    used: ImageUse,
) {
    let is_asked_about = |registry: &Registry| registries.contains(registry);
    let Ok(reference) = image.parse::<ImageReference>() else {
        let is_ours = Registry::of_image(image).is_some_and(|registry| is_asked_about(&registry));
        if is_ours && used.how.can_run() && collector.invalid.len() < MAX_INVALID {
            let image = untrusted(image);
            collector.invalid.push(InvalidImage { image, used });
        }
        return;
    };
    // The node may have pulled the same content under another name, which then is what it would ask for again.
    let is_ours = is_asked_about(reference.registry());
    let by_node = || ImageUse {
        is_named: false,
        ..used.clone()
    };
    match running {
        Some((Some(pulled), _)) if is_asked_about(pulled.registry()) => {
            collector.add(Needed::Image(pulled), by_node());
        }
        Some((None, id)) if is_ours => collector.add(Needed::Id(id), by_node()),
        _ => {}
    }
    if is_ours {
        collector.add(Needed::Image(reference), used);
    } else {
        collector.passed_over += 1;
    }
}

fn how(resource: Resource, has_controller: bool, status: &Status) -> How {
    let is_over = || {
        let mut conditions = status.conditions.iter();
        conditions
            .any(|condition| matches!(condition.kind.as_str(), "Complete" | "Failed") && condition.status == "True")
    };
    match resource {
        Resource::Pods if matches!(status.phase.as_str(), "Succeeded" | "Failed") => How::Finished,
        Resource::Pods => How::Runs,
        Resource::Jobs if is_over() => How::Finished,
        Resource::ReplicaSets if has_controller => How::Rollback,
        _ => How::Template,
    }
}

/// The images of a pod, with the names of their containers or volumes.
fn images(pod: &Spec) -> impl Iterator<Item = (&str, &str)> {
    let containers = pod.init_containers.iter().chain(&pod.containers);
    let containers = containers.chain(&pod.ephemeral_containers);
    let volumes = pod.volumes.iter().filter_map(|volume| {
        let image = volume.image.as_ref()?;
        Some((volume.name.as_str(), image.reference.as_str()))
    });
    containers
        .map(|container| (container.name.as_str(), container.image.as_str()))
        .chain(volumes)
        .filter(|(_, image)| !image.is_empty())
}

/// What a container has, as the node says: the name that it was pulled by, if it says one, and the digest.
fn running(status: &Status, container: &str) -> Option<(Option<ImageReference>, Digest)> {
    let statuses = status.container_statuses.iter();
    let mut statuses = statuses
        .chain(&status.init_container_statuses)
        .chain(&status.ephemeral_container_statuses);
    let ContainerStatus { image_id, .. } = statuses.find(|status| status.name == container)?;
    let id = DOCKER_SCHEMES.iter().find_map(|scheme| image_id.strip_prefix(scheme));
    let id = id.unwrap_or(image_id);
    if let Ok(digest) = id.parse() {
        return Some((None, digest));
    }
    let reference: ImageReference = id.parse().ok()?;
    let digest = reference.digest()?.clone();
    Some((Some(reference), digest))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::cluster::images::need::Needs;
    use serde_json::{Value, json};

    const HEX: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    fn needs(resource: Resource, object: Value) -> Needs {
        let mut collector = Collector::default();
        let registries = ["git.example.com".parse().unwrap()];
        add(
            &mut collector,
            &registries,
            resource,
            serde_json::from_value(object).unwrap(),
        );
        collector.finish(Vec::new())
    }

    /// `what container how`
    fn shown(needs: &Needs) -> Vec<String> {
        let uses = needs
            .needs
            .iter()
            .flat_map(|need| need.uses.iter().map(move |used| (need, used)));
        uses.map(|(need, used)| format!("{} {} {}", need.needed, used.container, used.how))
            .collect()
    }

    fn pod(status: &Value) -> Value {
        json!({
            "metadata": {"name": "api-1", "namespace": "web"},
            "spec": {
                "nodeName": "node-1",
                "imagePullSecrets": [{"name": "pull"}],
                "initContainers": [{"name": "init", "image": "git.example.com/a/init:1"}],
                "containers": [
                    {"name": "main", "image": "git.example.com/a/app:1"},
                    {"name": "hub", "image": "nginx"},
                    {"name": "bad", "image": "git.example.com/A/app"},
                ],
                "ephemeralContainers": [{"name": "debug", "image": "git.example.com/a/debug"}],
                "volumes": [{"name": "data", "image": {"reference": format!("git.example.com/a/data@sha256:{HEX}")}}],
            },
            "status": status,
        })
    }

    #[test]
    fn every_image_of_a_pod_is_needed() {
        let statuses = json!([
            {"name": "main", "imageID": format!("git.example.com/b/other@sha256:{HEX}")},
            {"name": "hub", "imageID": format!("docker.io/library/nginx@sha256:{HEX}")},
        ]);
        let init =
            json!([{"name": "init", "imageID": format!("docker-pullable://git.example.com/a/init@sha256:{HEX}")}]);
        let debug = json!([{"name": "debug", "imageID": format!("sha256:{HEX}")}]);
        let status = json!({
            "phase": "Running", "containerStatuses": statuses, "initContainerStatuses": init, "ephemeralContainerStatuses": debug,
        });
        let needs = needs(Resource::Pods, pod(&status));
        let expected = [
            "git.example.com/a/app:1 main runs".to_owned(),
            "git.example.com/a/debug debug runs".to_owned(),
            "git.example.com/a/init:1 init runs".to_owned(),
            format!("git.example.com/a/data@sha256:{HEX} data runs"),
            format!("git.example.com/a/init@sha256:{HEX} init runs"),
            format!("git.example.com/b/other@sha256:{HEX} main runs"),
            format!("sha256:{HEX} debug runs"),
        ];
        assert_eq!(BTreeSet::from_iter(shown(&needs)), BTreeSet::from(expected));
        assert_eq!(needs.passed_over, 1);
        assert_eq!(needs.invalid[0].image, "git.example.com/A/app");
        let side = needs.needs[0].uses[0].pod.as_ref().unwrap();
        assert_eq!(
            (side.pull_secrets.as_slice(), side.node.as_deref()),
            (&["pull".to_owned()][..], Some("node-1"))
        );
    }

    #[test]
    fn templates_and_what_can_be_rolled_back_to_are_told_apart() {
        let template = json!({"spec": {"containers": [{"name": "c", "image": "git.example.com/a/app:1"}]}});
        let owner =
            json!([{"apiVersion": "apps/v1", "kind": "Deployment", "name": "api", "uid": "1", "controller": true}]);
        let over = json!({"conditions": [{"type": "Complete", "status": "True"}]});
        for (resource, spec, owners, status, how) in [
            (
                Resource::Deployments,
                json!({"replicas": 0, "template": template}),
                json!([]),
                json!({}),
                How::Template,
            ),
            (
                Resource::ReplicaSets,
                json!({"replicas": 0, "template": template}),
                owner,
                json!({}),
                How::Rollback,
            ),
            (
                Resource::ReplicaSets,
                json!({"template": template}),
                json!([]),
                json!({}),
                How::Template,
            ),
            (
                Resource::ReplicationControllers,
                json!({"template": template}),
                json!([]),
                json!({}),
                How::Template,
            ),
            (
                Resource::Jobs,
                json!({"template": template}),
                json!([]),
                json!({}),
                How::Template,
            ),
            (
                Resource::Jobs,
                json!({"template": template}),
                json!([]),
                over,
                How::Finished,
            ),
            (
                Resource::CronJobs,
                json!({"suspend": true, "jobTemplate": {"spec": {"template": template}}}),
                json!([]),
                json!({}),
                How::Template,
            ),
        ] {
            let metadata = json!({"name": "api", "namespace": "web", "ownerReferences": owners});
            let needs = needs(resource, json!({"metadata": metadata, "spec": spec, "status": status}));
            assert_eq!(needs.needs.len(), 1, "{resource:?}");
            assert_eq!(needs.needs[0].uses[0].how, how, "{resource:?}");
        }
        let finished = needs(Resource::Pods, pod(&json!({"phase": "Succeeded"})));
        assert!(
            finished
                .needs
                .iter()
                .flat_map(|need| &need.uses)
                .all(|used| !used.how.can_run())
        );
    }
}
