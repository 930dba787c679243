//! Whom this process works for, and where that user's runtime files are.

use std::path::PathBuf;

/// The number of the user that this process acts for, from the owner of its entry in /proc.
#[cfg(target_os = "linux")]
pub(super) fn id() -> Option<u32> {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").ok().map(|process| process.uid())
}

#[cfg(all(unix, not(target_os = "linux")))]
pub(super) fn id() -> Option<u32> {
    None
}

/// Where systemd-logind puts `XDG_RUNTIME_DIR`.
pub(super) fn runtime_folder() -> Option<PathBuf> {
    #[cfg(target_os = "linux")]
    return id().map(|user| PathBuf::from(format!("/run/user/{user}")));
    #[cfg(not(target_os = "linux"))]
    return None;
}
