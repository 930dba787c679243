//! Reads and changes the images of a registry: manifests and tags by the Distribution specification, and what an owner
//! has by Gitea's packages API.
//!
//! Everything that is read is bounded, and a manifest is believed only if its bytes have its digest. Each request has its
//! own time limit, because there may be thousands.

mod access;
mod error;
mod packages;

use std::collections::BTreeSet;

use http::StatusCode;
use http::header::{CONTENT_TYPE, DATE, HeaderName};
use k8s_openapi::jiff::fmt::rfc2822;
use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

pub use error::ImagesError;
pub use packages::{PackageRow, ReadingPages};

use super::api::Api;
use super::challenge::{self, SignIn};
use super::http::{Auth, Client, Reply};
use super::manifest::{MANIFESTS, manifest_path};
use super::session::Session;
use super::site::GiteaPath;
use super::{Options, ReachError, VerifyError};
use crate::model::manifest::{Manifest, name_platform};
use crate::model::{Credential, Digest, Repository, Tag, Version, printable};
use crate::sys::env::Env;
use access::Access;

/// Size limit of a manifest in bytes: what registries have to accept (Distribution specification, "Pushing Manifests").
const MAX_MANIFEST: u64 = 4 << 20;
/// Size limit of a config in bytes.
const MAX_CONFIG: u64 = 4 << 20;
/// Tags per page of the Distribution specification's list, and the limits for all pages, in case a list never ends: a page
/// may have more tags than were asked for, or fewer.
const TAGS_PER_PAGE: usize = 100;
const MAX_TAG_PAGES: usize = 2000;
const MAX_TAGS: usize = 100_000;
/// The header with a manifest's digest.
const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// The images of one registry.
pub struct Images<'a> {
    session: Session<'a>,
    access: Access,
    /// Gitea's API; `None` at other registries.
    api: Option<Api>,
    /// How far this machine's clock is ahead of the registry's; zero if it is behind, or if the registry does not tell.
    ahead: SignedDuration,
}

/// A manifest with its bytes, with which it can be put under another tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    pub digest: Digest,
    pub manifest: Manifest,
    media_type: String,
    bytes: Vec<u8>,
}

/// What an image's config tells. Both are the builder's claims.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageConfig {
    /// `linux/arm64`
    pub platform: Option<String>,
    /// RFC 3339, as written.
    pub created: Option<String>,
}

#[derive(Deserialize)]
struct ConfigDocument {
    #[serde(default)]
    os: String,
    #[serde(default)]
    architecture: String,
    #[serde(default)]
    variant: Option<String>,
    #[serde(default)]
    created: Option<String>,
}

#[derive(Deserialize)]
struct TagPage {
    #[serde(default)]
    tags: Option<Vec<String>>,
}

impl<'a> Images<'a> {
    /// Finds out how the registry lets somebody in. Sends no secret.
    pub fn open(credential: &'a Credential, options: &Options, env: &Env) -> Result<Self, ImagesError> {
        if credential.username.is_identity_token() {
            return Err(VerifyError::IdentityToken.into());
        }
        let (session, reply) = Session::begin(credential, options, env).map_err(VerifyError::from)?;
        let sign_in = session.sign_in(&reply)?;
        let ahead = reply
            .header(&DATE)
            .map_or(SignedDuration::ZERO, |date| ahead_of(date, Timestamp::now()));
        let api = match &sign_in {
            Some(SignIn::Bearer { realm, service }) => {
                let prefix = challenge::gitea_prefix(realm, service.as_deref());
                let named = options.gitea_path.as_ref().map(GiteaPath::as_str);
                prefix.and_then(|prefix| session.find_api(named.unwrap_or(prefix)))
            }
            _ => None,
        };
        let access = Access::new(&session, sign_in)?;
        Ok(Self {
            session: session.with_time_for_each(options.timeout),
            access,
            api,
            ahead,
        })
    }

    /// How far this machine's clock is ahead of the registry's; zero if it is behind, or if the registry does not tell.
    pub fn clock_is_ahead(&self) -> SignedDuration {
        self.ahead
    }

    /// The time by this machine's clock or by the registry's, whichever is earlier. The registry's clock says when
    /// something was pushed: by one that is ahead, it would be too old.
    pub fn now(&self) -> Timestamp {
        Timestamp::now().saturating_sub(self.ahead).unwrap_or(Timestamp::MIN)
    }

