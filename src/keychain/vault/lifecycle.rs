//! Creating, unlocking and locking a vault, and changing its passphrase.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use age::secrecy::ExposeSecret as _;

use super::passphrase::{UnwrapError, unwrap, wrap};
use super::sealed::{Header, Id, OpenError};
use super::{Error, Items, Key, Opened, Passphrase, Source, Vault, kernel};
use crate::keychain::lock::WriteLock;

/// Whether a vault is locked, and how it opens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VaultState {
    /// Whether a passphrase opens it.
    pub has_passphrase: bool,
    pub key: KeyState,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyState {
    /// Not available: the vault has to be unlocked.
    Locked,
    /// In the kernel's keyring, until then or until reboot.
    Unlocked {
        /// When the key expires.
        until: Option<SystemTime>,
    },
    InFile {
        path: PathBuf,
        /// The variable or the configuration file that names it.
        named_by: &'static str,
    },
}

impl Vault {
    /// Whether it is locked. Fails if it cannot be read, or if its key does not open it.
    pub fn state(&self) -> Result<VaultState, Error> {
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
        Ok(VaultState {
            has_passphrase,
            key: state,
        })
    }

    /// Creates a vault that opens with `key`, and with the passphrase if there is one.
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

    /// Puts the key into the kernel's keyring, for `lifetime` or until reboot. Returns when it expires.
    pub fn unlock(&self, passphrase: &Passphrase, lifetime: Option<Duration>) -> Result<Option<SystemTime>, Error> {
        let (header, bytes) = self.header()?;
        let key = self.unwrapped(&header, passphrase)?;
        self.hold(header, key, &Source::Kernel, &bytes, lifetime)
    }

    /// [`Vault::unlock`] with the key itself.
    pub fn unlock_with(&self, key: Key, lifetime: Option<Duration>) -> Result<Option<SystemTime>, Error> {
        let (header, bytes) = self.header()?;
        self.hold(header, key, &Source::Kernel, &bytes, lifetime)
    }

    /// [`Vault::unlock`] with the key in this file.
    pub fn unlock_with_file(&self, path: &Path, lifetime: Option<Duration>) -> Result<Option<SystemTime>, Error> {
        let key = Key::read(path)?;
        let (header, bytes) = self.header()?;
        self.hold(header, key, &Source::given(path), &bytes, lifetime)
    }

    /// Renews the lifetime of an unlocked vault's key from now on. Returns when it expires.
    pub fn stay_unlocked(&self, lifetime: Option<Duration>) -> Result<Option<SystemTime>, Error> {
        let (header, bytes) = self.header()?;
        let key = self.key_for(&header)?;
        self.hold(header, key, &Source::Kernel, &bytes, lifetime)
    }

    /// Fails if the kernel's keyring cannot be used, as by default in containers.
    pub fn can_be_unlocked(&self) -> Result<(), Error> {
        kernel::probe().map_err(Error::Kernel)
    }

    /// Removes this vault's key from the kernel's keyring, and no other vault's. Returns whether there was one.
    pub fn lock(&self) -> Result<bool, Error> {
        let (header, _) = self.header()?;
        kernel::remove(header.id.as_str()).map_err(Error::Kernel)
    }

    /// Removes the keys of all this user's vaults from the kernel's keyring, even if a vault's file is gone. Returns
    /// whether there was one.
    pub fn lock_all(&self) -> Result<bool, Error> {
        let mut was_there = kernel::remove_all().map_err(Error::Kernel)?;
        // Needed where `/proc/keys` is hidden: this vault's key is found by its id.
        if let Ok((header, _)) = self.header() {
            was_there |= kernel::remove(header.id.as_str()).map_err(Error::Kernel)?;
        }
        Ok(was_there)
    }

    /// The key from the vault's source.
    pub fn key(&self) -> Result<Key, Error> {
        let (header, _) = self.header()?;
        self.key_for(&header)
    }

    /// The key, unwrapped with the passphrase.
    pub fn key_of(&self, passphrase: &Passphrase) -> Result<Key, Error> {
        let (header, _) = self.header()?;
        self.unwrapped(&header, passphrase)
    }

    /// Changes the passphrase, and the key too unless a key file holds it, so that the old passphrase with a copy of
    /// the old file opens nothing that is written from now on. Afterwards the vault is locked, unless a key file opens
    /// it. Returns whether the key was changed.
    ///
    /// `old` is the key from the old passphrase or from a key file.
    pub fn change_passphrase(&self, old: Key, new: &Passphrase) -> Result<bool, Error> {
        let in_file = self.0.source != Source::Kernel;
        let key = if in_file { old.clone() } else { Key::generate() };
        // Done before taking the lock, because it takes about a second.
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
        // Ignored, because the old key no longer opens anything.
        let _ = kernel::remove(old_id.as_str());
        Ok(!in_file)
    }

    /// Takes the writers' lock.
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
            UnwrapError::WrongPassphrase => Error::WrongPassphrase,
            UnwrapError::Damaged => self.broken(OpenError::Damaged("its header was changed"), &self.0.source),
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
