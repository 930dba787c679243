//! Secrets of Actions: what a pipeline at the registry's own Gitea gets. They can be written and never read back; the
//! server's answer to a write is the proof.

use std::collections::BTreeSet;

use http::StatusCode;
use serde::Deserialize;
use thiserror::Error;
use zeroize::Zeroizing;

use super::account;
use super::http::Reply;
use super::mint::MintError;
use super::pages::{self, Page};
use super::site::{Site, segment};
use super::temporary_token::TemporaryToken;
use super::{Account, AccountError, Options, SiteError};
use crate::model::{ActionsScope, ActionsSecret, Registry, Token};
use crate::sys::env::Env;

/// A name that Gitea and Forgejo reserve: whoever may write secrets is told so, and nothing is written.
const RESERVED: &str = "GITEA_REGCRED";
/// The beginning of the answer to it.
const IS_RESERVED: &str = "invalid ";

/// What it takes to write secrets of repositories, organisations and the account.
const SCOPES: [&str; 3] = ["write:repository", "write:organization", "write:user"];

#[derive(Deserialize)]
struct Listed {
    name: String,
}

/// Why a secret of Actions is not written, or a list of them not read.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ActionsError {
    #[error(transparent)]
    Site(#[from] SiteError),
    #[error(transparent)]
    Account(#[from] AccountError),
    /// With a one-time code, a temporary token writes them.
    #[error("there is no token to write the Actions secrets with: {0}")]
    NoTemporary(#[source] Box<MintError>),
    /// There is no such repository or organisation, or the account does not see it.
    #[error("{registry} has no {what}, or {username} may not see it")]
    NotFound {
        registry: String,
        what: String,
        username: String,
    },
    /// The account sees it, and may not write its secrets.
    #[error("{username} may not write the Actions secrets of {what}{}", said.as_ref().map(|said| format!(": {said}")).unwrap_or_default())]
    NotAllowed {
        what: String,
        username: String,
        said: Option<String>,
    },
    /// A secret of an account is written by that account alone.
    #[error("{what} belongs to another account than {username}")]
    OtherAccount { what: String, username: String },
    /// Gitea before 1.21, and where Actions are switched off.
    #[error("{registry} has no Actions secrets: it is too old for them, or Actions are switched off there")]
    NoActions { registry: String },
    #[error("{registry} did not write the Actions secret {secret} (status {status}){}", said.as_ref().map(|said| format!(": {said}")).unwrap_or_default())]
    Refused {
        registry: String,
        secret: ActionsSecret,
        status: u16,
        said: Option<String>,
    },
    #[error("the list of the Actions secrets of {what} that {registry} answered with cannot be read")]
    Unlisted { registry: String, what: String },
    /// It may be written or not.
    #[error("{registry} was to write the Actions secret {secret}, and its answer did not arrive: {why}")]
    Uncertain {
        registry: String,
        secret: ActionsSecret,
        why: String,
    },
}

impl ActionsError {
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Site(error) => error.hint(),
            Self::Account(error) => error.hint(),
            Self::NoTemporary(error) => error.hint(),
            Self::NotAllowed { .. } => Some(
                "give the password of an account that administers it, or a token of that account with write:repository, \
                 write:organization or write:user: --actions-account names it"
                    .to_owned(),
            ),
            Self::OtherAccount { .. } => Some("name the account with --actions-account, and give its password".to_owned()),
            Self::NotFound { .. } => Some("check how it is spelled, and with --actions-account whose password is given".to_owned()),
            Self::NoActions { .. } | Self::Refused { .. } | Self::Unlisted { .. } | Self::Uncertain { .. } => None,
        }
    }

    /// See [`AccountError::wants_code`].
    pub fn wants_code(&self) -> bool {
        matches!(self, Self::Account(error) if error.wants_code())
    }

    /// See [`AccountError::refuses_code`].
    pub fn refuses_code(&self) -> bool {
        matches!(self, Self::Account(error) if error.refuses_code())
    }
}

