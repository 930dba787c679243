//! What setting up hid in docker's and podman's files, remembered until it is taken out again.
//!
//! `$XDG_STATE_HOME/regcred/docker.json`. There is no secret in it, and nothing breaks where it is lost: then our
//! helper's name is taken out, and what it replaced does not come back.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::edit::Remembered;
use super::{Error, file};
use crate::sys::env::Env;
use crate::sys::{file_lock, replace};

/// Grows when a reader of the number before would misunderstand it.
const VERSION: u32 = 1;
/// How long to wait for another setup. It can be asking registries, or a person.
const PATIENCE: Duration = Duration::from_secs(30);

/// The memory; the lock on it, and so on all of docker's files as far as regcred is concerned, is held as long as it
/// lives.
#[derive(Debug)]
pub struct Memory {
    path: PathBuf,
    state: State,
    saved: State,
    _lock: Option<File>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    version: u32,
    /// By the path of the file itself, behind all symbolic links.
    #[serde(default)]
    files: BTreeMap<String, Remembered>,
}

impl Default for State {
    fn default() -> Self {
        Self {
            version: VERSION,
            files: BTreeMap::new(),
        }
    }
}

impl Memory {
    /// Reads it, and keeps others from changing it.
    pub fn open(env: &Env) -> Result<Self, Error> {
        let path = path(env)?;
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |cause| Error::Write { path, cause }
        };
        let folder = path.parent().unwrap_or(Path::new("/")).to_owned();
        fs::create_dir_all(&folder).map_err(failed(&folder))?;
        let lock_path = folder.join("docker.lock");
        let lock = file_lock::open(&lock_path).map_err(failed(&lock_path))?;
        if !file_lock::wait(&lock, PATIENCE).map_err(failed(&lock_path))? {
            return Err(Error::Busy(PATIENCE));
        }
        Ok(Self {
            _lock: Some(lock),
            ..Self::look(env)?
        })
    }

    /// Reads it, for a dry run or a report: it makes no folder, waits for nobody and cannot be saved safely.
    pub fn look(env: &Env) -> Result<Self, Error> {
        let path = path(env)?;
        let state = match file::bytes(&path)? {
            None => State::default(),
            Some(bytes) => match serde_json::from_slice::<State>(&bytes) {
                Ok(state) if state.version <= VERSION => state,
                Ok(_) => return Err(Error::LaterMemory { path }),
                Err(_) => return Err(Error::DamagedMemory { path }),
            },
        };
        Ok(Self {
            path,
            saved: state.clone(),
            state,
            _lock: None,
        })
    }

    /// What is remembered of the file at `target`.
    pub fn of(&self, target: &Path) -> Remembered {
        self.state.files.get(&key(target)).cloned().unwrap_or_default()
    }

    /// The files of which something is remembered.
    pub fn targets(&self) -> Vec<PathBuf> {
        self.state.files.keys().map(PathBuf::from).collect()
    }

    /// Remembers this of the file at `target`; [`Memory::save`] makes it last.
    pub fn set(&mut self, target: &Path, remembered: Remembered) {
        if remembered == Remembered::default() {
            self.state.files.remove(&key(target));
        } else {
            self.state.files.insert(key(target), remembered);
        }
    }

    /// Writes it, if something changed. A memory of nothing is no file.
    pub fn save(&mut self) -> Result<(), Error> {
        if self.state == self.saved {
            return Ok(());
        }
        let failed = |cause| Error::Write {
            path: self.path.clone(),
            cause,
        };
        if self.state == State::default() {
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
    let state = env
        .path("XDG_STATE_HOME")
        .or_else(|| Some(env.home()?.join(".local/state")))
        .ok_or(Error::NoHome)?;
    Ok(state.join("regcred/docker.json"))
}

fn key(target: &Path) -> String {
    target.to_string_lossy().into_owned()
}
