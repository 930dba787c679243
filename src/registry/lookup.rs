//! Name resolution.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use http::Uri;
use ureq::config::Config;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

use crate::model::printable;

/// Longest quotation of the resolver, in characters.
const MAX_QUOTE: usize = 200;

/// The system's resolver, with the failed name in the error, and restricting loopback names to this machine.
#[derive(Debug)]
pub(super) struct Lookup {
    /// Whether only loopback addresses are allowed.
    pub loopback_only: bool,
}

/// A name without a usable address.
#[derive(Debug)]
pub(super) struct LookupFailed {
    pub host: String,
    /// `None`: there are addresses, but none is a loopback address.
    pub reason: Option<String>,
}

impl fmt::Display for LookupFailed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no address for {}", self.host)
    }
}

impl std::error::Error for LookupFailed {}

impl Resolver for Lookup {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let host = uri.host().unwrap_or_default().to_owned();
        let failed = |reason| {
            ureq::Error::Other(Box::new(LookupFailed {
                host: host.clone(),
                reason,
            }))
        };
        let found = match DefaultResolver::default().resolve(uri, config, timeout) {
            Ok(found) => found,
            // RFC 6761 §6.3: these names are loopback names, whether or not the resolver knows them.
            Err(ureq::Error::Io(_) | ureq::Error::HostNotFound) if self.loopback_only => self.this_machine(uri),
            Err(ureq::Error::Io(error)) => return Err(failed(Some(reason(&error)))),
            Err(ureq::Error::HostNotFound) => return Err(failed(Some("it has no address".to_owned()))),
            Err(other) => return Err(other),
        };
        if !self.loopback_only {
            return Ok(found);
        }
        let mut here = self.empty();
        for address in found.iter().filter(|address| address.ip().is_loopback()) {
            here.push(*address);
        }
        if here.is_empty() { Err(failed(None)) } else { Ok(here) }
    }
}

impl Lookup {
    fn this_machine(&self, uri: &Uri) -> ResolvedSocketAddrs {
        let default_port = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        let port = uri.port_u16().unwrap_or(default_port);
        let mut found = self.empty();
        for address in [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)] {
            found.push(SocketAddr::new(address, port));
        }
        found
    }
}

/// The resolver's message without the prefix of Rust's standard library.
fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text
        .strip_prefix("failed to lookup address information: ")
        .unwrap_or(&text);
    printable(text, MAX_QUOTE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_name_never_leads_to_another_machine() {
        let resolve = |uri: &'static str, loopback_only| {
            let lookup = Lookup { loopback_only };
            lookup.resolve(&Uri::from_static(uri), &Config::default(), NextTimeout::default())
        };
        for uri in [
            "http://127.0.0.1:3000/",
            "http://[::1]:3000/",
            "http://localhost/",
            "http://gitea.localhost/",
        ] {
            let found = resolve(uri, true).unwrap();
            assert!(found.iter().all(|address| address.ip().is_loopback()), "{uri}");
        }
        // In place of a name that resolves to another machine (192.0.2.0/24 is for documentation, RFC 5737).
        assert!(resolve("http://192.0.2.1/", false).is_ok());
        let refused = resolve("http://192.0.2.1/", true).unwrap_err();
        let ureq::Error::Other(refused) = refused else {
            panic!("{refused:?}")
        };
        let refused = refused.downcast::<LookupFailed>().unwrap();
        assert_eq!((refused.host.as_str(), refused.reason), ("192.0.2.1", None));
    }
}
