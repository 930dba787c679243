//! Giteas that are set up in other ways, and accounts that are.

use rexpect::ReadUntil;
use snapbox::str;

use super::{DEAD, LOGIN, PASSWORD, Stage};
use crate::support::PLUGIN;
use crate::support::docker_registry::DockerRegistry;
use crate::support::gitea::{Closed, Settings, Visibility};
use crate::support::image::oci_layout;
use crate::support::parts::{GITEA, REAL_PARTS};
use crate::support::world::{Ran, World};

const MINT: &str = "login [REGISTRY] -u admin --mint --token-name laptop --password-stdin";
const REVOKE: &str = "logout [REGISTRY] --revoke --password-stdin";

at_gitea!(second_factor);
fn second_factor(stage: &Stage) {
    let gitea = &stage.world.gitea;
    gitea.enrol("admin");
    let with = |code: String| format!("{PASSWORD}\n{code}\n");
    stage.says(&stage.world.regcred_with(MINT, PASSWORD), str![[r#"
exit 1
--- stdout
--- stderr
error: [REGISTRY] does not let admin in, and does not say why: the password is wrong, or the account has a second factor, or no password of its own
hint: check the password; an account with a second factor needs its one-time code as well: at the prompt, or as the second line of --password-stdin

"#]]);
    stage.says(
        &stage.world.regcred_with(MINT, &with(gitea.wrong_code("admin"))),
        str![[r#"
exit 1
--- stdout
--- stderr
error: [REGISTRY] does not let admin in, and does not say why: the password or the one-time code is wrong, or the account has no password of its own
hint: wait for a new code, which is good for 30 seconds and only once; check this machine's clock

"#]],
    );
    assert_eq!(gitea.tokens("admin"), [], "nothing was made");
    stage.says(
        &stage.world.regcred_with(MINT, &with(gitea.code("admin"))),
        str![[r#"
exit 0
--- stdout
--- stderr
made the token laptop of admin at [REGISTRY]
verified at [REGISTRY], scopes write:package
logged in to [REGISTRY] as admin for docker

"#]],
    );
    stage.world.regcred("sync -n [NAMESPACE]").done();
    // Where a code is good for one request, a script's rotation wants another one for the old token's end.
    let mints = "rotate [REGISTRY] -n [NAMESPACE] --mint --token-name newest --password-stdin";
    stage.says(&stage.world.regcred_with(mints, &with(gitea.code("admin"))), str![[r#"
exit 1
--- stdout
secret/gitea-credentials configured in namespace [NAMESPACE]
--- stderr
made the token newest-[..] of admin at [REGISTRY]
kept the new token beside the old one
verified at [REGISTRY], scopes write:package
read the Secret back: it holds the new token
the new token is current: docker gets it from now on
the Secrets of this rotation hold the new token; the old one may be alive
error: [REGISTRY] does not let admin in, and does not say why: the password or the one-time code is wrong, or the account has no password of its own
hint: wait for a new code, which is good for 30 seconds and only once; check this machine's clock; tokens are made and deleted by hand at http://[REGISTRY]/user/settings/applications
hint: kubectl regcred rotate [REGISTRY] --use docker --resume finishes it
hint: kubectl regcred rotate [REGISTRY] --use docker --abort goes back to the old token

"#]]);
    let resume = "rotate [REGISTRY] --resume --password-stdin";
    stage.says(
        &stage.world.regcred_with(resume, &with(gitea.code("admin"))),
        str![[r#"
exit 0
--- stdout
secret/gitea-credentials unchanged in namespace [NAMESPACE]
--- stderr
verified at [REGISTRY], scopes write:package
read the Secret back: it holds the new token
revoked the old token
rotated the token of [REGISTRY] for docker

"#]],
    );
    assert_eq!(gitea.tokens("admin").len(), 1, "the new one alone");
    revoked_with_a_second_factor(stage);
}

fn revoked_with_a_second_factor(stage: &Stage) {
    let gitea = &stage.world.gitea;
    let with = |code: String| format!("{PASSWORD}\n{code}\n");
    // With a token, nobody asks for a code.
    let given = gitea.add_token("admin", "write:package");
    let keeps = "rotate [REGISTRY] -n [NAMESPACE] --token-stdin --keep-old";
    stage.world.regcred_with(keeps, &given).done();
    stage
        .world
        .regcred("sync -n [NAMESPACE] --registry [REGISTRY] --remove")
        .done();
    stage.says(&stage.world.regcred_with(REVOKE, PASSWORD), str![[r#"
exit 1
--- stdout
--- stderr
error: [REGISTRY] does not let admin in, and does not say why: the password is wrong, or the account has a second factor, or no password of its own
hint: check the password; an account with a second factor needs its one-time code as well: at the prompt, or as the second line of --password-stdin; tokens are made and deleted by hand at http://[REGISTRY]/user/settings/applications
hint: if the token belongs to another account than admin, name that with -u
hint: the keychain still holds the token for docker; without --revoke, logout deletes it and it stays valid

"#]]);
    stage.says(
        &stage.world.regcred_with(REVOKE, &with(gitea.wrong_code("admin"))),
        str![[r#"
exit 1
--- stdout
--- stderr
error: [REGISTRY] does not let admin in, and does not say why: the password or the one-time code is wrong, or the account has no password of its own
hint: wait for a new code, which is good for 30 seconds and only once; check this machine's clock; tokens are made and deleted by hand at http://[REGISTRY]/user/settings/applications
hint: if the token belongs to another account than admin, name that with -u
hint: the keychain still holds the token for docker; without --revoke, logout deletes it and it stays valid

"#]],
    );
    assert!(gitea.knows("admin", &given));
    stage.says(
        &stage.world.regcred_with(REVOKE, &with(gitea.code("admin"))),
        str![[r#"
exit 0
--- stdout
--- stderr
revoked the token of [REGISTRY] for docker
forgot the credential of [REGISTRY] for docker

"#]],
    );
    assert!(!gitea.knows("admin", &given));
    let left: Vec<String> = gitea.tokens("admin").into_iter().map(|(name, _)| name).collect();
    assert!(
        left.len() == 1 && left[0].starts_with("newest-"),
        "nothing that was made for it is left: {left:?}"
    );
}

at_gitea!(second_factor_and_more_tokens_than_a_page);
/// The list takes several requests, and a code is good for one of them since 1.26.
fn second_factor_and_more_tokens_than_a_page(stage: &Stage) {
    let gitea = &stage.world.gitea;
    let token = gitea.add_token("admin", "write:package");
    stage.world.regcred_with(LOGIN, &token).done();
    for _ in 0..60 {
        let _ = gitea.add_token("admin", "read:user");
    }
    gitea.enrol("admin");
    let answer = format!("{PASSWORD}\n{}\n", gitea.code("admin"));
    let ran = stage
        .world
        .regcred_with("status -n [NAMESPACE] --tokens --password-stdin -o json", &answer);
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|_| panic!("{ran}"));
    assert_eq!(document["tokens"].as_array().map(Vec::len), Some(61), "{ran}");
    assert!(!ran.stdout.contains("tokens-not-listed"), "{ran}");
    assert_eq!(gitea.tokens("admin").len(), 61, "what was made for the list is gone");
    let answer = format!("{PASSWORD}\n{}\n", gitea.wrong_code("admin"));
    let ran = stage
        .world
        .regcred_with("status -n [NAMESPACE] --tokens --password-stdin", &answer);
    assert!(ran.code == 1 && ran.stdout.contains("tokens-not-listed"), "{ran}");
    stage.says(
        &stage.world.regcred("list"),
        str![[r#"
exit 0
--- stdout
REGISTRY   USERNAME   USE   AGE
[REGISTRY]   admin   docker   <1h
--- stderr

"#]],
    );
}

scenario!(a_person_with_a_second_factor, needs(REAL_PARTS, GITEA, "skopeo"));
/// At a terminal, through the programs. Where a code is good for one request, the rotation's second one is asked for.
fn a_person_with_a_second_factor() {
    const QUESTION: &str = "One-time code of admin";
    let world = World::of_real_gitea(Settings::default());
    let gitea = &world.gitea;
    let old = gitea.add_token("admin", "write:package");
    world.regcred_with(LOGIN, &old).done();
    gitea.enrol("admin");
    let mut command = std::process::Command::new(PLUGIN);
    let line = format!("rotate {} --no-secrets --mint --token-name newest", world.registry());
    command.env_clear().envs(world.env().iter()).env("TERM", "xterm");
    command.args(line.split_whitespace());
    let mut person = rexpect::session::spawn_command(command, Some(60_000)).unwrap();
    person.exp_string("Password of admin at ").unwrap();
    person.send_line(PASSWORD).unwrap();
    let (mut codes, mut shown) = (Vec::new(), String::new());
    loop {
        let until = vec![ReadUntil::String(QUESTION.to_owned()), ReadUntil::EOF];
        let (before, matched) = person.exp_any(until).unwrap();
        shown += &before;
        if matched != QUESTION {
            shown += &matched;
            break;
        }
        codes.push(gitea.code("admin"));
        person.send_line(codes.last().unwrap()).unwrap();
        // Shown once more, without the answer.
        shown += &person.exp_string("[hidden]").unwrap();
    }
    let left = gitea.tokens("admin");
    assert!(shown.contains("revoked the old token"), "{left:?}\n{shown}");
    assert!(!gitea.knows("admin", &old));
    assert!(left.len() == 1 && left[0].0.starts_with("newest-"), "{left:?}");
    assert!(codes.iter().all(|code| !shown.contains(code)), "{shown}");
    let expected = if crate::support::gitea::profile().consumes_codes() {
        2
    } else {
        1
    };
    assert_eq!(codes.len(), expected, "{shown}");
}

at_gitea!(closed_accounts);
fn closed_accounts(stage: &Stage) {
    let gitea = &stage.world.gitea;
    for (login, how) in [
        ("prohibited", Closed::Prohibited),
        ("inactive", Closed::Inactive),
        ("stale", Closed::MustChangePassword),
    ] {
        gitea.add_user(login);
        let token = gitea.add_token(login, "write:package");
        gitea.close(login, how);
        let ran = stage
            .world
            .regcred_with(&format!("login [REGISTRY] -u {login} --token-stdin"), &token);
        let password = format!("password of {login}");
        let mint = format!("login [REGISTRY] -u {login} --mint --token-name laptop --password-stdin");
        let minted = stage.world.regcred_with(&mint, &password);
        match how {
            Closed::Prohibited => {
                stage.says(
                    &ran,
                    str![[r#"
exit 0
--- stdout
--- stderr
verified at [REGISTRY], the token of prohibited, scopes write:package
logged in to [REGISTRY] as prohibited for docker

"#]],
                );
                stage.says(&minted, str![[r#"
exit 1
--- stdout
--- stderr
error: [REGISTRY] does not let prohibited in, and does not say why: the password is wrong, or the account has a second factor, or no password of its own
hint: check the password; an account with a second factor needs its one-time code as well: at the prompt, or as the second line of --password-stdin

"#]]);
            }
            Closed::Inactive => {
                stage.says(
                    &ran,
                    str![[r#"
exit 0
--- stdout
--- stderr
verified at [REGISTRY], the token of inactive, scopes write:package
logged in to [REGISTRY] as inactive for docker, in place of prohibited

"#]],
                );
                stage.says(&minted, str![[r#"
exit 1
--- stdout
--- stderr
error: [REGISTRY] does not let inactive sign in: This account is prohibited from signing in, please contact your site administrator.
hint: ask the server's administrator

"#]]);
            }
            Closed::MustChangePassword => {
                stage.says(
                    &ran,
                    str![[r#"
exit 0
--- stdout
--- stderr
verified at [REGISTRY], the token of stale, scopes write:package
logged in to [REGISTRY] as stale for docker, in place of inactive

"#]],
                );
                stage.says(
                    &minted,
                    str![[r#"
exit 1
--- stdout
--- stderr
error: [REGISTRY] wants stale to change the password first
hint: change it at http://[REGISTRY]/user/settings/change_password

"#]],
                );
            }
        }
    }
}

at_gitea!(visibility);
/// Whose a token is, is to be seen where the account is; what it may do, everywhere.
fn visibility(stage: &Stage) {
    let gitea = &stage.world.gitea;
    let token = gitea.add_token("admin", "read:package");
    let login = |username: &str| {
        let line = format!("login [REGISTRY] -u {username} --use cluster --token-stdin");
        stage.world.regcred_with(&line, &token)
    };
    gitea.set_visibility("admin", Visibility::Public);
    stage.says(
        &login("admin"),
        str![[r#"
exit 0
--- stdout
--- stderr
verified at [REGISTRY], the token of admin, scopes read:package
logged in to [REGISTRY] as admin for cluster

"#]],
    );
    stage.says(
        &login("somebody"),
        str![[r#"
exit 0
--- stdout
--- stderr
verified at [REGISTRY], the token of admin, scopes read:package
warning: the token belongs to admin; the registry ignores the user name somebody
logged in to [REGISTRY] as somebody for cluster, in place of admin

"#]],
    );
    gitea.set_visibility("admin", Visibility::Limited);
    stage.says(
        &login("admin"),
        str![[r#"
exit 0
--- stdout
--- stderr
verified at [REGISTRY], scopes read:package
logged in to [REGISTRY] as admin for cluster, in place of somebody

"#]],
    );
    gitea.set_visibility("admin", Visibility::Private);
    stage.says(
        &login("admin"),
        str![[r#"
exit 0
--- stdout
--- stderr
verified at [REGISTRY], scopes read:package
logged in to [REGISTRY] as admin for cluster

"#]],
    );
}

at_gitea!(where_all_sign_in, require_signin(true));
fn where_all_sign_in(stage: &Stage) {
    let gitea = &stage.world.gitea;
    let token = gitea.add_token("admin", "read:package");
    stage.says(&stage.world.regcred_with(LOGIN, DEAD), str![[r#"
exit 1
--- stdout
--- stderr
error: [REGISTRY] does not accept the token: invalid username, password or token
hint: make a token with read:package or write:package at http://[REGISTRY]/user/settings/applications; an account's password is no token

"#]]);
    let issue = gitea.add_token("admin", "write:issue");
    stage.says(
        &stage.world.regcred_with(LOGIN, &issue),
        str![[r#"
exit 1
--- stdout
--- stderr
error: the token is valid, but has no access to packages: its scopes are write:issue
hint: make a token with read:package or write:package at http://[REGISTRY]/user/settings/applications

"#]],
    );
    stage.says(
        &stage.world.regcred_with(LOGIN, &token),
        str![[r#"
exit 0
--- stdout
--- stderr
verified at [REGISTRY], scopes read:package
the token may pull but not push: pushing needs the scope write:package
logged in to [REGISTRY] as admin for docker

"#]],
    );
    stage.world.regcred("sync -n [NAMESPACE]").done();
    stage.says(&stage.world.regcred("status -n [NAMESPACE]"), str![[r#"
exit 0
--- stdout
NAMESPACE   SECRET   REGISTRY   USER   STATE
[NAMESPACE]   gitea-credentials   [REGISTRY]   admin   in sync

secret-unused: secret/gitea-credentials in namespace [NAMESPACE]
  nothing pulls with it yet: no workload, no pod and no ServiceAccount of its namespace names it
  $ kubectl regcred sync -n [NAMESPACE] --registry [REGISTRY] --service-account default
  this lets every pod of the ServiceAccount default pull with it, unless the pod names others; or name it in imagePullSecrets; or delete it, if nothing is to come

all is well, 1 thing to note: 1 of 1 Secret in sync, 1 of 1 token accepted, 0 pods in 1 namespace checked
--- stderr

"#]]);
    let mints = "rotate [REGISTRY] -n [NAMESPACE] --mint --token-name newest --scopes read:package --password-stdin";
    stage.says(
        &stage.world.regcred_with(mints, PASSWORD),
        str![[r#"
exit 0
--- stdout
secret/gitea-credentials configured in namespace [NAMESPACE]
--- stderr
made the token newest-[..] of admin at [REGISTRY]
kept the new token beside the old one
verified at [REGISTRY], scopes read:package
the token may pull but not push: pushing needs the scope write:package
read the Secret back: it holds the new token
the new token is current: docker gets it from now on
revoked the old token
rotated the token of [REGISTRY] for docker

"#]],
    );
    assert!(!gitea.knows("admin", &token));
    stage
        .world
        .regcred("sync -n [NAMESPACE] --registry [REGISTRY] --remove")
        .done();
    stage.says(
        &stage.world.regcred_with(REVOKE, PASSWORD),
        str![[r#"
exit 0
--- stdout
--- stderr
revoked the token of [REGISTRY] for docker
forgot the credential of [REGISTRY] for docker

"#]],
    );
    assert_eq!(gitea.tokens("admin").len(), 1, "that of the issues is left");
}

at_gitea!(without_passwords, without_passwords(true));
fn without_passwords(stage: &Stage) {
    let gitea = &stage.world.gitea;
    let token = gitea.add_token("admin", "write:package");
    stage.says(&stage.world.regcred_with(LOGIN, DEAD), str![[r#"
exit 1
--- stdout
--- stderr
error: [REGISTRY] does not accept the token: invalid username, password or token
hint: make a token with read:package or write:package at http://[REGISTRY]/user/settings/applications; an account's password is no token

"#]]);
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
    stage.says(&stage.world.regcred_with(MINT, PASSWORD), str![[r#"
exit 1
--- stdout
--- stderr
error: [REGISTRY] answered as if no password had been sent
hint: either ENABLE_BASIC_AUTHENTICATION=false switches passwords off, or a reverse proxy removes the Authorization header; tokens are made and deleted by hand at http://[REGISTRY]/user/settings/applications

"#]]);
    stage.says(
        &stage.world.regcred_with(REVOKE, PASSWORD),
        str![[r#"
exit 1
--- stdout
--- stderr
error: [REGISTRY] answered as if no password had been sent
hint: tokens are made and deleted by hand at http://[REGISTRY]/user/settings/applications
hint: the keychain still holds the token for docker; without --revoke, logout deletes it and it stays valid

"#]],
    );
    assert!(gitea.knows("admin", &token));
    // Everything but the old token's end.
    stage.world.regcred("sync -n [NAMESPACE]").done();
    let new = gitea.add_token("admin", "write:package");
    let rotate = "rotate [REGISTRY] -n [NAMESPACE] --token-stdin";
    stage.says(&stage.world.regcred_with(rotate, &new), str![[r#"
exit 1
--- stdout
secret/gitea-credentials configured in namespace [NAMESPACE]
--- stderr
verified at [REGISTRY], scopes write:package
kept the new token beside the old one
read the Secret back: it holds the new token
the new token is current: docker gets it from now on
the Secrets of this rotation hold the new token; the old one may be alive
error: the old token was not revoked: [REGISTRY] lets no token delete itself: that takes the account's password, or the web page
hint: delete it by hand at http://[REGISTRY]/user/settings/applications
hint: delete it there and repeat this command; or give the account's password with --password-stdin; or leave the token valid with --keep-old
hint: kubectl regcred rotate [REGISTRY] --use docker --resume finishes it
hint: kubectl regcred rotate [REGISTRY] --use docker --abort goes back to the old token

"#]]);
    assert!(stage.world.document("gitea-credentials").contains(&new));
    gitea.revoke(&token);
    stage.says(
        &stage.world.regcred("rotate [REGISTRY] --resume"),
        str![[r#"
exit 0
--- stdout
secret/gitea-credentials unchanged in namespace [NAMESPACE]
--- stderr
verified at [REGISTRY], scopes write:package
read the Secret back: it holds the new token
the old token was already revoked
rotated the token of [REGISTRY] for docker

"#]],
    );
}

at_gitea!(below_a_path, below("/code"));
/// The registry is at the host's root all the same, where clients look for it.
fn below_a_path(stage: &Stage) {
    let gitea = &stage.world.gitea;
    let token = gitea.add_token("admin", "write:package");
    stage.says(
        &stage.world.regcred_with(LOGIN, DEAD),
        str![[r#"
exit 1
--- stdout
--- stderr
error: [REGISTRY] does not accept the token: it is wrong, or has no access to packages
hint: make a token with read:package or write:package at http://[REGISTRY]/user/settings/applications

"#]],
    );
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
    stage.says(
        &stage.world.regcred_with(MINT, PASSWORD),
        str![[r#"
exit 1
--- stdout
--- stderr
error: [REGISTRY] is Gitea's registry, but Gitea's API does not answer at http://[REGISTRY]/api/v1
hint: for a Gitea below a path, name it: --gitea-path /gitea

"#]],
    );
    let at = |line: &str| line.replace("[REGISTRY]", "[REGISTRY] --gitea-path /code");
    stage.says(
        &stage.world.regcred_with(&at(LOGIN), &token),
        str![[r#"
exit 0
--- stdout
--- stderr
verified at [REGISTRY], scopes write:package
logged in to [REGISTRY] as admin for docker

"#]],
    );
    stage.says(&stage.world.regcred_with(&at(MINT), PASSWORD), str![[r#"
exit 0
--- stdout
--- stderr
made the token laptop of admin at [REGISTRY]
verified at [REGISTRY], scopes write:package
logged in to [REGISTRY] as admin for docker
the token that was stored before is still valid: delete it at http://[REGISTRY]/code/user/settings/applications when nothing uses it any more

"#]]);
    stage.world.regcred("sync -n [NAMESPACE]").done();
    let mints = "rotate [REGISTRY] -n [NAMESPACE] --mint --token-name newest --password-stdin";
    stage.says(
        &stage.world.regcred_with(&at(mints), PASSWORD),
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
    stage
        .world
        .regcred("sync -n [NAMESPACE] --registry [REGISTRY] --remove")
        .done();
    stage.says(
        &stage.world.regcred_with(&at(REVOKE), PASSWORD),
        str![[r#"
exit 0
--- stdout
--- stderr
revoked the token of [REGISTRY] for docker
forgot the credential of [REGISTRY] for docker

"#]],
    );
    assert!(gitea.knows("admin", &token));
    assert_eq!(gitea.tokens("admin").len(), 1, "the tokens that were made are gone");
}

at_gitea!(bot_of_an_organisation);
/// Its images are the organisation's; what opens them are tokens of those who are in a team of it.
fn bot_of_an_organisation(stage: &Stage) {
    let world = &stage.world;
    let gitea = &world.gitea;
    let _images = gitea.real().is_none().then(|| DockerRegistry::behind(gitea));
    gitea.add_organisation("guild", Visibility::Private);
    for (login, is_in, writes) in [("bot", true, true), ("reader", true, false), ("stranger", false, false)] {
        gitea.add_user(login);
        if is_in {
            gitea.join("guild", login, writes);
        }
    }
    std::fs::create_dir_all(world.folder().join("tmp/image")).unwrap();
    let layout = oci_layout(&world.folder().join("tmp/image"));
    let image = format!("docker://{}/guild/app:1", world.registry());
    for (login, scopes, pushes, pulls) in [
        ("bot", "write:package", true, true),
        ("reader", "write:package", false, true),
        ("stranger", "write:package", false, false),
        // What the account may do counts no more than what the token may.
        ("bot", "read:package", false, true),
    ] {
        let token = gitea.add_token(login, scopes);
        let line = format!("login [REGISTRY] -u {login} --use cluster --token-stdin");
        let ran = world.regcred_with(&line, &token);
        if (login, scopes) == ("bot", "read:package") {
            stage.says(
                &ran,
                str![[r#"
exit 0
--- stdout
--- stderr
verified at [REGISTRY], the token of bot, scopes read:package
logged in to [REGISTRY] as bot for cluster, in place of stranger

"#]],
            );
        } else {
            ran.done();
        }
        world.regcred("sync -n [NAMESPACE]").done();
        // With what kubelet reads.
        let authfile = world.folder().join("tmp/pull-secret.json");
        std::fs::write(&authfile, world.document("gitea-credentials")).unwrap();
        let skopeo = |arguments: &[&str]| -> Ran {
            let mut skopeo = world.command("skopeo");
            skopeo.args(["--insecure-policy", arguments[0], "--authfile"]);
            skopeo.arg(&authfile).args(&arguments[1..]);
            world.run(&mut skopeo, "")
        };
        let ran = skopeo(&["copy", "--dest-tls-verify=false", &layout, &image]);
        assert_eq!(ran.code == 0, pushes, "{login}, {scopes}: {ran}");
        let ran = skopeo(&["inspect", "--tls-verify=false", &image]);
        assert_eq!(ran.code == 0, pulls, "{login}, {scopes}: {ran}");
        std::fs::remove_file(authfile).unwrap();
    }
}
