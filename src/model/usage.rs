//! What a stored credential is for.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use tinystr::TinyAsciiStr;

/// What a stored credential is for. A registry has at most one credential for each use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Use {
    /// For clients on this workstation: pull and push.
    Docker,
    /// For pull Secrets: pull only.
    Cluster,
    /// For what the user has named it after: another account, or a consumer with a token of its own.
    Named(UseName),
}

/// The name of a use of the user's own: lower case letters, digits and `-`, at most 32 characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UseName(TinyAsciiStr<{ UseName::MAX }>);

impl UseName {
    /// The most characters.
    pub const MAX: usize = 32;
}

/// The text is not the name of a use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "a use is `docker`, `cluster` or a name of your own: at most {} lower case letters, digits and `-`, with a letter or digit \
     at both ends",
    UseName::MAX
)]
pub struct UseError;

impl Use {
    /// The name on the command line, in annotations and in the keychain.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Docker => "docker",
            Self::Cluster => "cluster",
            Self::Named(name) => &name.0,
        }
    }

    /// The name, if it is one of the user's own. `docker` and `cluster` are of one account: a Secret that holds the token of
    /// one may get the token of the other. A Secret with the token of a use of the user's own gets only tokens of that use.
    pub fn name(self) -> Option<UseName> {
        match self {
            Self::Docker | Self::Cluster => None,
            Self::Named(name) => Some(name),
        }
    }
}

impl fmt::Display for Use {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Use {
    type Err = UseError;

    fn from_str(text: &str) -> Result<Self, UseError> {
        match text {
            "docker" => Ok(Self::Docker),
            "cluster" => Ok(Self::Cluster),
            name => name.parse().map(Self::Named),
        }
    }
}

impl fmt::Display for UseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for UseName {
    type Err = UseError;

    fn from_str(text: &str) -> Result<Self, UseError> {
        let is_end = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_alphanumeric);
        let is_one_of_ours = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        let (bytes, is_taken) = (text.as_bytes(), matches!(text, "docker" | "cluster"));
        if is_taken || !bytes.iter().copied().all(is_one_of_ours) || !is_end(bytes.first()) || !is_end(bytes.last()) {
            return Err(UseError);
        }
        TinyAsciiStr::try_from_str(text).map(Self).map_err(|_| UseError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_use_is_what_it_is_read_as() {
        for text in ["docker", "cluster", "ci", "a", "team-2", &"x".repeat(UseName::MAX)] {
            assert_eq!(text.parse::<Use>().unwrap().as_str(), text);
        }
        assert_eq!("docker".parse(), Ok(Use::Docker));
        assert_eq!("ci".parse::<Use>().unwrap().name(), "ci".parse().ok());
        assert_eq!(Use::Cluster.name(), None);
        for text in [
            "",
            "CI",
            "-a",
            "a-",
            "a b",
            "a,b",
            "a.b",
            "é",
            &"x".repeat(UseName::MAX + 1),
        ] {
            assert_eq!(text.parse::<Use>(), Err(UseError), "{text:?}");
        }
        assert_eq!("docker".parse::<UseName>(), Err(UseError));
    }
}
