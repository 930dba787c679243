//! Selects the proxy for a server by the rules of Go's `net/http`, as in kubectl and docker.
//!
//! Our HTTP libraries would read the process's environment themselves, and not always correctly: kube compares
//! `NO_PROXY` with the proxy's host instead of the cluster's. So the proxy is selected here
//! (`golang.org/x/net/http/httpproxy`) and passed to them.

use std::net::IpAddr;

use http::Uri;
use thiserror::Error;

use crate::sys::env::Env;

/// The default port of a SOCKS proxy (`golang.org/x/net/http/httpproxy`, RFC 1928).
const SOCKS_PORT: &str = "1080";

/// Why a proxy cannot be used. The address is not quoted, because it can contain a password.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the proxy of {origin} cannot be used: {what}")]
pub struct ProxyError {
    /// `proxy-url` or the variable's name.
    pub origin: &'static str,
    pub what: &'static str,
}

/// The proxy for requests to `server`: `proxy_url` of a kubeconfig, else the environment's. Loopback servers use none.
pub fn proxy_for(server: &Uri, proxy_url: Option<&str>, env: &Env) -> Result<Option<Uri>, ProxyError> {
    if let Some(url) = proxy_url.filter(|url| !url.is_empty()) {
        // client-go's `parseProxyURL`: no scheme is assumed. An explicit proxy-url is not subject to NO_PROXY.
        let is_known = ["http://", "https://", "socks5://"].iter().any(|scheme| {
            let start = url.get(..scheme.len()).unwrap_or_default();
            start.eq_ignore_ascii_case(scheme)
        });
        if !is_known {
            let what = "it has to begin with http://, https:// or socks5://, for kubectl too";
            return Err(ProxyError {
                origin: "proxy-url",
                what,
            });
        }
        return parse(url, "proxy-url").map(Some);
    }
    let names: [&'static str; 2] = match server.scheme_str() {
        Some("https") => ["HTTPS_PROXY", "https_proxy"],
        // In a CGI program HTTP_PROXY comes from a request header (httpoxy, CVE-2016-5386).
        _ if env.var("REQUEST_METHOD").is_some() => return Ok(None),
        _ => ["HTTP_PROXY", "http_proxy"],
    };
    let Some((name, url)) = names.into_iter().find_map(|name| Some((name, env.var(name)?))) else {
        return Ok(None);
    };
    let no_proxy = env.var("NO_PROXY").or_else(|| env.var("no_proxy")).unwrap_or_default();
    if is_direct(server, no_proxy) {
        return Ok(None);
    }
    parse(url, name).map(Some)
}

fn parse(text: &str, origin: &'static str) -> Result<Uri, ProxyError> {
    let error = |what| ProxyError { origin, what };
    let with_scheme = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    // In Go, the proxy resolves names with both schemes.
    let with_scheme = match with_scheme.strip_prefix("socks5h://") {
        Some(rest) => format!("socks5://{rest}"),
        None => with_scheme,
    };
    let uri: Uri = with_scheme.parse().map_err(|_| error("it is not a URL"))?;
    match uri.scheme_str() {
        Some("http" | "https" | "socks5") if uri.host().is_none_or(str::is_empty) => Err(error("it has no host")),
        Some("http" | "https") => Ok(uri),
        Some("socks5") => with_port(uri, SOCKS_PORT).ok_or_else(|| error("it is not a URL")),
        _ => Err(error("it is neither http, https nor socks5")),
    }
}

/// Adds the port if there is none: the libraries would use http's.
fn with_port(uri: Uri, port: &str) -> Option<Uri> {
    if uri.port().is_some() {
        return Some(uri);
    }
    let authority = format!("{}:{port}", uri.authority()?.as_str().trim_end_matches(':'));
    let mut parts = uri.into_parts();
    parts.authority = Some(authority.parse().ok()?);
    Uri::from_parts(parts).ok()
}

fn host_of(server: &Uri) -> String {
    let host = server.host().unwrap_or_default();
    host.trim_matches(['[', ']']).to_ascii_lowercase()
}

/// Whether the server is this machine.
pub(crate) fn is_loopback(server: &Uri) -> bool {
    let host = host_of(server);
    host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback())
}

/// Whether the server is exempt from proxies, by `NO_PROXY` or because it is a loopback address.
fn is_direct(server: &Uri, no_proxy: &str) -> bool {
    let host = host_of(server);
    let https = server.scheme_str() == Some("https");
    let port = server.port_u16().unwrap_or(if https { 443 } else { 80 });
    let ip: Option<IpAddr> = host.parse().ok();
    if is_loopback(server) {
        return true;
    }
    no_proxy
        .split(',')
        .map(|entry| entry.trim().to_ascii_lowercase())
        .filter(|entry| !entry.is_empty())
        .any(|entry| entry == "*" || exempts(&entry, &host, port, ip))
}

