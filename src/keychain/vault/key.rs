//! The vault's key, and the files that can hold it.

use std::fmt;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use age::secrecy::{ExposeSecret as _, SecretString};
use age::x25519::{Identity, Recipient};
use zeroize::Zeroizing;

use super::super::Config;
use super::error::{Error, KeyFileProblem};
use crate::sys::env::Env;
use crate::sys::whole_file::{self, Unread};
use crate::sys::{replace, user};

/// The variable that names a key file.
const KEY_FILE: &str = "REGCRED_VAULT_KEY_FILE";

/// The name of systemd's credential: `LoadCredential=regcred-vault-key:FILE`.
const CREDENTIAL: &str = "regcred-vault-key";

/// More than a key with comments around it, in octets.
const MAX_KEY_FILE: u64 = 16 * 1024;

/// The permissions with which a key file of this user's own is refused, as ssh refuses one: any for somebody else.
const EXPOSED: u32 = 0o077;

/// The same for a file of root's: Kubernetes, systemd and an administrator let a service read one by its group.
const EXPOSED_OF_ROOT: u32 = 0o027;

/// The user who could read and replace every file anyway.
const ROOT: u32 = 0;

/// The identity that the vault is encrypted to.
#[derive(Clone)]
pub struct Key(Identity);

impl Key {
    /// A new one.
    pub fn generate() -> Self {
        Self(Identity::generate())
    }

    /// From `AGE-SECRET-KEY-1…`.
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

    /// Reads a key file: one key, and comments, as age-keygen writes it.
    pub fn read(path: &Path) -> Result<Self, Error> {
        read(path, Guard::Mode).map_err(|cause| Error::KeyFile {
            path: path.to_owned(),
            cause,
        })
    }

    /// Takes away what is left of making a key file, where whoever made it was killed at the last moment: a second name
    /// for it.
    pub fn sweep(path: &Path) -> Result<(), Error> {
        replace::sweep(path).map_err(|cause| Error::KeyFile {
            path: path.to_owned(),
            cause: cause.into(),
        })
    }

    /// Makes a key file, where there is none.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let save = || -> io::Result<()> {
            let key = self.text();
            let text = Zeroizing::new(format!(
                "# The key of regcred's vault. Whoever has this file and the vault has the tokens in it.\n{}\n",
                key.expose_secret()
            ));
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
        /// A variable, or the configuration.
        named_by: &'static str,
    },
    /// The kernel's keyring, since it was unlocked.
    Kernel,
}

impl Source {
    /// Whoever starts a program says more about it than its user's files.
    pub(super) fn of(env: &Env, config: &Config) -> Self {
        let file = |path, named_by| Self::File { path, named_by };
        if let Some(path) = env.path(KEY_FILE) {
            return file(path, KEY_FILE);
        }
        // systemd passes every credential of a unit in this folder, ours or not.
        let credential = env.path("CREDENTIALS_DIRECTORY").map(|folder| folder.join(CREDENTIAL));
        if let Some(path) = credential.filter(|path| path.exists()) {
            return file(path, "CREDENTIALS_DIRECTORY");
        }
        match &config.vault_key_file {
            Some(path) => file(path.clone(), "config.toml"),
            None => Self::Kernel,
        }
    }

    /// A file that somebody named on the command line.
    pub(super) fn given(path: &Path) -> Self {
        Self::File {
            path: path.to_owned(),
            named_by: "--key-file",
        }
    }

    /// The key in the file, if it is one. systemd guards its folder, and shows an access list as the group's mode.
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

/// What keeps a key file from others.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Guard {
    /// Its own mode.
    Mode,
    /// The folder that it is in.
    Systemd,
}

fn read(path: &Path, guard: Guard) -> Result<Key, KeyFileProblem> {
    let found = fs::metadata(path)?;
    // Another user could exchange it, and with it the key of the vault that is made next.
    if found.uid() != ROOT && user::id().is_some_and(|user| user != found.uid()) {
        return Err(KeyFileProblem::Foreign(found.uid()));
    }
    let exposed = if found.uid() == ROOT { EXPOSED_OF_ROOT } else { EXPOSED };
    if guard == Guard::Mode && found.mode() & exposed != 0 {
        return Err(KeyFileProblem::Exposed(found.mode() & 0o7777));
    }
    let bytes = match whole_file::read(path, MAX_KEY_FILE) {
        Ok(Some(bytes)) => bytes,
        Ok(None) => return Err(io::Error::from(io::ErrorKind::NotFound).into()),
        Err(Unread::System(cause)) => return Err(cause.into()),
        Err(Unread::NotAFile(_) | Unread::TooLong) => return Err(KeyFileProblem::NotAKey),
    };
    let text = std::str::from_utf8(&bytes).map_err(|_| KeyFileProblem::NotAKey)?;
    let lines = text.lines().map(str::trim);
    let mut keys = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    match (keys.next().and_then(Key::parse), keys.next()) {
        (Some(key), None) => Ok(key),
        _ => Err(KeyFileProblem::NotAKey),
    }
}
