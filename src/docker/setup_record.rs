//! The setup record: what `docker setup` replaced in docker's and podman's files, kept until `docker remove`.
//!
//! `$XDG_STATE_HOME/regcred/docker.json`. It contains no secret and may be lost: then our helper's name can still be
//! removed, but what it replaced is not restored.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::edit::FileRecord;
use super::{Error, file};
use crate::sys::env::Env;
use crate::sys::{file_lock, replace, xdg};

/// Format version; increased for incompatible changes.
const VERSION: u32 = 1;
/// How long to wait for another setup, which may be contacting registries or prompting.
const PATIENCE: Duration = Duration::from_secs(30);

/// The setup record. Unless it was opened read-only, it holds a lock, which guards all of docker's files among
/// regcred's processes.
#[derive(Debug)]
pub struct SetupRecord {
    path: PathBuf,
    state: Content,
    saved: Content,
    _lock: Option<File>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Content {
    version: u32,
    /// By the path of the file with all symbolic links resolved.
    #[serde(default)]
    files: BTreeMap<String, FileRecord>,
}

impl Default for Content {
    fn default() -> Self {
        Self {
            version: VERSION,
            files: BTreeMap::new(),
        }
    }
}

impl SetupRecord {
    /// Reads the record and takes the lock.
    pub fn open(env: &Env) -> Result<Self, Error> {
        let path = path(env)?;
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |cause| Error::Write { path, cause }
        };
        let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
        replace::private_folder(&folder).map_err(failed(&folder))?;
        let lock_path = folder.join("docker.lock");
        let lock = file_lock::open(&lock_path).map_err(failed(&lock_path))?;
        if !file_lock::wait(&lock, PATIENCE).map_err(failed(&lock_path))? {
            return Err(Error::Busy(PATIENCE));
        }
        Ok(Self {
            _lock: Some(lock),
            ..Self::read_only(env)?
        })
    }

    /// Reads the record without the lock, for a dry run or a report. Creates no folder. Must not be saved.
    pub fn read_only(env: &Env) -> Result<Self, Error> {
        let path = path(env)?;
        let state = match file::bytes(&path)? {
            None => Content::default(),
            Some(bytes) => match serde_json::from_slice::<Content>(&bytes) {
                Ok(state) if state.version <= VERSION => state,
                Ok(_) => return Err(Error::LaterRecord { path }),
                Err(_) => return Err(Error::DamagedRecord { path }),
            },
        };
        Ok(Self {
            path,
            saved: state.clone(),
            state,
            _lock: None,
        })
    }

    /// What is remembered about the file at `target`.
    pub fn of(&self, target: &Path) -> FileRecord {
        self.state.files.get(&key(target)).cloned().unwrap_or_default()
    }

    /// The files in the record.
    pub fn targets(&self) -> Vec<PathBuf> {
        self.state.files.keys().map(PathBuf::from).collect()
    }

    /// Records this about the file at `target`; [`SetupRecord::save`] writes it.
    pub fn set(&mut self, target: &Path, remembered: FileRecord) {
        if remembered == FileRecord::default() {
            self.state.files.remove(&key(target));
        } else {
            self.state.files.insert(key(target), remembered);
        }
    }

    /// Writes the record if it has changed, and deletes the file if the record is empty.
    pub fn save(&mut self) -> Result<(), Error> {
        if self.state == self.saved {
            return Ok(());
        }
        let failed = |cause| Error::Write {
            path: self.path.clone(),
            cause,
        };
        if self.state == Content::default() {
            match fs::remove_file(&self.path) {
                Err(cause) if cause.kind() != std::io::ErrorKind::NotFound => return Err(failed(cause)),
                _ => {}
            }
        } else {
            let text = serde_json::to_string_pretty(&self.state).map_err(|e| failed(e.into()))?;
            replace::private(&self.path, text.as_bytes()).map_err(failed)?;
        }
        self.saved = self.state.clone();
        Ok(())
    }
}

fn path(env: &Env) -> Result<PathBuf, Error> {
    let state = xdg::state_folder(env).ok_or(Error::NoHome)?;
    Ok(xdg::below(&state, "regcred/docker.json"))
}

fn key(target: &Path) -> String {
    target.to_string_lossy().into_owned()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    /// The ledger is kept in the same folder: whoever is first makes it.
    #[test]
    fn the_folder_is_private() {
        let home = tempfile::tempdir().unwrap();
        let env = [("XDG_STATE_HOME", home.path())].into_iter().collect();
        drop(SetupRecord::open(&env).unwrap());
        let mode = fs::metadata(home.path().join("regcred")).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
    }
}
