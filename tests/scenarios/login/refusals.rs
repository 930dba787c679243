//! A token that the registry refuses, or cannot be asked about.

use snapbox::str;

use crate::support::parts::{DOUBLES, REAL, REAL_WITH_VAULT};
use crate::support::world::World;

const LOGIN: &str = "login [REGISTRY] -u admin --token-stdin";

scenario!(a_refused_token_changes_nothing, on(DOUBLES, REAL, REAL_WITH_VAULT));
fn a_refused_token_changes_nothing(world: &World) {
    let token = world.gitea.add_token("admin", "write:package");
    world.regcred_with(LOGIN, &token).done();
    world.regcred_with(LOGIN, "0123456789abcdef0123456789abcdef01234567").says(str![[r#"
exit 1
--- stdout
--- stderr
error: [REGISTRY] does not accept the token: invalid username, password or token
hint: make a token with read:package or write:package at http://[REGISTRY]/user/settings/applications; an account's password is no token
hint: the credential of admin that was stored before was not changed

"#]]);
    world
        .regcred_with("login 127.0.0.1:1 -u admin --token-stdin", &token)
        .says(str![[r#"
exit 1
--- stdout
--- stderr
error: http://127.0.0.1:1 refused the connection
hint: check the port, and that the server runs

"#]]);
    assert!(world.helper("get", "[REGISTRY]").done().contains(&token));
    world
        .regcred_with("login 127.0.0.1:1 -u admin --token-stdin --no-verify", &token)
        .says(str![[r#"
exit 0
--- stdout
--- stderr
not verified at 127.0.0.1:1
logged in to 127.0.0.1:1 as admin for docker

"#]]);
    world.regcred("list").says(str![[r#"
exit 0
--- stdout
REGISTRY   USERNAME   USE   AGE
127.0.0.1:1   admin   docker   <1h
[REGISTRY]   admin   docker   <1h
--- stderr

"#]]);
}
