//! The keychains of macOS and Windows, through the keyring crate.

use std::sync::Arc;

use keyring_core::CredentialStore;

use super::Error;

/// A search that finds our items and possibly others; the caller filters by name.
#[cfg(target_os = "macos")]
pub(super) const SEARCH: (&str, &str) = ("service", super::item::SERVICE);
/// Credential Manager names our items `{account}.{service}` and is searched by regular expression.
#[cfg(windows)]
pub(super) const SEARCH: (&str, &str) = ("pattern", r"\.kubectl-regcred$");

/// The store that keyring picks for this system.
pub(super) fn open() -> Result<Arc<CredentialStore>, Error> {
    // keyring creates its store at the first call, and only this call reports why that failed.
    if let Err(error) = keyring::Entry::store_status() {
        return Err(Error::Platform(super::error::printable(&error.to_string())));
    }
    keyring_core::get_default_store().ok_or_else(|| Error::Platform("it cannot be opened".to_owned()))
}
