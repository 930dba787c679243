//! Two workstations at one registry and one cluster: whose a Secret is, and what takes `--take-over`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred::model::Use;
use serde_json::{Value, json};
use snapbox::str;

use crate::support::http::Answer;
use crate::support::parts::{DOUBLES, REAL};
use crate::support::world::{World, auth};

const SECRET: &str = "gitea-credentials";
const WRITTEN_BY: &str = "kubectl-regcred/written-by";
const INSTALLATION: &str = "kubectl-regcred/installation";

impl World {
    /// A new token of this user's, for clusters, in the keychain.
    fn keeps(&self, user: &str, scopes: &str) -> String {
        if user != "admin" {
            self.gitea.add_user(user);
        }
        let token = self.gitea.add_token(user, scopes);
        self.takes(user, &token);
        token
    }

    fn takes(&self, user: &str, token: &str) {
        let line = format!("login [REGISTRY] -u {user} --use cluster --token-stdin");
        self.regcred_with(&line, token).done();
    }

    fn holds(&self, user: &str, token: &str) -> bool {
        self.document(SECRET).contains(&auth(user, token))
    }

    fn annotation(&self, name: &str) -> Value {
        self.secret(SECRET).unwrap()["metadata"]["annotations"][name].clone()
    }

    fn version(&self) -> Value {
        self.secret(SECRET).unwrap()["metadata"]["resourceVersion"].clone()
    }

    /// What the old runbook puts into a Secret.
    fn data(&self, user: &str, token: &str) -> String {
        STANDARD.encode(json!({"auths": {self.registry(): {"auth": auth(user, token)}}}).to_string())
    }

    /// A Secret as the old runbook made it.
    fn made_with_kubectl(&self, user: &str, token: &str) {
        let data = self.data(user, token);
        self.put_secret(&json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": SECRET},
            "type": "kubernetes.io/dockerconfigjson", "data": {".dockerconfigjson": data},
        }));
    }
}

