//! The order of the steps, killed after every one of them, twice.

use std::collections::BTreeSet;

use super::*;

const TARGETS: usize = 3;

/// A registry, a keychain and Secrets, as far as a rotation touches them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
struct World {
    old_lives: bool,
    new_lives: bool,
    /// One that was made and whose value nobody knows.
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

    fn lives(&self, which: Which) -> bool {
        match which {
            Which::Old => self.old_lives,
            Which::New => self.new_lives,
        }
    }

    /// The promise: whoever asks at this moment gets a token that works.
    fn check(&self, after: &str) {
        let works = |is_new: bool| if is_new { self.new_lives } else { self.old_lives };
        assert!(works(self.current_is_new), "keychain after {after}: {self:?}");
        assert!(
            self.secrets.iter().all(|is_new| works(*is_new)),
            "Secrets after {after}: {self:?}"
        );
        // What is alive can be revoked by somebody: it is in the keychain, or its name is.
        let known = self.phase == Some(Phase::Minting) || !self.orphan;
        assert!(known, "an unknown token after {after}: {self:?}");
    }

    /// Every state that a kill in the middle of the step, or right after it, can leave. The last is its end.
    fn after(&self, step: Step, rules: Rules) -> Vec<Self> {
        let mut next = self.clone();
        match step {
            Step::Prove(which) => assert!(self.lives(which), "{step:?} in {self:?}"),
            Step::Restart => {}
            Step::Sweep => next.orphan = false,
            Step::Mint => {
                assert!(!self.orphan, "a second orphan: {self:?}");
                next.orphan = true;
            }
            Step::Keep(phase) => {
                if phase == Phase::Writing && rules.mints && !self.has_new {
                    assert!(self.orphan);
                    (next.orphan, next.new_lives) = (false, true);
                }
                next.phase = Some(phase);
                next.has_new = phase.has_new();
                next.current_is_new = phase.current() == Which::New;
            }
            Step::Write(which) => {
                // In any order: that each is the last one before the kill covers every subset that matters.
                let mut states = Vec::new();
                for subset in 0..1 << TARGETS {
                    let mut state = self.clone();
                    for (at, secret) in state.secrets.iter_mut().enumerate() {
                        if subset & (1 << at) != 0 {
                            *secret = which == Which::New;
                        }
                    }
                    states.push(state);
                }
                return states;
            }
            Step::Check(which) => {
                assert!(
                    self.secrets.iter().all(|is_new| *is_new == (which == Which::New)),
                    "{self:?}"
                );
            }
            Step::Revoke(Which::Old) => next.old_lives = false,
            Step::Revoke(Which::New) => next.new_lives = false,
            Step::Forget => {
                next.phase = None;
                next.has_new = false;
            }
        }
        vec![next]
    }

    /// Runs to the end, and gives every state on the way; the last is the end.
    fn run(&self, way: Way, rules: Rules) -> Vec<Self> {
        let mut way = way;
        if way == Way::Back && self.phase.is_some_and(|phase| phase == Phase::Revoking) && !self.old_lives {
            assert_eq!(refused(self.phase, Which::Old, self.new_lives), Instead::Finish);
            way = Way::Forward;
        }
        let mut states = vec![self.clone()];
        for step in steps(self.phase, way, rules) {
            let before = states.last().unwrap().clone();
            for state in before.after(step, rules) {
                state.check(&format!("{step:?} ({way:?} from {:?})", self.phase));
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
fn killed_anywhere_and_again_anywhere_nothing_is_without_a_token() {
    let mut runs = 0;
    for rules in all_rules() {
        let mut open: BTreeSet<World> = World::new(rules).run(Way::Forward, rules).into_iter().collect();
        let mut seen = BTreeSet::new();
        while let Some(state) = open.pop_first() {
            if state.phase.is_none() || !seen.insert(state.clone()) {
                continue;
            }
            // Whoever finishes it may decide to keep the other token, or not to.
            let ways = [Way::Forward, Way::Back].map(|way| [(way, false), (way, true)]);
            for (way, keeps) in ways.into_iter().flatten() {
                let rules = Rules { keeps, ..rules };
                let states = state.run(way, rules);
                let end = states.last().unwrap();
                assert_eq!((end.phase, end.orphan), (None, false), "{way:?} from {state:?}");
                // All on one side: the other token is alive only where that is right.
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
                    assert!(!given_up, "{way:?} from {state:?}");
                }
                open.extend(states);
                runs += 1;
            }
        }
    }
    assert!(runs > 100, "{runs}");
}

#[test]
fn the_old_token_dies_last_and_only_after_a_second_look() {
    for rules in all_rules() {
        let steps = steps(None, Way::Forward, rules);
        let at = |step| steps.iter().rposition(|one| *one == step);
        assert_eq!(at(Step::Revoke(Which::Old)).is_some(), !rules.keeps);
        if let Some(revoke) = at(Step::Revoke(Which::Old)) {
            assert_eq!(steps[revoke + 1..], [Step::Forget]);
            assert_eq!(
                steps[revoke - 2..revoke],
                [Step::Check(Which::New), Step::Keep(Phase::Revoking)]
            );
        }
        assert!(at(Step::Check(Which::New)) > at(Step::Keep(Phase::Promoted)));
        assert!(at(Step::Prove(Which::New)) < at(Step::Write(Which::New)));
    }
}

#[test]
fn a_token_that_was_given_is_not_revoked_on_the_way_back() {
    let rules = Rules {
        mints: false,
        keeps: false,
    };
    for phase in [Phase::Writing, Phase::Promoted, Phase::Revoking] {
        assert!(!steps(Some(phase), Way::Back, rules).contains(&Step::Revoke(Which::New)));
    }
    assert!(steps(None, Way::Back, rules).is_empty());
}

#[test]
fn a_dead_token_ends_what_cannot_be_done_with_it() {
    assert_eq!(refused(None, Which::New, true), Instead::Stop);
    assert_eq!(refused(Some(Phase::Writing), Which::New, true), Instead::Stop);
    assert_eq!(refused(Some(Phase::Promoted), Which::Old, true), Instead::Stop);
    assert_eq!(refused(Some(Phase::Revoking), Which::Old, true), Instead::Finish);
    assert_eq!(refused(Some(Phase::Writing), Which::Old, false), Instead::GiveUp);
}

#[test]
fn phases_have_words() {
    for (phase, word) in Phase::WORDS {
        assert_eq!((phase.as_str(), word.parse()), (word, Ok(phase)));
    }
    assert_eq!("done".parse::<Phase>(), Err(PhaseError));
}
