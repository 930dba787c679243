//! Which images run on which nodes. Pure.

use std::collections::BTreeSet;

use crate::cluster::images::{Node, PodSide};

/// Whether a node of this platform, such as `linux/arm64`, runs an image for that one, such as `linux/arm64/v8`.
pub(super) fn fits(node: &str, image: &str) -> bool {
    let parts = |text: &str| {
        let mut parts = text.split('/').map(str::to_lowercase);
        (parts.next().unwrap_or_default(), parts.next().unwrap_or_default())
    };
    let ((node_os, node_kind), (image_os, image_kind)) = (parts(node), parts(image));
    // containerd takes a variant for the smaller machine where there is no other.
    let is_smaller = matches!(
        (node_kind.as_str(), image_kind.as_str()),
        ("amd64", "386") | ("arm64", "arm")
    );
    node_os == image_os && (node_kind == image_kind || is_smaller)
}

/// The platforms of nodes that a pod could be on and that cannot run the image, which is for these platforms.
///
/// If the pod says more about its nodes than labels, only a pod that can run nowhere counts.
pub(super) fn misfits<'a>(nodes: &'a [Node], pod: &PodSide, images: &[String]) -> BTreeSet<&'a str> {
    let is_candidate = |node: &&Node| match &pod.node {
        Some(name) => node.name == *name,
        None => pod
            .node_selector
            .iter()
            .all(|(key, value)| node.labels.get(key) == Some(value)),
    };
    let candidates: BTreeSet<&str> = nodes
        .iter()
        .filter(is_candidate)
        .map(|node| node.platform.as_str())
        .collect();
    let is_misfit = |node: &&str| !images.iter().any(|image| fits(node, image));
    let misfits: BTreeSet<&str> = candidates.iter().copied().filter(is_misfit).collect();
    if pod.has_node_affinity && misfits.len() < candidates.len() {
        return BTreeSet::new();
    }
    misfits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(name: &str, platform: &str, pool: &str) -> Node {
        Node {
            name: name.to_owned(),
            platform: platform.to_owned(),
            labels: [("pool".to_owned(), pool.to_owned())].into(),
        }
    }

    #[test]
    fn variants_and_smaller_machines_fit() {
        for (node, image, is_fit) in [
            ("linux/amd64", "linux/amd64", true),
            ("linux/amd64", "linux/amd64/v2", true),
            ("linux/amd64", "linux/386", true),
            ("linux/arm64", "linux/arm64/v8", true),
            ("linux/arm64", "linux/arm/v7", true),
            ("linux/arm", "linux/arm/v6", true),
            ("linux/arm", "linux/arm64", false),
            ("linux/amd64", "linux/arm64", false),
            ("linux/amd64", "windows/amd64", false),
        ] {
            assert_eq!(fits(node, image), is_fit, "{node} {image}");
        }
    }

    #[test]
    fn only_nodes_that_a_pod_can_be_on_count() {
        let nodes = [node("a", "linux/amd64", "big"), node("b", "linux/arm64", "small")];
        let amd = ["linux/amd64".to_owned()];
        let pod = PodSide::default();
        assert_eq!(misfits(&nodes, &pod, &amd), ["linux/arm64"].into());
        let on = |node: &str| PodSide {
            node: Some(node.to_owned()),
            ..PodSide::default()
        };
        assert!(misfits(&nodes, &on("a"), &amd).is_empty());
        assert_eq!(misfits(&nodes, &on("b"), &amd), ["linux/arm64"].into());
        let selects = |pool: &str| PodSide {
            node_selector: [("pool".to_owned(), pool.to_owned())].into(),
            ..PodSide::default()
        };
        assert!(misfits(&nodes, &selects("big"), &amd).is_empty());
        assert_eq!(misfits(&nodes, &selects("small"), &amd), ["linux/arm64"].into());
        assert!(
            misfits(&nodes, &selects("none"), &amd).is_empty(),
            "no node, and so no pull"
        );
        let careful = PodSide {
            has_node_affinity: true,
            ..PodSide::default()
        };
        assert!(misfits(&nodes, &careful, &amd).is_empty(), "it may say which");
        assert_eq!(misfits(&nodes[1..], &careful, &amd), ["linux/arm64"].into());
    }
}
