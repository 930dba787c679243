//! The vault's file format: one age v1 file (<https://age-encryption.org/v1>) with two stanzas in its header.
//!
//! - `X25519`, to the vault's own key: the age program opens the file with it.
//! - `kubectl-regcred/vault VERSION ID`, which other programs ignore. ID names the key in the kernel's keyring. Its
//!   body is empty or the key, wrapped with the passphrase in an age file of its own: a scrypt stanza must be the only
//!   one in a header, and would need the passphrase at every write.
//!
//! The public key is not written anywhere, so nobody without the key can create a file that opens with it.

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

/// The version of the stanza and of the encrypted content.
const VERSION: &str = "1";

/// The key's name in the kernel's keyring: 32 hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Id(String);

impl Id {
    /// A new id. Fails if the system gives no random numbers.
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

/// The part of a vault that can be read without its key.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) id: Id,
    /// The key, encrypted with the passphrase, if there is one.
    pub(super) wrapped: Option<Vec<u8>>,
}

impl fmt::Debug for Header {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Header").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Why a file cannot be opened as a vault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum OpenError {
    Damaged(&'static str),
    Version(String),
    WrongKey,
}

/// An age identity that only reads the header's stanzas and opens nothing.
#[derive(Default)]
struct HeaderReader(Cell<Option<Result<Header, OpenError>>>);

impl Identity for HeaderReader {
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
    fn of(stanza: &Stanza) -> Result<Self, OpenError> {
        let damaged = OpenError::Damaged("its header cannot be read");
        let id = match stanza.args.as_slice() {
            [version, ..] if version != VERSION => return Err(OpenError::Version(version.clone())),
            [_, id] => id.parse().map_err(|()| damaged)?,
            _ => return Err(damaged),
        };
        let wrapped = Some(stanza.body.clone()).filter(|body| !body.is_empty());
        Ok(Self { id, wrapped })
    }

    /// Reads the header of a file.
    pub(super) fn read(file: &[u8]) -> Result<Self, OpenError> {
        let look = HeaderReader::default();
        // Always fails with "no key"; the header is in `look` then.
        let _ = decryptor(file)?.decrypt(iter::once(&look as &dyn Identity));
        look.0
            .take()
            .unwrap_or(Err(OpenError::Damaged("it is an age file, and no vault")))
    }
}

impl Recipient for Header {
    /// Does not wrap the file key, which is in the X25519 stanza.
    fn wrap_file_key(&self, _: &FileKey) -> Result<(Vec<Stanza>, HashSet<String>), EncryptError> {
        let stanza = Stanza {
            tag: TAG.to_owned(),
            args: vec![VERSION.to_owned(), self.id.0.clone()],
            body: self.wrapped.clone().unwrap_or_default(),
        };
        Ok((vec![stanza], HashSet::new()))
    }
}

fn decryptor(file: &[u8]) -> Result<Decryptor<&[u8]>, OpenError> {
    Decryptor::new_buffered(file).map_err(|error| match error {
        DecryptError::UnknownFormat => OpenError::Version("another version of age".to_owned()),
        DecryptError::Io(_) => OpenError::Damaged("it is cut short"),
        _ => OpenError::Damaged("it is not an age file"),
    })
}

/// Decrypts the file's content.
pub(super) fn open(file: &[u8], key: &Key) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let mut reader = decryptor(file)?
        .decrypt(iter::once(key.identity() as &dyn Identity))
        .map_err(|error| match error {
            DecryptError::NoMatchingKeys | DecryptError::DecryptionFailed => OpenError::WrongKey,
            _ => OpenError::Damaged("its header was changed"),
        })?;
    // Allocated at full size: a buffer that grows leaves copies behind.
    let mut plain = Zeroizing::new(Vec::with_capacity(file.len()));
    match reader.read_to_end(&mut plain) {
        Ok(_) => Ok(plain),
        Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => Err(OpenError::Damaged("it is cut short")),
        Err(_) => Err(OpenError::Damaged("its content was changed")),
    }
}

/// Encrypts `plain` into a file.
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
    fn a_file_opens_only_with_its_key() {
        let key = Key::generate();
        for wrapped in [None, Some(&[7; 300][..])] {
            let header = header(wrapped);
            let file = seal(&header, &key, b"tokens").unwrap();
            assert_eq!(Header::read(&file).unwrap(), header);
            assert_eq!(*open(&file, &key).unwrap(), b"tokens");
            assert_eq!(open(&file, &Key::generate()).unwrap_err(), OpenError::WrongKey);
            // As the age program does.
            assert_eq!(age::decrypt(key.identity(), &file).unwrap(), b"tokens");
        }
    }

    #[test]
    fn every_changed_or_missing_byte_is_detected() {
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
            OpenError::Damaged("its content was changed")
        );
    }

    #[test]
    fn other_files_are_explained() {
        let key = Key::generate();
        let foreign = age::encrypt(&key.recipient(), b"x").unwrap();
        let read = |file: &[u8]| Header::read(file).unwrap_err();
        assert_eq!(read(&foreign), OpenError::Damaged("it is an age file, and no vault"));
        assert_eq!(read(b""), OpenError::Damaged("it is cut short"));
        assert_eq!(read(b"{}\n"), OpenError::Damaged("it is not an age file"));
        let file = String::from_utf8_lossy(&seal(&header(None), &key, b"").unwrap())
            .replace("kubectl-regcred/vault 1 ", "kubectl-regcred/vault 2 ");
        assert_eq!(read(file.as_bytes()), OpenError::Version("2".to_owned()));
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
