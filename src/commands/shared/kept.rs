//! Whether the keychain still has the credentials that were read from it: another command may replace one while this one
//! waits for a password, a plugin or a cluster.

use std::rc::Rc;

use super::targets::Supply;
use crate::commands::system::System;
use crate::error::CommandError;
use crate::model::Credential;

/// The credentials of the keychain that a run gives out.
pub(in crate::commands) struct Kept {
    is_watched: bool,
    /// Those that the keychain had when they were about to be given out.
    given_out: Vec<Rc<Supply>>,
    /// Those that it has no more, and what to say of each.
    replaced: Vec<(Rc<Supply>, CommandError)>,
}

impl Kept {
    pub(in crate::commands) fn watched() -> Self {
        Self {
            is_watched: true,
            given_out: Vec::new(),
            replaced: Vec::new(),
        }
    }

    /// Nobody looks: nothing is given out, or the run itself replaces the keychain's credential.
    pub(in crate::commands) fn not_watched() -> Self {
        Self {
            is_watched: false,
            ..Self::watched()
        }
    }

    /// Reads each of these once more, right before they are given out.
    pub(in crate::commands) fn look_again<'a>(
        &mut self,
        supplies: impl IntoIterator<Item = &'a Rc<Supply>>,
        system: &System<'_>,
    ) {
        let mut read: Vec<&Rc<Supply>> = Vec::new();
        for supply in supplies {
            let is_asked = self.is_watched && supply.id.is_some() && self.check(supply).is_ok();
            if is_asked && !read.iter().any(|one| is_same(one, supply)) {
                read.push(supply);
            }
        }
        for supply in read {
            match still_has(supply, system) {
                Ok(()) if self.given_out.iter().any(|one| is_same(one, supply)) => {}
                Ok(()) => self.given_out.push(supply.clone()),
                Err(error) => self.replaced.push((supply.clone(), error)),
            }
        }
    }

    /// Fails if the keychain had it no more when it was looked at.
    pub(in crate::commands) fn check(&self, supply: &Supply) -> Result<(), CommandError> {
        let found = self.replaced.iter().find(|(replaced, _)| is_same(replaced, supply));
        found.map_or(Ok(()), |(_, error)| Err(error.clone()))
    }

    /// What was replaced while it was given out: a cluster may have got it after the command that replaced it looked there.
    pub(in crate::commands) fn replaced_meanwhile(mut self, system: &System<'_>) -> Vec<CommandError> {
        let given_out = std::mem::take(&mut self.given_out);
        self.look_again(&given_out, system);
        let replaced = given_out.iter().filter_map(|supply| self.check(supply).err());
        replaced
            .map(|error| error.on("a token was written that may not be the latest"))
            .collect()
    }
}

/// Whether both are one credential of the keychain.
fn is_same(one: &Supply, other: &Supply) -> bool {
    one.usage == other.usage && one.credential == other.credential
}

fn still_has(supply: &Supply, system: &System<'_>) -> Result<(), CommandError> {
    let (registry, usage) = (&supply.credential.registry, supply.usage);
    let of_it = format!("the keychain's credential of {registry} for {usage}");
    let there = system.keychain().and_then(|keychain| keychain.get(registry, usage));
    let is_it =
        |there: &Credential| (&there.username, &there.token) == (&supply.credential.username, &supply.credential.token);
    let what = match there {
        Ok(Some(there)) if is_it(&there) => return Ok(()),
        Ok(Some(_)) => "was replaced meanwhile",
        Ok(None) => "was taken out meanwhile",
        Err(error) => {
            let error = CommandError::from(error);
            return Err(error.on(format_args!("nobody could say whether {of_it} was replaced meanwhile")));
        }
    };
    Err(CommandError::failed(format_args!("{of_it} {what}")).hint("run it again"))
}
