//! Tokens and credentials.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use thiserror::Error;
use zeroize::Zeroizing;

use super::Registry;
use super::text::is_invisible;

/// A Personal Access Token, or any password of a registry.
///
/// It has no `Display`, its `Debug` shows nothing, and its memory is zeroed when it is dropped. [`Token::expose`] is
/// the only way to the text, so that `grep expose` finds every place where a token leaves this type.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Zeroizing<String>);

/// Why a text cannot be a token. The messages never quote the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TokenError {
    /// Only white space.
    #[error("the token is empty")]
    Empty,
    #[error("the token is not text")]
    NotText,
    /// Asterisks, as CI systems mask a secret, or an unexpanded variable: `***`, `${TOKEN}`.
    #[error("that is not a token, but what stands in the place of one: asterisks, or a variable's name")]
    Placeholder,
    /// A line break or another control character.
    #[error("the token holds a line break or another control character")]
    Control,
    /// An invisible character, as may be copied from a web page: a byte order mark, a zero-width space, a bidirectional
    /// character, a non-ASCII space.
    #[error("the token holds a character that cannot be seen (U+{:04X}): copy it again, without what is around it", u32::from(*.0))]
    Invisible(char),
}

/// The first invisible character of a secret. ASCII white space may be intended.
fn invisible(text: &str) -> Option<char> {
    text.chars()
        .find(|c| is_invisible(*c) || (c.is_whitespace() && !c.is_ascii()))
}

impl Token {
    /// Parses a token that was pasted or piped: white space around it, such as a final line feed, is removed.
    pub fn parse(text: &str) -> Result<Self, TokenError> {
        let text = text.trim_matches(|c: char| c.is_ascii_whitespace());
        if text.is_empty() {
            return Err(TokenError::Empty);
        }
        if let Some(c) = invisible(text) {
            return Err(TokenError::Invisible(c));
        }
        if text.chars().any(char::is_control) {
            return Err(TokenError::Control);
        }
        if is_placeholder(text) {
            return Err(TokenError::Placeholder);
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// Takes a token or password that a client passes on, which may be empty: white space around it is kept. Invisible
    /// characters are rejected.
    pub fn given(text: String) -> Result<Self, TokenError> {
        let token = Self::verbatim(text);
        match invisible(token.expose()) {
            Some(c) => Err(TokenError::Invisible(c)),
            None => Ok(token),
        }
    }

    /// [`Token::parse`] for bytes from a file or a pipe, which are zeroed.
    pub fn from_bytes(bytes: Vec<u8>) -> Result<Self, TokenError> {
        let bytes = Zeroizing::new(bytes);
        Self::parse(std::str::from_utf8(&bytes).map_err(|_| TokenError::NotText)?)
    }

    /// Takes a stored token without any check.
    pub fn verbatim(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    pub fn expose(&self) -> &str {
        &self.0
    }

    /// The text, if a header can carry it as a token (RFC 6750). Otherwise it is an account's password: Gitea's tokens are
    /// hexadecimal digits.
    pub fn as_bearer(&self) -> Option<&str> {
        Some(self.expose()).filter(|text| text.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()))
    }
}

/// Only text in the syntax of a variable counts, because a password can begin with a dollar sign.
fn is_placeholder(text: &str) -> bool {
    let is_name = |name: &str| {
        let is_of_name = |byte: u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_';
        name.starts_with(|c: char| c.is_ascii_uppercase() || c == '_') && name.bytes().all(is_of_name)
    };
    let is_braced = text.starts_with("${") && text.ends_with('}');
    is_braced || text.strip_prefix('$').is_some_and(is_name) || text.len() >= 3 && text.bytes().all(|byte| byte == b'*')
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(redacted)")
    }
}

/// The user name of a token's owner at a registry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Username(String);

/// Why a text cannot be a user name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum UsernameError {
    #[error("the user name is empty")]
    Empty,
    /// A control character or an invisible one, such as a bidirectional character: names are shown verbatim.
    #[error("the user name holds a control character or an invisible one")]
    Control,
    /// A colon, which ends the user name in HTTP Basic authentication (RFC 7617 §2).
    #[error("the user name holds a colon, which HTTP Basic authentication cannot carry")]
    Colon,
}

impl Username {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether both name the same account: Gitea's and Forgejo's names ignore case.
    pub fn is_same(&self, other: &Self) -> bool {
        self.0.eq_ignore_ascii_case(&other.0)
    }

