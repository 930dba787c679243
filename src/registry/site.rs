//! A Gitea with a known API, where accounts create and delete their tokens.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::api::Api;
use super::challenge::{self, SignIn};
use super::http::Reply;
use super::session::Session;
use super::{Options, ReachError, VerifyError};
use crate::model::{Credential, Username};
use crate::sys::env::Env;

/// The path of the API.
const API: &str = "/api/v1";

/// The path that Gitea runs below, such as `/gitea`. Empty, or with a leading but no trailing slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GiteaPath(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("Gitea's path is written as /gitea: without a host, and of letters, digits and `-_.~/`")]
pub struct GiteaPathError;

impl GiteaPath {
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for GiteaPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for GiteaPath {
    type Err = GiteaPathError;

    fn from_str(text: &str) -> Result<Self, GiteaPathError> {
        let path = text.trim_end_matches('/');
        let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.~".contains(c);
        let safe = path.chars().all(plain) && !path.contains("..") && !path.contains("//");
        if text.starts_with('/') && safe {
            Ok(Self(path.to_owned()))
        } else {
            Err(GiteaPathError)
        }
    }
}

/// Why no Gitea was found.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SiteError {
    /// The registry was not reached or its answer is unusable.
    #[error(transparent)]
    Verify(#[from] VerifyError),
    #[error("{registry} is no Gitea: its tokens are made and deleted elsewhere")]
    NotGitea { registry: String },
    /// The registry is Gitea's, but Gitea's API is not found.
    #[error("{registry} is Gitea's registry, but Gitea's API does not answer at {place}")]
    NoApi { registry: String, place: String },
}

impl From<ReachError> for SiteError {
    fn from(error: ReachError) -> Self {
        VerifyError::from(error).into()
    }
}

impl SiteError {
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Verify(error) => error.hint(),
            Self::NotGitea { .. } => Some("use its own web pages".to_owned()),
            Self::NoApi { .. } => Some("for a Gitea below a path, name it: --gitea-path /gitea".to_owned()),
        }
    }
}

/// A session with one Gitea.
pub(super) struct Site<'a> {
    pub session: Session<'a>,
    api: Api,
}

impl<'a> Site<'a> {
    /// Finds the Gitea of `credential`'s registry. No secret is sent.
    pub fn find(credential: &'a Credential, options: &Options, env: &Env) -> Result<Self, SiteError> {
        let (session, reply) = Session::begin(credential, options, env).map_err(VerifyError::from)?;
        let registry = session.registry();
        let sign_in = session.sign_in(&reply)?;
        let Some(SignIn::Bearer { realm, service }) = sign_in else {
            return Err(SiteError::NotGitea { registry });
        };
        let Some(prefix) = challenge::gitea_prefix(&realm, service.as_deref()) else {
            return Err(SiteError::NotGitea { registry });
        };
        let prefix = options.gitea_path.as_ref().map_or(prefix, GiteaPath::as_str);
        match session.find_api(prefix) {
            Some(api) => Ok(Self { session, api }),
            None => Err(SiteError::NoApi {
                registry,
                place: format!("{}{prefix}{API}", session.client.origin()),
            }),
        }
    }

    /// Whether a one-time code may be valid for a single request only.
    pub fn may_use_codes_up(&self) -> bool {
        self.api.server.may_use_codes_up()
    }

    /// The page that lists an account's tokens.
    pub fn page(&self) -> String {
        self.session.page()
    }

    /// The URL of a page of Gitea.
    pub fn page_of(&self, path: &str) -> String {
        self.session.page_of(path)
    }

    /// A path of the API.
    pub fn path(&self, below: &str) -> String {
        format!("{}{below}", self.api.base)
    }

    /// The path of the tokens of an account.
    pub fn tokens_of(&self, username: &Username) -> String {
        self.path(&format!("/users/{}/tokens", segment(username.as_str())))
    }

    /// See [`Session::passing`].
    pub fn passing(&self, reply: &Reply) -> Result<(), SiteError> {
        Ok(self.session.passing(reply)?)
    }
}

/// Escapes a text as one path segment (RFC 3986 §3.3).
pub(super) fn segment(text: &str) -> String {
    use fmt::Write as _;
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_~".contains(&byte) || (byte == b'.' && !matches!(text, "." | "..")) {
            escaped.push(char::from(byte));
        } else {
            let _ = write!(escaped, "%{byte:02X}");
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn giteas_path_is_a_path() {
        for (text, path) in [("/gitea", "/gitea"), ("/code/gitea/", "/code/gitea"), ("/", "")] {
            assert_eq!(text.parse::<GiteaPath>().unwrap().as_str(), path);
        }
        for text in [
            "",
            "gitea",
            "https://h/gitea",
            "//evil.example/",
            "/a/../b",
            "/a?b",
            "/a b",
            "/a//b",
            "/@evil",
        ] {
            assert_eq!(text.parse::<GiteaPath>(), Err(GiteaPathError), "{text}");
        }
    }

    #[test]
    fn a_segment_is_escaped() {
        for (text, escaped) in [
            ("admin", "admin"),
            ("a.b-c_d~e", "a.b-c_d~e"),
            ("me@example.com", "me%40example.com"),
            ("../admin", "..%2Fadmin"),
            ("..", "%2E%2E"),
            ("a b?c#d%", "a%20b%3Fc%23d%25"),
            ("Zoë", "Zo%C3%AB"),
        ] {
            assert_eq!(segment(text), escaped);
        }
    }
}
