//! The smallest image there is: one empty layer.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::gitea::hex;
use super::world::World;

/// Writes an OCI layout with the tag `latest` into `folder` and returns skopeo's name for it.
#[must_use]
pub fn oci_layout(folder: &Path) -> String {
    let blobs = folder.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).unwrap();
    let blob = |kind: &str, content: &[u8]| -> Value {
        let digest = hex(ring::digest::digest(&ring::digest::SHA256, content).as_ref());
        std::fs::write(blobs.join(&digest), content).unwrap();
        json!({"mediaType": kind, "digest": format!("sha256:{digest}"), "size": content.len()})
    };
    // Two empty blocks end a tar archive (POSIX.1, pax interchange format).
    let layer = blob("application/vnd.oci.image.layer.v1.tar", &[0; 1024]);
    let config = json!({
        "architecture": "amd64", "os": "linux", "config": {},
        "rootfs": {"type": "layers", "diff_ids": [layer["digest"]]},
    });
    let config = blob(
        "application/vnd.oci.image.config.v1+json",
        config.to_string().as_bytes(),
    );
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let manifest = json!({"schemaVersion": 2, "mediaType": kind, "config": config, "layers": [layer]});
    let mut manifest = blob(kind, manifest.to_string().as_bytes());
    manifest["annotations"] = json!({"org.opencontainers.image.ref.name": "latest"});
    let index = json!({"schemaVersion": 2, "manifests": [manifest]});
    std::fs::write(folder.join("index.json"), index.to_string()).unwrap();
    std::fs::write(folder.join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    format!("oci:{}:latest", folder.display())
}

/// A private image at a world's registry, `admin/web:1`, and a token that opens it. Needs skopeo.
#[must_use]
pub fn private_image(world: &World) -> String {
    let token = world.gitea.add_token("admin", "write:package");
    let layout = oci_layout(&world.folder().join("tmp/image"));
    let (authfile, registry) = (world.folder().join("tmp/push.json"), world.registry());
    let auth = STANDARD.encode(format!("admin:{token}"));
    let text = json!({"auths": {&registry: {"auth": auth}}});
    std::fs::write(&authfile, text.to_string()).unwrap();
    let mut skopeo = world.command("skopeo");
    skopeo
        .args(["--insecure-policy", "copy", "--dest-tls-verify=false", "--authfile"])
        .arg(&authfile)
        .arg(layout)
        .arg(format!("docker://{registry}/admin/web:1"));
    world.run(&mut skopeo, "").done();
    std::fs::remove_file(authfile).unwrap();
    token
}
