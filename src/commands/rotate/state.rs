//! The state of a rotation: the keychain's item, the two tokens, and the journal that is kept beside them.
//!
//! It is written with one write of one item, so a later process finds the tokens, the phase and the journal as they
//! belong together, at whatever moment this one was killed.

use std::rc::Rc;

use super::journal::Journal;
use crate::commands::shared::targets::Supply;
use crate::error::CommandError;
use crate::keychain::{Kept, Keychain, Name, Rotation};
use crate::model::rotation::{Phase, Rules, Step, Way, Which, steps};
use crate::model::{Credential, OwnTokens, Username};

pub(super) struct RotationState {
    pub(super) name: Name,
    /// The item as the keychain has it.
    kept: Kept,
    pub(super) old: Credential,
    /// `None` until it is given or made.
    pub(super) new: Option<Credential>,
    /// Whose the new token is, or will be.
    pub(super) username: Username,
    pub(super) journal: Journal,
}

impl RotationState {
    /// A rotation that nothing has been done for.
    pub(super) fn new(name: Name, kept: Kept, username: Username, journal: Journal) -> Self {
        Self {
            old: kept.current.clone(),
            name,
            kept,
            new: None,
            username,
            journal,
        }
    }

    /// The rotation that is pending in this item, if there is one.
    pub(super) fn pending(name: Name, kept: Kept) -> Result<Option<Self>, CommandError> {
        let Some(Rotation { phase, other, journal }) = kept.rotation.clone() else {
            return Ok(None);
        };
        let journal = Journal::parse(&journal)?;
        let current = kept.current.clone();
        let (old, new) = match phase.current() {
            Which::Old => (current, other),
            Which::New => (other.unwrap_or_else(|| current.clone()), Some(current)),
        };
        let username = match (&new, &journal.username) {
            (Some(new), _) => new.username.clone(),
            (None, Some(username)) => username.clone(),
            (None, None) => old.username.clone(),
        };
        Ok(Some(Self {
            name,
            kept,
            old,
            new,
            username,
            journal,
        }))
    }

    /// The last phase that was kept; `None` before the first and after the last.
    pub(super) fn phase(&self) -> Option<Phase> {
        self.kept.rotation.as_ref().map(|rotation| rotation.phase)
    }

    /// The token that the keychain gives out.
    pub(super) fn current(&self) -> Which {
        match self.phase() {
            Some(phase) => phase.current(),
            None if self.new.as_ref() == Some(&self.kept.current) => Which::New,
            None => Which::Old,
        }
    }

    /// The steps that are left in this direction.
    pub(super) fn steps(&self, way: Way) -> Vec<Step> {
        let rules = Rules {
            mints: self.journal.mints,
            keeps: self.journal.keep_old,
        };
        let mut steps = steps(self.phase(), way, rules);
        let restarts = self.journal.restart || self.journal.unstick;
        steps.retain(|step| *step != Step::Restart || restarts);
        steps
    }

    /// One of the two tokens.
    pub(super) fn credential(&self, which: Which) -> Result<Credential, CommandError> {
        match which {
            Which::Old => Ok(self.old.clone()),
            Which::New => self
                .new
                .clone()
                .ok_or_else(|| CommandError::failed("the new token is not there yet")),
        }
    }

    /// The same for Secrets, which get it only if they hold one of the two.
    pub(super) fn supply(&self, which: Which, keychain: &Keychain) -> Result<Rc<Supply>, CommandError> {
        let supply = Supply::of_keychain(self.credential(which)?, self.name.usage, keychain)?;
        let both = [Some(&self.old), self.new.as_ref()];
        let tokens = both.into_iter().flatten().map(|credential| credential.token.clone());
        Ok(supply.replacing(OwnTokens::only(tokens.collect())))
    }

    /// Keeps this phase, with the tokens and the journal that belong to it.
    pub(super) fn keep(&mut self, phase: Phase, keychain: &Keychain) -> Result<(), CommandError> {
        let new = self.new.clone().filter(|_| phase.has_new());
        let (current, other) = match (phase.current(), new) {
            (Which::New, Some(new)) => (new, Some(self.old.clone())),
            (_, new) => (self.old.clone(), new),
        };
        let rotation = Rotation {
            phase,
            other,
            journal: self.journal.text()?,
        };
        self.replace(current, Some(rotation), keychain)
    }

    /// Keeps what was changed in the journal, if a phase is kept already.
    pub(super) fn keep_journal(&mut self, keychain: &Keychain) -> Result<(), CommandError> {
        self.phase().map_or(Ok(()), |phase| self.keep(phase, keychain))
    }

    /// Forgets the rotation, and the token that is not current.
    pub(super) fn forget(&mut self, keychain: &Keychain) -> Result<(), CommandError> {
        self.replace(self.kept.current.clone(), None, keychain)
    }

    fn replace(
        &mut self,
        current: Credential,
        rotation: Option<Rotation>,
        keychain: &Keychain,
    ) -> Result<(), CommandError> {
        let after = Kept { current, rotation };
        keychain.replace(&self.name, &self.kept, &after)?;
        self.kept = after;
        Ok(())
    }
}
