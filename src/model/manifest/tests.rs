use serde_json::json;

use super::*;

fn digest(of: &str) -> Digest {
    Digest::of(of.as_bytes())
}

fn descriptor(kind: &str, of: &str) -> Value {
    json!({"mediaType": kind, "digest": digest(of).as_str(), "size": of.len()})
}

fn parse(document: &Value) -> Result<Manifest, ManifestError> {
    Manifest::parse(document.to_string().as_bytes(), None)
}

fn of_image() -> Value {
    json!({
        "schemaVersion": 2, "mediaType": IMAGES[0],
        "config": descriptor(CONFIGS[0], "config"),
        "layers": [descriptor("application/vnd.oci.image.layer.v1.tar+gzip", "layer")],
    })
}

fn with(mut document: Value, name: &str, value: Value) -> Value {
    document[name] = value;
    document
}

#[test]
fn an_image_needs_its_config_and_layers() {
    let manifest = parse(&of_image()).unwrap();
    let blobs: Vec<_> = manifest.blobs().map(|blob| (blob.digest.clone(), blob.size)).collect();
    assert_eq!(blobs, [(digest("config"), 6), (digest("layer"), 5)]);
    assert!(matches!(manifest.content, Content::Image { .. }), "{manifest:?}");
    assert_eq!(manifest.size, of_image().to_string().len() as u64);
    let docker = json!({
        "schemaVersion": 2, "mediaType": IMAGES[1], "config": descriptor(CONFIGS[1], "config"),
        "layers": [descriptor("application/vnd.docker.image.rootfs.diff.tar.gzip", "layer")],
    });
    assert!(matches!(parse(&docker).unwrap().content, Content::Image { .. }));
}

#[test]
fn an_index_needs_its_children_and_knows_attestations() {
    let index = json!({
        "schemaVersion": 2, "mediaType": INDEXES[0],
        "manifests": [
            {"mediaType": IMAGES[0], "digest": digest("a").as_str(), "size": 1,
             "platform": {"os": "linux", "architecture": "arm", "variant": "v7"}},
            {"mediaType": IMAGES[0], "digest": digest("b").as_str(), "size": 1,
             "platform": {"os": "unknown", "architecture": "unknown"},
             "annotations": {REFERENCE_TYPE: "attestation-manifest", REFERENCE_DIGEST: digest("a").as_str()}},
        ],
    });
    let manifest = parse(&index).unwrap();
    assert_eq!(
        manifest.children(),
        [
            Child {
                digest: digest("a"),
                platform: Some("linux/arm/v7".to_owned()),
                attests: None
            },
            Child {
                digest: digest("b"),
                platform: None,
                attests: Some(digest("a"))
            },
        ]
    );
    assert_eq!(manifest.blobs().count(), 0);
}

#[test]
fn what_cannot_run_is_an_artifact() {
    let chart = json!({
        "schemaVersion": 2, "mediaType": IMAGES[0],
        "config": descriptor("application/vnd.cncf.helm.config.v1+json", "config"),
        "layers": [descriptor("application/vnd.cncf.helm.chart.content.v1.tar+gzip", "chart")],
    });
    let signature = with(
        of_image(),
        "layers",
        json!([descriptor(
            "application/vnd.dev.cosign.simplesigning.v1+json",
            "signature"
        )]),
    );
    let referrer = with(
        with(of_image(), "artifactType", json!("application/vnd.example.sbom")),
        "subject",
        descriptor(IMAGES[0], "subject"),
    );
    for (document, kind, subject) in [
        (&chart, "application/vnd.cncf.helm.config.v1+json", None),
        (&signature, "application/vnd.dev.cosign.simplesigning.v1+json", None),
        (&referrer, "application/vnd.example.sbom", Some(digest("subject"))),
    ] {
        let manifest = parse(document).unwrap();
        assert!(
            matches!(&manifest.content, Content::Artifact { kind: found, .. } if found == kind),
            "{manifest:?}"
        );
        assert_eq!(manifest.blobs().count(), 2);
        assert_eq!(manifest.subject, subject);
    }
}

