//! Names as the API server takes them, parsed at the edge.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Longest label, in octets (RFC 1123 §2.1).
const MAX_LABEL: usize = 63;
/// Longest DNS subdomain, in octets (RFC 1123 §2.1).
const MAX_SUBDOMAIN: usize = 253;

/// The name of a namespace: an RFC 1123 label.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Namespace(String);

/// The name of a Secret: an RFC 1123 subdomain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SecretName(String);

/// The name of a ServiceAccount: an RFC 1123 subdomain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceAccountName(String);

/// A group of the API, such as `argoproj.io`: an RFC 1123 subdomain.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiGroup(String);

/// Why a text names no namespace, Secret or ServiceAccount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NameError {
    /// There is nothing in it.
    #[error("the name is empty")]
    Empty,
    /// More octets than this.
    #[error("the name is longer than {0} characters")]
    TooLong(usize),
    /// Not an RFC 1123 label.
    #[error(
        "a namespace's name is lower case letters, digits and `-`, and starts and ends with a letter or digit (RFC 1123)"
    )]
    Label,
    /// Not an RFC 1123 subdomain.
    #[error(
        "the name is lower case letters, digits, `-` and `.`, and each part starts and ends with a letter or digit (RFC 1123)"
    )]
    Subdomain,
}

impl Namespace {
    /// What kubectl takes where nothing names one.
    #[must_use]
    pub fn of_default() -> Self {
        Self("default".to_owned())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl SecretName {
    /// The default name of a pull Secret.
    pub const DEFAULT: &'static str = "gitea-credentials";

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ServiceAccountName {
    /// What a pod has that names none.
    #[must_use]
    pub fn of_default() -> Self {
        Self("default".to_owned())
    }

    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl ApiGroup {
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for SecretName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for ServiceAccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Namespace {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        check_length(text, MAX_LABEL)?;
        if !is_label(text) {
            return Err(NameError::Label);
        }
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for SecretName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        check_subdomain(text)?;
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for ServiceAccountName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        check_subdomain(text)?;
        Ok(Self(text.to_owned()))
    }
}

impl FromStr for ApiGroup {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        check_subdomain(text)?;
        Ok(Self(text.to_owned()))
    }
}

fn check_subdomain(text: &str) -> Result<(), NameError> {
    check_length(text, MAX_SUBDOMAIN)?;
    if !text.split('.').all(is_label) {
        return Err(NameError::Subdomain);
    }
    Ok(())
}

fn check_length(text: &str, most: usize) -> Result<(), NameError> {
    match text.len() {
        0 => Err(NameError::Empty),
        length if length > most => Err(NameError::TooLong(most)),
        _ => Ok(()),
    }
}

fn is_label(text: &str) -> bool {
    let letter_or_digit = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = text.as_bytes();
    bytes.first().copied().is_some_and(letter_or_digit)
        && bytes.last().copied().is_some_and(letter_or_digit)
        && bytes.iter().all(|&byte| letter_or_digit(byte) || byte == b'-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_what_the_api_server_takes() {
        for name in ["a", "honeydue", "0-9", &"a".repeat(63)] {
            assert_eq!(name.parse::<Namespace>().unwrap().as_str(), name);
            assert_eq!(name.parse::<SecretName>().unwrap().as_str(), name);
        }
        assert!("gitea.credentials-1".parse::<SecretName>().is_ok());
        for (name, error) in [
            ("", NameError::Empty),
            ("A", NameError::Label),
            ("a_b", NameError::Label),
            ("-a", NameError::Label),
            ("a-", NameError::Label),
            ("a.b", NameError::Label),
            ("a/b", NameError::Label),
            ("é", NameError::Label),
            (&"a".repeat(64), NameError::TooLong(63)),
        ] {
            assert_eq!(name.parse::<Namespace>(), Err(error), "{name:?}");
        }
        for name in ["A", "a..b", ".a", "a.", "a/b", "a.-b", "..", "a?b", "a%2fb"] {
            assert_eq!(name.parse::<SecretName>(), Err(NameError::Subdomain), "{name:?}");
        }
        assert_eq!("a".repeat(254).parse::<SecretName>(), Err(NameError::TooLong(253)));
    }
}
