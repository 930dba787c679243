//! The accounts whose passwords were given in this run, and whose account a token is.

use super::password;
use crate::commands::system::System;
use crate::error::CommandError;
use crate::model::{Registry, Username};
use crate::output::Output;
use crate::registry::{Account, Verified};

pub(in crate::commands) struct Accounts {
    known: Vec<Account>,
    /// Whether standard input has a password: one, which can be read once.
    password_stdin: bool,
}

impl Accounts {
    pub(in crate::commands) fn new(password_stdin: bool) -> Self {
        Self {
            known: Vec::new(),
            password_stdin,
        }
    }

    fn position(&self, username: &Username) -> Option<usize> {
        self.known.iter().position(|known| known.username.is_same(username))
    }

    /// What is known of this account.
    pub(in crate::commands) fn known(&self, username: &Username) -> Option<&Account> {
        self.position(username).map(|at| &self.known[at])
    }

    /// Whether its password is known or can be asked for.
    pub(in crate::commands) fn can_get(&self, username: &Username, system: &System<'_>) -> bool {
        self.known(username).is_some() || self.password_stdin || system.person.is_some()
    }

    /// The account with its password, which is asked for once: on standard input, if `may_read`, or a hidden prompt.
    pub(in crate::commands) fn get(
        &mut self,
        registry: &Registry,
        username: &Username,
        may_read: bool,
        system: &mut System<'_>,
    ) -> Result<&mut Account, CommandError> {
        let at = if let Some(at) = self.position(username) {
            at
        } else {
            let reads = may_read && std::mem::take(&mut self.password_stdin);
            if let (false, None, Some(first)) = (reads, &system.person, self.known.first()) {
                return Err(CommandError::failed(format_args!(
                    "the password of {username} is needed too, and standard input had that of {}",
                    first.username
                ))
                .hint(format_args!("repeat it with the password of {username}")));
            }
            self.known.push(password::account(registry, username, reads, system)?);
            self.known.len() - 1
        };
        Ok(&mut self.known[at])
    }

    /// Replaces what is known of this account.
    pub(in crate::commands) fn put(&mut self, account: Account) {
        match self.position(&account.username) {
            Some(at) => self.known[at] = account,
            None => self.known.push(account),
        }
    }
}

/// The account that the token belongs to, if the server has told it. Gitea ignores the user name that a token is stored with.
pub(in crate::commands) fn owner(verified: &Verified, stored: &Username, output: &mut Output<'_>) -> Option<Username> {
    let owner: Username = verified.who.as_ref()?.parse().ok()?;
    if !owner.is_same(stored) {
        output.info(format_args!(
            "the token belongs to {owner}, whose password is needed; the registry ignores the user name {stored}"
        ));
    }
    Some(owner)
}
