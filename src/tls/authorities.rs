//! Verifies a server's certificate with the authorities of a kubeconfig or `--ca-file`, by Go's rules.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use thiserror::Error as ThisError;

use super::certificate::Facts;
use super::pem;

/// The certificates that a PEM text trusts.
#[derive(Debug)]
pub struct Authorities(Vec<Trusted>);

#[derive(Debug)]
struct Trusted {
    der: CertificateDer<'static>,
    facts: Facts,
}

/// Why a PEM text contains no authority.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ThisError)]
pub enum AuthoritiesError {
    /// No certificate block.
    #[error("there is no `-----BEGIN CERTIFICATE-----` in it")]
    None,
    /// Certificate blocks, but none with a valid certificate.
    #[error("what stands after `-----BEGIN CERTIFICATE-----` is no certificate")]
    Unreadable,
}

impl Authorities {
    /// Parses as Go's `AppendCertsFromPEM`, which ignores any other text.
    pub fn parse(text: &[u8]) -> Result<Self, AuthoritiesError> {
        let blocks = pem::blocks(text).into_iter();
        let mut blocks = blocks
            .filter(|block| block.label == "CERTIFICATE" && !block.has_headers)
            .peekable();
        if blocks.peek().is_none() {
            return Err(AuthoritiesError::None);
        }
        let trusted: Vec<_> = blocks
            .filter_map(|block| {
                let facts = Facts::read(&block.der)?;
                let der = CertificateDer::from(block.der.to_vec());
                Some(Trusted { der, facts })
            })
            .collect();
        if trusted.is_empty() {
            return Err(AuthoritiesError::Unreadable);
        }
        Ok(Self(trusted))
    }

    /// Verifies a server's certificate chain, its own certificate first, for a name and time.
    ///
    /// # Errors
    /// The reason for a failed verification.
    pub fn verify(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Error> {
        let parsed = ParsedCertificate::try_from(certificate)?;
        if let Some(trusted) = self.0.iter().find(|trusted| trusted.der == *certificate) {
            // Go's `Verify`: a server's own certificate among the authorities needs no issuer.
            verify_itself(&trusted.facts, now)?;
        } else {
            let algorithms = ring::default_provider().signature_verification_algorithms;
            let issuers = self.issuers(now);
            verify_server_cert_signed_by_trust_anchor(&parsed, &issuers, intermediates, now, algorithms.all)?;
        }
        verify_server_name(&parsed, name)
    }

    /// rustls accepts any given certificate as an issuer. Go requires a valid authority.
    fn issuers(&self, now: UnixTime) -> RootCertStore {
        let issuers = self.0.iter().filter(|trusted| trusted.facts.may_issue_for_servers(now));
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(issuers.map(|trusted| trusted.der.clone()));
        store
    }
}

fn verify_itself(facts: &Facts, now: UnixTime) -> Result<(), Error> {
    let fault = if facts.is_not_yet_valid(now) {
        CertificateError::NotValidYet
    } else if facts.has_expired(now) {
        CertificateError::Expired
    } else if !facts.is_for_servers() {
        CertificateError::InvalidPurpose
    } else if facts.has_unknown_critical_extension() {
        CertificateError::UnhandledCriticalExtension
    } else {
        return Ok(());
    };
    Err(fault.into())
}

/// A verifier for rustls with [`Authorities`].
#[derive(Debug)]
pub(super) struct Verifier {
    authorities: Arc<Authorities>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    pub fn new(authorities: Arc<Authorities>) -> Self {
        Self {
            authorities,
            algorithms: ring::default_provider().signature_verification_algorithms,
        }
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.authorities.verify(certificate, intermediates, name, now)?;
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// Accepts every certificate, for `insecure-skip-tls-verify`.
#[derive(Debug)]
pub(super) struct NoVerifier;

impl ServerCertVerifier for NoVerifier {
    fn verify_server_cert(
        &self,
        _certificate: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _certificate: &CertificateDer<'_>,
        _signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        // Nothing is verified, so schemes that ring cannot verify are offered too.
        let mut schemes = ring::default_provider()
            .signature_verification_algorithms
            .supported_schemes();
        schemes.extend([SignatureScheme::ECDSA_NISTP521_SHA512, SignatureScheme::ED448]);
        schemes
    }
}
