//! What a Gitea keeps of images: one version for each tag and for each manifest that was pushed by its digest, and the
//! blobs that these name. A blob is there for an image only as long as one of its versions names it.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::Method;
use ring::digest::{SHA256, digest};
use serde_json::{Value, json};

use super::super::http::{Answer, Request};
use super::registry::error;
use super::state::hex;

/// Rows per page, where nothing is asked for, and at most.
const PAGE: usize = 30;
const MAX_PAGE: usize = 50;
const API_VERSION: &str = "docker-distribution-api-version";

/// A tag, or a manifest that was pushed by its digest.
#[derive(Clone, Debug)]
pub struct PackageVersion {
    pub id: i64,
    /// `owner/image`
    pub repository: String,
    /// The tag, or `sha256:…`.
    pub version: String,
    pub digest: String,
    pub created: SystemTime,
    kind: String,
    manifest: Bytes,
    /// Config and layers, with their sizes.
    blobs: Vec<(String, u64)>,
}

#[derive(Default)]
pub struct Images {
    pub versions: Vec<PackageVersion>,
    blobs: BTreeMap<String, Bytes>,
    /// What was uploaded to an image, and no version names yet.
    uploaded: BTreeSet<(String, String)>,
    uploads: BTreeMap<String, Vec<u8>>,
    /// The newest id.
    last: i64,
}

pub fn sha256(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(digest(&SHA256, bytes).as_ref()))
}

impl Images {
    /// Below `/v2/{repository}/`, for somebody who may do it.
    pub fn answer(&mut self, request: &Request, repository: &str) -> Answer {
        let rest = request
            .path
            .split_once(&format!("{repository}/"))
            .map_or("", |(_, rest)| rest);
        let parts: Vec<&str> = rest.split('/').collect();
        let answer = match (parts.as_slice(), &request.method) {
            (["tags", "list"], &Method::GET) => self.tags(request, repository),
            (["manifests", reference], &Method::GET | &Method::HEAD) => self.manifest(request, repository, reference),
            (["manifests", reference], &Method::PUT) => self.put(request, repository, reference),
            (["manifests", reference], &Method::DELETE) => self.delete_by_reference(repository, reference),
            (["blobs", "uploads", ""] | ["blobs", "uploads"], &Method::POST) => self.begin(request, repository),
            (["blobs", "uploads", id], &Method::PUT) => self.finish(request, repository, id),
            (["blobs", digest], &Method::GET | &Method::HEAD) => self.blob(request, repository, digest),
            _ => return Answer::new(404, "text/plain; charset=utf-8", "404 page not found\n"),
        };
        let is_told = answer.headers.iter().any(|(name, _)| name == API_VERSION);
        if is_told {
            answer
        } else {
            answer.with(API_VERSION, "registry/2.0")
        }
    }

    fn of(&self, repository: &str) -> impl Iterator<Item = &PackageVersion> {
        let repository = repository.to_owned();
        self.versions
            .iter()
            .filter(move |version| version.repository == repository)
    }

    fn find(&self, repository: &str, reference: &str) -> Option<&PackageVersion> {
        let tag = reference.to_lowercase();
        let is_it = |version: &&PackageVersion| {
            version.version == tag || (reference.contains(':') && version.digest == reference)
        };
        self.of(repository).find(is_it)
    }

    fn tags(&self, request: &Request, repository: &str) -> Answer {
        let mut tags: Vec<&str> = self.of(repository).map(|version| version.version.as_str()).collect();
        if tags.is_empty() {
            return error(404, "NAME_UNKNOWN");
        }
        tags.retain(|tag| !tag.contains(':'));
        tags.sort_unstable();
        if let Some(last) = request.parameter("last") {
            tags.retain(|tag| *tag > last.as_str());
        }
        let count = request.parameter("n").and_then(|n| n.parse().ok());
        tags.truncate(count.unwrap_or(usize::MAX));
        let body = json!({"name": repository, "tags": tags});
        let answer = Answer::new(200, "application/json", format!("{body}\n"));
        let n = count.map_or(String::new(), |count: usize| format!("&n={count}"));
        match tags.last() {
            Some(last) => answer.with(
                "link",
                &format!("</v2/{repository}/tags/list?last={last}{n}>; rel=\"next\""),
            ),
            None => answer,
        }
    }

