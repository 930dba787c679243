//! The proxy for a registry, as the HTTP library needs it.

use http::Uri;
use ureq::Proxy;

use super::ReachError;
use crate::model::Registry;
use crate::sys::env::Env;
use crate::sys::proxy;

/// The proxy for requests to `origin`, a URL of `registry`, if there is one.
///
/// An http proxy gets only CONNECT requests, even for plain http, so it never sees our headers.
pub(super) fn proxy_for(registry: &Registry, origin: &Uri, env: &Env) -> Result<Option<Proxy>, ReachError> {
    if registry.is_loopback() {
        return Ok(None);
    }
    let Some(uri) = proxy::proxy_for(origin, None, env)? else {
        return Ok(None);
    };
    let unusable = |_| proxy::ProxyError {
        origin: "the environment",
        what: "it is not an address",
    };
    // With socks5 ureq resolves the host itself, with socks5h the proxy does, which Go always does.
    let address = uri.to_string().replacen("socks5://", "socks5h://", 1);
    Ok(Some(Proxy::new(&address).map_err(unusable)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_registrys_scheme_and_host_decide() {
        let env: Env = [
            ("HTTPS_PROXY", "http://p.example:3128"),
            ("NO_PROXY", "direct.example.com"),
        ]
        .into_iter()
        .collect();
        for (registry, expected) in [
            ("gitea.example.com", Some("p.example")),
            ("direct.example.com", None),
            ("gitea.localhost:3000", None),
            ("[::1]:3000", None),
        ] {
            let registry: Registry = registry.parse().unwrap();
            let origin: Uri = format!("https://{registry}/").parse().unwrap();
            let proxy = proxy_for(&registry, &origin, &env).unwrap();
            assert_eq!(proxy.as_ref().map(Proxy::host), expected, "{registry}");
        }
        let bad: Env = [("HTTPS_PROXY", "ftp://user:s3cret@p.example")].into_iter().collect();
        let error = proxy_for(
            &"a.example".parse().unwrap(),
            &Uri::from_static("https://a.example/"),
            &bad,
        )
        .unwrap_err();
        assert!(
            matches!(&error, ReachError::Proxy(_)) && !error.to_string().contains("s3cret"),
            "{error}"
        );
    }
}
