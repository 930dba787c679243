//! Making a Personal Access Token with an account's password (`POST /api/v1/users/{name}/tokens`).

use std::fmt;
use std::str::FromStr;

use http::StatusCode;
use serde::Deserialize;
use serde_json::json;
use thiserror::Error;
use zeroize::Zeroizing;

use super::account;
use super::http::Reply;
use super::site::Site;
use super::{Account, AccountError, Options, ReachError, Scopes, SiteError};
use crate::env::Env;
use crate::model::{Credential, Registry, Token, Use, Username, printable};

/// Longest name of a token that Gitea's table keeps, in characters.
const MAX_NAME: usize = 255;
/// The shortest text that Gitea takes for a token.
const MIN_TOKEN: usize = 8;

/// The name that an account gives to one of its tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenName(String);

/// Why a text is no good name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TokenNameError {
    /// There is nothing in it.
    #[error("the token's name is empty")]
    Empty,
    /// Gitea keeps 255 characters.
    #[error("the token's name is longer than 255 characters")]
    TooLong,
    /// A line feed or another control character.
    #[error("the token's name holds a control character")]
    Control,
    /// Gitea takes a number where a name should be for a token's id, and deletes that token instead.
    #[error("the token's name looks like a number, which Gitea would take for the id of another token")]
    LooksLikeId,
}

impl TokenName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for TokenName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for TokenName {
    type Err = TokenNameError;

    fn from_str(text: &str) -> Result<Self, TokenNameError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TokenNameError::Empty);
        }
        if text.chars().count() > MAX_NAME {
            return Err(TokenNameError::TooLong);
        }
        if text.chars().any(char::is_control) {
            return Err(TokenNameError::Control);
        }
        if looks_like_id(text) {
            return Err(TokenNameError::LooksLikeId);
        }
        Ok(Self(text.to_owned()))
    }
}

/// Whether Go's `strconv.ParseInt(text, 0, 64)` could read a number: a sign, a prefix for the base, `_` between digits.
/// Numbers that are too large for it are refused as well.
fn looks_like_id(text: &str) -> bool {
    let text = text.strip_prefix(['+', '-']).unwrap_or(text).to_ascii_lowercase();
    let (digits, base) = match text.get(..2) {
        Some("0x") => (&text[2..], 16),
        Some("0o") => (&text[2..], 8),
        Some("0b") => (&text[2..], 2),
        _ => (text.as_str(), 10),
    };
    digits.chars().any(|c| c != '_') && digits.chars().all(|c| c == '_' || c.is_digit(base))
}

/// What a new token shall be able to do, in the words of its server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MintScopes(Vec<String>);

/// Why a text names no scopes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("scopes are words such as read:package, separated by commas")]
pub struct MintScopesError;

impl MintScopes {
    /// What a use needs and no more: pushing for a workstation, which comes with pulling; pulling for a cluster.
    #[must_use]
    pub fn for_use(usage: Use) -> Self {
        let scope = match usage {
            Use::Docker => "write:package",
            Use::Cluster => "read:package",
        };
        Self(vec![scope.to_owned()])
    }

    /// The names, in the order in which they were given.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(String::as_str)
    }
}

impl fmt::Display for MintScopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(","))
    }
}

impl FromStr for MintScopes {
    type Err = MintScopesError;

    /// Which words there are is the server's to say: it differs by generation.
    fn from_str(text: &str) -> Result<Self, MintScopesError> {
        let word = |name: &&str| {
            let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ":-_".contains(c);
            !name.is_empty() && name.len() <= 64 && name.chars().all(plain)
        };
        let names: Vec<&str> = text.split(',').map(str::trim).collect();
        if !names.iter().all(word) {
            return Err(MintScopesError);
        }
        Ok(Self(names.into_iter().map(str::to_owned).collect()))
    }
}

/// A token that was just made. Its text is shown this once.
#[derive(Debug)]
pub struct Minted {
    /// The token.
    pub token: Token,
    /// Its number, by which it can be deleted whatever it is called.
    pub id: i64,
    /// Its name.
    pub name: TokenName,
    /// What it may do, where the answer tells (since Gitea 1.22.3).
    pub scopes: Option<Scopes>,
    /// Where the account's tokens are seen and deleted by hand.
    pub page: String,
}

