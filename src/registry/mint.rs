//! Creates a Personal Access Token with an account's password (`POST /api/v1/users/{name}/tokens`).

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use thiserror::Error;
use zeroize::Zeroizing;

use super::account;
use super::http::Reply;
use super::site::Site;
use super::{Account, AccountError, MintScopes, Options, ReachError, Scopes, SiteError, TokenName};
use crate::model::{Registry, Token, Username, printable};
use crate::sys::env::Env;

/// The shortest text that Gitea accepts as a token.
const MIN_TOKEN: usize = 8;

/// A newly created token. The server shows its text only once.
#[derive(Debug)]
pub struct Minted {
    pub token: Token,
    /// Its id, by which it can be deleted.
    pub id: i64,
    pub name: TokenName,
    /// Its scopes, if the server tells them (since Gitea 1.22.3).
    pub scopes: Option<Scopes>,
    /// The page to see and delete the account's tokens by hand.
    pub page: String,
}

#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MintError {
    #[error(transparent)]
    Site(#[from] SiteError),
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The account has a token of this name.
    #[error("{username} has a token named {name} at {registry} already")]
    NameTaken {
        registry: String,
        username: Username,
        name: TokenName,
        page: String,
    },
    #[error("{registry} does not know these scopes: {said}")]
    InvalidScope { registry: String, said: String },
    #[error("{registry} makes no token without a scope")]
    NoScope { registry: String },
    /// A token was given as the password; it can create only tokens with no more scopes than its own.
    #[error("what was given as the password is a token that may not do all of this itself: {scopes}")]
    BroaderScope { scopes: MintScopes },
    /// The answer to the request is missing or invalid, so there may be a new token that nobody knows.
    #[error("{registry} was asked to make the token {name}, and its answer did not arrive whole: {why}")]
    Uncertain {
        registry: String,
        name: TokenName,
        why: String,
        page: String,
    },
}

impl MintError {
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Site(error) => return error.hint(),
            Self::Account(error) => return error.hint(),
            Self::NameTaken { page, .. } => {
                format!("choose another with --token-name, or delete the old one at {page} if nothing uses it")
            }
            Self::InvalidScope { .. } => {
                "for a registry, --scopes read:package pulls and --scopes write:package also pushes".to_owned()
            }
            Self::NoScope { .. } => "name one with --scopes, such as read:package".to_owned(),
            Self::BroaderScope { .. } => "give the account's password".to_owned(),
            Self::Uncertain { name, page, .. } => {
                format!("look for {name} at {page} and delete it there before the next attempt")
            }
        })
    }

    /// Whether a one-time code, which was not given, could help: see [`AccountError::wants_code`].
    pub fn wants_code(&self) -> bool {
        matches!(self, Self::Account(error) if error.wants_code())
    }

    /// Whether the given one-time code was refused: see [`AccountError::refuses_code`].
    pub fn refuses_code(&self) -> bool {
        matches!(self, Self::Account(error) if error.refuses_code())
    }
}

/// The answer to the request.
#[derive(Deserialize)]
struct Made {
    id: i64,
    sha1: Zeroizing<String>,
    scopes: Option<Vec<String>>,
}

/// Creates a token for `account` at `registry`'s Gitea. The password is sent only once, whatever the answer is.
///
/// First the registry is asked without credentials whether it is a Gitea and where its API is. The password is sent
/// under the same rules as a token: only to the registry's own origin, over https, and never after a redirect.
pub fn mint(
    registry: &Registry,
    account: &Account,
    name: &TokenName,
    scopes: &MintScopes,
    options: &Options,
    env: &Env,
) -> Result<Minted, MintError> {
    let credential = account.at(registry);
    let site = Site::find(&credential, options, env)?;
    let client = &site.session.client;
    let uncertain = |why: String| MintError::Uncertain {
        registry: registry.to_string(),
        name: name.clone(),
        why,
        page: site.page(),
    };
    let to = client
        .own(&site.tokens_of(&account.username))
        .map_err(SiteError::from)?;
    let wanted = json!({"name": name.as_str(), "scopes": scopes.iter().collect::<Vec<_>>()});
    let reply = client
        .post(&to, account.auth(&credential), &wanted)
        .map_err(|error| match error {
            // Nothing was sent yet with these errors.
            ReachError::Refused { .. } | ReachError::UnknownHost { .. } | ReachError::NotLoopback { .. } => {
                SiteError::from(error).into()
            }
            error => uncertain(error.to_string()),
        })?;
    if reply.status.is_server_error() {
        return Err(uncertain(format!("status {}", reply.status.as_u16())));
    }
    site.passing(&reply)?;
    if reply.status != StatusCode::CREATED {
        return Err(refusal(&site, account, name, scopes, &reply));
    }
    let made: Made = serde_json::from_slice(&reply.body).map_err(|_| uncertain("it describes no token".to_owned()))?;
    if made.sha1.len() < MIN_TOKEN
        || !made
            .sha1
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    {
        return Err(uncertain("the token in it is not valid".to_owned()));
    }
    let named = made.scopes.unwrap_or_default().join(",");
    let named = client.without_secrets(&named).replace(made.sha1.as_str(), "[redacted]");
    Ok(Minted {
        token: Token::verbatim(made.sha1.as_str().to_owned()),
        id: made.id,
        name: name.clone(),
        scopes: Scopes::parse(&named),
        page: site.page(),
    })
}

fn refusal(site: &Site, account: &Account, name: &TokenName, scopes: &MintScopes, reply: &Reply) -> MintError {
    let registry = site.session.registry();
    let said = site.session.client.error_message(reply).unwrap_or_default();
    match reply.status {
        StatusCode::BAD_REQUEST if said.contains("name has been used already") => MintError::NameTaken {
            registry,
            username: account.username.clone(),
            name: name.clone(),
            page: site.page(),
        },
        StatusCode::BAD_REQUEST if said.contains("invalid access token scope") => MintError::InvalidScope {
            registry,
            said: printable(said.rsplit(": ").next().unwrap_or_default(), 60),
        },
        StatusCode::BAD_REQUEST if said.contains("must have a scope") => MintError::NoScope { registry },
        StatusCode::FORBIDDEN if said.contains("broader scope") => MintError::BroaderScope { scopes: scopes.clone() },
        _ => account::explain_refusal(site, account, reply).into(),
    }
}
