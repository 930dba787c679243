//! Matches the keys of `auths` objects with image repositories as kubelet does.

use super::glob::is_match;
use super::url::{self, split_port};
use crate::model::Registry;
use crate::model::image::split_host;

const HUB: &str = "docker.io";
/// Longest host name in DNS, in octets (RFC 1035 §2.3.4).
const MAX_HOST: usize = 253;
/// Longest host that is checked for typing errors, in octets.
const MAX_SIMILAR: usize = 64;

/// Why kubelet does not use an entry for an image.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mismatch {
    /// The key is not a valid address; kubelet ignores the entry.
    NotAnAddress,
    /// A later entry in the same Secret has the same key.
    Repeated,
    /// The key names another registry.
    OtherHost,
    /// The key names another host that differs in only one or two characters: possibly a typing error.
    Similar,
    /// The same host with another port. kubelet has no default port, so `host` and `host:443` differ.
    Port { key: Option<String>, image: Option<String> },
    /// The same registry in a spelling that kubelet does not normalise: upper case, a trailing dot, a scheme other than
    /// `https://` or `http://`.
    Spelling,
    /// `/v1` or `/v2` without a trailing slash, which kubelet reads as a repository path.
    VersionPath,
    /// A name of Docker Hub that kubelet does not recognise.
    HubName,
    /// The image is not below the key's path.
    Path { path: String },
    /// A wildcard that would match if `*` matched several labels.
    Wildcard,
}

impl Mismatch {
    /// Whether the key was probably meant for the image's registry.
    pub fn is_near(&self) -> bool {
        !matches!(
            self,
            Self::NotAnAddress | Self::Repeated | Self::OtherHost | Self::Similar
        )
    }
}

/// The repository of an image as kubelet looks it up: normalised, without tag and digest.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Repository {
    host: String,
    /// With its leading slash.
    path: String,
}

impl Repository {
    /// github.com/distribution/reference, `ParseNormalizedNamed`.
    pub(super) fn of_image(image: &str) -> Self {
        let name = image.split('@').next().unwrap_or_default();
        let name = match name.rsplit_once(':') {
            Some((name, tag)) if !tag.contains('/') => name,
            _ => name,
        };
        let (host, path) = split_host(name).unwrap_or((HUB, name));
        let host = if host == "index.docker.io" { HUB } else { host };
        let library = if host == HUB && !path.contains('/') {
            "library/"
        } else {
            ""
        };
        Self {
            host: host.to_owned(),
            path: format!("/{library}{path}"),
        }
    }

    /// kubelet's `isDefaultRegistryMatch`, which treats `localhost` as a user on Docker Hub.
    pub(super) fn is_on_default_registry(&self) -> bool {
        self.host == HUB || !self.host.contains(['.', ':'])
    }
}

/// A key, normalised by `BasicDockerKeyring.Add` and parsed by `URLsMatchStr`.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Key {
    index: String,
    host: String,
    /// Empty, or with its leading slash.
    path: String,
}

impl Key {
    /// `None` if Go's `url.Parse` fails in either step.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let has_scheme = ["https://", "http://"].iter().any(|scheme| text.starts_with(scheme));
        let (host, path) = if has_scheme {
            url::parse(text)?
        } else {
            url::parse(&format!("https://{text}"))?
        };
        let path = ["/v2/", "/v1/"]
            .iter()
            .find(|version| path.starts_with(**version))
            .map_or(path.as_str(), |_| &path[3..]);
        let index = if path == "/" { host } else { host + path };
        let (host, path) = url::parse(&format!("https://{index}"))?;
        Some(Self { index, host, path })
    }

    /// The text by which kubelet indexes and sorts the entry.
    pub(super) fn text(&self) -> &str {
        &self.index
    }

    /// kubelet's `URLsMatch`: equal ports, the same number of labels, matching globs, and the path as a textual prefix.
    pub(super) fn matches(&self, repository: &Repository) -> bool {
        repository.path.starts_with(&self.path) && self.matches_host_of(repository)
    }

    /// The same, whatever the path is.
    fn matches_host_of(&self, repository: &Repository) -> bool {
        let ((host, port), (image_host, image_port)) = (split_port(&self.host), split_port(&repository.host));
        port.unwrap_or_default() == image_port.unwrap_or_default() && labels_match(host, image_host)
    }

    /// Whether it matches other images of the same host, below its path. `/v1` and `/v2` were not meant for one.
    pub(super) fn matches_beside(&self, repository: &Repository) -> bool {
        !matches!(self.path.as_str(), "/v1" | "/v2") && self.matches_host_of(repository)
    }

    /// Why it does not match; `text` is the original key.
    pub(super) fn mismatch(&self, text: &str, repository: &Repository) -> Mismatch {
        let ((host, port), (image_host, image_port)) = (split_port(&self.host), split_port(&repository.host));
        let owned = |port: Option<&str>| port.map(str::to_owned);
        let is_same_port = port.unwrap_or_default() == image_port.unwrap_or_default();
        if labels_match(host, image_host) {
            return match self.path.as_str() {
                _ if !is_same_port => Mismatch::Port {
                    key: owned(port),
                    image: owned(image_port),
                },
                "/v1" | "/v2" => Mismatch::VersionPath,
                path => Mismatch::Path { path: path.to_owned() },
            };
        }
        let (meant, wanted) = (text.parse::<Registry>(), repository.host.parse::<Registry>());
        if let (Ok(meant), Ok(wanted)) = (&meant, &wanted) {
            if meant == wanted {
                return if wanted.is_docker_hub() {
                    Mismatch::HubName
                } else {
                    Mismatch::Spelling
                };
            }
            if meant.host() == wanted.host() {
                return Mismatch::Port {
                    key: owned(port),
                    image: owned(image_port),
                };
            }
        }
        let is_wide = host.strip_prefix("*.").is_some_and(|rest| {
            image_host.strip_suffix(rest).is_some_and(|start| start.ends_with('.')) || image_host == rest
        });
        if is_wide {
            return Mismatch::Wildcard;
        }
        // Very short hosts would be similar to every other one.
        let is_like_others = image_host.len() <= 6;
        let is_close = host.len().max(image_host.len()) <= MAX_SIMILAR && host.len().abs_diff(image_host.len()) <= 2;
        if !is_like_others
            && is_close
            && strsim::damerau_levenshtein(&host.to_lowercase(), &image_host.to_lowercase()) <= 2
        {
            return Mismatch::Similar;
        }
        Mismatch::OtherHost
    }
}

fn labels_match(globs: &str, host: &str) -> bool {
    host.len() <= MAX_HOST
        && globs.split('.').count() == host.split('.').count()
        && globs
            .split('.')
            .zip(host.split('.'))
            .all(|(glob, label)| is_match(glob.as_bytes(), label.as_bytes()))
}
