//! Moving what one keychain holds into another: written there, read back and compared, and only then removed here.
//!
//! Whenever that is interrupted, an item is in the first keychain or in both, and the next run ends it. Whoever reads
//! the second one finds an item from its turn on, and never loses it again.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs::File;

use super::item::{SERVICE, Secret};
use super::lock::WriteLock;
use super::{Error, Keychain, Name, Part, StoreName, earlier, name_of, secret, spec};
use crate::model::Registry;
use crate::sys::env::Env;

/// How often an item is copied anew that another program changes all the time.
const ATTEMPTS: usize = 3;

/// Everything of ours, on its way from one keychain into another.
#[derive(Debug)]
pub struct Migration {
    from: Keychain,
    to: Keychain,
}

/// What there is to move.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The items, each registry's login before what belongs to it.
    pub names: BTreeSet<Name>,
    /// The registries of which earlier tokens are remembered. That goes along, and is no credential.
    pub earlier: BTreeSet<Registry>,
    /// How many more there are that a later version of this program may have made. They stay.
    pub unknown: usize,
}

/// What is to be done about one item, or was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    Move,
    /// The other keychain has the same one already, as when a run was interrupted: only the first copy goes.
    Finish,
    /// The other keychain has one of this name that is not the same. Both stay: whose is right, a person knows.
    Conflict,
    /// Another one of the same login has to stay, and this one stays with it.
    Stay,
    /// It cannot be read, and stays.
    Damaged,
    /// It is not there, or not any more.
    Nothing,
}

/// What a keychain has under a name.
#[derive(Debug)]
enum Seen {
    Nothing,
    Damaged,
    Holds(Secret),
}

impl Migration {
    /// Into the keychain `to`, out of the other one that this system has. Nothing is asked of either yet.
    pub fn into_store(env: &Env, to: StoreName) -> Result<Self, Error> {
        Ok(Self {
            from: Keychain::open_store(env, to.other())?,
            to: Keychain::open_store(env, to)?,
        })
    }

