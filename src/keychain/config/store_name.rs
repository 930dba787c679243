//! The names of the credential stores.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::MAX_FOREIGN_TEXT;
use crate::model::printable;

/// A credential store, as chosen by name.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum StoreName {
    /// The system's own: `secret-service` on Linux, `system` elsewhere.
    System,
    /// regcred's encrypted file, for machines without a desktop: `vault`.
    Vault,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum StoreNameError {
    #[error("\"{0}\" is not a keychain that regcred knows: choose {choice}", choice = StoreName::choice())]
    Unknown(String),
}

impl StoreName {
    pub const ALL: [Self; 2] = [Self::System, Self::Vault];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System if cfg!(target_os = "linux") => "secret-service",
            Self::System => "system",
            Self::Vault => "vault",
        }
    }

    /// The other store.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::System => Self::Vault,
            Self::Vault => Self::System,
        }
    }

    /// All names, for a message.
    fn choice() -> String {
        let names: Vec<_> = Self::ALL.iter().map(|name| format!("\"{name}\"")).collect();
        names.join(" or ")
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
        let found = Self::ALL.into_iter().find(|name| name.as_str() == text);
        found.ok_or_else(|| StoreNameError::Unknown(printable(text, MAX_FOREIGN_TEXT)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_as_it_is_written() {
        for name in StoreName::ALL {
            assert_eq!(name.to_string().parse(), Ok(name));
        }
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn any_other_name_is_refused_with_the_choice() {
        for text in ["Vault", " vault", "system", "", "vau\u{1b}[2Jlt"] {
            let error = text.parse::<StoreName>().unwrap_err().to_string();
            assert!(error.ends_with("choose \"secret-service\" or \"vault\""), "{error}");
            assert!(!error.contains('\u{1b}'), "{error}");
        }
    }
}
