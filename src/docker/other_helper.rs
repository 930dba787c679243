//! Asking another credential helper for what it keeps: `docker-credential-secretservice`, `-pass`, `-osxkeychain`.
//!
//! By its protocol and not by reading its store, so that it works whatever the helper keeps its credentials in. The
//! protocol is written down nowhere but in `client/` of docker-credential-helpers; see also [`crate::helper`].

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

/// What every helper's name starts with.
const PREFIX: &str = "docker-credential-";

/// Long enough for somebody who is asked to unlock a keyring or a key, short enough for somebody who is not.
const PATIENCE: Duration = Duration::from_secs(60);

/// Longest piece of a helper's own words in a message, in characters.
const MAX_WORDS: usize = 200;

/// The `X` of `docker-credential-X`, as docker's files name it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HelperName(String);

/// A text that cannot be the name of a helper.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a credential helper's name is letters, digits, dots, dashes and underscores")]
pub struct HelperNameError;

impl HelperName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What the program is called: `docker-credential-X`.
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

    /// Stricter than docker, for which `../x` is a name too: what a file says must not run a program off PATH.
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
    /// Whose it is; `<token>` with an identity token.
    pub username: Username,
    pub token: Token,
}

/// Why a helper gave no answer. None of these means "there is no such credential".
///
/// What the helper printed is quoted only where it is the text of an error.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AskError {
    #[error("the credential helper {0} is not installed: it is not on PATH")]
    NotInstalled(String),
    /// The helper of that name is regcred's own.
    #[error("the credential helper {0} is regcred itself")]
    Ourselves(String),
    #[error("the credential helper {helper} cannot be started: {cause}")]
    Start { helper: String, cause: io::Error },
    #[error("the credential helper {helper} did not answer within {} s", limit.as_secs())]
    NoAnswer { helper: String, limit: Duration },
    #[error("the credential helper {helper} failed: {said}")]
    Failed {
        helper: String,
        /// Its own words, or how it ended where they may hold a secret.
        said: String,
    },
    /// It ended well, and what it printed is no answer.
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
    /// The helper of this name on PATH, unless that is ourselves.
    pub fn find(name: &HelperName, env: &'a Env) -> Result<Self, AskError> {
        let program = on_path::programs(&name.program(), env)
            .into_iter()
            .next()
            .ok_or_else(|| AskError::NotInstalled(name.program()))?;
        // Whoever asks us is about to put something into our keychain, and may hold its lock.
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

    /// The same, given up after `limit`.
    #[must_use]
    pub fn within(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// What it keeps for `server`, which is looked up as it is spelled; `None` where it keeps nothing.
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
        // Some have this for "nothing there".
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

    /// The servers that it keeps something for, as it spells them, with their users.
    pub fn list(&self) -> Result<BTreeMap<String, String>, AskError> {
        // As docker's own client: there are helpers that read something in any case.
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
            said: words(printed).unwrap_or_else(|| status.to_string()),
        }
    }

    fn answer(&self, what: &'static str) -> AskError {
        AskError::Answer {
            helper: self.name.clone(),
            what,
        }
    }
}

/// What a helper that failed said, if that is an error's text and no answer that got printed all the same.
fn words(printed: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(printed).ok()?;
    let is_answer = text.contains('{') || text.to_ascii_lowercase().contains("\"secret\"");
    let words = printable(text, MAX_WORDS);
    (!is_answer && !words.is_empty()).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_to_no_other_folder() {
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
            assert_eq!(words(printed).as_deref(), said);
        }
    }
}