    fn manifest(&self, request: &Request, repository: &str, reference: &str) -> Answer {
        let Some(found) = self.find(repository, reference) else {
            return error(404, "MANIFEST_UNKNOWN");
        };
        let body = if request.method == Method::HEAD {
            Bytes::new()
        } else {
            found.manifest.clone()
        };
        Answer::new(200, &found.kind, body).with("docker-content-digest", &found.digest)
    }

    fn has_blob(&self, repository: &str, digest: &str) -> bool {
        self.uploaded.contains(&(repository.to_owned(), digest.to_owned()))
            || self
                .of(repository)
                .any(|version| version.blobs.iter().any(|(name, _)| name == digest))
    }

    fn blob(&self, request: &Request, repository: &str, digest: &str) -> Answer {
        match self.blobs.get(digest).filter(|_| self.has_blob(repository, digest)) {
            None => error(404, "BLOB_UNKNOWN"),
            Some(_) if request.method == Method::HEAD => Answer::empty(200).with("docker-content-digest", digest),
            Some(blob) => {
                Answer::new(200, "application/octet-stream", blob.clone()).with("docker-content-digest", digest)
            }
        }
    }

    fn begin(&mut self, request: &Request, repository: &str) -> Answer {
        if let (Some(digest), Some(from)) = (request.parameter("mount"), request.parameter("from"))
            && self.has_blob(&from, &digest)
        {
            self.uploaded.insert((repository.to_owned(), digest.clone()));
            return Answer::empty(201)
                .with("location", &format!("/v2/{repository}/blobs/{digest}"))
                .with("docker-content-digest", &digest);
        }
        self.last += 1;
        let id = self.last.to_string();
        self.uploads.insert(id.clone(), Vec::new());
        Answer::empty(202).with("location", &format!("/v2/{repository}/blobs/uploads/{id}"))
    }

    fn finish(&mut self, request: &Request, repository: &str, id: &str) -> Answer {
        if self.uploads.remove(id).is_none() {
            return error(404, "BLOB_UPLOAD_UNKNOWN");
        }
        let found = sha256(&request.body);
        if request.parameter("digest").as_deref() != Some(&found) {
            return error(400, "DIGEST_INVALID");
        }
        self.blobs.insert(found.clone(), request.body.clone());
        self.uploaded.insert((repository.to_owned(), found.clone()));
        Answer::empty(201)
            .with("location", &format!("/v2/{repository}/blobs/{found}"))
            .with("docker-content-digest", &found)
    }

    fn put(&mut self, request: &Request, repository: &str, reference: &str) -> Answer {
        let found = sha256(&request.body);
        let Ok(manifest) = serde_json::from_slice::<Value>(&request.body) else {
            return error(400, "MANIFEST_INVALID");
        };
        let of = |list: &Value| -> Vec<(String, u64)> {
            let list = list.as_array().cloned().unwrap_or_default();
            let named = |one: &Value| {
                (
                    one["digest"].as_str().unwrap().to_owned(),
                    one["size"].as_u64().unwrap(),
                )
            };
            list.iter().map(named).collect()
        };
        let mut blobs = of(&json!([manifest["config"]])
            .as_array()
            .filter(|_| manifest["config"].is_object())
            .map_or(json!([]), |config| json!(config)));
        blobs.extend(of(&manifest["layers"]));
        let lacks_blob = blobs.iter().any(|(digest, _)| !self.has_blob(repository, digest));
        let children = of(&manifest["manifests"]);
        let lacks_child = children
            .iter()
            .any(|(digest, _)| self.find(repository, digest).is_none());
        if lacks_blob || lacks_child {
            return error(
                404,
                if lacks_blob {
                    "BLOB_UNKNOWN"
                } else {
                    "MANIFEST_BLOB_UNKNOWN"
                },
            );
        }
        if reference.contains(':') && reference != found {
            return error(400, "DIGEST_INVALID");
        }
        for (digest, _) in &blobs {
            self.uploaded.remove(&(repository.to_owned(), digest.clone()));
        }
        let kind = request
            .headers
            .get("content-type")
            .map_or("", |kind| kind.to_str().unwrap());
        self.last += 1;
        let version = PackageVersion {
            id: self.last,
            repository: repository.to_owned(),
            version: reference.to_lowercase(),
            digest: found.clone(),
            created: SystemTime::now(),
            kind: kind.to_owned(),
            manifest: request.body.clone(),
            blobs,
        };
        // A push of a tag is a new version.
        self.versions
            .retain(|one| one.repository != repository || one.version != version.version);
        self.versions.push(version);
        Answer::empty(201)
            .with("location", &format!("/v2/{repository}/manifests/{reference}"))
            .with("docker-content-digest", &found)
    }

