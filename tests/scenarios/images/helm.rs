//! Releases of Helm, as Helm stores them.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};

use crate::support::plane::Plane;

/// A revision of a release, encoded.
fn encoded(revision: u64, status: &str, manifest: &str) -> String {
    let release = json!({
        "name": "api", "version": revision, "namespace": "any", "info": {"status": status},
        "chart": {"metadata": {"name": "api"}, "templates": [{"name": "x", "data": STANDARD.encode("image: {{ .x }}")}]},
        "manifest": manifest, "hooks": [],
    });
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(release.to_string().as_bytes()).unwrap();
    STANDARD.encode(encoder.finish().unwrap())
}

/// A manifest of one Deployment with this image.
pub fn manifest(image: &str) -> String {
    format!(
        "---\n# Source: api/templates/deployment.yaml\napiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: api\nspec:\n  \
         template:\n    spec:\n      containers:\n      - name: api\n        image: \"{image}\"\n"
    )
}

fn stored(kind: &str, revision: u64, status: &str) -> Value {
    json!({
        "apiVersion": "v1", "kind": kind,
        "metadata": {
            "name": format!("sh.helm.release.v1.api.v{revision}"),
            "labels": {"owner": "helm", "name": "api", "version": revision.to_string(), "status": status},
        },
    })
}

/// Puts a revision there as a Secret.
pub fn secret(plane: &Plane, namespace: &str, revision: u64, status: &str, manifest: &str) {
    secret_of(plane, namespace, revision, status, &encoded(revision, status, manifest));
}

/// The same with this content, whatever it is.
pub fn secret_of(plane: &Plane, namespace: &str, revision: u64, status: &str, content: &str) {
    let mut secret = stored("Secret", revision, status);
    secret["type"] = "helm.sh/release.v1".into();
    secret["data"] = json!({"release": STANDARD.encode(content)});
    plane.put("secrets", namespace, &secret);
}

/// Puts a revision there as a `ConfigMap`.
pub fn config_map(plane: &Plane, namespace: &str, revision: u64, status: &str, manifest: &str) {
    let mut map = stored("ConfigMap", revision, status);
    map["data"] = json!({"release": encoded(revision, status, manifest)});
    plane.put("configmaps", namespace, &map);
}
