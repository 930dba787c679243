//! TLS errors in terms that users understand. The library's own text is never shown, because it is meant for
//! developers.

use std::fmt;

use rustls::{AlertDescription, CertificateError, Error, PeerIncompatible};

use crate::model::printable;

/// Longest list of a certificate's names, in characters.
const MAX_NAMES: usize = 200;

#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The certificate's issuer is not trusted.
    UnknownAuthority,
    /// The certificate is for other names.
    WrongName {
        /// The certificate's names, truncated and in one line; empty if the library does not tell them.
        names: String,
    },
    NoName,
    Expired,
    /// The certificate is not valid yet.
    NotYetValid,
    /// The server does not use TLS.
    NotTls,
    Other(Reason),
}

/// Another reason as text, with an optional hint.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reason {
    what: &'static str,
    hint: Option<&'static str>,
}

impl Reason {
    /// A specific hint, if there is one.
    pub fn hint(self) -> Option<&'static str> {
        self.hint
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.what)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownAuthority => f.write_str("its certificate was issued by an authority that is not trusted"),
            Self::WrongName { names } if names.is_empty() => f.write_str("its certificate is for another name"),
            Self::WrongName { names } => write!(f, "its certificate is for another name: {names}"),
            Self::NoName => f.write_str("its certificate names no host (it has no subject alternative name)"),
            Self::Expired => f.write_str("its certificate has expired"),
            Self::NotYetValid => f.write_str("its certificate is not valid yet"),
            Self::NotTls => f.write_str("it does not speak TLS"),
            Self::Other(reason) => reason.fmt(f),
        }
    }
}

impl From<&Error> for Fault {
    fn from(error: &Error) -> Self {
        let plain = |what| Self::Other(Reason { what, hint: None });
        let with_hint = |what, hint| Self::Other(Reason { what, hint: Some(hint) });
        match error {
            Error::InvalidCertificate(error) => Self::of_certificate(error),
            Error::InvalidMessage(_) | Error::AlertReceived(AlertDescription::ProtocolVersion) => Self::NotTls,
            Error::AlertReceived(alert) => Self::Other(of_alert(*alert)),
            Error::PeerIncompatible(
                PeerIncompatible::ServerDoesNotSupportTls12Or13
                | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
            ) => with_hint(
                "it speaks only versions of TLS before 1.2, which are not secure",
                "update the server, or the proxy in front of it that does TLS",
            ),
            Error::PeerIncompatible(PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon) => {
                plain("it asks for a client certificate of a kind that this program cannot sign with")
            }
            Error::PeerIncompatible(_) => with_hint(
                "it and this program have no ciphers in common",
                "allow TLS 1.2 or 1.3 with AES-GCM or ChaCha20 on the server",
            ),
            Error::NoCertificatesPresented => plain("it showed no certificate"),
            Error::UnsupportedNameType => plain("its name is none that a certificate can be held against"),
            Error::FailedToGetCurrentTime => plain("this machine does not tell the time"),
            Error::FailedToGetRandomBytes => plain("this machine gives no random numbers"),
            Error::NoApplicationProtocol => plain("it does not speak HTTP over TLS"),
            Error::InconsistentKeys(_) => plain("the client key does not belong to the client certificate"),
            Error::InvalidCertRevocationList(_) => plain("the list of revoked certificates cannot be read"),
            Error::DecryptError
            | Error::PeerMisbehaved(_)
            | Error::InappropriateMessage { .. }
            | Error::InappropriateHandshakeMessage { .. }
            | Error::PeerSentOversizedRecord => with_hint(
                "what it sends is not as TLS demands",
                "something on the way may change it: a proxy, a firewall, a load balancer",
            ),
            _ => plain("the TLS handshake failed for a reason that the TLS library does not tell"),
        }
    }
}

impl Fault {
    fn of_certificate(error: &CertificateError) -> Self {
        use CertificateError as C;
        let plain = |what| Self::Other(Reason { what, hint: None });
        let with_hint = |what, hint| Self::Other(Reason { what, hint: Some(hint) });
        match error {
            C::UnknownIssuer => Self::UnknownAuthority,
            C::NotValidForNameContext { presented, .. } if presented.is_empty() => Self::NoName,
            C::NotValidForNameContext { presented, .. } => Self::WrongName {
                names: printable(&names(presented), MAX_NAMES),
            },
            C::NotValidForName => Self::WrongName { names: String::new() },
            C::Expired | C::ExpiredContext { .. } => Self::Expired,
            C::NotValidYet | C::NotValidYetContext { .. } => Self::NotYetValid,
            C::Revoked => plain("its certificate was revoked"),
            C::BadEncoding => plain("its certificate cannot be read"),
            C::BadSignature => with_hint(
                "its certificate bears the name of a trusted authority, but not its signature",
                "the authority may have been replaced by one of the same name: get its current certificate",
            ),
            C::UnhandledCriticalExtension => plain("its certificate has a critical extension that is not known here"),
            C::InvalidPurpose | C::InvalidPurposeContext { .. } => with_hint(
                "its certificate is not for servers (no serverAuth among its extended key usages)",
                "issue one with the extended key usage serverAuth",
            ),
            C::UnsupportedSignatureAlgorithmContext { .. }
            | C::UnsupportedSignatureAlgorithmForPublicKeyContext { .. } => with_hint(
                "its certificate is signed with an algorithm that this program does not take (such as SHA-1, or a P-521 key)",
                "issue a new one with SHA-256 and an RSA, P-256 or P-384 key",
            ),
            C::UnknownRevocationStatus | C::ExpiredRevocationList | C::ExpiredRevocationListContext { .. } => {
                plain("it is not known whether its certificate was revoked")
            }
            C::InvalidOcspResponse => plain("its proof that the certificate was not revoked is not valid"),
            C::Other(other) => Self::Other(of_library(&format!("{:?}", other.0))),
            _ => plain("its certificate was refused"),
        }
    }
}

