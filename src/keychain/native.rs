//! The keychains of macOS and Windows, as keyring has them.

use std::sync::Arc;

use keyring_core::CredentialStore;

use super::Error;

/// What a search has to say to find our items, and others': the caller looks at their names.
#[cfg(target_os = "macos")]
pub(super) const SEARCH: (&str, &str) = ("service", super::item::SERVICE);
/// Credential Manager calls our items `{account}.{service}`, and is searched by regular expression.
#[cfg(windows)]
pub(super) const SEARCH: (&str, &str) = ("pattern", r"\.kubectl-regcred$");

/// The store that keyring picks for this system.
pub(super) fn open() -> Result<Arc<CredentialStore>, Error> {
    // keyring makes its store on the first question about it, and keeps the only usable report of a failure there.
    if let Err(error) = keyring::Entry::store_status() {
        return Err(Error::Platform(super::error::printable(&error.to_string())));
    }
    keyring_core::get_default_store().ok_or_else(|| Error::Platform("it cannot be opened".to_owned()))
}
