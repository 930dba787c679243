//! The normalised name of a container registry.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use thiserror::Error;

/// Docker Hub's key in docker's and kubelet's files, unchanged since 2013.
const HUB_CONFIG_KEY: &str = "https://index.docker.io/v1/";
const HUB: &str = "docker.io";
const HUB_ALIASES: [&str; 4] = [
    HUB,
    "index.docker.io",
    "registry-1.docker.io",
    "registry.hub.docker.com",
];

const HTTPS_PORT: u16 = 443;
const HTTP_PORT: u16 = 80;

/// Longest host name in DNS, in octets (RFC 1035 §2.3.4).
const MAX_HOST: usize = 253;
/// Longest label of a host name, in octets (RFC 1035 §2.3.4).
const MAX_LABEL: usize = 63;

/// A container registry: `host[:port]`, lower case, without scheme, path or default port.
///
/// Clients spell a registry differently: docker sends `host`, crane `host/owner/image`, nerdctl `https://host:443`, and
/// old configuration files contain `https://host/v1/`. All of them parse to the same value.
///
/// ```
/// use regcred::model::Registry;
/// let registry: Registry = "https://Gitea.example.com:443/v2/".parse()?;
/// assert_eq!(registry.as_str(), "gitea.example.com");
/// # Ok::<(), regcred::model::RegistryError>(())
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Registry {
    name: String,
    /// Whether it was written with the default port.
    with_default_port: Remark,
}

/// A detail of the spelling that does not affect equality: all values are equal.
#[derive(Clone, Copy)]
struct Remark(bool);

impl PartialEq for Remark {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

impl Eq for Remark {}

impl PartialOrd for Remark {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Remark {
    fn cmp(&self, _: &Self) -> Ordering {
        Ordering::Equal
    }
}

impl Hash for Remark {
    fn hash<H: Hasher>(&self, _: &mut H) {}
}

/// Why a text is not a registry's name.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// Nothing is left without scheme and path.
    #[error("the registry's name is empty")]
    Empty,
    /// A scheme other than `http` or `https`.
    #[error("a registry is reached over https or http, not by that scheme")]
    Scheme,
    /// `user@host` or `user:password@host`.
    #[error("a registry's name holds no user name: give the user with -u")]
    UserInfo,
    /// A line feed, NUL or another control character.
    #[error("the registry's name holds a control character")]
    Control,
    /// A host name with letters outside ASCII.
    #[error("a registry's name is ASCII: write an international name in its xn-- form")]
    NotAscii,
    /// The port is not a number from 1 to 65535.
    #[error("the registry's port is not a number from 1 to 65535")]
    Port,
    /// Neither a host name nor an IP address.
    #[error("that is not a host name or an IP address, with or without a port")]
    Host,
}

impl Registry {
    /// The normalised `host[:port]`.
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// The name with `:443` if it was written like that.
    ///
    /// Clients have no default port: for an image `host:443/app` docker, podman and kubelet use an entry with the key
    /// `host:443`, not `host`.
    pub fn as_written(&self) -> Cow<'_, str> {
        if self.with_default_port.0 {
            Cow::Owned(format!("{}:{HTTPS_PORT}", self.name))
        } else {
            Cow::Borrowed(&self.name)
        }
    }

    /// The registry's key in docker's `config.json` and in `dockerconfigjson` Secrets.
    pub fn config_key(&self) -> &str {
        if self.is_docker_hub() {
            HUB_CONFIG_KEY
        } else {
            &self.name
        }
    }

    /// The host without its port; an IPv6 address keeps its brackets.
    pub fn host(&self) -> &str {
        match self.name.rfind(':') {
            Some(colon) if !self.name[colon..].contains(']') => &self.name[..colon],
            _ => &self.name,
        }
    }

    /// Docker Hub, whose registry, token server and configuration key have three different names.
    pub fn is_docker_hub(&self) -> bool {
        self.name == HUB
    }

    /// Whether the host is this machine, for which plain http is used without a flag, as docker does.
    pub fn is_loopback(&self) -> bool {
        let host = self.host();
        if let Some(v6) = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
            return v6.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback());
        }
        host == "localhost" || host.ends_with(".localhost") || host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// Whether `key`, a key of an `auths` object, names the whole registry and not a path below it.
    pub fn is_named_by(&self, key: &str) -> bool {
        let rest = strip_scheme(key).map_or(key, |(_, rest)| rest);
        let path = rest.split_once('/').map_or("", |(_, path)| path).trim_matches('/');
        matches!(path, "" | "v1" | "v2") && key.parse::<Self>().is_ok_and(|named| named == *self)
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Registry({:?})", self.name)
    }
}

impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl FromStr for Registry {
    type Err = RegistryError;

    fn from_str(text: &str) -> Result<Self, RegistryError> {
        let text = text.trim();
        if text.chars().any(char::is_control) {
            return Err(RegistryError::Control);
        }
        let (plain_http, rest) = match strip_scheme(text) {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (false, rest),
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (true, rest),
            Some(_) => return Err(RegistryError::Scheme),
            None => (false, text.strip_prefix("//").unwrap_or(text)),
        };
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.is_empty() {
            return Err(RegistryError::Empty);
        }
        if authority.contains('@') {
            return Err(RegistryError::UserInfo);
        }
        if !authority.is_ascii() {
            return Err(RegistryError::NotAscii);
        }
        let (host, written_port) = split_port(authority)?;
        let host = normal_host(host)?;
        // The name keeps no scheme, so 443 means the same in it whatever the scheme was.
        let is_default = |port: &u16| *port == HTTPS_PORT || plain_http && *port == HTTP_PORT;
        let port = written_port.filter(|port| !is_default(port));
        if HUB_ALIASES.contains(&host.as_str()) && port.is_none() {
            return Ok(Self {
                name: HUB.to_owned(),
                with_default_port: Remark(false),
            });
        }
        Ok(Self {
            with_default_port: Remark(written_port == Some(HTTPS_PORT)),
            name: port.map_or(host.clone(), |port| format!("{host}:{port}")),
        })
    }
}

fn strip_scheme(text: &str) -> Option<(&str, &str)> {
    text.split_once("://")
}

/// Splits `host:port`, `[v6]:port` and a bare IPv6 address.
fn split_port(authority: &str) -> Result<(&str, Option<u16>), RegistryError> {
    if authority.parse::<Ipv6Addr>().is_ok() {
        return Ok((authority, None));
    }
    let (host, port) = match authority.strip_prefix('[') {
        Some(v6) => {
            let (host, rest) = v6.split_once(']').ok_or(RegistryError::Host)?;
            match rest {
                "" => (host, None),
                _ => (host, Some(rest.strip_prefix(':').ok_or(RegistryError::Host)?)),
            }
        }
        None => match authority.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (authority, None),
        },
    };
    let port = match port {
        None => None,
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => match digits.parse::<u16>() {
            Ok(port) if port > 0 => Some(port),
            _ => return Err(RegistryError::Port),
        },
        Some(_) => return Err(RegistryError::Port),
    };
    if authority.starts_with('[') && host.parse::<Ipv6Addr>().is_err() {
        return Err(RegistryError::Host);
    }
    Ok((host, port))
}

