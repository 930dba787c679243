//! The vault's file: where it is, and that nobody else reads it.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use super::Error;
use crate::sys::env::Env;
use crate::sys::whole_file::{self, Unread};
use crate::sys::{replace, user};

/// More than thousands of credentials, in octets. What is larger is something else.
const MAX_LENGTH: u64 = 16 * 1024 * 1024;

/// A file that has its permissions right is nobody else's business.
const OTHERS: u32 = 0o077;

/// Where the vault is.
#[derive(Clone, Debug)]
pub(super) struct VaultFile(PathBuf);

impl VaultFile {
    /// This user's, below `$XDG_DATA_HOME`. A relative path there does not count, as the XDG specification says.
    pub(super) fn of(env: &Env) -> Result<Self, Error> {
        let data = env.path("XDG_DATA_HOME").filter(|path| path.is_absolute());
        let data = data.or_else(|| Some(env.home()?.join(".local/share")));
        Ok(Self(data.ok_or(Error::NoHome)?.join("regcred/vault.age")))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Locked by whoever changes the vault. It is beside it, so that two sessions of one user lock the same.
    pub(super) fn lock(&self) -> PathBuf {
        self.0.with_file_name("vault.lock")
    }

    pub(super) fn exists(&self) -> bool {
        fs::symlink_metadata(&self.0).is_ok()
    }

    /// Makes the folder that the vault and its lock are in.
    pub(super) fn make_folder(&self) -> Result<(), Error> {
        let folder = self.0.parent().unwrap_or(Path::new("/"));
        replace::private_folder(folder).map_err(|cause| self.unwritten(cause))
    }

    pub(super) fn read(&self) -> Result<Zeroizing<Vec<u8>>, Error> {
        let unread = |cause: io::Error| match cause.kind() {
            // A link that leads nowhere is no vault that was never made.
            io::ErrorKind::NotFound if !self.exists() => Error::Missing(self.0.clone()),
            _ => Error::Read {
                path: self.0.clone(),
                cause,
            },
        };
        let found = fs::metadata(&self.0).map_err(unread)?;
        let path = self.0.clone();
        if user::id().is_some_and(|user| user != found.uid()) {
            let owner = found.uid();
            return Err(Error::Foreign { path, owner });
        }
        // A folder's mode says nothing: it is no vault.
        if found.is_file() && found.mode() & OTHERS != 0 {
            let mode = found.mode() & 0o7777;
            return Err(Error::Exposed { path, mode });
        }
        let damaged = |what| Error::Damaged {
            path: self.0.clone(),
            what,
        };
        match whole_file::read(&self.0, MAX_LENGTH) {
            Ok(Some(bytes)) => Ok(bytes),
            Ok(None) => Err(Error::Missing(path)),
            Err(Unread::NotAFile(_)) => Err(damaged("it is no file")),
            Err(Unread::TooLong) => Err(damaged("it is larger than any vault")),
            Err(Unread::System(cause)) => Err(unread(cause)),
        }
    }

    /// Puts `bytes` in the place of the file in one step. Whoever calls this holds the lock.
    pub(super) fn replace(&self, bytes: &[u8]) -> Result<(), Error> {
        // A link, into a folder that is synchronised for one, stays one.
        let target = replace::target(&self.0).map_err(|cause| self.unwritten(cause))?;
        replace::private(&target, bytes).map_err(|cause| self.unwritten(cause))
    }

    /// The same where there is no file yet.
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
