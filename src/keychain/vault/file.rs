//! The vault's file: its path, its permissions, and reading and writing it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::Error;
use crate::sys::env::Env;
use crate::sys::private::Access;
use crate::sys::whole_file::{self, ReadFileError};
use crate::sys::{replace, xdg};

/// Upper limit of the file's size in octets; thousands of credentials are smaller.
const MAX_LENGTH: u64 = 16 * 1024 * 1024;

/// Permission bits of the group and of others; none may be set.
const OTHERS: u32 = 0o077;

/// The path of the vault.
#[derive(Clone, Debug)]
pub(super) struct VaultFile(PathBuf);

impl VaultFile {
    pub(super) fn of(env: &Env) -> Result<Self, Error> {
        let data = xdg::data_folder(env).ok_or(Error::NoHome)?;
        Ok(Self(xdg::below(&data, "regcred/vault.age")))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The lock file for writers. It is in the same folder, so that all sessions of the user share it.
    pub(super) fn lock(&self) -> PathBuf {
        self.0.with_file_name("vault.lock")
    }

    /// Whether it is there, or may be: in a folder that cannot be looked into.
    pub(super) fn exists(&self) -> bool {
        !fs::symlink_metadata(&self.0).is_err_and(|cause| cause.kind() == io::ErrorKind::NotFound)
    }

    /// Creates the folder of the vault and its lock.
    pub(super) fn make_folder(&self) -> Result<(), Error> {
        let folder = self.0.parent().unwrap_or(Path::new("/"));
        replace::private_folder(folder).map_err(|cause| self.unwritten(cause))
    }

    pub(super) fn read(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let unread = |cause: io::Error| match cause.kind() {
            // A dangling link is an error, not a missing vault.
            io::ErrorKind::NotFound if !self.exists() => Error::Missing(self.0.clone()),
            _ => Error::Read {
                path: self.0.clone(),
                cause,
            },
        };
        let found = fs::metadata(&self.0).map_err(unread)?;
        let path = self.0.clone();
        match Access::of(&found) {
            Some(access) if !access.is_own() => {
                let owner = access.owner;
                return Err(Error::Foreign { path, owner });
            }
            // Not for a folder, which is reported as no vault below.
            Some(Access { mode, .. }) if found.is_file() && mode & OTHERS != 0 => {
                return Err(Error::Exposed { path, mode });
            }
            _ => {}
        }
        let damaged = |what| Error::Damaged {
            path: self.0.clone(),
            what,
        };
        match whole_file::read(&self.0, MAX_LENGTH) {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(Error::Missing(path)),
            Err(ReadFileError::NotAFile(_)) => Err(damaged("it is no file")),
            Err(ReadFileError::TooLong) => Err(damaged("it is larger than any vault")),
            Err(ReadFileError::System(cause)) => Err(unread(cause)),
        }
    }

    /// Replaces the file atomically. The caller holds the lock.
    pub(super) fn replace(&self, bytes: &[u8]) -> Result<(), Error> {
        // A symbolic link, for example into a synchronised folder, is kept.
        replace::private(&self.0, bytes).map_err(|cause| self.unwritten(cause))
    }

    /// Creates the file; fails if there is one already.
    pub(super) fn create(&self, bytes: &[u8]) -> Result<(), Error> {
        match replace::Draft::new(&self.0, bytes, None).and_then(replace::Draft::create) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(Error::Exists(self.0.clone())),
            done => done.map_err(|cause| self.unwritten(cause)),
        }
    }

    fn unwritten(&self, cause: io::Error) -> Error {
        Error::Write {
            path: self.0.clone(),
            cause,
        }
    }
}
