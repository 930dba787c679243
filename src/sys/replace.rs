//! Replaces a file atomically: after a kill at any time there is either the old or the new file.

use std::ffi::OsString;
#[cfg(unix)]
use std::fs::File;
use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Maximum number of symbolic links to follow, as on Linux.
const MAX_LINKS: usize = 40;
/// Folders with a package manager's immutable files; links into them come from a declarative configuration.
const STORES: [&str; 2] = ["/nix/store", "/gnu/store"];

/// What the user can do about a file that could not be written.
pub(crate) fn hint(cause: &io::Error) -> Option<&'static str> {
    match cause.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some("make room there, and try again"),
        io::ErrorKind::ReadOnlyFilesystem => Some("mount it writable, and try again"),
        _ => None,
    }
}

/// Writes `bytes` to `path` as a file that only this user can read (0600), replacing any existing file. Links to it stay.
pub(crate) fn private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    Draft::new(&target(path)?, bytes, None)?.replace()
}

/// Writes `bytes` to the file that somebody named. Links to it stay, and so does its mode; what is no regular file, such as
/// `/dev/stdout`, is written into.
pub(crate) fn named(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let found = match fs::metadata(path) {
        Ok(found) => Some(found),
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        Err(e) => return Err(e),
    };
    if found.as_ref().is_some_and(|found| !found.is_file()) {
        return OpenOptions::new().write(true).open(path)?.write_all(bytes);
    }
    Draft::new(&target(path)?, bytes, found.as_ref())?.replace()
}

/// The new file, written and synced under a temporary name. It is deleted on drop unless it was renamed.
///
/// The temporary name is fixed, so that the next process removes what a killed one has left. Writers must hold a lock,
/// because two of them would use the same name.
#[derive(Debug)]
#[must_use = "a draft that is dropped leaves the old file"]
pub(crate) struct Draft<'a> {
    target: &'a Path,
    path: PathBuf,
    is_renamed: bool,
}

impl<'a> Draft<'a> {
    /// Writes `bytes` next to `target`, which must not be a symbolic link: [`target`] resolves it.
    ///
    /// The file gets the mode and owner of the file `before`, by default 0600.
    pub(crate) fn new(target: &'a Path, bytes: &[u8], before: Option<&Metadata>) -> io::Result<Self> {
        sweep(target)?;
        let path = draft_of(target);
        let mut options = OpenOptions::new();
        // `create_new` does not follow a link that somebody else may have created there.
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

    /// Replaces the target.
    pub(crate) fn replace(mut self) -> io::Result<()> {
        rename(&self.path, self.target)?;
        self.is_renamed = true;
        #[cfg(unix)]
        self.keep_name();
        Ok(())
    }

    /// Creates the target; [`io::ErrorKind::AlreadyExists`] if it exists.
    pub(crate) fn create(self) -> io::Result<()> {
        // Unlike a rename, a hard link does not replace a file that was created meanwhile.
        match fs::hard_link(&self.path, self.target) {
            Ok(()) => {
                #[cfg(unix)]
                self.keep_name();
                Ok(())
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(e),
            // The file system has no hard links.
            Err(_) => self.replace(),
        }
    }

    /// Syncs the folder, so that the new name survives a power failure.
    #[cfg(unix)]
    fn keep_name(&self) {
        if let Ok(folder) = File::open(self.target.parent().unwrap_or(Path::new("/"))) {
            let _ = folder.sync_all();
        }
    }
}

#[cfg(not(windows))]
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

/// Windows refuses to replace a file that another program has open, as docker's commands and virus scanners have for a
/// moment. It does not tell when the file is closed, so this tries again for some seconds.
#[cfg(windows)]
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    const ATTEMPTS: usize = 150;
    const PAUSE: std::time::Duration = std::time::Duration::from_millis(20);
    /// `ERROR_ACCESS_DENIED` and `ERROR_SHARING_VIOLATION`.
    const OPEN_ELSEWHERE: [i32; 2] = [5, 32];
    let is_open = |error: &io::Error| error.raw_os_error().is_some_and(|code| OPEN_ELSEWHERE.contains(&code));
    for _ in 1..ATTEMPTS {
        match fs::rename(from, to) {
            Err(error) if is_open(&error) => std::thread::sleep(PAUSE),
            done => return done,
        }
    }
    fs::rename(from, to)
}

impl Drop for Draft<'_> {
    fn drop(&mut self) {
        // After the rename, the temporary name may belong to another process.
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

/// Removes a draft that a killed process has left.
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

/// Creates a private folder (0700) with its parents; an existing folder is not changed.
pub(crate) fn private_folder(folder: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}

/// Resolves symbolic links to the path of the file, which need not exist.
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

#[cfg(not(windows))]
fn canonical(folder: &Path) -> io::Result<PathBuf> {
    fs::canonicalize(folder)
}

/// In the usual form: Windows names a resolved path `\\?\C:\…`, which would look like another path.
#[cfg(windows)]
fn canonical(folder: &Path) -> io::Result<PathBuf> {
    fs::canonicalize(folder).map(|folder| usual_form(&folder).unwrap_or(folder))
}

/// `C:\…` for `\\?\C:\…`, if it is as short as Windows demands of the usual form.
#[cfg(any(windows, test))]
fn usual_form(path: &Path) -> Option<PathBuf> {
    const MAX_PATH: usize = 260;
    let path = path.to_str()?.strip_prefix(r"\\?\")?;
    let is_on_drive = path.as_bytes().get(1..3).is_some_and(|drive| drive == br":\");
    (is_on_drive && path.len() < MAX_PATH).then(|| path.into())
}

/// Resolves links in the folders of the path, as far as they exist.
fn in_real_folder(path: &Path) -> io::Result<PathBuf> {
    match (path.parent(), path.file_name()) {
        (Some(folder), Some(name)) if !folder.as_os_str().is_empty() => match canonical(folder) {
            Ok(folder) => Ok(folder.join(name)),
            // The result must be the same after the folder is created, because it is used as a key.
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(in_real_folder(folder)?.join(name)),
            Err(e) => Err(e),
        },
        _ => Ok(path.to_owned()),
    }
}

/// Fails with [`io::ErrorKind::ReadOnlyFilesystem`] if `path` is a link to a `target` in a package manager's store,
/// which root could technically change.
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
    fn a_named_file_stays_what_it_is() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link, socket) = (
            folder.path().join("plan.json"),
            folder.path().join("link"),
            folder.path().join("socket"),
        );
        symlink("plan.json", &link).unwrap();
        named(&link, b"one").unwrap();
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        named(&link, b"two").unwrap();
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o644);
        assert_eq!(fs::read_to_string(&file).unwrap(), "two");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        // Like /dev/stdout and /dev/null: what is there is not replaced.
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        named(&socket, b"three").unwrap_err();
        named(folder.path(), b"three").unwrap_err();
        assert_eq!(names(folder.path()), ["link", "plan.json", "socket"]);
    }

