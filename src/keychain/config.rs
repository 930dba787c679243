//! The configuration file: which keychain was chosen, where the vault's key file is, and what this installation is called.
//!
//! `$XDG_CONFIG_HOME/regcred/config.toml`, which users edit too. Unknown settings are errors: with a misspelt line,
//! credentials would go to another keychain than the chosen one.

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

use crate::model::{Writer, printable};
use crate::sys::env::Env;
use crate::sys::whole_file::{self, ReadFileError};
use crate::sys::xdg;

/// The file's path below the user's configuration folder.
const BELOW: &str = "regcred/config.toml";
const KEYCHAIN: &str = "keychain";
/// The setting for the vault's key file.
const VAULT_KEY_FILE: &str = "vault-key-file";
/// The setting for this installation's name, which Secrets show.
const NAME: &str = "name";
/// Upper limit of the file's size in octets.
const MAX_FILE: u64 = 64 * 1024;
/// Longest quotation of the file in a message, in characters.
const MAX_FOREIGN_TEXT: usize = 100;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Config {
    /// The chosen store; `None` means [`StoreName::System`].
    pub store: Option<StoreName>,
    /// The vault's key file, an absolute path.
    pub vault_key_file: Option<PathBuf>,
    /// What this installation is called in the Secrets that it writes.
    pub name: Option<String>,
    /// The configuration file, which need not exist; `None` if there is no folder for it.
    pub path: Option<PathBuf>,
}

impl Config {
    /// Reads the file. If it does not exist, nothing was chosen.
    pub fn read(env: &Env) -> Result<Self, ConfigError> {
        let Some(path) = path(env) else {
            return Ok(Self::default());
        };
        let bytes = bytes(&path)?;
        let document = Settings::parse(&path, text(&path, bytes.as_deref())?)?;
        Ok(Self {
            store: document.store.map(|found| found.value),
            vault_key_file: document.vault_key_file.map(|found| found.value),
            name: document.name.map(|found| found.value),
            path: Some(path),
        })
    }
}

fn path(env: &Env) -> Option<PathBuf> {
    Some(xdg::below(&xdg::config_folder(env)?, BELOW))
}

/// The file's content; `None` if there is no file.
fn bytes(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, ConfigError> {
    let owned = || path.to_owned();
    let bytes = whole_file::read(path, MAX_FILE).map_err(|why| match why {
        ReadFileError::NotAFile(what) => ConfigError::NotAFile { path: owned(), what },
        ReadFileError::TooLong => ConfigError::TooLong { path: owned() },
        ReadFileError::System(cause) => ConfigError::Read { path: owned(), cause },
    })?;
    if bytes.is_none() && path.is_symlink() {
        return Err(ConfigError::Dangling { path: owned() });
    }
    Ok(bytes)
}

/// The content as text; a missing file counts as empty.
fn text<'a>(path: &Path, bytes: Option<&'a Vec<u8>>) -> Result<&'a str, ConfigError> {
    let bytes = bytes.map_or(&[][..], Vec::as_slice);
    std::str::from_utf8(bytes).map_err(|e| wrong(path, bytes, e.valid_up_to(), LineError::NotText))
}

/// An error about the line at the offset `at`.
fn wrong(path: &Path, bytes: &[u8], at: usize, cause: LineError) -> ConfigError {
    let before = &bytes[..at.min(bytes.len())];
    ConfigError::Content {
        path: path.to_owned(),
        line: before.split(|byte| *byte == b'\n').count(),
        cause,
    }
}

/// The parsed settings, each with its position.
#[derive(Debug, Default)]
struct Settings {
    store: Option<Setting<StoreName>>,
    vault_key_file: Option<Setting<PathBuf>>,
    name: Option<Setting<String>>,
}

/// A setting's value and its position, in octets.
#[derive(Debug)]
struct Setting<T> {
    value: T,
    /// From the start of the key to the end of the value.
    whole: Range<usize>,
    /// The value, including its quotes.
    place: Range<usize>,
}

impl Settings {
    /// Parses `text`, the content of the file at `path`, and fails at its first invalid line.
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
                NAME => document.name = Some(found(key, value, NAME, name).map_err(failed)?),
                other => return Err(failed(LineError::UnknownKey(printable(other, MAX_FOREIGN_TEXT)))),
            }
        }
        Ok(document)
    }
}

/// Parses an absolute path.
fn absolute(text: &str) -> Result<PathBuf, LineError> {
    Some(PathBuf::from(text))
        .filter(|path| path.is_absolute())
        .ok_or_else(|| LineError::RelativePath(printable(text, MAX_FOREIGN_TEXT)))
}

/// A name that is shown as it is.
fn name(text: &str) -> Result<String, LineError> {
    let is_shown = Writer::new(text, None).is_some_and(|writer| writer.name() == text);
    is_shown.then(|| text.to_owned()).ok_or(LineError::Name)
}

/// A setting's value: a string that `parse` accepts.
fn found<T>(
    key: &Spanned<DeString<'_>>,
    value: &Spanned<DeValue<'_>>,
    name: &'static str,
    parse: impl FnOnce(&str) -> Result<T, LineError>,
) -> Result<Setting<T>, LineError> {
    let DeValue::String(text) = value.get_ref() else {
        return Err(LineError::NotAString(name));
    };
    Ok(Setting {
        value: parse(text)?,
        whole: key.span().start..value.span().end,
        place: value.span(),
    })
}
