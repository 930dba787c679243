//! Changing a token everywhere so that nothing is ever without one: the phases, and the steps between them. Pure.
//!
//! Two tokens are alive from the moment that the new one is kept until the moment that one of them is revoked. What
//! makes a kill harmless is the order of the steps: a token is kept before a Secret holds it, and no Secret holds a
//! token any more when it is revoked. The tests below kill it after every step, twice.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// How far a rotation is, as the keychain has it beside the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// A new token is being made at the registry, and nobody knows its value yet.
    Minting,
    /// Secrets hold the old token or the new one. The old one is current.
    Writing,
    /// Every Secret holds the new token, which is current.
    Promoted,
    /// The same, and the old token may be dead already.
    Revoking,
    /// Gone back: no Secret holds the new token, which may be dead already. The old one is current.
    Reverted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no such phase of a rotation")]
pub struct PhaseError;

/// One of the two tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one that there was.
    Old,
    /// The one that takes its place.
    New,
}

/// Where to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the new token: a rotation, and `--resume`.
    Forward,
    /// To the old one: `--abort`.
    Back,
}

/// What a rotation does besides writing Secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The new token is made for this rotation. One that was given belongs to whoever gave it, and is never revoked.
    pub mints: bool,
    /// The token that is no longer used stays alive.
    pub keeps: bool,
}

/// One thing to do. Each can be done again after a kill in the middle of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Sees that the registry accepts the token.
    Prove(Which),
    /// Deletes what an earlier attempt to make the new token may have left at the registry.
    Sweep,
    Mint,
    /// Keeps this phase, and the tokens that belong to it, in one write.
    Keep(Phase),
    /// Makes every Secret hold the token.
    Write(Which),
    /// Reads every Secret back, and sees that none holds another than this.
    Check(Which),
    Restart,
    /// Kills the token at the registry.
    Revoke(Which),
    /// Forgets the rotation, and with it the token that is not current.
    Forget,
}

/// What to do where a token that was to be proved is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Instead {
    /// Stop. Nothing was changed by that.
    Stop,
    /// Going back is not possible any more: finish the rotation.
    Finish,
    /// Neither token is any good: forget the rotation, so that another token can be stored.
    GiveUp,
}

impl Phase {
    const WORDS: [(Self, &'static str); 5] = [
        (Self::Minting, "minting"),
        (Self::Writing, "writing"),
        (Self::Promoted, "promoted"),
        (Self::Revoking, "revoking"),
        (Self::Reverted, "reverted"),
    ];

    /// The word for it in the keychain and in documents.
    pub fn as_str(self) -> &'static str {
        let word = Self::WORDS.iter().find(|(phase, _)| *phase == self);
        word.map_or("", |(_, word)| word)
    }

    /// Which of the two tokens whoever asks the keychain gets.
    pub fn current(self) -> Which {
        match self {
            Self::Minting | Self::Writing | Self::Reverted => Which::Old,
            Self::Promoted | Self::Revoking => Which::New,
        }
    }

    /// Whether the keychain has a new token.
    pub fn has_new(self) -> bool {
        self != Self::Minting
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Phase {
    type Err = PhaseError;

    fn from_str(text: &str) -> Result<Self, PhaseError> {
        let word = Self::WORDS.iter().find(|(_, word)| *word == text);
        word.map(|(phase, _)| *phase).ok_or(PhaseError)
    }
}

impl fmt::Display for Which {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Old => "old",
            Self::New => "new",
        })
    }
}

/// All that is left to do from a phase on; `None` is before the first write.
pub fn steps(from: Option<Phase>, way: Way, rules: Rules) -> Vec<Step> {
    match (way, from) {
        // What has begun to go back goes back.
        (Way::Back, _) | (Way::Forward, Some(Phase::Reverted)) => back(from, rules),
        (Way::Forward, _) => forward(from, rules),
    }
}

fn forward(from: Option<Phase>, rules: Rules) -> Vec<Step> {
    use Step::{Check, Forget, Keep, Mint, Prove, Restart, Revoke, Sweep, Write};
    use Which::{New, Old};
    let obtain = match from {
        None if rules.mints => vec![Keep(Phase::Minting), Mint, Keep(Phase::Writing), Prove(New)],
        // A token that does not work is not kept.
        None => vec![Prove(New), Keep(Phase::Writing)],
        Some(Phase::Minting) => vec![Sweep, Mint, Keep(Phase::Writing), Prove(New)],
        // A day may have passed: the token can have been revoked, and Secrets can have been written by others.
        Some(_) => vec![Prove(New)],
    };
    let write = vec![Write(New), Check(New)];
    let promote = match from {
        Some(Phase::Promoted | Phase::Revoking) => vec![],
        _ => vec![Keep(Phase::Promoted)],
    };
    // Following a rollout takes minutes, in which Secrets can be written by others.
    let restart = vec![Restart, Check(New)];
    let revoke = match from {
        _ if rules.keeps => vec![],
        Some(Phase::Revoking) => vec![Revoke(Old)],
        _ => vec![Keep(Phase::Revoking), Revoke(Old)],
    };
    [obtain, write, promote, restart, revoke, vec![Forget]].concat()
}

fn back(from: Option<Phase>, rules: Rules) -> Vec<Step> {
    use Step::{Check, Forget, Keep, Prove, Revoke, Sweep, Write};
    use Which::{New, Old};
    // A token that was given is not ours to revoke.
    let revokes = rules.mints && !rules.keeps;
    let write = match from {
        None => return vec![],
        Some(Phase::Minting) => return vec![Sweep, Forget],
        Some(Phase::Writing) => vec![Prove(Old), Write(Old), Check(Old)],
        // The old one is current again before a Secret gets it.
        Some(Phase::Promoted | Phase::Revoking) => {
            vec![Prove(Old), Keep(Phase::Writing), Write(Old), Check(Old)]
        }
        Some(Phase::Reverted) => vec![],
    };
    let revoke = match from {
        _ if !revokes => vec![],
        Some(Phase::Reverted) => vec![Revoke(New)],
        _ => vec![Keep(Phase::Reverted), Revoke(New)],
    };
    [write, revoke, vec![Forget]].concat()
}

/// What to do where the registry refuses `which` of the tokens; `other_works` says whether it accepts the other one.
pub fn refused(at: Option<Phase>, which: Which, other_works: bool) -> Instead {
    match (which, at, other_works) {
        // It was this rotation that revoked it.
        (Which::Old, Some(Phase::Revoking), true) => Instead::Finish,
        (Which::Old, Some(_), false) => Instead::GiveUp,
        _ => Instead::Stop,
    }
}

#[cfg(test)]
mod tests;
