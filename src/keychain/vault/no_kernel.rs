//! In place of the kernel's keyring where there is none: macOS, Windows, and a Linux program built without the feature
//! `kernel-keyring`. There a vault opens with a key file only.
#![allow(clippy::unnecessary_wraps, reason = "where there is a kernel keyring it can fail")]

use std::time::{Duration, SystemTime};

use super::kernel_key::{KernelKeyringError, UnlockedKey};

pub(super) fn get(_id: &str) -> Result<Option<UnlockedKey>, KernelKeyringError> {
    Err(KernelKeyringError::Unsupported)
}

pub(super) fn put(
    _id: &str,
    _key: &str,
    _lifetime: Option<Duration>,
) -> Result<Option<SystemTime>, KernelKeyringError> {
    Err(KernelKeyringError::Unsupported)
}

/// There is nothing to remove.
pub(super) fn remove(_id: &str) -> Result<bool, KernelKeyringError> {
    Ok(false)
}

/// There is nothing to remove.
pub(super) fn remove_all() -> Result<bool, KernelKeyringError> {
    Ok(false)
}

pub(super) fn probe() -> Result<(), KernelKeyringError> {
    Err(KernelKeyringError::Unsupported)
}
