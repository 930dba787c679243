//! The name and scopes of a token to be created.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use crate::model::Use;

/// Longest token name in Gitea's database, in characters.
const MAX_NAME: usize = 255;

/// The name of a token in its account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenName(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TokenNameError {
    #[error("the token's name is empty")]
    Empty,
    /// Gitea keeps 255 characters.
    #[error("the token's name is longer than 255 characters")]
    TooLong,
    /// A line feed or another control character.
    #[error("the token's name holds a control character")]
    Control,
    /// Gitea would interpret a number as a token's id, and delete that token.
    #[error("the token's name looks like a number, which Gitea would take for the id of another token")]
    LooksLikeId,
}

impl TokenName {
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

/// Whether Go's `strconv.ParseInt(text, 0, 64)` could parse it: a sign, a prefix for the base, `_` between digits. Also
/// true for numbers that are too large for it.
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

/// The scopes of a new token, with the server's names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MintScopes(Vec<String>);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("scopes are words such as read:package, separated by commas")]
pub struct MintScopesError;

impl MintScopes {
    /// The minimum for a use: pushing, which includes pulling, for a workstation; pulling for anything else.
    pub fn for_use(usage: Use) -> Self {
        let scope = match usage {
            Use::Docker => "write:package",
            Use::Cluster | Use::Named(_) => "read:package",
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

    /// Checks only the syntax: the valid scopes depend on the server's version.
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
