//! The vault's file format: one age v1 file (<https://age-encryption.org/v1>) with two stanzas in its header.
//!
//! - `X25519`, to the vault's own key: the age program opens the file with it.
//! - `kubectl-regcred/vault VERSION ID`, which every other program passes over. ID names the key in the kernel's keyring.
//!   Its body is empty, or the key, wrapped with the passphrase in an age file of its own: scrypt must be alone in a
//!   header, and would have to be asked at every write.
//!
//! The public key is written nowhere. Whoever can write to the file and does not know the key cannot make one that opens.

use std::cell::Cell;
use std::collections::HashSet;
use std::fmt;
use std::io::{self, Read as _, Write as _};
use std::iter;
use std::str::FromStr;

use age::{DecryptError, Decryptor, EncryptError, Encryptor, Identity, Recipient};
use age_core::format::{FileKey, Stanza};
use zeroize::Zeroizing;

use super::key::Key;

const TAG: &str = "kubectl-regcred/vault";

/// The version of the stanza, and of what is encrypted.
const VERSION: &str = "1";

/// What a key is called in the kernel's keyring: 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Id(String);

impl Id {
    /// A new one. Fails where the system has no random numbers.
    pub(super) fn random() -> io::Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        Ok(Self(format!("{:032x}", u128::from_be_bytes(bytes))))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Id {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        if text.len() == 32 && text.bytes().all(is_digit) {
            Ok(Self(text.to_owned()))
        } else {
            Err(())
        }
    }
}

/// What can be read of a vault without its key.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) id: Id,
    /// The key, where a passphrase gives it back.
    pub(super) wrapped: Option<Vec<u8>>,
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why the bytes of a file are no vault that opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    Damaged(&'static str),
    Version(String),
    WrongKey,
}

/// Shows the stanzas that a header has, and opens nothing.
#[derive(Default)]
struct Look(Cell<Option<Result<Header, Broken>>>);

impl Identity for Look {
    fn unwrap_stanza(&self, _: &Stanza) -> Option<Result<FileKey, DecryptError>> {
        None
    }

    fn unwrap_stanzas(&self, stanzas: &[Stanza]) -> Option<Result<FileKey, DecryptError>> {
        self.0
            .set(stanzas.iter().find(|stanza| stanza.tag == TAG).map(Header::of));
        None
    }
}

impl Header {
    fn of(stanza: &Stanza) -> Result<Self, Broken> {
        let damaged = Broken::Damaged("its header cannot be read");
        let id = match stanza.args.as_slice() {
            [version, ..] if version != VERSION => return Err(Broken::Version(version.clone())),
            [_, id] => id.parse().map_err(|()| damaged)?,
            _ => return Err(damaged),
        };
        let wrapped = Some(stanza.body.clone()).filter(|body| !body.is_empty());
        Ok(Self { id, wrapped })
    }

    /// Of a file.
    pub(super) fn read(file: &[u8]) -> Result<Self, Broken> {
        let look = Look::default();
        // It finds no key, and that is all that there is to its outcome.
        let _ = decryptor(file)?.decrypt(iter::once(&look as &dyn Identity));
        look.0
            .take()
            .unwrap_or(Err(Broken::Damaged("it is an age file, and no vault")))
    }
}

impl Recipient for Header {
    /// The file's key is not in this one: it goes along with the X25519 stanza.
    fn wrap_file_key(&self, _: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        let stanza = Stanza {
            tag: TAG.to_owned(),
            args: vec![VERSION.to_owned(), self.id.0.clone()],
            body: self.wrapped.clone().unwrap_or_default(),
        };
        Ok((vec![stanza], HashSet::new()))
    }
}

fn decryptor(file: &[u8]) -> Result<Decryptor<&[u8]>, Broken> {
    Decryptor::new_buffered(file).map_err(|error| match error {
        DecryptError::UnknownFormat => Broken::Version("another version of age".to_owned()),
        DecryptError::Io(_) => Broken::Damaged("it is cut short"),
        _ => Broken::Damaged("it is not an age file"),
    })
}