/// The errors that rustls passes on from rustls-webpki, by the variant names of its `Error`.
fn of_library(name: &str) -> Reason {
    let (what, hint) = match name {
        "CaUsedAsEndEntity" => (
            "its certificate is an authority's, used as a server's",
            Some(
                "give that very certificate as the authority (certificate-authority in the kubeconfig, --ca-file for a \
                 registry), or give the server one that is signed by it",
            ),
        ),
        "EndEntityUsedAsCa" => (
            "its certificate was issued by one that may issue none",
            Some("the certificate in between needs CA:TRUE among its basic constraints"),
        ),
        "UnsupportedCertVersion" => (
            "its certificate is of X.509 version 1, which can name no host",
            Some("issue a new one with a subjectAltName"),
        ),
        "PathLenConstraintViolated" | "NameConstraintViolation" => {
            ("its certificate is one that its authority may not issue", None)
        }
        "MaximumPathDepthExceeded" | "MaximumPathBuildCallsExceeded" | "MaximumSignatureChecksExceeded" => {
            ("its chain of certificates is too long", None)
        }
        "UnsupportedCriticalExtension" => ("its certificate has a critical extension that is not known here", None),
        "EmptyEkuExtension" => ("its certificate is for no use at all", None),
        _ => ("its certificate cannot be read", None),
    };
    Reason { what, hint }
}

/// The alerts from the server about us (RFC 8446 §6.2).
fn of_alert(alert: AlertDescription) -> Reason {
    use AlertDescription as A;
    let certificate = Some("log in to the cluster again, or renew the client certificate");
    let (what, hint) = match alert {
        A::HandshakeFailure | A::InsufficientSecurity => (
            "it refused the handshake: no cipher or client certificate that it takes",
            None,
        ),
        A::BadCertificate | A::UnsupportedCertificate | A::CertificateUnknown | A::AccessDenied | A::DecryptError => {
            ("it refused the client certificate", certificate)
        }
        A::CertificateRevoked => ("it says that the client certificate was revoked", certificate),
        A::CertificateExpired => ("it says that the client certificate has expired", certificate),
        A::UnknownCA => ("it does not know the authority of the client certificate", certificate),
        A::NoCertificate | A::CertificateRequired => (
            "it wants a client certificate, and there is none",
            Some("the kubeconfig needs client-certificate and client-key for this user"),
        ),
        A::UnrecognisedName => (
            "it serves no host of that name",
            Some("check the name, and tls-server-name in the kubeconfig"),
        ),
        A::InternalError => ("it failed inside", None),
        A::NoApplicationProtocol => ("it does not speak HTTP over TLS", None),
        A::CloseNotify | A::UserCanceled => ("it ended the handshake", None),
        _ => ("it broke off the TLS handshake", None),
    };
    Reason { what, hint }
}