    /// What the first keychain holds. It is asked for no secret.
    pub fn find(&self) -> Result<Found, Error> {
        let mut found = Found::default();
        for entry in self.from.store.search(&spec())? {
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

    /// What [`Migration::apply`] would do about an item. Nothing is changed, and nobody is kept waiting.
    pub fn plan(&self, name: &Name) -> Result<Action, Error> {
        Ok(self.look(name)?.0)
    }

    /// Moves an item, if it can be: decided anew while no other regcred can change it in either keychain.
    ///
    /// Other programs, such as a desktop's own, wait for no lock. What they write in the meantime is taken along, or the
    /// item stays: [`Error::Changed`].
    pub fn apply(&self, name: &Name) -> Result<Action, Error> {
        let _held = self.lock()?;
        let (action, found) = self.look(name)?;
        if let (Action::Move | Action::Finish, Seen::Holds(secret)) = (action, found) {
            self.carry(name, secret)?;
        }
        Ok(action)
    }

    /// Moves what is remembered of a registry's earlier tokens: put together with what the other keychain remembers, read
    /// back, and only then removed here.
    pub fn take_earlier(&self, registry: &Registry) -> Result<(), Error> {
        let _held = self.lock()?;
        let mut both = self.to.earlier(registry)?;
        both.merge(self.from.earlier(registry)?);
        self.to.set_earlier(registry, &both)?;
        if self.to.earlier(registry)? != both {
            return Err(Error::NotKept(registry.to_string()));
        }
        match self.from.earlier_entry(registry)?.delete_credential() {
            Ok(()) | Err(keyring_core::Error::NoEntry) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn lock(&self) -> Result<Vec<File>, Error> {
        self.locks().into_iter().map(WriteLock::acquire).collect()
    }

    /// In the same order whichever keychain is the first: two that move things in opposite directions do not wait for
    /// each other.
    fn locks(&self) -> Vec<&WriteLock> {
        let both = [&self.from, &self.to].map(|keychain| keychain.lock.as_ref());
        let mut locks: Vec<_> = both.into_iter().flatten().collect();
        locks.sort();
        locks
    }

    fn look(&self, name: &Name) -> Result<(Action, Seen), Error> {
        let (mut action, from) = self.look_alone(name)?;
        for part in Part::of(&name.registry, name.usage) {
            let other = Name {
                part: *part,
                ..name.clone()
            };
            if other != *name {
                action = together(action, *part, self.look_alone(&other)?.0);
            }
        }
        Ok((action, from))
    }

    /// The same without regard to what belongs to the same login.
    fn look_alone(&self, name: &Name) -> Result<(Action, Seen), Error> {
        let from = seen(&self.from, name)?;
        let action = match &from {
            Seen::Holds(_) => decide(&from, &seen(&self.to, name)?),
            _ => decide(&from, &Seen::Nothing),
        };
        Ok((action, from))
    }

    /// Writes what `secret` is, sees that it is there, and removes it where it came from if that is what is still there.
    fn carry(&self, name: &Name, mut secret: Secret) -> Result<(), Error> {
        let mut copied = None;
        for _ in 0..ATTEMPTS {
            match seen(&self.to, name)? {
                Seen::Holds(there) if there == secret => {}
                Seen::Nothing => self.copy(name, &secret)?,
                Seen::Holds(there) if copied.as_ref() == Some(&there) => self.copy(name, &secret)?,
                _ => break,
            }
            match seen(&self.from, name)? {
                Seen::Holds(now) if now == secret => return remove(&self.from, name),
                Seen::Holds(now) => copied = Some(std::mem::replace(&mut secret, now)),
                Seen::Nothing => return Ok(()),
                Seen::Damaged => return Err(Error::Damaged(name.to_string())),
            }
        }
        Err(Error::Changed(name.to_string()))
    }

    /// Writes an item and reads it back.
    fn copy(&self, name: &Name, secret: &Secret) -> Result<(), Error> {
        let credential = secret.credential(&name.registry);
        let credential = credential.ok_or_else(|| Error::Damaged(name.to_string()))?;
        self.to.store(name, &credential.username, secret)?;
        if matches!(seen(&self.to, name)?, Seen::Holds(kept) if kept == *secret) {
            return Ok(());
        }
        // There was nothing before, or our own copy: whoever asks should get no half of a token.
        remove(&self.to, name)?;
        Err(Error::NotKept(name.to_string()))
    }
}

/// What becomes of an item that is `from` in the one keychain and `to` in the other.
fn decide(from: &Seen, to: &Seen) -> Action {
    match (from, to) {
        (Seen::Nothing, _) => Action::Nothing,
        (Seen::Damaged, _) => Action::Damaged,
        (Seen::Holds(from), Seen::Holds(to)) if from == to => Action::Finish,
        (Seen::Holds(_), Seen::Nothing) => Action::Move,
        // One that cannot be read may be a later version's.
        (Seen::Holds(_), Seen::Holds(_) | Seen::Damaged) => Action::Conflict,
    }
}

/// What becomes of an item with this coming, beside another one of the same login: two logins are not mixed, and a logout,
/// which settles a conflict, ends all that belongs to one.
fn together(action: Action, other: Part, others: Action) -> Action {
    let holds_back = others == Action::Conflict || (other == Part::Login && others == Action::Damaged);
    match action {
        Action::Move | Action::Finish if holds_back => Action::Stay,
        action => action,
    }
}

fn seen(keychain: &Keychain, name: &Name) -> Result<Seen, Error> {
    match secret(&keychain.entry(name)?) {
        Ok(None) => Ok(Seen::Nothing),
        Ok(Some(secret)) if secret.credential(&name.registry).is_some() => Ok(Seen::Holds(secret)),
        Ok(Some(_)) | Err(Error::Damaged(_)) => Ok(Seen::Damaged),
        Err(error) => Err(error),
    }
}

/// Takes an item out, whoever holds its lock.
fn remove(keychain: &Keychain, name: &Name) -> Result<(), Error> {
    match keychain.entry(name)?.delete_credential() {
        Ok(()) | Err(keyring_core::Error::NoEntry) => Ok(()),
        Err(error) => Err(error.into()),
    }
}