    /// Whether the name is `<token>`, which means that the secret is an OAuth2 refresh token. Only docker's clients can
    /// use one.
    pub fn is_identity_token(&self) -> bool {
        self.0 == "<token>"
    }
}

impl fmt::Display for Username {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Username {
    type Err = UsernameError;

    fn from_str(text: &str) -> Result<Self, UsernameError> {
        if text.trim().is_empty() {
            return Err(UsernameError::Empty);
        }
        if text.chars().any(|c| c.is_control() || is_invisible(c)) {
            return Err(UsernameError::Control);
        }
        if text.contains(':') {
            return Err(UsernameError::Colon);
        }
        Ok(Self(text.to_owned()))
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    pub registry: Registry,
    pub username: Username,
    pub token: Token,
}

impl Credential {
    /// `base64(username:token)`: the `auth` field of docker's files and the value of a Basic header.
    pub fn basic(&self) -> Zeroizing<String> {
        let pair = Zeroizing::new(format!("{}:{}", self.username, self.token.expose()));
        Zeroizing::new(STANDARD.encode(pair.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_not_in_debug_output() {
        let credential = Credential {
            registry: "gitea.example.com".parse().unwrap(),
            username: "admin".parse().unwrap(),
            token: Token::parse("s3cret").unwrap(),
        };
        let shown = format!("{credential:?} {:#?}", credential.token);
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(shown.contains("redacted"), "{shown}");
        assert_eq!(credential.basic().as_str(), "YWRtaW46czNjcmV0");
    }

    #[test]
    fn white_space_around_a_token_is_removed() {
        for text in ["abc", "abc\n", "  abc\r\n", "\tabc "] {
            assert_eq!(Token::from_bytes(text.into()).unwrap().expose(), "abc");
        }
        assert_eq!(Token::parse(" \n"), Err(TokenError::Empty));
        assert_eq!(Token::parse("one\ntwo"), Err(TokenError::Control));
        assert_eq!(Token::from_bytes(vec![0xff, 0xfe]), Err(TokenError::NotText));
        for text in [
            "***",
            "********",
            "$REGISTRY_TOKEN",
            "${REGISTRY_TOKEN}",
            "${{ secrets.TOKEN }}",
        ] {
            assert_eq!(Token::parse(text), Err(TokenError::Placeholder), "{text}");
        }
        for text in ["**", "$ecret", "$1", "$A-B", "a***", "$"] {
            assert_eq!(Token::parse(text).unwrap().expose(), text);
        }
        assert_eq!(Token::verbatim(String::new()).expose(), "");
        assert_eq!(Token::given(" a\n".to_owned()).unwrap().expose(), " a\n");
    }

    #[test]
    fn what_no_header_can_carry_is_no_bearer_token() {
        let bearer = |text: &str| Token::verbatim(text.to_owned()).as_bearer().is_some();
        assert!(bearer("0f3a") && bearer("~a/b+c=") && bearer("two words"));
        for text in ["one\ntwo", "\t", "\u{7f}", "pässwörd"] {
            assert!(!bearer(text), "{text:?}");
        }
    }

    #[test]
    fn invisible_characters_are_refused() {
        for c in [
            '\u{feff}', '\u{200b}', '\u{a0}', '\u{202e}', '\u{ad}', '\u{2028}', '\u{3000}',
        ] {
            for text in [
                format!("{c}abc"),
                format!("a{c}bc"),
                format!("abc{c}"),
                format!("abc{c}\n"),
            ] {
                assert_eq!(Token::parse(&text), Err(TokenError::Invisible(c)), "{c:?}");
                assert_eq!(Token::given(text), Err(TokenError::Invisible(c)), "{c:?}");
            }
        }
        let said = Token::parse("s3cret\u{feff}").unwrap_err().to_string();
        assert!(said.contains("U+FEFF") && !said.contains("s3cret"), "{said}");
        assert_eq!(Token::parse("pässwörd ☃").unwrap().expose(), "pässwörd ☃");
    }

    #[test]
    fn user_names_are_valid_for_basic_authentication() {
        for name in ["admin", "robot$ci", "<token>", "Zoë", "a b"] {
            assert_eq!(name.parse::<Username>().unwrap().as_str(), name);
        }
        assert_eq!(" ".parse::<Username>(), Err(UsernameError::Empty));
        assert_eq!("a:b".parse::<Username>(), Err(UsernameError::Colon));
        for name in ["a\nb", "a\u{202e}b", "a\u{200b}"] {
            assert_eq!(name.parse::<Username>(), Err(UsernameError::Control));
        }
    }
}
