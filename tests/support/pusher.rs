//! Pushes images to a Gitea, real or double, and pulls them whole: manifests of our own making, request by request.

use serde_json::{Value, json};

use super::gitea::{Gitea, Reply, ask, basic, send, sha256};

pub const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";
pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// Somebody who may push.
#[derive(Clone)]
pub struct Pusher {
    registry: String,
    authorization: String,
}

impl Pusher {
    /// `user`, with a token that opens the registry.
    #[must_use]
    pub fn new(gitea: &Gitea, user: &str, token: &str) -> Self {
        let registry = gitea.registry();
        let reply = ask(&registry, ("GET", "/v2/token"), Some(&basic(user, token)), &[], None);
        let token = reply.json()["token"]
            .as_str()
            .unwrap_or_else(|| panic!("{reply:?}"))
            .to_owned();
        Self {
            registry,
            authorization: format!("Bearer {token}"),
        }
    }

    /// A user of a registry that asks for the password each time.
    #[must_use]
    pub fn with_password(registry: &str, user: &str, password: &str) -> Self {
        Self {
            registry: registry.to_owned(),
            authorization: basic(user, password),
        }
    }

    fn send(&self, request: (&str, &str), kind: &str, body: &[u8]) -> Reply {
        let headers = [
            ("authorization", self.authorization.clone()),
            ("content-type", kind.to_owned()),
            ("accept", format!("{IMAGE}, {INDEX}")),
        ];
        send(&self.registry, request, &headers, body)
    }

    /// Uploads a blob; how it is described.
    pub fn blob(&self, repository: &str, kind: &str, bytes: &[u8]) -> Value {
        let begun = self.send(("POST", &format!("/v2/{repository}/blobs/uploads/")), "", b"");
        assert_eq!(begun.status, 202, "{begun:?}");
        let location = begun.headers["location"].to_str().unwrap().to_owned();
        let path = location.split_once("/v2/").map_or("", |(_, rest)| rest);
        let digest = sha256(bytes);
        let joint = if path.contains('?') { '&' } else { '?' };
        let path = format!("/v2/{path}{joint}digest={digest}");
        let done = self.send(("PUT", &path), "application/octet-stream", bytes);
        assert_eq!(done.status, 201, "{done:?}");
        json!({"mediaType": kind, "digest": digest, "size": bytes.len()})
    }

    /// Puts a manifest, by a tag or, without one, by its digest; its digest.
    pub fn manifest(&self, repository: &str, tag: &str, manifest: &Value) -> String {
        let text = manifest.to_string();
        let digest = sha256(text.as_bytes());
        let reference = if tag.is_empty() { &digest } else { tag };
        self.put(repository, reference, manifest["mediaType"].as_str().unwrap(), &text);
        digest
    }

    /// Puts a manifest there as it is, under this tag or digest.
    pub fn put(&self, repository: &str, reference: &str, kind: &str, text: &str) {
        let path = format!("/v2/{repository}/manifests/{reference}");
        let reply = self.send(("PUT", &path), kind, text.as_bytes());
        assert_eq!(reply.status, 201, "{path}: {reply:?}");
    }

    /// An image for this kind of machine, with a layer of its own and one that all have.
    pub fn image(&self, repository: &str, tag: &str, content: &str, architecture: &str) -> String {
        let base = self.blob(repository, LAYER, &[0; 4096]);
        let own = self.blob(repository, LAYER, content.repeat(100).as_bytes());
        let config = json!({
            "architecture": architecture, "os": "linux", "created": "2026-01-02T03:04:05Z", "config": {"Labels": {"is": content}},
            "rootfs": {"type": "layers", "diff_ids": [base["digest"], own["digest"]]},
        });
        let config = self.blob(repository, CONFIG, config.to_string().as_bytes());
        let manifest = json!({"schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": [base, own]});
        self.manifest(repository, tag, &manifest)
    }

