//! What is not taken over, and what is said then.

use regcred::model::Use;
use snapbox::str;

use super::helper;
use crate::support::world::{World, auth, script};

scenario!(a_dead_token_is_not_kept);
fn a_dead_token_is_not_kept() {
    let world = World::of_doubles().with_own_programs();
    let token = world.gitea.add_token("admin", "write:package");
    world.gitea.revoke(&token);
    helper(&world, "other", &world.registry(), "admin", &token);
    world.write_docker(r#"{"credsStore":"other"}"#);
    let ran = world.regcred("login --from-docker");
    assert_eq!(ran.code, 1, "{ran}");
    assert_eq!(world.kept(Use::Docker), None);
    assert!(!ran.to_string().contains(&token), "{ran}");
}

scenario!(what_cannot_be_asked);
fn what_cannot_be_asked() {
    let world = World::of_doubles().with_own_programs();
    let ran = world.regcred("login --from-docker");
    ran.says(str![[r#"
exit 1
--- stdout
--- stderr
error: neither docker nor podman has a credential of any registry outside of regcred's keychain
hint: kubectl regcred list shows the keychain; kubectl regcred login REGISTRY -u USER asks for a token

"#]]);
    world.write_docker(&format!(r#"{{"credHelpers":{{"{}":"gone"}}}}"#, world.registry()));
    let ran = world.regcred("login [REGISTRY] --from-docker");
    ran.says(str![[r#"
exit 1
--- stdout
--- stderr
error: the credential helper docker-credential-gone is not installed: it is not on PATH
hint: install docker-credential-gone, or take it out of the file that names it

"#]]);
    script(
        &world.programs().join("docker-credential-gone"),
        "echo 'the keyring is locked'; exit 1",
    );
    let ran = world.regcred("login [REGISTRY] --from-docker");
    ran.says(str![[r#"
exit 1
--- stdout
--- stderr
error: the credential helper docker-credential-gone failed: the keyring is locked
hint: see what it says itself: docker-credential-gone list

"#]]);
    // What one file holds is not lost because another one cannot be read.
    let token = world.gitea.add_token("admin", "write:package");
    world.write_docker("{s3cret");
    world.write(
        &world.folder().join("run/containers/auth.json"),
        &format!(
            r#"{{"auths":{{"{}":{{"auth":"{}"}}}}}}"#,
            world.registry(),
            auth("admin", &token)
        ),
    );
    let ran = world.regcred("login --from-docker");
    assert_eq!(ran.code, 0, "{ran}");
    assert!(
        ran.stderr.contains("warning: ") && !ran.stderr.contains("s3cret"),
        "{ran}"
    );
}
