//! Two machines with the same token: one is stopped half-way in its rotation, the other does what it does, and the first one
//! goes on or back.

use std::collections::BTreeSet;

use regcred::model::Use;

use super::fixture::{PASSWORD, Rotation};
use crate::support::gate::Manner;
use crate::support::part::is_in_sample;
use crate::support::world::{Ran, World};

const ROTATE: &str = "--mint --password-stdin";
/// What the other machine does meanwhile.
const THEIRS: [&str; 3] = [
    "rotate [REGISTRY] --use cluster --mint --password-stdin",
    "sync -A",
    "logout [REGISTRY] --revoke --password-stdin",
];

/// Every Secret has a token that the registry accepts right now.
fn check(rotation: &Rotation, when: &str) {
    for namespace in &rotation.namespaces {
        let held = rotation.held(namespace).unwrap();
        assert!(rotation.works(&held), "{when}: the token in {namespace} is dead");
    }
}

scenario!(one_stops_half_way_and_the_other_goes_on);
fn one_stops_half_way_and_the_other_goes_on() {
    let unharmed = Rotation::new(World::of_doubles(), Use::Cluster);
    unharmed.rotate(ROTATE).done();
    let points = unharmed.world.gate.crossed();
    let mut number = 0;
    for (at, what) in points.iter().enumerate() {
        for theirs in THEIRS {
            for way in ["--resume", "--abort"] {
                number += 1;
                // 7 has no factor in common with the commands, so that the sample has all of them.
                if is_in_sample(number) && (number % 7 == 0 || crate::support::part::is_exhaustive()) {
                    both(at, theirs, way, what);
                }
            }
        }
    }
}

fn both(at: usize, theirs: &str, way: &str, what: &str) {
    let mut rotation = Rotation::new(World::of_doubles(), Use::Cluster);
    let mut bobs = rotation.world.another_desk("bob@laptop");
    rotation.world.go_to(&mut bobs);
    let login = "login [REGISTRY] -u admin --use cluster --token-stdin --no-verify";
    rotation.world.regcred_with(login, &rotation.old).done();
    rotation.world.go_to(&mut bobs);
    let mut when = format!("one machine stopped {what}");
    rotation.world.gate.open();
    rotation.world.gate.stop_at(at, Manner::Fail);
    let ran = rotation.rotate(ROTATE);
    assert!(rotation.world.gate.is_stopped() && ran.code != 0, "{when}: {ran}");
    rotation.world.gate.open();
    check(&rotation, &when);

    rotation.world.go_to(&mut bobs);
    when = format!("{when}, the other did {theirs}");
    let second: Ran = rotation.world.regcred_with(theirs, &format!("{PASSWORD}\n"));
    check(&rotation, &format!("{when}\n{second}"));
    let bobs_keychain = rotation.world.keychain().read(&rotation.name()).unwrap();

    rotation.world.go_to(&mut bobs);
    when = format!("{when}, the first one {way}");
    let first = rotation.rotate(&format!("{way} --password-stdin"));
    check(&rotation, &format!("{when}\n{second}{first}"));
    let again = rotation.rotate(&format!("{way} --password-stdin"));
    check(&rotation, &format!("{when}, twice\n{first}{again}"));

    // If nobody is told that something is left to do, nothing is.
    if first.code == 0 && second.code == 0 && rotation.kept().rotation.is_none() {
        let secrets = rotation.all_held().into_iter();
        let kept = bobs_keychain.map(|credential| credential.token.expose().to_owned());
        let mut needed: BTreeSet<String> = secrets.chain(kept).chain([rotation.served()]).collect();
        needed.retain(|token| rotation.works(token));
        assert_eq!(rotation.alive(), needed.len(), "{when}\n{second}{first}");
    }
}
