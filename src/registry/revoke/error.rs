//! Why a token could not be revoked.

use thiserror::Error;

use crate::model::Username;
use crate::registry::account::by_hand;
use crate::registry::{AccountError, LeftBehind, SiteError};

/// Why a token is, or may be, still valid.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RevokeError {
    /// The user is `<token>`; Gitea would try the unknown token as a password.
    #[error("this is an identity token of docker's own login, which cannot be revoked from here")]
    IdentityToken,
    /// No token of the server's, and not in the form of one.
    #[error(
        "what is stored is no access token but a password, it seems, and cannot be revoked: it stays valid until it is changed"
    )]
    Password,
    #[error(transparent)]
    Site(#[from] SiteError),
    /// Before Gitea 1.27 and in Forgejo, only the account itself can delete tokens.
    #[error("{registry} lets no token delete itself: that takes the account's password, or the web page")]
    NeedsPassword { registry: String, page: String },
    #[error("{error}")]
    Account { error: AccountError, page: String },
    /// The server answered as to an anonymous request.
    #[error("{registry} answered as if no token had been sent, so nothing is known about it")]
    NotSeen { registry: String, page: String },
    #[error("{username} has no such token at {registry}: it was deleted before, or belongs to another account")]
    NotListed {
        registry: String,
        username: Username,
        page: String,
    },
    /// Several tokens match.
    #[error("{username} has several tokens at {registry} that end alike: none was deleted")]
    Ambiguous {
        registry: String,
        username: Username,
        page: String,
    },
    /// The server reported the deletion but still accepts the token.
    #[error("{registry} said that the token is deleted, and still accepts it")]
    StillAccepted { registry: String, page: String },
    /// The token is deleted, but the temporary token that deleted it is not.
    #[error("it is revoked, but {0}")]
    LeftBehind(#[from] LeftBehind),
    /// An unexpected answer, or none.
    #[error("{registry} did not confirm that the token is deleted: {why}")]
    Unconfirmed {
        registry: String,
        why: String,
        page: String,
    },
}

impl RevokeError {
    /// The page to delete the token by hand, if there is one.
    pub fn page(&self) -> Option<&str> {
        match self {
            Self::IdentityToken | Self::Password | Self::Site(_) => None,
            Self::NeedsPassword { page, .. }
            | Self::Account { page, .. }
            | Self::NotSeen { page, .. }
            | Self::NotListed { page, .. }
            | Self::Ambiguous { page, .. }
            | Self::StillAccepted { page, .. }
            | Self::Unconfirmed { page, .. } => Some(page),
            Self::LeftBehind(left) => Some(&left.page),
        }
    }

    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Site(error) => error.hint(),
            Self::Account { error, page } => {
                let hint = error.hint().filter(|_| !error.names_its_page());
                Some(hint.map_or_else(|| by_hand(page), |hint| format!("{hint}; {}", by_hand(page))))
            }
            other => other.page().map(|page| format!("delete it by hand at {page}")),
        }
    }

    /// Whether the account's password, which was not given, is needed.
    pub fn wants_password(&self) -> bool {
        matches!(self, Self::NeedsPassword { .. })
    }

    /// Whether the account was refused, so that another attempt with the same password would be refused as well.
    pub fn refuses_account(&self) -> bool {
        matches!(self, Self::Account { .. })
    }

    /// Whether it could be the password of another account.
    pub fn may_be_of_another_account(&self) -> bool {
        let Self::Account { error, .. } = self else {
            return false;
        };
        matches!(
            error,
            AccountError::WrongPassword { .. }
                | AccountError::PasswordOrCode { .. }
                | AccountError::NoSuchAccount { .. }
        )
    }

    /// Whether a one-time code, which was not given, could help: see [`AccountError::wants_code`].
    pub fn wants_code(&self) -> bool {
        matches!(self, Self::Account { error, .. } if error.wants_code())
    }

    /// Whether the given one-time code was refused: see [`AccountError::refuses_code`].
    pub fn refuses_code(&self) -> bool {
        matches!(self, Self::Account { error, .. } if error.refuses_code())
    }
}