/// The names of the secrets of this repository, organisation or account, in upper case as the server has them.
pub fn list_actions(
    registry: &Registry,
    scope: &ActionsScope,
    account: &Account,
    options: &Options,
    env: &Env,
) -> Result<BTreeSet<String>, ActionsError> {
    let credential = account.at(registry);
    ensure_own(scope, None, account)?;
    let site = Site::find(&credential, options, env)?;
    let client = &site.session.client;
    let path = site.path(&format!("{}/actions/secrets", below(scope)));
    let to = client.own(&path).map_err(SiteError::from)?;
    let unlisted = || ActionsError::Unlisted {
        registry: registry.to_string(),
        what: what(scope),
    };
    let page = |number| {
        let reply = pages::get(client, &to, number, account.auth(&credential)).map_err(SiteError::from)?;
        let said = answered(&site, account, &reply)?;
        if reply.status != StatusCode::OK {
            return Err(refusal(registry, account, scope, &reply, said.as_deref()).unwrap_or_else(unlisted));
        }
        let listed: Vec<Listed> = serde_json::from_slice(&reply.body).map_err(|_| unlisted())?;
        Ok(Page {
            entries: listed.into_iter().map(|one| one.name.to_ascii_uppercase()).collect(),
            total: pages::total(&reply),
        })
    };
    let names = pages::whole(String::clone, page)?.ok_or_else(unlisted)?;
    Ok(names.into_iter().collect())
}

/// What a write did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActionsWrite {
    Created,
    Changed,
}

impl From<MintError> for ActionsError {
    fn from(error: MintError) -> Self {
        match error {
            MintError::Site(error) => Self::Site(error),
            MintError::Account(error) => Self::Account(error),
            error => Self::NoTemporary(Box::new(error)),
        }
    }
}

/// Asks as the account. If that would use up its one-time code, it asks as a temporary token, which can do what these scopes
/// allow beside writing secrets of Actions, and is returned for the requests that follow.
///
/// # Errors
/// If the account was not let in. What the question led to is a result of its own where there is a temporary token.
pub fn ask_for_actions<T>(
    registry: &Registry,
    account: &Account,
    scopes: &[&str],
    options: &Options,
    env: &Env,
    question: impl FnOnce(&Account) -> Result<T, ActionsError>,
) -> Result<(Result<T, ActionsError>, Option<TemporaryToken>), ActionsError> {
    let credential = account.at(registry);
    if account.code.is_none() || !account.has_single_use_code(&Site::find(&credential, options, env)?) {
        return Ok((Ok(question(account)?), None));
    }
    let scopes: Vec<&str> = SCOPES.iter().chain(scopes).copied().collect();
    let temporary = TemporaryToken::make(registry, account, "writes", &scopes, options, env)?;
    Ok((question(temporary.account()), Some(temporary)))
}

/// Fails if the account may not write this secret. Changes nothing.
pub fn may_write_actions(
    registry: &Registry,
    secret: &ActionsSecret,
    account: &Account,
    options: &Options,
    env: &Env,
) -> Result<(), ActionsError> {
    let writing = Writing {
        registry,
        secret,
        account,
    };
    let reply = writing.put(RESERVED, None, options, env)?;
    let (site_said, reply) = reply;
    match reply.status {
        StatusCode::BAD_REQUEST if site_said.as_deref().is_some_and(|said| said.starts_with(IS_RESERVED)) => Ok(()),
        _ => Err(writing.refused(&reply, site_said)),
    }
}

/// Writes the token to the secret.
pub fn write_actions(
    registry: &Registry,
    secret: &ActionsSecret,
    token: &Token,
    account: &Account,
    options: &Options,
    env: &Env,
) -> Result<ActionsWrite, ActionsError> {
    let writing = Writing {
        registry,
        secret,
        account,
    };
    let (said, reply) = writing.put(secret.name(), Some(token), options, env)?;
    match reply.status {
        StatusCode::CREATED => Ok(ActionsWrite::Created),
        StatusCode::NO_CONTENT => Ok(ActionsWrite::Changed),
        _ => Err(writing.refused(&reply, said)),
    }
}

struct Writing<'a> {
    registry: &'a Registry,
    secret: &'a ActionsSecret,
    account: &'a Account,
}