/// The names in a certificate, from the TLS library's `DnsName("gitea.example.com")`.
fn names(presented: &[String]) -> String {
    let bare = |name: &String| name.split('"').nth(1).unwrap_or(name).to_owned();
    presented.iter().map(bare).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use rustls::pki_types::{ServerName, UnixTime};
    use rustls::{
        CertRevocationListError, ContentType, HandshakeType, InconsistentKeys, InvalidMessage, OtherError,
        PeerMisbehaved,
    };

    use super::*;

    #[derive(Debug)]
    struct Named(&'static str);

    impl fmt::Display for Named {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl std::error::Error for Named {}

    /// The variant name of an error without fields, as in rustls-webpki.
    struct Webpki(&'static str);

    impl fmt::Debug for Webpki {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl fmt::Display for Webpki {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl std::error::Error for Webpki {}

    fn certificate_errors() -> Vec<CertificateError> {
        use CertificateError as C;
        let time = UnixTime::since_unix_epoch(Duration::from_secs(1));
        let name = || ServerName::try_from("a.example").unwrap();
        let presented = |names: &[&str]| names.iter().map(|name| format!("DnsName({name:?})")).collect();
        let mut all = vec![
            C::BadEncoding,
            C::Expired,
            C::ExpiredContext { time, not_after: time },
            C::NotValidYet,
            C::NotValidYetContext { time, not_before: time },
            C::Revoked,
            C::UnhandledCriticalExtension,
            C::UnknownIssuer,
            C::UnknownRevocationStatus,
            C::ExpiredRevocationList,
            C::ExpiredRevocationListContext {
                time,
                next_update: time,
            },
            C::BadSignature,
            C::UnsupportedSignatureAlgorithmContext {
                signature_algorithm_id: vec![1],
                supported_algorithms: Vec::new(),
            },
            C::UnsupportedSignatureAlgorithmForPublicKeyContext {
                signature_algorithm_id: vec![1],
                public_key_algorithm_id: vec![2],
            },
            C::NotValidForName,
            C::NotValidForNameContext {
                expected: name(),
                presented: presented(&[]),
            },
            C::NotValidForNameContext {
                expected: name(),
                presented: presented(&["b.example", "c.example"]),
            },
            C::InvalidPurpose,
            C::InvalidOcspResponse,
            C::ApplicationVerificationFailure,
            C::Other(OtherError(Arc::new(Named("a text of the library")))),
        ];
        for name in [
            "CaUsedAsEndEntity",
            "EndEntityUsedAsCa",
            "UnsupportedCertVersion",
            "PathLenConstraintViolated",
            "NameConstraintViolation",
            "MaximumPathDepthExceeded",
            "UnsupportedCriticalExtension",
            "EmptyEkuExtension",
            "MalformedExtensions",
        ] {
            all.push(C::Other(OtherError(Arc::new(Webpki(name)))));
        }
        all
    }

    fn errors() -> Vec<Error> {
        let alerts = (0..=u8::MAX).map(|code| Error::AlertReceived(AlertDescription::from(code)));
        let mut all = vec![
            Error::InappropriateMessage {
                expect_types: vec![ContentType::Handshake],
                got_type: ContentType::Alert,
            },
            Error::InappropriateHandshakeMessage {
                expect_types: vec![HandshakeType::ClientHello],
                got_type: HandshakeType::Finished,
            },
            Error::InvalidMessage(InvalidMessage::InvalidContentType),
            Error::NoCertificatesPresented,
            Error::UnsupportedNameType,
            Error::DecryptError,
            Error::EncryptError,
            Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13),
            Error::PeerIncompatible(PeerIncompatible::NoCertificateRequestSignatureSchemesInCommon),
            Error::PeerIncompatible(PeerIncompatible::NoCipherSuitesInCommon),
            Error::PeerMisbehaved(PeerMisbehaved::TooMuchEarlyDataReceived),
            Error::InvalidCertRevocationList(CertRevocationListError::BadSignature),
            Error::General("a text of the library".to_owned()),
            Error::FailedToGetCurrentTime,
            Error::FailedToGetRandomBytes,
            Error::HandshakeNotComplete,
            Error::PeerSentOversizedRecord,
            Error::NoApplicationProtocol,
            Error::BadMaxFragmentSize,
            Error::InconsistentKeys(InconsistentKeys::KeyMismatch),
            Error::Other(OtherError(Arc::new(Named("a text of the library")))),
        ];
        all.extend(alerts);
        all.extend(certificate_errors().into_iter().map(Error::InvalidCertificate));
        all
    }

    /// Whether a word looks like an identifier: `UnknownIssuer`, `Other(…)`, `not_after`.
    fn is_code(word: &str) -> bool {
        let capitals = word.chars().skip(1).filter(char::is_ascii_uppercase).count();
        let known = [
            "AES-GCM", "HTTP", "TLS", "TLS,", "SHA-1,", "RSA,", "ChaCha20", "CA:TRUE", "P-521", "X.509", "SHA-256",
        ];
        let known = known.contains(&word) || ["subjectAltName", "serverAuth"].contains(&word.trim_matches(['(', ')']));
        !known && (word.contains(['{', '[', '_']) || word.contains("::") || word.contains("Error") || capitals > 0)
    }

    #[test]
    fn no_text_of_the_library_is_shown() {
        for error in errors() {
            let fault = Fault::from(&error);
            let hint = match &fault {
                Fault::Other(reason) => reason.hint().unwrap_or_default(),
                _ => "",
            };
            let said = format!("{fault} {hint}");
            assert!(!said.contains("a text of the library"), "{error:?}: {said}");
            let code: Vec<_> = said.split_whitespace().filter(|word| is_code(word)).collect();
            assert!(code.is_empty(), "{error:?}: {code:?} in {said}");
        }
    }

    #[test]
    fn certificate_errors_are_distinguished() {
        let said = |error: CertificateError| Fault::from(&Error::InvalidCertificate(error));
        let names = |names: &[&str]| CertificateError::NotValidForNameContext {
            expected: ServerName::try_from("a.example").unwrap(),
            presented: names.iter().map(|name| format!("DnsName({name:?})")).collect(),
        };
        assert_eq!(said(names(&[])), Fault::NoName);
        assert_eq!(
            said(names(&["b.example", "c.example"])).to_string(),
            "its certificate is for another name: b.example, c.example"
        );
        assert_eq!(said(CertificateError::UnknownIssuer), Fault::UnknownAuthority);
        assert!(
            said(CertificateError::InvalidPurpose)
                .to_string()
                .contains("not for servers")
        );
    }
}
