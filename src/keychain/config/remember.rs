//! Changing what is remembered, in a file that people write too: every line that is not about it stays as it is.

use std::fs::{self, File};
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Config, ConfigError, Document, KEYCHAIN, StoreName, VAULT_KEY_FILE};
use crate::sys::env::Env;
use crate::sys::file_lock;
use crate::sys::replace::{self, Draft};

/// What a file begins with that we make.
const OPENING: &str = "# What regcred remembers about the keychain; see: kubectl regcred keychain status\n";
/// How long to wait for others that write the same file. One of them needs some milliseconds.
const PATIENCE: Duration = Duration::from_secs(8);

/// Something to remember, or with `None` to forget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Store(Option<StoreName>),
    VaultKeyFile(Option<PathBuf>),
}

impl Config {
    /// Writes what has changed into the file, and makes it where it is not there. Says whether there was anything to do.
    ///
    /// The file is replaced in one step, behind the symbolic links that lead to it, and keeps its mode, its owner and
    /// every line of which nothing is changed. One that cannot be understood is left alone: [`ConfigError::Content`].
    pub fn remember(env: &Env, changes: &[Change]) -> Result<bool, ConfigError> {
        let path = super::path(env).ok_or(ConfigError::NoHome)?;
        if Edited::plan(&path, changes)?.is_none() {
            return Ok(false);
        }
        let _held = lock(&path)?;
        // Somebody else may have held the lock until now.
        match Edited::plan(&path, changes)? {
            None => Ok(false),
            Some(edited) => edited.write(&path).map(|()| true),
        }
    }
}

/// Waits for others that change the file; the lock is held until this is dropped.
fn lock(path: &Path) -> Result<File, ConfigError> {
    let beside = path.with_extension("lock");
    let folder = path.parent().unwrap_or(Path::new("/"));
    replace::private_folder(folder).map_err(|cause| failed(folder, cause))?;
    let file = file_lock::open(&beside).map_err(|cause| failed(&beside, cause))?;
    if file_lock::wait(&file, PATIENCE).map_err(|cause| failed(&beside, cause))? {
        return Ok(file);
    }
    Err(ConfigError::Busy {
        path: path.to_owned(),
        waited: PATIENCE,
    })
}

/// What is to stand in the file.
struct Edited {
    text: String,
    before: Option<Vec<u8>>,
}

impl Edited {
    /// Reads the file and decides; `None` where all of it is remembered already.
    fn plan(path: &Path, changes: &[Change]) -> Result<Option<Self>, ConfigError> {
        let before = super::bytes(path)?;
        let text = super::text(path, before.as_deref())?;
        let edited = edit(path, text, changes)?;
        if edited == text {
            return Ok(None);
        }
        Ok(Some(Self {
            text: if before.is_some() {
                edited
            } else {
                format!("{OPENING}{edited}")
            },
            before: before.map(|bytes| bytes.to_vec()),
        }))
    }

    /// Puts it in the place of what was read. [`ConfigError::Changed`] where an editor saved something else since.
    fn write(&self, path: &Path) -> Result<(), ConfigError> {
        let changed = || ConfigError::Changed { path: path.to_owned() };
        let target = replace::target(path).map_err(|cause| failed(path, cause))?;
        let failed = |cause| failed_at(path, &target, cause);
        replace::is_ours_to_change(path, &target).map_err(failed)?;
        let Some(bytes) = &self.before else {
            let draft = Draft::new(&target, self.text.as_bytes(), None).map_err(failed)?;
            return draft.create().map_err(|cause| match cause.kind() {
                io::ErrorKind::AlreadyExists => changed(),
                _ => failed(cause),
            });
        };
        let found = fs::metadata(&target).map_err(failed)?;
        let draft = Draft::new(&target, self.text.as_bytes(), Some(&found)).map_err(failed)?;
        if super::bytes(path)?.as_deref() != Some(bytes) {
            return Err(changed());
        }
        draft.replace().map_err(failed)
    }
}

fn failed(path: &Path, cause: io::Error) -> ConfigError {
    failed_at(path, path, cause)
}

/// The error about a change of the file at `path`, which is really at `target`.
fn failed_at(path: &Path, target: &Path, cause: io::Error) -> ConfigError {
    let read_only = matches!(
        cause.kind(),
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied
    );
    let path = path.to_owned();
    if read_only && path != target {
        let target = target.to_owned();
        return ConfigError::LinkedAway { path, target, cause };
    }
    ConfigError::Write { path, cause }
}

/// The text with the changes in it.
pub(super) fn edit(path: &Path, text: &str, changes: &[Change]) -> Result<String, ConfigError> {
    let mut text = text.to_owned();
    for change in changes {
        let document = Document::parse(path, &text)?;
        match change {
            Change::Store(wanted) => {
                let wanted = wanted.as_ref().map(|name| (name, name.as_str()));
                set(&mut text, KEYCHAIN, document.store, wanted);
            }
            Change::VaultKeyFile(wanted) => {
                let wanted = wanted.as_ref().map(|file| Ok((file, whole_path(file)?))).transpose()?;
                set(&mut text, VAULT_KEY_FILE, document.vault_key_file, wanted);
            }
        }
    }
    Ok(text)
}

/// The text of a path that can be remembered.
fn whole_path(file: &Path) -> Result<&str, ConfigError> {
    let text = file.to_str().filter(|_| file.is_absolute());
    text.ok_or_else(|| ConfigError::KeyFile(file.to_owned()))
}

/// Gives `key` the wanted value, of which its text is given too, in the place of what was found.
fn set<T: PartialEq>(text: &mut String, key: &str, found: Option<super::Found<T>>, wanted: Option<(&T, &str)>) {
    match (found, wanted) {
        (None, None) => {}
        (Some(found), Some((value, _))) if found.value == *value => {}
        (Some(found), Some((_, value))) => text.replace_range(found.place, &quoted(value)),
        (Some(found), None) => text.replace_range(lines(text, &found.whole), ""),
        (None, Some((_, value))) => append(text, &format!("{key} = {}", quoted(value))),
    }
}

/// A TOML basic string: JSON's escapes are all of TOML's too, but TOML has one more character to escape.
fn quoted(value: &str) -> String {
    serde_json::Value::from(value).to_string().replace('\u{7f}', "\\u007F")
}

/// Adds a line that ends as the one before it: there may be none to end the last one, and it may be of Windows' kind.
fn append(text: &mut String, line: &str) {
    let newline = match text.rsplit_once('\n') {
        Some((before, _)) if before.ends_with('\r') => "\r\n",
        _ => "\n",
    };
    if text.len() == mark(text) || text.ends_with('\n') {
        text.push_str(line);
        text.push_str(newline);
    } else {
        text.push_str(newline);
        text.push_str(line);
    }
}

/// The length of the byte order mark that some editors begin a file with.
fn mark(text: &str) -> usize {
    text.len() - text.trim_start_matches('\u{feff}').len()
}

/// The whole lines around a place, with the line break after them; with the one before, where they are the last.
fn lines(text: &str, place: &Range<usize>) -> Range<usize> {
    let start = text[..place.start].rfind('\n').map_or(mark(text), |at| at + 1);
    if let Some(at) = text[place.end..].find('\n') {
        return start..place.end + at + 1;
    }
    let before = text[..start].strip_suffix('\n');
    let before = before.map(|before| before.strip_suffix('\r').unwrap_or(before));
    before.map_or(start, str::len)..text.len()
}