    /// Whether Gitea's API is there, which lists what an owner has and deletes single tags.
    pub fn is_gitea(&self) -> bool {
        self.api.is_some()
    }

    pub fn registry(&self) -> String {
        self.session.registry()
    }

    /// A manifest; `None` if there is none of this tag or digest.
    pub fn manifest(&self, repository: &Repository, version: &Version) -> Result<Option<Fetched>, ImagesError> {
        let path = manifest_path(repository, version);
        let reply = self.send(repository, |client, auth| {
            client.fetch(&client.own(&path)?, MANIFESTS, auth, MAX_MANIFEST)
        })?;
        if reply.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        self.succeeded(&reply, || format!("the manifest of {}", name(repository, version)))?;
        read_manifest(repository, version, &reply).map(Some)
    }

    /// The digest that a tag has now, without its manifest; `None` if there is no such tag or digest.
    pub fn digest(&self, repository: &Repository, version: &Version) -> Result<Option<Digest>, ImagesError> {
        let path = manifest_path(repository, version);
        let reply = self.send(repository, |client, auth| {
            client.head(&client.own(&path)?, MANIFESTS, auth)
        })?;
        if reply.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        self.succeeded(&reply, || name(repository, version))?;
        match reply.header(&CONTENT_DIGEST).map(str::parse) {
            Some(Ok(digest)) => Ok(Some(digest)),
            _ => Ok(self.manifest(repository, version)?.map(|fetched| fetched.digest)),
        }
    }

    /// What an image's config tells; `None` where it is kept elsewhere, to which the registry redirects, or is unreadable.
    pub fn config(&self, repository: &Repository, digest: &Digest) -> Result<Option<ImageConfig>, ImagesError> {
        let path = format!("/v2/{repository}/blobs/{digest}");
        let reply = self.send(repository, |client, auth| {
            client.fetch(&client.own(&path)?, "*/*", auth, MAX_CONFIG)
        });
        let reply = match reply {
            Err(ImagesError::Verify(VerifyError::Redirected { .. })) => return Ok(None),
            reply => reply?,
        };
        if !reply.status.is_success() || !digest.is_of(&reply.body) {
            return Ok(None);
        }
        let Ok(document) = serde_json::from_slice::<ConfigDocument>(&reply.body) else {
            return Ok(None);
        };
        let is_named = !document.os.is_empty() && !document.architecture.is_empty();
        let platform = || name_platform(&document.os, &document.architecture, document.variant.as_deref());
        Ok(Some(ImageConfig {
            platform: if is_named { platform() } else { None },
            created: document.created.map(|created| printable(&created, 40)),
        }))
    }

    /// Whether a config or layer is there. A registry that keeps it elsewhere redirects to it.
    pub fn has_blob(&self, repository: &Repository, digest: &Digest) -> Result<bool, ImagesError> {
        let path = format!("/v2/{repository}/blobs/{digest}");
        let reply = self.send(repository, |client, auth| client.head(&client.own(&path)?, "*/*", auth));
        let reply = match reply {
            Err(ImagesError::Verify(VerifyError::Redirected { .. })) => return Ok(true),
            reply => reply?,
        };
        if reply.status == StatusCode::NOT_FOUND {
            return Ok(false);
        }
        self.succeeded(&reply, || format!("{digest} of {repository}"))?;
        Ok(true)
    }

    /// Every tag of a repository, by the Distribution specification. `None` if there is no such repository.
    ///
    /// A page begins after the last tag of the one before; links are not followed.
    pub fn tags(&self, repository: &Repository) -> Result<Option<Vec<Tag>>, ImagesError> {
        let unread = |why: &str| ImagesError::Unread {
            what: format!("the tags of {repository}"),
            why: why.to_owned(),
        };
        let mut tags: Vec<Tag> = Vec::new();
        let mut seen = BTreeSet::new();
        for _ in 0..MAX_TAG_PAGES {
            let mut path = format!("/v2/{repository}/tags/list?n={TAGS_PER_PAGE}");
            if let Some(last) = tags.last() {
                path.push_str("&last=");
                path.push_str(last.as_str());
            }
            let reply = self.send(repository, |client, auth| client.get(&client.own(&path)?, &[], auth))?;
            if reply.status == StatusCode::NOT_FOUND {
                return Ok(None);
            }
            self.succeeded(&reply, || format!("the tags of {repository}"))?;
            let page: TagPage = serde_json::from_slice(&reply.body).map_err(|_| unread("it is no JSON"))?;
            let page = page.tags.unwrap_or_default();
            // A registry that does not know `last` gives the same tags again.
            let before = tags.len();
            for tag in page {
                let tag: Tag = tag.parse().map_err(|_| unread("a tag in it is none"))?;
                if seen.insert(tag.clone()) {
                    tags.push(tag);
                }
                if tags.len() > MAX_TAGS {
                    return Err(unread(&format!("it has more than {MAX_TAGS} tags")));
                }
            }
            if tags.len() == before || !reply.headers.contains_key(http::header::LINK) {
                return Ok(Some(tags));
            }
        }
        Err(unread("it does not end"))
    }

