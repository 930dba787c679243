//! `keychain passphrase`: another one, and another key with it.

use super::args::PassphraseArgs;
use super::{ask, say};
use crate::commands::system::System;
use crate::error::CommandError;
use crate::keychain::Config;
use crate::keychain::vault::Vault;

pub(super) fn run(args: &PassphraseArgs, system: &mut System<'_>) -> Result<(), CommandError> {
    let vault = Vault::new(&system.env, &Config::read(&system.env)?)?;
    let state = vault.state()?;
    let key_is_new = if state.has_passphrase {
        let (old, new) = ask::change(args.passphrase_stdin, system)?;
        vault.change_passphrase(vault.key_of(&old)?, &new)?
    } else {
        // It opens with its key alone; from now on with a passphrase as well.
        let key = vault.key()?;
        let new = ask::new(args.passphrase_stdin, system)?;
        vault.change_passphrase(key, &new)?
    };
    system.output.say("the vault has a new passphrase");
    if key_is_new {
        system
            .output
            .say("its key is a new one too: an older copy of the file tells nothing about this one");
    }
    say::vault(&vault.state()?, system);
    Ok(())
}
