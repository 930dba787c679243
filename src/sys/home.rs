//! The user's home where no variable names it.

use std::path::PathBuf;

/// By the system's list of users (getpwuid(3)), as Go's `os/user` finds it.
#[cfg(unix)]
pub(crate) fn of_user() -> Option<PathBuf> {
    let user = nix::unistd::User::from_uid(nix::unistd::getuid()).ok()??;
    Some(user.dir).filter(|home| home.is_absolute())
}

#[cfg(not(unix))]
pub(crate) fn of_user() -> Option<PathBuf> {
    None
}