    /// By a digest, every version with it goes.
    fn delete_by_reference(&mut self, repository: &str, reference: &str) -> Answer {
        let before = self.versions.len();
        let tag = reference.to_lowercase();
        self.versions.retain(|one| {
            one.repository != repository
                || (one.version != tag && !(reference.contains(':') && one.digest == reference))
        });
        if self.versions.len() == before {
            error(404, "MANIFEST_UNKNOWN")
        } else {
            Answer::empty(202)
        }
    }

    /// Deletes one version. Whether it was there.
    pub fn delete(&mut self, repository: &str, version: &str) -> bool {
        let before = self.versions.len();
        self.versions
            .retain(|one| one.repository != repository || one.version != version.to_lowercase());
        self.versions.len() < before
    }

    pub fn version(&self, repository: &str, version: &str) -> Option<&PackageVersion> {
        self.of(repository).find(|one| one.version == version.to_lowercase())
    }

    /// What is there under one name gets another name, as if it were pushed with it now.
    pub fn retag(&mut self, repository: &str, from: &str, to: &str) {
        let mut version = self.version(repository, from).unwrap().clone();
        self.last += 1;
        (version.id, version.version, version.created) = (self.last, to.to_owned(), SystemTime::now());
        self.versions
            .retain(|one| one.repository != repository || one.version != to);
        self.versions.push(version);
    }

    /// Everything is that much older.
    pub fn age(&mut self, by: Duration) {
        for version in &mut self.versions {
            version.created -= by;
        }
    }

    /// A page of an owner's versions, newest first, and the headers that tell how many there are.
    pub fn list(&self, owner: &str, request: &Request, root: &str, shown: &dyn Fn(&PackageVersion) -> Value) -> Answer {
        let number = |name: &str, default: usize| {
            let given = request.parameter(name).and_then(|text| text.parse().ok());
            given.filter(|number| *number > 0).unwrap_or(default)
        };
        let (page, limit) = (number("page", 1), number("limit", PAGE).min(MAX_PAGE));
        let wanted = request.parameter("q").unwrap_or_default().to_lowercase();
        let is_kind = request
            .parameter("type")
            .is_none_or(|kind| kind.is_empty() || kind == "container");
        let mut found: Vec<&PackageVersion> = self
            .versions
            .iter()
            .filter(|one| {
                is_kind
                    && one
                        .repository
                        .split_once('/')
                        .is_some_and(|(of, name)| of == owner && name.contains(&wanted))
            })
            .collect();
        found.sort_by_key(|one| std::cmp::Reverse((one.created, one.id)));
        let rows: Vec<Value> = found
            .iter()
            .skip((page - 1) * limit)
            .take(limit)
            .map(|one| shown(one))
            .collect();
        let answer = Answer::json(200, &json!(rows)).with("x-total-count", &found.len().to_string());
        let last = found.len().div_ceil(limit);
        let mut links = Vec::new();
        let mut link = |page: usize, rel: &str| {
            let page = format!("page={page}");
            let mut query: Vec<&str> = request
                .query
                .split('&')
                .filter(|pair| !pair.starts_with("page="))
                .collect();
            query.push(&page);
            query.retain(|pair| !pair.is_empty());
            query.sort_unstable();
            let path = request.path.trim_start_matches('/');
            links.push(format!("<{root}{path}?{}>; rel=\"{rel}\"", query.join("&")));
        };
        if page < last {
            link(page + 1, "next");
            link(last, "last");
        }
        if page > 1 && page <= last {
            link(1, "first");
            link(page - 1, "prev");
        }
        if links.is_empty() {
            answer
        } else {
            answer.with("link", &links.join(","))
        }
    }
}