fn normal_host(host: &str) -> Result<String, RegistryError> {
    if let Ok(v6) = host.parse::<Ipv6Addr>() {
        return Ok(format!("[{v6}]"));
    }
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let label = |label: &str| {
        !label.is_empty()
            && label.len() <= MAX_LABEL
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    if host.len() > MAX_HOST || !host.split('.').all(label) {
        return Err(RegistryError::Host);
    }
    Ok(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_registry_has_one_name() {
        for (text, name) in [
            ("gitea.example.com", "gitea.example.com"),
            ("  gitea.example.com\n", "gitea.example.com"),
            ("GITEA.Example.COM", "gitea.example.com"),
            ("https://gitea.example.com", "gitea.example.com"),
            ("HTTPS://gitea.example.com/", "gitea.example.com"),
            ("http://gitea.example.com", "gitea.example.com"),
            ("http://gitea.example.com:80", "gitea.example.com"),
            ("http://gitea.example.com:443", "gitea.example.com"),
            ("gitea.example.com:80", "gitea.example.com:80"),
            ("gitea.example.com:443", "gitea.example.com"),
            ("gitea.example.com:0443", "gitea.example.com"),
            ("https://gitea.example.com:443/v2/", "gitea.example.com"),
            ("gitea.example.com/v1/", "gitea.example.com"),
            ("gitea.example.com/owner/image:tag", "gitea.example.com"),
            ("//gitea.example.com:3000", "gitea.example.com:3000"),
            (
                "https://gitea.example.com:3000/some/path?foo=bar#x",
                "gitea.example.com:3000",
            ),
            ("gitea.example.com.", "gitea.example.com"),
            ("my_registry:5000", "my_registry:5000"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
            ("127.0.0.1:5000", "127.0.0.1:5000"),
            ("localhost", "localhost"),
            ("::1", "[::1]"),
            ("[::1]", "[::1]"),
            ("[0:0::1]:5000", "[::1]:5000"),
            ("https://[2001:DB8::1]:443/", "[2001:db8::1]"),
            ("docker.io", "docker.io"),
            ("index.docker.io", "docker.io"),
            ("registry-1.docker.io:443", "docker.io"),
            ("https://index.docker.io/v1/", "docker.io"),
            ("http://index.docker.io:80", "docker.io"),
        ] {
            let registry: Registry = text.parse().unwrap();
            assert_eq!(registry.as_str(), name, "{text:?}");
            for again in [name, registry.config_key(), &registry.as_written()] {
                assert_eq!(again.parse().as_ref(), Ok(&registry), "{text:?}, written as {again}");
            }
        }
    }

    #[test]
    fn the_default_port_is_remembered_but_does_not_affect_equality() {
        let plain: Registry = "gitea.example.com".parse().unwrap();
        for (text, written) in [
            ("gitea.example.com", "gitea.example.com"),
            ("https://gitea.example.com:443/v2/", "gitea.example.com:443"),
            ("http://gitea.example.com:80", "gitea.example.com"),
        ] {
            let registry: Registry = text.parse().unwrap();
            assert_eq!(registry.as_written(), written);
            assert_eq!((&registry, registry.cmp(&plain)), (&plain, Ordering::Equal));
            assert!(std::collections::HashSet::from([plain.clone()]).contains(&registry));
        }
        let hub: Registry = "docker.io:443".parse().unwrap();
        assert_eq!(hub.as_written(), "docker.io");
    }

    #[test]
    fn invalid_registries_are_explained() {
        use RegistryError as E;
        let long = format!("{}.com", "a".repeat(64));
        for (text, error) in [
            ("", E::Empty),
            ("   ", E::Empty),
            ("https://", E::Empty),
            ("/owner/image", E::Empty),
            ("ftp://gitea.example.com", E::Scheme),
            ("admin@gitea.example.com", E::UserInfo),
            ("https://admin:secret@gitea.example.com/", E::UserInfo),
            ("gitea.example.com\nevil", E::Control),
            ("gitea\0.example.com", E::Control),
            ("bücher.example", E::NotAscii),
            ("gitea.example.com:0", E::Port),
            ("gitea.example.com:65536", E::Port),
            ("gitea.example.com:", E::Port),
            ("gitea.example.com:http", E::Port),
            ("gitea.example.com:+1", E::Port),
            ("gitea..example.com", E::Host),
            ("-gitea.example.com", E::Host),
            ("gitea example.com", E::Host),
            ("gitea.example.com\\v2", E::Host),
            ("[gitea.example.com]", E::Host),
            ("[::1", E::Host),
            ("[::1]5000", E::Host),
            (long.as_str(), E::Host),
        ] {
            assert_eq!(text.parse::<Registry>(), Err(error), "{text:?}");
        }
    }

    #[test]
    fn a_path_below_a_registry_is_not_the_registry() {
        let registry: Registry = "gitea.example.com".parse().unwrap();
        for key in [
            "gitea.example.com",
            "https://gitea.example.com/v2/",
            "gitea.example.com:443",
            "gitea.example.com/v1",
        ] {
            assert!(registry.is_named_by(key), "{key}");
        }
        for key in [
            "gitea.example.com/org",
            "https://gitea.example.com/v2/org",
            "gitea.example.com:3000",
            "*.example.com",
        ] {
            assert!(!registry.is_named_by(key), "{key}");
        }
    }

    #[test]
    fn loopback_and_docker_hub_are_recognised() {
        for (text, loopback) in [
            ("localhost:3000", true),
            ("gitea.localhost", true),
            ("127.8.0.1", true),
            ("[::1]:80", true),
            ("128.0.0.1", false),
            ("localhost.example.com", false),
            ("[2001:db8::1]", false),
        ] {
            assert_eq!(text.parse::<Registry>().unwrap().is_loopback(), loopback, "{text}");
        }
        let hub: Registry = "docker.io".parse().unwrap();
        assert_eq!(hub.config_key(), "https://index.docker.io/v1/");
        let v6: Registry = "[::1]:5000".parse().unwrap();
        assert_eq!((v6.host(), v6.config_key()), ("[::1]", "[::1]:5000"));
    }
}
