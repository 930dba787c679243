//! Replacing a file that other programs read and write at any time.

use std::fs::{self, Metadata};
use std::io;
use std::path::Path;

use super::{Error, File, file};
use crate::sys::replace::{self, Draft};

impl File {
    /// Puts `text` in the place of what was read.
    ///
    /// [`Error::Changed`] where the file is something else by now: then it is left alone. docker takes no lock for its
    /// file, so a write of its between our last look and the rename that follows at once would be lost: some
    /// microseconds, where docker itself takes the whole time of a login between its reading and its writing.
    pub fn write(&self, text: &str) -> Result<(), Error> {
        let folder = self.target.parent().unwrap_or(Path::new("/"));
        self.is_ours_to_change()?;
        if !self.exists() {
            replace::private_folder(folder).map_err(|cause| self.failed(cause))?;
        }
        let before = match fs::metadata(&self.target) {
            Ok(found) => Some(found),
            Err(e) if e.kind() == io::ErrorKind::NotFound => None,
            Err(cause) => return Err(self.failed(cause)),
        };
        place(&self.target, text.as_bytes(), before.as_ref(), || self.unchanged()).map_err(|error| match error {
            Error::Write { cause, .. } => self.failed(cause),
            other => other,
        })
    }

    /// Removes the file that was read. [`Error::Changed`] where it is something else by now.
    pub fn delete(&self) -> Result<(), Error> {
        self.is_ours_to_change()?;
        self.unchanged()?;
        fs::remove_file(&self.target).map_err(|cause| self.failed(cause))
    }

    /// How many of the folders above it are not there, so that writing would make them.
    pub(super) fn missing_folders(&self) -> usize {
        let folders = self.target.ancestors().skip(1);
        folders.take_while(|folder| !folder.exists()).count()
    }

    /// Removes so many of the folders above it, up to the first that has something in it.
    pub(super) fn remove_empty_folders(&self, how_many: usize) {
        let folders = self.target.ancestors().skip(1).take(how_many);
        let _ = folders.map(fs::remove_dir).take_while(Result::is_ok).count();
    }

    /// Whether the file is what it was, and its name still leads to it.
    fn unchanged(&self) -> Result<(), Error> {
        let changed = || Error::Changed {
            path: self.path.clone(),
        };
        // A folder that was made just now can have turned a relative target into another spelling of the same.
        let target = replace::target(&self.path).map_err(|_| changed())?;
        let is_same = if self.exists() { target == self.target } else { true };
        if is_same && file::bytes(&self.target)? == self.bytes {
            Ok(())
        } else {
            Err(changed())
        }
    }

    fn is_ours_to_change(&self) -> Result<(), Error> {
        replace::is_ours_to_change(&self.path, &self.target).map_err(|cause| self.failed(cause))
    }

    fn failed(&self, cause: io::Error) -> Error {
        let read_only = matches!(
            cause.kind(),
            io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied | io::ErrorKind::NotFound
        );
        let path = self.path.clone();
        if read_only && self.is_linked() {
            let target = self.target.clone();
            return Error::LinkedAway { path, target, cause };
        }
        Error::Write { path, cause }
    }
}

/// Puts `bytes` at `target` in one step, with the mode and owner of the file `before`; `check` is asked just before.
///
/// The lock of [`Memory`](super::Memory) sees that there is one at a time.
fn place(
    target: &Path,
    bytes: &[u8],
    before: Option<&Metadata>,
    check: impl FnOnce() -> Result<(), Error>,
) -> Result<(), Error> {
    let path = || target.to_owned();
    let failed = |cause| Error::Write { path: path(), cause };
    let draft = Draft::new(target, bytes, before).map_err(failed)?;
    check()?;
    if before.is_some() || fs::symlink_metadata(target).is_ok() {
        return draft.replace().map_err(failed);
    }
    draft.create().map_err(|cause| match cause.kind() {
        io::ErrorKind::AlreadyExists => Error::Changed { path: path() },
        _ => failed(cause),
    })
}
