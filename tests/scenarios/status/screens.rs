//! What somebody sees who types it: everywhere, with little set up, and with little allowed.

use regcred::commands::status::Code;
use serde_json::json;
use snapbox::str;

use super::fixture::{DOUBLES, REAL, SECRET, entry, pull_secret};
use crate::support::world::World;

const UNAUTHORIZED: &str = "failed to authorize: unexpected status: 401 Unauthorized";

/// Two namespaces: what sync keeps in both, a Secret made by hand and a stuck pod in the one, a release's Secret and a stuck
/// pod in the other. The other's name.
fn two_namespaces(world: &mut World) -> String {
    let old = world.login("cluster", "read:package");
    let other = world.another_namespace("team-b");
    let token = world.login("cluster", "read:package");
    world.sync();
    world.put_pull_secret("by-hand", &[("[REGISTRY]", &token)]);
    world.stuck("api", "[REGISTRY]/owner/api:1", &["gone"], UNAUTHORIZED);
    let registry = world.registry();
    world.within(&other, |world| {
        world.put(
            "serviceaccounts",
            &json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}),
        );
        world.sync();
        let mut secret = pull_secret("web", &json!({"auths": {registry: entry(&old)}}));
        secret["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": "Helm"});
        secret["metadata"]["annotations"] = json!({"meta.helm.sh/release-name": "web"});
        world.put_secret_of("helm", &secret);
        world.stuck("web", "[REGISTRY]/owner/web:1", &[], UNAUTHORIZED);
    });
    other
}

scenario!(everywhere, on(DOUBLES, REAL));
fn everywhere(world: &mut World) {
    let other = two_namespaces(world);
    // Other scenarios have namespaces in the same cluster.
    let line = "status -A --registry [REGISTRY]";
    let ran = world.regcred(line);
    assert_eq!(ran.code, 3, "{ran}");
    let table: Vec<String> = ran
        .stdout
        .lines()
        .take_while(|line| !line.is_empty())
        .map(|line| world.denormal(line))
        .collect();
    let namespace = world.namespace.clone();
    let row = |namespace: &str, secret: &str, state: &str| {
        let start = format!("{namespace}   {secret}   ");
        assert!(
            table
                .iter()
                .any(|line| line.starts_with(&start) && line.ends_with(state)),
            "{start}{state}\n{ran}"
        );
    };
    row(&namespace, SECRET, "in sync");
    row(&namespace, "by-hand", "not managed");
    row(&namespace, "gone", "missing");
    row(&other, SECRET, "in sync");
    row(&other, "web", "owned by Helm");
    for (code, words) in [
        (Code::SecretUnmanaged, "by-hand"),
        (Code::SecretOwnedByOther, "release web"),
        (Code::PodSecretMissing, "pod/api"),
        (Code::PodWithoutSecret, "pod/web"),
    ] {
        let (text, _) = world.found(code, &ran);
        assert!(world.denormal(&text).contains(words), "{text}");
    }
    // What it prints mends both namespaces, from wherever it is typed.
    for (code, feeds) in [
        (Code::SecretUnmanaged, &[][..]),
        (Code::PodSecretMissing, &[]),
        (Code::PodWithoutSecret, &[]),
    ] {
        world.mends_with(line, code, feeds);
    }
    let ran = world.regcred(line);
    assert!(!ran.stdout.contains("not managed"), "{ran}");
}

scenario!(everywhere_and_only_one_namespace_allowed, on(DOUBLES, REAL));
/// Without a look at all namespaces at once, and without their names, nothing can be seen; with the Role, all can.
fn everywhere_and_only_one_namespace_allowed(world: &mut World) {
    two_namespaces(world);
    let user = format!("somebody-{}", world.namespace);
    let line = format!("status -A --registry [REGISTRY] --as {user}");
    if !world.is_real() {
        for what in [
            "secrets",
            "serviceaccounts",
            "pods",
            "deployments",
            "statefulsets",
            "daemonsets",
            "jobs",
            "cronjobs",
            "namespaces",
        ] {
            world.api_server().forbid(&format!("list {what}"), "");
        }
    }
    let ran = world.regcred(&line);
    assert_eq!(ran.code, 1, "{ran}");
    let (text, commands) = world.found(Code::NotAllowed, &ran);
    assert!(
        text.contains("an administrator of the cluster has to run this"),
        "{text}"
    );
    assert!(
        ran.stdout.contains("1 of 1 token accepted"),
        "the rest is looked at: {ran}"
    );
    assert_eq!(commands.len(), 1, "{text}");
    assert!(commands[0].contains("rbac --status -A"), "{text}");
    if !world.is_real() {
        return;
    }
    // Under a name of this scenario's own: there is one such ClusterRole in a cluster.
    let own = format!("| sed 's/name: kubectl-regcred-.*$/name: {user}/' | kubectl apply");
    let command = commands[0].replace("| kubectl apply", &own);
    let granted = world.run(world.command("sh").args(["-c", &command]), "");
    assert_eq!(granted.code, 0, "{granted}");
    crate::support::part::until("the ClusterRole to hold", || world.regcred(&line).code == 3);
    world.is_gone(&line, Code::NotAllowed);
}

