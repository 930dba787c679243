//! Making a vault, unlocking it, locking it, and changing its passphrase.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use age::secrecy::ExposeSecret as _;

use super::passphrase::{Refusal, unwrap, wrap};
use super::sealed::{Broken, Header, Id};
use super::{Error, Items, Key, Opened, Passphrase, Source, Vault, kernel};
use crate::keychain::lock::WriteLock;

/// What a vault is waiting for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct State {
    /// Whether a passphrase opens it.
    pub has_passphrase: bool,
    pub key: KeyState,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// With nobody: somebody has to unlock it.
    Locked,
    /// In the kernel's keyring, until then or until the machine is started anew.
    Unlocked {
        /// When the kernel forgets it.
        until: Option<SystemTime>,
    },
    InFile {
        path: PathBuf,
        /// The variable, or the file, that names it.
        named_by: &'static str,
    },
}

impl Vault {
    /// Whether it is locked. An error where it cannot be read, or where its key does not open it.
    pub fn state(&self) -> Result<State, Error> {
        let (header, bytes) = self.header()?;
        let has_passphrase = header.wrapped.is_some();
        let (state, key) = match (&self.0.source, self.key_in_file(&header)?) {
            (Source::File { path, named_by }, Ok(key)) => {
                let path = path.clone();
                (KeyState::InFile { path, named_by }, Some(key))
            }
            (_, found) => {
                let held = self.key_in_kernel(&header, &mut found.err().flatten())?;
                match held.and_then(|held| Some((held.until, Key::parse(&held.key)?))) {
                    Some((until, key)) => (KeyState::Unlocked { until }, Some(key)),
                    None => (KeyState::Locked, None),
                }
            }
        };
        if let Some(key) = key {
            self.open_with(header, key, &self.0.source, &bytes)?;
        }
        Ok(State {
            has_passphrase,
            key: state,
        })
    }

    /// Makes a vault that `key` opens, and the passphrase if there is one.
    pub fn create(&self, key: &Key, passphrase: Option<&Passphrase>) -> Result<(), Error> {
        self.0.file.make_folder()?;
        let _held = self.exclusive()?;
        let id = self.id()?;
        let wrapped = passphrase.map(|passphrase| self.wrapped(key, passphrase)).transpose()?;
        let opened = Opened {
            header: Header { id, wrapped },
            key: key.clone(),
            items: Items::default(),
        };
        let bytes = opened.seal().map_err(|cause| self.unwritten(cause))?;
        self.0.file.create(&bytes)
    }

    /// Puts the key into the kernel's keyring, for so long or until the machine is started anew. Says until when.
    pub fn unlock(&self, passphrase: &Passphrase, lifetime: Option<Duration>) -> Result<Option<SystemTime>, Error> {
        let (header, bytes) = self.header()?;
        let key = self.unwrapped(&header, passphrase)?;
        self.hold(header, key, &Source::Kernel, &bytes, lifetime)
    }

    /// The same with the key itself.
    pub fn unlock_with(&self, key: Key, lifetime: Option<Duration>) -> Result<Option<SystemTime>, Error> {
        let (header, bytes) = self.header()?;
        self.hold(header, key, &Source::Kernel, &bytes, lifetime)
    }

    /// The same with the key in this file.
    pub fn unlock_with_file(&self, path: &Path, lifetime: Option<Duration>) -> Result<Option<SystemTime>, Error> {
        let key = Key::read(path)?;
        let (header, bytes) = self.header()?;
        self.hold(header, key, &Source::given(path), &bytes, lifetime)
    }

    /// For an unlocked vault: lets the kernel's keyring hold its key for so long from now. Says until when.
    pub fn stay_unlocked(&self, lifetime: Option<Duration>) -> Result<Option<SystemTime>, Error> {
        let (header, bytes) = self.header()?;
        let key = self.key_for(&header)?;
        self.hold(header, key, &Source::Kernel, &bytes, lifetime)
    }

