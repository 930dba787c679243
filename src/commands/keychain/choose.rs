//! `keychain use`: which keychain it is from now on.

use std::path::Path;

use super::args::{KeychainUseArgs, Lifetime, UnlockingArgs};
use super::{ask, say};
use crate::commands::system::System;
use crate::error::CommandError;
use crate::keychain::config::Change;
use crate::keychain::vault::{Error, Key, Source, Vault};
use crate::keychain::{Config, Keychain, StoreName};

pub(super) fn run(args: &KeychainUseArgs, system: &mut System<'_>) -> Result<(), CommandError> {
    let key_file = args.key_file.as_deref().map(std::path::absolute).transpose()?;
    match args.store {
        StoreName::Vault => vault(key_file.as_deref(), &args.unlocking, system)?,
        StoreName::System => desktop(args, system)?,
    }
    let mut changes = vec![Change::Store(Some(args.store))];
    changes.extend(key_file.map(|path| Change::VaultKeyFile(Some(path))));
    Config::remember(&system.env, &changes)?;
    let name = say::store(args.store);
    system
        .output
        .say(format_args!("docker and kubectl regcred use {name} from now on"));
    left_behind(args.store, system);
    Ok(())
}

/// A vault that is there has to open with the key file, if one is named; one that is not there is made.
fn vault(key_file: Option<&Path>, unlocking: &UnlockingArgs, system: &mut System<'_>) -> Result<(), CommandError> {
    let before = Config::read(&system.env)?;
    let vault = match key_file {
        Some(path) => Vault::with_key_file(&system.env, path)?,
        None => Vault::new(&system.env, &before)?,
    };
    let is_new = !vault.exists();
    let new_key_file = key_file.filter(|path| !path.exists());
    if let Some(path) = key_file.filter(|_| new_key_file.is_none()) {
        Key::sweep(path)?;
    }
    if let Some(path) = new_key_file {
        // The key of a vault that there is opens it for more programs; it does not become another one.
        let key = if is_new {
            Key::generate()
        } else {
            key_of(&Vault::new(&system.env, &before)?, unlocking, system)?
        };
        key.save(path)?;
        system.output.say(format_args!("made a key file: {}", path.display()));
        system
            .output
            .say("hint: keep a copy of it elsewhere: without it nothing opens the vault");
    }
    if is_new {
        make(&vault, unlocking, system)?;
        let path = vault.path().display();
        system
            .output
            .say(format_args!("made a vault, an encrypted file: {path}"));
    }
    say::vault(&vault.state()?, system);
    Ok(())
}

/// Where it is locked, or cannot be unlocked because the kernel keeps no keys, its passphrase gives it.
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
    // Before the passphrase is chosen, not after: it may turn out that it cannot be used here.
    vault.can_be_unlocked()?;
    let passphrase = ask::new(unlocking.passphrase_stdin, system)?;
    let key = Key::generate();
    vault.create(&key, Some(&passphrase))?;
    vault.unlock_with(key, unlocking.lifetime.map(Lifetime::duration))?;
    Ok(())
}

/// The choice stands even if the keychain does not answer now; then a warning says so.
fn desktop(args: &KeychainUseArgs, system: &mut System<'_>) -> Result<(), CommandError> {
    let UnlockingArgs {
        lifetime,
        passphrase_stdin,
    } = args.unlocking;
    if args.key_file.is_some() || lifetime.is_some() || passphrase_stdin {
        return Err(
            CommandError::usage("--key-file, --for and --passphrase-stdin are the vault's")
                .hint("kubectl regcred keychain use vault"),
        );
    }
    let listed = Keychain::open_store(&system.env, StoreName::System).and_then(|keychain| keychain.list_metadata());
    if let Err(error) = listed {
        system.output.warn(&error);
    }
    Ok(())
}

/// What the other keychain holds is not seen any more.
fn left_behind(chosen: StoreName, system: &mut System<'_>) {
    let other = chosen.other();
    let found = Keychain::open_store(&system.env, other).and_then(|keychain| keychain.list_metadata());
    let count = found.map_or(0, |found| found.len());
    if count > 0 {
        let (name, credentials) = (say::store(other), say::credentials(count));
        system.output.say(format_args!(
            "hint: {name} holds {credentials}: kubectl regcred keychain migrate"
        ));
    }
}
