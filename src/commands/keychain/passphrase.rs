//! `keychain passphrase`: changes the passphrase, and the key with it.

use super::args::PassphraseArgs;
use super::{ask, describe};
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
        // A vault without a passphrase gets one in addition to its key.
        let key = vault.key()?;
        let new = ask::new(args.passphrase_stdin, system)?;
        vault.change_passphrase(key, &new)?
    };
    system.output.info("the vault has a new passphrase");
    if key_is_new {
        system
            .output
            .info("its key is also new: the old passphrase and older copies of the file do not open it");
    }
    describe::vault(&vault.state()?, system);
    Ok(())
}
