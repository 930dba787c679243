//! TLS by Go's rules, as docker, kubectl and kubelet have them: parsing PEM, verifying servers, and client
//! certificates.
//!
//! The cryptography is that of rustls and ring. This module adds what Go's `encoding/pem` and `crypto/tls` accept and
//! rustls does not (a server's own certificate as its authority, an X.509 v1 client certificate), and readable error
//! messages.

mod authorities;
mod certificate;
mod fault;
mod identity;
pub mod pem;

use std::sync::{Arc, OnceLock};

use rustls::client::ResolvesClientCert;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::sign::SingleCertAndKey;
use rustls::{ALL_VERSIONS, ClientConfig};

pub use authorities::{Authorities, AuthoritiesError};
pub use fault::{Fault, Reason};
pub use identity::{Identity, IdentityError};

/// Which server certificates a client trusts.
#[derive(Clone, Debug)]
pub enum Trust {
    /// Those of the operating system's authorities.
    System,
    /// Only those of these authorities.
    Only(Arc<Authorities>),
    /// All, for `insecure-skip-tls-verify`.
    Anybody,
}

/// The configuration of a TLS client.
///
/// # Errors
/// If the operating system's authorities cannot be loaded.
pub fn client(trust: &Trust, identity: Option<Identity>) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match trust {
        Trust::System => system_verifier(&provider)?,
        Trust::Only(authorities) => Arc::new(authorities::Verifier::new(authorities.clone())),
        Trust::Anybody => Arc::new(authorities::NoVerifier),
    };
    let builder = builder(provider)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    Ok(match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            let resolver: Arc<dyn ResolvesClientCert> = Arc::new(SingleCertAndKey::from(identity.into_key()));
            builder.with_client_cert_resolver(resolver)
        }
    })
}

/// Reading the operating system's authorities is slow, so one process reads them once.
fn system_verifier(provider: &Arc<CryptoProvider>) -> Result<Arc<rustls_platform_verifier::Verifier>, rustls::Error> {
    static VERIFIER: OnceLock<Arc<rustls_platform_verifier::Verifier>> = OnceLock::new();
    if let Some(verifier) = VERIFIER.get() {
        return Ok(verifier.clone());
    }
    let verifier = Arc::new(rustls_platform_verifier::Verifier::new(provider.clone())?);
    Ok(VERIFIER.get_or_init(|| verifier).clone())
}

fn builder(
    provider: Arc<CryptoProvider>,
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, rustls::Error> {
    ClientConfig::builder_with_provider(provider).with_protocol_versions(ALL_VERSIONS)
}
