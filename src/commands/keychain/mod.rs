//! `kubectl regcred keychain`: where credentials rest, and the vault's passphrase.

mod ask;
mod choose;
mod passphrase;
mod say;
mod unlock;

use super::system::System;
use crate::cli::{KeychainArgs, KeychainVerb};
use crate::error::{CommandError, Exit};

pub(super) fn run(args: &KeychainArgs, system: &mut System<'_>) -> Result<Exit, CommandError> {
    match &args.verb {
        KeychainVerb::Use(args) => choose::run(args, system)?,
        KeychainVerb::Unlock(args) => unlock::unlock(args, system)?,
        KeychainVerb::Lock => unlock::lock(system)?,
        KeychainVerb::Passphrase(args) => passphrase::run(args, system)?,
        KeychainVerb::Status(_) | KeychainVerb::Migrate(_) => unreachable!("on their way"),
    }
    Ok(Exit::Done)
}
