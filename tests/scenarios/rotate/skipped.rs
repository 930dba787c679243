//! Secrets that are skipped: by the command that begins, by one that resumes, and by what is remembered of them.

use std::collections::BTreeMap;

use regcred::model::Use;
use serde_json::json;

use super::fixture::{Rotation, SECRET};
use crate::support::parts::{DOUBLES, REAL};
use crate::support::world::{Ran, World};

/// One Secret is skipped by its name and another by its namespace; a third one is not.
struct Skipping {
    rotation: Rotation,
    flags: String,
}

impl Skipping {
    fn new(world: World) -> Self {
        let rotation = Rotation::new(world, Use::Cluster);
        let [first, second, _] = &rotation.namespaces[..] else {
            panic!("three namespaces");
        };
        let flags = format!("--skip-secret {first}/{SECRET} --skip-namespace {second}");
        Self { rotation, flags }
    }

    fn rotate(&self, args: &str) -> Ran {
        let token = self.rotation.another_token();
        self.rotation.rotate_with(&format!("--token-stdin {args}"), &token)
    }

    /// Each token and how many of the three Secrets hold it.
    fn held(&self) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for token in self.rotation.all_held() {
            *counts.entry(token).or_default() += 1;
        }
        counts
    }

    fn expect(&self, expected: &[(&str, usize)], ran: &Ran) {
        let expected = expected.iter().map(|(token, count)| ((*token).to_owned(), *count));
        assert_eq!(self.held(), expected.collect(), "{ran}");
    }
}

scenario!(what_is_skipped_at_the_beginning_is_not_written, on(DOUBLES, REAL));
fn what_is_skipped_at_the_beginning_is_not_written(world: World) {
    let skipping = Skipping::new(world);
    let (rotation, flags) = (&skipping.rotation, &skipping.flags);
    let all = rotation.flags();
    for places in ["", "-A", &all] {
        let ran = skipping.rotate(&format!("--dry-run=client {flags} {places}"));
        assert_eq!(ran.code, 0, "{places}: {ran}");
        assert_eq!(
            ran.stdout.matches(" configured in namespace ").count(),
            1,
            "{places}: {ran}"
        );
    }
    let ran = skipping.rotate(&format!("--keep-old {flags}"));
    assert_eq!(ran.code, 0, "{ran}");
    skipping.expect(&[(&rotation.old, 2), (&rotation.served(), 1)], &ran);
}

scenario!(what_was_skipped_is_left_until_it_is_synced_again, on(DOUBLES, REAL));
fn what_was_skipped_is_left_until_it_is_synced_again(world: World) {
    let mut skipping = Skipping::new(world);
    let dead = skipping.rotation.old.clone();
    let ran = skipping.rotate(&skipping.flags);
    assert_eq!(ran.code, 0, "{ran}");
    let says = " was skipped: it holds the old token, which is revoked now\n";
    assert_eq!(ran.stderr.matches(says).count(), 2, "{ran}");
    skipping.expect(&[(&dead, 2), (&skipping.rotation.served(), 1)], &ran);

    // Another tool gives both the token that is current: they stay that tool's.
    let [first, second, third] = skipping.rotation.namespaces.clone().try_into().unwrap();
    let world = &skipping.rotation.world;
    let data = json!({"data": world.secret_in(&third, SECRET).unwrap()["data"]});
    for namespace in [&first, &second] {
        world.plane.patch_secret(namespace, SECRET, &data);
    }
    world.regcred("where [REGISTRY]").done();
    skipping.rotation.again();
    let ran = skipping.rotate("");
    assert_eq!(ran.code, 0, "{ran}");
    assert_eq!(ran.stderr.matches(says).count(), 2, "{ran}");
    skipping.expect(&[(&skipping.rotation.old, 2), (&skipping.rotation.served(), 1)], &ran);

    // What sync writes is rotated.
    let line = format!("sync -n {first} -n {second} --registry [REGISTRY] --force-conflicts");
    skipping.rotation.world.regcred(&line).done();
    skipping.rotation.again();
    let ran = skipping.rotate("");
    assert_eq!(ran.code, 0, "{ran}");
    assert!(!ran.stderr.contains("was skipped"), "{ran}");
    skipping.rotation.check_ended("synced again");
}
