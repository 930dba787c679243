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
    use Phase as P;
    use Step::{Check, Forget, Keep, Mint, Prove, Restart, Revoke, Sweep, Write};
    use Which::{New, Old};
    // Whoever waits a day before resuming may meet Secrets that were written in between, and a token that was revoked.
    let distribute = [Prove(New), Write(New), Check(New)];
    let mut steps = Vec::new();
    match (way, from) {
        // What has begun to go back goes back.
        (_, Some(P::Reverted)) => {}
        (Way::Forward, _) => {
            match from {
                None if rules.mints => steps.extend([Keep(P::Minting), Mint, Keep(P::Writing)]),
                Some(P::Minting) => steps.extend([Sweep, Mint, Keep(P::Writing)]),
                // A token that does not work is not kept.
                None => steps.extend([Prove(New), Keep(P::Writing)]),
                Some(_) => {}
            }
            steps.extend(distribute.into_iter().skip(usize::from(from.is_none() && !rules.mints)));
            if !matches!(from, Some(P::Promoted | P::Revoking)) {
                steps.push(Keep(P::Promoted));
            }
            // Following a rollout takes minutes, in which Secrets can be written by others.
            steps.extend([Restart, Check(New)]);
            if !rules.keeps {
                steps.extend((from != Some(P::Revoking)).then_some(Keep(P::Revoking)));
                steps.push(Revoke(Old));
            }
            steps.push(Forget);
            return steps;
        }
        (Way::Back, None) => return steps,
        (Way::Back, Some(P::Minting)) => return vec![Sweep, Forget],
        (Way::Back, Some(phase)) => {
            steps.push(Prove(Old));
            if phase != P::Writing {
                // The old one is current again before a Secret gets it.
                steps.push(Keep(P::Writing));
            }
            steps.extend([Write(Old), Check(Old)]);
            if rules.mints && !rules.keeps {
                steps.push(Keep(P::Reverted));
            }
        }
    }
    if rules.mints && !rules.keeps {
        steps.push(Revoke(New));
    }
    steps.push(Forget);
    steps
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
