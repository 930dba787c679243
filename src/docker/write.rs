//! Replacing a file that other programs read and write at any time.

use std::fs::{self, File as Handle, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use super::{Error, File, file};

/// Where package managers keep files that nobody may change: a link into one of them is made by a configuration.
const STORES: [&str; 2] = ["/nix/store", "/gnu/store"];

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
            create_private(folder).map_err(|cause| self.failed(cause))?;
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
        let target = file::target(&self.path).map_err(|_| changed())?;
        let is_same = if self.exists() { target == self.target } else { true };
        if is_same && file::bytes(&self.target)? == self.bytes {
            Ok(())
        } else {
            Err(changed())
        }
    }

    fn is_ours_to_change(&self) -> Result<(), Error> {
        if self.is_linked() && STORES.iter().any(|store| self.target.starts_with(store)) {
            return Err(self.failed(io::ErrorKind::ReadOnlyFilesystem.into()));
        }
        Ok(())
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

/// A folder of this user's own, as docker makes its folder.
fn create_private(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Puts `bytes` at `target` in one step, with the mode and owner of the file `before`; `check` is asked just before.
///
/// Killed at any time, there is the old file or the new one. What it leaves beside it then is swept away by the next
/// one: the name is always the same, and the lock of [`Memory`](super::Memory) sees that there is one at a time.
pub(super) fn place(
    target: &Path,
    bytes: &[u8],
    before: Option<&Metadata>,
    check: impl FnOnce() -> Result<(), Error>,
) -> Result<(), Error> {
    let failed = |cause| Error::Write {
        path: target.to_owned(),
        cause,
    };
    let folder = target.parent().unwrap_or(Path::new("/"));
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    let draft = Draft(folder.join(format!(".{name}.regcred")));
    draft.fill(bytes, before).map_err(failed)?;
    check()?;
    if before.is_some() || fs::symlink_metadata(target).is_ok() {
        fs::rename(&draft.0, target).map_err(failed)?;
    } else {
        // A link does not replace a file that somebody made since.
        match fs::hard_link(&draft.0, target) {
            Ok(()) => {}
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                return Err(Error::Changed {
                    path: target.to_owned(),
                });
            }
            // A file system without them.
            Err(_) => fs::rename(&draft.0, target).map_err(failed)?,
        }
    }
    // So that the rename is not lost with the power: the tokens are in the keychain, and no longer needed here.
    #[cfg(unix)]
    if let Ok(folder) = Handle::open(folder) {
        let _ = folder.sync_all();
    }
    Ok(())
}

/// The new file before it has its name; it goes when it was not renamed.
struct Draft(PathBuf);

impl Drop for Draft {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

impl Draft {
    fn fill(&self, bytes: &[u8], before: Option<&Metadata>) -> io::Result<()> {
        match fs::remove_file(&self.0) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
            _ => {}
        }
        let mut options = OpenOptions::new();
        // `create_new` follows no link that somebody else may have put there.
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&self.0)?;
        file.write_all(bytes)?;
        if let Some(before) = before {
            #[cfg(unix)]
            keep_owner(&file, before)?;
            file.set_permissions(before.permissions())?;
        }
        file.sync_all()
    }
}

#[cfg(unix)]
fn keep_owner(file: &Handle, before: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};

    let now = file.metadata()?;
    if (now.uid(), now.gid()) == (before.uid(), before.gid()) {
        return Ok(());
    }
    fchown(file, Some(before.uid()), Some(before.gid()))
}
