//! `keychain use`: chooses the keychain.

use std::path::Path;

use super::args::{KeychainUseArgs, Lifetime, UnlockArgs, UnlockingArgs};
use super::{ask, describe, unlock};
use crate::commands::system::System;
use crate::error::CommandError;
use crate::keychain::config::Change;
use crate::keychain::vault::{Error, Key, Source, Vault};
use crate::keychain::{Config, Keychain, StoreName};
use crate::model::count;

pub(super) fn run(args: &KeychainUseArgs, system: &mut System<'_>) -> Result<(), CommandError> {
    let key_file = args.key_file.as_deref().map(std::path::absolute).transpose()?;
    let is_unlocked = match args.store {
        StoreName::Vault => vault(key_file.as_deref(), &args.unlocking, system)?,
        StoreName::System => desktop(args, system)?,
    };
    let mut changes = vec![Change::Store(Some(args.store))];
    changes.extend(key_file.map(|path| Change::VaultKeyFile(Some(path))));
    Config::remember(&system.env, &changes)?;
    let name = describe::store(args.store);
    system
        .output
        .info(format_args!("docker and kubectl regcred use {name} from now on"));
    left_behind(args.store, system);
    let UnlockingArgs {
        lifetime,
        passphrase_stdin,
    } = args.unlocking;
    if is_unlocked || (lifetime.is_none() && !passphrase_stdin) {
        return Ok(());
    }
    let unlocking = UnlockingArgs {
        lifetime,
        passphrase_stdin,
    };
    let args = UnlockArgs {
        unlocking,
        key_file: None,
    };
    unlock::unlock(&args, system)
}

/// Chooses the vault, which is created if it does not exist. If a key file is given, it has to open an existing vault.
/// Returns whether what was said about unlocking is done.
fn vault(key_file: Option<&Path>, unlocking: &UnlockingArgs, system: &mut System<'_>) -> Result<bool, CommandError> {
    let before = Config::read(&system.env)?;
    let vault = match key_file {
        Some(path) => Vault::with_key_file(&system.env, path)?,
        None => Vault::new(&system.env, &before)?,
    };
    let is_new = !vault.exists();
    let configured = match vault.source() {
        // Of a vault that is gone.
        Source::File { path, .. } if is_new => Some(path.clone()),
        _ => None,
    };
    let key_file = key_file.or(configured.as_deref());
    let new_key_file = key_file.filter(|path| !path.exists());
    if let Some(path) = key_file.filter(|_| new_key_file.is_none()) {
        Key::sweep(path)?;
    }
    if let Some(path) = new_key_file {
        // A new key file for an existing vault gets the vault's key; the key does not change.
        let key = if is_new {
            Key::generate()
        } else {
            key_of(&Vault::new(&system.env, &before)?, unlocking, system)?
        };
        key.save(path)?;
        system
            .output
            .info(format_args!("created a key file: {}", path.display()));
        let opens = is_new || !vault.state()?.has_passphrase;
        system.output.info(if opens {
            "hint: keep a copy of it elsewhere: the vault cannot be opened without it"
        } else {
            "hint: whoever can read it can open the vault without the passphrase"
        });
    }
    if is_new {
        make(&vault, unlocking, system)?;
        let path = vault.path().display();
        system
            .output
            .info(format_args!("created a vault, an encrypted file: {path}"));
    }
    let is_said = is_new || key_file.is_some();
    if is_said || (unlocking.lifetime.is_none() && !unlocking.passphrase_stdin) {
        describe::vault(&vault.state()?, system);
    }
    Ok(is_said)
}

/// The vault's key. If the vault is locked, or the kernel keeps no keys, it is derived from the passphrase.
fn key_of(vault: &Vault, unlocking: &UnlockingArgs, system: &mut System<'_>) -> Result<Key, CommandError> {
    match vault.key() {
        Err(Error::Locked | Error::LockedWithoutKeyFile { .. } | Error::NoKernelKeyring(_)) => {
            Ok(vault.key_of(&ask::known(unlocking.passphrase_stdin, system)?)?)
        }
        done => Ok(done?),
    }
}

fn make(vault: &Vault, unlocking: &UnlockingArgs, system: &mut System<'_>) -> Result<(), CommandError> {
    if let Source::File { path, .. } = vault.source() {
        return Ok(vault.create(&Key::read(path)?, None)?);
    }
    // Checked before the prompt for a new passphrase, which may be useless on this system.
    vault.can_be_unlocked()?;
    let passphrase = ask::new(unlocking.passphrase_stdin, system)?;
    let key = Key::generate();
    vault.create(&key, Some(&passphrase))?;
    vault.unlock_with(key, unlocking.lifetime.map(Lifetime::duration))?;
    Ok(())
}

/// Chooses the system's keychain. If it does not answer, this is only a warning.
fn desktop(args: &KeychainUseArgs, system: &mut System<'_>) -> Result<bool, CommandError> {
    let UnlockingArgs {
        lifetime,
        passphrase_stdin,
    } = args.unlocking;
    if args.key_file.is_some() || lifetime.is_some() || passphrase_stdin {
        return Err(
            CommandError::usage("--key-file, --for and --passphrase-stdin are only for the vault")
                .hint("kubectl regcred keychain use vault"),
        );
    }
    let listed = Keychain::open_store(&system.env, StoreName::System).and_then(|keychain| keychain.list_metadata());
    if let Err(error) = listed {
        system.output.warn(&error);
    }
    Ok(true)
}

/// Warns if the other keychain, which is no longer used, holds credentials.
fn left_behind(chosen: StoreName, system: &mut System<'_>) {
    let other = chosen.other();
    let found = Keychain::open_store(&system.env, other).and_then(|keychain| keychain.list_metadata());
    let count = found.map_or(0, |found| found.len());
    if count > 0 {
        let (name, credentials) = (describe::store(other), count::show(count, "credential"));
        system.output.info(format_args!(
            "hint: {name} holds {credentials}: kubectl regcred keychain migrate"
        ));
    }
}
