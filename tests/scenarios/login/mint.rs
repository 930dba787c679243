//! `login --mint` and `logout --revoke`, as a script types them, on doubles and on real parts; and as a person does.

use std::io::Write as _;
use std::process::Stdio;

use snapbox::str;

use crate::support::PLUGIN;
use crate::support::gitea::{Profile, Visibility};
use crate::support::http::Answer;
use crate::support::part::until;
use crate::support::parts::{DOUBLES, REAL, REAL_PARTS};
use crate::support::world::World;

const PASSWORD: &str = "password of admin";

/// Names and scopes of the tokens that the server has.
fn tokens(world: &World) -> Vec<(String, String)> {
    let state = world.gitea.state();
    state
        .tokens
        .iter()
        .map(|pat| (pat.name.clone(), pat.scopes.clone()))
        .collect()
}

scenario!(a_token_for_each_use, on(DOUBLES, REAL));
fn a_token_for_each_use(world: &World) {
    world
        .regcred_with(
            "login [REGISTRY] -u admin --mint --token-name laptop --password-stdin",
            PASSWORD,
        )
        .says(str![[r#"
exit 0
--- stdout
--- stderr
made the token laptop of admin at [REGISTRY]
verified at [REGISTRY], the token of admin, scopes write:package
logged in to [REGISTRY] as admin for docker

"#]]);
    let said = world.regcred_with(
        "login [REGISTRY] -u admin --mint --use cluster --password-stdin",
        PASSWORD,
    );
    assert!(said.stderr.contains("scopes read:package"), "{said}");
    let made = tokens(world);
    assert_eq!(made[0], ("laptop".to_owned(), "write:package".to_owned()));
    assert!(
        made[1].0.starts_with("kubectl-regcred") && made[1].0.contains("-cluster-"),
        "{made:?}"
    );
    assert_eq!(made[1].1, "read:package");
    let cluster = world.gitea.state().tokens[1].value.clone();
    world.regcred("sync -n [NAMESPACE]").done();
    assert!(world.document("gitea-credentials").contains(&cluster));

    // The name is taken: the message says what to do, and nothing changes.
    world
            .regcred_with(
                "login [REGISTRY] -u admin --mint --token-name laptop --password-stdin",
                PASSWORD
            ).says(str![[r#"
exit 1
--- stdout
--- stderr
error: admin has a token named laptop at [REGISTRY] already
hint: choose another with --token-name, or delete the old one at http://[REGISTRY]/user/settings/applications if nothing uses it

"#]]);
    // More than a cluster needs is warned of, and a replaced token is not forgotten silently.
    world
            .regcred_with(
                "login [REGISTRY] -u admin --mint --use cluster --scopes write:package,read:user --token-name wide --password-stdin",
                PASSWORD
            ).says(str![[r#"
exit 0
--- stdout
--- stderr
made the token wide of admin at [REGISTRY]
verified at [REGISTRY], the token of admin, scopes write:package,read:user
warning: the token may do more than read and write packages
logged in to [REGISTRY] as admin for cluster
the token that was stored before is still valid: delete it at http://[REGISTRY]/user/settings/applications when nothing uses it any more

"#]]);
    world.regcred("logout [REGISTRY] --use cluster --revoke").says(str![[r#"
exit 0
--- stdout
--- stderr
revoked the token of [REGISTRY] for cluster
forgot the credential of [REGISTRY] for cluster

"#]]);
    world.regcred("logout [REGISTRY] --revoke").says(str![[r#"
exit 0
--- stdout
--- stderr
revoked the token of [REGISTRY] for docker
forgot the credential of [REGISTRY] for docker

"#]]);
    assert_eq!(tokens(world).len(), 1, "the one that was replaced");
    world.regcred("logout [REGISTRY] --revoke").says(str![[r#"
exit 0
--- stdout
--- stderr
not logged in to [REGISTRY]

"#]]);
}

scenario!(an_older_gitea, on(DOUBLES, REAL));
fn an_older_gitea(world: &World) {
    world.gitea.state().profile = Profile::V1_22;
    world
        .regcred_with(
            "login [REGISTRY] -u admin --mint --token-name laptop --password-stdin",
            PASSWORD,
        )
        .done();
    world.regcred("logout [REGISTRY] --revoke").says(str![[r#"
exit 1
--- stdout
--- stderr
error: [REGISTRY] lets no token delete itself: that takes the account's password, or the web page
hint: delete it by hand at http://[REGISTRY]/user/settings/applications
hint: or give the account's password with --password-stdin
hint: the keychain still holds the token for docker; without --revoke, logout deletes it and it stays valid

"#]]);
    assert!(world.regcred("list").done().contains("docker"));
    let wrong = world.regcred_with("logout [REGISTRY] --revoke --password-stdin", "hunter2");
    assert_eq!((wrong.code, tokens(world).len()), (1, 1), "{wrong}");
    assert!(world.regcred("list").done().contains("docker"));
    world
        .regcred_with("logout [REGISTRY] --revoke --password-stdin", PASSWORD)
        .says(str![[r#"
exit 0
--- stdout
--- stderr
revoked the token of [REGISTRY] for docker
forgot the credential of [REGISTRY] for docker

"#]]);
    assert_eq!(tokens(world), []);
    // Deleted by hand: no password is needed to find that out.
    let token = world.gitea.add_token("admin", "write:package");
    world
        .regcred_with("login [REGISTRY] -u admin --token-stdin", &token)
        .done();
    world.gitea.revoke(&token);
    world.regcred("logout [REGISTRY] --revoke").says(str![[r#"
exit 0
--- stdout
--- stderr
the token of [REGISTRY] for docker was already revoked
forgot the credential of [REGISTRY] for docker

"#]]);
}

scenario!(a_wrong_password_is_sent_once, on(DOUBLES, REAL));
/// Whatever number of tokens it would revoke: LDAP may lock the account after a few attempts.
fn a_wrong_password_is_sent_once(world: &World) {
    world.gitea.state().profile = Profile::V1_22;
    for usage in ["docker", "cluster", "team"] {
        let token = world.gitea.add_token("admin", "read:package");
        let login = format!("login [REGISTRY] -u admin --use {usage} --token-stdin");
        world.regcred_with(&login, &token).done();
    }
    let attempts = || {
        let shown = world.gitea.shown().into_iter();
        shown
            .filter(|shown| shown.starts_with("basic /api/v1/users/admin/tokens"))
            .count()
    };
    let before = attempts();
    let line = "logout [REGISTRY] --revoke --password-stdin";
    world.regcred_with(line, "hunter2").says(str![[r#"
exit 1
--- stdout
--- stderr
error: [REGISTRY] does not accept the password that was given for admin
hint: give the account's own password, with the account's login name; tokens are made and deleted by hand at http://[REGISTRY]/user/settings/applications
hint: if the token belongs to another account than admin, name that with -u
hint: the keychain still holds the tokens for docker and cluster and team; without --revoke, logout deletes them and they stay valid

"#]]);
    assert_eq!((attempts() - before, tokens(world).len()), (1, 3));
    world.regcred_with(line, PASSWORD).done();
    assert_eq!((tokens(world).len(), world.regcred("list").done().as_str()), (0, ""));
}

scenario!(a_token_that_is_stored_under_another_user, on(DOUBLES, REAL));
/// Gitea takes it with any user name, and a password only with its own.
fn a_token_that_is_stored_under_another_user(world: &World) {
    world.gitea.state().profile = Profile::V1_22;
    let login = || {
        let token = world.gitea.add_token("admin", "write:package");
        let line = "login [REGISTRY] -u someone --token-stdin";
        world.regcred_with(line, &token).done();
    };
    world.gitea.set_visibility("admin", Visibility::Public);
    login();
    let line = "logout [REGISTRY] --revoke --password-stdin";
    let said = world.regcred_with(line, "hunter2");
    assert!(said.code == 1 && !said.stderr.contains("with -u"), "{said}");
    world.regcred_with(line, PASSWORD).says(str![[r#"
exit 0
--- stdout
--- stderr
the token belongs to admin, whose password is needed; the registry ignores the user name someone
revoked the token of [REGISTRY] for docker
forgot the credential of [REGISTRY] for docker

"#]]);
    // Where the server does not tell whose it is.
    world.gitea.set_visibility("admin", Visibility::Private);
    login();
    let said = world.regcred_with(line, PASSWORD);
    let hint = "if the token belongs to another account than someone, name that with -u";
    assert!(said.code == 1 && said.stderr.contains(hint), "{said}");
    world.regcred_with(&format!("{line} -u admin"), PASSWORD).done();
    assert_eq!(tokens(world), []);
}

scenario!(tokens_of_several_accounts, on(DOUBLES, REAL));
/// Each password is sent for its own account only; standard input has one.
fn tokens_of_several_accounts(world: &World) {
    world.gitea.state().profile = Profile::V1_22;
    world.gitea.add_user("robot");
    for (usage, name) in [("docker", "admin"), ("team", "robot")] {
        let token = world.gitea.add_token(name, "read:package");
        let line = format!("login [REGISTRY] -u {name} --use {usage} --token-stdin");
        world.regcred_with(&line, &token).done();
    }
    let line = "logout [REGISTRY] --revoke --password-stdin";
    world.regcred_with(line, PASSWORD).says(str![[r#"
exit 1
--- stdout
--- stderr
revoked the token of [REGISTRY] for docker
forgot the credential of [REGISTRY] for docker
error: the password of robot is needed too, and standard input had that of admin
hint: repeat it with the password of robot
hint: the keychain still holds the token for team; without --revoke, logout deletes it and it stays valid

"#]]);
    assert_eq!(world.gitea.tokens("admin").len(), 0);
    assert_eq!(world.gitea.tokens("robot").len(), 1);
    world.regcred_with(line, "password of robot").done();
    assert_eq!(world.gitea.tokens("robot").len(), 0);
}

scenario!(another_token_that_is_stored_meanwhile_stays, on(REAL));
/// While `logout` waits for the password of the one that it has found.
fn another_token_that_is_stored_meanwhile_stays(world: &World) {
    world.gitea.state().profile = Profile::V1_22;
    let login = || {
        let token = world.gitea.add_token("admin", "write:package");
        let line = "login [REGISTRY] -u admin --token-stdin";
        world.regcred_with(line, &token).done();
        token
    };
    let old = login();
    let asked = world.gitea.shown().len();
    let mut waiting = world
        .command(PLUGIN)
        .args(["logout", &world.registry(), "--revoke", "--password-stdin"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    until("it has tried without a password", || world.gitea.shown().len() > asked);
    let new = login();
    waiting.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
    let said = waiting.wait_with_output().unwrap();
    let text = String::from_utf8(said.stderr).unwrap();
    assert!(
        said.status.success() && text.contains("was stored meanwhile: it stays"),
        "{text}"
    );
    assert!(world.helper("get", "[REGISTRY]").done().contains(&new));
    assert!(world.gitea.knows("admin", &new) && !world.gitea.knows("admin", &old));
}

scenario!(a_stored_password_is_not_revoked, on(DOUBLES, REAL));
fn a_stored_password_is_not_revoked(world: &World) {
    for profile in [Profile::V1_22, Profile::V1_26, Profile::V1_27] {
        world.gitea.state().profile = profile;
        world
            .regcred_with("login [REGISTRY] -u admin --token-stdin --no-verify", PASSWORD)
            .done();
        world
            .regcred_with("logout [REGISTRY] --revoke --password-stdin", PASSWORD)
            .says(str![[r#"
exit 1
--- stdout
--- stderr
error: what is stored is no access token but a password, it seems, and cannot be revoked: it stays valid until it is changed
hint: the keychain still holds the token for docker; without --revoke, logout deletes it and it stays valid

"#]]);
    }
    assert!(world.regcred("list").done().contains("docker"));
}

scenario!(one_time_code, on(DOUBLES, REAL));
fn one_time_code(world: &World) {
    world.gitea.state().profile = Profile::V1_22;
    world.gitea.state().users[0].code = Some("123456".to_owned());
    let login = "login [REGISTRY] -u admin --mint --token-name laptop --password-stdin";
    world.regcred_with(login, PASSWORD).says(str![[r#"
exit 1
--- stdout
--- stderr
error: [REGISTRY] wants the one-time code of admin beside the password
hint: give it at the prompt, or as the second line of --password-stdin

"#]]);
    world.regcred_with(login, &format!("{PASSWORD}\n123 456\n")).done();
    let wrong = world.regcred_with(login, &format!("{PASSWORD}\nhunter2\n"));
    assert!(wrong.code == 1 && !wrong.stderr.contains("hunter2"), "{wrong}");
    let ended = world.regcred_with(
        "logout [REGISTRY] --revoke --password-stdin",
        &format!("{PASSWORD}\n123456"),
    );
    assert_eq!((ended.code, tokens(world).len()), (0, 0), "{ended}");
    // Since 1.25 nobody says which of the two it was.
    world.gitea.state().profile = Profile::V1_25;
    world.regcred_with(login, PASSWORD).says(str![[r#"
exit 1
--- stdout
--- stderr
error: [REGISTRY] does not let admin in, and does not say why: the password is wrong, or the account has a second factor, or no password of its own
hint: check the password; an account with a second factor needs its one-time code as well: at the prompt, or as the second line of --password-stdin

"#]]);
}

scenario!(what_cannot_be_kept_is_deleted, on(DOUBLES, REAL));
fn what_cannot_be_kept_is_deleted(world: &World) {
    // The registry itself refuses what its API made: a proxy that passes only one of them on.
    world
        .gitea
        .replace("/v2/token", Answer::json(401, &serde_json::json!({"errors": []})));
    let ran = world.regcred_with(
        "login [REGISTRY] -u admin --mint --token-name laptop --password-stdin",
        PASSWORD,
    );
    assert!(
        ran.code == 1
            && ran
                .stderr
                .contains("the token laptop, which was created for this, was deleted again"),
        "{ran}"
    );
    assert_eq!(tokens(world), []);
    assert_eq!(world.regcred("list").done(), "");
    // And where that fails as well, the page is said.
    world.gitea.replace(
        "/api/v1/token",
        Answer::json(500, &serde_json::json!({"message": "no"})),
    );
    let ran = world.regcred_with(
        "login [REGISTRY] -u admin --mint --token-name laptop --password-stdin",
        PASSWORD,
    );
    assert!(
        ran.stderr
            .contains("could not be stored: delete it at http://[REGISTRY]/user/settings/applications"),
        "{ran}"
    );
}

scenario!(what_cannot_be_revoked_is_kept, on(DOUBLES, REAL));
fn what_cannot_be_revoked_is_kept(world: &World) {
    let token = world.gitea.add_token("admin", "write:package");
    for usage in ["docker", "cluster"] {
        world
            .regcred_with(
                &format!("login [REGISTRY] -u admin --use {usage} --token-stdin"),
                &token,
            )
            .done();
    }
    // One token for two uses: ending the one would end the other.
    world.regcred("logout [REGISTRY] --use docker --revoke").says(str![[r#"
exit 1
--- stdout
--- stderr
error: the same token is also stored for cluster, which would stop working
hint: kubectl regcred logout [REGISTRY] --revoke

"#]]);
    // Both uses of it, of which the second one finds it gone.
    let ended = world.regcred("logout [REGISTRY] --revoke");
    assert_eq!((ended.code, tokens(world).len()), (0, 0), "{ended}");
    assert!(
        ended
            .stderr
            .contains("forgot the credential of [REGISTRY] for docker and cluster"),
        "{ended}"
    );
    // A server in trouble.
    let token = world.gitea.add_token("admin", "write:package");
    world
        .regcred_with("login [REGISTRY] -u admin --token-stdin", &token)
        .done();
    world.gitea.replace(
        "/api/v1/token",
        Answer::json(500, &serde_json::json!({"message": "no"})),
    );
    world.regcred("logout [REGISTRY] --revoke").says(str![[r#"
exit 1
--- stdout
--- stderr
error: [REGISTRY] failed with status 500: no
hint: this is a problem of the server: try again later, or look at its log
hint: the keychain still holds the token for docker; without --revoke, logout deletes it and it stays valid

"#]]);
    assert!(world.helper("get", "[REGISTRY]").done().contains(&token));
    // Without --revoke the server is not asked at all.
    let asked = world.gitea.requests().len();
    world.regcred("logout [REGISTRY]").done();
    assert_eq!(world.gitea.requests().len(), asked);
}

scenario!(wrong_usage, on(DOUBLES, REAL));
fn wrong_usage(world: &World) {
    for line in [
        "login [REGISTRY] -u admin --mint --token-stdin",
        "login [REGISTRY] -u admin --mint --no-verify",
        "login [REGISTRY] -u admin --scopes read:package",
        "login [REGISTRY] -u admin --password-stdin",
        "login [REGISTRY] -u admin --mint --token-name 123",
        "login [REGISTRY] -u admin --mint --token-name 0x1f",
        "login [REGISTRY] -u admin --mint --scopes Read",
        "login [REGISTRY] -u admin --mint --gitea-path https://evil.example/",
        "logout [REGISTRY] --password-stdin",
        "logout [REGISTRY] -u admin",
        "logout [REGISTRY] --kubeconfig FILE",
        // Nobody is there to be asked.
        "login [REGISTRY] -u admin --mint",
    ] {
        let ran = world.regcred(line);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{line}: {ran}");
    }
    assert_eq!(world.gitea.shown(), [""; 0]);
}

scenario!(a_person_types_password_and_code, needs(REAL_PARTS));
fn a_person_types_password_and_code() {
    let world = World::of_real_parts();
    world.gitea.state().users[0].code = Some("123456".to_owned());
    let person = |line: &str| {
        let mut command = std::process::Command::new(PLUGIN);
        command.env_clear().envs(world.env().iter()).env("TERM", "xterm");
        command.args(line.split_whitespace());
        rexpect::session::spawn_command(command, Some(60_000)).unwrap()
    };
    world.gitea.state().profile = Profile::V1_25;
    let mut login = person(&format!("login {} -u admin --mint", world.registry()));
    login
        .exp_string(&format!("Password of admin at {}", world.registry()))
        .unwrap();
    login.send_line(PASSWORD).unwrap();
    // 1.25 does not say that it wants the code: the person decides whether to try it.
    login.exp_string("does not say why").unwrap();
    login.exp_string("One-time code of admin").unwrap();
    login.send_line("123456").unwrap();
    let shown = login.exp_string("logged in to").unwrap() + &login.exp_eof().unwrap();
    let token = world.gitea.state().tokens[0].value.clone();
    assert!(
        shown.contains("write:package") && !shown.contains(&token) && !shown.contains("123456"),
        "{shown}"
    );

    let mut logout = person(&format!("logout {} --revoke", world.registry()));
    logout
        .exp_string(&format!("Password of admin at {}", world.registry()))
        .unwrap();
    logout.send_line(PASSWORD).unwrap();
    logout.exp_string("One-time code of admin").unwrap();
    logout.send_line("123456").unwrap();
    logout.exp_string("forgot the credential").unwrap();
    logout.exp_eof().unwrap();
    assert!(world.gitea.state().tokens.is_empty());
}
