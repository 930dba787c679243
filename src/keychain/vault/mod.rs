//! A keychain for machines without a desktop: one encrypted file, whose key is in the kernel's keyring while it is
//! unlocked.
//!
//! It needs no daemon, and docker's helper never prompts: it opens the file with the key that `kubectl regcred keychain
//! unlock` has put there, or with a key file. Systems without a kernel keyring have only the key file.

mod content;
mod error;
mod file;
#[cfg(fuzzing)]
pub mod fuzzing;
#[cfg_attr(not(all(target_os = "linux", feature = "kernel-keyring")), path = "no_kernel.rs")]
mod kernel;
mod kernel_key;
mod key;
mod lifecycle;
mod passphrase;
mod sealed;

pub use error::{Error, KeyFileProblem, NO_KEY_FILE};
pub use kernel_key::KernelKeyringError;
pub use key::{Key, Source};
pub use lifecycle::{KeyState, VaultState};
pub use passphrase::{Passphrase, PassphraseError};

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use keyring_core::api::{CredentialApi, CredentialStoreApi};
use keyring_core::{Credential, Entry, Error as CoreError, Result as CoreResult};
use zeroize::Zeroizing;

use super::Config;
use super::error::printable;
use crate::sys::env::Env;
use content::{Items, VaultItem};
use file::VaultFile;
use sealed::{Header, OpenError};

type Attributes = HashMap<String, String>;

/// This user's vault. Creating the value does no I/O.
///
/// Writers must hold the lock that [`Keychain`](super::Keychain) takes: replacing an item is not atomic by itself.
#[derive(Clone, Debug)]
pub struct Vault(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    file: VaultFile,
    source: Source,
}

impl Vault {
    /// The vault for this environment.
    pub fn new(env: &Env, config: &Config) -> Result<Self, Error> {
        Self::with_source(env, Source::of(env, config))
    }

    /// The same vault with its key in this file, which overrides any other setting.
    pub fn with_key_file(env: &Env, path: &Path) -> Result<Self, Error> {
        Self::with_source(env, Source::given(path))
    }

    fn with_source(env: &Env, source: Source) -> Result<Self, Error> {
        let file = VaultFile::of(env)?;
        Ok(Self(Arc::new(Inner { file, source })))
    }

    pub fn path(&self) -> &Path {
        self.0.file.path()
    }

    /// The lock file for writers.
    pub(super) fn lock_file(&self) -> PathBuf {
        self.0.file.lock()
    }

    /// Whether there is a file, of any kind.
    pub fn exists(&self) -> bool {
        self.0.file.exists()
    }

    /// Where its key comes from.
    pub fn source(&self) -> &Source {
        &self.0.source
    }

    /// The header, which needs no key, and the whole file.
    fn header(&self) -> Result<(Header, Zeroizing<Vec<u8>>), Error> {
        let bytes = self.0.file.read()?;
        let header = Header::read(&bytes).map_err(|broken| self.broken(broken, &self.0.source))?;
        Ok((header, bytes))
    }

    /// The key in the key file, if one is configured and readable. A vault that also has a passphrase does not depend
    /// on the key file; then the inner `Err` is the error of reading it.
    fn key_in_file(&self, header: &Header) -> Result<Result<Key, Option<io::Error>>, Error> {
        match self.0.source.key() {
            None => Ok(Err(None)),
            Some(Ok(key)) => Ok(Ok(key)),
            Some(Err(Error::KeyFile {
                cause: KeyFileProblem::Io(cause),
                ..
            })) if header.wrapped.is_some() => Ok(Err(Some(cause))),
            Some(Err(error)) => Err(error),
        }
    }

    /// The key of an unlocked vault from the kernel's keyring. If the keyring cannot be used, the error is about the
    /// unreadable key file, if there is one.
    fn key_in_kernel(
        &self,
        header: &Header,
        unread: &mut Option<io::Error>,
    ) -> Result<Option<kernel_key::UnlockedKey>, Error> {
        kernel::get(header.id.as_str()).map_err(|refused| match (&self.0.source, unread.take()) {
            (Source::File { path, .. }, Some(cause)) => Error::LockedWithoutKeyFile {
                path: path.clone(),
                cause,
                kernel: Err(refused),
            },
            _ => Error::NoKernelKeyring(refused),
        })
    }

    /// The key from the vault's source.
    fn key_for(&self, header: &Header) -> Result<Key, Error> {
        let mut unread = match self.key_in_file(header)? {
            Ok(key) => return Ok(key),
            Err(unread) => unread,
        };
        let held = self.key_in_kernel(header, &mut unread)?;
        if let Some(key) = held.and_then(|held| Key::parse(&held.key)) {
            return Ok(key);
        }
        if header.wrapped.is_none() {
            return Err(Error::LockedWithoutPassphrase);
        }
        // In podman's containers keys can be read but not added, so a hint to unlock the vault would be wrong.
        let kernel = kernel::probe();
        if let (Source::File { path, .. }, Some(cause)) = (&self.0.source, unread) {
            let path = path.clone();
            return Err(Error::LockedWithoutKeyFile { path, cause, kernel });
        }
        kernel.map_err(Error::NoKernelKeyring)?;
        Err(Error::Locked)
    }

    fn open(&self) -> Result<Opened, Error> {
        let (header, bytes) = self.header()?;
        let key = self.key_for(&header)?;
        self.open_with(header, key, &self.0.source, &bytes)
    }