impl Writing<'_> {
    /// `PUT` with the account's password, or a token of the account in its place. Returns what the server said, with the
    /// answer.
    fn put(
        &self,
        name: &str,
        token: Option<&Token>,
        options: &Options,
        env: &Env,
    ) -> Result<(Option<String>, Reply), ActionsError> {
        let credential = self.account.at(self.registry);
        ensure_own(&self.secret.scope, Some(self.secret), self.account)?;
        let mut site = Site::find(&credential, options, env)?;
        if let Some(token) = token {
            site.session.client.keep_out_of_messages(token);
        }
        let below = below(&self.secret.scope);
        let path = site.path(&format!("{below}/actions/secrets/{}", segment(name)));
        let to = site.session.client.own(&path).map_err(SiteError::from)?;
        let data = serde_json::to_string(token.map_or("none", Token::expose)).map(Zeroizing::new);
        let data = data.map_err(|error| self.uncertain(error.to_string()))?;
        let document = Zeroizing::new(format!(r#"{{"data":{}}}"#, data.as_str()));
        let reply = site.session.client.put(
            &to,
            self.account.auth(&credential),
            "application/json",
            document.as_bytes(),
        );
        let reply = reply.map_err(|error| self.uncertain(error.to_string()))?;
        if reply.status.is_server_error() {
            return Err(self.uncertain(format!("status {}", reply.status.as_u16())));
        }
        let said = answered(&site, self.account, &reply)?;
        Ok((said, reply))
    }

    fn refused(&self, reply: &Reply, said: Option<String>) -> ActionsError {
        let why = refusal(self.registry, self.account, &self.secret.scope, reply, said.as_deref());
        why.unwrap_or_else(|| ActionsError::Refused {
            registry: self.registry.to_string(),
            secret: self.secret.clone(),
            status: reply.status.as_u16(),
            said,
        })
    }

    fn uncertain(&self, why: String) -> ActionsError {
        ActionsError::Uncertain {
            registry: self.registry.to_string(),
            secret: self.secret.clone(),
            why,
        }
    }
}

/// The path of a place below the API.
fn below(scope: &ActionsScope) -> String {
    match scope {
        ActionsScope::Repository { owner, name } => format!("/repos/{}/{}", segment(owner), segment(name)),
        ActionsScope::Organisation(name) => format!("/orgs/{}", segment(name)),
        ActionsScope::User(_) => "/user".to_owned(),
    }
}

/// The place in an error.
fn what(scope: &ActionsScope) -> String {
    match scope {
        ActionsScope::Repository { owner, name } => format!("repository {owner}/{name}"),
        ActionsScope::Organisation(name) => format!("organisation {name}"),
        ActionsScope::User(name) => format!("account {name}"),
    }
}

/// What an account has is behind a path without its name, so another one's would be meant.
fn ensure_own(scope: &ActionsScope, secret: Option<&ActionsSecret>, account: &Account) -> Result<(), ActionsError> {
    match scope {
        ActionsScope::User(owner) if !owner.eq_ignore_ascii_case(account.username.as_str()) => {
            Err(ActionsError::OtherAccount {
                what: secret.map_or_else(|| what(scope), ToString::to_string),
                username: account.username.to_string(),
            })
        }
        _ => Ok(()),
    }
}

/// What the server said, if the answer is not about the account itself.
fn answered(site: &Site, account: &Account, reply: &Reply) -> Result<Option<String>, ActionsError> {
    site.passing(reply)?;
    let said = site.session.client.error_message(reply);
    let is_about_the_account = reply.status == StatusCode::UNAUTHORIZED || site.session.is_anonymous_answer(reply);
    if is_about_the_account {
        return Err(account::explain_refusal(site, account, reply).into());
    }
    match account::explain_closed(site, &account.username, reply) {
        Some(closed) => Err(closed.into()),
        None => Ok(said),
    }
}

/// Why the server does not do it, if its answer says so.
fn refusal(
    registry: &Registry,
    account: &Account,
    scope: &ActionsScope,
    reply: &Reply,
    said: Option<&str>,
) -> Option<ActionsError> {
    let registry = registry.to_string();
    let username = account.username.to_string();
    Some(match reply.status {
        // As Go's router says it: there is no such path.
        StatusCode::NOT_FOUND if said.is_some_and(|said| said.starts_with("404 page not found")) => {
            ActionsError::NoActions { registry }
        }
        StatusCode::NOT_FOUND => ActionsError::NotFound {
            registry,
            what: what(scope),
            username,
        },
        StatusCode::FORBIDDEN => ActionsError::NotAllowed {
            what: what(scope),
            username,
            said: said.map(str::to_owned),
        },
        _ => return None,
    })
}
