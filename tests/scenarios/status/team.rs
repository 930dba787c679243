//! Secrets that hold a token of another's.

use regcred::commands::status::Code;
use snapbox::str;

use super::fixture::{DOUBLES, REAL};
use crate::support::world::World;

finding!(secret_of_another_installation, Code::SecretOfAnother, on(DOUBLES, REAL));
fn secret_of_another_installation(world: &mut World) {
    let mut bobs = world.another_desk("bob@laptop");
    world.well();
    world.go_to(&mut bobs);
    world.login("cluster", "read:package");
    world.status().says(str![[r#"
exit 0
--- stdout
NAMESPACE   SECRET   REGISTRY   USER   STATE
[NAMESPACE]   gitea-credentials   [REGISTRY]   admin   another's

secret-of-another: secret/gitea-credentials in namespace [NAMESPACE]
  it holds another token of [REGISTRY], which works: jane@desk wrote it
  leave it, or ask jane@desk; sync --take-over puts the keychain's token in its place

all is well, 1 thing to note: 0 of 1 Secret in sync, 1 of 1 token accepted, 0 pods in 1 namespace checked
--- stderr

"#]]);
    world.regcred("status -n [NAMESPACE] --offline").says(str![[r#"
exit 0
--- stdout
NAMESPACE   SECRET   REGISTRY   USER   STATE
[NAMESPACE]   gitea-credentials   [REGISTRY]   admin   another's

secret-of-another: secret/gitea-credentials in namespace [NAMESPACE]
  it holds another token of [REGISTRY]: jane@desk wrote it
  leave it, or ask jane@desk; sync --take-over puts the keychain's token in its place

all is well, 1 thing to note: 0 of 1 Secret in sync, no registry was asked, 0 pods in 1 namespace checked
--- stderr

"#]]);
    world.go_to(&mut bobs);
    let ran = world.status();
    assert!(!ran.stdout.contains(Code::SecretOfAnother.as_str()), "{ran}");
}

finding!(secret_of_another_user, Code::SecretOfAnother, on(DOUBLES));
fn secret_of_another_user(world: &World) {
    world.gitea.add_user("bot");
    let bot = world.gitea.add_token("bot", "read:package");
    world.put_pull_secret("gitea-credentials", &[("[REGISTRY]", &bot)]);
    world.login("cluster", "read:package");
    world.status().says(str![[r#"
exit 0
--- stdout
NAMESPACE   SECRET   REGISTRY   USER   STATE
[NAMESPACE]   gitea-credentials   [REGISTRY]   admin   another's

secret-of-another: secret/gitea-credentials in namespace [NAMESPACE]
  it holds another token of [REGISTRY], which works: it is bot's, and yours is admin's
  leave it, or ask bot; sync --take-over puts the keychain's token in its place

all is well, 1 thing to note: 0 of 1 Secret in sync, 1 of 1 token accepted, 0 pods in 1 namespace checked
--- stderr

"#]]);
}

finding!(secret_of_fewer_rights, Code::SecretOfAnother, on(DOUBLES));
fn secret_of_fewer_rights(world: &World) {
    let pull = world.token("read:package");
    world.put_pull_secret("gitea-credentials", &[("[REGISTRY]", &pull)]);
    world.login("docker", "write:package");
    world.status().says(str![[r#"
exit 0
--- stdout
NAMESPACE   SECRET   REGISTRY   USER   STATE
[NAMESPACE]   gitea-credentials   [REGISTRY]   admin   another's

secret-of-another: secret/gitea-credentials in namespace [NAMESPACE]
  it holds another token of [REGISTRY], which works: yours may do more: write:package
  leave it, or keep a token for clusters that may only pull, with login --use cluster; sync --take-over puts the keychain's token in its place

all is well, 1 thing to note: 0 of 1 Secret in sync, 1 of 1 token accepted, 0 pods in 1 namespace checked
--- stderr

"#]]);
}

finding!(
    secret_of_another_that_is_dead_is_stale,
    Code::TokenRejected,
    on(DOUBLES, REAL)
);
fn secret_of_another_that_is_dead_is_stale(world: &mut World) {
    let mut bobs = world.another_desk("bob@laptop");
    let theirs = world.well();
    world.gitea.revoke_of("admin", &theirs);
    world.go_to(&mut bobs);
    world.login("cluster", "read:package");
    world.mends(Code::TokenRejected, &[]);
}
