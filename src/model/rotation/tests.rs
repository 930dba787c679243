//! The order of the steps, with kills after every one of them, twice.

use std::collections::BTreeSet;

use super::*;

const TARGETS: usize = 3;

/// A model of a registry, a keychain and Secrets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct World {
    old_lives: bool,
    new_lives: bool,
    /// A token that was created but whose value is not known.
    orphan: bool,
    phase: Option<Phase>,
    current_is_new: bool,
    has_new: bool,
    secrets: [bool; TARGETS],
}

impl World {
    fn new(rules: Rules) -> Self {
        Self {
            old_lives: true,
            new_lives: !rules.mints,
            orphan: false,
            phase: None,
            current_is_new: false,
            has_new: false,
            secrets: [false; TARGETS],
        }
    }

    fn lives(&self, version: TokenVersion) -> bool {
        match version {
            TokenVersion::Old => self.old_lives,
            TokenVersion::New => self.new_lives,
        }
    }

    /// The invariant: every reader gets a token that works.
    fn check(&self, after: &str) {
        let works = |is_new: bool| if is_new { self.new_lives } else { self.old_lives };
        assert!(works(self.current_is_new), "keychain after {after}: {self:?}");
        assert!(
            self.secrets.iter().all(|is_new| works(*is_new)),
            "Secrets after {after}: {self:?}"
        );
        // Every valid token can still be revoked: it, or its name, is in the keychain.
        let known = self.phase == Some(Phase::Minting) || !self.orphan;
        assert!(known, "an unknown token after {after}: {self:?}");
    }

    /// All states that a kill during or right after the step can leave. The last is the completed step.
    fn after(&self, step: Step, rules: Rules) -> Vec<Self> {
        let mut next = self.clone();
        match step {
            Step::Verify(version) => assert!(self.lives(version), "{step:?} in {self:?}"),
            Step::Restart => {}
            Step::Sweep => next.orphan = false,
            Step::Mint => {
                assert!(!self.orphan, "a second orphan: {self:?}");
                next.orphan = true;
            }
            Step::Store(phase) => {
                if phase == Phase::Writing && rules.mints && !self.has_new {
                    assert!(self.orphan);
                    (next.orphan, next.new_lives) = (false, true);
                }
                next.phase = Some(phase);
                next.has_new = phase.has_new();
                next.current_is_new = phase.current() == TokenVersion::New;
            }
            Step::Write(version) => {
                // Each Secret is the last one before a kill in some order, which covers all relevant subsets.
                let mut states = Vec::new();
                for subset in 0..1 << TARGETS {
                    let mut state = self.clone();
                    for (at, secret) in state.secrets.iter_mut().enumerate() {
                        if subset & (1 << at) != 0 {
                            *secret = version == TokenVersion::New;
                        }
                    }
                    states.push(state);
                }
                return states;
            }
            Step::Check(version) => {
                assert!(
                    self.secrets
                        .iter()
                        .all(|is_new| *is_new == (version == TokenVersion::New)),
                    "{self:?}"
                );
            }
            Step::Revoke(TokenVersion::Old) => next.old_lives = false,
            Step::Revoke(TokenVersion::New) => next.new_lives = false,
            Step::End => {
                next.phase = None;
                next.has_new = false;
            }
        }
        vec![next]
    }

    /// Runs all steps and returns all states; the last is the final one.
    fn run(&self, direction: Direction, rules: Rules) -> Vec<Self> {
        let mut direction = direction;
        if direction == Direction::Back && self.phase.is_some_and(|phase| phase == Phase::Revoking) && !self.old_lives {
            assert_eq!(
                refused(self.phase, TokenVersion::Old, self.new_lives),
                RefusalAction::Finish
            );
            direction = Direction::Forward;
        }
        let mut states = vec![self.clone()];
        for step in steps(self.phase, direction, rules) {
            let before = states.last().unwrap().clone();
            for state in before.after(step, rules) {
                state.check(&format!("{step:?} ({direction:?} from {:?})", self.phase));
                states.push(state);
            }
        }
        states
    }
}