/// Why no token was made.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum MintError {
    /// There is no Gitea to ask.
    #[error(transparent)]
    Site(#[from] SiteError),
    /// Gitea does not let the account in.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// The account has a token of this name.
    #[error("{username} has a token named {name} at {registry} already")]
    NameTaken {
        /// What was asked.
        registry: String,
        /// Whose tokens.
        username: Username,
        /// The name.
        name: TokenName,
        /// Where the account's tokens are seen.
        page: String,
    },
    /// Gitea does not know a scope.
    #[error("{registry} does not know these scopes: {said}")]
    InvalidScope {
        /// What was asked.
        registry: String,
        /// What it said.
        said: String,
    },
    /// Gitea wants a scope.
    #[error("{registry} makes no token without a scope")]
    NoScope {
        /// What was asked.
        registry: String,
    },
    /// What was given as the password is a token, which can make only tokens that may do less than itself.
    #[error("what was given as the password is a token that may not do all of this itself: {scopes}")]
    BroaderScope {
        /// What was wanted.
        scopes: MintScopes,
    },
    /// The request was sent, and its answer is missing or makes no sense: there may be a token now that nobody knows.
    #[error("{registry} was asked to make the token {name}, and its answer did not arrive whole: {why}")]
    Uncertain {
        /// What was asked.
        registry: String,
        /// The token that may exist.
        name: TokenName,
        /// What is wrong with the answer.
        why: String,
        /// Where the account's tokens are seen.
        page: String,
    },
}

impl MintError {
    /// The next thing to try.
    #[must_use]
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
    #[must_use]
    pub fn wants_code(&self) -> bool {
        matches!(self, Self::Account(error) if error.wants_code())
    }
}

/// The answer to the request.
#[derive(Deserialize)]
struct Made {
    id: i64,
    sha1: Zeroizing<String>,
    scopes: Option<Vec<String>>,
}

/// Makes a token of `account` at `registry`'s Gitea. The password is sent once, whatever the answer is.
///
/// Before that the registry is asked as nobody whether it is a Gitea and where its API is. The rules for where the
/// password goes are those of a token's: the registry's own origin, over https, and never after a redirect.
pub fn mint(
    registry: &Registry,
    account: &Account,
    name: &TokenName,
    scopes: &MintScopes,
    options: &Options,
    env: &Env,
) -> Result<Minted, MintError> {
    let credential = Credential {
        registry: registry.clone(),
        username: account.username.clone(),
        token: account.password.clone(),
    };
    let site = Site::find(&credential, options, env)?;
    let client = &site.session.client;
    let uncertain = |why: String| MintError::Uncertain {
        registry: registry.to_string(),
        name: name.clone(),
        why,
        page: site.page(),
    };
    let to = client.own(&site.tokens_of(&account.username)).map_err(reach)?;
    let wanted = json!({"name": name.as_str(), "scopes": scopes.0});
    let reply = client
        .post(&to, account.auth(&credential), &wanted)
        .map_err(|error| match error {
            // These happen before anything is sent.
            ReachError::Refused { .. } | ReachError::UnknownHost { .. } | ReachError::NotLoopback { .. } => {
                reach(error)
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
        return Err(uncertain("the token in it is none".to_owned()));
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

fn reach(error: ReachError) -> MintError {
    SiteError::from(super::VerifyError::from(error)).into()
}

fn refusal(site: &Site, account: &Account, name: &TokenName, scopes: &MintScopes, reply: &Reply) -> MintError {
    let registry = site.session.registry();
    let said = site.session.client.said(reply).unwrap_or_default();
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
        _ => account::judge(site, account, reply).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_not_a_number() {
        for name in [
            "ci",
            "kubectl-regcred@laptop-docker",
            "a b/c",
            "0x",
            "0xg",
            "1.5",
            "-",
            "_",
            "12a",
            "0b2",
            "Zoë",
        ] {
            assert_eq!(name.parse::<TokenName>().unwrap().as_str(), name);
        }
        for name in [
            "123",
            "0",
            "-7",
            "+7",
            "0x1f",
            "0X1F",
            "0o17",
            "017",
            "0b101",
            "1_000",
            "99999999999999999999",
        ] {
            assert_eq!(name.parse::<TokenName>(), Err(TokenNameError::LooksLikeId), "{name}");
        }
        assert_eq!(" \n".parse::<TokenName>(), Err(TokenNameError::Empty));
        assert_eq!("a\nb".parse::<TokenName>(), Err(TokenNameError::Control));
        assert_eq!("x".repeat(256).parse::<TokenName>(), Err(TokenNameError::TooLong));
    }

    #[test]
    fn scopes_are_words() {
        let scopes: MintScopes = "read:package, public-only".parse().unwrap();
        assert_eq!(scopes.to_string(), "read:package,public-only");
        assert_eq!(MintScopes::for_use(Use::Cluster).to_string(), "read:package");
        assert_eq!(MintScopes::for_use(Use::Docker).to_string(), "write:package");
        for text in ["", ",", "read:package,", "Read:Package", "a b", "a\nb", "{}"] {
            assert_eq!(text.parse::<MintScopes>(), Err(MintScopesError), "{text:?}");
        }
    }
}
