//! Properties of an X.509 certificate (RFC 5280) that Go checks and the TLS library does not expose.

use std::time::Duration;

use rustls::pki_types::UnixTime;
use x509_cert::Certificate;
use x509_cert::der::Decode as _;
use x509_cert::der::asn1::{BitString, ObjectIdentifier};
use x509_cert::ext::pkix::{BasicConstraints, ExtendedKeyUsage, KeyUsage};

const SERVER_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.3.1");
const ANY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.37.0");
const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const P521: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.35");
const P224: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.33");
/// The extensions below 2.5.29 that Go's `crypto/x509` handles, so that they may be critical.
const KNOWN_EXTENSIONS: [u32; 12] = [14, 15, 17, 19, 30, 31, 32, 33, 35, 36, 37, 54];

/// The properties of a certificate.
#[derive(Debug)]
pub(super) struct Facts {
    not_before: Duration,
    not_after: Duration,
    may_issue: bool,
    is_for_servers: bool,
    has_unknown_critical_extension: bool,
    key: BitString,
    key_kind: KeyKind,
}

/// The kind of a public key, as far as messages need it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KeyKind {
    P224,
    P521,
    /// The length in bits.
    Rsa(usize),
    Other,
}

impl Facts {
    /// `None` if it is not a certificate.
    pub fn read(der: &[u8]) -> Option<Self> {
        let certificate = Certificate::from_der(der).ok()?.tbs_certificate;
        let constraints = certificate.get::<BasicConstraints>().ok()?.map(|(_, found)| found);
        let usage = certificate.get::<KeyUsage>().ok()?.map(|(_, found)| found);
        let extended = certificate.get::<ExtendedKeyUsage>().ok()?.map(|(_, found)| found.0);
        let is_version_3 = certificate.version == x509_cert::Version::V3;
        // Go's `CheckSignatureFrom`: a version 1 certificate cannot declare itself an authority.
        let is_authority = constraints.map_or(!is_version_3, |constraints| constraints.ca);
        let signs = usage.is_none_or(|usage| usage.key_cert_sign());
        let has_unknown = certificate.extensions.iter().flatten().any(|extension| {
            let last = extension.extn_id.arcs().last().unwrap_or_default();
            let is_known =
                extension.extn_id.to_string() == format!("2.5.29.{last}") && KNOWN_EXTENSIONS.contains(&last);
            extension.critical && !is_known
        });
        let spki = certificate.subject_public_key_info;
        let curve = spki.algorithm.parameters.as_ref().and_then(|any| any.decode_as().ok());
        let key_kind = match (spki.algorithm.oid, curve) {
            (EC_PUBLIC_KEY, Some(P521)) => KeyKind::P521,
            (EC_PUBLIC_KEY, Some(P224)) => KeyKind::P224,
            (RSA, _) => KeyKind::Rsa(modulus_bits(spki.subject_public_key.raw_bytes())),
            _ => KeyKind::Other,
        };
        Some(Self {
            not_before: certificate.validity.not_before.to_unix_duration(),
            not_after: certificate.validity.not_after.to_unix_duration(),
            may_issue: is_authority && signs,
            is_for_servers: extended.is_none_or(|usages| usages.contains(&SERVER_AUTH) || usages.contains(&ANY_USAGE)),
            has_unknown_critical_extension: has_unknown,
            key: spki.subject_public_key,
            key_kind,
        })
    }

    pub fn is_not_yet_valid(&self, now: UnixTime) -> bool {
        Duration::from_secs(now.as_secs()) < self.not_before
    }

    pub fn has_expired(&self, now: UnixTime) -> bool {
        Duration::from_secs(now.as_secs()) > self.not_after
    }

    pub fn is_for_servers(&self) -> bool {
        self.is_for_servers
    }

    pub fn has_unknown_critical_extension(&self) -> bool {
        self.has_unknown_critical_extension
    }

    /// Whether Go accepts it as the issuer of a server's certificate.
    pub fn may_issue_for_servers(&self, now: UnixTime) -> bool {
        let is_valid = !self.is_not_yet_valid(now) && !self.has_expired(now);
        is_valid && self.may_issue && self.is_for_servers && !self.has_unknown_critical_extension
    }

    pub fn key_kind(&self) -> KeyKind {
        self.key_kind
    }

    /// Whether the certificate is for this key, given as `SubjectPublicKeyInfo`.
    pub fn is_of_key(&self, spki: &[u8]) -> bool {
        x509_cert::spki::SubjectPublicKeyInfoOwned::from_der(spki).is_ok_and(|spki| spki.subject_public_key == self.key)
    }
}

/// The length of the modulus of an `RSAPublicKey` (RFC 8017 A.1.1) in bits; 0 if it is invalid.
fn modulus_bits(der: &[u8]) -> usize {
    let parts = Vec::<x509_cert::der::asn1::Int>::from_der(der).unwrap_or_default();
    parts.first().map_or(0, |modulus| {
        let bytes = modulus.as_bytes();
        let bytes = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
        let spare = bytes.first().map_or(0, |byte| byte.leading_zeros() as usize);
        (bytes.len() * 8).saturating_sub(spare)
    })
}
