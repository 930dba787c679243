//! The list of an account's tokens (`GET /api/v1/users/{name}/tokens`).

use http::StatusCode;
use k8s_openapi::jiff::Timestamp;
use serde::Deserialize;
use thiserror::Error;

use super::account::{self, by_hand};
use super::api;
use super::mint::MintError;
use super::pages::{self, Page};
use super::scopes::Scopes;
use super::site::{Site, segment};
use super::temporary_token::{LeftBehind, TemporaryToken};
use super::{Account, AccountError, Options, SiteError};
use crate::model::{Credential, Registry, Token, printable};
use crate::sys::env::Env;

/// How many characters of a token Gitea shows in its lists (`token_last_eight`).
const SHOWN_TAIL: usize = 8;
/// Longest name of a token that is shown; Gitea keeps up to 255 characters.
const MAX_NAME: usize = 100;

/// A token in an account's list, without the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountToken {
    pub id: i64,
    pub name: String,
    pub scopes: Option<Scopes>,
    /// When it was made, since Gitea 1.24.
    pub created: Option<Timestamp>,
    /// When it was last used, if it ever was.
    pub last_used: Option<Timestamp>,
    tail: Option<String>,
}

impl AccountToken {
    /// Whether it ends like this token. Two tokens can end alike.
    pub fn ends_like(&self, token: &Token) -> bool {
        let tail = tail(token);
        tail.is_some() && self.tail.as_deref() == tail
    }
}

/// An account's tokens, and where they are deleted.
#[derive(Clone, Debug)]
pub struct AccountTokens {
    pub tokens: Vec<AccountToken>,
    /// The page to delete them by hand.
    pub page: String,
    /// The URL of the list; that of a token has its id after a `/`.
    pub url: String,
}

/// Why the list is not known.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AccountTokensError {
    #[error(transparent)]
    Site(#[from] SiteError),
    #[error("{error}")]
    Account { error: AccountError, page: String },
    #[error("the list of tokens that {registry} answered with is not valid or not complete")]
    Malformed { registry: String, page: String },
    /// With a one-time code, a temporary token reads the list.
    #[error("{registry} made no token to read the list of tokens with: {why}")]
    NoTemporary {
        registry: String,
        why: String,
        page: String,
    },
    #[error(transparent)]
    LeftBehind(#[from] LeftBehind),
}

impl AccountTokensError {
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Site(error) => error.hint(),
            Self::Account { error, .. } => error.hint(),
            Self::Malformed { page, .. } => Some(by_hand(page)),
            Self::NoTemporary { page, .. } => Some(format!("look at {page} for a token that is not needed")),
            Self::LeftBehind(left) => Some(left.hint()),
        }
    }

    /// Whether a one-time code, which was not given, could help: see [`AccountError::wants_code`].
    pub fn wants_code(&self) -> bool {
        matches!(self, Self::Account { error, .. } if error.wants_code())
    }
}

#[derive(Deserialize)]
struct Listed {
    id: i64,
    #[serde(default)]
    name: String,
    scopes: Option<Vec<String>>,
    created_at: Option<String>,
    last_used_at: Option<String>,
    token_last_eight: Option<String>,
}

/// Lists `account`'s tokens at `registry`'s Gitea.
///
/// A list takes several requests, but a one-time code may be valid for only one. Then the code is used to create a
/// temporary token, which reads the list and is deleted at the end.
pub fn account_tokens(
    registry: &Registry,
    account: &Account,
    options: &Options,
    env: &Env,
) -> Result<AccountTokens, AccountTokensError> {
    let credential = account.at(registry);
    let site = Site::find(&credential, options, env)?;
    let url = site.page_of(&format!("/api/v1/users/{}/tokens", segment(account.username.as_str())));
    let tokens = if account.has_single_use_code(&site) {
        list_with_code(&site, registry, account, options, env)?
    } else {
        list(&site, &credential, account)?
    };
    Ok(AccountTokens {
        tokens,
        page: site.page(),
        url,
    })
}

/// The whole list, without the token that reads it.
fn list_with_code(
    site: &Site,
    registry: &Registry,
    account: &Account,
    options: &Options,
    env: &Env,
) -> Result<Vec<AccountToken>, AccountTokensError> {
    let page = site.page();
    let made = TemporaryToken::make(registry, account, "lists", &[], options, env);
    let temporary = made.map_err(|error| match error {
        MintError::Site(error) => error.into(),
        MintError::Account(error) => AccountTokensError::Account { error, page },
        error => AccountTokensError::NoTemporary {
            registry: registry.to_string(),
            why: error.to_string(),
            page,
        },
    })?;
    let credential = temporary.credential();
    // A new client, which also removes this token from server messages.
    let tokens = Site::find(&credential, options, env)
        .map_err(AccountTokensError::from)
        .and_then(|site| list(&site, &credential, temporary.account()));
    let id = temporary.id();
    let deleted = temporary.delete();
    let mut tokens = tokens?;
    deleted?;
    tokens.retain(|token| token.id != id);
    Ok(tokens)
}

/// The whole list.
pub(super) fn list(
    site: &Site,
    of_account: &Credential,
    account: &Account,
) -> Result<Vec<AccountToken>, AccountTokensError> {
    let client = &site.session.client;
    let to = client
        .own(&site.tokens_of(&account.username))
        .map_err(SiteError::from)?;
    let malformed = || AccountTokensError::Malformed {
        registry: site.session.registry(),
        page: site.page(),
    };
    let page = |number| {
        let reply = pages::get(client, &to, number, account.auth(of_account)).map_err(SiteError::from)?;
        site.passing(&reply)?;
        if reply.status != StatusCode::OK {
            return Err(AccountTokensError::Account {
                error: account::explain_refusal(site, account, &reply),
                page: site.page(),
            });
        }
        let listed: Vec<Listed> = serde_json::from_slice(&reply.body).map_err(|_| malformed())?;
        Ok(Page {
            entries: listed.into_iter().map(|one| token(site, one)).collect(),
            total: pages::total(&reply),
        })
    };
    pages::whole(|token: &AccountToken| token.id, page)?.ok_or_else(malformed)
}

fn token(site: &Site, listed: Listed) -> AccountToken {
    let client = &site.session.client;
    let created = listed.created_at.as_deref().and_then(api::time);
    let last_used = listed.last_used_at.as_deref().and_then(api::time);
    AccountToken {
        id: listed.id,
        name: printable(&client.without_secrets(&listed.name), MAX_NAME),
        scopes: Scopes::parse(&client.without_secrets(&listed.scopes.unwrap_or_default().join(","))),
        created,
        // The server sets both when it makes a token.
        last_used: last_used.filter(|used| created.is_none_or(|created| *used > created)),
        tail: listed.token_last_eight,
    }
}

/// The part of a token that lists show.
fn tail(token: &Token) -> Option<&str> {
    let text = token.expose();
    text.get(text.len().checked_sub(SHOWN_TAIL)?..)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_recognised_by_its_last_eight_characters() {
        let listed = |tail: Option<&str>| AccountToken {
            id: 1,
            name: "x".to_owned(),
            scopes: None,
            created: None,
            last_used: None,
            tail: tail.map(str::to_owned),
        };
        let token = Token::verbatim("0123456789abcdef".to_owned());
        assert!(listed(Some("89abcdef")).ends_like(&token));
        assert!(!listed(Some("89abcdee")).ends_like(&token));
        assert!(!listed(None).ends_like(&token));
        assert!(!listed(Some("")).ends_like(&Token::verbatim(String::new())));
        assert!(!listed(Some("short")).ends_like(&Token::verbatim("short".to_owned())));
    }
}
