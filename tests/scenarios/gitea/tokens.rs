//! Tokens: given, refused, made, revoked, rotated.

use snapbox::str;

use super::{DEAD, LOGIN, PASSWORD, Stage};
use crate::support::part::until;

at_gitea!(login_and_logout);
fn login_and_logout(stage: &Stage) {
    let token = stage.world.gitea.add_token("admin", "write:package");
    // Nobody sees a private account, and before 1.27 a token does not say whose it is.
    stage.says(
        &stage.world.regcred_with(LOGIN, &token),
        str![[r#"
exit 0
--- stdout
--- stderr
verified at [REGISTRY], scopes write:package
logged in to [REGISTRY] as admin for docker

"#]],
    );
    stage.world.regcred("sync -n [NAMESPACE]").done();
    assert!(stage.world.document("gitea-credentials").contains(&token));
    stage.says(
        &stage.world.regcred("status -n [NAMESPACE]"),
        str![[r#"
exit 3
--- stdout
NAMESPACE   SECRET   REGISTRY   USER   STATE
[NAMESPACE]   gitea-credentials   [REGISTRY]   admin   in sync

token-over-scoped: secret/gitea-credentials in namespace [NAMESPACE]
  it holds a token with the scopes write:package, and kubelet needs only read:package
  $ kubectl regcred login [REGISTRY] -u admin --use cluster --mint
  $ kubectl regcred sync -n [NAMESPACE] --registry [REGISTRY]
  login --mint asks for the account's password at Gitea

secret-unused: secret/gitea-credentials in namespace [NAMESPACE]
  nothing pulls with it yet: no workload, no pod and no ServiceAccount of its namespace names it
  $ kubectl regcred sync -n [NAMESPACE] --registry [REGISTRY] --service-account default
  this lets every pod of the ServiceAccount default pull with it, unless the pod names others; or name it in imagePullSecrets; or delete it, if nothing is to come

1 out of step, 1 thing to note: 1 of 1 Secret in sync, 1 of 1 token accepted, 0 pods in 1 namespace checked
--- stderr

"#]],
    );
    // Not while a Secret needs it.
    let needed = stage.world.regcred("logout [REGISTRY] --revoke");
    assert!(
        needed.code == 1
            && needed
                .stderr
                .contains("the token is not revoked: it is in secret/gitea-credentials"),
        "{needed}"
    );
    stage
        .world
        .regcred("sync -n [NAMESPACE] --registry [REGISTRY] --remove")
        .done();
    // It takes the password, which only a person or --password-stdin gives.
    stage.says(
        &stage.world
            .regcred_with("logout [REGISTRY] --revoke --password-stdin", "wrong"),
        str![[r#"
exit 1
--- stdout
--- stderr
error: [REGISTRY] does not let admin in, and does not say why: the password is wrong, or the account has a second factor, or no password of its own
hint: check the password; an account with a second factor needs its one-time code as well: at the prompt, or as the second line of --password-stdin; tokens are made and deleted by hand at http://[REGISTRY]/user/settings/applications
hint: if the token belongs to another account than admin, name that with -u
hint: the keychain still holds the token for docker; without --revoke, logout deletes it and it stays valid

"#]],
    );
    assert!(stage.world.gitea.knows("admin", &token));
    stage.says(
        &stage
            .world
            .regcred_with("logout [REGISTRY] --revoke --password-stdin", PASSWORD),
        str![[r#"
exit 0
--- stdout
--- stderr
revoked the token of [REGISTRY] for docker
forgot the credential of [REGISTRY] for docker

"#]],
    );
    assert!(!stage.world.gitea.knows("admin", &token));
}

at_gitea!(tokens_that_do_not_do);
fn tokens_that_do_not_do(stage: &Stage) {
    stage.says(
        &stage.world.regcred_with(LOGIN, DEAD),
        str![[r#"
exit 1
--- stdout
--- stderr
error: [REGISTRY] does not accept the token: invalid username, password or token
hint: make a token with read:package or write:package at http://[REGISTRY]/user/settings/applications; an account's password is no token

"#]],
    );
    let other = stage.world.gitea.add_token("admin", "write:issue");
    stage.says(
        &stage.world.regcred_with(LOGIN, &other),
        str![[r#"
exit 1
--- stdout
--- stderr
error: the token is valid, but has no access to packages: its scopes are write:issue
hint: make a token with read:package or write:package at http://[REGISTRY]/user/settings/applications

"#]],
    );
    let wide = stage.world.gitea.add_token("admin", "all");
    stage.says(
        &stage.world.regcred_with(LOGIN, &wide),
        str![[r#"
exit 0
--- stdout
--- stderr
verified at [REGISTRY], the token of admin, scopes all
warning: the token may do more than read and write packages
logged in to [REGISTRY] as admin for docker

"#]],
    );
    // It dies, and is still in the cluster.
    stage.world.regcred("sync -n [NAMESPACE]").done();
    stage.world.gitea.revoke(&wide);
    stage.says(
        &stage.world.regcred("status -n [NAMESPACE]"),
        str![[r#"
exit 3
--- stdout
NAMESPACE   SECRET   REGISTRY   USER   STATE
[NAMESPACE]   gitea-credentials   [REGISTRY]   admin   rejected

token-rejected: credential [REGISTRY] for docker
  [REGISTRY] does not accept the token: invalid username, password or token
  $ kubectl regcred rotate [REGISTRY] --use docker -n [NAMESPACE]
  make a token with read:package or write:package at http://[REGISTRY]/user/settings/applications; an account's password is no token

secret-unused: secret/gitea-credentials in namespace [NAMESPACE]
  nothing pulls with it yet: no workload, no pod and no ServiceAccount of its namespace names it
  $ kubectl regcred sync -n [NAMESPACE] --registry [REGISTRY] --service-account default
  this lets every pod of the ServiceAccount default pull with it, unless the pod names others; or name it in imagePullSecrets; or delete it, if nothing is to come

1 out of step, 1 thing to note: 0 of 1 Secret in sync, 0 of 1 token accepted, 0 pods in 1 namespace checked
--- stderr

"#]],
    );
}

at_gitea!(made_and_revoked);
fn made_and_revoked(stage: &Stage) {
    let mint = "login [REGISTRY] -u admin --mint --token-name laptop --password-stdin";
    stage.says(
        &stage.world.regcred_with(mint, "wrong"),
        str![[r#"
exit 1
--- stdout
--- stderr
error: [REGISTRY] does not let admin in, and does not say why: the password is wrong, or the account has a second factor, or no password of its own
hint: check the password; an account with a second factor needs its one-time code as well: at the prompt, or as the second line of --password-stdin

"#]],
    );
    stage.says(
        &stage.world.regcred_with(mint, PASSWORD),
        str![[r#"
exit 0
--- stdout
--- stderr
made the token laptop of admin at [REGISTRY]
verified at [REGISTRY], scopes write:package
logged in to [REGISTRY] as admin for docker

"#]],
    );
    assert_eq!(
        stage.world.gitea.tokens("admin"),
        [("laptop".to_owned(), "write:package".to_owned())]
    );
    stage.says(
        &stage.world.regcred_with(mint, PASSWORD),
        str![[r#"
exit 1
--- stdout
--- stderr
error: admin has a token named laptop at [REGISTRY] already
hint: choose another with --token-name, or delete the old one at http://[REGISTRY]/user/settings/applications if nothing uses it

"#]],
    );
    let unknown = "login [REGISTRY] -u nobody --mint --token-name laptop --password-stdin";
    stage.says(
        &stage.world.regcred_with(unknown, PASSWORD),
        str![[r#"
exit 1
--- stdout
--- stderr
error: [REGISTRY] does not let nobody in, and does not say why: the password is wrong, or the account has a second factor, or no password of its own
hint: check the password; an account with a second factor needs its one-time code as well: at the prompt, or as the second line of --password-stdin

"#]],
    );
}

at_gitea!(rotated);
fn rotated(stage: &Stage) {
    let old = stage.world.gitea.add_token("admin", "write:package");
    stage.world.regcred_with(LOGIN, &old).done();
    stage.world.regcred("sync -n [NAMESPACE]").done();
    let new = stage.world.gitea.add_token("admin", "write:package");
    let keeps = "rotate [REGISTRY] -n [NAMESPACE] --token-stdin --keep-old";
    stage.says(
        &stage.world.regcred_with(keeps, &new),
        str![[r#"
exit 0
--- stdout
secret/gitea-credentials configured in namespace [NAMESPACE]
--- stderr
verified at [REGISTRY], scopes write:package
kept the new token beside the old one
read the Secret back: it holds the new token
the new token is current: docker gets it from now on
rotated the token of [REGISTRY] for docker

"#]],
    );
    assert!(stage.world.document("gitea-credentials").contains(&new));
    assert!(stage.world.gitea.knows("admin", &old));
    let mints = "rotate [REGISTRY] -n [NAMESPACE] --mint --token-name newest --password-stdin";
    stage.says(
        &stage.world.regcred_with(mints, PASSWORD),
        str![[r#"
exit 0
--- stdout
secret/gitea-credentials configured in namespace [NAMESPACE]
--- stderr
made the token newest-[..] of admin at [REGISTRY]
kept the new token beside the old one
verified at [REGISTRY], scopes write:package
read the Secret back: it holds the new token
the new token is current: docker gets it from now on
revoked the old token
rotated the token of [REGISTRY] for docker

"#]],
    );
    assert!(!stage.world.document("gitea-credentials").contains(&new));
    assert!(!stage.world.gitea.knows("admin", &new));
}

at_gitea!(what_the_account_has_and_nothing_uses);
fn what_the_account_has_and_nothing_uses(stage: &Stage) {
    let world = &stage.world;
    let kept = world.gitea.add_token("admin", "read:package");
    let login = "login [REGISTRY] -u admin --use cluster --token-stdin";
    world.regcred_with(login, &kept).done();
    stage.says(
        &world.regcred("list"),
        str![[r#"
exit 0
--- stdout
REGISTRY   USERNAME   USE   AGE
[REGISTRY]   admin   cluster   <1h
--- stderr

"#]],
    );
    let unused = world.gitea.add_token("admin", "read:package,read:user");
    let tokens = "status -n [NAMESPACE] --tokens --password-stdin";
    let ran = world.regcred_with(tokens, PASSWORD);
    let mut lines: Vec<&str> = ran.stdout.lines().filter(|line| line.contains("<1h")).collect();
    assert_eq!(lines.len(), 2, "{ran}");
    // The newest first, by the second.
    lines.sort_by_key(|line| line.contains("token 1 "));
    assert!(
        lines[0].ends_with("-   read:package,read:user   -"),
        "never used: {ran}"
    );
    assert!(
        lines[1].contains("token 1 ") && lines[1].ends_with("   read:package   cluster"),
        "{ran}"
    );
    let delete = ran.stdout.lines().find_map(|line| line.strip_prefix("  $ curl "));
    let url = delete
        .and_then(|line| line.rsplit_once(' '))
        .map(|(_, url)| world.denormal(url));
    let curl = format!(
        "curl --silent --fail --request DELETE --user 'admin:{PASSWORD}' {}",
        url.unwrap()
    );
    let _ = world.run(world.command("sh").args(["-c", &curl]), "").done();
    assert!(!world.gitea.knows("admin", &unused) && world.gitea.knows("admin", &kept));
    // Only its server knows when a token was made, and the list says it on every version here.
    until("the token to be older than a second", || {
        let aged = world.regcred_with(&format!("{tokens} --max-token-age 1s"), PASSWORD);
        aged.code == 3 && aged.stdout.contains("token-old: credential") && aged.stdout.contains("it is <1h old")
    });
    let wrong = world.regcred_with(tokens, "wrong");
    assert!(wrong.code == 1 && wrong.stdout.contains("tokens-not-listed"), "{wrong}");
}
