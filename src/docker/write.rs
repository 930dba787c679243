//! Replaces a file that other programs may read and write at any time.

use std::fs::{self, Metadata};
use std::io;
use std::path::Path;

use super::{Error, File, file};
use crate::sys::replace::{self, Draft};

impl File {
    /// Replaces the content that was read with `text`.
    ///
    /// [`Error::Changed`] if the file has changed since; then it is not written. docker does not lock its file, so a
    /// write of docker between our last check and the rename would be lost. That is a window of microseconds; docker's
    /// own window between reading and writing is the duration of a login.
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

    /// Deletes the file. [`Error::Changed`] if it has changed since it was read.
    pub fn delete(&self) -> Result<(), Error> {
        self.is_ours_to_change()?;
        self.unchanged()?;
        fs::remove_file(&self.target).map_err(|cause| self.failed(cause))
    }

    /// The number of parent folders that do not exist, which writing would create.
    pub(super) fn missing_folders(&self) -> usize {
        let folders = self.target.ancestors().skip(1);
        folders.take_while(|folder| !folder.exists()).count()
    }

    /// Removes up to this many parent folders, up to the first that is not empty.
    pub(super) fn remove_empty_folders(&self, how_many: usize) {
        let folders = self.target.ancestors().skip(1).take(how_many);
        let _ = folders.map(fs::remove_dir).take_while(Result::is_ok).count();
    }

    /// Checks that the file has not changed and its path still leads to it.
    fn unchanged(&self) -> Result<(), Error> {
        let changed = || Error::Changed {
            path: self.path.clone(),
        };
        // For a new file the paths are not compared: creating its folder can change how its path resolves.
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

/// Writes `bytes` to `target` atomically, with the mode and owner of the file `before`; calls `check` just before.
///
/// The lock of [`SetupRecord`](super::SetupRecord) ensures a single writer.
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
