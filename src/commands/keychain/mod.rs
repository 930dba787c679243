//! `kubectl regcred keychain`: where credentials are stored, and the vault's passphrase.

mod args;
#[cfg(target_os = "linux")]
mod ask;
#[cfg(target_os = "linux")]
mod choose;
#[cfg(target_os = "linux")]
mod describe;
#[cfg(target_os = "linux")]
mod migrate;
#[cfg(target_os = "linux")]
mod passphrase;
#[cfg(target_os = "linux")]
mod status;
#[cfg(target_os = "linux")]
mod unlock;

use super::system::System;
use crate::error::{CommandError, Exit};

pub use args::KeychainArgs;
use args::KeychainVerb;

#[cfg(target_os = "linux")]
pub(super) fn run(args: &KeychainArgs, system: &mut System<'_>) -> Result<Exit, CommandError> {
    match &args.verb {
        KeychainVerb::Use(args) => choose::run(args, system)?,
        KeychainVerb::Unlock(args) => unlock::unlock(args, system)?,
        KeychainVerb::Lock => unlock::lock(system)?,
        KeychainVerb::Passphrase(args) => passphrase::run(args, system)?,
        KeychainVerb::Status(args) => return status::run(args, system),
        KeychainVerb::Migrate(args) => return migrate::run(args, system),
    }
    Ok(Exit::Done)
}

/// macOS and Windows have one keychain each.
#[cfg(not(target_os = "linux"))]
pub(super) fn run(args: &KeychainArgs, _: &mut System<'_>) -> Result<Exit, CommandError> {
    match &args.verb {
        KeychainVerb::Use(_) => Ok(Exit::Done),
        _ => Err(CommandError::failed(
            "the vault is only for Linux: the system's keychain is in use",
        )),
    }
}
