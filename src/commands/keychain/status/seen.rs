//! All that was seen of the keychains, and what to do next.

use super::look::{Choice, Here, Open, Trouble};
use crate::commands::keychain::say;
use crate::keychain::{Error, StoreName};
use crate::model::{CommandLine, Hint};

/// All that was seen.
pub(super) struct Seen {
    pub(super) choice: Choice,
    pub(super) here: Here,
    pub(super) desktop: Result<Open, Error>,
}

impl Seen {
    pub(super) fn of(&self, name: StoreName) -> &Result<Open, Error> {
        match name {
            StoreName::Vault => &self.here.vault,
            StoreName::System => &self.desktop,
        }
    }

    pub(super) fn in_use(&self) -> &Result<Open, Error> {
        self.of(self.choice.store)
    }

    /// What to do next, the most likely first.
    pub(super) fn hints(&self) -> Vec<Hint> {
        let other = self.choice.store.other();
        let name = say::store(other);
        match (self.in_use(), self.of(other)) {
            (Ok(_), Ok(Open { credentials, .. })) if *credentials > 0 => vec![
                format!(
                    "{name} holds {}: kubectl regcred keychain migrate",
                    say::credentials(*credentials)
                )
                .into(),
            ],
            (Ok(_), _) => Vec::new(),
            (Err(error), found) => {
                let is_there = found
                    .as_ref()
                    .map_or_else(|error| Trouble::of(error) == Trouble::Locked, |_| true);
                let switch = CommandLine::new("kubectl regcred keychain use").value("KEYCHAIN", other.as_str());
                let mut hints = error.hints();
                hints.retain(|hint| !is_there || hint.command() != Some(&switch));
                if is_there {
                    // What is locked can be opened; what is not there has to be replaced.
                    let at = if Trouble::of(error) == Trouble::Locked {
                        hints.len()
                    } else {
                        0
                    };
                    hints.insert(at, format!("{name} is here: {switch}").into());
                }
                hints
            }
        }
    }
}
