//! `keychain unlock` and `keychain lock`.

use std::time::{Duration, SystemTime};

use super::super::system::System;
use super::{ask, say};
use crate::cli::{Lifetime, UnlockArgs};
use crate::error::CommandError;
use crate::keychain::vault::{Error, KeyState, Vault};
use crate::keychain::{Config, StoreName};

/// How often somebody may mistype the passphrase.
const ATTEMPTS: usize = 3;

pub(super) fn unlock(args: &UnlockArgs, system: &mut System<'_>) -> Result<(), CommandError> {
    let config = Config::read(&system.env)?;
    let vault = Vault::new(&system.env, &config)?;
    let lifetime = args.unlocking.lifetime.map(Lifetime::duration);
    let state = vault.state()?;
    let until = match (&args.key_file, &state.key) {
        (Some(path), _) => vault.unlock_with_file(path, lifetime)?,
        (None, KeyState::InFile { .. }) => {
            system.output.say(format_args!("the vault is {}", say::state(&state)));
            return Ok(());
        }
        // Whoever can read the key could keep it for as long: nothing is gained by asking again.
        (None, KeyState::Unlocked { .. }) if !args.unlocking.passphrase_stdin => vault.stay_unlocked(lifetime)?,
        (None, _) if !state.has_passphrase => return Err(Error::LockedWithoutPassphrase.into()),
        (None, _) => with_passphrase(&vault, args.unlocking.passphrase_stdin, lifetime, system)?,
    };
    system.output.say(format_args!("the vault is {}", say::unlocked(until)));
    if config.store != Some(StoreName::Vault) {
        let name = say::store(StoreName::System);
        system.output.say(format_args!(
            "hint: {name} is in use: kubectl regcred keychain use vault"
        ));
    }
    Ok(())
}

fn with_passphrase(
    vault: &Vault,
    from_stdin: bool,
    lifetime: Option<Duration>,
    system: &mut System<'_>,
) -> Result<Option<SystemTime>, CommandError> {
    // Nobody should type a passphrase for nothing.
    vault.can_be_unlocked()?;
    let mut attempts = if from_stdin { 1 } else { ATTEMPTS };
    loop {
        let passphrase = ask::known(from_stdin, system)?;
        attempts -= 1;
        match vault.unlock(&passphrase, lifetime) {
            Err(error @ Error::WrongPassphrase) if attempts > 0 => system.output.say(error),
            done => return Ok(done?),
        }
    }
}

/// Of whatever keychain is in use: an unlocked vault that is not in use is open all the same.
pub(super) fn lock(system: &mut System<'_>) -> Result<(), CommandError> {
    let vault = Vault::new(&system.env, &Config::read(&system.env)?)?;
    let was_unlocked = vault.lock()?;
    let state = vault.state()?;
    system.output.say(match &state.key {
        KeyState::InFile { .. } => format!("the vault is {}", say::state(&state)),
        _ if was_unlocked => "the vault is locked".to_owned(),
        _ => "the vault was locked already".to_owned(),
    });
    Ok(())
}