    #[test]
    fn a_resolved_path_of_windows_is_shown_as_people_know_it() {
        let long = format!(r"\\?\C:\{}", "x".repeat(260));
        for (resolved, usual) in [
            (r"\\?\C:\Users\jane\.docker", Some(r"C:\Users\jane\.docker")),
            (r"\\?\UNC\server\share", None),
            (&long, None),
            (r"C:\Users", None),
        ] {
            assert_eq!(usual_form(Path::new(resolved)).as_deref(), usual.map(Path::new));
        }
    }

    #[test]
    fn a_private_file_gets_a_private_mode() {
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
    fn a_link_to_a_private_file_stays() {
        let folder = tempfile::tempdir().unwrap();
        let [link, target] = ["ledger.json", "synchronised.json"].map(|name| folder.path().join(name));
        symlink(&target, &link).unwrap();
        for bytes in ["one", "two"] {
            private(&link, bytes.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&target).unwrap(), bytes);
            assert_eq!(fs::read_link(&link).unwrap(), target);
        }
    }

    #[test]
    fn the_mode_of_the_old_file_is_kept() {
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
    fn creating_does_not_replace_an_existing_file() {
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
    fn a_leftover_draft_is_removed_and_not_followed() {
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
    fn a_failed_draft_leaves_no_trace() {
        let folder = tempfile::tempdir().unwrap();
        let target = folder.path().join("config.toml");
        fs::create_dir_all(target.join("in the way")).unwrap();
        private(&target, b"ours").unwrap_err();
        drop(Draft::new(&target, b"ours", None).unwrap());
        assert_eq!(names(folder.path()), ["config.toml"]);
    }

    #[test]
    fn a_link_into_a_package_store_is_not_changed() {
        let [path, stored] = ["/home/a/config.toml", "/nix/store/x/config.toml"].map(Path::new);
        let error = is_ours_to_change(path, stored).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ReadOnlyFilesystem);
        is_ours_to_change(stored, stored).unwrap();
        is_ours_to_change(path, Path::new("/home/a/dotfiles/config.toml")).unwrap();
    }
}