    /// Whether the kernel's keyring takes keys here; containers forbid it by default.
    pub fn can_be_unlocked(&self) -> Result<(), Error> {
        kernel::probe().map_err(Error::Kernel)
    }

    /// Takes every key of a vault of this user out of the kernel's keyring, whatever has become of the vault's file. Says
    /// whether there was one.
    pub fn lock(&self) -> Result<bool, Error> {
        let mut was_there = kernel::remove_all().map_err(Error::Kernel)?;
        // Where the kernel's list of keys is hidden, this one's name leads to it.
        if let Ok((header, _)) = self.header() {
            was_there |= kernel::remove(header.id.as_str()).map_err(Error::Kernel)?;
        }
        Ok(was_there)
    }

    /// Its key, from where it comes from.
    pub fn key(&self) -> Result<Key, Error> {
        let (header, _) = self.header()?;
        self.key_for(&header)
    }

    /// Its key, by its passphrase.
    pub fn key_of(&self, passphrase: &Passphrase) -> Result<Key, Error> {
        let (header, _) = self.header()?;
        self.unwrapped(&header, passphrase)
    }

    /// Gives it another passphrase, and another key along with it, where no key file holds the old one: a copy of the old
    /// file and the old passphrase open nothing that is written from now on. It is locked afterwards, unless a key file
    /// opens it. Says whether the key is another.
    ///
    /// `old` is the key that the old passphrase, or a key file, has given.
    pub fn change_passphrase(&self, old: Key, new: &Passphrase) -> Result<bool, Error> {
        let in_file = self.0.source != Source::Kernel;
        let key = if in_file { old.clone() } else { Key::generate() };
        // It takes a second, and others wait for the lock.
        let wrapped = self.wrapped(&key, new)?;
        let _held = self.exclusive()?;
        let (header, bytes) = self.header()?;
        let old_id = header.id.clone();
        let mut opened = self.open_with(header, old, &self.0.source, &bytes)?;
        if !in_file {
            opened.header.id = self.id()?;
        }
        opened.key = key;
        opened.header.wrapped = Some(wrapped);
        self.save(&opened)?;
        // The old key opens nothing any more; that the kernel still has it harms nobody.
        let _ = kernel::remove(old_id.as_str());
        Ok(!in_file)
    }

    /// Held by whoever changes the file.
    fn exclusive(&self) -> Result<File, Error> {
        WriteLock::at(self.lock_file()).acquire().map_err(|error| match error {
            crate::keychain::Error::Vault(error) => error,
            other => self.unwritten(std::io::Error::other(other)),
        })
    }

    fn hold(
        &self,
        header: Header,
        key: Key,
        source: &Source,
        bytes: &[u8],
        lifetime: Option<Duration>,
    ) -> Result<Option<SystemTime>, Error> {
        let opened = self.open_with(header, key, source, bytes)?;
        kernel::put(opened.header.id.as_str(), opened.key.text().expose_secret(), lifetime).map_err(Error::Kernel)
    }

    fn unwrapped(&self, header: &Header, passphrase: &Passphrase) -> Result<Key, Error> {
        let wrapped = header.wrapped.as_ref().ok_or(Error::NoPassphrase)?;
        unwrap(wrapped, passphrase).map_err(|refusal| match refusal {
            Refusal::WrongPassphrase => Error::WrongPassphrase,
            Refusal::Damaged => self.broken(Broken::Damaged("its header was changed"), &self.0.source),
        })
    }

    fn wrapped(&self, key: &Key, passphrase: &Passphrase) -> Result<Vec<u8>, Error> {
        wrap(key, passphrase).ok_or_else(|| self.unwritten(std::io::Error::other("its key cannot be encrypted")))
    }

    fn id(&self) -> Result<Id, Error> {
        Id::random().map_err(|cause| self.unwritten(cause))
    }

    fn unwritten(&self, cause: std::io::Error) -> Error {
        Error::Write {
            path: self.path().to_owned(),
            cause,
        }
    }
}
