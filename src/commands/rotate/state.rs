//! The state of a rotation: the keychain's item, the two tokens, and the journal that is stored with them.
//!
//! One write of one item stores all of it, so the tokens, the phase and the journal are always consistent for a later
//! process, even if this one is killed.

use std::rc::Rc;

use super::journal::Journal;
use crate::commands::shared::targets::Supply;
use crate::commands::shared::token_id::token_id;
use crate::error::CommandError;
use crate::keychain::{self, Keychain, Name, Rotation, StoredItem};
use crate::ledger::{Ledger, Skipped};
use crate::model::rotation::{Direction, Phase, Rules, Step, TokenVersion, steps};
use crate::model::{Credential, OwnTokens, Username};
use crate::registry::MintScopes;

pub(super) struct RotationState {
    pub(super) name: Name,
    /// The item as it is in the keychain.
    item: StoredItem,
    pub(super) old: Credential,
    /// `None` until it is given or created.
    pub(super) new: Option<Credential>,
    /// The new token's user.
    pub(super) username: Username,
    pub(super) journal: Journal,
}

impl RotationState {
    /// A rotation that has not begun.
    pub(super) fn new(name: Name, item: StoredItem, username: Username, journal: Journal) -> Self {
        Self {
            old: item.current.clone(),
            name,
            item,
            new: None,
            username,
            journal,
        }
    }

    /// The rotation that is pending in this item, if there is one.
    pub(super) fn pending(name: Name, item: StoredItem) -> Result<Option<Self>, CommandError> {
        let Some(Rotation { phase, other, journal }) = item.rotation.clone() else {
            return Ok(None);
        };
        let journal = Journal::parse(&journal)?;
        let current = item.current.clone();
        let (old, new) = match phase.current() {
            TokenVersion::Old => (current, other),
            TokenVersion::New => (other.unwrap_or_else(|| current.clone()), Some(current)),
        };
        let username = match (&new, &journal.username) {
            (Some(new), _) => new.username.clone(),
            (None, Some(username)) => username.clone(),
            (None, None) => old.username.clone(),
        };
        Ok(Some(Self {
            name,
            item,
            old,
            new,
            username,
            journal,
        }))
    }

    /// The last phase that was stored; `None` before the first and after the last.
    pub(super) fn phase(&self) -> Option<Phase> {
        self.item.rotation.as_ref().map(|rotation| rotation.phase)
    }

    /// The token that readers of the keychain get.
    pub(super) fn current(&self) -> TokenVersion {
        match self.phase() {
            Some(phase) => phase.current(),
            None if self.new.as_ref() == Some(&self.item.current) => TokenVersion::New,
            None => TokenVersion::Old,
        }
    }

    /// The remaining steps in this direction.
    pub(super) fn steps(&self, direction: Direction) -> Vec<Step> {
        let rules = Rules {
            mints: self.journal.mints,
            keeps: self.journal.keep_old,
        };
        let mut steps = steps(self.phase(), direction, rules);
        let restarts = self.journal.restart || self.journal.unstick;
        steps.retain(|step| *step != Step::Restart || restarts);
        steps
    }

    /// The scopes of a token that this rotation creates.
    pub(super) fn scopes_of_new(&self) -> MintScopes {
        let scopes = self.journal.scopes.clone();
        scopes.unwrap_or_else(|| MintScopes::for_use(self.name.usage))
    }

    /// One of the two tokens.
    pub(super) fn credential(&self, version: TokenVersion) -> Result<Credential, CommandError> {
        match version {
            TokenVersion::Old => Ok(self.old.clone()),
            TokenVersion::New => self
                .new
                .clone()
                .ok_or_else(|| CommandError::failed("there is no new token yet")),
        }
    }

    /// The same for Secrets. Only a Secret that holds one of the two tokens gets it.
    pub(super) fn supply(&self, version: TokenVersion, keychain: &Keychain) -> Result<Rc<Supply>, CommandError> {
        let supply = Supply::of_keychain(self.credential(version)?, self.name.usage, keychain)?;
        let both = [Some(&self.old), self.new.as_ref()];
        let tokens = both.into_iter().flatten().map(|credential| credential.token.clone());
        Ok(supply.replacing(OwnTokens::only(tokens.collect())))
    }

    /// What is skipped where this token is looked for: what flags name, and what earlier rotations skipped.
    pub(super) fn skipped(
        &self,
        version: TokenVersion,
        ledger: &Ledger,
        keychain: &Keychain,
    ) -> Result<Skipped, CommandError> {
        let id = token_id(keychain, self.name.usage, &self.credential(version)?)?;
        let mut skipped = ledger.skipped(&self.name.registry, &[self.name.usage], id.as_slice());
        skipped.add(&self.journal.skipped);
        Ok(skipped)
    }

    /// What is not written. A place that flags limit the rotation to is written although an earlier one skipped it.
    pub(super) fn not_written(&self, ledger: &Ledger, keychain: &Keychain) -> Result<Skipped, CommandError> {
        if self.journal.is_everywhere {
            self.skipped(TokenVersion::Old, ledger, keychain)
        } else {
            Ok(self.journal.skipped.clone())
        }
    }

    /// Stores this phase with its tokens and the journal.
    pub(super) fn store(&mut self, phase: Phase, keychain: &Keychain) -> Result<(), CommandError> {
        let new = self.new.clone().filter(|_| phase.has_new());
        let (current, other) = match (phase.current(), new) {
            (TokenVersion::New, Some(new)) => (new, Some(self.old.clone())),
            (_, new) => (self.old.clone(), new),
        };
        let rotation = Rotation {
            phase,
            other,
            journal: self.journal.text()?,
        };
        self.replace(current, Some(rotation), keychain)
    }

    /// Looks whether the item still is as it was read or written here, at any later time and in any thread.
    pub(super) fn unchanged(
        &self,
        keychain: &Keychain,
    ) -> impl Fn() -> Result<(), keychain::Error> + Clone + Send + use<> {
        let (keychain, name, item) = (keychain.clone(), self.name.clone(), self.item.clone());
        move || keychain.ensure_unchanged(&name, &item)
    }

    /// Whether another process has changed the item meanwhile.
    pub(super) fn was_overtaken(&self, keychain: &Keychain) -> bool {
        matches!(self.unchanged(keychain)(), Err(keychain::Error::Changed(_)))
    }

    /// Stores the changed journal if the rotation has begun.
    pub(super) fn store_journal(&mut self, keychain: &Keychain) -> Result<(), CommandError> {
        self.phase().map_or(Ok(()), |phase| self.store(phase, keychain))
    }

    /// Ends the rotation, and deletes the token that is not current.
    pub(super) fn end(&mut self, keychain: &Keychain) -> Result<(), CommandError> {
        self.replace(self.item.current.clone(), None, keychain)
    }

    fn replace(
        &mut self,
        current: Credential,
        rotation: Option<Rotation>,
        keychain: &Keychain,
    ) -> Result<(), CommandError> {
        let after = StoredItem { current, rotation };
        keychain.replace(&self.name, &self.item, &after)?;
        self.item = after;
        Ok(())
    }
}
