//! The observed state of both keychains, and the hints that follow from it.

use super::observe::{Choice, LocalState, Open, Unavailable};
use crate::commands::keychain::describe;
use crate::keychain::{Error, StoreName};
use crate::model::{CommandLine, Hint, count};

/// The observed state of both keychains.
pub(super) struct Observation {
    pub(super) choice: Choice,
    pub(super) here: LocalState,
    pub(super) desktop: Result<Open, Error>,
}

impl Observation {
    pub(super) fn of(&self, name: StoreName) -> &Result<Open, Error> {
        match name {
            StoreName::Vault => &self.here.vault,
            StoreName::System => &self.desktop,
        }
    }

    pub(super) fn in_use(&self) -> &Result<Open, Error> {
        self.of(self.choice.store)
    }

    /// The hints, the most likely first.
    pub(super) fn hints(&self) -> Vec<Hint> {
        let other = self.choice.store.other();
        let name = describe::store(other);
        match (self.in_use(), self.of(other)) {
            (Ok(_), Ok(Open { credentials, .. })) if *credentials > 0 => vec![
                format!(
                    "{name} holds {}: kubectl regcred keychain migrate",
                    count::show(*credentials, "credential")
                )
                .into(),
            ],
            (Ok(_), _) => Vec::new(),
            (Err(error), found) => {
                let is_there = found
                    .as_ref()
                    .map_or_else(|error| Unavailable::of(error) == Unavailable::Locked, |_| true);
                let switch = CommandLine::new("kubectl regcred keychain use").value("KEYCHAIN", other.as_str());
                let mut hints = error.hints();
                hints.retain(|hint| !is_there || hint.command() != Some(&switch));
                if is_there {
                    // A locked keychain can be unlocked; for an absent one, switching is the first hint.
                    let at = if Unavailable::of(error) == Unavailable::Locked {
                        hints.len()
                    } else {
                        0
                    };
                    hints.insert(at, format!("{name} is available: {switch}").into());
                }
                hints
            }
        }
    }
}
