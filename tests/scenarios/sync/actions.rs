//! `sync --actions-secret`: what the pipelines of Gitea and Forgejo get.

use std::io::{BufRead as _, BufReader};
use std::process::{ChildStderr, Command};
use std::sync::mpsc;
use std::time::Duration;

use snapbox::str;

use crate::support::PLUGIN;
use crate::support::gitea::Visibility;
use crate::support::http::Answer;
use crate::support::parts::{DOUBLES, REAL_GITEA};
use crate::support::world::{Ran, World};

/// The account's own, at the double and at the real one.
const PASSWORD: &str = "password of admin\n";
const PLACE: &str = "repo:admin/web/REGISTRY_TOKEN";
/// How long a program may take to come to a request, and a request to be answered.
const PATIENCE: Duration = Duration::from_secs(60);

impl World {
    /// A new token for pipelines, in the keychain.
    fn for_pipelines(&self) -> String {
        let token = self.gitea.add_token("admin", "write:package");
        let line = "login [REGISTRY] -u admin --use ci --token-stdin";
        self.regcred_with(line, &token).done();
        token
    }

    fn sync_actions(&self, args: &str) -> Ran {
        self.regcred_with(&format!("sync --use ci --password-stdin {args}"), PASSWORD)
    }
}

scenario!(writes_what_is_not_there_yet, on(DOUBLES, REAL_GITEA));
fn writes_what_is_not_there_yet(world: &World) {
    world.gitea.add_repository("admin", "web");
    let token = world.for_pipelines();
    world
        .sync_actions(&format!("--actions-secret {PLACE} --dry-run=client"))
        .says(str![[r#"
exit 0
--- stdout
actions-secret/repo:admin/web/REGISTRY_TOKEN configured (dry run)
--- stderr

"#]]);
    world.sync_actions(&format!("--actions-secret {PLACE}")).says(str![[r#"
exit 0
--- stdout
actions-secret/repo:admin/web/REGISTRY_TOKEN created
--- stderr

"#]]);
    assert!(world.gitea.pipeline_has("repos/admin/web", "REGISTRY_TOKEN", &token));
    // Without a password: there is nothing to do.
    world
        .regcred(&format!("sync --use ci --actions-secret {PLACE}"))
        .says(str![[r#"
exit 0
--- stdout
actions-secret/repo:admin/web/REGISTRY_TOKEN unchanged
--- stderr

"#]]);
    let newer = world.for_pipelines();
    let more = "--actions-secret user:admin/registry_token -o json";
    world
        .sync_actions(&format!("--actions-secret {PLACE} {more}"))
        .says(str![[r#"
exit 0
--- stdout
{
  "apiVersion": "regcred/v1",
  "kind": "SyncResult",
  "dryRun": "none",
  "items": [
   {
   "context": null,
   "actionsSecret": "repo:admin/web/REGISTRY_TOKEN",
   "action": "configured",
   "changes": [],
   "notes": []
   },
   {
   "context": null,
   "actionsSecret": "user:admin/REGISTRY_TOKEN",
   "action": "created",
   "changes": [],
   "notes": []
   }
  ]
}
--- stderr
1 created, 1 configured

"#]]);
    assert!(world.gitea.pipeline_has("repos/admin/web", "REGISTRY_TOKEN", &newer));
    let shown = world.regcred("where --offline").done();
    assert_eq!(shown.matches("actions-secret/").count(), 2, "{shown}");
    assert!(!shown.contains(&newer));
}

scenario!(an_organisation_needs_its_owner, on(DOUBLES, REAL_GITEA));
fn an_organisation_needs_its_owner(world: &World) {
    world.gitea.add_organisation("acme", Visibility::Public);
    world.gitea.add_repository("acme", "my.repo-1");
    let token = world.for_pipelines();
    // Nothing is changed if one of them may not be written.
    let both = "--actions-secret repo:acme/my.repo-1/T --actions-secret org:acme/T";
    let said = world.sync_actions(both);
    assert!(
        said.code == 1 && said.stderr.contains("admin may not write the Actions secrets of"),
        "{said}"
    );
    world.gitea.make_owner("acme", "admin");
    let said = world.sync_actions(both);
    assert_eq!(said.code, 0, "{said}");
    for place in ["repos/acme/my.repo-1", "orgs/acme"] {
        assert!(world.gitea.pipeline_has(place, "T", &token), "{place}");
    }
}

scenario!(another_account_may_write, on(DOUBLES, REAL_GITEA));
fn another_account_may_write(world: &World) {
    let gitea = &world.gitea;
    gitea.add_organisation("acme", Visibility::Public);
    gitea.add_repository("acme", "web");
    gitea.add_user("boss");
    gitea.make_owner("acme", "boss");
    let token = world.for_pipelines();
    let line = "sync --use ci --password-stdin --actions-secret repo:acme/web/T";
    let said = world.regcred_with(line, PASSWORD);
    assert!(said.code == 1 && said.stderr.contains("admin may not write"), "{said}");
    let said = world.regcred_with(&format!("{line} --actions-account boss"), "password of boss\n");
    assert_eq!(said.code, 0, "{said}");
    assert!(gitea.pipeline_has("repos/acme/web", "T", &token), "it is admin's token");
}

scenario!(what_was_deleted_there_is_written_again, on(DOUBLES, REAL_GITEA));
/// Nobody can read whether it is still there, so the last answer is believed.
fn what_was_deleted_there_is_written_again(world: &World) {
    let gitea = &world.gitea;
    gitea.add_repository("admin", "web");
    let token = world.for_pipelines();
    let line = format!("--actions-secret {PLACE}");
    world.sync_actions(&line).done();
    gitea.delete_actions_secret("admin", "web", "REGISTRY_TOKEN");
    let has = || gitea.has_pipeline("repos/admin/web", "REGISTRY_TOKEN");
    let said = world.sync_actions(&line).done();
    assert!(said.contains(" unchanged") && !has(), "{said}");
    let said = world.sync_actions(&format!("{line} --rewrite")).done();
    assert!(said.contains(" created"), "{said}");
    assert!(gitea.pipeline_has("repos/admin/web", "REGISTRY_TOKEN", &token));
}

scenario!(one_code_is_enough, on(DOUBLES, REAL_GITEA));
/// Also where it is good for a single request, and there are four of them.
fn one_code_is_enough(world: &World) {
    let gitea = &world.gitea;
    for name in ["web", "api"] {
        gitea.add_repository("admin", name);
    }
    let token = world.for_pipelines();
    gitea.enrol("admin");
    let sync = |code: &str| {
        let places = "--actions-secret repo:admin/web/T --actions-secret repo:admin/api/T";
        let line = format!("sync --use ci --password-stdin {places}");
        world.regcred_with(&line, &format!("{PASSWORD}{code}\n"))
    };
    let said = sync(&gitea.wrong_code("admin"));
    assert!(said.code == 1 && said.stderr.contains("wait for a new code"), "{said}");
    let has = |name: &str| gitea.pipeline_has(&format!("repos/admin/{name}"), "T", &token);
    assert!(!has("web") && !has("api"), "{said}");
    sync(&gitea.code("admin")).says(str![[r#"
exit 0
--- stdout
actions-secret/repo:admin/web/T created
actions-secret/repo:admin/api/T created
--- stderr
2 created

"#]]);
    assert!(has("web") && has("api"));
    assert_eq!(gitea.tokens("admin").len(), 1, "what was made for it is gone");
}

scenario!(what_stood_in_for_a_password_is_named_if_it_stays);
fn what_stood_in_for_a_password_is_named_if_it_stays() {
    let world = World::of_doubles();
    world.gitea.add_repository("admin", "web");
    let _ = world.for_pipelines();
    world.gitea.enrol("admin");
    let next = world.gitea.state().last_token + 1;
    let path = format!("/api/v1/users/admin/tokens/{next}");
    world.gitea.replace(&path, Answer::empty(500));
    let line = format!("sync --use ci --password-stdin --actions-secret {PLACE}");
    let said = world.regcred_with(&line, &format!("{PASSWORD}{}\n", world.gitea.code("admin")));
    let (name, _) = world.gitea.tokens("admin").pop().unwrap();
    assert!(name.starts_with("kubectl-regcred-writes-"), "{name}");
    assert!(
        said.code == 0 && said.stderr.contains(&format!("the token {name} at ")),
        "{said}"
    );
    assert!(said.stderr.contains("/user/settings/applications"), "{said}");
}

scenario!(says_who_may_not, on(DOUBLES, REAL_GITEA));
fn says_who_may_not(world: &World) {
    world.gitea.add_repository("admin", "web");
    world.gitea.add_user("other");
    world.for_pipelines();
    let line = format!("--actions-secret {PLACE}");
    // A token in the place of the password: one that may, and one that may not.
    let reader = world.gitea.add_token("admin", "read:repository");
    let said = world.regcred_with(&format!("sync --use ci --password-stdin {line}"), &reader);
    assert!(
        said.code == 1
            && said
                .stderr
                .contains("admin may not write the Actions secrets of repository admin/web"),
        "{said}"
    );
    assert!(!said.stderr.contains(&reader), "{said}");
    let writer = world.gitea.add_token("admin", "write:repository");
    world
        .regcred_with(&format!("sync --use ci --password-stdin {line}"), &writer)
        .done();
    world.for_pipelines();
    let said = world.regcred_with(&format!("sync --use ci --password-stdin {line}"), "wrong\n");
    assert!(said.code == 1 && said.stderr.contains("error: "), "{said}");
    let said = world.sync_actions("--actions-secret repo:admin/nothing/T");
    assert!(said.stderr.contains("has no repository admin/nothing"), "{said}");
    let said = world.sync_actions("--actions-secret user:other/T");
    assert!(said.stderr.contains("belongs to another account than admin"), "{said}");
    world
        .sync_actions("--actions-secret repo:admin/web/GITEA_TOKEN")
        .says(str![[r#"
exit 2
--- stdout
--- stderr
error: invalid value '…' for '--actions-secret <PLACE>': names of secrets that begin with GITEA_ or GITHUB_ are reserved

For more information, try '--help'.
hint: the value is not shown, because it may be a token: if it is one, revoke it

"#]]);
    let said = world.regcred("sync --actions-secret repo:admin/web/T");
    assert_eq!(said.code, 2, "{said}");
}

scenario!(a_token_that_another_keychain_gave_to_a_pipeline_is_not_revoked);
/// The ledger knows each token by a fingerprint under its keychain's own key.
fn a_token_that_another_keychain_gave_to_a_pipeline_is_not_revoked() {
    for is_damaged in [false, true] {
        let mut world = World::of_doubles();
        world.gitea.add_repository("admin", "web");
        let token = world.for_pipelines();
        world.sync_actions(&format!("--actions-secret {PLACE}")).done();
        let logout = |world: &World, flags: &str| {
            let line = format!("logout [REGISTRY] --use ci --revoke --password-stdin {flags}");
            world.regcred_with(&line, PASSWORD)
        };
        if is_damaged {
            world.damage_fingerprints();
        } else {
            world.change_keychain();
            world
                .regcred_with("login [REGISTRY] -u admin --use ci --token-stdin", &token)
                .done();
        }
        logout(&world, "").says(str![[r#"
exit 1
--- stdout
--- stderr
error: the token is not revoked: it may be in the Actions secret repo:admin/web/REGISTRY_TOKEN, which holds a token that this keychain does not recognise
hint: kubectl regcred sync --registry [REGISTRY] --use ci --actions-secret repo:admin/web/REGISTRY_TOKEN gives it a token that this keychain has
hint: --revoke-anyway revokes it all the same, and pipelines that need it cannot log in any more

"#]]);
        assert!(world.gitea.knows("admin", &token));
        if !is_damaged {
            world.sync_actions(&format!("--actions-secret {PLACE}")).done();
            let said = logout(&world, "");
            assert!(said.stderr.contains("it is in the Actions secret"), "{said}");
            continue;
        }
        let said = logout(&world, "--revoke-anyway");
        assert!(said.code == 0 && said.stderr.contains("may hold the token"), "{said}");
        assert!(!world.gitea.knows("admin", &token));
    }
}

scenario!(only_what_may_have_been_written_is_a_place);
fn only_what_may_have_been_written_is_a_place() {
    for (status, may_be_written) in [(403, false), (404, false), (422, false), (500, true)] {
        let world = World::of_doubles();
        world.gitea.add_repository("admin", "web");
        let _ = world.for_pipelines();
        let path = "/api/v1/repos/admin/web/actions/secrets/REGISTRY_TOKEN";
        world.gitea.replace(path, Answer::empty(status));
        let said = world.sync_actions(&format!("--actions-secret {PLACE}"));
        assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{status}: {said}");
        let places = world.regcred("where --offline").done();
        assert_eq!(places.contains("actions-secret/"), may_be_written, "{status}: {places}");
    }
}

scenario!(a_token_that_is_in_a_pipeline_is_not_revoked, on(DOUBLES, REAL_GITEA));
fn a_token_that_is_in_a_pipeline_is_not_revoked(world: &World) {
    world.gitea.add_repository("admin", "web");
    let token = world.for_pipelines();
    world.sync_actions(&format!("--actions-secret {PLACE}")).done();
    world
        .regcred_with("logout [REGISTRY] --use ci --revoke --password-stdin", PASSWORD)
        .says(str![[r#"
exit 1
--- stdout
--- stderr
error: the token is not revoked: it is in the Actions secret repo:admin/web/REGISTRY_TOKEN
hint: kubectl regcred rotate [REGISTRY] --use ci gives it another token and revokes this one
hint: --revoke-anyway revokes it all the same, and pipelines that need it cannot log in any more

"#]]);
    assert!(world.gitea.knows("admin", &token));
    world.regcred("logout [REGISTRY] --use ci").says(str![[r#"
exit 0
--- stdout
--- stderr
forgot the credential of [REGISTRY] for ci
warning: the Actions secret repo:admin/web/REGISTRY_TOKEN still holds it, and it is still valid

"#]]);
}

scenario!(a_list_has_them_beside_its_secrets, on(DOUBLES));
fn a_list_has_them_beside_its_secrets(world: &World) {
    world.gitea.add_repository("admin", "web");
    let token = world.for_pipelines();
    let file = world.folder().join("regcred.yaml");
    let list = |actions: &str| {
        let (registry, namespace) = (world.registry(), &world.namespace);
        let text = format!(
            "registries:\n- registry: {registry}\n  use: ci\n  actions: [{actions}]\n  secrets:\n  - {{namespace: {namespace}}}\n"
        );
        std::fs::write(&file, text).unwrap();
    };
    let line = format!("sync -f {} --password-stdin", file.display());
    // Nothing is changed if one of them may not be written.
    list("repo:admin/web/T, repo:admin/nothing/T");
    let said = world.regcred_with(&line, PASSWORD);
    assert!(
        said.code == 1 && said.stderr.contains("has no repository admin/nothing"),
        "{said}"
    );
    assert!(world.secret("gitea-credentials").is_none(), "{said}");
    list("repo:admin/web/T");
    world.regcred_with(&line, PASSWORD).says(str![[r#"
exit 0
--- stdout
secret/gitea-credentials created in namespace [NAMESPACE]
actions-secret/repo:admin/web/T created
--- stderr
2 created

"#]]);
    assert!(world.gitea.pipeline_has("repos/admin/web", "T", &token));
    // Without a password.
    world.regcred(&format!("sync -f {}", file.display())).says(str![[r#"
exit 0
--- stdout
secret/gitea-credentials unchanged in namespace [NAMESPACE]
actions-secret/repo:admin/web/T unchanged
--- stderr
2 unchanged

"#]]);
}

scenario!(ctrl_c_leaves_them_and_says_so);
/// While the last Secret is written, by the program itself, which has a vault.
fn ctrl_c_leaves_them_and_says_so() {
    let world = World::of_doubles();
    world.gitea.add_repository("admin", "web");
    let token = world.gitea.add_token("admin", "write:package");
    let run = |line: &str, stdin: &str| world.run(world.command(PLUGIN).args(line.split(' ')), stdin).done();
    let key = world.folder().join("vault.key");
    run(&format!("keychain use vault --key-file {}", key.display()), "");
    let login = format!("login {} -u admin --use ci --token-stdin", world.registry());
    run(&login, &token);
    let file = world.folder().join("regcred.yaml");
    let (registry, namespace) = (world.registry(), &world.namespace);
    let text = format!(
        "registries:\n- registry: {registry}\n  use: ci\n  actions: [repo:admin/web/T]\n  secrets:\n  - {{namespace: {namespace}}}\n"
    );
    std::fs::write(&file, text).unwrap();
    let (give, take) = mpsc::channel::<(u32, ChildStderr)>();
    let (back, stderr) = mpsc::channel();
    world.api_server().before_next_write(move |_| {
        let (child, stderr) = take.recv().unwrap();
        let killed = Command::new("kill").args(["-INT", &child.to_string()]).status();
        assert!(killed.unwrap().success());
        let mut lines = BufReader::new(stderr).lines();
        assert!(lines.any(|line| line.unwrap().starts_with("interrupted: waiting for 1 ")));
        back.send(lines).unwrap();
    });
    let line = format!("sync -f {} --password-stdin", file.display());
    let mut running = world.start_regcred(&line, PASSWORD);
    give.send((running.id(), running.stderr.take().unwrap())).unwrap();
    let rest: Vec<String> = stderr.recv().unwrap().map(Result::unwrap).collect();
    assert_eq!(running.wait().unwrap().code(), Some(130), "{rest:?}");
    let says = [
        "1 created, 1 not tried",
        "hint: run it again; finished Secrets are not written again",
    ];
    assert_eq!(rest, says);
    assert!(world.secret("gitea-credentials").is_some());
    assert!(!world.gitea.pipeline_has("repos/admin/web", "T", &token));
}

scenario!(ctrl_c_lets_the_one_under_way_end);
fn ctrl_c_lets_the_one_under_way_end() {
    let says = [
        IN_PROGRESS,
        "1 created, 1 not tried",
        "hint: run it again; finished Secrets are not written again",
    ];
    let line =
        "sync --registry [REGISTRY] --use ci --actions-secret repo:admin/web/T --actions-secret repo:admin/api/T";
    assert_eq!(interrupted(1, line), says);
}

scenario!(a_second_ctrl_c_ends_the_wait_for_an_answer);
fn a_second_ctrl_c_ends_the_wait_for_an_answer() {
    let says = [
        IN_PROGRESS,
        "1 created, 1 not tried, 1 cut off",
        "hint: run it again; finished Secrets are not written again",
    ];
    assert_eq!(interrupted(2, "sync -f regcred.yaml"), says);
}

const IN_PROGRESS: &str = "interrupted: waiting for 1 that is in progress; press Ctrl-C again to stop immediately";

/// What is said where Ctrl-C is pressed so often while the first of two is with a server that takes its time.
fn interrupted(times: usize, line: &str) -> Vec<String> {
    let world = World::of_doubles();
    for name in ["web", "api"] {
        world.gitea.add_repository("admin", name);
    }
    let token = world.gitea.add_token("admin", "write:package");
    let run = |line: &str, stdin: &str| world.run(world.command(PLUGIN).args(line.split(' ')), stdin).done();
    let key = world.folder().join("vault.key");
    run(&format!("keychain use vault --key-file {}", key.display()), "");
    let login = format!("login {} -u admin --use ci --token-stdin", world.registry());
    run(&login, &token);
    let list = format!(
        "registries:\n- registry: {}\n  use: ci\n  actions: [repo:admin/web/T, repo:admin/api/T]\n  secrets:\n  - {{namespace: {}}}\n",
        world.registry(),
        world.namespace
    );
    std::fs::write(world.home().join("regcred.yaml"), list).unwrap();
    let (asked, is_asked) = mpsc::channel();
    let (answer, may_answer) = mpsc::channel::<()>();
    let first = "PUT /api/v1/repos/admin/web/actions/secrets/T?";
    world.gitea.meanwhile(first, move || {
        asked.send(()).unwrap();
        // Ends as well where the test has failed.
        let _ = may_answer.recv_timeout(PATIENCE);
    });
    let mut running = world.start_regcred(&format!("{line} --password-stdin"), PASSWORD);
    is_asked.recv_timeout(PATIENCE).unwrap();
    let mut lines = BufReader::new(running.stderr.take().unwrap()).lines();
    let mut said = Vec::new();
    for _ in 0..times {
        let killed = Command::new("kill").args(["-INT", &running.id().to_string()]).status();
        assert!(killed.unwrap().success());
        if said.is_empty() {
            said.extend(lines.next().map(Result::unwrap));
        }
    }
    if times == 1 {
        answer.send(()).unwrap();
    }
    said.extend(lines.map(Result::unwrap));
    assert_eq!(running.wait().unwrap().code(), Some(130), "{said:?}");
    drop(answer);
    assert!(!world.gitea.has_pipeline("repos/admin/api", "T"), "{said:?}");
    said
}