    /// An image for two kinds of machines, each with an attestation as buildx makes it; the digests of the index and of
    /// what it is made of.
    pub fn multi(&self, repository: &str, tag: &str, content: &str) -> (String, Vec<String>) {
        let mut children = Vec::new();
        let mut manifests = Vec::new();
        for architecture in ["amd64", "arm64"] {
            let digest = self.image(repository, "", &format!("{content} for {architecture}"), architecture);
            manifests.push(json!({
                "mediaType": IMAGE, "digest": digest, "size": self.size(repository, &digest),
                "platform": {"architecture": architecture, "os": "linux"},
            }));
            children.push(digest);
        }
        for subject in children.clone() {
            let config = self.blob(repository, CONFIG, br#"{"architecture":"unknown","os":"unknown"}"#);
            let statement = self.blob(
                repository,
                "application/vnd.in-toto+json",
                format!("about {subject}").as_bytes(),
            );
            let attestation = json!({"schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": [statement]});
            let digest = self.manifest(repository, "", &attestation);
            manifests.push(json!({
                "mediaType": IMAGE, "digest": digest, "size": attestation.to_string().len(),
                "annotations": {
                    "vnd.docker.reference.type": "attestation-manifest", "vnd.docker.reference.digest": subject,
                },
                "platform": {"architecture": "unknown", "os": "unknown"},
            }));
            children.push(digest);
        }
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests});
        (self.manifest(repository, tag, &index), children)
    }

    /// An index of images that are there.
    pub fn index(&self, repository: &str, tag: &str, children: &[(&str, &str)]) -> String {
        let children = children.iter().map(|(architecture, digest)| {
            json!({
                "mediaType": IMAGE, "digest": digest, "size": self.size(repository, digest),
                "platform": {"architecture": architecture, "os": "linux"},
            })
        });
        let children: Vec<Value> = children.collect();
        self.manifest(
            repository,
            tag,
            &json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": children}),
        )
    }

    /// A manifest as it is.
    pub fn text(&self, repository: &str, reference: &str) -> String {
        self.send(("GET", &format!("/v2/{repository}/manifests/{reference}")), "", b"")
            .body
    }

    /// What is there under one name is pushed under another one too.
    pub fn retag(&self, repository: &str, from: &str, to: &str) {
        let text = self.text(repository, from);
        let manifest: Value = serde_json::from_str(&text).unwrap();
        self.put(repository, to, manifest["mediaType"].as_str().unwrap(), &text);
    }

    /// Deletes one tag.
    pub fn delete(&self, repository: &str, tag: &str) {
        let path = format!("/v2/{repository}/manifests/{tag}");
        let reply = self.send(("DELETE", &path), "", b"");
        assert_eq!(reply.status, 202, "{path}: {reply:?}");
    }

    fn size(&self, repository: &str, digest: &str) -> usize {
        self.text(repository, digest).len()
    }

    /// A signature as cosign 2 writes it: an image of its own under a tag that tells what it is about.
    pub fn sign(&self, repository: &str, subject: &str) -> String {
        let config = self.blob(repository, CONFIG, br#"{"architecture":"","os":"","config":{}}"#);
        let payload = format!(r#"{{"critical":{{"image":{{"docker-manifest-digest":"{subject}"}}}}}}"#);
        let layer = self.blob(
            repository,
            "application/vnd.dev.cosign.simplesigning.v1+json",
            payload.as_bytes(),
        );
        let manifest = json!({"schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": [layer]});
        let tag = format!("{}.sig", subject.replace(':', "-"));
        self.manifest(repository, &tag, &manifest);
        tag
    }

    /// A chart as helm pushes it.
    pub fn chart(&self, repository: &str, tag: &str) -> String {
        let config = self.blob(
            repository,
            "application/vnd.cncf.helm.config.v1+json",
            format!("{{\"version\":\"{tag}\"}}").as_bytes(),
        );
        let layer = self.blob(
            repository,
            "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
            tag.as_bytes(),
        );
        let manifest = json!({"schemaVersion": 2, "mediaType": IMAGE, "config": config, "layers": [layer]});
        self.manifest(repository, tag, &manifest)
    }

    /// Pulls it whole: the manifest, what an index is made of, configs and layers. Its digest, or what is missing.
    pub fn pull(&self, repository: &str, reference: &str) -> Result<String, String> {
        let path = format!("/v2/{repository}/manifests/{reference}");
        let reply = self.send(("GET", &path), "", b"");
        if reply.status != 200 {
            return Err(format!("{reference}: {}", reply.status));
        }
        let manifest = reply.json();
        let none = Vec::new();
        let list = |name: &str| manifest[name].as_array().unwrap_or(&none).clone();
        for child in list("manifests") {
            self.pull(repository, child["digest"].as_str().unwrap())
                .map_err(|missing| format!("{reference}: {missing}"))?;
        }
        let blobs = list("layers").into_iter().chain([manifest["config"].clone()]);
        for blob in blobs.filter(Value::is_object) {
            let digest = blob["digest"].as_str().unwrap();
            let found = self.send(("HEAD", &format!("/v2/{repository}/blobs/{digest}")), "", b"");
            if found.status != 200 {
                return Err(format!("{reference}: {digest}: {}", found.status));
            }
        }
        Ok(sha256(reply.body.as_bytes()))
    }

    /// The tags of an image, as clients list them.
    pub fn tags(&self, repository: &str) -> Vec<String> {
        let reply = self.send(("GET", &format!("/v2/{repository}/tags/list")), "", b"");
        let tags = reply.json()["tags"].take();
        tags.as_array().map_or_else(Vec::new, |tags| {
            tags.iter().map(|tag| tag.as_str().unwrap().to_owned()).collect()
        })
    }
}