#[test]
fn names_are_read_as_go_reads_them() {
    let mut index = json!({"schemaVersion": 2, "mediaType": INDEXES[0]});
    index["MANIFESTS"] = json!([{
        "Digest": digest("a").as_str(), "size": 1, "Platform": {"OS": "linux", "Architecture": "arm", "VARIANT": "v7"},
    }]);
    let child = parse(&index).unwrap().children()[0].clone();
    assert_eq!(
        (child.digest, child.platform.as_deref()),
        (digest("a"), Some("linux/arm/v7"))
    );
    index["MANIFESTS"][0]["Platform"]["os"] = json!("windows");
    assert_eq!(parse(&index), Err(ManifestError::Ambiguous));
    index["MANIFESTS"] = json!([]);
    index["manifests"] = json!([]);
    assert_eq!(parse(&index), Err(ManifestError::Ambiguous));
    // In the same case: Go joins two objects, and serde_json keeps the second.
    let image = of_image().to_string();
    for twins in [
        image.replacen('{', r#"{"layers":[],"#, 1),
        image.replacen(r#""config":{"#, r#""config":{"size":1,"#, 1),
    ] {
        assert_ne!(twins, image);
        let parsed = Manifest::parse(twins.as_bytes(), None);
        assert_eq!(parsed, Err(ManifestError::Ambiguous), "{twins}");
    }
    let kind = "application/vnd.dev.cosign.simplesigning.v1+json";
    let signature = json!({"MediaType": kind, "digest": digest("signature").as_str(), "size": 1});
    let manifest = parse(&with(of_image(), "layers", json!([signature]))).unwrap();
    assert!(
        matches!(&manifest.content, Content::Artifact { kind: found, .. } if found == kind),
        "{manifest:?}"
    );
}

#[test]
fn the_servers_media_type_counts_where_the_manifest_has_none() {
    let mut image = of_image();
    image.as_object_mut().unwrap().remove("mediaType");
    let text = image.to_string();
    let kind = format!("{}; charset=utf-8", IMAGES[0]);
    assert!(Manifest::parse(text.as_bytes(), Some(&kind)).is_ok());
    assert_eq!(Manifest::parse(text.as_bytes(), None), Err(ManifestError::Kind));
    assert_eq!(
        Manifest::parse(text.as_bytes(), Some(INDEXES[0])),
        Err(ManifestError::Ambiguous)
    );
}

#[test]
fn what_is_not_read_whole_is_refused() {
    use ManifestError::{Ambiguous, Descriptor, Json, Kind};
    let descriptors = json!([{"mediaType": IMAGES[0], "digest": "sha256:00", "size": 1}]);
    for (document, error) in [
        (json!([]), Json),
        (json!({}), Kind),
        (
            with(
                of_image(),
                "mediaType",
                json!("application/vnd.docker.distribution.manifest.v1+json"),
            ),
            Kind,
        ),
        (with(of_image(), "manifests", json!([])), Ambiguous),
        (with(of_image(), "Layers", json!([])), Ambiguous),
        (with(of_image(), "layers", descriptors.clone()), Descriptor),
        (with(of_image(), "layers", json!([7])), Descriptor),
        (with(of_image(), "layers", json!({})), Json),
        (with(of_image(), "config", json!(null)), Descriptor),
        (
            with(
                of_image(),
                "config",
                json!({"digest": digest("a").as_str(), "size": -1}),
            ),
            Descriptor,
        ),
        (with(of_image(), "subject", json!({"size": 1})), Descriptor),
        (json!({"mediaType": INDEXES[1], "manifests": descriptors}), Descriptor),
        (json!({"mediaType": INDEXES[1], "config": {}}), Ambiguous),
    ] {
        assert_eq!(parse(&document), Err(error), "{document}");
    }
    assert_eq!(Manifest::parse(b"<html>", Some(IMAGES[0])), Err(Json));
}

#[test]
fn a_digest_is_compared_with_the_bytes() {
    let sha512 = Digest::hashed("sha512", &Sha512::digest(b"a"));
    assert!(sha512.is_of(b"a") && !sha512.is_of(b"b"));
    assert!(digest("a").is_of(b"a") && !digest("a").is_of(b"b"));
    assert_eq!(
        digest("").as_str(),
        "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    );
}
