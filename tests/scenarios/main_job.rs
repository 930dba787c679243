//! The main job, end to end: log in, sync, docker, a new token, log out. Once on doubles, once on real parts.

#![expect(
    clippy::too_many_lines,
    reason = "a session with its output is long, and is read from top to bottom"
)]

use libtest_mimic::Trial;
use serde_json::{Value, json};
use snapbox::{assert_data_eq, str};

use crate::support::part::{missing, trial, trial_with};
use crate::support::store::Kind;
use crate::support::world::{Ran, World};
use crate::support::{control_plane, docker_registry, keyring};

const LOGIN: &str = "login [REGISTRY] -u admin --token-stdin";

/// What real parts a world needs.
pub fn missing_parts() -> Vec<&'static str> {
    [
        missing(&keyring::PARTS),
        missing(&docker_registry::PROGRAMS),
        control_plane::missing().to_vec(),
    ]
    .concat()
}

/// A name, and what happens on any workstation.
type Scenario = (&'static str, fn(&World));

pub fn trials() -> Vec<Trial> {
    let scenarios: [Scenario; 9] = [
        ("from_login_to_logout", from_login_to_logout),
        ("where_a_token_comes_from", where_a_token_comes_from),
        ("a_refused_token_changes_nothing", a_refused_token_changes_nothing),
        ("several_registries", several_registries),
        ("a_token_for_clusters", a_token_for_clusters),
        ("dry_runs_and_documents", dry_runs_and_documents),
        ("what_others_made", what_others_made),
        ("a_partly_failed_sync", a_partly_failed_sync),
        ("wrong_usage", wrong_usage),
    ];
    let parts = missing_parts();
    let with_vault = [parts.clone(), Kind::Vault.missing()].concat();
    scenarios
        .into_iter()
        .flat_map(|(name, test)| {
            [
                trial(&format!("main_job/doubles/{name}"), move || test(&World::of_doubles())),
                trial_with(&format!("main_job/real/{name}"), &parts, move || {
                    test(&World::of_real_parts());
                }),
                trial_with(&format!("main_job/vault/{name}"), &with_vault, move || {
                    test(&World::with_vault());
                }),
            ]
        })
        .chain([trial(
            "main_job/doubles/a_token_is_not_printed_to_a_screen",
            not_printed_to_a_screen,
        )])
        .collect()
}

fn show(ran: &Ran) -> String {
    ran.to_string()
}

fn from_login_to_logout(world: &World) {
    let first = world.gitea.add_token("admin", "write:package");
    assert_data_eq!(
        show(&world.regcred("list")),
        str![[r#"
exit 0
--- stdout
--- stderr
the keychain holds no credential
hint: kubectl regcred login REGISTRY -u USER

"#]]
    );
    assert_data_eq!(
        show(&world.regcred_with(LOGIN, &first)),
        str![[r#"
exit 0
--- stdout
--- stderr
verified at [REGISTRY], the token of admin, scopes write:package
logged in to [REGISTRY] as admin for docker

"#]]
    );
    assert_data_eq!(
        show(&world.regcred("list")),
        str![[r#"
exit 0
--- stdout
REGISTRY   USERNAME   USE
[REGISTRY]   admin   docker
--- stderr

"#]]
    );
    assert_data_eq!(
        show(&world.regcred("sync -n [NAMESPACE]")),
        str![[r#"
exit 0
--- stdout
secret/gitea-credentials created in namespace [NAMESPACE]
--- stderr

"#]]
    );
    let made = world.secret("gitea-credentials").unwrap();
    assert_eq!(made["type"], "kubernetes.io/dockerconfigjson");
    assert_eq!(
        made["metadata"]["labels"],
        json!({"app.kubernetes.io/managed-by": "kubectl-regcred"})
    );
    assert!(world.document("gitea-credentials").contains(&first));

    assert_data_eq!(
        show(&world.regcred("sync -n [NAMESPACE]")),
        str![[r#"
exit 0
--- stdout
secret/gitea-credentials unchanged in namespace [NAMESPACE]
--- stderr

"#]]
    );
    let version = |secret: &Value| secret["metadata"]["resourceVersion"].clone();
    assert_eq!(
        version(&world.secret("gitea-credentials").unwrap()),
        version(&made),
        "unchanged is no write"
    );

    let said = world.regcred("sync -n [NAMESPACE] -v").stderr;
    assert!(
        said.contains("the keychain's credential of admin at [REGISTRY] for docker"),
        "{said}"
    );
    assert!(said.contains("connected to http") && !said.contains(&first), "{said}");
    let got: Value = serde_json::from_str(&world.helper("get", "[REGISTRY]").done()).unwrap();
    assert_eq!(
        got,
        json!({"ServerURL": "[REGISTRY]", "Username": "admin", "Secret": first})
    );

    let second = world.gitea.add_token("admin", "write:package");
    world.gitea.revoke(&first);
    world.regcred_with(LOGIN, &second).done();
    assert_data_eq!(
        show(&world.regcred("sync -n [NAMESPACE]")),
        str![[r#"
exit 0
--- stdout
secret/gitea-credentials configured in namespace [NAMESPACE]
--- stderr

"#]]
    );
    let changed = world.secret("gitea-credentials").unwrap();
    assert_eq!(changed["metadata"]["uid"], made["metadata"]["uid"], "changed in place");
    let document = world.document("gitea-credentials");
    assert!(document.contains(&second) && !document.contains(&first));
    assert!(world.helper("get", "[REGISTRY]").done().contains(&second));

    assert_data_eq!(
        show(&world.regcred("logout [REGISTRY]")),
        str![[r#"
exit 0
--- stdout
--- stderr
forgot the credential of [REGISTRY] for docker

"#]]
    );
    assert_data_eq!(
        show(&world.regcred("logout [REGISTRY]")),
        str![[r#"
exit 0
--- stdout
--- stderr
not logged in to [REGISTRY]

"#]]
    );
    assert_data_eq!(
        show(&world.helper("get", "[REGISTRY]")),
        str![[r#"
exit 1
--- stdout
credentials not found in native keychain
--- stderr

"#]]
    );
    assert_data_eq!(
        show(&world.regcred("sync -n [NAMESPACE]")),
        str![[r#"
exit 1
--- stdout
--- stderr
error: the keychain holds no credential
hint: kubectl regcred login REGISTRY -u USER

"#]]
    );
}

fn where_a_token_comes_from(world: &World) {
    let token = world.gitea.add_token("admin", "write:package");
    let file = world.home().join("registry.env");
    let text = format!(
        "# deploy\nexport REGISTRY={}\nREGISTRY_NAMESPACE=admin\nREGISTRY_USERNAME='admin'\nREGISTRY_TOKEN=\"{token}\"\n",
        world.registry()
    );
    std::fs::write(&file, text).unwrap();
    let file = file.display();
    assert_data_eq!(
        show(&world.regcred(&format!("login --env-file {file}"))),
        str![[r#"
exit 0
--- stdout
--- stderr
verified at [REGISTRY], the token of admin, scopes write:package
logged in to [REGISTRY] as admin for docker
[..]/registry.env still holds the token in plain text
hint: when nothing else reads it there: grep -v REGISTRY_TOKEN= [..]/registry.env > [..]/registry.env.new && mv [..]/registry.env.new [..]/registry.env

"#]]
    );
    assert!(world.helper("get", "[REGISTRY]").done().contains(&token));
    world.regcred("logout").done();
    // A whole credential needs no keychain, and leaves none in it.
    assert_data_eq!(
        show(&world.regcred(&format!("sync -n [NAMESPACE] --env-file {file}"))),
        str![[r#"
exit 0
--- stdout
secret/gitea-credentials created in namespace [NAMESPACE]
--- stderr

"#]]
    );
    assert!(world.document("gitea-credentials").contains(&token));
    let line = "sync -n [NAMESPACE] --registry [REGISTRY] -u admin --token-stdin";
    assert_data_eq!(
        show(&world.regcred_with(line, &format!("{token}\n"))),
        str![[r#"
exit 0
--- stdout
secret/gitea-credentials unchanged in namespace [NAMESPACE]
--- stderr

"#]]
    );
    assert_data_eq!(
        show(&world.regcred_with("sync -n [NAMESPACE] --token-stdin", &token)),
        str![[r#"
exit 2
--- stdout
--- stderr
error: a token was given, but not its registry
hint: with --token-stdin and --token-env, --registry and -u say what it is for

"#]]
    );
    assert_data_eq!(
        show(&world.regcred("login [REGISTRY] -u admin --token-env NOT_SET")),
        str![[r#"
exit 2
--- stdout
--- stderr
error: the environment variable NOT_SET is not set or empty
hint: --token-env takes the name of a variable, not the token

"#]]
    );
    assert_data_eq!(
        show(&world.regcred(&format!("login [REGISTRY] -u admin --token-env {token}"))),
        str![[r#"
exit 2
--- stdout
--- stderr
error: the environment variable that --token-env names is not set or empty
hint: --token-env takes the name of a variable, not the token

"#]]
    );
    assert_data_eq!(
        show(&world.regcred_with(LOGIN, "")),
        str![[r#"
exit 1
--- stdout
--- stderr
error: standard input: the token is empty
hint: pipe the token in, for example: pass gitea/pat | kubectl regcred … --token-stdin

"#]]
    );
    assert_data_eq!(
        show(&world.regcred("login [REGISTRY] -u admin")),
        str![[r#"
exit 2
--- stdout
--- stderr
error: no token was given, and there is no terminal to ask at
hint: give it with --token-stdin, --token-env VAR or --env-file FILE

"#]]
    );
    assert_data_eq!(
        show(&world.regcred(&format!("login other.example.com --env-file {file}"))),
        str![[r#"
exit 2
--- stdout
--- stderr
error: the command line names the registry other.example.com, the --env-file [REGISTRY]

"#]]
    );
    assert_data_eq!(
        show(&world.regcred("list")),
        str![[r#"
exit 0
--- stdout
--- stderr
the keychain holds no credential
hint: kubectl regcred login REGISTRY -u USER

"#]]
    );
}

fn a_refused_token_changes_nothing(world: &World) {
    let token = world.gitea.add_token("admin", "write:package");
    world.regcred_with(LOGIN, &token).done();
    assert_data_eq!(
        show(&world.regcred_with(LOGIN, "0123456789abcdef0123456789abcdef01234567")),
        str![[r#"
exit 1
--- stdout
--- stderr
error: [REGISTRY] does not accept the token: invalid username, password or token
hint: make a token with read:package or write:package at http://[REGISTRY]/user/settings/applications; an account's password is no token
hint: the credential of admin that was stored before is still there

"#]]
    );
    assert_data_eq!(
        show(&world.regcred_with("login 127.0.0.1:1 -u admin --token-stdin", &token)),
        str![[r#"
exit 1
--- stdout
--- stderr
error: http://127.0.0.1:1 refused the connection
hint: check the port, and that the server runs

"#]]
    );
    assert!(world.helper("get", "[REGISTRY]").done().contains(&token));
    assert_data_eq!(
        show(&world.regcred_with("login 127.0.0.1:1 -u admin --token-stdin --no-verify", &token)),
        str![[r#"
exit 0
--- stdout
--- stderr
not verified at 127.0.0.1:1
logged in to 127.0.0.1:1 as admin for docker

"#]]
    );
    assert_data_eq!(
        show(&world.regcred("list")),
        str![[r#"
exit 0
--- stdout
REGISTRY   USERNAME   USE
127.0.0.1:1   admin   docker
[REGISTRY]   admin   docker
--- stderr

"#]]
    );
}

fn several_registries(world: &World) {
    let token = world.gitea.add_token("admin", "write:package");
    world.regcred_with(LOGIN, &token).done();
    world
        .regcred_with("login ghcr.io -u org --token-stdin --no-verify", "other")
        .done();
    assert_data_eq!(
        show(&world.regcred("list -o name")),
        str![[r#"
exit 0
--- stdout
[REGISTRY]
ghcr.io
--- stderr

"#]]
    );
    assert_data_eq!(
        show(&world.regcred("list -o wide")),
        str![[r#"
exit 0
--- stdout
REGISTRY   USERNAME   USE   KIND
[REGISTRY]   admin   docker   token or password
ghcr.io   org   docker   token or password
--- stderr

"#]]
    );
    assert_data_eq!(
        show(&world.regcred("sync -n [NAMESPACE]")),
        str![[r#"
exit 1
--- stdout
--- stderr
error: secret/gitea-credentials in namespace [NAMESPACE]: the keychain holds several registries, [REGISTRY], ghcr.io, and the Secret does not show which it is for: there is no such Secret
hint: kubectl regcred sync -n [NAMESPACE] --secret gitea-credentials --registry REGISTRY

"#]]
    );
    assert_data_eq!(
        show(&world.regcred("sync -n [NAMESPACE] --dry-run=client -o yaml")),
        str![[r#"
exit 2
--- stdout
--- stderr
error: the keychain holds several registries: [REGISTRY], ghcr.io
hint: name one with --registry REGISTRY

"#]]
    );
    assert_data_eq!(
        show(&world.regcred("sync -n [NAMESPACE] --registry ghcr.io")),
        str![[r#"
exit 0
--- stdout
secret/gitea-credentials created in namespace [NAMESPACE]
--- stderr

"#]]
    );
    let before = world.document("gitea-credentials");
    assert_data_eq!(
        show(&world.regcred("sync -n [NAMESPACE] --registry [REGISTRY]")),
        str![[r#"
exit 0
--- stdout
secret/gitea-credentials configured in namespace [NAMESPACE]
--- stderr

"#]]
    );
    let after = world.document("gitea-credentials");
    let entry = before.strip_prefix("{\"auths\":{").unwrap().strip_suffix("}}").unwrap();
    assert!(after.contains(entry), "the other registry's entry keeps every byte");
    assert!(after.contains(&token));
    // The Secret shows by now which registries it is for: cron need not say.
    let newer = world.gitea.add_token("admin", "read:package");
    world.regcred_with(LOGIN, &newer).done();
    assert_data_eq!(
        show(&world.regcred("sync -n [NAMESPACE]")),
        str![[r#"
exit 0
--- stdout
secret/gitea-credentials configured in namespace [NAMESPACE]
--- stderr

"#]]
    );
    let refreshed = world.document("gitea-credentials");
    assert!(refreshed.contains(entry) && refreshed.contains(&newer), "{refreshed}");
    assert_data_eq!(
        show(&world.regcred("sync -n [NAMESPACE] --registry quay.io")),
        str![[r#"
exit 1
--- stdout
--- stderr
error: the keychain holds no credential of quay.io
hint: kubectl regcred login quay.io -u USER

"#]]
    );
    assert_data_eq!(
        show(&world.regcred("sync -n [NAMESPACE] --registry ghcr.io -u somebody")),
        str![[r#"
exit 1
--- stdout
--- stderr
error: the keychain's credential of ghcr.io for docker belongs to org, not to somebody
hint: leave -u out, or log in as that user first

"#]]
    );
    assert_data_eq!(
        show(&world.regcred("logout")),
        str![[r#"
exit 2
--- stdout
--- stderr
error: the keychain holds several registries: [REGISTRY], ghcr.io
hint: kubectl regcred logout REGISTRY

"#]]
    );
}

fn a_token_for_clusters(world: &World) {
    let both = world.gitea.add_token("admin", "write:package");
    let reader = world.gitea.add_token("admin", "read:package");
    world.regcred_with(LOGIN, &both).done();
    assert_data_eq!(
        show(&world.regcred_with(&format!("{LOGIN} --use cluster"), &both)),
        str![[r#"
exit 0
--- stdout
--- stderr
verified at [REGISTRY], the token of admin, scopes write:package
warning: the token may push or delete; for clusters a token with read:package is enough
logged in to [REGISTRY] as admin for cluster

"#]]
    );
    assert_data_eq!(
        show(&world.regcred_with(&format!("{LOGIN} --use cluster"), &reader)),
        str![[r#"
exit 0
--- stdout
--- stderr
verified at [REGISTRY], the token of admin, scopes read:package
logged in to [REGISTRY] as admin for cluster

"#]]
    );
    assert_data_eq!(
        show(&world.regcred("list")),
        str![[r#"
exit 0
--- stdout
REGISTRY   USERNAME   USE
[REGISTRY]   admin   docker
[REGISTRY]   admin   cluster
--- stderr

"#]]
    );
    world.regcred("sync -n [NAMESPACE]").done();
    assert!(
        world.document("gitea-credentials").contains(&reader),
        "sync prefers the one for clusters"
    );
    assert!(
        world.helper("get", "[REGISTRY]").done().contains(&both),
        "docker gets the other"
    );
    assert_data_eq!(
        show(&world.regcred("sync -n [NAMESPACE] --use docker")),
        str![[r#"
exit 0
--- stdout
secret/gitea-credentials configured in namespace [NAMESPACE]
--- stderr

"#]]
    );
    assert!(world.document("gitea-credentials").contains(&both));
    let wide = world.gitea.add_token("admin", "all");
    assert_data_eq!(
        show(&world.regcred_with(LOGIN, &wide)),
        str![[r#"
exit 0
--- stdout
--- stderr
verified at [REGISTRY], the token of admin, scopes all
warning: the token may do more than read and write packages
logged in to [REGISTRY] as admin for docker

"#]]
    );
    assert_data_eq!(
        show(&world.regcred("logout [REGISTRY] --use cluster")),
        str![[r#"
exit 0
--- stdout
--- stderr
forgot the credential of [REGISTRY] for cluster

"#]]
    );
    assert_data_eq!(
        show(&world.regcred("list")),
        str![[r#"
exit 0
--- stdout
REGISTRY   USERNAME   USE
[REGISTRY]   admin   docker
--- stderr

"#]]
    );
}

fn dry_runs_and_documents(world: &World) {
    let token = world.gitea.add_token("admin", "write:package");
    world.regcred_with(LOGIN, &token).done();
    assert_data_eq!(
        show(&world.regcred("sync -n [NAMESPACE] --dry-run=client")),
        str![[r#"
exit 0
--- stdout
secret/gitea-credentials created in namespace [NAMESPACE] (dry run)
--- stderr

"#]]
    );
    assert_data_eq!(
        show(&world.regcred("sync -n [NAMESPACE] --dry-run=server")),
        str![[r#"
exit 0
--- stdout
secret/gitea-credentials created in namespace [NAMESPACE] (server dry run)
--- stderr

"#]]
    );
    assert!(world.secret("gitea-credentials").is_none(), "a dry run writes nothing");
    assert_data_eq!(
        show(&world.regcred("sync -n [NAMESPACE] -o name --secret pull")),
        str![[r#"
exit 0
--- stdout
secret/pull
--- stderr

"#]]
    );
    world.put_secret(&json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "gitea-credentials"},
        "type": "kubernetes.io/dockerconfigjson",
        "data": {".dockerconfigjson": "e30="},
    }));
    assert_data_eq!(
        show(&world.regcred("sync -n [NAMESPACE] --dry-run=client")),
        str![[r#"
exit 0
--- stdout
secret/gitea-credentials configured in namespace [NAMESPACE] (dry run)
  credential for [REGISTRY]
  label app.kubernetes.io/managed-by
  annotation kubectl-regcred/registry
  annotation kubectl-regcred/use
  annotation kubectl-regcred/username
--- stderr
warning: secret/gitea-credentials in namespace [NAMESPACE]: adopted from kubectl-create

"#]]
    );
    assert_eq!(world.document("gitea-credentials"), "{}");
    assert_data_eq!(
        show(
            &world
                .regcred("sync -n [NAMESPACE] --dry-run=server -o json")
                .without_context()
        ),
        str![[r#"
exit 0
--- stdout
{
  "apiVersion": "regcred/v1",
  "kind": "SyncResult",
  "dryRun": "server",
  "items": [
   {
   "namespace": "[NAMESPACE]",
   "secret": "gitea-credentials",
   "action": "configured",
   "changes": [
   "credential for [REGISTRY]",
   "label app.kubernetes.io/managed-by",
   "annotation kubectl-regcred/registry",
   "annotation kubectl-regcred/use",
   "annotation kubectl-regcred/username"
   ],
   "notes": [
   "adopted from kubectl-create"
   ]
   }
  ]
}
--- stderr
warning: secret/gitea-credentials in namespace [NAMESPACE]: adopted from kubectl-create

"#]]
    );
    let manifest = world.regcred("sync -n [NAMESPACE] -n other --dry-run=client -o yaml");
    let hidden = Ran {
        stdout: hide_data(&manifest.stdout),
        ..manifest
    };
    assert_data_eq!(
        show(&hidden),
        str![[r#"
exit 0
--- stdout
apiVersion: v1
kind: Secret
metadata:
  name: gitea-credentials
  namespace: [NAMESPACE]
  labels:
   app.kubernetes.io/managed-by: kubectl-regcred
  annotations:
   kubectl-regcred/registry: [REGISTRY]
   kubectl-regcred/use: docker
   kubectl-regcred/username: admin
type: kubernetes.io/dockerconfigjson
data:
  .dockerconfigjson: [DOCUMENT]
---
apiVersion: v1
kind: Secret
metadata:
  name: gitea-credentials
  namespace: other
  labels:
   app.kubernetes.io/managed-by: kubectl-regcred
  annotations:
   kubectl-regcred/registry: [REGISTRY]
   kubectl-regcred/use: docker
   kubectl-regcred/username: admin
type: kubernetes.io/dockerconfigjson
data:
  .dockerconfigjson: [DOCUMENT]
--- stderr

"#]]
    );
    assert_data_eq!(
        show(&world.regcred("sync --dry-run=client -o yaml")),
        str![[r#"
exit 2
--- stdout
--- stderr
error: no namespace was named for the Secret
hint: -n NAMESPACE: a manifest is made without asking a cluster

"#]]
    );
    assert_data_eq!(
        show(&world.regcred("list -o json")),
        str![[r#"
exit 0
--- stdout
{
  "apiVersion": "regcred/v1",
  "kind": "CredentialList",
  "items": [
   {
   "registry": "[REGISTRY]",
   "username": "admin",
   "use": "docker"
   }
  ]
}
--- stderr

"#]]
    );
}

fn not_printed_to_a_screen() {
    let mut world = World::of_doubles();
    world.at_screen = true;
    let token = world.gitea.add_token("admin", "write:package");
    world.regcred_with(LOGIN, &token).done();
    assert_data_eq!(
        show(&world.regcred("sync -n x --dry-run=client -o yaml")),
        str![[r#"
exit 2
--- stdout
--- stderr
error: that prints the token, and stdout is a terminal
hint: pipe it on, for example into kubeseal or sops, or say --show-token

"#]]
    );
    let shown = world.regcred("sync -n x --dry-run=client -o yaml --show-token").done();
    assert!(shown.contains("  .dockerconfigjson: ey"), "{shown}");
}

fn what_others_made(world: &World) {
    let token = world.gitea.add_token("admin", "write:package");
    world.regcred_with(LOGIN, &token).done();
    let secret = |name: &str, kind: &str, more: Value| {
        let mut secret = json!({
            "apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "type": kind,
            "data": {".dockerconfigjson": "e30="},
        });
        for (key, value) in more.as_object().unwrap() {
            secret[key] = value.clone();
        }
        world.put_secret(&secret);
        world.secret(name).unwrap()
    };
    let docker = "kubernetes.io/dockerconfigjson";
    let made = [
        secret("opaque", "Opaque", json!({})),
        secret("immutable", docker, json!({"immutable": true})),
        secret(
            "helm",
            docker,
            json!({"metadata": {
                "name": "helm", "labels": {"app.kubernetes.io/managed-by": "Helm"},
                "annotations": {"meta.helm.sh/release-name": "web"},
            }}),
        ),
    ];
    assert_data_eq!(
        show(&world.regcred("sync -n [NAMESPACE] --secret opaque")),
        str![[r#"
exit 1
--- stdout
--- stderr
error: secret/opaque in namespace [NAMESPACE]: its type is "Opaque", not kubernetes.io/dockerconfigjson, and a Secret's type cannot be changed
hint: take a new name with --secret NAME

"#]]
    );
    assert_data_eq!(
        show(&world.regcred("sync -n [NAMESPACE] --secret immutable")),
        str![[r#"
exit 1
--- stdout
--- stderr
error: secret/immutable in namespace [NAMESPACE]: it is immutable: its data cannot be changed
hint: take a new name with --secret NAME, and do not delete and recreate this one: kubelet would go on with the old data

"#]]
    );
    assert_data_eq!(
        show(&world.regcred("sync -n [NAMESPACE] --secret helm")),
        str![[r#"
exit 1
--- stdout
--- stderr
error: secret/helm in namespace [NAMESPACE]: it belongs to Helm (release web): the next helm upgrade writes the chart's value again or fails with a conflict
hint: change the chart's values, or let the chart refer to a Secret instead of making one; or take a new name with --secret NAME; --force-conflicts writes it anyway

"#]]
    );
    for before in made {
        let name = before["metadata"]["name"].as_str().unwrap();
        assert_eq!(
            world.secret(name).unwrap(),
            before,
            "a refused Secret keeps every field"
        );
    }
    assert_data_eq!(
        show(&world.regcred("sync -n [NAMESPACE] --secret helm --force-conflicts")),
        str![[r#"
exit 0
--- stdout
secret/helm configured in namespace [NAMESPACE]
--- stderr
warning: secret/helm in namespace [NAMESPACE]: belongs to Helm (release web): the next helm upgrade writes the chart's value again or fails with a conflict; it stays marked as Helm's, so that the next change needs --force-conflicts too

"#]]
    );
}

fn a_partly_failed_sync(world: &World) {
    let token = world.gitea.add_token("admin", "write:package");
    world.regcred_with(LOGIN, &token).done();
    assert_data_eq!(
        show(&world.regcred("sync -n no-such-namespace -n [NAMESPACE] -n [NAMESPACE]")),
        str![[r#"
exit 1
--- stdout
secret/gitea-credentials created in namespace [NAMESPACE]
--- stderr
error: namespace no-such-namespace not found
hint: kubectl create namespace no-such-namespace
1 created, 1 failed

"#]]
    );
    assert!(world.document("gitea-credentials").contains(&token));
    assert_data_eq!(
        show(&world.regcred("sync -n [NAMESPACE] --context nowhere")),
        str![[r#"
exit 1
--- stdout
--- stderr
error: the kubeconfig has no context named "nowhere"; there are: [..]
hint: `kubectl config get-contexts` lists them

"#]]
    );
    assert_data_eq!(
        show(&world.regcred("sync -n [NAMESPACE] --kubeconfig no-such-file")),
        str![[r#"
exit 1
--- stdout
--- stderr
error: cannot read the kubeconfig no-such-file: No such file or directory (os error 2)

"#]]
    );
}

fn wrong_usage(world: &World) {
    for line in [
        "sync -n UPPER",
        "sync --secret a_b",
        "login ftp://x -u a",
        "login a@b -u a",
        "sync --dry-run=maybe",
    ] {
        let ran = world.regcred(line);
        assert_eq!(ran.code, 2, "{ran}");
        assert!(ran.stdout.is_empty() && ran.stderr.starts_with("error: "), "{ran}");
    }
    assert_data_eq!(
        show(&world.regcred("snyc")),
        str![[r#"
exit 2
--- stdout
--- stderr
error: unrecognized subcommand 'snyc'

  tip: a similar subcommand exists: 'sync'

Usage: kubectl regcred [OPTIONS] <COMMAND>

For more information, try '--help'.

"#]]
    );
    assert_data_eq!(
        show(&world.regcred("")),
        str![[r#"
exit 0
--- stdout
Keep one registry token in the OS keychain and feed docker and Kubernetes from it

Usage: kubectl regcred [OPTIONS] <COMMAND>

Commands:
  login   Verify a token at its registry and store it in the keychain
  logout   Forget a registry's token
  list   List registries, users and uses in the keychain, never a token
  sync   Write the token to pull Secrets
  status   Show what is out of step, and the command that fixes it
  rotate   Put a new token everywhere, and revoke the old one last
  docker   Make docker and podman use the keychain
  keychain   Choose the keychain; unlock and lock the vault
  rbac   Print the permissions that a command needs in the cluster
  completion  Complete `kubectl regcred` with the Tab key
  version   Print the version

Options:
  -h, --help   Print help (see more with '--help')
  -V, --version  Print version

Start with:
  kubectl regcred login gitea.example.com -u admin   # asks for the token, verifies and stores it
  kubectl regcred docker setup   # docker and podman take it from the keychain
  kubectl regcred sync -n honeydue   # writes or refreshes the pull Secret
  kubectl regcred status   # what is out of step, and what to type
--- stderr

"#]]
    );
    assert_eq!(
        world.regcred("version").done(),
        format!("kubectl-regcred v{}\n", env!("CARGO_PKG_VERSION"))
    );
    let document: Value = serde_json::from_str(&world.regcred("version -o json").done()).unwrap();
    assert_eq!(
        document,
        json!({"apiVersion": "regcred/v1", "kind": "Version", "version": env!("CARGO_PKG_VERSION")})
    );
}

impl Ran {
    /// The context's name differs from one cluster to the other.
    fn without_context(self) -> Self {
        let lines = self
            .stdout
            .lines()
            .filter(|line| !line.trim_start().starts_with("\"context\":"));
        Self {
            stdout: lines.flat_map(|line| [line, "\n"]).collect(),
            ..self
        }
    }
}

/// A manifest with its token taken out.
fn hide_data(text: &str) -> String {
    let lines = text.lines().map(|line| match line.split_once(".dockerconfigjson: ey") {
        Some((indent, _)) => format!("{indent}.dockerconfigjson: [DOCUMENT]\n"),
        None => format!("{line}\n"),
    });
    lines.collect()
}
