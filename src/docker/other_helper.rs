//! Asks other credential helpers for credentials: `docker-credential-secretservice`, `-pass`, `-osxkeychain`.
//!
//! It uses the helper protocol and does not read the helper's store, so it works with any helper. The protocol has no
//! specification; see `client/` of docker-credential-helpers, and [`crate::helper`].

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;
use zeroize::Zeroizing;

use super::process::{RunError, run};
use super::{on_path, program};
use crate::model::{HELPER_NOT_FOUND, HelperEntry, Token, Username, printable};
use crate::sys::env::Env;

/// Prefix of all helpers' program names.
const PREFIX: &str = "docker-credential-";

/// Time limit of a call: enough for the user to unlock a keyring or a key.
const PATIENCE: Duration = Duration::from_secs(60);

/// Longest quotation of a helper's output in a message, in characters.
const MAX_QUOTE: usize = 200;

/// The `X` of `docker-credential-X`, as docker's files name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HelperName(String);

/// The text is not a helper's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a credential helper's name is letters, digits, dots, dashes and underscores")]
pub struct HelperNameError;

impl HelperName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The program's name: `docker-credential-X`.
    pub fn program(&self) -> String {
        format!("{PREFIX}{}", self.0)
    }

    /// Whether this is the name of regcred's own helper.
    fn is_ours(&self) -> bool {
        self.0 == super::HELPER
    }
}

impl fmt::Display for HelperName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for HelperName {
    type Err = HelperNameError;

    /// Stricter than docker, which accepts `../x`: a file must not be able to run a program outside of PATH.
    fn from_str(text: &str) -> Result<Self, HelperNameError> {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
        if text.is_empty() || !text.bytes().all(fits) {
            return Err(HelperNameError);
        }
        Ok(Self(text.to_owned()))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Login {
    /// `<token>` with an identity token.
    pub username: Username,
    pub token: Token,
}

/// Why a helper did not answer. None of these means "no such credential".
///
/// The helper's output is quoted only if it is an error text.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AskError {
    #[error("the credential helper {0} is not installed: it is not on PATH")]
    NotInstalled(String),
    /// The helper is regcred's own.
    #[error("the credential helper {0} is regcred itself")]
    Ourselves(String),
    #[error("the credential helper {helper} cannot be started: {cause}")]
    Start { helper: String, cause: io::Error },
    #[error("the credential helper {helper} did not answer within {} s", limit.as_secs())]
    NoAnswer { helper: String, limit: Duration },
    #[error("the credential helper {helper} failed: {said}")]
    Failed {
        helper: String,
        /// Its error text, or its exit status if the output may contain a secret.
        said: String,
    },
    /// It succeeded, but its output is not a valid answer.
    #[error("the credential helper {helper} {what}")]
    Answer { helper: String, what: &'static str },
}

impl AskError {
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotInstalled(helper) => format!("install {helper}, or take it out of the file that names it"),
            Self::NoAnswer { helper, .. } | Self::Failed { helper, .. } => {
                format!("see what it says itself: {helper} list")
            }
            Self::Ourselves(_) | Self::Start { .. } | Self::Answer { .. } => return None,
        })
    }
}

#[derive(Clone, Debug)]
pub struct OtherHelper<'a> {
    name: String,
    program: PathBuf,
    env: &'a Env,
    limit: Duration,
}

impl<'a> OtherHelper<'a> {
    /// Finds the helper on PATH; an error if it is our own.
    pub fn find(name: &HelperName, env: &'a Env) -> Result<Self, AskError> {
        let program = on_path::programs(&name.program(), env)
            .into_iter()
            .next()
            .ok_or_else(|| AskError::NotInstalled(name.program()))?;
        // The caller may hold our keychain's lock, so calling ourselves could block.
        if name.is_ours() && program::is_ours(&program, env) {
            return Err(AskError::Ourselves(name.program()));
        }
        Ok(Self {
            name: name.program(),
            program,
            env,
            limit: PATIENCE,
        })
    }

