//! `--ca-file`: the authorities that are trusted instead of the platform's.

use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use serde::{Deserialize, Serialize};

use super::ReachError;
use crate::sys::whole_file;
use crate::tls::Authorities;

/// Size limit in octets; a bundle of all public authorities is smaller.
const MAX_FILE: u64 = 16 * 1024 * 1024;

/// A PEM file of certificates. It is read at the first use, and once for all clones, because it may be a pipe that can only be
/// read once: `<(sops -d FILE)`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(from = "PathBuf", into = "PathBuf")]
pub struct CaFile {
    path: PathBuf,
    read: Arc<OnceLock<Arc<Authorities>>>,
}

impl CaFile {
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in it.
    pub(super) fn authorities(&self) -> Result<Arc<Authorities>, ReachError> {
        if let Some(authorities) = self.read.get() {
            return Ok(authorities.clone());
        }
        let path = || self.path.clone();
        let pem = whole_file::read_named(&self.path, MAX_FILE).map_err(|why| ReachError::CaFile {
            path: path(),
            source: why.into(),
        })?;
        let authorities = Authorities::parse(&pem).map_err(|_| ReachError::CaFileContent { path: path() })?;
        Ok(self.read.get_or_init(|| Arc::new(authorities)).clone())
    }
}

/// Whether it is the same file.
impl PartialEq for CaFile {
    fn eq(&self, other: &Self) -> bool {
        self.path == other.path
    }
}

impl Eq for CaFile {}

impl From<PathBuf> for CaFile {
    fn from(path: PathBuf) -> Self {
        Self {
            path,
            read: Arc::default(),
        }
    }
}

impl From<CaFile> for PathBuf {
    fn from(file: CaFile) -> Self {
        file.path
    }
}
