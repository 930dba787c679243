//! Which software answers as the registry.

use crate::model::printable;

/// Longest version that is shown, in characters.
const MAX_VERSION: usize = 60;

/// What answers as the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Server {
    /// Gitea.
    Gitea {
        /// `1.27.1`, unless it tells its version only to those who are signed in.
        version: Option<String>,
    },
    /// Forgejo.
    Forgejo {
        /// `11.0.1+gitea-1.22.0`
        version: String,
    },
    /// Any other registry.
    Other,
}

impl Server {
    /// By the version that Gitea's API tells. Forgejo adds the Gitea that it is compatible with: `11.0.1+gitea-1.22.0`.
    pub(super) fn of_version(version: &str) -> Self {
        let version = printable(version, MAX_VERSION);
        if version.contains("+gitea-") {
            Self::Forgejo { version }
        } else {
            Self::Gitea { version: Some(version) }
        }
    }

    /// Whether it is Gitea or Forgejo: on a host with several applications, another one can answer below `/api/v1`, and
    /// neither a token nor a password goes there.
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
