//! Two accounts at one registry: each Secret stays with its own, whatever command meets it.

use serde_json::{Value, json};
use snapbox::str;

use crate::support::parts::{DOUBLES, REAL};
use crate::support::world::{Ran, World, auth};

const SECRET: &str = "gitea-credentials";
/// The account's own, at the double.
const PASSWORD: &str = "password of robot\n";

/// A registry with the accounts `admin` and `robot`, and a namespace for each.
struct Accounts<'a> {
    world: &'a World,
    /// The namespace of the second account.
    team: String,
}

impl<'a> Accounts<'a> {
    /// Both logged in, with a Secret each.
    fn of(world: &'a World) -> Self {
        world.gitea.add_user("robot");
        let this = Self {
            world,
            team: world.another_namespace("team-b"),
        };
        this.takes("admin", "cluster");
        this.takes("robot", "team");
        world.regcred("sync -n [NAMESPACE]").done();
        this.run("sync -n [TEAM] --use team").done();
        this
    }

    /// A new token for this use, in the keychain.
    fn takes(&self, user: &str, usage: &str) -> String {
        let token = self.world.gitea.add_token(user, "read:package");
        let line = format!("login [REGISTRY] -u {user} --use {usage} --token-stdin");
        self.world.regcred_with(&line, &token).done();
        token
    }

    fn run(&self, line: &str) -> Ran {
        self.run_with(line, "")
    }

    fn run_with(&self, line: &str, stdin: &str) -> Ran {
        let mut ran = self.world.regcred_with(
            &line.replace("[TEAM]", &self.team).replace("[FILE]", &self.file()),
            stdin,
        );
        for text in [&mut ran.stdout, &mut ran.stderr] {
            *text = text.replace(&self.team, "[TEAM]").replace(&self.file(), "[FILE]");
        }
        ran
    }

    fn file(&self) -> String {
        self.world.folder().join("regcred.yaml").display().to_string()
    }

    /// Whether the Secret of the first and of the second account hold these.
    fn hold(&self, admins: &str, teams: &str) {
        assert_eq!(self.token(&self.world.namespace), auth("admin", admins), "of admin");
        assert_eq!(self.token(&self.team), auth("robot", teams), "of robot");
    }

    fn token(&self, namespace: &str) -> String {
        let secret = self.world.secret_in(namespace, SECRET).unwrap();
        let document = base64_json(&secret["data"][".dockerconfigjson"]);
        document["auths"][self.world.registry()]["auth"]
            .as_str()
            .unwrap()
            .to_owned()
    }
}

fn base64_json(text: &Value) -> Value {
    use base64::Engine as _;
    let bytes = base64::engine::general_purpose::STANDARD.decode(text.as_str().unwrap());
    serde_json::from_slice(&bytes.unwrap()).unwrap()
}

