//! The effective user, and which folders and files are that user's own.
//!
//! `su` and `sudo` keep variables that name another user's runtime folder, and everybody can write to `/tmp`: a lock, a
//! socket or a key there is used only where nobody else could have put it or can change it.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::sys::env::Env;

/// The effective user's number; `None` on systems that do not number their users.
#[cfg(unix)]
#[allow(clippy::unnecessary_wraps, reason = "Windows has none")]
pub(crate) fn id() -> Option<u32> {
    Some(nix::unistd::geteuid().as_raw())
}

#[cfg(not(unix))]
pub(crate) fn id() -> Option<u32> {
    None
}

/// Why a folder or file is not used: others have, or could have, a hand in it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NotOwn {
    #[error("it belongs to another user, of number {0}")]
    Owner(u32),
    #[error("other users may use it: its mode is {0:04o}")]
    Mode(u32),
    /// A link, or something else than was expected.
    #[error("it is {0}")]
    Kind(&'static str),
}

impl From<NotOwn> for io::Error {
    fn from(why: NotOwn) -> Self {
        Self::new(io::ErrorKind::PermissionDenied, why)
    }
}

/// The permissions of the group and of all others.
const OTHERS: u32 = 0o077;
/// Those of them that let somebody put other files into a folder.
const OTHERS_WRITE: u32 = 0o022;

/// Whether the folder is this user's, with no permission for anybody else (0700): [`NotOwn`] where it is not.
pub(crate) fn private_folder(path: &Path) -> io::Result<()> {
    // Where the last part is a link, its owner can let it lead elsewhere after this look.
    let found = fs::symlink_metadata(path)?;
    if !found.is_dir() {
        return Err(NotOwn::Kind(if found.is_symlink() { "a link" } else { "no folder" }).into());
    }
    Ok(own(&found, OTHERS)?)
}

#[cfg(unix)]
fn own(found: &Metadata, forbidden: u32) -> Result<(), NotOwn> {
    use std::os::unix::fs::MetadataExt as _;
    if id() != Some(found.uid()) {
        return Err(NotOwn::Owner(found.uid()));
    }
    if found.mode() & forbidden != 0 {
        return Err(NotOwn::Mode(found.mode() & 0o7777));
    }
    Ok(())
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps, reason = "Unix has owners and modes")]
fn own(_: &Metadata, _: u32) -> Result<(), NotOwn> {
    Ok(())
}

/// Opens this user's own file to be written, and makes it (0600) where it is not there. It follows no link in the last
/// part, waits for no pipe's other end, and takes nobody else's file.
pub(crate) fn open_own(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;

        use nix::fcntl::OFlag;
        options
            .mode(0o600)
            .custom_flags((OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits());
    }
    let file = options.open(path).map_err(|cause| match fs::symlink_metadata(path) {
        // ELOOP would say "too many levels of symbolic links".
        Ok(found) if found.is_symlink() => NotOwn::Kind("a link").into(),
        Ok(found) if !found.is_file() => NotOwn::Kind("no regular file").into(),
        _ => cause,
    })?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(NotOwn::Kind("no regular file").into());
    }
    own(&found, OTHERS_WRITE)?;
    Ok(file)
}

/// This user's runtime folders: `$XDG_RUNTIME_DIR`, then where systemd-logind puts it, so that a shell without the
/// variable finds the same. Only those that are this user's alone, as the XDG Base Directory specification demands.
pub(crate) fn runtime_folders(env: &Env) -> impl Iterator<Item = PathBuf> {
    let logind = || {
        cfg!(target_os = "linux")
            .then(id)
            .flatten()
            .map(|user| format!("/run/user/{user}").into())
    };
    let named = env.path("XDG_RUNTIME_DIR").into_iter().chain(logind());
    named.filter(|folder| folder.is_absolute() && private_folder(folder).is_ok())
}

