//! podman, buildah and skopeo in a user namespace, as they run without root: it has a user keyring of its own, and the
//! vault that was unlocked outside is unlocked for them all the same.

use std::process::Command;

use libtest_mimic::Trial;

use super::Server;
use crate::support::scenario::{Need, Part, Table};

const NAMESPACE: [&str; 3] = ["--user", "--map-root-user", "--"];
/// Each with the same private image. The namespace has one user, and nothing to mount with.
const LINES: [&str; 3] = [
    "podman --root [FOLDER]/tmp/graph --runroot [FOLDER]/tmp/run --storage-driver vfs pull --tls-verify=false \
     [REGISTRY]/admin/web:1",
    "buildah --root [FOLDER]/tmp/graph --runroot [FOLDER]/tmp/run --storage-driver vfs pull --policy always \
     --tls-verify=false [REGISTRY]/admin/web:1",
    "skopeo inspect --tls-verify=false docker://[REGISTRY]/admin/web:1",
];

scenarios!(every_client);
fn every_client(table: &Table) -> Vec<Trial> {
    let trials = LINES.into_iter().map(|line| {
        let name = line.split(' ').next().unwrap();
        let needs: [&dyn Need; 4] = [&super::PARTS, &"unshare", &name, &USER_NAMESPACES];
        table.alone(name, &needs, move || rootless(line))
    });
    trials.collect()
}

/// A kernel or a container may forbid user namespaces.
const USER_NAMESPACES: Part = Part::new(|| {
    let works = Command::new("unshare").args(NAMESPACE).arg("true").output();
    if works.is_ok_and(|output| output.status.success()) {
        vec![]
    } else {
        vec!["user namespaces"]
    }
});

fn rootless(line: &str) {
    let server = Server::start();
    server.is_logged_in();
    let line = line
        .replace("[FOLDER]", server.world.folder().to_str().unwrap())
        .replace("[REGISTRY]", &server.world.registry());
    let run = || {
        let mut unshare = server.world.command("unshare");
        unshare.args(NAMESPACE).args(line.split_whitespace());
        server.world.run(&mut unshare, "")
    };
    run().done();
    server.reboots();
    let before = server.world.gitea.requests().len();
    let ran = run();
    let said = format!("docker-credential-gitea: {}\n", super::LOCKED);
    assert!(ran.code != 0 && ran.stderr.contains(&said), "{ran}");
    let shown = server.world.gitea.requests().split_off(before);
    assert!(shown.iter().all(|seen| seen.auth != "basic"), "{shown:?}");
    server.unlocks();
    run().done();
    server.shows_no_secret();
}
