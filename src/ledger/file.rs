//! The ledger's file: read whole, written whole, one writer at a time.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::document::Ledger;
use super::error::LedgerError;
use crate::sys::env::Env;
use crate::sys::{file_lock, replace, whole_file, xdg};

/// Its path below the user's state folder.
const BELOW: &str = "regcred/ledger.json";
/// Upper limit of its size in octets: about 200,000 Secrets.
const MAX_FILE: u64 = 64 * 1024 * 1024;
/// How long to wait for another writer, which needs some milliseconds.
const PATIENCE: Duration = Duration::from_secs(8);

/// Where it is, whether or not it exists.
pub fn path(env: &Env) -> Option<PathBuf> {
    Some(xdg::below(&xdg::state_folder(env)?, BELOW))
}

/// What is in it; an empty one where there is no file.
pub fn read(env: &Env) -> Result<Ledger, LedgerError> {
    path(env).map_or(Ok(Ledger::default()), |path| read_file(&path))
}

/// Changes it, and writes it if anything has changed. What other processes wrote in the meantime is kept: `change` gets
/// what is there now.
pub fn update<T>(env: &Env, change: impl FnOnce(&mut Ledger) -> T) -> Result<T, LedgerError> {
    let path = path(env).ok_or(LedgerError::NoHome)?;
    let _held = lock(&path)?;
    let before = read_file(&path)?;
    let mut after = before.clone();
    let done = change(&mut after);
    after.tidy();
    if after != before {
        replace::private(&path, after.text().as_bytes()).map_err(|cause| LedgerError::Write { path, cause })?;
    }
    Ok(done)
}

fn read_file(path: &Path) -> Result<Ledger, LedgerError> {
    let bytes = whole_file::read(path, MAX_FILE).map_err(|error| LedgerError::Read {
        path: path.to_owned(),
        cause: error.into(),
    })?;
    bytes.map_or(Ok(Ledger::default()), |bytes| Ledger::parse(path, &bytes))
}

/// Waits for other writers; the lock is held until the file is dropped.
pub(super) fn lock(path: &Path) -> Result<File, LedgerError> {
    let beside = path.with_extension("lock");
    let failed = |cause| LedgerError::Write {
        path: beside.clone(),
        cause,
    };
    replace::private_folder(path.parent().unwrap_or(Path::new("/"))).map_err(failed)?;
    let file = file_lock::open(&beside).map_err(failed)?;
    if file_lock::wait(&file, PATIENCE).map_err(failed)? {
        return Ok(file);
    }
    Err(LedgerError::Busy { waited: PATIENCE })
}
