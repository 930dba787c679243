//! The registry's software.

use crate::model::printable;

/// Longest version that is shown, in characters.
const MAX_VERSION: usize = 60;

#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Server {
    Gitea {
        /// Such as `1.27.1`; `None` if it tells its version only to signed-in users.
        version: Option<String>,
    },
    Forgejo {
        /// `11.0.1+gitea-1.22.0`
        version: String,
    },
    Other,
}

impl Server {
    /// From the version in Gitea's API. Forgejo appends the compatible version of Gitea: `11.0.1+gitea-1.22.0`.
    pub(super) fn of_version(version: &str) -> Self {
        let version = printable(version, MAX_VERSION);
        if version.contains("+gitea-") {
            Self::Forgejo { version }
        } else {
            Self::Gitea { version: Some(version) }
        }
    }

    /// Whether a one-time code may be valid for a single request only: in Gitea since 1.26, and possibly if the version
    /// is unknown.
    pub(super) fn may_use_codes_up(&self) -> bool {
        match self {
            Self::Gitea { version: Some(version) } => {
                let mut numbers = version
                    .split('.')
                    .map(|number| number.parse::<u32>().unwrap_or_default());
                (numbers.next(), numbers.next()) >= (Some(1), Some(26))
            }
            Self::Gitea { version: None } => true,
            Self::Forgejo { .. } | Self::Other => false,
        }
    }

    /// Whether it is Gitea or Forgejo. On a host with several applications another one may answer below `/api/v1`; it
    /// must get neither a token nor a password.
    pub(super) fn is_gitea(&self) -> bool {
        let (Self::Gitea { version: Some(version) } | Self::Forgejo { version }) = self else {
            return matches!(self, Self::Gitea { version: None });
        };
        let mut numbers = version.split('.');
        let is_number =
            |text: Option<&str>| text.is_some_and(|text| text.bytes().next().is_some_and(|b| b.is_ascii_digit()));
        is_number(numbers.next()) && is_number(numbers.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_with_single_use_codes() {
        for (version, may) in [
            ("1.26.4", true),
            ("1.27.0+dev-1-g0", true),
            ("2.0.0", true),
            ("1.25.5", false),
            ("1.9.0", false),
            ("11.0.1+gitea-1.22.0", false),
        ] {
            assert_eq!(Server::of_version(version).may_use_codes_up(), may, "{version}");
        }
        assert!(Server::Gitea { version: None }.may_use_codes_up());
        assert!(!Server::Other.may_use_codes_up());
    }
}
