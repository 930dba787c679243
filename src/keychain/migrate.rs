//! Moves all items from one keychain to another: each is written, read back and compared, and only then removed from
//! the first.
//!
//! If it is interrupted, an item is in the first keychain or in both, and the next run completes the move. Once an item
//! is in the second keychain it stays there.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs::File;

use super::item::{SERVICE, Secret};
use super::lock::WriteLock;
use super::{Error, Keychain, Name, Part, StoreName, earlier, name_of, secret};
use crate::model::Registry;
use crate::sys::env::Env;

/// How often an item is copied again because another program keeps changing it.
const ATTEMPTS: usize = 3;

/// A move of all our items from one keychain to another.
#[derive(Debug)]
pub struct Migration {
    from: Keychain,
    to: Keychain,
}

/// The items that can be moved.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Inventory {
    /// The items, each registry's login before its other parts.
    pub names: BTreeSet<Name>,
    /// The registries with fingerprints of earlier tokens. They are moved too, but are not credentials.
    pub earlier: BTreeSet<Registry>,
    /// The number of other items, which a later version of this program may have made. They are not moved.
    pub unknown: usize,
}

/// What is, or was, done with one item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Move,
    /// The other keychain already has an identical item, as after an interrupted run: only the first copy is removed.
    Finish,
    /// The other keychain has a different item of this name. Both stay: only the user knows which is right.
    Conflict,
    /// Another part of the same login has to stay, so this one stays too.
    Stay,
    /// It cannot be read and stays.
    Damaged,
    /// There is no such item, or no longer.
    Nothing,
}

/// The content of a keychain under a name.
#[derive(Debug)]
enum Observation {
    Nothing,
    Damaged,
    Holds(Secret),
}

impl Migration {
    /// From the system's other keychain to `to`. Neither is contacted yet.
    pub fn into_store(env: &Env, to: StoreName) -> Result<Self, Error> {
        Ok(Self {
            from: Keychain::open_store(env, to.other())?,
            to: Keychain::open_store(env, to)?,
        })
    }

    /// Lists the first keychain without reading a secret.
    pub fn find(&self) -> Result<Inventory, Error> {
        let mut found = Inventory::default();
        for entry in self.from.search()? {
            if let Some(name) = name_of(&entry) {
                found.names.insert(name);
            } else if let Some(registry) = earlier::registry_of(&entry) {
                found.earlier.insert(registry);
            } else if entry.get_specifiers().is_none_or(|(service, _)| service == SERVICE) {
                found.unknown += 1;
            }
        }
        Ok(found)
    }

    /// What [`Migration::apply`] would do with an item. Changes nothing and takes no lock.
    pub fn plan(&self, name: &Name) -> Result<Action, Error> {
        Ok(self.observe(name)?.0)
    }

    /// Moves an item if possible. The decision is made again under both keychains' locks.
    ///
    /// Other programs, such as the desktop's own, do not take our locks. What they write meanwhile is moved too, or the
    /// item stays with [`Error::Changed`].
    pub fn apply(&self, name: &Name) -> Result<Action, Error> {
        let _held = self.lock()?;
        let (action, found) = self.observe(name)?;
        if let (Action::Move | Action::Finish, Observation::Holds(secret)) = (action, found) {
            self.carry(name, secret)?;
        }
        Ok(action)
    }

