//! The passphrase, and the vault's key wrapped with it.

use std::str::FromStr;

use age::secrecy::{ExposeSecret as _, SecretString};
use age::{DecryptError, scrypt};
use thiserror::Error;
use zeroize::Zeroizing;

use super::key::Key;

/// scrypt's cost as a power of two, as in the age program. It takes about a second and 256 MiB, once per unlock.
const WORK_FACTOR: u8 = 18;

/// The highest accepted cost, 1 GiB, because the file may have been manipulated.
const MAX_WORK_FACTOR: u8 = 20;

/// Shorter ones can be guessed whatever the cost.
const MIN_CHARACTERS: usize = 8;

/// A passphrase of at least eight characters. Its Debug is masked, and it is zeroed when it is dropped.
#[derive(Clone, Debug)]
pub struct Passphrase(SecretString);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PassphraseError {
    #[error("the passphrase is empty")]
    Empty,
    #[error("a passphrase has at least {MIN_CHARACTERS} characters; a few random words are a good one")]
    Short,
}

impl FromStr for Passphrase {
    type Err = PassphraseError;

    /// Any text that is not empty; white space counts.
    fn from_str(text: &str) -> Result<Self, PassphraseError> {
        if text.is_empty() {
            return Err(PassphraseError::Empty);
        }
        Ok(Self(text.to_owned().into()))
    }
}

impl Passphrase {
    /// A passphrase for a new vault, with a minimum length.
    pub fn new(text: &str) -> Result<Self, PassphraseError> {
        let passphrase: Self = text.parse()?;
        if text.chars().count() < MIN_CHARACTERS {
            return Err(PassphraseError::Short);
        }
        Ok(passphrase)
    }
}

impl PartialEq for Passphrase {
    fn eq(&self, other: &Self) -> bool {
        self.0.expose_secret() == other.0.expose_secret()
    }
}

/// Encrypts the key with the passphrase: an age file whose text is the key.
pub(super) fn wrap(key: &Key, passphrase: &Passphrase) -> Option<Vec<u8>> {
    let mut recipient = scrypt::Recipient::new(passphrase.0.clone());
    recipient.set_work_factor(WORK_FACTOR);
    age::encrypt(&recipient, key.text().expose_secret().as_bytes()).ok()
}

/// Why a key could not be unwrapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum UnwrapError {
    WrongPassphrase,
    Damaged,
}

pub(super) fn unwrap(wrapped: &[u8], passphrase: &Passphrase) -> Result<Key, UnwrapError> {
    let mut identity = scrypt::Identity::new(passphrase.0.clone());
    identity.set_max_work_factor(MAX_WORK_FACTOR);
    let text = match age::decrypt(&identity, wrapped) {
        Ok(text) => Zeroizing::new(text),
        Err(DecryptError::DecryptionFailed | DecryptError::NoMatchingKeys) => return Err(UnwrapError::WrongPassphrase),
        Err(_) => return Err(UnwrapError::Damaged),
    };
    std::str::from_utf8(&text)
        .ok()
        .and_then(Key::parse)
        .ok_or(UnwrapError::Damaged)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_new_passphrases_have_a_minimum_length() {
        assert_eq!(Passphrase::new("").unwrap_err(), PassphraseError::Empty);
        assert_eq!(Passphrase::new("seven-7").unwrap_err(), PassphraseError::Short);
        assert!(Passphrase::new("äöüäöüäö").is_ok());
        assert!("x".parse::<Passphrase>().is_ok());
        assert!(!format!("{:?}", Passphrase::new("correct horse").unwrap()).contains("horse"));
    }

    #[test]
    fn a_key_is_unwrapped_only_with_its_passphrase() {
        let (key, passphrase) = (Key::generate(), Passphrase::new("correct horse").unwrap());
        let mut wrapped = wrap(&key, &passphrase).unwrap();
        let back = unwrap(&wrapped, &passphrase).unwrap();
        assert_eq!(back.text().expose_secret(), key.text().expose_secret());
        let other = Passphrase::new("correct house").unwrap();
        assert_eq!(unwrap(&wrapped, &other).unwrap_err(), UnwrapError::WrongPassphrase);
        let last = wrapped.len() - 1;
        wrapped[last] ^= 1;
        assert_eq!(unwrap(&wrapped, &passphrase).unwrap_err(), UnwrapError::Damaged);
    }
}