/// What is in the file.
pub(super) fn open(file: &[u8], key: &Key) -> Result<Zeroizing<Vec<u8>>, Broken> {
    let mut reader = decryptor(file)?
        .decrypt(iter::once(key.identity() as &dyn Identity))
        .map_err(|error| match error {
            DecryptError::NoMatchingKeys | DecryptError::DecryptionFailed => Broken::WrongKey,
            _ => Broken::Damaged("its header was changed"),
        })?;
    // Room for all of it at once: a buffer that grows leaves copies behind.
    let mut plain = Zeroizing::new(Vec::with_capacity(file.len()));
    match reader.read_to_end(&mut plain) {
        Ok(_) => Ok(plain),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Err(Broken::Damaged("it is cut short")),
        Err(_) => Err(Broken::Damaged("its content was changed")),
    }
}

/// A file with `plain` in it.
pub(super) fn seal(header: &Header, key: &Key, plain: &[u8]) -> io::Result<Vec<u8>> {
    let recipient = key.recipient();
    let recipients = [&recipient as &dyn Recipient, header];
    let encryptor = Encryptor::with_recipients(recipients.into_iter()).map_err(io::Error::other)?;
    let mut writer = encryptor.wrap_output(Vec::with_capacity(plain.len() + 1024))?;
    writer.write_all(plain)?;
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(wrapped: Option<&[u8]>) -> Header {
        Header {
            id: Id::random().unwrap(),
            wrapped: wrapped.map(<[u8]>::to_vec),
        }
    }

    #[test]
    fn what_is_sealed_opens_with_its_key_alone() {
        let key = Key::generate();
        for wrapped in [None, Some(&[7; 300][..])] {
            let header = header(wrapped);
            let file = seal(&header, &key, b"tokens").unwrap();
            assert_eq!(Header::read(&file).unwrap(), header);
            assert_eq!(*open(&file, &key).unwrap(), b"tokens");
            assert_eq!(open(&file, &Key::generate()).unwrap_err(), Broken::WrongKey);
            // As another program would: by age's own rules.
            assert_eq!(age::decrypt(key.identity(), &file).unwrap(), b"tokens");
        }
    }

    #[test]
    fn no_byte_of_a_file_can_be_changed_or_taken_away() {
        let key = Key::generate();
        let file = seal(&header(Some(b"wrapped")), &key, b"tokens").unwrap();
        for at in 0..file.len() {
            assert!(open(&file[..at], &key).is_err(), "cut at {at}");
            let mut changed = file.clone();
            changed[at] ^= 1;
            assert!(open(&changed, &key).is_err(), "changed at {at}");
        }
        let longer = [&file[..], b"x"].concat();
        assert_eq!(
            open(&longer, &key).unwrap_err(),
            Broken::Damaged("its content was changed")
        );
    }

    #[test]
    fn what_is_no_vault_of_ours_says_what_it_is() {
        let key = Key::generate();
        let foreign = age::encrypt(&key.recipient(), b"x").unwrap();
        let read = |file: &[u8]| Header::read(file).unwrap_err();
        assert_eq!(read(&foreign), Broken::Damaged("it is an age file, and no vault"));
        assert_eq!(read(b""), Broken::Damaged("it is cut short"));
        assert_eq!(read(b"{}\n"), Broken::Damaged("it is not an age file"));
        let file = String::from_utf8_lossy(&seal(&header(None), &key, b"").unwrap())
            .replace("kubectl-regcred/vault 1 ", "kubectl-regcred/vault 2 ");
        assert_eq!(read(file.as_bytes()), Broken::Version("2".to_owned()));
    }

    #[test]
    fn an_id_is_safe_in_a_keys_description() {
        assert!(Id::random().unwrap().as_str().parse::<Id>().is_ok());
        for bad in [
            "",
            "0123",
            "0123456789abcdef0123456789ABCDEF",
            "0123456789abcdef0123456789abcde;",
        ] {
            assert!(bad.parse::<Id>().is_err(), "{bad}");
        }
    }
}
