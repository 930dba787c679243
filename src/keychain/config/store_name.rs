//! What people call the stores that credentials can rest in.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::MAX_FOREIGN_TEXT;
use crate::model::printable;

/// A store that credentials can rest in, by the name that people choose it by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StoreName {
    /// The one that the system has: `secret-service` on Linux, `system` elsewhere.
    System,
    /// regcred's own file, for Linux without a desktop: `vault`.
    Vault,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StoreNameError {
    #[error("\"{0}\" is no keychain that regcred knows: there is {choice}", choice = StoreName::choice())]
    Unknown(String),
    /// macOS and Windows always have a keychain of their own.
    #[error("the vault is for Linux alone: here there is {}", StoreName::choice())]
    Elsewhere,
}

impl StoreName {
    /// The stores that there can be on this system.
    pub const HERE: &[Self] = if cfg!(target_os = "linux") {
        &[Self::System, Self::Vault]
    } else {
        &[Self::System]
    };

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System if cfg!(target_os = "linux") => "secret-service",
            Self::System => "system",
            Self::Vault => "vault",
        }
    }

    /// The other one that there is on Linux.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::System => Self::Vault,
            Self::Vault => Self::System,
        }
    }

    /// The names that can be chosen here, for a message.
    fn choice() -> String {
        let names: Vec<_> = Self::HERE.iter().map(|name| format!("\"{name}\"")).collect();
        names.join(" and ")
    }
}

impl fmt::Display for StoreName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for StoreName {
    type Err = StoreNameError;

    fn from_str(text: &str) -> Result<Self, StoreNameError> {
        let found = Self::HERE.iter().find(|name| name.as_str() == text);
        found.copied().ok_or_else(|| match text {
            "vault" => StoreNameError::Elsewhere,
            _ => StoreNameError::Unknown(printable(text, MAX_FOREIGN_TEXT)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        for name in StoreName::HERE {
            assert_eq!(name.to_string().parse(), Ok(*name));
        }
        assert_eq!("vault".parse::<StoreName>().is_ok(), cfg!(target_os = "linux"));
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn any_other_name_is_refused_with_the_choice() {
        for text in ["Vault", " vault", "system", "", "vau\u{1b}[2Jlt"] {
            let error = text.parse::<StoreName>().unwrap_err().to_string();
            assert!(error.ends_with("there is \"secret-service\" and \"vault\""), "{error}");
            assert!(!error.contains('\u{1b}'), "{error}");
        }
    }
}
