//! What buildx itself makes: listed, protected, pruned, and brought back, at a real Gitea.

use std::collections::BTreeSet;
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::fixture::{DAY, ON_GITEA, Stage};
use crate::support::buildkit::{Buildkit, scanner};
use crate::support::parts::BUILDKIT;

impl Stage {
    /// A folder for `DOCKER_CONFIG`, with a login that may push.
    fn docker(&self) -> PathBuf {
        let folder = self.world.folder().join("docker");
        std::fs::create_dir_all(&folder).unwrap();
        let token = self.world.gitea.add_token("admin", "write:package");
        let auth = STANDARD.encode(format!("admin:{token}"));
        let file = json!({"auths": {self.world.registry(): {"auth": auth}}});
        std::fs::write(folder.join("config.json"), file.to_string()).unwrap();
        folder
    }

    /// The item with this tag in the list.
    #[track_caller]
    fn listed(&self, image: &str, tag: &str) -> Value {
        let ran = self.images(&format!("list {image} -o json")).done();
        let list: Value = serde_json::from_str(&ran).unwrap();
        let items = list["items"].as_array().unwrap().iter();
        let mut found = items.filter(|item| item["tags"] == json!([tag]));
        found.next().unwrap_or_else(|| panic!("no {tag}: {ran}")).clone()
    }

    /// Everything that the registry has of an image.
    fn rows(&self, image: &str) -> BTreeSet<String> {
        self.world.gitea.versions(image).into_iter().collect()
    }
}

scenario!(what_buildx_makes, on(ON_GITEA), needs(BUILDKIT));
/// For two platforms, each with an attestation of where it comes from and of what it is made of.
fn what_buildx_makes(stage: &Stage) {
    let (world, image) = (&stage.world, "admin/team/app");
    let docker = stage.docker();
    let buildkit = Buildkit::start(world);
    buildkit.introduce(world, &docker, "test");
    let build = |tag: &str, folder: &str, more: &[&str]| {
        let tag = format!("{}/{tag}", world.registry());
        let line = ["build", "--builder", "test", "--push", "--tag", &tag];
        buildkit.buildx(world, &docker, &[&line, more, &[folder]].concat());
    };
    let scanner = scanner(world.folder());
    build("admin/scanner:1", scanner.to_str().unwrap(), &["--provenance=false"]);
    let sbom = format!("--attest=type=sbom,generator={}/admin/scanner:1", world.registry());
    let context = world.folder().join("context");
    std::fs::create_dir_all(&context).unwrap();
    for tag in ["1", "2"] {
        std::fs::write(context.join("Dockerfile"), "FROM scratch\nCOPY file /\n").unwrap();
        std::fs::write(context.join("file"), format!("this is {tag}")).unwrap();
        let attested = [
            "--platform=linux/amd64,linux/arm64",
            "--attest=type=provenance,mode=max",
            &sbom,
        ];
        build(&format!("{image}:{tag}"), context.to_str().unwrap(), &attested);
        stage.age(DAY);
    }
    let (old, new) = (stage.listed(image, "1"), stage.listed(image, "2"));
    for item in [&old, &new] {
        assert_eq!(item["kind"], "index", "{item}");
        assert_eq!(item["platforms"], json!(["linux/amd64", "linux/arm64"]), "{item}");
        assert_eq!(
            (&item["attestations"], &item["missing"]),
            (&json!(2), &json!([])),
            "{item}"
        );
    }
    let index: Value = serde_json::from_str(&stage.pusher.text(image, "1")).unwrap();
    let parts: Vec<&str> = index["manifests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|child| child["digest"].as_str().unwrap())
        .collect();
    assert_eq!(parts.len(), 4, "{index}");
    let attestation: Value = serde_json::from_str(&stage.pusher.text(image, parts[2])).unwrap();
    let kinds = attestation["layers"].to_string();
    assert!(
        kinds.contains("spdx.dev") && kinds.contains("slsa.dev"),
        "{attestation}"
    );

    // A part of it runs: all of it stays.
    stage.run_pod(&format!("{image}@{}", parts[1]));
    let context = world.plane.context();
    let prune = format!("prune admin --keep 1 --yes --context {context}");
    let ran = stage.images(&prune);
    assert!(ran.code == 0 && ran.stdout.contains("pod/app runs it in"), "{ran}");
    assert_eq!(
        stage.pusher.pull(image, "1").as_deref(),
        Ok(old["digest"].as_str().unwrap())
    );
    world.api_server().remove_object("pods", &world.namespace, "app");

    // Set aside and brought back, it is the same.
    stage.images(&prune).done();
    assert!(stage.pusher.pull(image, "1").is_err());
    stage.images(&format!("restore {image}:1")).done();
    assert_eq!(
        stage.pusher.pull(image, "1").as_deref(),
        Ok(old["digest"].as_str().unwrap())
    );

    // For good, nothing is left of it, and the other one is whole. Restored, the old one is the newest.
    stage.age(DAY);
    stage.images(&format!("{prune} --grace 0")).done();
    assert_eq!(
        stage.pusher.pull(image, "1").as_deref(),
        Ok(old["digest"].as_str().unwrap())
    );
    let mut left: BTreeSet<String> = parts.iter().map(|part| (*part).to_owned()).collect();
    left.insert("1".to_owned());
    assert_eq!(stage.rows(image), left);
}