scenario!(
    two_workstations_that_obey_status_leave_each_other_alone,
    on(DOUBLES, REAL)
);
fn two_workstations_that_obey_status_leave_each_other_alone(world: &mut World) {
    let mut bobs = world.another_desk("bob@laptop");
    let pull = world.keeps("admin", "read:package");
    world.regcred("sync -n [NAMESPACE]").done();
    assert_eq!(world.annotation(WRITTEN_BY), "jane@desk");
    let before = world.version();

    world.go_to(&mut bobs);
    let push = world.gitea.add_token("admin", "write:package");
    world
        .regcred_with("login [REGISTRY] -u admin --token-stdin", &push)
        .done();
    let said = world.regcred("status -n [NAMESPACE]");
    assert!(!said.stdout.contains("$ kubectl regcred sync"), "{said}");
    assert_eq!(said.code, 0, "{said}");
    world.regcred("sync -n [NAMESPACE]").says(str![[r#"
exit 1
--- stdout
--- stderr
error: secret/gitea-credentials in namespace [NAMESPACE] was not written: it holds another token of [REGISTRY] that works: jane@desk wrote it
hint: leave it, or ask jane@desk; --take-over writes yours all the same

"#]]);
    world.regcred("sync -n [NAMESPACE] --dry-run=server").says(str![[r#"
exit 1
--- stdout
--- stderr
error: secret/gitea-credentials in namespace [NAMESPACE] was not written: it holds another token of [REGISTRY] that works: jane@desk wrote it
hint: leave it, or ask jane@desk; --take-over writes yours all the same

"#]]);
    world.regcred("sync -n [NAMESPACE] --no-verify").says(str![[r#"
exit 1
--- stdout
--- stderr
error: secret/gitea-credentials in namespace [NAMESPACE] was not written: it holds another token of [REGISTRY]: jane@desk wrote it
hint: leave it, or ask jane@desk; --take-over writes yours all the same

"#]]);
    let ran = world.regcred("sync -A");
    assert!(
        ran.stderr.contains("of the user \"admin\", written by jane@desk"),
        "{ran}"
    );
    assert_eq!(world.version(), before);
    assert!(world.holds("admin", &pull));

    world.go_to(&mut bobs);
    let said = world.regcred("status -n [NAMESPACE]");
    assert!(said.stdout.contains("all is well"), "{said}");

    world.go_to(&mut bobs);
    world.regcred("sync -n [NAMESPACE] --take-over").says(str![[r#"
exit 0
--- stdout
secret/gitea-credentials configured in namespace [NAMESPACE]
--- stderr

"#]]);
    assert!(world.holds("admin", &push));
    assert_eq!(world.annotation(WRITTEN_BY), "bob@laptop");
    // From now on it is his.
    world.keeps("admin", "read:package");
    world.regcred("sync -n [NAMESPACE]").done();

    world.go_to(&mut bobs);
    world.regcred("sync -n [NAMESPACE]").says(str![[r#"
exit 1
--- stdout
--- stderr
error: secret/gitea-credentials in namespace [NAMESPACE] was not written: it holds another token of [REGISTRY] that works: bob@laptop wrote it
hint: leave it, or ask bob@laptop; --take-over writes yours all the same

"#]]);
}

scenario!(
    a_secret_that_is_right_is_not_written_to_say_who_else_finds_so,
    on(DOUBLES, REAL)
);
fn a_secret_that_is_right_is_not_written_to_say_who_else_finds_so(world: &mut World) {
    let mut bobs = world.another_desk("bob@laptop");
    let token = world.keeps("admin", "read:package");
    world.regcred("sync -n [NAMESPACE]").done();
    let (before, id) = (world.version(), world.annotation(INSTALLATION));
    assert_eq!(id.as_str().unwrap().len(), 32, "{id}");
    world.go_to(&mut bobs);
    world.takes("admin", &token);
    for line in ["sync -n [NAMESPACE]", "sync -A", "sync -n [NAMESPACE] --take-over"] {
        let ran = world.regcred(line);
        assert!(ran.stdout.contains("unchanged"), "{line}: {ran}");
    }
    assert_eq!(world.version(), before);
    world.go_to(&mut bobs);
    world.keeps("admin", "read:package");
    world.regcred("sync -A").done();
    assert_eq!(world.annotation(INSTALLATION), id, "it is made once");
    world.go_to(&mut bobs);
    // The old token was his too, and the new one is not.
    let ran = world.regcred("sync -A");
    assert!(ran.stderr.contains("written by jane@desk"), "{ran}");
}

scenario!(the_user_of_what_another_wrote_stays, on(DOUBLES, REAL));
fn the_user_of_what_another_wrote_stays(world: &mut World) {
    let mut bobs = world.another_desk("bob@laptop");
    let shared = world.keeps("admin", "read:package");
    world.regcred("sync -n [NAMESPACE]").done();
    world.go_to(&mut bobs);
    // Both have the team's token, and he wants a bot's user in the clusters.
    world
        .regcred_with("login [REGISTRY] -u admin --token-stdin", &shared)
        .done();
    let bot = world.keeps("bot", "read:package");
    let ran = world.regcred("sync -A");
    assert!(
        ran.stderr
            .contains("it holds another token of [REGISTRY] that works: jane@desk wrote it\n"),
        "{ran}"
    );
    assert_eq!(ran.code, 1, "{ran}");
    assert!(world.holds("admin", &shared));
    world.go_to(&mut bobs);
    // Who wrote it changes it without being asked.
    world.takes("bot", &bot);
    world.regcred("sync -A").done();
    assert!(world.holds("bot", &bot));
}

scenario!(
    what_the_old_runbook_made_is_adopted_where_only_the_token_is_newer,
    on(DOUBLES, REAL)
);
fn what_the_old_runbook_made_is_adopted_where_only_the_token_is_newer(world: &mut World) {
    let old = world.gitea.add_token("admin", "read:package");
    world.made_with_kubectl("admin", &old);
    let bot = world.keeps("bot", "read:package");
    world.regcred("sync -n [NAMESPACE]").says(str![[r#"
exit 1
--- stdout
--- stderr
error: secret/gitea-credentials in namespace [NAMESPACE] was not written: it holds another token of [REGISTRY] that works: it is admin's, and yours is bot's
hint: leave it, or ask admin; --take-over writes yours all the same

"#]]);
    let push = world.keeps("admin", "write:package");
    world.regcred("sync -n [NAMESPACE]").says(str![[r#"
exit 1
--- stdout
--- stderr
error: secret/gitea-credentials in namespace [NAMESPACE] was not written: it holds another token of [REGISTRY] that works: yours may do more: write:package
hint: login --use cluster keeps a token for clusters that may only pull; --take-over writes yours all the same

"#]]);
    assert!(world.holds("admin", &old));
    let pull = world.keeps("admin", "read:package");
    world.regcred("sync -n [NAMESPACE]").says(str![[r#"
exit 0
--- stdout
secret/gitea-credentials configured in namespace [NAMESPACE]
--- stderr
warning: secret/gitea-credentials in namespace [NAMESPACE]: adopted from kubectl-create

"#]]);
    assert!(world.holds("admin", &pull));
    for token in [old, bot, push] {
        assert!(world.gitea.received(&token), "each is asked about");
    }
}

scenario!(a_dead_token_is_replaced_whosever_it_was, on(DOUBLES, REAL));
fn a_dead_token_is_replaced_whosever_it_was(world: &mut World) {
    let mut bobs = world.another_desk("bob@laptop");
    let dead = world.keeps("admin", "read:package");
    world.regcred("sync -n [NAMESPACE]").done();
    world.gitea.revoke_of("admin", &dead);
    world.go_to(&mut bobs);
    let bot = world.keeps("bot", "write:package");
    world.regcred("sync -n [NAMESPACE]").says(str![[r#"
exit 0
--- stdout
secret/gitea-credentials configured in namespace [NAMESPACE]
--- stderr

"#]]);
    assert!(world.holds("bot", &bot));
    assert_eq!(world.annotation(WRITTEN_BY), "bob@laptop");
}

scenario!(
    a_token_that_died_after_its_proof_replaces_none_that_works,
    on(DOUBLES, REAL)
);
fn a_token_that_died_after_its_proof_replaces_none_that_works(world: &mut World) {
    let leaked = world.keeps("admin", "read:package");
    world.regcred("sync -n [NAMESPACE]").done();
    // Somebody ends it by hand, and gives the Secret another one with kubectl.
    world.gitea.revoke_of("admin", &leaked);
    let works = world.gitea.add_token("admin", "read:package");
    let data = json!({".dockerconfigjson": world.data("admin", &works)});
    world.plane.edit(&world.namespace, &data);
    world.regcred("sync -n [NAMESPACE]").says(str![[r#"
exit 1
--- stdout
--- stderr
error: secret/gitea-credentials in namespace [NAMESPACE] was not written: [REGISTRY] does not accept the keychain's token any more, and it accepts the one in the Secret
hint: kubectl regcred login [REGISTRY] -u admin --use cluster stores the one that works

"#]]);
    assert!(world.holds("admin", &works));
    world.takes("admin", &works);
    let ran = world.regcred("sync -n [NAMESPACE]");
    assert!(ran.code == 0 && ran.stdout.contains(" unchanged "), "{ran}");
}

scenario!(a_token_that_nobody_can_say_anything_of_stays);
fn a_token_that_nobody_can_say_anything_of_stays() {
    let mut world = World::of_doubles();
    let mut bobs = world.another_desk("bob@laptop");
    let theirs = world.keeps("admin", "read:package");
    world.regcred("sync -n [NAMESPACE]").done();
    world.go_to(&mut bobs);
    // The own one was proved just now.
    world.keeps("admin", "read:package");
    world.gitea.replace("/v2/", Answer::text(503, "busy"));
    world.regcred("sync -n [NAMESPACE]").says(str![[r#"
exit 1
--- stdout
--- stderr
error: secret/gitea-credentials in namespace [NAMESPACE] was not written: nobody could say whether the other token of [REGISTRY] in it works: [REGISTRY] failed with status 503: busy
hint: --take-over writes it without asking about that one

"#]]);
    assert!(world.holds("admin", &theirs));
    world.regcred("sync -n [NAMESPACE] --take-over").done();
    assert!(!world.holds("admin", &theirs));
}

scenario!(who_wrote_it_is_text_that_nobody_trusts);
fn who_wrote_it_is_text_that_nobody_trusts() {
    let mut world = World::of_doubles();
    let mut mallorys = world.another_desk("mallory");
    world.keeps("admin", "read:package");
    world.regcred("sync -n [NAMESPACE]").done();
    let long = "x".repeat(10_000);
    for (written_by, shown) in [
        ("\u{1b}]0;title\u{7}\u{202e}mallory\r\n", "]0;title mallory"),
        (long.as_str(), "xxxxxxxx…"),
    ] {
        let namespace = world.namespace.clone();
        world
            .api_server()
            .update_secret(&namespace, SECRET, "kubectl-edit", |secret| {
                secret["metadata"]["annotations"][WRITTEN_BY] = written_by.into();
            });
        let before = world.version();
        let ran = world.regcred("sync -n [NAMESPACE]");
        assert!(ran.stdout.contains("unchanged"), "{ran}");
        assert_eq!(world.version(), before);
        world.go_to(&mut mallorys);
        world.keeps("admin", "read:package");
        for line in ["sync -n [NAMESPACE]", "status -n [NAMESPACE]"] {
            let ran = world.regcred(line);
            let all = format!("{}{}", ran.stdout, ran.stderr);
            assert!(all.contains(shown), "{line}: {ran}");
            assert!(
                !all.contains('\u{1b}') && !all.contains('\u{202e}') && all.len() < 2_000,
                "{ran}"
            );
        }
        world.go_to(&mut mallorys);
    }
}

scenario!(
    a_rotation_that_another_machine_began_is_recognised_where_it_shows,
    on(DOUBLES, REAL)
);
fn a_rotation_that_another_machine_began_is_recognised_where_it_shows(world: &mut World) {
    let mut bobs = world.another_desk("bob@laptop");
    let old = world.keeps("admin", "read:package");
    world.regcred("sync -n [NAMESPACE]").done();
    world.go_to(&mut bobs);
    world.takes("admin", &old);
    world.go_to(&mut bobs);
    let new = world.gitea.add_token("admin", "read:package");
    world
        .regcred_with("rotate [REGISTRY] -n [NAMESPACE] --token-stdin --keep-old", &new)
        .done();
    world.go_to(&mut bobs);
    for line in ["rotate --resume", "rotate --abort"] {
        let ran = world.regcred(line);
        assert_eq!(
            (ran.code, ran.stderr.as_str()),
            (0, "no rotation is pending on this machine\n"),
            "{ran}"
        );
    }
    let ran = world.regcred("sync -A");
    assert!(
        ran.stderr
            .contains("another token, of the user \"admin\", written by jane@desk\n"),
        "{ran}"
    );
    world.gitea.revoke_of("admin", &old);
    world.regcred("status -n [NAMESPACE]").says(str![[r#"
exit 3
--- stdout
NAMESPACE   SECRET   REGISTRY   USER   STATE
[NAMESPACE]   gitea-credentials   [REGISTRY]   admin   another's

token-rejected: credential [REGISTRY] for cluster
  [REGISTRY] does not accept the token: invalid username, password or token
  $ kubectl regcred login [REGISTRY] -u admin --use cluster
  make a token with read:package or write:package at http://[REGISTRY]/user/settings/applications; an account's password is no token

secret-of-another: secret/gitea-credentials in namespace [NAMESPACE]
  it holds another token of [REGISTRY], which works: jane@desk wrote it. The keychain's is refused: it was probably rotated there
  log in with the new token, which jane@desk has, or with one of your own

1 out of step, 1 thing to note: 0 of 1 Secret in sync, 0 of 1 token accepted, 0 pods in 1 namespace checked
--- stderr

"#]]);
    world.takes("admin", &new);
    world.regcred("sync -n [NAMESPACE]").says(str![[r#"
exit 0
--- stdout
secret/gitea-credentials unchanged in namespace [NAMESPACE]
--- stderr

"#]]);
    // The other way round: his own rotation meets what she wrote.
    world.go_to(&mut bobs);
    let newer = world.keeps("admin", "read:package");
    world.regcred("sync -n [NAMESPACE]").done();
    world.go_to(&mut bobs);
    let third = world.gitea.add_token("admin", "read:package");
    let ran = world.regcred_with("rotate [REGISTRY] -A --token-stdin --keep-old", &third);
    assert!(
        ran.stderr
            .contains("another token, of the user \"admin\", written by jane@desk\n"),
        "{ran}"
    );
    assert!(world.holds("admin", &newer));
}

scenario!(a_pipeline_leaves_its_name_and_keeps_nothing, on(DOUBLES, REAL));
fn a_pipeline_leaves_its_name_and_keeps_nothing(world: &mut World) {
    let mut pipelines = world.another_desk("ci of web");
    world.go_to(&mut pipelines);
    let line = "sync -n [NAMESPACE] --registry [REGISTRY] -u admin --token-stdin";
    let first = world.gitea.add_token("admin", "read:package");
    world.regcred_with(line, &first).done();
    assert_eq!(world.annotation(WRITTEN_BY), "ci of web");
    assert_eq!(world.annotation(INSTALLATION), "");
    let before = world.version();
    world
        .variables
        .insert("REGCRED_NAME".to_owned(), "another runner".into());
    let ran = world.regcred_with(line, &first);
    assert!(ran.stdout.contains("unchanged"), "{ran}");
    assert_eq!(world.version(), before);
    let second = world.gitea.add_token("admin", "read:package");
    world.regcred_with(line, &second).done();
    assert!(world.holds("admin", &second));
    assert_eq!(world.annotation(WRITTEN_BY), "another runner");
    let state = world
        .env()
        .path("HOME")
        .unwrap()
        .join(".local/state/regcred/installation");
    assert!(!state.exists(), "nothing is kept");
    // A workstation's Secret is not the pipeline's.
    world.go_to(&mut pipelines);
    let own = world.keeps("admin", "read:package");
    world.regcred("sync -n [NAMESPACE]").done();
    assert!(world.holds("admin", &own));
    world.go_to(&mut pipelines);
    world.regcred_with(line, &second).says(str![[r#"
exit 1
--- stdout
--- stderr
error: secret/gitea-credentials in namespace [NAMESPACE] was not written: it holds another token of [REGISTRY] that works: jane@desk wrote it
hint: leave it, or ask jane@desk; --take-over writes yours all the same

"#]]);
    assert_eq!(world.kept(Use::Cluster), None);
}
