//! gnome-keyring, killed and locked between two calls of a rotation.

use regcred::model::Use;

use super::Row;
use crate::rotate::fixture::{PASSWORD, Rotation};
use crate::support::gate::Manner;
use crate::support::keyring::PASSWORD as PASSWORD_OF_KEYRING;
use crate::support::part::is_exhaustive;
use crate::support::parts::REAL_PARTS;
use crate::support::world::World;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    Killed,
    Locked,
}

const THEN: &str =
    "what it stored before is there; every Secret has a token that works; `--resume` or `--abort` ends it";

pub const ROWS: [Row; 2] = [
    Row {
        fault: "gnome-keyring is killed",
        when: "`rotate --mint`: before and after what it writes to the keychain, every third time",
        times: 4,
        says: "went away / no secret service is on",
        then: THEN,
    },
    Row {
        fault: "gnome-keyring is locked",
        when: "the same",
        times: 4,
        says: "the keyring is locked",
        then: THEN,
    },
];

/// What is counted: both ends of each write.
const WRITE: &str = "keychain write";

scenario!(between_two_calls, needs(REAL_PARTS));
fn between_two_calls() {
    let mut rotation = Rotation::new(World::of_gated_parts(), Use::Cluster);
    let line = format!("{} --mint --password-stdin --plain-http", rotation.flags());
    rotation.rotate(&line).done();
    let points = rotation.world.gate.crossed();
    let points = points.iter().filter(|point| point.contains(WRITE)).count();
    for (shift, (fault, row)) in [Fault::Killed, Fault::Locked].into_iter().zip(&ROWS).enumerate() {
        let mut times = 0;
        for number in (0..points).filter(|number| (number + shift).is_multiple_of(3) || is_exhaustive()) {
            let way = ["--resume", "--abort"][times % 2];
            rotation.again();
            strike(&mut rotation, fault, row, number, &line, way);
            times += 1;
        }
        row.check_times(times);
    }
}

fn strike(rotation: &mut Rotation, fault: Fault, row: &Row, number: usize, line: &str, way: &str) {
    let lock = rotation.world.keyring().locker();
    let daemon = rotation.world.keyring().daemon().process();
    rotation
        .world
        .gate
        .strike_at((number, WRITE), Manner::Pass, move || match fault {
            Fault::Killed => daemon.kill(),
            Fault::Locked => lock(),
        });
    let usage = rotation.usage;
    let ran = rotation.world.regcred_with(
        &format!("rotate [REGISTRY] --use {usage} {line}"),
        &format!("{PASSWORD}\n"),
    );
    let when = format!("{fault:?} at {number}, then {way}: {ran}");
    assert!(!rotation.world.gate.is_armed(), "{when}");
    rotation.world.gate.open();
    let keyring = rotation.world.keyring();
    // gnome-keyring 42.1 does not always live through being locked.
    let is_dead = keyring.has_ended();
    if is_dead {
        keyring.kill_daemon();
        keyring.start_daemon(Some(PASSWORD_OF_KEYRING));
    } else {
        keyring.unlock();
    }
    let row = if is_dead { &ROWS[0] } else { row };
    row.check_said(&ran, std::slice::from_ref(&rotation.old));
    rotation.check(&when);
    rotation.check_really(&when);
    rotation.end(way, true, &when);
    assert_eq!(rotation.alive(), 1, "{when}");
}
