//! What regcred remembers about the keychain: which one was chosen, and where the vault's key file is.
//!
//! `$XDG_CONFIG_HOME/regcred/config.toml`, which people write too. Nothing in it is skipped: with a misspelt line,
//! credentials would go to another keychain than the one that was chosen.

mod error;
mod remember;
mod store_name;
#[cfg(test)]
mod tests;

pub use error::{ConfigError, LineError};
pub use remember::Change;
pub use store_name::{StoreName, StoreNameError};

use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};
use zeroize::Zeroizing;

use crate::model::printable;
use crate::sys::env::Env;
use crate::sys::whole_file::{self, Unread};

/// The file, below the folder of the user's configuration.
const BELOW: &str = "regcred/config.toml";
const KEYCHAIN: &str = "keychain";
/// The key that names the file with the vault's key.
const VAULT_KEY_FILE: &str = "vault-key-file";
/// More than two lines and anybody's comments need, in octets.
const MAX_FILE: u64 = 64 * 1024;
/// Longest piece of the file in a message, in characters.
const MAX_FOREIGN_TEXT: usize = 100;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The store that was chosen; without a choice it is [`StoreName::System`].
    pub store: Option<StoreName>,
    /// The file that holds the vault's key, where one does: an absolute path.
    pub vault_key_file: Option<PathBuf>,
    /// The file that says so, or would; `None` where there is no folder for one.
    pub path: Option<PathBuf>,
}

impl Config {
    /// Reads it. Without a file, or a folder for one, nothing was chosen.
    pub fn read(env: &Env) -> Result<Self, ConfigError> {
        let Some(path) = path(env) else {
            return Ok(Self::default());
        };
        let bytes = bytes(&path)?;
        let document = Document::parse(&path, text(&path, bytes.as_deref())?)?;
        Ok(Self {
            store: document.store.map(|found| found.value),
            vault_key_file: document.vault_key_file.map(|found| found.value),
            path: Some(path),
        })
    }
}

/// `$XDG_CONFIG_HOME/regcred/config.toml`, else the same below `~/.config`.
///
/// A relative path counts as none, as the XDG base directory specification says: docker would call the helper in
/// another folder.
fn path(env: &Env) -> Option<PathBuf> {
    let folder = env
        .path("XDG_CONFIG_HOME")
        .filter(|folder| folder.is_absolute())
        .or_else(|| Some(env.home()?.join(".config")).filter(|folder| folder.is_absolute()))?;
    Some(folder.join(BELOW))
}

/// What stands in the file; `None` where there is none.
fn bytes(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, ConfigError> {
    let owned = || path.to_owned();
    let bytes = whole_file::read(path, MAX_FILE).map_err(|why| match why {
        Unread::NotAFile(what) => ConfigError::NotAFile { path: owned(), what },
        Unread::TooLong => ConfigError::TooLong { path: owned() },
        Unread::System(cause) => ConfigError::Read { path: owned(), cause },
    })?;
    if bytes.is_none() && path.is_symlink() {
        return Err(ConfigError::Dangling { path: owned() });
    }
    Ok(bytes)
}

/// The same as text; no file is an empty one.
fn text<'a>(path: &Path, bytes: Option<&'a Vec<u8>>) -> Result<&'a str, ConfigError> {
    let bytes = bytes.map_or(&[][..], Vec::as_slice);
    std::str::from_utf8(bytes).map_err(|e| wrong(path, bytes, e.valid_up_to(), LineError::NotText))
}

/// The error about the line of `bytes` in which `at` is.
fn wrong(path: &Path, bytes: &[u8], at: usize, cause: LineError) -> ConfigError {
    let before = &bytes[..at.min(bytes.len())];
    ConfigError::Content {
        path: path.to_owned(),
        line: before.split(|byte| *byte == b'\n').count(),
        cause,
    }
}

/// The settings of a text, each with its place.
#[derive(Debug, Default)]
struct Document {
    store: Option<Found<StoreName>>,
    vault_key_file: Option<Found<PathBuf>>,
}

/// A setting and where it stands, in octets.
#[derive(Debug)]
struct Found<T> {
    value: T,
    /// From the first byte of the key to the last one of the value.
    whole: Range<usize>,
    /// The value, with its quotes.
    place: Range<usize>,
}

impl Document {
    /// Understands all of `text`, which stands in the file at `path`, or fails at its first wrong line.
    fn parse(path: &Path, text: &str) -> Result<Self, ConfigError> {
        let wrong = |at, cause| wrong(path, text.as_bytes(), at, cause);
        let table = DeTable::parse(text).map_err(|e| {
            let what = printable(e.message(), MAX_FOREIGN_TEXT);
            wrong(e.span().map_or(0, |span| span.start), LineError::Syntax(what))
        })?;
        let mut settings: Vec<_> = table.into_inner().into_iter().collect();
        settings.sort_by_key(|(key, _)| key.span().start);
        let mut document = Self::default();
        for (key, value) in &settings {
            let failed = |cause| wrong(key.span().start, cause);
            match key.get_ref().as_ref() {
                KEYCHAIN => {
                    document.store = Some(found(key, value, KEYCHAIN, |text| Ok(text.parse()?)).map_err(failed)?);
                }
                VAULT_KEY_FILE => {
                    let file = found(key, value, VAULT_KEY_FILE, absolute);
                    document.vault_key_file = Some(file.map_err(failed)?);
                }
                other => return Err(failed(LineError::UnknownKey(printable(other, MAX_FOREIGN_TEXT)))),
            }
        }
        Ok(document)
    }
}

/// The path that the text is, where it leads to the same file from every folder.
fn absolute(text: &str) -> Result<PathBuf, LineError> {
    Some(PathBuf::from(text))
        .filter(|path| path.is_absolute())
        .ok_or_else(|| LineError::RelativePath(printable(text, MAX_FOREIGN_TEXT)))
}

/// A setting's value, which has to be text that `parse` takes.
fn found<T>(
    key: &Spanned<DeString<'_>>,
    value: &Spanned<DeValue<'_>>,
    name: &'static str,
    parse: impl FnOnce(&str) -> Result<T, LineError>,
) -> Result<Found<T>, LineError> {
    let DeValue::String(text) = value.get_ref() else {
        return Err(LineError::NotAString(name));
    };
    Ok(Found {
        value: parse(text)?,
        whole: key.span().start..value.span().end,
        place: value.span(),
    })
}
