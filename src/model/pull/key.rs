//! The keys of `auths` objects as kubelet reads them, and whether an image's repository is meant by one.

use super::glob::is_match;
use super::url::{self, split_port};
use crate::model::Registry;
use crate::model::image::split_host;

const HUB: &str = "docker.io";
/// Longest host name of the DNS, in octets (RFC 1035 §2.3.4). Nothing is pulled from a longer one, whatever its key.
const MAX_HOST: usize = 253;
/// Longest host that is looked at for slips of the pen, in octets.
const MAX_SIMILAR: usize = 64;

/// Why kubelet does not take an entry for an image.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Mismatch {
    /// The key can be no address; kubelet ignores the entry.
    NotAnAddress,
    /// The key is there a second time in the same Secret, and the last one counts.
    Repeated,
    /// The key is another registry's.
    OtherHost,
    /// The key is another host's, but only a letter or two away from the image's: a slip, or a neighbour.
    Similar,
    /// The same host, but not the same port: kubelet has no default port, so that `host` and `host:443` differ.
    Port { key: Option<String>, image: Option<String> },
    /// The same registry in another spelling, which kubelet does not fold: upper case, a final dot, another scheme than
    /// `https://` or `http://`.
    Spelling,
    /// `/v1` or `/v2` without a slash after it, which kubelet takes for the path of a repository.
    VersionPath,
    /// A name of Docker Hub under which kubelet does not know it.
    HubName,
    /// The right host, but the image is not below the key's path.
    Path { path: String },
    /// A wildcard that would match if one `*` stood for several labels.
    Wildcard,
}

impl Mismatch {
    /// Whether whoever wrote the key will have meant the image's registry.
    pub fn is_near(&self) -> bool {
        !matches!(
            self,
            Self::NotAnAddress | Self::Repeated | Self::OtherHost | Self::Similar
        )
    }
}

/// The repository of an image, as kubelet looks it up: normalised, without tag and digest.
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

    /// kubelet's `isDefaultRegistryMatch`, which takes `localhost` for a user of Docker Hub.
    pub(super) fn is_on_default_registry(&self) -> bool {
        self.host == HUB || !self.host.contains(['.', ':'])
    }
}

/// A key, reduced as `BasicDockerKeyring.Add` reduces it and then as `URLsMatchStr` reads that.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Key {
    index: String,
    host: String,
    /// Empty, or with its leading slash.
    path: String,
}

impl Key {
    /// `None` for what Go's `url.Parse` refuses, the first time or the second.
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

    /// What kubelet indexes and sorts the entry by.
    pub(super) fn text(&self) -> &str {
        &self.index
    }

    /// kubelet's `URLsMatch`: equal ports, as many labels, each label's glob, and the path as a textual prefix.
    pub(super) fn matches(&self, repository: &Repository) -> bool {
        let ((host, port), (image_host, image_port)) = (split_port(&self.host), split_port(&repository.host));
        let ports = (port.unwrap_or_default(), image_port.unwrap_or_default());
        ports.0 == ports.1 && repository.path.starts_with(&self.path) && labels_match(host, image_host)
    }

    /// Why it does not match; `text` is the key as it stands in the document.
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
        // A host of two letters is two letters away from every other one.
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
