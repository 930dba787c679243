//! The vault: credentials in one encrypted file, for Linux without a desktop keychain.

#[allow(dead_code, reason = "the store that uses it comes next")]
mod kernel;