fn exempts(entry: &str, host: &str, port: u16, ip: Option<IpAddr>) -> bool {
    if let Some((network, bits)) = entry.split_once('/')
        && let (Ok(network), Ok(bits)) = (network.parse(), bits.parse())
    {
        return ip.is_some_and(|ip| is_within(ip, network, bits));
    }
    let (name, only_port) = match entry.rsplit_once(':') {
        // A bare IPv6 address contains colons.
        Some((name, digits)) if !name.contains(':') || name.ends_with(']') => (name, Some(digits)),
        _ => (entry, None),
    };
    let name = name.trim_matches(['[', ']']);
    // As in Go, `example.com:` means all ports.
    let only_port = only_port.filter(|digits| !digits.is_empty());
    if name.is_empty() || only_port.is_some_and(|digits| digits.parse() != Ok(port)) {
        return false;
    }
    if let Ok(address) = name.parse::<IpAddr>() {
        return ip == Some(address);
    }
    let name = name
        .strip_prefix('*')
        .filter(|rest| rest.starts_with('.'))
        .unwrap_or(name);
    match name.strip_prefix('.') {
        // `.example.com` matches only subdomains, `example.com` also itself.
        Some(_) => host.ends_with(name),
        None => host == name || host.strip_suffix(name).is_some_and(|rest| rest.ends_with('.')),
    }
}

fn is_within(ip: IpAddr, network: IpAddr, bits: u32) -> bool {
    let same =
        |one: u128, other: u128, width: u32| bits <= width && (bits == 0 || (one ^ other) >> (width - bits) == 0);
    match (ip, network) {
        (IpAddr::V4(ip), IpAddr::V4(network)) => same(ip.to_bits().into(), network.to_bits().into(), 32),
        (IpAddr::V6(ip), IpAddr::V6(network)) => same(ip.to_bits(), network.to_bits(), 128),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(server: &str, proxy_url: Option<&str>, env: &[(&str, &str)]) -> Option<String> {
        let env: Env = env.iter().copied().collect();
        proxy_for(&server.parse().unwrap(), proxy_url, &env)
            .unwrap()
            .map(|uri| uri.to_string())
    }

    #[test]
    fn the_scheme_of_the_cluster_chooses_the_variable() {
        let both = [
            ("HTTPS_PROXY", "http://s:1"),
            ("http_proxy", "h:2"),
            ("https_proxy", "http://lower:1"),
        ];
        assert_eq!(proxy("https://api:6443", None, &both).as_deref(), Some("http://s:1/"));
        assert_eq!(proxy("http://api", None, &both).as_deref(), Some("http://h:2/"));
        assert_eq!(
            proxy("http://api", None, &[("HTTP_PROXY", "h:2"), ("REQUEST_METHOD", "GET")]),
            None
        );
        assert_eq!(
            proxy("https://api", None, &[("ALL_PROXY", "http://a:1"), ("HTTPS_PROXY", "")]),
            None
        );
    }

    #[test]
    fn a_proxy_url_has_a_scheme_that_kubectl_takes() {
        for url in [
            "proxy.example.com:3128",
            "127.0.0.1:3128",
            "localhost",
            "socks5h://proxy.example.com",
            "ftp://proxy.example.com",
        ] {
            let error = proxy_for(&"https://api".parse().unwrap(), Some(url), &Env::default()).unwrap_err();
            assert_eq!(
                error.to_string(),
                "the proxy of proxy-url cannot be used: it has to begin with http://, https:// or socks5://, for kubectl too"
            );
        }
    }

    #[test]
    fn a_proxy_url_of_the_kubeconfig_is_not_subject_to_no_proxy() {
        let env = [("NO_PROXY", "*"), ("HTTPS_PROXY", "http://s:1")];
        assert_eq!(
            proxy("https://api", Some("socks5://p"), &env).as_deref(),
            Some("socks5://p:1080/")
        );
        assert_eq!(proxy("https://api", Some(""), &env), None);
    }

    #[test]
    fn no_proxy_is_compared_with_the_cluster() {
        for (server, no_proxy, direct) in [
            ("https://api.example.com:6443", "", false),
            ("https://api.example.com:6443", "example.com", true),
            ("https://api.example.com:6443", ".example.com", true),
            ("https://example.com:6443", ".example.com", false),
            ("https://example.com:6443", "*.example.com", false),
            ("https://api.example.com:6443", "*.example.com", true),
            ("https://API.example.com:6443", " x ,, Api.Example.com:6443,", true),
            ("https://api.example.com:6443", "api.example.com:443", false),
            ("https://api.example.com", "api.example.com:443", true),
            ("https://notexample.com", "example.com", false),
            ("https://api.example.com:6443", "example.com:", true),
            ("https://api.example.com:6443", ":6443", false),
            ("https://10.1.2.3:6443", "10.0.0.0/8", true),
            ("https://11.1.2.3:6443", "10.0.0.0/8", false),
            ("https://10.1.2.3:6443", "10.1.2.3", true),
            ("https://10.1.2.3:6443", "0.0.0.0/0", true),
            ("https://[fd00::1]:6443", "fd00::/8", true),
            ("https://[fd00::1]:6443", "fd00::1", true),
            ("https://[fd00::1]:6443", "[fd00::1]:443", false),
            ("https://[fd00::1]:6443", "[fd00::1]:6443", true),
            ("https://anything", "*", true),
            ("https://localhost:6443", "", true),
            ("https://127.0.0.1:6443", "", true),
            ("https://[::1]:6443", "", true),
            ("https://proxy.invalid", "other", false),
        ] {
            let env = [("HTTPS_PROXY", "http://proxy.invalid:1"), ("NO_PROXY", no_proxy)];
            assert_eq!(proxy(server, None, &env).is_none(), direct, "{server} {no_proxy:?}");
        }
    }

    #[test]
    fn an_unusable_proxy_is_not_quoted() {
        for url in ["ftp://user:s3cret@proxy", "http://", "http://user:s3cret@:x y"] {
            let env: Env = [("HTTPS_PROXY", url)].into_iter().collect();
            let error = proxy_for(&"https://api".parse().unwrap(), None, &env).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error}");
        }
    }
}
