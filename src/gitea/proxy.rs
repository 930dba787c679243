//! Which proxy leads to a registry, by the variables that docker, kubectl and curl read.

use http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use ureq::Proxy;

use super::ReachError;
use crate::env::Env;
use crate::model::Registry;

/// The proxy for requests to `origin`, an address of `registry`, or none.
///
/// `HTTPS_PROXY` or `HTTP_PROXY` by the scheme, and `NO_PROXY`, each also in lower case. `ALL_PROXY` is not read, as Go's
/// clients do not read it either: what docker and kubectl reach, we reach. A loopback registry has no proxy.
pub(super) fn proxy_for(registry: &Registry, origin: &Uri, env: &Env) -> Result<Option<Proxy>, ReachError> {
    let variable = if origin.scheme_str() == Some("https") {
        "HTTPS_PROXY"
    } else {
        "HTTP_PROXY"
    };
    let Some(value) = either_case(env, variable) else {
        return Ok(None);
    };
    let port = origin
        .port_u16()
        .unwrap_or(if variable == "HTTPS_PROXY" { 443 } else { 80 });
    if registry.is_loopback() || is_exempt(env, origin, port) {
        return Ok(None);
    }
    Proxy::new(value).map(Some).map_err(|_| ReachError::Proxy { variable })
}

fn either_case<'a>(env: &'a Env, name: &str) -> Option<&'a str> {
    env.var(name).or_else(|| env.var(&name.to_ascii_lowercase()))
}

/// Whether `NO_PROXY` names the host. The matcher knows names, addresses and networks; ports, `*` before a dot and
/// brackets, which Go's clients take as well, are brought into a form that it knows.
fn is_exempt(env: &Env, origin: &Uri, port: u16) -> bool {
    let Some(list) = either_case(env, "NO_PROXY") else {
        return false;
    };
    let mut entries = Vec::new();
    for entry in list.split([',', ' ']).map(str::trim).filter(|entry| !entry.is_empty()) {
        if entry == "*" {
            return true;
        }
        let (name, only) = match entry.rsplit_once(':') {
            Some((name, digits)) if !name.contains(':') || name.ends_with(']') => (name, Some(digits)),
            _ => (entry, None),
        };
        if only.is_none_or(|digits| digits.parse() == Ok(port)) {
            let name = name
                .strip_prefix('*')
                .filter(|rest| rest.starts_with('.'))
                .unwrap_or(name);
            entries.push(name.trim_start_matches('[').trim_end_matches(']').to_owned());
        }
    }
    let any = "http://proxy.invalid";
    let matcher = Matcher::builder().http(any).https(any).no(entries.join(",")).build();
    matcher.intercept(origin).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxy(registry: &str, scheme: &str, env: &[(&str, &str)]) -> Option<String> {
        let registry: Registry = registry.parse().unwrap();
        let origin: Uri = format!("{scheme}://{registry}/").parse().unwrap();
        let env = env.iter().copied().collect();
        let proxy = proxy_for(&registry, &origin, &env).unwrap()?;
        Some(format!("{}:{}", proxy.host(), proxy.port()))
    }

    #[test]
    fn the_scheme_names_the_variable() {
        let env = [
            ("HTTPS_PROXY", "http://p.example:3128"),
            ("http_proxy", "q.example:8080"),
        ];
        assert_eq!(
            proxy("gitea.example.com", "https", &env).as_deref(),
            Some("p.example:3128")
        );
        assert_eq!(
            proxy("gitea.example.com", "http", &env).as_deref(),
            Some("q.example:8080")
        );
        assert_eq!(
            proxy("gitea.example.com", "https", &[("ALL_PROXY", "http://p:1")]),
            None
        );
        for loopback in ["localhost:3000", "127.0.0.1:3000", "[::1]:3000"] {
            assert_eq!(proxy(loopback, "https", &env), None, "{loopback}");
        }
        let bad = Env::from_iter([("HTTPS_PROXY", "ftp://p.example")]);
        let registry = "gitea.example.com".parse().unwrap();
        let refused = proxy_for(&registry, &Uri::from_static("https://gitea.example.com/"), &bad);
        assert!(matches!(
            refused,
            Err(ReachError::Proxy {
                variable: "HTTPS_PROXY"
            })
        ));
    }

    #[test]
    fn no_proxy_is_read_as_go_and_curl_read_it() {
        for (registry, list, exempt) in [
            ("gitea.example.com", "gitea.example.com", true),
            ("gitea.example.com", "Example.COM", true),
            ("gitea.example.com", ".example.com", true),
            ("gitea.example.com", "*.example.com", true),
            ("gitea.example.com", "other.org, gitea.example.com", true),
            ("gitea.example.com", "*", true),
            ("gitea.example.com", "ample.com", false),
            ("gitea.example.com", "gitea.example.com.evil.org", false),
            ("gitea.example.com", "", false),
            ("gitea.example.com:3000", "gitea.example.com", true),
            ("gitea.example.com:3000", "gitea.example.com:3000", true),
            ("gitea.example.com:3000", "gitea.example.com:3001", false),
            ("gitea.example.com", "gitea.example.com:443", true),
            ("10.1.2.3", "10.0.0.0/8", true),
            ("10.1.2.3", "*", true),
            ("11.1.2.3", "10.0.0.0/8", false),
            ("[fd00::1]:5000", "fd00::/8", true),
            ("[fd00::1]:5000", "[fd00::1]:5000", true),
            ("[fd00::1]:5000", "fd00::2", false),
        ] {
            let env = [("HTTPS_PROXY", "http://p.example:3128"), ("NO_PROXY", list)];
            assert_eq!(proxy(registry, "https", &env).is_none(), exempt, "{registry} {list:?}");
        }
    }
}
