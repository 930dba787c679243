//! Folders and files that are private to this user.
//!
//! `su` and `sudo` keep variables that name another user's runtime folder, and everybody can write to `/tmp`. A lock,
//! socket or key is used only if nobody else could have created it or can change it.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::path::Path;

use thiserror::Error;

use super::user;

/// Why a folder or file is not private.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum NotPrivate {
    #[error("it belongs to another user (uid {0})")]
    Owner(u32),
    #[error("other users may use it: its mode is {0:04o}")]
    Mode(u32),
    /// A symbolic link or another kind of file.
    #[error("it is {0}")]
    Kind(&'static str),
}

impl From<NotPrivate> for io::Error {
    fn from(why: NotPrivate) -> Self {
        Self::new(io::ErrorKind::PermissionDenied, why)
    }
}

/// All permissions of group and others.
const OTHERS: u32 = 0o077;
/// The write permissions of group and others.
pub(super) const OTHERS_WRITE: u32 = 0o022;

/// Checks that the folder belongs to this user and that nobody else has permissions (0700); otherwise fails with
/// [`NotPrivate`].
pub(crate) fn folder(path: &Path) -> io::Result<()> {
    // A symbolic link is rejected, because its owner could change it after this check.
    let found = fs::symlink_metadata(path)?;
    if !found.is_dir() {
        return Err(NotPrivate::Kind(if found.is_symlink() { "a link" } else { "no folder" }).into());
    }
    Ok(own(&found, OTHERS)?)
}

/// Who may use a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Access {
    pub(crate) owner: u32,
    /// The permission bits.
    pub(crate) mode: u32,
}

impl Access {
    /// `None` on Windows, where a file is as private as its folder, the user's profile.
    #[cfg(unix)]
    #[allow(clippy::unnecessary_wraps, reason = "Windows has none")]
    pub(crate) fn of(found: &Metadata) -> Option<Self> {
        use std::os::unix::fs::MetadataExt as _;
        Some(Self {
            owner: found.uid(),
            mode: found.mode() & 0o7777,
        })
    }

    #[cfg(not(unix))]
    pub(crate) fn of(_: &Metadata) -> Option<Self> {
        None
    }

    /// Whether the owner is this user.
    pub(crate) fn is_own(self) -> bool {
        user::id() == Some(self.owner)
    }
}

fn own(found: &Metadata, forbidden: u32) -> Result<(), NotPrivate> {
    match Access::of(found) {
        Some(access) if !access.is_own() => Err(NotPrivate::Owner(access.owner)),
        Some(access) if access.mode & forbidden != 0 => Err(NotPrivate::Mode(access.mode)),
        _ => Ok(()),
    }
}

/// Opens a file of this user for writing, creating it (0600) if necessary. It does not follow a symbolic link, does not
/// block on a pipe, and rejects another user's file.
pub(crate) fn open(path: &Path) -> io::Result<File> {
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
        // The message of ELOOP would be "too many levels of symbolic links".
        Ok(found) if found.is_symlink() => NotPrivate::Kind("a link").into(),
        Ok(found) if !found.is_file() => NotPrivate::Kind("no regular file").into(),
        _ => cause,
    })?;
    let found = file.metadata()?;
    if !found.is_file() {
        return Err(NotPrivate::Kind("no regular file").into());
    }
    own(&found, OTHERS_WRITE)?;
    Ok(file)
}

/// A private temporary folder for tests, independent of the umask.
#[cfg(all(test, unix))]
pub(crate) fn test_folder() -> tempfile::TempDir {
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

    /// As for root after `su`.
    #[test]
    fn another_users_file_is_named_with_its_owner() {
        if user::id() != Some(0) {
            return;
        }
        let folder = tempfile::tempdir().unwrap();
        let lock = folder.path().join("lock");
        fs::write(&lock, "").unwrap();
        std::os::unix::fs::chown(&lock, Some(4321), None).unwrap();
        let said = open(&lock).unwrap_err().to_string();
        assert_eq!(said, "it belongs to another user (uid 4321)");
    }

    #[test]
    fn links_and_pipes_are_not_opened() {
        let folder = tempfile::tempdir().unwrap();
        let lock = folder.path().join("lock");
        open(&lock).unwrap();
        assert_eq!(fs::metadata(&lock).unwrap().mode() & 0o777, 0o600);
        let link = folder.path().join("link");
        symlink(folder.path().join("theirs"), &link).unwrap();
        assert_eq!(open(&link).unwrap_err().to_string(), "it is a link");
        assert!(!folder.path().join("theirs").exists());
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        assert_eq!(open(&pipe).unwrap_err().to_string(), "it is no regular file");
        fs::set_permissions(&lock, fs::Permissions::from_mode(0o666)).unwrap();
        let said = open(&lock).unwrap_err().to_string();
        assert_eq!(said, "other users may use it: its mode is 0666");
    }
}
