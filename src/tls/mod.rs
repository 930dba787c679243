//! TLS as Go does it, because docker, kubectl and kubelet do: what is read from PEM, which server is trusted, and which
//! client certificate is sent.
//!
//! rustls and its ring do the cryptography. What is here is where Go's `encoding/pem` and `crypto/tls` take what rustls
//! refuses (a server's own certificate given as its authority, an X.509 v1 client certificate), and the words for what
//! neither takes: nobody should have to read the names of a library's errors.

mod authorities;
mod certificate;
mod fault;
mod identity;
pub mod pem;

use std::sync::Arc;

use rustls::client::ResolvesClientCert;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::sign::SingleCertAndKey;
use rustls::{ALL_VERSIONS, ClientConfig};

pub use authorities::{Authorities, AuthoritiesError};
pub use fault::{Fault, Reason};
pub use identity::{Identity, IdentityError};

/// Whom a client trusts to be the server.
#[derive(Clone, Debug)]
pub enum Trust {
    /// Whom the operating system trusts.
    System,
    /// These authorities alone.
    Only(Arc<Authorities>),
    /// Anybody, as `insecure-skip-tls-verify` asks for.
    Anybody,
}

/// A client's side of TLS.
///
/// # Errors
/// Where the operating system's authorities cannot be loaded.
pub fn client(trust: &Trust, identity: Option<Identity>) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(ring::default_provider());
    let verifier: Arc<dyn ServerCertVerifier> = match trust {
        Trust::System => Arc::new(rustls_platform_verifier::Verifier::new(provider.clone())?),
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

fn builder(
    provider: Arc<CryptoProvider>,
) -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, rustls::Error> {
    ClientConfig::builder_with_provider(provider).with_protocol_versions(ALL_VERSIONS)
}