/// What `$XDG_RUNTIME_DIR` names, where that is there and not this user's alone, and why.
pub(crate) fn foreign_runtime_folder(env: &Env) -> Option<(PathBuf, NotOwn)> {
    let folder = env.path("XDG_RUNTIME_DIR")?;
    let error = private_folder(&folder).err()?;
    let why = error.get_ref()?.downcast_ref::<NotOwn>()?.clone();
    Some((folder, why))
}

/// The same, where others could have put files into it: for what has a mode of its own.
pub(crate) fn runtime_folder_of_others(env: &Env) -> Option<(PathBuf, NotOwn)> {
    foreign_runtime_folder(env).filter(|(_, why)| !matches!(why, NotOwn::Mode(mode) if mode & OTHERS_WRITE == 0))
}

/// A folder as a session's runtime folder is: this user's alone, whatever the umask.
#[cfg(all(test, unix))]
pub(crate) fn private_test_folder() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = fs::Permissions::from_mode(0o700);
    tempfile::Builder::new()
        .permissions(mode)
        .tempdir()
        .expect("a temporary folder")
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};

    use super::*;

    fn runtime(folder: &Path) -> Vec<PathBuf> {
        let env = Env::from_iter([("XDG_RUNTIME_DIR", folder)]);
        runtime_folders(&env)
            .filter(|found| !found.starts_with("/run/user"))
            .collect()
    }

    fn why(folder: &Path) -> Option<String> {
        let env = Env::from_iter([("XDG_RUNTIME_DIR", folder)]);
        foreign_runtime_folder(&env).map(|(_, why)| why.to_string())
    }

    #[test]
    fn a_runtime_folder_is_this_users_alone() {
        let folder = private_test_folder();
        assert_eq!(runtime(folder.path()), [folder.path()]);
        assert_eq!(why(folder.path()), None);

        let link = folder.path().join("link");
        symlink(folder.path(), &link).unwrap();
        assert!(runtime(&link).is_empty());
        assert_eq!(why(&link).unwrap(), "it is a link");

        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        assert!(runtime(folder.path()).is_empty());
        assert_eq!(why(folder.path()).unwrap(), "other users may use it: its mode is 0755");
        let env = Env::from_iter([("XDG_RUNTIME_DIR", folder.path())]);
        assert_eq!(runtime_folder_of_others(&env), None, "nobody else can put a file there");

        assert!(runtime(Path::new("/nonexistent")).is_empty());
        assert_eq!(why(Path::new("/nonexistent")), None, "a session without one");
        assert!(runtime(Path::new("relative")).is_empty());
    }

    /// As root has it after `su`.
    #[test]
    fn another_users_folder_and_file_are_named_with_their_owner() {
        if id() != Some(0) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let lock = folder.path().join("lock");
        fs::write(&lock, "").unwrap();
        std::os::unix::fs::chown(&lock, Some(4321), None).unwrap();
        let said = open_own(&lock).unwrap_err().to_string();
        assert_eq!(said, "it belongs to another user, of number 4321");
        std::os::unix::fs::chown(folder.path(), Some(4321), None).unwrap();
        assert!(runtime(folder.path()).is_empty());
        assert_eq!(
            why(folder.path()).unwrap(),
            "it belongs to another user, of number 4321"
        );
    }

    #[test]
    fn no_link_and_no_pipe_is_opened_in_place_of_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let lock = folder.path().join("lock");
        open_own(&lock).unwrap();
        assert_eq!(fs::metadata(&lock).unwrap().mode() & 0o777, 0o600);
        let link = folder.path().join("link");
        symlink(folder.path().join("theirs"), &link).unwrap();
        assert_eq!(open_own(&link).unwrap_err().to_string(), "it is a link");
        assert!(!folder.path().join("theirs").exists());
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        assert_eq!(open_own(&pipe).unwrap_err().to_string(), "it is no regular file");
        fs::set_permissions(&lock, fs::Permissions::from_mode(0o666)).unwrap();
        let said = open_own(&lock).unwrap_err().to_string();
        assert_eq!(said, "other users may use it: its mode is 0666");
    }
}
