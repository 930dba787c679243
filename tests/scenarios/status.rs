//! `status`: every code by something that is out of step, and gone once the command that it prints was run.

mod clusters;
mod docker;
pub mod documents;
mod objects;
pub mod place;
mod pods;
mod screens;
mod workstation;

use std::collections::BTreeSet;

use libtest_mimic::Trial;
use regcred::commands::status::Code;

use super::main_job::missing_parts;
use crate::support::part::{missing, trial, trial_with};
use place::{Parts, Place};

/// What is out of step: the code that says so, a name, the parts that it can be played on, and the scenario.
type Case = (Code, &'static str, Parts, fn(&mut Place));

fn cases() -> Vec<Case> {
    [workstation::CASES, docker::CASES, clusters::CASES, pods::CASES].concat()
}

pub fn trials() -> Vec<Trial> {
    let real = [missing_parts(), missing(&["sh", "git", "kubectl"])].concat();
    let mut trials = vec![trial("status/every code has a scenario", every_code_has_a_scenario)];
    trials.extend(documents::trials());
    trials.extend(screens::trials(&real));
    for (code, name, parts, run) in cases() {
        if parts != Parts::Real {
            trials.push(trial(&format!("status/doubles/{code}: {name}"), move || {
                run(&mut Place::of_doubles());
            }));
        }
        if parts != Parts::Doubles {
            trials.push(trial_with(&format!("status/real/{code}: {name}"), &real, move || {
                run(&mut Place::of_real_parts());
            }));
        }
    }
    trials
}

fn every_code_has_a_scenario() {
    let played: BTreeSet<&str> = cases().iter().map(|(code, ..)| code.as_str()).collect();
    let all: BTreeSet<&str> = Code::all().map(Code::as_str).collect();
    assert_eq!(played, all);
}
