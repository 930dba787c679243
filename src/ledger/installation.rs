//! The id of this installation: random, made once, and kept beside the ledger. It stays where the ledger is made again.

use std::path::PathBuf;

use super::error::LedgerError;
use super::file::{lock, path};
use crate::model::InstallationId;
use crate::sys::env::Env;
use crate::sys::{replace, whole_file};

/// Upper limit of the file's size in octets.
const MAX_FILE: u64 = 1024;

/// This installation's id; `None` where none was made yet, or what is there is none.
pub fn installation(env: &Env) -> Option<InstallationId> {
    let text = whole_file::read(&file(env)?, MAX_FILE).ok()??;
    std::str::from_utf8(&text).ok()?.trim().parse().ok()
}

/// The same; makes one where there is none.
pub fn make_installation(env: &Env) -> Result<InstallationId, LedgerError> {
    if let Some(id) = installation(env) {
        return Ok(id);
    }
    let (Some(ledger), Some(file)) = (path(env), file(env)) else {
        return Err(LedgerError::NoHome);
    };
    let _held = lock(&ledger)?;
    // Another process may have made one in between.
    if let Some(id) = installation(env) {
        return Ok(id);
    }
    let mut random = [0; 16];
    let failed = |cause| LedgerError::Write {
        path: file.clone(),
        cause,
    };
    getrandom::fill(&mut random).map_err(|error| failed(std::io::Error::other(error.to_string())))?;
    let id = InstallationId::of(random);
    replace::private(&file, format!("{id}\n").as_bytes()).map_err(failed)?;
    Ok(id)
}

fn file(env: &Env) -> Option<PathBuf> {
    Some(path(env)?.with_file_name("installation"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_made_once() {
        let folder = tempfile::tempdir().unwrap();
        let env: Env = [("HOME", folder.path().to_str().unwrap())].into_iter().collect();
        assert_eq!(installation(&env), None);
        let made = make_installation(&env).unwrap();
        assert_eq!(make_installation(&env).unwrap(), made);
        assert_eq!(installation(&env), Some(made));
        assert!(make_installation(&Env::default()).is_err());
    }
}
