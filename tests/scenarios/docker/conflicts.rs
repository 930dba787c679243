//! Credentials of one registry that differ.

use regcred::model::Use;
use snapbox::str;

use super::fixture::{PLAIN, doubles};
use crate::support::world::trace;

scenario!(credentials_that_differ);
fn credentials_that_differ() {
    // The registry accepts one of the two.
    for dead_in_keychain in [false, true] {
        let world = doubles();
        let token = world.gitea.add_token("admin", "write:package");
        let dead = world.gitea.add_token("admin", "write:package");
        world.gitea.revoke(&dead);
        let (kept, filed) = if dead_in_keychain {
            (&dead, &token)
        } else {
            (&token, &dead)
        };
        world.keep("admin", kept);
        world.write_docker(&PLAIN.replace("TOKEN", filed));
        let ran = world.regcred("docker setup");
        assert_eq!(ran.code, 0, "{ran}");
        assert!(
            ran.stderr.contains("does not accept the credential of admin from"),
            "{ran}"
        );
        assert_eq!(world.kept(Use::Docker).unwrap().1, token);
        assert!(!world.read(&world.docker_file()).contains("\"auth\""));
    }
    // It accepts both: nothing of it is touched.
    let world = doubles();
    let one = world.gitea.add_token("admin", "write:package");
    let two = world.gitea.add_token("admin", "read:package");
    world.keep("admin", &one);
    world.write_docker(&PLAIN.replace("TOKEN", &two));
    let before = trace(&world.docker_file());
    let ran = world.regcred("docker setup");
    ran.says(str![[r#"
exit 1
--- stdout
[FOLDER]/.docker/config.json unchanged
--- stderr
error: [REGISTRY]: the keychain and [FOLDER]/.docker/config.json hold different credentials, and the registry does not decide which one is right: nothing was changed
hint: to keep the keychain's: kubectl regcred docker setup [REGISTRY] --keep keychain
hint: to keep the file's: kubectl regcred docker setup [REGISTRY] --keep file

"#]]);
    assert_eq!(trace(&world.docker_file()), before);
    assert_eq!(world.kept(Use::Docker).unwrap().1, one);
    let ran = world.regcred("docker setup --dry-run=client");
    assert!(ran.stderr.contains("the credentials differ"), "{ran}");
    assert!(!ran.stderr.contains("there is no credential"), "{ran}");
    // The second of the commands that it names.
    world.regcred("docker setup [REGISTRY] --keep file").done();
    assert_eq!(world.kept(Use::Docker).unwrap().1, two);
    assert!(!world.read(&world.docker_file()).contains("\"auth\""));
}

scenario!(the_keychains_is_kept_where_docker_asks_the_helper);
/// docker logout would take the keychain's away there.
fn the_keychains_is_kept_where_docker_asks_the_helper() {
    let world = doubles();
    world.keep("admin", "kept");
    world.regcred("docker setup").done();
    world.write_podman(r#"{"auths":{"https://[REGISTRY]/v2/":{"auth":"[auth:admin:other]"}}}"#);
    let ran = world.regcred("docker setup --no-verify");
    assert_eq!(ran.code, 1, "{ran}");
    assert!(!ran.stderr.contains("docker logout"), "{ran}");
    assert!(ran.stderr.contains("docker setup [REGISTRY] --keep keychain"), "{ran}");
    world.regcred("docker setup [REGISTRY] --keep keychain").done();
    assert_eq!(world.kept(Use::Docker), Some(("admin".to_owned(), "kept".to_owned())));
    assert!(!world.read(&world.podman_file()).contains("\"auth\""));
    assert!(world.gitea.requests().is_empty(), "the registry is not asked");
    world.regcred("docker setup --no-verify").done();
}

scenario!(several_files_that_differ);
fn several_files_that_differ() {
    let world = doubles();
    world.write_docker(r#"{"auths":{"[REGISTRY]":{"auth":"[auth:admin:one]"}}}"#);
    world.write_podman(r#"{"auths":{"[REGISTRY]":{"auth":"[auth:admin:two]"}}}"#);
    let ran = world.regcred("docker setup --no-verify");
    assert_eq!(ran.code, 1, "{ran}");
    let hint = "to keep one: kubectl regcred login [REGISTRY] -u USER && kubectl regcred docker setup [REGISTRY] --keep keychain";
    assert!(ran.stderr.contains(hint), "{ran}");
    assert_eq!(world.regcred("docker setup --no-verify --keep file").code, 1);
    world
        .regcred_with("login [REGISTRY] -u admin --token-stdin --no-verify", "three")
        .done();
    world.regcred("docker setup [REGISTRY] --keep keychain").done();
    assert_eq!(world.kept(Use::Docker).unwrap().1, "three");
    for file in [world.docker_file(), world.podman_file()] {
        assert!(!world.read(&file).contains("\"auth\""));
    }
}

scenario!(a_person_chooses_between_credentials_that_differ);
fn a_person_chooses_between_credentials_that_differ() {
    for choice in 0..3 {
        let world = doubles();
        let kept = world.gitea.add_token("admin", "write:package");
        let filed = world.gitea.add_token("admin", "read:package");
        world.keep("admin", &kept);
        world.write_docker(&PLAIN.replace("TOKEN", &filed));
        let before = trace(&world.docker_file());
        let ran = world.regcred_choosing("docker setup", &[choice]);
        assert!(
            !ran.to_string().contains(&kept) && !ran.to_string().contains(&filed),
            "{ran}"
        );
        if choice == 2 {
            assert_eq!((ran.code, world.kept(Use::Docker).unwrap().1), (1, kept), "{ran}");
            assert_eq!(trace(&world.docker_file()), before, "none: everything stays");
            continue;
        }
        assert_eq!(world.kept(Use::Docker).unwrap().1, [kept, filed][choice]);
        assert!(!world.read(&world.docker_file()).contains("\"auth\""));
        if choice == 1 {
            ran.says(str![[r#"
exit 0
--- stdout
credential/[REGISTRY] stored (admin, from [FOLDER]/.docker/config.json)
credHelpers/[REGISTRY] configured in [FOLDER]/.docker/config.json
auths/https://[REGISTRY]/v2/ emptied in [FOLDER]/.docker/config.json
--- stderr
? Which credential of [REGISTRY] should be kept
  - the one of admin in the keychain
  - the one of admin in [FOLDER]/.docker/config.json
  - none: leave everything as it is

"#]]);
        }
    }
}
