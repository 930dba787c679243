//! Who writes a Secret: an installation of regcred, by a random id, and the name that somebody gave it.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

use super::printable;

/// The length of an installation's id, in hexadecimal digits.
const ID_LENGTH: usize = 32;

/// The id of one user's regcred on one machine. It is random, and says nothing about either.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct InstallationId(String);

/// A text is no installation's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an installation's id has {ID_LENGTH} hexadecimal digits")]
pub struct InstallationIdError;

impl InstallationId {
    pub fn of(random: [u8; ID_LENGTH / 2]) -> Self {
        Self(format!("{:032x}", u128::from_be_bytes(random)))
    }
}

impl fmt::Display for InstallationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for InstallationId {
    type Err = InstallationIdError;

    fn from_str(text: &str) -> Result<Self, InstallationIdError> {
        let is_digit = |octet: u8| octet.is_ascii_digit() || (b'a'..=b'f').contains(&octet);
        if text.len() == ID_LENGTH && text.bytes().all(is_digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InstallationIdError)
        }
    }
}

/// Who has written a Secret, or will. The name may come from a cluster: it is cleaned and cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Writer {
    name: String,
    /// `None` where nothing is kept, as in CI.
    pub installation: Option<InstallationId>,
}

impl Writer {
    /// The longest name, in characters.
    pub const MAX_NAME: usize = 64;

    /// `None` if there is nothing to show in the name.
    pub fn new(name: &str, installation: Option<InstallationId>) -> Option<Self> {
        let name = printable(name, Self::MAX_NAME);
        (!name.is_empty()).then_some(Self { name, installation })
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is known to be another installation than this one.
    pub fn is_other_than(&self, own: Option<&InstallationId>) -> bool {
        self.installation.is_some() && self.installation.as_ref() != own
    }
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_what_it_is_read_as() {
        let id = InstallationId::of([0xab; 16]);
        assert_eq!(id.to_string().parse(), Ok(id));
        for text in ["", "ab", &"g".repeat(32), &"AB".repeat(16), &"é".repeat(16)] {
            assert_eq!(text.parse::<InstallationId>(), Err(InstallationIdError), "{text}");
        }
    }

    #[test]
    fn a_name_is_cleaned_and_cut() {
        let name = |text: &str| Writer::new(text, None).map(|writer| writer.to_string());
        assert_eq!(name("jane@\u{1b}[31mdesk\n").as_deref(), Some("jane@ [31mdesk"));
        assert_eq!(name(" \n\u{1b}"), None);
        let long = name(&"x".repeat(10_000)).unwrap();
        assert_eq!(long.chars().count(), Writer::MAX_NAME);
    }

    #[test]
    fn only_an_installation_that_is_known_is_another() {
        let of = |octet| Some(InstallationId::of([octet; 16]));
        let writer = |id| Writer::new("jane", id).unwrap();
        assert!(writer(of(1)).is_other_than(of(2).as_ref()));
        assert!(writer(of(1)).is_other_than(None));
        assert!(!writer(of(1)).is_other_than(of(1).as_ref()));
        assert!(!writer(None).is_other_than(of(1).as_ref()));
    }
}