scenario!(each_secret_keeps_its_own_account, on(DOUBLES, REAL));
fn each_secret_keeps_its_own_account(world: &World) {
    let accounts = Accounts::of(world);
    let (admins, teams) = (accounts.takes("admin", "cluster"), accounts.takes("robot", "team"));
    world.regcred("list").says(str![[r#"
exit 0
--- stdout
REGISTRY   USERNAME   USE   AGE
[REGISTRY]   admin   cluster   <1h
[REGISTRY]   robot   team   <1h
--- stderr

"#]]);
    accounts.run("status -n [NAMESPACE] -n [TEAM] -o wide").says(str![[r#"
exit 3
--- stdout
NAMESPACE   SECRET   REGISTRY   USER   STATE   USE   OWNER   SERVICE ACCOUNTS   USED BY
[NAMESPACE]   gitea-credentials   [REGISTRY]   admin   stale   cluster   kubectl-regcred   -   -
[TEAM]   gitea-credentials   [REGISTRY]   robot   stale   team   kubectl-regcred   -   -

REGISTRY   USE   USER   TOKEN   AGE   SCOPES
[REGISTRY]   cluster   admin   accepted   <1h   read:package
[REGISTRY]   team   robot   accepted   <1h   read:package

secret-stale: secret/gitea-credentials in 2 namespaces: [NAMESPACE], [TEAM]
  it holds another token of [REGISTRY] than the keychain
  $ kubectl regcred sync -n [NAMESPACE] -n [TEAM] --registry [REGISTRY]

secret-unused: secret/gitea-credentials in 2 namespaces: [NAMESPACE], [TEAM]
  nothing pulls with it yet: no workload, no pod and no ServiceAccount of its namespace names it
  $ kubectl regcred sync -n [NAMESPACE] -n [TEAM] --registry [REGISTRY] --service-account default
  this lets every pod of the ServiceAccount default pull with it, unless the pod names others; or name it in imagePullSecrets; or delete it, if nothing is to come

2 out of step, of 1 kind, 1 thing to note: 0 of 2 Secrets in sync, 2 of 2 tokens accepted, 0 pods in 2 namespaces checked
--- stderr

"#]]);
    // Without --use, the token in a Secret decides.
    accounts.run("sync -n [NAMESPACE] -n [TEAM]").says(str![[r#"
exit 0
--- stdout
secret/gitea-credentials configured in namespace [NAMESPACE]
secret/gitea-credentials configured in namespace [TEAM]
--- stderr
2 configured

"#]]);
    accounts.hold(&admins, &teams);
    let (admins, teams) = (accounts.takes("admin", "cluster"), accounts.takes("robot", "team"));
    let said = world.regcred("sync -A");
    assert!(
        said.code == 0 && said.stdout.matches(" configured ").count() >= 2,
        "{said}"
    );
    accounts.hold(&admins, &teams);
    let secret = world.secret_in(&accounts.team, SECRET).unwrap();
    assert_eq!(secret["metadata"]["annotations"]["kubectl-regcred/use"], "team");
    accounts.run("status -n [NAMESPACE] -n [TEAM]").says(str![[r#"
exit 0
--- stdout
NAMESPACE   SECRET   REGISTRY   USER   STATE
[NAMESPACE]   gitea-credentials   [REGISTRY]   admin   in sync
[TEAM]   gitea-credentials   [REGISTRY]   robot   in sync

secret-unused: secret/gitea-credentials in 2 namespaces: [NAMESPACE], [TEAM]
  nothing pulls with it yet: no workload, no pod and no ServiceAccount of its namespace names it
  $ kubectl regcred sync -n [NAMESPACE] -n [TEAM] --registry [REGISTRY] --service-account default
  this lets every pod of the ServiceAccount default pull with it, unless the pod names others; or name it in imagePullSecrets; or delete it, if nothing is to come

all is well, 1 thing to note: 2 of 2 Secrets in sync, 2 of 2 tokens accepted, 0 pods in 2 namespaces checked
--- stderr

"#]]);
    assert!(
        world.helper("get", "[REGISTRY]").stdout.contains("not found"),
        "docker has none of its own"
    );
    assert_eq!(world.helper("list", "").done().trim(), "{}");
}

scenario!(a_use_is_not_put_over_another_by_mistake, on(DOUBLES, REAL));
fn a_use_is_not_put_over_another_by_mistake(world: &World) {
    let accounts = Accounts::of(world);
    let admins = accounts.takes("admin", "cluster");
    let before = accounts.token(&accounts.team);
    accounts.run("sync -n [TEAM] --use cluster").says(str![[r#"
exit 1
--- stdout
--- stderr
error: secret/gitea-credentials in namespace [TEAM]: its entry for [REGISTRY] holds the token for team
hint: it gets only a newer token of [REGISTRY] for the same use; --use cluster --take-over puts the token for cluster in its place

"#]]);
    accounts.run("sync -n [NAMESPACE] --use team").says(str![[r#"
exit 1
--- stdout
--- stderr
error: secret/gitea-credentials in namespace [NAMESPACE]: its entry for [REGISTRY] holds the token for clusters or for docker
hint: it gets only a newer token of [REGISTRY] for the same use; --use team --take-over puts the token for team in its place

"#]]);
    let said = world.regcred("sync -A --use cluster");
    assert!(
        said.stderr
            .contains("its entry for [REGISTRY] holds the token for team"),
        "{said}"
    );
    assert_eq!(accounts.token(&accounts.team), before);
    accounts.run("sync -n [TEAM] --use cluster --take-over").says(str![[r#"
exit 0
--- stdout
secret/gitea-credentials configured in namespace [TEAM]
--- stderr

"#]]);
    assert_eq!(accounts.token(&accounts.team), auth("admin", &admins));
    // It is the first account's from now on.
    let newer = accounts.takes("admin", "cluster");
    accounts.takes("robot", "team");
    accounts.run("sync -n [TEAM]").done();
    assert_eq!(accounts.token(&accounts.team), auth("admin", &newer));
}

scenario!(an_annotation_alone_gives_nobody_the_other_token, on(DOUBLES, REAL));
fn an_annotation_alone_gives_nobody_the_other_token(world: &World) {
    let accounts = Accounts::of(world);
    let mut secret = world.secret(SECRET).unwrap();
    for (name, value) in [("use", "team"), ("username", "robot")] {
        secret["metadata"]["annotations"][format!("kubectl-regcred/{name}")] = json!(value);
    }
    secret["metadata"]["name"] = json!("claims-more");
    for key in ["resourceVersion", "uid", "managedFields", "creationTimestamp"] {
        secret["metadata"].as_object_mut().unwrap().remove(key);
    }
    world.put_secret(&secret);
    let (admins, teams) = (accounts.takes("admin", "cluster"), accounts.takes("robot", "team"));
    world.regcred("sync -A").done();
    accounts.hold(&admins, &teams);
    let document = world.document("claims-more");
    assert!(document.contains(&auth("admin", &admins)) && !document.contains(&auth("robot", &teams)));
}

scenario!(a_use_is_rotated_alone, on(DOUBLES, REAL));
fn a_use_is_rotated_alone(world: &World) {
    let accounts = Accounts::of(world);
    let (admins, old) = (accounts.takes("admin", "cluster"), accounts.takes("robot", "team"));
    world.regcred("sync -A").done();
    let said = accounts.run_with("rotate [REGISTRY] --use team --mint --password-stdin", PASSWORD);
    assert_eq!(said.code, 0, "{said}");
    assert!(!world.gitea.knows("robot", &old), "it is revoked");
    let name = regcred::keychain::Name::login(&world.registry().parse().unwrap(), "team".parse().unwrap());
    let teams = world.keychain().read(&name).unwrap().unwrap();
    accounts.hold(&admins, teams.token.expose());
    assert!(world.gitea.knows("admin", &admins));

    // A consumer keeps the scopes that its token had.
    let ci = world.gitea.add_token("robot", "read:repository,write:package");
    world
        .regcred_with("login [REGISTRY] -u robot --use ci --token-stdin", &ci)
        .done();
    let said = accounts.run_with(
        "rotate [REGISTRY] --use ci --mint --password-stdin --no-secrets",
        PASSWORD,
    );
    assert_eq!(said.code, 0, "{said}");
    assert!(
        said.stderr.contains("write:package") && said.stderr.contains("read:repository"),
        "{said}"
    );

    // The same token cannot be rotated for one of two uses.
    let name = regcred::keychain::Name::login(&world.registry().parse().unwrap(), "ci".parse().unwrap());
    let both = world.keychain().read(&name).unwrap().unwrap();
    world
        .regcred_with("login [REGISTRY] -u robot --use cd --token-stdin", both.token.expose())
        .done();
    accounts
        .run_with(
            "rotate [REGISTRY] --use ci --mint --password-stdin --no-secrets",
            PASSWORD,
        )
        .says(str![[r#"
exit 1
--- stdout
--- stderr
error: the same token is also stored for cd, which would stop working when it is revoked
hint: give cd its own token first with kubectl regcred login [REGISTRY] --use cd, or do not revoke this one: --keep-old

"#]]);
    world.regcred("logout [REGISTRY] --use ci --revoke").says(str![[r#"
exit 1
--- stdout
--- stderr
error: the same token is also stored for cd, which would stop working
hint: kubectl regcred logout [REGISTRY] --revoke

"#]]);
}

scenario!(a_list_says_which_secret_has_which_account, on(DOUBLES, REAL));
fn a_list_says_which_secret_has_which_account(world: &World) {
    world.gitea.add_user("robot");
    let team = world.another_namespace("team-b");
    let accounts = Accounts { world, team };
    let list = |usage: &str| {
        let text = format!(
            "registries:\n- registry: {}\n  secrets:\n  - {{namespace: {}}}\n  - {{namespace: {}{usage}}}\n",
            world.registry(),
            world.namespace,
            accounts.team
        );
        world.write(&world.folder().join("regcred.yaml"), &text);
    };
    list(", use: team");
    let admins = accounts.takes("admin", "docker");
    accounts.run("sync -f [FILE]").says(str![[r#"
exit 1
--- stdout
--- stderr
error: [FOLDER]/regcred.yaml: the keychain holds no credential of [REGISTRY] for the use team
hint: kubectl regcred login [REGISTRY] -u USER --use team

"#]]);
    accounts.run("status -f [FILE]").says(str![[r#"
exit 3
--- stdout
NAMESPACE   SECRET   REGISTRY   USER   STATE
[NAMESPACE]   gitea-credentials   [REGISTRY]   admin   missing
[TEAM]   gitea-credentials   [REGISTRY]   -   missing

credential-missing: credential [REGISTRY] for team
  the list names it, and the keychain does not hold it
  $ kubectl regcred login [REGISTRY] -u USER --use team

secret-missing: secret/gitea-credentials in 2 namespaces: [NAMESPACE], [TEAM]
  it should hold a credential for [REGISTRY], and it does not exist
  $ kubectl regcred sync -n [NAMESPACE] --registry [REGISTRY]
  $ kubectl regcred sync -n [TEAM] --registry [REGISTRY] --use team

3 out of step, of 2 kinds: 0 of 2 Secrets in sync, 1 of 1 token accepted, 0 pods in 2 namespaces checked
--- stderr

"#]]);
    let teams = accounts.takes("robot", "team");
    accounts.run("sync -f [FILE]").done();
    accounts.hold(&admins, &teams);
    accounts.run("status -f [FILE]").says(str![[r#"
exit 0
--- stdout
NAMESPACE   SECRET   REGISTRY   USER   STATE
[NAMESPACE]   gitea-credentials   [REGISTRY]   admin   in sync
[TEAM]   gitea-credentials   [REGISTRY]   robot   in sync

secret-unused: secret/gitea-credentials in 2 namespaces: [NAMESPACE], [TEAM]
  nothing pulls with it yet: no workload, no pod and no ServiceAccount of its namespace names it
  $ kubectl regcred sync -n [NAMESPACE] --registry [REGISTRY] --service-account default
  $ kubectl regcred sync -n [TEAM] --registry [REGISTRY] --use team --service-account default
  this lets every pod of the ServiceAccount default pull with it, unless the pod names others; or name it in imagePullSecrets; or delete it, if nothing is to come

all is well, 1 thing to note: 2 of 2 Secrets in sync, 2 of 2 tokens accepted, 0 pods in 2 namespaces checked
--- stderr

"#]]);

    // The list is changed: that takes one token out of its place.
    list("");
    let said = accounts.run("sync -f [FILE]");
    assert_eq!(said.code, 1, "{said}");
    accounts.hold(&admins, &teams);
    list(", use: team");
    accounts.run("sync -n [TEAM] --use docker --take-over").done();
    accounts.run("status -f [FILE]").says(str![[r#"
exit 3
--- stdout
NAMESPACE   SECRET   REGISTRY   USER   STATE
[NAMESPACE]   gitea-credentials   [REGISTRY]   admin   in sync
[TEAM]   gitea-credentials   [REGISTRY]   admin   stale

secret-stale: secret/gitea-credentials in namespace [TEAM]
  it holds the token of [REGISTRY] for docker, not the one for team
  $ kubectl regcred sync -n [TEAM] --registry [REGISTRY] --use team --take-over

secret-unused: secret/gitea-credentials in 2 namespaces: [NAMESPACE], [TEAM]
  nothing pulls with it yet: no workload, no pod and no ServiceAccount of its namespace names it
  $ kubectl regcred sync -n [NAMESPACE] --registry [REGISTRY] --service-account default
  $ kubectl regcred sync -n [TEAM] --registry [REGISTRY] --use team --service-account default
  this lets every pod of the ServiceAccount default pull with it, unless the pod names others; or name it in imagePullSecrets; or delete it, if nothing is to come

1 out of step, 1 thing to note: 1 of 2 Secrets in sync, 2 of 2 tokens accepted, 0 pods in 2 namespaces checked
--- stderr

"#]]);
    accounts
        .run("sync -n [TEAM] --registry [REGISTRY] --use team --take-over")
        .done();
    accounts.hold(&admins, &teams);
}

scenario!(a_use_that_is_forgotten_leaves_its_secrets_alone, on(DOUBLES, REAL));
fn a_use_that_is_forgotten_leaves_its_secrets_alone(world: &World) {
    let accounts = Accounts::of(world);
    let before = accounts.token(&accounts.team);
    accounts.run("logout [REGISTRY] --use team").says(str![[r#"
exit 0
--- stdout
--- stderr
forgot the credential of [REGISTRY] for team
warning: secret/gitea-credentials in namespace [TEAM] of context [..] still holds it, and it is still valid
hint: to take it out of a Secret: kubectl regcred sync --remove --registry [REGISTRY] -n [TEAM] --secret gitea-credentials --context [..]

"#]]);
    let said = world.regcred("sync -A");
    assert!(
        said.stderr
            .contains("its entry for [REGISTRY] holds the token for team"),
        "{said}"
    );
    accounts.run("sync -n [TEAM]").says(str![[r#"
exit 1
--- stdout
--- stderr
error: secret/gitea-credentials in namespace [TEAM]: its entry for [REGISTRY] holds the token for team
hint: it gets only a newer token of [REGISTRY] for the same use; --use cluster --take-over puts the token for cluster in its place

"#]]);
    assert_eq!(accounts.token(&accounts.team), before);
    world.regcred("logout [REGISTRY]").done();
    accounts.takes("robot", "team");
    world.regcred("sync -n [NAMESPACE]").says(str![[r#"
exit 1
--- stdout
--- stderr
error: secret/gitea-credentials in namespace [NAMESPACE]: its entry for [REGISTRY] holds the token for clusters or for docker
hint: it gets only a newer token of [REGISTRY] for the same use; --use team --take-over puts the token for team in its place

"#]]);
}
