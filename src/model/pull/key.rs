//! The keys of `auths` objects as kubelet reads them, and whether an image's repository is meant by one.

use crate::model::Registry;

const HUB: &str = "docker.io";

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
    Port {
        /// The key's.
        key: Option<String>,
        /// The image's.
        image: Option<String>,
    },
    /// The same registry in another spelling, which kubelet does not fold: upper case, a final dot, another scheme than
    /// `https://` or `http://`.
    Spelling,
    /// `/v1` or `/v2` without a slash after it, which kubelet takes for the path of a repository.
    VersionPath,
    /// A name of Docker Hub under which kubelet does not know it.
    HubName,
    /// The right host, but the image is not below the key's path.
    Path {
        /// The key's.
        path: String,
    },
    /// A wildcard that would match if one `*` stood for several labels.
    Wildcard,
}

impl Mismatch {
    /// Whether whoever wrote the key will have meant the image's registry.
    #[must_use]
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
        let is_host = |text: &str| {
            text == "localhost" || text.contains(['.', ':']) || text.bytes().any(|byte| byte.is_ascii_uppercase())
        };
        let (host, path) = match name.split_once('/') {
            Some((host, path)) if is_host(host) => (host, path),
            _ => (HUB, name),
        };
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

/// A key, reduced as `BasicDockerKeyring.Add` reduces it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Key<'a> {
    host: &'a str,
    /// Empty, or with its leading slash.
    path: &'a str,
}

impl<'a> Key<'a> {
    /// `None` for what Go's `url.Parse` refuses.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let rest = ["https://", "http://"]
            .iter()
            .find_map(|scheme| text.strip_prefix(scheme))
            .unwrap_or(text);
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        let port = split_port(host).1;
        let is_port = port.is_none_or(|port| port.bytes().all(|byte| byte.is_ascii_digit()));
        if text.chars().any(|c| c.is_ascii_control()) || !host.chars().all(is_of_host) || !is_port {
            return None;
        }
        let path = ["/v2/", "/v1/"]
            .iter()
            .find(|version| path.starts_with(**version))
            .map_or(path, |_| &path[3..]);
        Some(Self {
            host,
            path: if path == "/" { "" } else { path },
        })
    }

    /// What kubelet indexes and sorts the entry by.
    pub(super) fn text(&self) -> String {
        format!("{}{}", self.host, self.path)
    }

    /// kubelet's `URLsMatch`: equal ports, as many labels, each label's glob, and the path as a textual prefix.
    pub(super) fn matches(&self, repository: &Repository) -> bool {
        let ((host, port), (image_host, image_port)) = (split_port(self.host), split_port(&repository.host));
        let ports = (port.unwrap_or_default(), image_port.unwrap_or_default());
        ports.0 == ports.1 && repository.path.starts_with(self.path) && labels_match(host, image_host)
    }

    /// Why it does not match; `text` is the key as it stands in the document.
    pub(super) fn mismatch(&self, text: &str, repository: &Repository) -> Mismatch {
        let ((host, port), (image_host, image_port)) = (split_port(self.host), split_port(&repository.host));
        let owned = |port: Option<&str>| port.map(str::to_owned);
        let is_same_port = port.unwrap_or_default() == image_port.unwrap_or_default();
        if labels_match(host, image_host) {
            return match self.path {
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
        if strsim::damerau_levenshtein(&host.to_lowercase(), &image_host.to_lowercase()) <= 2 && image_host.len() > 6 {
            return Mismatch::Similar;
        }
        Mismatch::OtherHost
    }
}

/// What Go's `net/url` lets stand in a host; it does not look at what is not ASCII.
fn is_of_host(c: char) -> bool {
    c.is_ascii_alphanumeric() || !c.is_ascii() || "-_.~!$&'()*+,;=:[]<>\"".contains(c)
}

/// Go's `net.SplitHostPort`, which takes the brackets off only where there is a port.
fn split_port(host: &str) -> (&str, Option<&str>) {
    match host.rsplit_once(':') {
        Some((v6, port)) if v6.starts_with('[') && v6.ends_with(']') => (&v6[1..v6.len() - 1], Some(port)),
        Some((name, port)) if !name.contains([':', '[']) => (name, Some(port)),
        _ => (host, None),
    }
}

fn labels_match(globs: &str, host: &str) -> bool {
    globs.split('.').count() == host.split('.').count()
        && globs
            .split('.')
            .zip(host.split('.'))
            .all(|(glob, label)| is_match(glob.as_bytes(), label.as_bytes()))
}

/// Go's `filepath.Match` on one label, as far as a host can hold its signs. A malformed pattern matches nothing.
fn is_match(glob: &[u8], text: &[u8]) -> bool {
    match (glob, text) {
        ([], _) => text.is_empty(),
        ([b'*', rest @ ..], _) => (0..=text.len()).any(|from| is_match(rest, &text[from..])),
        ([b'[', class @ ..], [first, tail @ ..]) => {
            class_match(class, *first).is_some_and(|(is_in, rest)| is_in && is_match(rest, tail))
        }
        ([literal, rest @ ..], [first, tail @ ..]) => literal == first && is_match(rest, tail),
        _ => false,
    }
}

/// Whether `byte` is in the class that starts after its bracket, and what follows the class.
fn class_match(mut class: &[u8], byte: u8) -> Option<(bool, &[u8])> {
    let mut is_in = false;
    let mut is_empty = true;
    loop {
        match class {
            [b']', rest @ ..] if !is_empty => return Some((is_in, rest)),
            [from, b'-', to, rest @ ..] if *to != b']' => {
                is_in |= (*from..=*to).contains(&byte);
                class = rest;
            }
            [one, rest @ ..] => {
                is_in |= *one == byte;
                class = rest;
            }
            [] => return None,
        }
        is_empty = false;
    }
}
