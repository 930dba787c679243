//! A certificate authority of the test's own, and what it signs.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring::default_provider;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// An authority that nothing trusts but what is given its certificate.
pub struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

/// When a certificate is valid.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Valid {
    Now,
    Past,
    Future,
}

impl Authority {
    #[must_use]
    pub fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "test authority");
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            issuer: Issuer::new(params, key),
            pem,
        }
    }

    /// A server's side of TLS whose certificate nobody else has signed, and that certificate for `--ca-file`. With
    /// `is_authority` it says of itself that it may sign others, as `openssl req -x509` makes it.
    #[must_use]
    pub fn of_server_alone(names: &[&str], is_authority: bool) -> (TlsAcceptor, String) {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        if is_authority {
            params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        }
        let certificate = params.self_signed(&key).unwrap();
        let config = config(certificate.der().clone(), &key);
        (TlsAcceptor::from(Arc::new(config)), certificate.pem())
    }

    /// The file for `--ca-file`.
    #[must_use]
    pub fn write_to(&self, folder: &Path) -> PathBuf {
        let file = folder.join("ca.pem");
        std::fs::write(&file, &self.pem).unwrap();
        file
    }

    /// A server's side of TLS with a certificate for `names`.
    #[must_use]
    pub fn server(&self, names: &[&str], valid: Valid) -> TlsAcceptor {
        TlsAcceptor::from(Arc::new(self.config(names, valid)))
    }

    /// The same, for a server that speaks one of these protocols, of which the client names what it speaks.
    #[must_use]
    pub fn server_of(&self, names: &[&str], protocols: &[&str]) -> TlsAcceptor {
        let mut config = self.config(names, Valid::Now);
        config.alpn_protocols = protocols.iter().map(|name| name.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }

    /// The certificate, for a kubeconfig.
    #[must_use]
    pub fn pem(&self) -> &str {
        &self.pem
    }

    fn config(&self, names: &[&str], valid: Valid) -> ServerConfig {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).unwrap();
        match valid {
            Valid::Now => {}
            Valid::Past => params.not_after = date_time_ymd(2001, 1, 1),
            Valid::Future => params.not_before = date_time_ymd(4000, 1, 1),
        }
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateDer::from(params.signed_by(&key, &self.issuer).unwrap());
        config(certificate, &key)
    }
}

fn config(certificate: CertificateDer<'static>, key: &KeyPair) -> ServerConfig {
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap()
}
