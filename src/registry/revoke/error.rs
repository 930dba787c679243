//! Why a token could not be revoked.

use thiserror::Error;

use crate::model::Username;
use crate::registry::account::by_hand;
use crate::registry::{AccountError, SiteError, TokenName};

/// Why a token is still there, or may be.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RevokeError {
    /// The user is `<token>`: Gitea would take what it does not know for a password.
    #[error("this is an identity token of docker's own login, which cannot be revoked from here")]
    IdentityToken,
    /// Gitea's tokens are hexadecimal digits, and others' are of ASCII.
    #[error("what is stored is a password and no token, so there is nothing that could be revoked")]
    Password,
    #[error(transparent)]
    Site(#[from] SiteError),
    /// Only the account itself can delete tokens there: before Gitea 1.27, and in Forgejo.
    #[error("{registry} lets no token delete itself: that takes the account's password, or the web page")]
    NeedsPassword { registry: String, page: String },
    #[error("{error}")]
    Account { error: AccountError, page: String },
    /// The server answered as it answers to people who show nothing.
    #[error("{registry} answered as if no token had been sent, so nothing is known about it")]
    NotSeen { registry: String, page: String },
    #[error("{username} has no such token at {registry}: it was deleted before, or belongs to another account")]
    NotListed {
        registry: String,
        username: Username,
        page: String,
    },
    /// Which one it is cannot be told.
    #[error("{username} has several tokens at {registry} that end alike: none was deleted")]
    Ambiguous {
        registry: String,
        username: Username,
        page: String,
    },
    /// It was deleted, it was said, and it still works.
    #[error("{registry} said that the token is deleted, and still accepts it")]
    StillAccepted { registry: String, page: String },
    /// The token is gone, and the one that was made to delete it is not.
    #[error("the token is deleted at {registry}, and {name}, which was made for that, is still there: {why}")]
    LeftBehind {
        registry: String,
        /// What it is called. Nobody knows its text any more.
        name: TokenName,
        why: String,
        page: String,
    },
    /// Another answer, or none to a request that was sent.
    #[error("{registry} did not confirm that the token is deleted: {why}")]
    Unconfirmed {
        registry: String,
        why: String,
        page: String,
    },
}

impl RevokeError {
    /// The page to delete the token at by hand, where there is one.
    pub fn page(&self) -> Option<&str> {
        match self {
            Self::IdentityToken | Self::Password | Self::Site(_) => None,
            Self::NeedsPassword { page, .. }
            | Self::Account { page, .. }
            | Self::NotSeen { page, .. }
            | Self::NotListed { page, .. }
            | Self::Ambiguous { page, .. }
            | Self::StillAccepted { page, .. }
            | Self::LeftBehind { page, .. }
            | Self::Unconfirmed { page, .. } => Some(page),
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

    /// Whether the account's password, which was not given, could help.
    pub fn wants_password(&self) -> bool {
        matches!(self, Self::NeedsPassword { .. })
    }

    /// Whether a one-time code, which was not given, could help: see [`AccountError::wants_code`].
    pub fn wants_code(&self) -> bool {
        matches!(self, Self::Account { error, .. } if error.wants_code())
    }

    /// Whether a one-time code was refused that was given: see [`AccountError::refuses_code`].
    pub fn refuses_code(&self) -> bool {
        matches!(self, Self::Account { error, .. } if error.refuses_code())
    }
}
