//! `rotate --if-older`: what a timer runs.

use regcred::model::Use;
use snapbox::str;

use super::fixture::Rotation;
use crate::support::gitea::Profile;
use crate::support::http::Answer;
use crate::support::parts::{DOUBLES, REAL};
use crate::support::world::World;

scenario!(a_younger_token_stays, on(DOUBLES, REAL));
fn a_younger_token_stays(world: World) {
    let rotation = Rotation::with(world, Use::Cluster, &[]);
    rotation.world.gitea.age(&rotation.old, 30);
    rotation.rotate("--mint --password-stdin --if-older 90d").says(str![[r#"
exit 0
--- stdout
--- stderr
the token of [REGISTRY] for cluster is not replaced yet: it is 30d old, and --if-older 90d is reached in 59d

"#]]);
    // Nor does it take a password for that.
    let ran = rotation
        .world
        .regcred("rotate --mint --if-older 90d --dry-run=client -o json");
    ran.says(str![[r#"
exit 0
--- stdout
{
  "apiVersion": "regcred/v1",
  "kind": "RotateResult",
  "registry": "[REGISTRY]",
  "use": "cluster",
  "way": "forward",
  "dryRun": "client",
  "steps": [],
  "stepsDone": 0,
  "items": [],
  "restarts": [],
  "current": "old",
  "pending": null,
  "revocation": "not",
  "notDue": {
   "since": "[..]Z",
   "until": "[..]Z"
  }
}
--- stderr
the token of [REGISTRY] for cluster is not replaced yet: it is 30d old, and --if-older 90d is reached in 59d

"#]]);
    rotation.check_ended("too young");
    assert_eq!((rotation.served(), rotation.alive()), (rotation.old.clone(), 1));
}

scenario!(an_older_token_is_replaced_everywhere, on(DOUBLES, REAL));
fn an_older_token_is_replaced_everywhere(world: World) {
    let rotation = Rotation::new(world, Use::Cluster);
    rotation.world.gitea.age(&rotation.old, 91);
    let line = format!("{} --mint --password-stdin --if-older 90d", rotation.flags());
    let ran = rotation.rotate(&line);
    assert_eq!(ran.code, 0, "{ran}");
    assert!(ran.stderr.contains("for cluster is replaced: it is 91d old"), "{ran}");
    rotation.check_ended("old enough");
    assert!(!rotation.works(&rotation.old) && rotation.alive() == 1);
    // And the next time it is young again.
    let again = rotation.rotate(&line);
    assert!(
        again.code == 0 && again.stderr.contains("is not replaced yet: it is <1h old"),
        "{again}"
    );
}

scenario!(where_the_server_does_not_say_the_keychain_knows, on(DOUBLES, REAL));
/// A Gitea before 1.27 tells a token nothing about itself.
fn where_the_server_does_not_say_the_keychain_knows(world: World) {
    let rotation = Rotation::with(world, Use::Cluster, &[]);
    rotation.world.gitea.state().profile = Profile::V1_25;
    rotation.world.gitea.age(&rotation.old, 91);
    let ran = rotation.rotate("--mint --password-stdin --if-older 90d");
    assert!(
        ran.code == 0
            && ran
                .stderr
                .contains("is not replaced yet: it has been kept here for <1h"),
        "{ran}"
    );
    // Nor where it does not answer at all.
    rotation.world.registry_says("/v2/", Answer::text(503, "no upstream"));
    let ran = rotation.rotate("--mint --password-stdin --if-older 90d");
    assert!(
        ran.code == 0 && ran.stderr.starts_with("warning: ") && ran.stderr.contains("is not replaced yet"),
        "{ran}"
    );
    rotation.world.registry_recovers();
    rotation.check_ended("not known to be old");
    // The reading of the clock is the test's own: a token of this second is older than nothing.
    let ran = rotation.world.regcred("rotate --mint --if-older 0d");
    assert_eq!(ran.code, 2, "{ran}");
}

scenario!(a_token_of_unknown_age_is_replaced, on(DOUBLES));
/// An earlier version stored it, and nobody knows when.
fn a_token_of_unknown_age_is_replaced(world: World) {
    let rotation = Rotation::with(world, Use::Cluster, &[]);
    rotation.world.gitea.state().profile = Profile::V1_25;
    rotation.world.forget_since(Use::Cluster, "admin", &rotation.old);
    let line = format!("{} --mint --password-stdin --if-older 90d", rotation.flags());
    let ran = rotation.rotate(&line);
    assert!(
        ran.code == 0 && ran.stderr.contains("its age is not known, so it may be older than 90d"),
        "{ran}"
    );
    rotation.check_ended("replaced once");
    let again = rotation.rotate(&line);
    assert!(
        again.code == 0 && again.stderr.contains("is not replaced yet"),
        "{again}"
    );
}

scenario!(a_dead_token_is_said, on(DOUBLES, REAL));
fn a_dead_token_is_said(world: World) {
    let rotation = Rotation::with(world, Use::Cluster, &[]);
    rotation.world.gitea.revoke(&rotation.old);
    rotation.rotate("--mint --password-stdin --if-older 90d").says(str![[r#"
exit 1
--- stdout
--- stderr
error: the token does not work, whatever its age is: [REGISTRY] does not accept the token: invalid username, password or token
hint: make a token with read:package or write:package at http://[REGISTRY]/user/settings/applications; an account's password is no token
hint: kubectl regcred rotate [REGISTRY] --use cluster replaces it

"#]]);
}
