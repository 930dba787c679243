//! Whose account it is that makes the new token and deletes the old one.

use regcred::model::Use;
use snapbox::str;

use super::fixture::{PASSWORD, Rotation};
use crate::support::gitea::{Profile, Visibility};
use crate::support::parts::{DOUBLES, REAL};
use crate::support::world::World;

/// At a Gitea where no token can delete itself.
fn rotation(world: World) -> Rotation {
    world.gitea.state().profile = Profile::V1_22;
    Rotation::with(world, Use::Cluster, &[])
}

scenario!(a_token_that_is_stored_under_another_name, on(DOUBLES, REAL));
/// Gitea takes it with any user name, and a password only with its own.
fn a_token_that_is_stored_under_another_name(world: World) {
    let rotation = rotation(world);
    let world = &rotation.world;
    world.gitea.set_visibility("admin", Visibility::Public);
    let line = "login [REGISTRY] -u someone --use cluster --token-stdin";
    world.regcred_with(line, &rotation.old).done();
    world.regcred("sync -n [NAMESPACE]").done();
    let said = rotation.rotate("--mint --password-stdin");
    let told = "the token belongs to admin, whose password is needed; the registry ignores the user name someone";
    assert_eq!((said.code, said.stderr.matches(told).count()), (0, 1), "{said}");
    assert!(said.stderr.contains("revoked the old token"), "{said}");
    rotation.check_ended("it was stored under another name");
    assert_eq!(rotation.kept().current.username.as_str(), "admin");
    assert_eq!(world.gitea.tokens("admin").len(), 1);
}

scenario!(the_new_token_is_another_accounts, on(DOUBLES, REAL));
/// Each password is sent for its own account only; standard input has one.
fn the_new_token_is_another_accounts(world: World) {
    let rotation = rotation(world);
    let world = &rotation.world;
    world.gitea.add_user("robot");
    let sent_for = |name: &str| {
        let shown = world.gitea.shown().into_iter();
        let path = format!("basic /api/v1/users/{name}/tokens");
        shown.filter(|shown| shown.starts_with(&path)).count()
    };
    let said = rotation.rotate_with("--mint -u robot --password-stdin", "password of robot\n");
    assert_eq!((said.code, sent_for("admin")), (1, 0), "{said}");
    assert!(said.stderr.contains("the old token was not revoked"), "{said}");
    rotation.check("half-way");
    rotation
        .rotate_with("--resume --password-stdin", PASSWORD)
        .says(str![[r#"
exit 0
--- stdout
secret/gitea-credentials unchanged in namespace [NAMESPACE]
--- stderr
verified at [REGISTRY], the token of robot, scopes read:package
read the Secret back: it holds the new token
revoked the old token
rotated the token of [REGISTRY] for cluster

"#]]);
    rotation.check_ended("with the other password");
    assert_eq!(rotation.kept().current.username.as_str(), "robot");
    let left = |name: &str| world.gitea.tokens(name).len();
    assert_eq!((left("admin"), left("robot")), (0, 1));
}
