//! What buildx itself makes, and what cosign itself writes: listed, protected, pruned, and brought back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::fixture::{DAY, ON_DOUBLES, ON_GITEA, Stage};
use crate::support::buildkit::{Buildkit, scanner};
use crate::support::gitea::sha256;
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

/// What cosign 3.0.4 wrote to a Gitea 1.26.4: an image, its manifests in the order of their pushes, and their blobs.
/// `cosign/README.md` says how.
struct Written(&'static str);

impl Written {
    /// Pushes it, each manifest a day before the next; the digest of each tag of an image.
    fn push(&self, stage: &Stage) -> BTreeMap<String, String> {
        let Self(name) = self;
        let image = format!("admin/{name}");
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios/images/cosign");
        let file = folder.join(format!("{name}.json"));
        let written: Value = serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap();
        for blob in written["blobs"].as_array().unwrap() {
            stage
                .pusher
                .blob(&image, "", &STANDARD.decode(blob.as_str().unwrap()).unwrap());
        }
        let mut tags = BTreeMap::new();
        for row in written["versions"].as_array().unwrap() {
            let [version, kind, manifest] = ["version", "mediaType", "manifest"].map(|key| row[key].as_str().unwrap());
            stage.pusher.put(&image, version, kind, manifest);
            stage.age(DAY);
            if !version.starts_with("sha256") {
                tags.insert(version.to_owned(), sha256(manifest.as_bytes()));
            }
        }
        tags
    }
}

scenario!(what_cosign_writes, on(ON_DOUBLES, ON_GITEA));
/// Signatures, attestations and SBOMs under tags that tell their subject; the same as referrers; and as bundles.
fn what_cosign_writes(stage: &Stage) {
    for (name, with, endings) in [
        (
            "tagged",
            "1 signature, 1 attestation, 1 SBOM",
            &[".att", ".sbom", ".sig"][..],
        ),
        ("referred", "1 signature, 1 SBOM", &[""]),
        ("bundled", "1 signature, 1 attestation", &[""]),
    ] {
        let image = &format!("admin/{name}");
        let digests = Written(name).push(stage);
        let pulls = |reference: &str| stage.pusher.pull(image, reference);
        let all = stage.rows(image);
        // By tag: what describes it.
        let described = ["1", "2"].map(|tag| {
            let item = stage.listed(image, tag);
            assert_eq!(item["digest"], digests[tag], "{item}");
            let found: Vec<&str> = item["describedBy"]
                .as_array()
                .unwrap()
                .iter()
                .map(|name| name.as_str().unwrap())
                .collect();
            for ending in endings {
                let name = format!("{}{ending}", digests[tag].replace(':', "-"));
                assert!(found.contains(&name.as_str()), "{name}: {item}");
            }
            found.into_iter().map(str::to_owned).collect::<BTreeSet<String>>()
        });
        let others: usize = described.iter().map(BTreeSet::len).sum();
        assert_eq!(
            others + 2,
            all.len(),
            "everything describes one of both: {described:?} {all:?}"
        );
        let ran = stage.images(&format!("list {image}"));
        assert_eq!(ran.stdout.matches(with).count(), 2, "{ran}");

        // They are no tags that count, and stay with their subject while it is set aside.
        stage.images(&format!("prune {image} --keep 1 --yes")).done();
        assert!(pulls("1").is_err());
        for name in described
            .iter()
            .flatten()
            .chain([&"2".to_owned(), &stage.aside(image, "1")])
        {
            assert!(pulls(name).is_ok(), "{name}");
        }
        stage.images(&format!("restore {image}:1")).done();
        assert_eq!(stage.rows(image), all);

        // With their subject they go for good; those of the other one stay. Restored, the old one is the newest.
        stage.age(DAY);
        stage.images(&format!("prune {image} --keep 1 --grace 0 --yes")).done();
        let mut left = described[0].clone();
        left.insert("1".to_owned());
        assert_eq!(stage.rows(image), left);
        for name in &left {
            assert!(pulls(name).is_ok(), "{name}");
        }
    }
}

scenario!(signatures_in_an_image_of_their_own_stay, on(ON_DOUBLES, ON_GITEA));
/// `COSIGN_REPOSITORY`: what they sign is in another image.
fn signatures_in_an_image_of_their_own_stay(stage: &Stage) {
    let names = ["app", "signatures", "bundles"];
    for name in names {
        Written(name).push(stage);
    }
    let rows = || names.map(|name| stage.rows(&format!("admin/{name}")));
    let all = rows();
    for selected in ["admin", "admin/signatures admin/bundles"] {
        let ran = stage.images(&format!("prune {selected} --keep 1 --grace 0 --yes"));
        assert_eq!(ran.code, 0, "{ran}");
        assert_eq!(rows(), all, "{selected}: {ran}");
    }
}
