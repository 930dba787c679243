//! A path that is remembered.

use std::fmt;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::sys::whole_file;

/// An absolute path that JSON can hold, and that will lead to the same file in another process.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct KnownPath(String);

/// Why a path cannot be remembered.
#[derive(Debug, Error)]
pub enum KnownPathError {
    #[error("its path is not UTF-8")]
    NotText,
    /// `<(sops -d FILE)`, `/dev/stdin`.
    #[error("it is a pipe, which no other process can read again")]
    Pipe,
    /// The current folder is gone.
    #[error(transparent)]
    Folder(#[from] io::Error),
}

impl KnownPath {
    pub fn new(path: &Path) -> Result<Self, KnownPathError> {
        if whole_file::is_inherited(path) {
            return Err(KnownPathError::Pipe);
        }
        let whole = std::path::absolute(path)?.into_os_string();
        whole.into_string().map(Self).map_err(|_| KnownPathError::NotText)
    }

    pub fn as_path(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl fmt::Display for KnownPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;

    use super::*;

    #[test]
    fn what_another_process_cannot_read_is_not_remembered() {
        let here = std::env::current_dir().unwrap();
        let known = KnownPath::new(Path::new("ca.pem")).unwrap();
        assert_eq!(known.as_path(), here.join("ca.pem"));
        for pipe in ["/dev/fd/63", "/dev/stdin", "/proc/self/fd/4"] {
            assert!(
                matches!(KnownPath::new(Path::new(pipe)), Err(KnownPathError::Pipe)),
                "{pipe}"
            );
        }
        let odd = Path::new(OsStr::from_bytes(b"/caf\xe9/ca.pem"));
        assert!(matches!(KnownPath::new(odd), Err(KnownPathError::NotText)));
    }
}
