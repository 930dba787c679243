//! `keychain unlock` and `keychain lock`.

use std::path::Path;
use std::time::{Duration, SystemTime};

use super::args::{Lifetime, UnlockArgs};
use super::{ask, describe};
use crate::commands::system::System;
use crate::error::CommandError;
use crate::keychain::vault::{Error, KeyState, Vault};
use crate::keychain::{Config, Keychain, StoreName};

/// How often the passphrase may be mistyped.
const ATTEMPTS: usize = 3;

pub(super) fn unlock(args: &UnlockArgs, system: &mut System<'_>) -> Result<(), CommandError> {
    let config = Config::read(&system.env)?;
    let vault = Vault::new(&system.env, &config)?;
    let lifetime = args.unlocking.lifetime.map(Lifetime::duration);
    let is_vaults = args.key_file.is_some() || lifetime.is_some() || args.unlocking.passphrase_stdin;
    if config.store != Some(StoreName::Vault) && !is_vaults && !vault.exists() {
        return unlock_desktop(vault.path(), system);
    }
    let state = vault.state()?;
    let until = match (&args.key_file, &state.key) {
        (Some(path), _) => vault.unlock_with_file(path, lifetime)?,
        (None, KeyState::InFile { .. }) => {
            system
                .output
                .info(format_args!("the vault is {}", describe::state(&state)));
            return Ok(());
        }
        // A program that can read the key could also keep it: prompting again protects nothing.
        (None, KeyState::Unlocked { .. }) if !args.unlocking.passphrase_stdin => vault.stay_unlocked(lifetime)?,
        (None, _) if !state.has_passphrase => return Err(Error::LockedWithoutPassphrase.into()),
        (None, _) => with_passphrase(&vault, args.unlocking.passphrase_stdin, lifetime, system)?,
    };
    // The requested time, not the slightly shorter time that is left.
    let now = lifetime.map_or_else(|| describe::unlocked(until), describe::unlocked_for);
    system.output.info(format_args!("the vault is {now}"));
    if let (KeyState::Unlocked { until: Some(before) }, None) = (&state.key, lifetime) {
        system.output.info(format_args!(
            "it was {}: this limit was removed; --for sets another one",
            describe::unlocked(Some(*before))
        ));
    }
    if config.store != Some(StoreName::Vault) {
        let name = describe::store(StoreName::System);
        system.output.info(format_args!(
            "hint: {name} is in use: kubectl regcred keychain use vault"
        ));
    }
    Ok(())
}

/// Unlocks the system's keychain, because no vault was ever created.
fn unlock_desktop(vault: &Path, system: &mut System<'_>) -> Result<(), CommandError> {
    use crate::keychain::Error as E;
    let name = describe::store(StoreName::System);
    let said = match Keychain::unlock_system(&system.env) {
        Ok(true) => "is unlocked",
        Ok(false) => "is in use, and was not locked",
        Err(error @ (E::Locked | E::PromptDismissed | E::PromptUnanswered(_))) => return Err(error.into()),
        // There is no Secret Service to unlock either.
        Err(_) => return Err(Error::Missing(vault.to_owned()).into()),
    };
    system.output.info(format_args!("{name} {said}"));
    Ok(())
}

fn with_passphrase(
    vault: &Vault,
    from_stdin: bool,
    lifetime: Option<Duration>,
    system: &mut System<'_>,
) -> Result<Option<SystemTime>, CommandError> {
    // Checked before the prompt, which may be useless on this system.
    vault.can_be_unlocked()?;
    let mut attempts = if from_stdin { 1 } else { ATTEMPTS };
    loop {
        let passphrase = ask::known(from_stdin, system)?;
        attempts -= 1;
        match vault.unlock(&passphrase, lifetime) {
            Err(error @ Error::WrongPassphrase) if attempts > 0 => system.output.info(error),
            done => return Ok(done?),
        }
    }
}

/// Locks the vault even if it is not in use, because its key is in the kernel's keyring all the same.
pub(super) fn lock(system: &mut System<'_>) -> Result<(), CommandError> {
    let vault = Vault::new(&system.env, &Config::read(&system.env)?)?;
    let was_unlocked = match vault.lock_all() {
        // Such a vault is said to be open in any case.
        Err(Error::Kernel(_)) if vault.state().is_ok_and(|state| is_in_file(&state.key)) => false,
        done => done?,
    };
    let state = match vault.state() {
        Ok(state) => state,
        Err(error) => {
            if was_unlocked {
                system
                    .output
                    .info("the vault's key was removed from the kernel's keyring");
            }
            // The vault's file was moved or removed while it was unlocked; nothing else is to be locked.
            return match error {
                Error::Missing(_) if was_unlocked => Ok(()),
                error => Err(error.into()),
            };
        }
    };
    system.output.info(match &state.key {
        key if is_in_file(key) => format!("the vault is {}", describe::state(&state)),
        _ if was_unlocked => "the vault is locked".to_owned(),
        _ => "the vault was locked already".to_owned(),
    });
    Ok(())
}

fn is_in_file(key: &KeyState) -> bool {
    matches!(key, KeyState::InFile { .. })
}
