//! Where a token may be sent: only to the registry's own origin.

use std::fmt;

use http::Uri;

use crate::model::Registry;

/// The host name of Docker Hub's registry.
const HUB_API: &str = "registry-1.docker.io";

/// Registries whose token server has another host by design: the registry and that host.
const TOKEN_SERVERS: [(&str, &str); 2] = [("docker.io", "auth.docker.io"), ("registry.gitlab.com", "gitlab.com")];

/// Scheme, host and port (RFC 6454 §4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Origin {
    https: bool,
    /// Lower case; an IPv6 address in brackets.
    host: String,
    port: u16,
}

/// A URL to which a token may be sent. Only the two functions below create one.
#[derive(Clone, Debug)]
pub(super) struct Endpoint(Uri);

/// Why no token may be sent to a realm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum RealmFault {
    /// Not an absolute `http` or `https` URL, or it contains a user name.
    NotAnAddress,
    /// The same host without TLS.
    PlainHttp,
    /// Another origin.
    Elsewhere,
}

impl Origin {
    /// The registry's own origin.
    pub fn of_registry(registry: &Registry, https: bool) -> Self {
        let (host, named) = match registry.as_str().strip_prefix(registry.host()) {
            Some(port) => (registry.host(), port.strip_prefix(':')),
            None => (registry.host(), None),
        };
        Self {
            https,
            host: if registry.is_docker_hub() { HUB_API } else { host }.to_owned(),
            port: named
                .and_then(|port| port.parse().ok())
                .unwrap_or(if https { 443 } else { 80 }),
        }
    }

    fn of_uri(uri: &Uri) -> Option<Self> {
        let https = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = uri.authority().filter(|authority| !authority.as_str().contains('@'))?;
        Some(Self {
            https,
            host: authority.host().to_ascii_lowercase(),
            port: match authority.as_str().strip_prefix(authority.host())?.strip_prefix(':') {
                Some(port) => port.parse().ok()?,
                None if https => 443,
                None => 80,
            },
        })
    }

    /// A URL on this origin. `path` begins with a slash. `None` if the result is invalid.
    pub fn endpoint(&self, path: &str) -> Option<Endpoint> {
        let uri: Uri = format!("{self}{path}").parse().ok()?;
        (Self::of_uri(&uri)? == *self).then_some(Endpoint(uri))
    }

    /// The URL of the token server, if a token may be sent there.
    pub fn realm(&self, registry: &Registry, realm: &str) -> Result<Endpoint, RealmFault> {
        let uri: Uri = realm.parse().map_err(|_| RealmFault::NotAnAddress)?;
        let origin = Self::of_uri(&uri).ok_or(RealmFault::NotAnAddress)?;
        let known = |host: &str| TOKEN_SERVERS.contains(&(registry.as_str(), host));
        if origin == *self || (origin.https && origin.port == 443 && known(&origin.host)) {
            return Ok(Endpoint(uri));
        }
        let downgrade = self.https && !origin.https && (origin.host == self.host || known(&origin.host));
        Err(if downgrade {
            RealmFault::PlainHttp
        } else {
            RealmFault::Elsewhere
        })
    }
}

impl Endpoint {
    /// The URL for the HTTP client.
    pub fn uri(&self) -> &Uri {
        &self.0
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, default_port) = if self.https { ("https", 443) } else { ("http", 80) };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port == default_port {
            Ok(())
        } else {
            write!(f, ":{}", self.port)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_without_its_default_port() {
        for (registry, https, origin) in [
            ("gitea.example.com", true, "https://gitea.example.com"),
            ("gitea.example.com:3000", true, "https://gitea.example.com:3000"),
            ("localhost", false, "http://localhost"),
            ("[::1]:5000", false, "http://[::1]:5000"),
            ("::1", true, "https://[::1]"),
            ("my_registry:5000", true, "https://my_registry:5000"),
            ("docker.io", true, "https://registry-1.docker.io"),
        ] {
            let made = Origin::of_registry(&registry.parse().unwrap(), https);
            assert_eq!(made.to_string(), origin);
            assert_eq!(
                made.endpoint("/v2/").unwrap().uri().to_string(),
                format!("{origin}/v2/")
            );
        }
        let origin = Origin::of_registry(&"gitea.example.com".parse().unwrap(), true);
        for path in ["@evil.example/", ".evil.example/", ":8443/v2/", "\n/"] {
            assert!(origin.endpoint(path).is_none(), "{path}");
        }
    }

    #[test]
    fn a_realm_is_this_origin_or_well_known() {
        use RealmFault::{Elsewhere, NotAnAddress, PlainHttp};
        for (registry, realm, verdict) in [
            ("gitea.example.com", "https://gitea.example.com/v2/token", Ok(())),
            (
                "gitea.example.com",
                "https://GITEA.example.com:443/sub/v2/token",
                Ok(()),
            ),
            ("gitea.example.com", "http://gitea.example.com/v2/token", Err(PlainHttp)),
            (
                "gitea.example.com",
                "https://gitea.example.com:8443/v2/token",
                Err(Elsewhere),
            ),
            (
                "gitea.example.com:8443",
                "https://gitea.example.com/v2/token",
                Err(Elsewhere),
            ),
            ("gitea.example.com", "http://gitea:3000/v2/token", Err(Elsewhere)),
            (
                "gitea.example.com",
                "https://gitea.example.com.evil.example/",
                Err(Elsewhere),
            ),
            (
                "gitea.example.com",
                "https://evil.example/?gitea.example.com",
                Err(Elsewhere),
            ),
            ("gitea.example.com", "https://auth.docker.io/token", Err(Elsewhere)),
            (
                "gitea.example.com",
                "https://gitea.example.com@evil.example/",
                Err(NotAnAddress),
            ),
            ("gitea.example.com", "https://u@gitea.example.com/", Err(NotAnAddress)),
            ("gitea.example.com", "ftp://gitea.example.com/", Err(NotAnAddress)),
            ("gitea.example.com", "/v2/token", Err(NotAnAddress)),
            ("gitea.example.com", "https://gitea.example.com:x/", Err(NotAnAddress)),
            ("docker.io", "https://auth.docker.io/token", Ok(())),
            ("docker.io", "http://auth.docker.io/token", Err(PlainHttp)),
            ("docker.io", "https://auth.docker.io.evil.example/token", Err(Elsewhere)),
            ("registry.gitlab.com", "https://gitlab.com/jwt/auth", Ok(())),
            ("ghcr.io", "https://ghcr.io/token", Ok(())),
        ] {
            let registry: Registry = registry.parse().unwrap();
            let origin = Origin::of_registry(&registry, true);
            assert_eq!(
                origin.realm(&registry, realm).map(|_| ()),
                verdict,
                "{registry} {realm}"
            );
        }
    }
}