    /// Puts a manifest of this repository there again, under this tag or digest.
    pub fn put(&self, repository: &Repository, version: &Version, fetched: &Fetched) -> Result<(), ImagesError> {
        let path = manifest_path(repository, version);
        let reply = self.send(repository, |client, auth| {
            client.put(&client.own(&path)?, auth, &fetched.media_type, &fetched.bytes)
        })?;
        self.succeeded(&reply, || name(repository, version))
    }

    /// A request below `/v2/`, with a new token if the one at hand has expired.
    fn send(
        &self,
        repository: &Repository,
        request: impl Fn(&Client, Auth<'_>) -> Result<Reply, ReachError>,
    ) -> Result<Reply, ImagesError> {
        let reply = self.access.send(&self.session, repository, &request)?;
        self.session.passing(&reply)?;
        Ok(reply)
    }

    fn succeeded(&self, reply: &Reply, what: impl FnOnce() -> String) -> Result<(), ImagesError> {
        match reply.status {
            status if status.is_success() => Ok(()),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(ImagesError::Refused {
                registry: self.session.registry(),
                what: what(),
                said: self.session.client.error_message(reply),
            }),
            status => Err(ImagesError::Unread {
                what: what(),
                why: match self.session.client.error_message(reply) {
                    Some(said) => format!("status {}: {said}", status.as_u16()),
                    None => format!("status {}", status.as_u16()),
                },
            }),
        }
    }
}

/// How far `now` is ahead of the time in a header `Date`; zero if it is behind, or if that is no time.
fn ahead_of(date: &str, now: Timestamp) -> SignedDuration {
    let there = rfc2822::DateTimeParser::new().parse_timestamp(date);
    let ahead = there.map_or(SignedDuration::ZERO, |there| now.duration_since(there));
    ahead.max(SignedDuration::ZERO)
}

/// Believes a manifest only if its bytes have its digest.
fn read_manifest(repository: &Repository, version: &Version, reply: &Reply) -> Result<Fetched, ImagesError> {
    let bytes = reply.body.to_vec();
    let unread = |why: String| ImagesError::Unread {
        what: format!("the manifest of {}", name(repository, version)),
        why,
    };
    let declared = reply.header(&CONTENT_DIGEST).map(str::parse::<Digest>);
    let digest = match (version, declared) {
        (Version::Digest(digest), _) => digest.clone(),
        (Version::Tag(_), Some(Ok(digest))) => digest,
        (Version::Tag(_), _) => Digest::of(&bytes),
    };
    if !digest.is_of(&bytes) {
        return Err(unread("its bytes do not have its digest".to_owned()));
    }
    let media_type = reply.header(&CONTENT_TYPE).unwrap_or_default().to_owned();
    let manifest = Manifest::parse(&bytes, Some(&media_type)).map_err(|error| unread(error.to_string()))?;
    Ok(Fetched {
        digest,
        manifest,
        media_type,
        bytes,
    })
}

/// As in a command line: `owner/app:1` or `owner/app@sha256:…`.
fn name(repository: &Repository, version: &Version) -> String {
    match version {
        Version::Tag(tag) => format!("{repository}:{tag}"),
        Version::Digest(digest) => format!("{repository}@{digest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_is_ahead_is_noticed() {
        let now: Timestamp = "2026-11-30T10:00:00Z".parse().unwrap();
        for (date, ahead) in [
            ("Mon, 30 Nov 2026 10:00:00 GMT", 0),
            ("Mon, 30 Nov 2026 09:59:30 GMT", 30),
            ("Sun, 29 Nov 2026 10:00:00 GMT", 86_400),
            ("Tue, 01 Dec 2026 10:00:00 GMT", 0),
            ("yesterday", 0),
            ("", 0),
        ] {
            assert_eq!(ahead_of(date, now).as_secs(), ahead, "{date}");
        }
    }
}
