//! Replacing a file in one step: killed at any time, there is the old one or the new one.

use std::ffi::OsString;
use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// How many symbolic links may lead to a file, as on Linux.
const MAX_LINKS: usize = 40;
/// Where package managers keep files that nobody may change: a link into one of them is made by a configuration.
const STORES: [&str; 2] = ["/nix/store", "/gnu/store"];

/// Puts `bytes` at `target`, whatever was there, as a file that only this user may read (0600).
pub(crate) fn private(target: &Path, bytes: &[u8]) -> io::Result<()> {
    Draft::new(target, bytes, None)?.replace()
}

/// The new file, written and on the disk, before it has its name; it goes when it does not get it.
///
/// Its own name is always the same, so that what a killed process leaves is swept away by the next one. Two at a time
/// would take it from each other: whoever replaces a file holds a lock.
#[derive(Debug)]
#[must_use = "a draft that is dropped leaves the old file"]
pub(crate) struct Draft<'a> {
    target: &'a Path,
    path: PathBuf,
    is_renamed: bool,
}

impl<'a> Draft<'a> {
    /// Writes `bytes` beside `target`, which has no symbolic link as its last part: [`target`] says where that is.
    ///
    /// It gets the mode and owner of the file `before`; without one, only this user may read it (0600).
    pub(crate) fn new(target: &'a Path, bytes: &[u8], before: Option<&Metadata>) -> io::Result<Self> {
        sweep(target)?;
        let path = draft_of(target);
        let mut options = OpenOptions::new();
        // `create_new` follows no link that somebody else may have put there.
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&path)?;
        let draft = Self {
            target,
            path,
            is_renamed: false,
        };
        file.write_all(bytes)?;
        if let Some(before) = before {
            #[cfg(unix)]
            keep_owner(&file, before)?;
            file.set_permissions(before.permissions())?;
        }
        file.sync_all()?;
        Ok(draft)
    }

    /// Puts it in the place of what is at the target.
    pub(crate) fn replace(mut self) -> io::Result<()> {
        fs::rename(&self.path, self.target)?;
        self.is_renamed = true;
        self.keep_name();
        Ok(())
    }

    /// Puts it at the target only where nothing is; [`io::ErrorKind::AlreadyExists`] where somebody was first.
    pub(crate) fn create(self) -> io::Result<()> {
        // A link does not replace a file that somebody made since.
        match fs::hard_link(&self.path, self.target) {
            Ok(()) => {
                self.keep_name();
                Ok(())
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(e),
            // A file system without them.
            Err(_) => self.replace(),
        }
    }

    /// Sees that the new name is not lost with the power.
    fn keep_name(&self) {
        #[cfg(unix)]
        if let Ok(folder) = File::open(self.target.parent().unwrap_or(Path::new("/"))) {
            let _ = folder.sync_all();
        }
    }
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        // The name may be the next one's by now.
        if !self.is_renamed {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn draft_of(target: &Path) -> PathBuf {
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(".regcred");
    target.with_file_name(name)
}

/// Takes away a draft that a killed process left.
pub(crate) fn sweep(target: &Path) -> io::Result<()> {
    match fs::remove_file(draft_of(target)) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn keep_owner(file: &File, before: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt as _, fchown};

    let now = file.metadata()?;
    if (now.uid(), now.gid()) == (before.uid(), before.gid()) {
        return Ok(());
    }
    fchown(file, Some(before.uid()), Some(before.gid()))
}

/// A folder of this user's own (0700), with those above it; one that is there stays as it is.
pub(crate) fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Follows the symbolic links to where the file is, or would be.
pub(crate) fn target(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let Ok(link) = fs::read_link(&path) else {
            return in_real_folder(&path);
        };
        path = match path.parent() {
            Some(folder) => folder.join(link),
            None => link,
        };
    }
    Err(io::Error::other("too many symbolic links lead to it"))
}

/// The same file by a path whose folders are no links, as far as they exist.
fn in_real_folder(path: &Path) -> io::Result<PathBuf> {
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) if !folder.as_os_str().is_empty() => match fs::canonicalize(folder) {
            Ok(folder) => Ok(folder.join(name)),
            // The same once the folder is made: what is remembered of the file is found again by it.
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(in_real_folder(folder)?.join(name)),
            Err(e) => Err(e),
        },
        _ => Ok(path.to_owned()),
    }
}

/// [`io::ErrorKind::ReadOnlyFilesystem`] where links lead from `path` to a `target` in a package manager's store, which
/// the system itself lets root change.
pub(crate) fn is_ours_to_change(path: &Path, target: &Path) -> io::Result<()> {
    if path != target && STORES.iter().any(|store| target.starts_with(store)) {
        return Err(io::ErrorKind::ReadOnlyFilesystem.into());
    }
    Ok(())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_private_file_is_nobody_elses_even_where_the_old_one_was() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("vault.age");
        for (bytes, mode) in [("one", None), ("two", Some(0o644))] {
            if let Some(mode) = mode {
                fs::set_permissions(&target, fs::Permissions::from_mode(mode)).unwrap();
            }
            private(&target, bytes.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&target).unwrap(), bytes);
            assert_eq!(fs::metadata(&target).unwrap().mode() & 0o7777, 0o600);
            assert_eq!(names(folder.path()), ["vault.age"]);
        }
    }

    #[test]
    fn the_mode_of_the_file_before_stays() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("config.toml");
        fs::write(&target, "one").unwrap();
        fs::set_permissions(&target, fs::Permissions::from_mode(0o640)).unwrap();
        let before = fs::metadata(&target).unwrap();
        Draft::new(&target, b"two", Some(&before)).unwrap().replace().unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "two");
        assert_eq!(fs::metadata(&target).unwrap().mode() & 0o7777, 0o640);
    }

    #[test]
    fn what_somebody_made_first_is_not_replaced_by_a_new_file() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("config.toml");
        let draft = Draft::new(&target, b"ours", None).unwrap();
        assert!(!target.exists());
        fs::write(&target, "theirs").unwrap();
        let error = draft.create().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&target).unwrap(), "theirs");
        fs::remove_file(&target).unwrap();
        Draft::new(&target, b"ours", None).unwrap().create().unwrap();
        assert_eq!(fs::read_to_string(&target).unwrap(), "ours");
        assert_eq!(names(folder.path()), ["config.toml"]);
    }

    #[test]
    fn what_a_killed_process_left_is_swept_away_and_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("vault.age");
        let elsewhere = folder.path().join("elsewhere");
        fs::write(&elsewhere, "theirs").unwrap();
        symlink(&elsewhere, folder.path().join(".vault.age.regcred")).unwrap();
        private(&target, b"ours").unwrap();
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "theirs");
        assert_eq!(names(folder.path()), ["elsewhere", "vault.age"]);
        assert!(!fs::symlink_metadata(&target).unwrap().is_symlink());
    }

    #[test]
    fn a_draft_that_cannot_be_placed_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("config.toml");
        fs::create_dir_all(target.join("in the way")).unwrap();
        private(&target, b"ours").unwrap_err();
        drop(Draft::new(&target, b"ours", None).unwrap());
        assert_eq!(names(folder.path()), ["config.toml"]);
    }

    #[test]
    fn a_package_managers_file_is_not_ours_where_a_link_leads_to_it() {
        let [path, stored] = ["/home/a/config.toml", "/nix/store/x/config.toml"].map(Path::new);
        let error = is_ours_to_change(path, stored).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ReadOnlyFilesystem);
        is_ours_to_change(stored, stored).unwrap();
        is_ours_to_change(path, Path::new("/home/a/dotfiles/config.toml")).unwrap();
    }
}