scenario!(nothing_that_sync_and_rotate_a_could_find, on(DOUBLES));
/// The API server answers an empty list of metadata with `null`.
fn nothing_that_sync_and_rotate_a_could_find(world: &mut World) {
    world.login("cluster", "read:package");
    let synced = world.regcred("sync -A");
    assert_eq!(synced.code, 0, "{synced}");
    assert!(synced.stderr.contains("no Secret has the label"), "{synced}");
    world.regcred("status -A").says(str![[r#"
exit 0
--- stdout
all is well: no pull Secret found, 1 of 1 token accepted
--- stderr

"#]]);
    let rotated = world.regcred("rotate [REGISTRY] --use cluster -A --mint --dry-run=client");
    rotated.says(str![[r#"
exit 1
--- stdout
--- stderr
warning: no Secret has the label app.kubernetes.io/managed-by=kubectl-regcred
error: no Secret was found that holds the token: the rotation was not started
hint: name namespaces with -n, or use -A; --no-secrets changes only the keychain

"#]]);
}

scenario!(a_selector_that_finds_nothing, on(DOUBLES, REAL));
fn a_selector_that_finds_nothing(world: &mut World) {
    world.login("cluster", "read:package");
    for verb in ["sync", "status"] {
        let ran = world.regcred(&format!("{verb} -l team=nobody"));
        assert_eq!(ran.code, 0, "{ran}");
        assert_eq!(ran.stderr, "warning: no namespace matches the selector team=nobody\n");
    }
}

scenario!(nothing_set_up, on(DOUBLES));
fn nothing_set_up(world: &mut World) {
    world.variables.insert("KUBECONFIG".to_owned(), "".into());
    world.regcred("status").says(str![[r#"
exit 3
--- stdout
credential-missing: keychain of this user
  it holds no credential for any registry
  $ kubectl regcred login REGISTRY -u USER
  REGISTRY is the beginning of your images' names, such as gitea.example.com; USER is your account there

1 out of step
--- stderr
there is no kubeconfig, so no cluster was checked

"#]]);
}

scenario!(no_such_context, on(DOUBLES));
fn no_such_context(world: &mut World) {
    world.well();
    world.regcred("status --context prdo").says(str![[r#"
exit 1
--- stdout
cluster-unreachable: cluster prdo
  the kubeconfig has no context named "prdo"; there are: double
  `kubectl config get-contexts` lists them

1 could not be checked: 1 of 1 token accepted
--- stderr

"#]]);
}

scenario!(nothing_allowed, on(DOUBLES));
fn nothing_allowed(world: &mut World) {
    world.well();
    let text = world.api_server().kubeconfig_for("{token: double-plain-token}");
    world.kubeconfig(&text);
    world.status().says(str![[r#"
exit 1
--- stdout
not-allowed: 8 resources in namespace [NAMESPACE]: cronjobs, daemonsets, deployments, jobs, pods and 3 more
  plain may not list objects of this kind
  $ kubectl regcred rbac --status -n [NAMESPACE] --user plain | kubectl apply -f -
  an administrator of the cluster has to run this

8 could not be checked, of 1 kind: 1 of 1 token accepted, 0 pods in 1 namespace checked
--- stderr

"#]]);
}

scenario!(a_narrow_screen, on(DOUBLES));
fn a_narrow_screen(world: &mut World) {
    two_namespaces(world);
    world.at_screen = true;
    world.columns = Some(80);
    let ran = world.regcred("status -A");
    ran.says(str![[r#"
exit 3
--- stdout
NAMESPACE   SECRET   REGISTRY   USER   STATE
[NAMESPACE]   by-hand   [REGISTRY]   admin   not managed
[NAMESPACE]   gitea-credentials   [REGISTRY]   admin   in sync
[NAMESPACE]   gone   [REGISTRY]   admin   missing
team-b   gitea-credentials   [REGISTRY]   admin   in sync
team-b   web   [REGISTRY]   admin   owned by Helm

secret-missing: secret/gone in namespace [NAMESPACE]
  it does not exist, and images of [REGISTRY] are pulled with it
  $ kubectl regcred sync -n [NAMESPACE] --secret gone --registry [REGISTRY]

secret-unmanaged: secret/by-hand in namespace [NAMESPACE]
  regcred does not manage it, though it holds the keychain's token of
  [REGISTRY]
  $ kubectl regcred sync -n [NAMESPACE] --secret by-hand --registry [REGISTRY]

secret-owned-by-other: secret/web in namespace team-b
  it holds another token of [REGISTRY] than the keychain, and Helm (release
  web) manages it: the next helm upgrade writes the chart's value again or fails
  with a conflict
  change the chart's values, or let the chart refer to a Secret instead of
  making one

pod-secret-missing: pod/api in namespace [NAMESPACE]
  its pull Secret gone does not exist
  $ kubectl regcred sync -n [NAMESPACE] --secret gone --registry [REGISTRY]

pod-without-secret: pod/web in namespace team-b
  neither it nor its ServiceAccount default names a pull Secret, and
  [REGISTRY]/owner/web:1 is private or does not exist
  $ kubectl regcred sync -n team-b --registry [REGISTRY] --service-account default
  then delete and recreate the pod: a pod keeps the list that it was created
  with

secret-unused: secret/gitea-credentials in 2 namespaces: [NAMESPACE], team-b
  nothing pulls with it yet: no workload, no pod and no ServiceAccount of its
  namespace names it
  $ kubectl regcred sync -n [NAMESPACE] -n team-b --registry [REGISTRY] --service-account default
  this lets every pod of the ServiceAccount default pull with it, unless the pod
  names others; or name it in imagePullSecrets; or delete it, if nothing is to
  come

5 out of step, 1 thing to note:
  2 of 5 Secrets in sync, 1 of 1 token accepted, 2 pods in 2 namespaces checked
--- stderr

"#]]);
}
