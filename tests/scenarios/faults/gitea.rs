//! A real Gitea that is killed before and after it makes a token, and before and after it revokes one.

use regcred::model::Use;

use super::Row;
use crate::rotate::fixture::{PASSWORD, Rotation};
use crate::support::gate::Manner;
use crate::support::gitea::{Gitea, Settings};
use crate::support::part::is_exhaustive;
use crate::support::parts::{GITEA, REAL_PARTS};
use crate::support::world::World;

const AFTER_MAKING: &str = "after POST /api/v1/users/admin/tokens";
const BEFORE_MAKING: &str = "before POST /api/v1/users/admin/tokens";
const BEFORE_REVOKING: &str = "before DELETE /api/v1/";
const AFTER_REVOKING: &str = "after DELETE /api/v1/";
const WAYS: [&str; 2] = ["--resume", "--abort"];

const THEN: &str = "every Secret has a token that works; `--resume` or `--abort` ends it, with one token at Gitea";

pub const ROWS: [Row; 5] = [
    Row {
        fault: "Gitea is killed",
        when: "`rotate --mint`: before it makes the token",
        times: 1,
        says: "closed the connection",
        then: THEN,
    },
    Row {
        fault: "Gitea is killed",
        when: "`rotate --mint`: after it made the token, before it answers",
        times: 1,
        says: "closed the connection",
        then: THEN,
    },
    Row {
        fault: "Gitea is killed",
        when: "`rotate`: before it revokes the old token",
        times: 1,
        says: "closed the connection",
        then: THEN,
    },
    Row {
        fault: "Gitea is killed",
        when: "`rotate`: after it revoked the old token, before it answers",
        times: 1,
        says: "closed the connection",
        then: THEN,
    },
    Row {
        fault: "Gitea is killed",
        when: "`login --mint`: after it made the token, before it answers",
        times: 1,
        says: "closed the connection",
        then: "nothing is stored; the command said which token to delete",
    },
];

/// Kills it at this crossing. The request that it strikes gets no answer.
fn arm(gitea: &Gitea, gate: &crate::support::gate::Gate, what: &'static str) {
    let process = gitea.real().unwrap().process();
    gate.strike_at((0, what), Manner::Fail, move || process.kill());
}

scenario!(while_it_makes_and_revokes, needs(REAL_PARTS, GITEA));
fn while_it_makes_and_revokes() {
    let mut rotation = Rotation::new(World::of_real_gitea(Settings::default()).gated(), Use::Cluster);
    let points = [BEFORE_MAKING, AFTER_MAKING, BEFORE_REVOKING, AFTER_REVOKING];
    for (at, (point, row)) in points.into_iter().zip(&ROWS).enumerate() {
        let mut times = 0;
        for (number, way) in WAYS.into_iter().enumerate() {
            // Of each two points one is resumed, and the other one is taken back.
            if !is_exhaustive() && number != at % 2 {
                continue;
            }
            times += 1;
            rotation.again();
            let when = format!("killed {point}, then {way}");
            arm(&rotation.world.gitea, &rotation.world.gate, point);
            let line = format!("{} --mint --password-stdin --plain-http", rotation.flags());
            let ran = rotation.rotate(&line);
            assert!(!rotation.world.gate.is_armed(), "{when}: {ran}");
            row.check_said(&ran, std::slice::from_ref(&rotation.old));
            assert_eq!(ran.code, 1, "{when}: {ran}");
            rotation.world.gate.open();
            rotation.world.gitea.real().unwrap().restart();
            let when = format!("{when}: {ran}");
            rotation.check(&when);
            rotation.check_really(&when);
            rotation.end(way, true, &when);
            rotation.check_really(&when);
            assert_eq!(rotation.alive(), 1, "{when}");
        }
        row.check_times(times);
    }

    let row = &ROWS[4];
    rotation.again();
    let before = rotation.world.gitea.tokens("admin");
    arm(&rotation.world.gitea, &rotation.world.gate, AFTER_MAKING);
    let line = "login [REGISTRY] -u admin --mint --password-stdin --plain-http --token-name of-nobody";
    let ran = rotation.world.regcred_with(line, &format!("{PASSWORD}\n"));
    row.check_said(&ran, &[]);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stderr.contains("hint: look for of-nobody at "), "{ran}");
    rotation.world.gate.open();
    rotation.world.gitea.real().unwrap().restart();
    assert_eq!(rotation.world.kept(Use::Docker), None, "{ran}");
    rotation.check_ended("a login that failed");
    let mut after = rotation.world.gitea.tokens("admin");
    after.retain(|token| !before.contains(token));
    let names: Vec<_> = after.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["of-nobody"], "it was made: {ran}");
    row.check_times(1);
}
