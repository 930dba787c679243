//! The phases and steps of a rotation, which replaces a token everywhere without an interruption. Pure.
//!
//! Both tokens are valid from storing the new one until one of them is revoked. A kill at any point is harmless because
//! of the order of the steps: a token is stored before it is written to a Secret, and revoked only when no Secret holds
//! it any more. The tests below interrupt it after every step, twice.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The progress of a rotation, which the keychain stores with the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// The new token is being created at the registry; its value is not known yet.
    Minting,
    /// Secrets hold either token. The old one is current.
    Writing,
    /// Every Secret holds the new token, which is current.
    Promoted,
    /// Like `Promoted`, but the old token may already be revoked.
    Revoking,
    /// Aborted: no Secret holds the new token, which may already be revoked. The old one is current.
    Reverted,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("no such phase of a rotation")]
pub struct PhaseError;

/// One of the two tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenVersion {
    /// The token before the rotation.
    Old,
    /// The token that replaces it.
    New,
}

/// The direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// To the new token: a rotation or `--resume`.
    Forward,
    /// To the old token: `--abort`.
    Back,
}

/// Options of a rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// The new token is created for this rotation. A token that the user has given is never revoked.
    pub mints: bool,
    /// The unused token is not revoked.
    pub keeps: bool,
}

/// A step. Each can be repeated after being killed in the middle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Verifies that the registry accepts the token.
    Verify(TokenVersion),
    /// Deletes a token that an earlier attempt to create one may have left at the registry.
    Sweep,
    Mint,
    /// Stores this phase with its tokens in one write.
    Store(Phase),
    /// Writes the token to all Secrets.
    Write(TokenVersion),
    /// Reads all Secrets back and verifies that they hold this token.
    Check(TokenVersion),
    Restart,
    /// Revokes the token at the registry.
    Revoke(TokenVersion),
    /// Ends the rotation and deletes the token that is not current from the keychain.
    End,
}

/// What to do if the registry refuses a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalAction {
    /// Stop; nothing was changed.
    Stop,
    /// An abort is no longer possible: finish the rotation.
    Finish,
    /// Neither token works: end the rotation, so that another token can be stored.
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

    /// The name in the keychain and in output documents.
    pub fn as_str(self) -> &'static str {
        let word = Self::WORDS.iter().find(|(phase, _)| *phase == self);
        word.map_or("", |(_, word)| word)
    }

    /// The token that readers of the keychain get.
    pub fn current(self) -> TokenVersion {
        match self {
            Self::Minting | Self::Writing | Self::Reverted => TokenVersion::Old,
            Self::Promoted | Self::Revoking => TokenVersion::New,
        }
    }

    /// Whether the new token is stored.
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

impl fmt::Display for TokenVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Old => "old",
            Self::New => "new",
        })
    }
}

/// The remaining steps from a phase on; `None` is before the first write.
pub fn steps(from: Option<Phase>, direction: Direction, rules: Rules) -> Vec<Step> {
    match (direction, from) {
        // What has begun to go back goes back.
        (Direction::Back, _) | (Direction::Forward, Some(Phase::Reverted)) => back(from, rules),
        (Direction::Forward, _) => forward(from, rules),
    }
}

fn forward(from: Option<Phase>, rules: Rules) -> Vec<Step> {
    use Step::{Check, End, Mint, Restart, Revoke, Store, Sweep, Verify, Write};
    use TokenVersion::{New, Old};
    let obtain = match from {
        None if rules.mints => vec![Store(Phase::Minting), Mint, Store(Phase::Writing), Verify(New)],
        // A token that does not work is not kept.
        None => vec![Verify(New), Store(Phase::Writing)],
        Some(Phase::Minting) => vec![Sweep, Mint, Store(Phase::Writing), Verify(New)],
        // A day may have passed: the token can have been revoked, and Secrets can have been written by others.
        Some(_) => vec![Verify(New)],
    };
    let write = vec![Write(New), Check(New)];
    let promote = match from {
        Some(Phase::Promoted | Phase::Revoking) => vec![],
        _ => vec![Store(Phase::Promoted)],
    };
    // Following a rollout takes minutes, in which Secrets can be written by others.
    let restart = vec![Restart, Check(New)];
    let revoke = match from {
        _ if rules.keeps => vec![],
        Some(Phase::Revoking) => vec![Revoke(Old)],
        _ => vec![Store(Phase::Revoking), Revoke(Old)],
    };
    [obtain, write, promote, restart, revoke, vec![End]].concat()
}

fn back(from: Option<Phase>, rules: Rules) -> Vec<Step> {
    use Step::{Check, End, Revoke, Store, Sweep, Verify, Write};
    use TokenVersion::{New, Old};
    // A token that was given is not ours to revoke.
    let revokes = rules.mints && !rules.keeps;
    let write = match from {
        None => return vec![],
        Some(Phase::Minting) => return vec![Sweep, End],
        Some(Phase::Writing) => vec![Verify(Old), Write(Old), Check(Old)],
        // The old one is current again before a Secret gets it.
        Some(Phase::Promoted | Phase::Revoking) => {
            vec![Verify(Old), Store(Phase::Writing), Write(Old), Check(Old)]
        }
        Some(Phase::Reverted) => vec![],
    };
    let revoke = match from {
        _ if !revokes => vec![],
        Some(Phase::Reverted) => vec![Revoke(New)],
        _ => vec![Store(Phase::Reverted), Revoke(New)],
    };
    [write, revoke, vec![End]].concat()
}

/// What to do if the registry refuses one of the tokens; `other_works` tells whether it accepts the other one.
pub fn refused(at: Option<Phase>, version: TokenVersion, other_works: bool) -> RefusalAction {
    match (version, at, other_works) {
        // This rotation has revoked it.
        (TokenVersion::Old, Some(Phase::Revoking), true) => RefusalAction::Finish,
        (TokenVersion::Old, Some(_), false) => RefusalAction::GiveUp,
        _ => RefusalAction::Stop,
    }
}

#[cfg(test)]
mod tests;
