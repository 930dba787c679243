//! `kubectl regcred keychain`: where credentials are stored, and the vault's passphrase.

mod args;
mod ask;
mod choose;
mod describe;
mod migrate;
mod passphrase;
mod status;
mod unlock;

use super::system::System;
use crate::error::{CommandError, Exit};

pub use args::KeychainArgs;
use args::KeychainVerb;

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
