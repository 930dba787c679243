//! The vault's key and key files.

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use age::secrecy::{ExposeSecret as _, SecretString};
use age::x25519::{Identity, Recipient};
use zeroize::Zeroizing;

use super::super::Config;
use super::error::{Error, KeyFileProblem};
use crate::sys::env::Env;
use crate::sys::private::Access;
use crate::sys::replace;
use crate::sys::whole_file::{self, ReadFileError};

/// The variable that names a key file.
const KEY_FILE: &str = "REGCRED_VAULT_KEY_FILE";

/// The name of systemd's credential: `LoadCredential=regcred-vault-key:FILE`.
const CREDENTIAL: &str = "regcred-vault-key";

/// Upper limit of a key file's size in octets; a key with comments is smaller.
const MAX_KEY_FILE: u64 = 16 * 1024;

/// Permissions with which a key file of this user is refused, as ssh does: any for group or others.
const EXPOSED: u32 = 0o077;

/// The same for a file owned by root: Kubernetes, systemd and administrators let a service read one through its group.
const EXPOSED_OF_ROOT: u32 = 0o027;

/// root can read and replace every file anyway.
const ROOT: u32 = 0;

/// The identity that the vault is encrypted to.
#[derive(Clone)]
pub struct Key(Identity);

impl Key {
    /// A new random key.
    pub fn generate() -> Self {
        Self(Identity::generate())
    }

    /// Parses `AGE-SECRET-KEY-1…`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        text.parse().map(Self).ok()
    }

    pub(super) fn text(&self) -> SecretString {
        self.0.to_string()
    }

    pub(super) fn identity(&self) -> &Identity {
        &self.0
    }

    pub(super) fn recipient(&self) -> Recipient {
        self.0.to_public()
    }

    /// Reads a key file as age-keygen writes it: one key, and comments.
    pub fn read(path: &Path) -> Result<Self, Error> {
        read(path, Guard::Mode).map_err(|cause| Error::KeyFile {
            path: path.to_owned(),
            cause,
        })
    }

    /// Removes the draft of a key file that a killed process left behind.
    pub fn sweep(path: &Path) -> Result<(), Error> {
        replace::sweep(path).map_err(|cause| Error::KeyFile {
            path: path.to_owned(),
            cause: cause.into(),
        })
    }

    /// Creates a key file, and its folder if that is missing; fails if there is one already.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let save = || -> io::Result<()> {
            let key = self.text();
            let text = Zeroizing::new(format!(
                "# The key of regcred's vault. Whoever has this file and the vault has the tokens in it.\n{}\n",
                key.expose_secret()
            ));
            if let Some(folder) = path.parent().filter(|folder| !folder.exists()) {
                replace::private_folder(folder)?;
            }
            replace::Draft::new(path, text.as_bytes(), None)?.create()
        };
        save().map_err(|cause| Error::KeyFile {
            path: path.to_owned(),
            cause: cause.into(),
        })
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(***)")
    }
}

/// Where a vault's key comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    File {
        path: PathBuf,
        /// The variable or the configuration file that names it.
        named_by: &'static str,
    },
    /// The kernel's keyring, after unlocking.
    Kernel,
}

impl Source {
    /// The environment takes precedence over the configuration file.
    pub(super) fn of(env: &Env, config: &Config) -> Self {
        let file = |path, named_by| Self::File { path, named_by };
        if let Some(path) = env.path(KEY_FILE) {
            return file(path, KEY_FILE);
        }
        // systemd puts all credentials of a unit into this folder, so the file need not exist.
        let credential = env.path("CREDENTIALS_DIRECTORY").map(|folder| folder.join(CREDENTIAL));
        if let Some(path) = credential.filter(|path| path.exists()) {
            return file(path, "CREDENTIALS_DIRECTORY");
        }
        match &config.vault_key_file {
            Some(path) => file(path.clone(), "config.toml"),
            None => Self::Kernel,
        }
    }

    /// A file from the command line.
    pub(super) fn given(path: &Path) -> Self {
        Self::File {
            path: path.to_owned(),
            named_by: "--key-file",
        }
    }

    /// Reads the key if the source is a file. systemd protects the folder of its credentials and shows an access list
    /// as the group's mode, so the mode is not checked there.
    pub(super) fn key(&self) -> Option<Result<Key, Error>> {
        let Self::File { path, named_by } = self else {
            return None;
        };
        let guard = if *named_by == "CREDENTIALS_DIRECTORY" {
            Guard::Systemd
        } else {
            Guard::Mode
        };
        Some(read(path, guard).map_err(|cause| Error::KeyFile {
            path: path.clone(),
            cause,
        }))
    }
}

/// How a key file is protected from other users.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Guard {
    /// By its own mode.
    Mode,
    /// By the folder that systemd keeps it in.
    Systemd,
}

fn read(path: &Path, guard: Guard) -> Result<Key, KeyFileProblem> {
    let found = fs::metadata(path)?;
    if let Some(access) = Access::of(&found) {
        // Another owner could replace it, and with it the key of the next vault.
        if access.owner != ROOT && !access.is_own() {
            return Err(KeyFileProblem::Foreign(access.owner));
        }
        let exposed = if access.owner == ROOT { EXPOSED_OF_ROOT } else { EXPOSED };
        if guard == Guard::Mode && access.mode & exposed != 0 {
            return Err(KeyFileProblem::Exposed(access.mode));
        }
    }
    let bytes = match whole_file::read(path, MAX_KEY_FILE) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Err(io::Error::from(io::ErrorKind::NotFound).into()),
        Err(ReadFileError::System(cause)) => return Err(cause.into()),
        Err(ReadFileError::NotAFile(_) | ReadFileError::TooLong) => return Err(KeyFileProblem::NotAKey),
    };
    let text = std::str::from_utf8(&bytes).map_err(|_| KeyFileProblem::NotAKey)?;
    let lines = text.lines().map(str::trim);
    let mut keys = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    match (keys.next().and_then(Key::parse), keys.next()) {
        (Some(key), None) => Ok(key),
        _ => Err(KeyFileProblem::NotAKey),
    }
}