fn all_rules() -> [Rules; 4] {
    [(false, false), (false, true), (true, false), (true, true)].map(|(mints, keeps)| Rules { mints, keeps })
}

#[test]
fn killed_twice_anywhere_everything_has_a_token() {
    let mut runs = 0;
    for rules in all_rules() {
        let mut open: BTreeSet<World> = World::new(rules).run(Direction::Forward, rules).into_iter().collect();
        let mut seen = BTreeSet::new();
        while let Some(state) = open.pop_first() {
            if state.phase.is_none() || !seen.insert(state.clone()) {
                continue;
            }
            // The other token may or may not be kept at the end.
            let ways = [Direction::Forward, Direction::Back].map(|direction| [(direction, false), (direction, true)]);
            for (direction, keeps) in ways.into_iter().flatten() {
                let rules = Rules { keeps, ..rules };
                let states = state.run(direction, rules);
                let end = states.last().unwrap();
                assert_eq!((end.phase, end.orphan), (None, false), "{direction:?} from {state:?}");
                // All Secrets hold the same token; the other one is valid only if it should be.
                assert!(
                    end.secrets.iter().all(|is_new| *is_new == end.current_is_new),
                    "{end:?}"
                );
                let given_up = if end.current_is_new {
                    end.old_lives
                } else {
                    end.new_lives
                };
                if !rules.keeps && (rules.mints || end.current_is_new) {
                    assert!(!given_up, "{direction:?} from {state:?}");
                }
                open.extend(states);
                runs += 1;
            }
        }
    }
    assert!(runs > 100, "{runs}");
}

#[test]
fn the_old_token_is_revoked_last_after_a_second_check() {
    for rules in all_rules() {
        let steps = steps(None, Direction::Forward, rules);
        let at = |step| steps.iter().rposition(|one| *one == step);
        assert_eq!(at(Step::Revoke(TokenVersion::Old)).is_some(), !rules.keeps);
        if let Some(revoke) = at(Step::Revoke(TokenVersion::Old)) {
            assert_eq!(steps[revoke + 1..], [Step::End]);
            assert_eq!(
                steps[revoke - 2..revoke],
                [Step::Check(TokenVersion::New), Step::Store(Phase::Revoking)]
            );
        }
        assert!(at(Step::Check(TokenVersion::New)) > at(Step::Store(Phase::Promoted)));
        assert!(at(Step::Verify(TokenVersion::New)) < at(Step::Write(TokenVersion::New)));
    }
}

#[test]
fn a_given_token_is_not_revoked_by_an_abort() {
    let rules = Rules {
        mints: false,
        keeps: false,
    };
    for phase in [Phase::Writing, Phase::Promoted, Phase::Revoking] {
        assert!(!steps(Some(phase), Direction::Back, rules).contains(&Step::Revoke(TokenVersion::New)));
    }
    assert!(steps(None, Direction::Back, rules).is_empty());
}

#[test]
fn a_refused_token_stops_or_ends_the_rotation() {
    assert_eq!(refused(None, TokenVersion::New, true), RefusalAction::Stop);
    assert_eq!(
        refused(Some(Phase::Writing), TokenVersion::New, true),
        RefusalAction::Stop
    );
    assert_eq!(
        refused(Some(Phase::Promoted), TokenVersion::Old, true),
        RefusalAction::Stop
    );
    assert_eq!(
        refused(Some(Phase::Revoking), TokenVersion::Old, true),
        RefusalAction::Finish
    );
    assert_eq!(
        refused(Some(Phase::Writing), TokenVersion::Old, false),
        RefusalAction::GiveUp
    );
}

#[test]
fn phases_have_names() {
    for (phase, word) in Phase::WORDS {
        assert_eq!((phase.as_str(), word.parse()), (word, Ok(phase)));
    }
    assert_eq!("done".parse::<Phase>(), Err(PhaseError));
}
