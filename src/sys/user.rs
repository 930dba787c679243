//! The effective user.

/// The effective user id; `None` on systems without user ids.
#[cfg(unix)]
#[allow(clippy::unnecessary_wraps, reason = "Windows has none")]
pub(crate) fn id() -> Option<u32> {
    Some(nix::unistd::geteuid().as_raw())
}

#[cfg(not(unix))]
pub(crate) fn id() -> Option<u32> {
    None
}