    /// `source` is where the key comes from, for the error if it is another vault's key.
    fn open_with(&self, header: Header, key: Key, source: &Source, bytes: &[u8]) -> Result<Opened, Error> {
        let broken = |broken| self.broken(broken, source);
        let plain = sealed::open(bytes, &key).map_err(broken)?;
        let items = Items::parse(&plain).ok_or_else(|| broken(OpenError::Damaged("its content cannot be read")))?;
        Ok(Opened { header, key, items })
    }

    fn save(&self, opened: &Opened) -> Result<(), Error> {
        let bytes = opened.seal().map_err(|cause| Error::Write {
            path: self.path().to_owned(),
            cause,
        })?;
        self.0.file.replace(&bytes)
    }

    fn broken(&self, broken: OpenError, source: &Source) -> Error {
        let path = self.path().to_owned();
        match (broken, source) {
            (OpenError::Version(version), _) => Error::Version {
                path,
                version: printable(&version),
            },
            (OpenError::Damaged(what), _) => Error::Damaged { path, what },
            (OpenError::WrongKey, Source::File { path: key_file, .. }) => Error::WrongKey {
                key_file: key_file.clone(),
                vault: path,
            },
            // The kernel's keyring had it under this vault's id.
            (OpenError::WrongKey, Source::Kernel) => Error::Damaged {
                path,
                what: "its key does not open it",
            },
        }
    }

    fn entry(&self, service: &str, account: &str, attributes: Attributes, found: bool) -> Entry {
        Entry::new_with_credential(Arc::new(VaultEntry {
            vault: self.clone(),
            service: service.to_owned(),
            account: account.to_owned(),
            attributes,
            found,
        }))
    }
}

/// A vault that is open.
struct Opened {
    header: Header,
    key: Key,
    items: Items,
}

impl Opened {
    fn seal(&self) -> io::Result<Vec<u8>> {
        sealed::seal(&self.header, &self.key, &self.items.text()?)
    }
}

impl CredentialStoreApi for Vault {
    fn vendor(&self) -> String {
        "vault, https://crates.io/crates/regcred".to_owned()
    }

    fn id(&self) -> String {
        self.path().display().to_string()
    }

    /// `modifiers` are the attributes that the item gets when its secret is set.
    fn build(&self, service: &str, user: &str, modifiers: Option<&HashMap<&str, &str>>) -> CoreResult<Entry> {
        let modifiers = modifiers.into_iter().flatten();
        let attributes = modifiers.map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
        Ok(self.entry(service, user, attributes.collect(), false))
    }

    /// Finds items with all attributes of `spec`, one of which is `service`.
    fn search(&self, spec: &HashMap<&str, &str>) -> CoreResult<Vec<Entry>> {
        let opened = self.open().map_err(super::Error::from)?;
        let found = opened.items.iter().filter(|(service, _, item)| {
            spec.iter().all(|(key, value)| match *key {
                "service" => service == value,
                key => item.attributes.get(key).is_some_and(|found| found == value),
            })
        });
        Ok(found
            .map(|(service, account, item)| self.entry(service, account, item.attributes.clone(), true))
            .collect())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn debug_fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[derive(Clone)]
struct VaultEntry {
    vault: Vault,
    service: String,
    account: String,
    /// As found by a search, or as they will be once the secret is set.
    attributes: Attributes,
    found: bool,
}

impl VaultEntry {
    fn read<T>(&self, take: impl FnOnce(&VaultItem) -> T) -> CoreResult<T> {
        let opened = self.vault.open().map_err(super::Error::from)?;
        let item = opened.items.get(&self.service, &self.account);
        item.map(take).ok_or(CoreError::NoEntry)
    }
}

impl CredentialApi for VaultEntry {
    fn set_secret(&self, secret: &[u8]) -> CoreResult<()> {
        let mut opened = self.vault.open().map_err(super::Error::from)?;
        let item = VaultItem {
            attributes: self.attributes.clone(),
            secret: Zeroizing::new(secret.to_vec()),
        };
        opened.items.set(&self.service, &self.account, item);
        Ok(self.vault.save(&opened).map_err(super::Error::from)?)
    }

    fn get_secret(&self) -> CoreResult<Vec<u8>> {
        // keyring-core takes no `Zeroizing`: its caller zeroes what it gets.
        self.read(|item| item.secret.to_vec())
    }

    /// For an item from a search: the attributes at that time.
    fn get_attributes(&self) -> CoreResult<Attributes> {
        if self.found {
            return Ok(self.attributes.clone());
        }
        self.read(|item| item.attributes.clone())
    }

    fn delete_credential(&self) -> CoreResult<()> {
        let mut opened = self.vault.open().map_err(super::Error::from)?;
        if !opened.items.remove(&self.service, &self.account) {
            return Err(CoreError::NoEntry);
        }
        Ok(self.vault.save(&opened).map_err(super::Error::from)?)
    }

    fn get_credential(&self) -> CoreResult<Option<Arc<Credential>>> {
        let attributes = self.get_attributes()?;
        Ok(Some(Arc::new(Self {
            attributes,
            found: true,
            ..self.clone()
        })))
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        Some((self.service.clone(), self.account.clone()))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn debug_fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("VaultEntry")
            .field(&self.service)
            .field(&self.account)
            .finish()
    }
}
