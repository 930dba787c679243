//! Killed at every write of the ledger: the file is whole, and no place of the token is forgotten.

#![allow(
    clippy::print_stderr,
    reason = "how many kills there were is a figure that is asked for"
)]

use regcred::model::Use;
use serde_json::Value;

use super::fixture::Rotation;
use crate::support::PLUGIN;
use crate::support::part::is_in_sample;
use crate::support::parts::{REAL_PARTS, STRACE};
use crate::support::world::{Ran, World};

/// What the ledger's file is written with: the new file, its name, and the lock before them.
const OF_A_WRITE: [&str; 3] = ["fsync", "rename", "flock"];

impl Rotation {
    /// Runs it with the `when`-th of these calls as its last one.
    fn killed(&self, call: &str, when: usize, line: &str) -> Ran {
        let line = line.replace("[REGISTRY]", &self.world.registry());
        let mut command = self.world.command("strace");
        command.args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("trace={call}")]);
        command.args(["-e", &format!("inject={call}:signal=KILL:when={when}")]);
        command.arg(PLUGIN).args(line.split_whitespace());
        self.world.run(&mut command, "")
    }

    /// The Secrets that the ledger knows: each `NAMESPACE`, and which token it is to hold.
    fn known(&self, when: &str) -> Vec<(String, String)> {
        let ran = self.world.regcred("where --offline -o json");
        assert_eq!(ran.code, 0, "{when}: {ran}");
        let document: Value = serde_json::from_str(&ran.stdout).unwrap();
        let text = |item: &Value, key: &str| {
            item[key]
                .as_str()
                .unwrap_or_default()
                .replace("[NAMESPACE]", &self.world.namespace)
        };
        let items = document["items"].as_array().unwrap().iter();
        let secrets = items.filter(|item| item["kind"] == "secret");
        secrets
            .map(|item| (text(item, "namespace"), text(item, "token")))
            .collect()
    }

    /// What a killed process leaves in the folder is gone after the next one.
    fn is_swept(&self, when: &str) {
        let folder = std::fs::read_dir(self.world.home().join(".local/state/regcred")).unwrap();
        let mut names: Vec<_> = folder
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        // The lock of a rotation stays, as the ledger's does.
        names.retain(|name| !name.starts_with("rotate-"));
        names.sort();
        assert_eq!(names, ["installation", "ledger.json", "ledger.lock"], "{when}");
    }
}

scenario!(a_rotation_is_killed, needs(REAL_PARTS, STRACE));
fn a_rotation_is_killed() {
    let mut rotation = Rotation::with(World::of_real_parts(), Use::Cluster, &["team-b"]);
    let mut runs = 0;
    for (shift, call) in OF_A_WRITE.into_iter().enumerate() {
        for number in (0..).filter(|number| is_in_sample(number + shift)) {
            rotation.again();
            let token = rotation.another_token();
            rotation.world.variables.insert("NEW_TOKEN".to_owned(), token.into());
            let begin = format!(
                "rotate [REGISTRY] --use cluster --token-env NEW_TOKEN {}",
                rotation.flags()
            );
            let ran = rotation.killed(call, number + 1, &begin);
            let when = format!("killed before {call} {number}");
            rotation.check(&when);
            for namespace in &rotation.namespaces {
                let known = rotation.known(&when);
                assert!(
                    known.iter().any(|(name, _)| name == namespace),
                    "{when}: {namespace} of {known:?}"
                );
            }
            if ran.code != -1 {
                assert_eq!(ran.code, 0, "{ran}");
                break;
            }
            runs += 1;
            rotation.rotate("--resume --password-stdin").done();
            rotation.check_ended(&when);
            rotation.is_swept(&when);
        }
    }
    // After all of that it is found by the ledger alone.
    for namespace in &rotation.namespaces {
        let change = serde_json::json!({"metadata": {"labels": null}});
        rotation
            .world
            .plane
            .patch_secret(namespace, super::fixture::SECRET, &change);
    }
    rotation.again();
    let token = rotation.another_token();
    rotation.world.variables.insert("NEW_TOKEN".to_owned(), token.into());
    rotation.rotate("--token-env NEW_TOKEN --password-stdin").done();
    rotation.check_ended("without labels");
    assert!(!rotation.works(&rotation.old), "it is revoked");
    let current = rotation
        .known("at the end")
        .into_iter()
        .filter(|(_, token)| token == "current");
    assert_eq!(current.count(), rotation.namespaces.len());
    eprintln!("rotate/ledger: {runs} rotations killed at writes of the ledger");
    assert!(runs > 0);
}

scenario!(a_sync_is_killed, needs(REAL_PARTS, STRACE));
fn a_sync_is_killed() {
    let rotation = Rotation::with(World::of_real_parts(), Use::Cluster, &[]);
    let mut runs = 0;
    for (shift, call) in OF_A_WRITE.into_iter().enumerate() {
        for number in (0..).filter(|number| is_in_sample(number + shift)) {
            let namespace = rotation.world.another_namespace("team-c");
            let ran = rotation.killed(call, number + 1, &format!("sync -n {namespace}"));
            let when = format!("killed before {call} {number}");
            let is_known = |known: &[(String, String)]| known.iter().any(|(name, _)| *name == namespace);
            // What was written was noted before.
            let is_written = rotation.held(&namespace).is_some();
            assert!(
                !is_written || is_known(&rotation.known(&when)),
                "{when}: it is written, and forgotten"
            );
            if ran.code != -1 {
                assert!(ran.code == 0 && is_written, "{ran}");
                break;
            }
            runs += 1;
            rotation.world.regcred(&format!("sync -n {namespace}")).done();
            assert!(is_known(&rotation.known(&when)), "{when}");
            rotation.is_swept(&when);
        }
    }
    eprintln!("rotate/ledger: {runs} runs of sync killed at writes of the ledger");
    assert!(runs > 0);
}