    /// Moves the fingerprints of a registry's earlier tokens: merged with those of the other keychain, read back, and
    /// only then removed from the first, unless a login of the registry is left there: the ledger recognises its token by
    /// their key.
    pub fn take_earlier(&self, registry: &Registry) -> Result<(), Error> {
        let _held = self.lock()?;
        let mut both = self.to.earlier(registry)?;
        both.merge(self.from.earlier(registry)?);
        self.to.set_earlier(registry, &both)?;
        if self.to.earlier(registry)? != both {
            return Err(Error::NotKept(registry.to_string()));
        }
        if !self.from.uses(registry)?.is_empty() {
            return Ok(());
        }
        match self.from.earlier_entry(registry)?.delete_credential() {
            Ok(()) | Err(keyring_core::Error::NoEntry) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn lock(&self) -> Result<Vec<File>, Error> {
        self.locks().into_iter().map(WriteLock::acquire).collect()
    }

    /// Always in the same order, so that two migrations in opposite directions cannot deadlock.
    fn locks(&self) -> Vec<&WriteLock> {
        let both = [&self.from, &self.to].map(|keychain| keychain.lock.as_ref());
        let mut locks: Vec<_> = both.into_iter().flatten().collect();
        locks.sort();
        locks
    }

    fn observe(&self, name: &Name) -> Result<(Action, Observation), Error> {
        let (mut action, from) = self.observe_part(name)?;
        for part in Part::of(&name.registry, name.usage) {
            let other = Name {
                part: *part,
                ..name.clone()
            };
            if other != *name {
                action = together(action, *part, self.observe_part(&other)?.0);
            }
        }
        Ok((action, from))
    }

    /// [`Migration::observe`] for one item, ignoring the other parts of its login.
    fn observe_part(&self, name: &Name) -> Result<(Action, Observation), Error> {
        let from = observe_item(&self.from, name)?;
        let action = match &from {
            Observation::Holds(_) => decide(&from, &observe_item(&self.to, name)?),
            _ => decide(&from, &Observation::Nothing),
        };
        Ok((action, from))
    }

    /// Copies `secret`, verifies the copy, and removes the original if it has not changed since.
    fn carry(&self, name: &Name, mut secret: Secret) -> Result<(), Error> {
        let mut copied = None;
        for _ in 0..ATTEMPTS {
            match observe_item(&self.to, name)? {
                Observation::Holds(there) if there.agrees_with(&secret) => {}
                Observation::Nothing => self.copy(name, &secret)?,
                Observation::Holds(there) if copied.as_ref() == Some(&there) => self.copy(name, &secret)?,
                _ => break,
            }
            match observe_item(&self.from, name)? {
                Observation::Holds(now) if now == secret => return remove(&self.from, name),
                Observation::Holds(now) => copied = Some(std::mem::replace(&mut secret, now)),
                Observation::Nothing => return Ok(()),
                Observation::Damaged => return Err(Error::Damaged(name.to_string())),
            }
        }
        Err(Error::Changed(name.to_string()))
    }

    /// Writes an item and reads it back.
    fn copy(&self, name: &Name, secret: &Secret) -> Result<(), Error> {
        let credential = secret.credential(&name.registry);
        let credential = credential.ok_or_else(|| Error::Damaged(name.to_string()))?;
        self.to.store(name, &credential.username, secret)?;
        if matches!(observe_item(&self.to, name)?, Observation::Holds(kept) if kept == *secret) {
            return Ok(());
        }
        // What was there before was nothing or our own copy, so nothing is lost; a reader must not get a truncated
        // token.
        remove(&self.to, name)?;
        Err(Error::NotKept(name.to_string()))
    }
}

/// The action for an item that is `from` in the first keychain and `to` in the second.
fn decide(from: &Observation, to: &Observation) -> Action {
    match (from, to) {
        (Observation::Nothing, _) => Action::Nothing,
        (Observation::Damaged, _) => Action::Damaged,
        (Observation::Holds(from), Observation::Holds(to)) if from.agrees_with(to) => Action::Finish,
        (Observation::Holds(_), Observation::Nothing) => Action::Move,
        // An unreadable item may be a later version's.
        (Observation::Holds(_), Observation::Holds(_) | Observation::Damaged) => Action::Conflict,
    }
}

/// Adjusts an item's action to the action for another part of the same login: parts of two logins are never mixed. The
/// user resolves a conflict with a logout, which deletes all parts of one.
fn together(action: Action, other: Part, others: Action) -> Action {
    let holds_back = others == Action::Conflict || (other == Part::Login && others == Action::Damaged);
    match action {
        Action::Move | Action::Finish if holds_back => Action::Stay,
        action => action,
    }
}

fn observe_item(keychain: &Keychain, name: &Name) -> Result<Observation, Error> {
    match secret(&keychain.entry(name)?) {
        Ok(None) => Ok(Observation::Nothing),
        Ok(Some(secret)) if secret.credential(&name.registry).is_some() => Ok(Observation::Holds(secret)),
        Ok(Some(_)) | Err(Error::Damaged(_)) => Ok(Observation::Damaged),
        Err(error) => Err(error),
    }
}

/// Removes an item. The caller holds the lock.
fn remove(keychain: &Keychain, name: &Name) -> Result<(), Error> {
    match keychain.entry(name)?.delete_credential() {
        Ok(()) | Err(keyring_core::Error::NoEntry) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
