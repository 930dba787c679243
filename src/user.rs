//! Whom this process works for, and where that user's runtime files are.

use std::path::PathBuf;

use crate::env::Env;

/// The number of the user that this process acts for, from the owner of its entry in /proc.
#[cfg(target_os = "linux")]
pub(crate) fn id() -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").ok().map(|process| process.uid())
}

#[cfg(not(target_os = "linux"))]
pub(crate) fn id() -> Option<u32> {
    None
}

/// Where this user's runtime files may be: `$XDG_RUNTIME_DIR`, then where systemd-logind puts it, so that a shell
/// without the variable finds the same.
pub(crate) fn runtime_folders(env: &Env) -> impl Iterator<Item = PathBuf> {
    let logind = || {
        cfg!(target_os = "linux")
            .then(id)
            .flatten()
            .map(|user| format!("/run/user/{user}").into())
    };
    env.path("XDG_RUNTIME_DIR").into_iter().chain(logind())
}
