//! Everything that speaks to Gitea, on the double of 1.26 and on a real one: the same words on the screen.

use libtest_mimic::Trial;
use snapbox::{assert_data_eq, str};

use crate::main_job::missing_parts;
use crate::support::gitea::{self, Profile};
use crate::support::part::{trial, trial_with};
use crate::support::world::World;

const PASSWORD: &str = "password of admin";
const LOGIN: &str = "login [REGISTRY] -u admin --token-stdin";
const DEAD: &str = "0123456789abcdef0123456789abcdef01234567";

/// A name, and what happens on any workstation.
type Scenario = (&'static str, fn(&World));

pub fn trials() -> Vec<Trial> {
    let scenarios: [Scenario; 4] = [
        ("login_and_logout", login_and_logout),
        ("tokens_that_do_not_do", tokens_that_do_not_do),
        ("made_and_revoked", made_and_revoked),
        ("rotated", rotated),
    ];
    let parts = [missing_parts(), gitea::missing().to_vec()].concat();
    scenarios
        .into_iter()
        .flat_map(|(name, test)| {
            [
                trial(&format!("gitea/double/{name}"), move || {
                    test(&World::of_doubles_as(Profile::V1_26));
                }),
                trial_with(&format!("gitea/real/{name}"), &parts, move || {
                    test(&World::of_real_gitea());
                }),
            ]
        })
        .collect()
}

fn login_and_logout(world: &World) {
    let token = world.gitea.add_token("admin", "write:package");
    // Nobody sees a private account, and before 1.27 a token does not say whose it is.
    assert_data_eq!(
        world.regcred_with(LOGIN, &token).to_string(),
        str![[r#"
exit 0
--- stdout
--- stderr
verified at [REGISTRY], scopes write:package
logged in to [REGISTRY] as admin for docker

"#]]
    );
    world.regcred("sync -n [NAMESPACE]").done();
    assert!(world.document("gitea-credentials").contains(&token));
    assert_data_eq!(
        world.regcred("status -n [NAMESPACE]").to_string(),
        str![[r#"
exit 3
--- stdout
NAMESPACE   SECRET   REGISTRY   USER   STATE
[NAMESPACE]   gitea-credentials   [REGISTRY]   admin   in sync

token-over-scoped: secret/gitea-credentials in namespace [NAMESPACE]
  it holds a token with the scopes write:package, and kubelet needs read:package alone
  $ kubectl regcred login [REGISTRY] -u admin --use cluster --mint
  $ kubectl regcred sync -n [NAMESPACE] --registry [REGISTRY]
  login --mint asks for the account's password at Gitea

secret-unused: secret/gitea-credentials in namespace [NAMESPACE]
  nothing pulls with it yet: no workload, no pod and no ServiceAccount of its namespace names it
  $ kubectl regcred sync -n [NAMESPACE] --registry [REGISTRY] --service-account default
  this lets every pod of the ServiceAccount default pull with it, unless the pod names others; or name it in imagePullSecrets; or delete it, if nothing is to come

1 out of step, 1 thing to note: 1 of 1 Secret in sync, 1 of 1 token accepted, 0 pods in 1 namespace looked at
--- stderr

"#]]
    );
    // It takes the password, which only a person or --password-stdin gives.
    assert_data_eq!(
        world
            .regcred_with("logout [REGISTRY] --revoke --password-stdin", "wrong")
            .to_string(),
        str![[r#"
exit 1
--- stdout
--- stderr
error: [REGISTRY] does not let admin in, and does not say why: the password is wrong, or the account has a second factor, or no password of its own
hint: check the password; an account with a second factor needs its one-time code as well: at the prompt, or as the second line of --password-stdin; tokens are made and deleted by hand at http://[REGISTRY]/user/settings/applications
hint: the keychain still holds the token for docker; without --revoke it is forgotten and stays valid

"#]]
    );
    assert!(world.gitea.knows("admin", &token));
    assert_data_eq!(
        world
            .regcred_with("logout [REGISTRY] --revoke --password-stdin", PASSWORD)
            .to_string(),
        str![[r#"
exit 0
--- stdout
--- stderr
revoked the token of [REGISTRY] for docker
forgot the credential of [REGISTRY] for docker

"#]]
    );
    assert!(!world.gitea.knows("admin", &token));
}

fn tokens_that_do_not_do(world: &World) {
    assert_data_eq!(
        world.regcred_with(LOGIN, DEAD).to_string(),
        str![[r#"
exit 1
--- stdout
--- stderr
error: [REGISTRY] does not accept the token: invalid username, password or token
hint: make a token with read:package or write:package at http://[REGISTRY]/user/settings/applications; an account's password is no token

"#]]
    );
    let other = world.gitea.add_token("admin", "write:issue");
    assert_data_eq!(
        world.regcred_with(LOGIN, &other).to_string(),
        str![[r#"
exit 1
--- stdout
--- stderr
error: the token is valid, but has no access to packages: its scopes are write:issue
hint: make a token with read:package or write:package at http://[REGISTRY]/user/settings/applications

"#]]
    );
    let wide = world.gitea.add_token("admin", "all");
    assert_data_eq!(
        world.regcred_with(LOGIN, &wide).to_string(),
        str![[r#"
exit 0
--- stdout
--- stderr
verified at [REGISTRY], the token of admin, scopes all
warning: the token may do more than read and write packages
logged in to [REGISTRY] as admin for docker

"#]]
    );
    // It dies, and is still in the cluster.
    world.regcred("sync -n [NAMESPACE]").done();
    world.gitea.revoke(&wide);
    assert_data_eq!(
        world.regcred("status -n [NAMESPACE]").to_string(),
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

1 out of step, 1 thing to note: 0 of 1 Secret in sync, 0 of 1 token accepted, 0 pods in 1 namespace looked at
--- stderr

"#]]
    );
}

fn made_and_revoked(world: &World) {
    let mint = "login [REGISTRY] -u admin --mint --token-name laptop --password-stdin";
    assert_data_eq!(
        world.regcred_with(mint, "wrong").to_string(),
        str![[r#"
exit 1
--- stdout
--- stderr
error: [REGISTRY] does not let admin in, and does not say why: the password is wrong, or the account has a second factor, or no password of its own
hint: check the password; an account with a second factor needs its one-time code as well: at the prompt, or as the second line of --password-stdin

"#]]
    );
    assert_data_eq!(
        world.regcred_with(mint, PASSWORD).to_string(),
        str![[r#"
exit 0
--- stdout
--- stderr
made the token laptop of admin at [REGISTRY]
verified at [REGISTRY], scopes write:package
logged in to [REGISTRY] as admin for docker

"#]]
    );
    assert_eq!(
        world.gitea.tokens("admin"),
        [("laptop".to_owned(), "write:package".to_owned())]
    );
    assert_data_eq!(
        world.regcred_with(mint, PASSWORD).to_string(),
        str![[r#"
exit 1
--- stdout
--- stderr
error: admin has a token named laptop at [REGISTRY] already
hint: choose another with --token-name, or delete the old one at http://[REGISTRY]/user/settings/applications if nothing uses it

"#]]
    );
    let unknown = "login [REGISTRY] -u nobody --mint --token-name laptop --password-stdin";
    assert_data_eq!(
        world.regcred_with(unknown, PASSWORD).to_string(),
        str![[r#"
exit 1
--- stdout
--- stderr
error: [REGISTRY] does not let nobody in, and does not say why: the password is wrong, or the account has a second factor, or no password of its own
hint: check the password; an account with a second factor needs its one-time code as well: at the prompt, or as the second line of --password-stdin

"#]]
    );
}

fn rotated(world: &World) {
    let old = world.gitea.add_token("admin", "write:package");
    world.regcred_with(LOGIN, &old).done();
    world.regcred("sync -n [NAMESPACE]").done();
    let new = world.gitea.add_token("admin", "write:package");
    let keeps = "rotate [REGISTRY] -n [NAMESPACE] --token-stdin --keep-old";
    assert_data_eq!(
        world.regcred_with(keeps, &new).to_string(),
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

"#]]
    );
    assert!(world.document("gitea-credentials").contains(&new));
    assert!(world.gitea.knows("admin", &old));
    let mints = "rotate [REGISTRY] -n [NAMESPACE] --mint --token-name newest --password-stdin";
    assert_data_eq!(
        world.regcred_with(mints, PASSWORD).to_string(),
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

"#]]
    );
    assert!(!world.document("gitea-credentials").contains(&new));
    assert!(!world.gitea.knows("admin", &new));
}