    /// Sets the time limit of a call.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// The login for `server`, which is looked up in this spelling; `None` if there is none.
    pub fn get(&self, server: &str) -> Result<Option<Login>, AskError> {
        let (status, printed) = self.ask("get", server)?;
        if !status.success() {
            if printed.trim_ascii() == HELPER_NOT_FOUND.as_bytes() {
                return Ok(None);
            }
            return Err(self.failed(status, &printed));
        }
        if printed.trim_ascii().is_empty() {
            return Err(self.answer("printed nothing"));
        }
        let mut entry = HelperEntry::parse(&printed).map_err(|_| self.answer("did not print a credential"))?;
        // Some helpers answer like this for "not found".
        if entry.username.is_empty() && entry.secret.is_empty() {
            return Ok(None);
        }
        let username = entry.username.parse();
        let token = Token::given(std::mem::take(&mut entry.secret));
        Ok(Some(Login {
            username: username.map_err(|_| self.answer("printed a credential without a usable user name"))?,
            token: token.map_err(|_| self.answer("printed a token with a character that cannot be seen"))?,
        }))
    }

    /// The servers that it has credentials for, in its own spelling, with their users.
    pub fn list(&self) -> Result<BTreeMap<String, String>, AskError> {
        // The input is that of docker's own client: some helpers read stdin in any case.
        let (status, printed) = self.ask("list", "unused")?;
        if !status.success() {
            return Err(self.failed(status, &printed));
        }
        serde_json::from_slice(&printed).map_err(|_| self.answer("did not print a list of servers"))
    }

    fn ask(&self, action: &str, input: &str) -> Result<(ExitStatus, Zeroizing<Vec<u8>>), AskError> {
        run(&self.program, action, input, Stdio::inherit(), self.env, self.limit).map_err(|error| match error {
            RunError::Start(cause) => AskError::Start {
                helper: self.name.clone(),
                cause,
            },
            RunError::TimedOut => AskError::NoAnswer {
                helper: self.name.clone(),
                limit: self.limit,
            },
            RunError::TooLong => self.answer("printed more than a megabyte"),
        })
    }

    fn failed(&self, status: ExitStatus, printed: &[u8]) -> AskError {
        AskError::Failed {
            helper: self.name.clone(),
            said: error_text(printed).unwrap_or_else(|| status.to_string()),
        }
    }

    fn answer(&self, what: &'static str) -> AskError {
        AskError::Answer {
            helper: self.name.clone(),
            what,
        }
    }
}

/// A failed helper's error text; `None` if the output may be an answer with a secret.
fn error_text(printed: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(printed).ok()?;
    let is_answer = text.contains('{') || text.to_ascii_lowercase().contains("\"secret\"");
    let quote = printable(text, MAX_QUOTE);
    (!is_answer && !quote.is_empty()).then_some(quote)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_contain_a_path() {
        for name in ["pass", "secretservice", "ecr-login", "osxkeychain", "desktop.exe"] {
            assert_eq!(
                name.parse::<HelperName>().unwrap().program(),
                format!("docker-credential-{name}")
            );
        }
        for name in ["", "../x", "a/b", "a\\b", "a b", "a\0", "é"] {
            assert_eq!(name.parse::<HelperName>(), Err(HelperNameError), "{name:?}");
        }
    }

    #[test]
    fn an_errors_text_is_quoted_and_an_answer_is_not() {
        for (printed, said) in [
            (
                &b"Cannot autolaunch D-Bus without X11 $DISPLAY\n"[..],
                Some("Cannot autolaunch D-Bus without X11 $DISPLAY"),
            ),
            (
                b"exit status 2: gpg: decryption failed: No secret key",
                Some("exit status 2: gpg: decryption failed: No secret key"),
            ),
            (b"\x1b[2Jfailed", Some("[2Jfailed")),
            (br#"{"ServerURL":"a","Secret":"s3cret"}"#, None),
            (br#"panic: "Secret": "s3cret""#, None),
            (b"", None),
            (b"\xff\xfe", None),
        ] {
            assert_eq!(error_text(printed).as_deref(), said);
        }
    }
}
