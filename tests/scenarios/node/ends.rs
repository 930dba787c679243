//! A node goes with its test, however that ends.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::fixture::Pods;
use crate::status::fixture::SECRET;
use crate::support::node::Node;
use crate::support::parts::{GITEA, NODE, REAL_PARTS};

scenario!(nothing_is_left, needs(REAL_PARTS, GITEA, NODE, "sh", "kubectl"));
pub fn nothing_is_left() {
    let pods = Pods::new();
    pods.well();
    let node = Node::start("node-that-goes", None);
    let folder = node.folder().to_owned();
    pods.pod_with(
        "api",
        &pods.image("admin/app:1"),
        &[SECRET],
        &json!({"nodeName": "node-that-goes"}),
    );
    pods.runs("api");
    let containers: Vec<PathBuf> = ["sandboxes", "containers"]
        .iter()
        .flat_map(|kind| children(&folder.join("containerd/root/io.containerd.grpc.v1.cri").join(kind)))
        .collect();
    let cgroups = || {
        let places = children(Path::new("/sys/fs/cgroup"))
            .into_iter()
            .chain([PathBuf::from("/sys/fs/cgroup")]);
        let all = places.flat_map(|pods| containers.iter().map(move |one| pods.join(one.file_name().unwrap())));
        all.filter(|cgroup| cgroup.is_dir()).count()
    };
    let processes = || {
        let mut lines = children(Path::new("/proc")).into_iter();
        let name = folder.display().to_string();
        lines.any(|process| {
            std::fs::read(process.join("cmdline")).is_ok_and(|line| String::from_utf8_lossy(&line).contains(&name))
        })
    };
    assert!(
        containers.len() >= 2 && cgroups() >= 2 && processes(),
        "it is looked for in the right places"
    );

    drop(node);
    assert!(!processes(), "a process is left");
    assert_eq!(cgroups(), 0, "a cgroup is left");
    assert!(!folder.exists(), "its folder is left");
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    assert!(!mounts.contains(&folder.display().to_string()), "{mounts}");
    pods.kubectl(&["delete", "pod", "api", "--force", "--grace-period=0"]);
}

fn children(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    entries.filter_map(|entry| Some(entry.ok()?.path())).collect()
}
