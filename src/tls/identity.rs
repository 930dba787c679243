//! The client certificate of a kubeconfig, with its key, as Go's `tls.X509KeyPair` reads them.

use std::fmt;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer};
use rustls::sign::{CertifiedKey, SigningKey};
use thiserror::Error;
use x509_cert::der::asn1::AnyRef;
use x509_cert::der::{Decode as _, Tag, TagNumber, Tagged as _};

use super::certificate::{Facts, KeyKind};
use super::pem;

/// A client certificate that can be shown to a server. Whether it is a good one is the server's to say.
pub struct Identity(CertifiedKey);

/// Why a client certificate cannot be used. Nothing of it is quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum IdentityError {
    /// No certificate in the text that should hold it.
    #[error("there is no `-----BEGIN CERTIFICATE-----` in the client certificate")]
    NoCertificate,
    /// The first certificate is none.
    #[error("what stands after `-----BEGIN CERTIFICATE-----` in the client certificate is no certificate")]
    BadCertificate,
    /// No key in the text that should hold it.
    #[error("there is no private key in PEM form in the client key")]
    NoKey,
    /// A key with a passphrase.
    #[error("the client key is encrypted with a passphrase, which neither kubectl nor this program asks for")]
    Encrypted,
    /// A key on a curve that only kubectl can sign with.
    #[error("the client key is an EC key on the curve {0}, which this program cannot sign with (kubectl can)")]
    Curve(&'static str),
    /// An RSA key of a length that only kubectl can sign with.
    #[error("the client key is an RSA key of {0} bits; this program signs with 2048 to 4096 bits")]
    RsaLength(usize),
    /// An EC key that kubectl computes the public key of.
    #[error("the client key does not contain its public key, which this program needs (kubectl computes it)")]
    NoPublicKey,
    /// The key is none, or of another kind.
    #[error("the client key is no private key that can be read: an RSA, EC (P-256, P-384) or Ed25519 key is needed")]
    BadKey,
    /// The key is another certificate's.
    #[error("the client key does not belong to the client certificate")]
    Mismatch,
}

impl IdentityError {
    pub fn hint(self) -> &'static str {
        match self {
            Self::Curve(_) | Self::RsaLength(_) => {
                "ask for a client certificate with a P-256 key, or use a token: `kubectl create token` makes one"
            }
            Self::NoPublicKey => "`openssl ec -in KEY -out FILE` adds it: name that file as client-key",
            Self::Encrypted => "decrypt it with `openssl pkey -in KEY -out FILE`, and name that file as client-key",
            Self::NoCertificate | Self::BadCertificate | Self::NoKey | Self::BadKey | Self::Mismatch => {
                "`kubectl config view --raw` shows what the kubeconfig has for this user; log in to the cluster again"
            }
        }
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Identity(..)")
    }
}

impl Identity {
    /// Reads both. The certificate is not judged: a server may take one that rustls would not (X.509 version 1, expired).
    pub fn parse(certificate: &[u8], key: &[u8]) -> Result<Self, IdentityError> {
        let chain: Vec<_> = pem::blocks(certificate)
            .into_iter()
            .filter(|block| block.label == "CERTIFICATE")
            .map(|block| CertificateDer::from(block.der.to_vec()))
            .collect();
        let first = chain.first().ok_or(IdentityError::NoCertificate)?;
        let facts = Facts::read(first).ok_or(IdentityError::BadCertificate)?;
        // The label says little: PKCS#1 and SEC1 stand under "PRIVATE KEY" too.
        let key = pem::blocks(key)
            .into_iter()
            .find(|block| block.label == "PRIVATE KEY" || block.label.ends_with(" PRIVATE KEY"))
            .ok_or(IdentityError::NoKey)?;
        if key.has_headers || key.label.starts_with("ENCRYPTED") {
            return Err(IdentityError::Encrypted);
        }
        let signer = signing_key(&key.der).ok_or(match facts.key_kind() {
            KeyKind::P224 => IdentityError::Curve("P-224"),
            KeyKind::P521 => IdentityError::Curve("P-521"),
            KeyKind::Rsa(bits) if !(2048..=4096).contains(&bits) => IdentityError::RsaLength(bits),
            _ if lacks_public_key(&key.der) => IdentityError::NoPublicKey,
            KeyKind::Rsa(_) | KeyKind::Other => IdentityError::BadKey,
        })?;
        if signer.public_key().is_none_or(|spki| !facts.is_of_key(&spki)) {
            return Err(IdentityError::Mismatch);
        }
        Ok(Self(CertifiedKey::new(chain, signer)))
    }

    pub(super) fn into_key(self) -> CertifiedKey {
        self.0
    }
}

fn signing_key(der: &[u8]) -> Option<Arc<dyn SigningKey>> {
    [
        PrivateKeyDer::Pkcs1(PrivatePkcs1KeyDer::from(der)),
        PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der)),
        PrivateKeyDer::Sec1(PrivateSec1KeyDer::from(der)),
    ]
    .iter()
    .find_map(|key| ring::sign::any_supported_type(key).ok())
}

/// Whether this is an `ECPrivateKey` (RFC 5915), alone or in PKCS#8, without the public key that it may contain.
fn lacks_public_key(der: &[u8]) -> bool {
    let parts = |der| Vec::<AnyRef<'_>>::from_der(der).unwrap_or_default();
    let mut parts_of_key = parts(der);
    if let [_, algorithm, key, ..] = parts_of_key.as_slice()
        && algorithm.tag() == Tag::Sequence
    {
        parts_of_key = parts(key.value());
    }
    let [_, secret, rest @ ..] = parts_of_key.as_slice() else {
        return false;
    };
    let public = |part: &AnyRef<'_>| {
        matches!(
            part.tag(),
            Tag::ContextSpecific {
                number: TagNumber::N1,
                ..
            }
        )
    };
    secret.tag() == Tag::OctetString && !rest.iter().any(public)
}
