//! Why a registry could not be reached.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use super::lookup::LookupFailed;
use crate::model::printable;
use crate::sys::proxy::ProxyError;
use crate::tls::{Fault, Reason};

/// Longest part of a message that comes from outside.
const MAX_QUOTE: usize = 200;

/// A request failed without a usable answer.
///
/// `place` is the origin, with the proxy if there is one.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReachError {
    #[error("cannot read the CA file {}: {source}", path.display())]
    CaFile { path: PathBuf, source: io::Error },
    /// `--ca-file` contains no valid certificate.
    #[error("the CA file {} holds no usable certificate in PEM form", path.display())]
    CaFileContent { path: PathBuf },
    /// The environment contains an invalid proxy.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// The registry's name cannot be part of a URL.
    #[error("{place} is not an address that can be asked")]
    Address { place: String },
    /// The name cannot be resolved.
    #[error("the host {host} is unknown: {reason}")]
    UnknownHost {
        /// The name of the registry or of the proxy.
        host: String,
        reason: String,
    },
    /// A loopback name resolves to another machine, to which plain http would expose the token.
    #[error("{host} should be this machine, but its address is another one's")]
    NotLoopback { host: String },
    #[error("{place} refused the connection")]
    Refused { place: String },
    /// No route, or another network error.
    #[error("{place} cannot be reached: {reason}")]
    Unreachable { place: String, reason: String },
    /// The server closed the connection before the answer was complete.
    #[error("{place} closed the connection in the middle of an answer")]
    Cut { place: String },
    #[error("{place} did not answer within {} s", after.as_secs_f32())]
    TimedOut {
        place: String,
        /// The time limit of all requests together.
        after: Duration,
    },
    /// The certificate's issuer is not trusted.
    #[error("the certificate of {place} was issued by an authority that this machine does not trust")]
    UnknownAuthority { place: String },
    #[error("the certificate of {place} is for another name: {names}")]
    WrongName { place: String, names: String },
    #[error("the certificate of {place} names no host (it has no subject alternative name)")]
    NoName { place: String },
    #[error("the certificate of {place} has expired")]
    Expired { place: String },
    #[error("the certificate of {place} is not valid yet")]
    NotYetValid { place: String },
    #[error("{place} does not speak TLS")]
    NotTls { place: String },
    #[error("no TLS connection to {place}: {reason}")]
    Tls { place: String, reason: Reason },
    /// The proxy refused to connect.
    #[error("the proxy does not let us reach {place}: {reason}")]
    ProxyRefused { place: String, reason: String },
    /// The answer is not HTTP.
    #[error("{place} does not answer in HTTP: {reason}")]
    NotHttp { place: String, reason: String },
    /// The answer exceeds the size limit.
    #[error("the answer of {place} is too large")]
    TooLarge { place: String },
}

impl ReachError {
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::CaFile { .. } => "give the CA certificate's file, in PEM form, to --ca-file",
            Self::CaFileContent { .. } => {
                "the file must hold `-----BEGIN CERTIFICATE-----`: convert DER with `openssl x509 -inform der -in FILE`"
            }
            Self::Proxy(_) => "write it as http://host:port, or unset it",
            Self::UnknownHost { .. } => "check the spelling of the host, the VPN and the DNS",
            Self::NotLoopback { .. } => "give the registry's real name, or correct DNS or /etc/hosts",
            Self::Refused { .. } => "check the port, and that the server runs",
            Self::TimedOut { .. } => "check the port, a firewall on the way, and HTTPS_PROXY/NO_PROXY",
            Self::Tls { reason, .. } => return reason.hint().map(str::to_owned),
            Self::NoName { .. } => "issue a new one with a subjectAltName: the common name is not used",
            Self::UnknownAuthority { .. } => {
                "if the registry uses a CA of its own, give that CA's certificate with --ca-file FILE"
            }
            Self::WrongName { .. } => "use the name that the certificate is for, or correct the certificate",
            Self::Expired { .. } => "renew the registry's certificate; if it is new, check this machine's clock",
            Self::NotYetValid { .. } => "check this machine's clock",
            Self::NotTls { .. } => {
                "if the registry really has no TLS, --plain-http speaks http to it: the token then crosses the network in the clear"
            }
            Self::ProxyRefused { .. } => "check HTTPS_PROXY; NO_PROXY names the hosts that need no proxy",
            Self::NotHttp { .. } => "check the port; a registry with TLS needs no --plain-http",
            Self::Address { .. } | Self::Unreachable { .. } | Self::Cut { .. } | Self::TooLarge { .. } => return None,
        };
        Some(hint.to_owned())
    }

    /// Converts an error of the HTTP client.
    pub(super) fn explain(error: ureq::Error, place: &str, after: Duration) -> Self {
        use ureq::Error as E;
        let place = place.to_owned();
        match error {
            E::Io(error) => Self::of_io(&error, place, after),
            E::Rustls(error) => Self::of_tls(&error, place),
            E::Timeout(_) => Self::TimedOut { place, after },
            E::ConnectProxyFailed(reason) => Self::ProxyRefused {
                place,
                // The HTTP client gives the status twice: `407/407`.
                reason: printable(reason.split('/').next().unwrap_or_default(), MAX_QUOTE),
            },
            E::BodyExceedsLimit(_) | E::LargeResponseHeader(..) => Self::TooLarge { place },
            E::BadUri(_) | E::Http(_) => Self::Address { place },
            E::Other(error) => match error.downcast::<LookupFailed>() {
                Ok(failed) => Self::of_lookup(*failed),
                Err(error) => Self::Unreachable {
                    place,
                    reason: printable(&error.to_string(), MAX_QUOTE),
                },
            },
            other => Self::NotHttp {
                place,
                reason: printable(&other.to_string(), MAX_QUOTE),
            },
        }
    }

    fn of_lookup(failed: LookupFailed) -> Self {
        let host = failed.host;
        match failed.reason {
            Some(reason) => Self::UnknownHost { host, reason },
            None => Self::NotLoopback { host },
        }
    }

    fn of_io(error: &io::Error, place: String, after: Duration) -> Self {
        use io::ErrorKind as K;
        let tls = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        if let Some(tls) = tls {
            return Self::of_tls(tls, place);
        }
        match error.kind() {
            K::ConnectionRefused => Self::Refused { place },
            K::ConnectionReset | K::ConnectionAborted | K::BrokenPipe | K::UnexpectedEof => Self::Cut { place },
            K::TimedOut | K::WouldBlock => Self::TimedOut { place, after },
            _ => Self::Unreachable {
                place,
                reason: printable(&error.to_string(), MAX_QUOTE),
            },
        }
    }

    pub(super) fn of_tls(error: &rustls::Error, place: String) -> Self {
        match Fault::from(error) {
            Fault::UnknownAuthority => Self::UnknownAuthority { place },
            Fault::WrongName { names } if names.is_empty() => Self::WrongName {
                place,
                names: "not this one".to_owned(),
            },
            Fault::WrongName { names } => Self::WrongName { place, names },
            Fault::NoName => Self::NoName { place },
            Fault::Expired => Self::Expired { place },
            Fault::NotYetValid => Self::NotYetValid { place },
            Fault::NotTls => Self::NotTls { place },
            Fault::Other(reason) => Self::Tls { place, reason },
        }
    }
}
