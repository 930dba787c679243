//! The code of an account's second factor (TOTP, RFC 6238).

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use zeroize::Zeroizing;

/// The code that an authenticator shows for an account with a second factor (TOTP, RFC 6238).
#[derive(Clone, PartialEq, Eq)]
pub struct OneTimeCode(Zeroizing<String>);

/// A text that no authenticator shows. It is not quoted: it could be a password in the wrong place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a one-time code has six digits")]
pub struct OneTimeCodeError;

impl OneTimeCode {
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for OneTimeCode {
    type Err = OneTimeCodeError;

    /// Authenticators show `123 456`, and people type it so. Eight digits are possible by the RFC.
    fn from_str(text: &str) -> Result<Self, OneTimeCodeError> {
        let digits: Zeroizing<String> = Zeroizing::new(text.chars().filter(|c| !c.is_whitespace()).collect());
        let plain = digits.bytes().all(|b| b.is_ascii_digit());
        if plain && (6..=8).contains(&digits.len()) {
            Ok(Self(digits))
        } else {
            Err(OneTimeCodeError)
        }
    }
}

impl fmt::Debug for OneTimeCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OneTimeCode(redacted)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_what_authenticators_show() {
        for text in ["123456", " 123 456\n", "12345678"] {
            assert!(text.parse::<OneTimeCode>().is_ok(), "{text:?}");
        }
        for text in ["", "12345", "123456789", "12345a", "hunter2!"] {
            assert_eq!(text.parse::<OneTimeCode>(), Err(OneTimeCodeError), "{text:?}");
        }
        let code: OneTimeCode = "123456".parse().unwrap();
        assert!(!format!("{code:?}").contains("123456"));
    }
}
