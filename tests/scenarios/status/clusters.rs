//! What is out of step with clusters and their Secrets.

use regcred::commands::status::Code;
use serde_json::json;

use super::fixture::{DOUBLES, Feed, REAL, SECRET, entry, pull_secret};
use crate::support::world::World;

const LINE: &str = "status -n [NAMESPACE]";

finding!(
    cluster_unreachable_nobody_listens,
    Code::ClusterUnreachable,
    on(DOUBLES, REAL)
);
fn cluster_unreachable_nobody_listens(world: &mut World) {
    world.well();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    world.kubeconfig(&format!(
        "apiVersion: v1
kind: Config
clusters: [{{name: away, cluster: {{server: 'http://{nobody}'}}}}]
contexts: [{{name: away, context: {{cluster: away, user: u}}}}]
current-context: away
users: [{{name: u, user: {{token: t}}}}]
"
    ));
    world.says(
        LINE,
        Code::ClusterUnreachable,
        &["cluster away", "kubectl cluster-info"],
    );
    let ran = world.status();
    assert_eq!(ran.code, 1, "{ran}");
    assert!(
        ran.stdout.contains("1 of 1 token accepted"),
        "the rest is looked at: {ran}"
    );
    // Somebody brings it up.
    world.as_admin();
    world.is_gone(LINE, Code::ClusterUnreachable);
}

finding!(not_allowed_no_role, Code::NotAllowed, on(REAL));
fn not_allowed_no_role(world: &mut World) {
    world.well();
    world.as_plain();
    let ran = world.status();
    let (text, commands) = world.found(Code::NotAllowed, &ran);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(text.contains("plain may not list"), "{text}");
    // Somebody who may runs it.
    world.as_admin();
    let ran = world.run(world.command("sh").args(["-c", &commands[0]]), "");
    assert_eq!(ran.code, 0, "{ran}");
    world.as_plain();
    world.is_gone(LINE, Code::NotAllowed);
    assert_eq!(world.status().code, 0);
}

finding!(secret_stale_an_older_token, Code::SecretStale, on(DOUBLES, REAL));
fn secret_stale_an_older_token(world: &mut World) {
    world.well();
    world.login("cluster", "read:package");
    let ran = world.status();
    assert!(ran.stdout.contains("stale\n"), "{ran}");
    assert_eq!(ran.code, 3, "{ran}");
    world.mends(Code::SecretStale, &[]);
    assert_eq!(world.status().code, 0);
}

finding!(secret_stale_where_sync_would_write_it, Code::SecretStale, on(DOUBLES));
/// Whatever is in it: what sync leaves as it is, status finds in sync.
fn secret_stale_where_sync_would_write_it(world: &mut World) {
    const ROBOTS: &str = "0123456789abcdef0123456789abcdef01234567";
    let token = world.well();
    let wildcard = world.registry().replacen("127", "*", 1);
    let (whole, ours) = ("[REGISTRY]", token.as_str());
    for (entries, is_in_sync) in [
        (vec![(whole, ours)], true),
        (vec![("https://[REGISTRY]/v2/", ours)], true),
        (vec![("[REGISTRY]/v2", ours)], false),
        (vec![("[REGISTRY]/team", ours)], false),
        (vec![(wildcard.as_str(), ours)], false),
        (vec![("[REGISTRY]/team", ROBOTS), (whole, ours)], true),
        (vec![(wildcard.as_str(), ROBOTS), (whole, ours)], true),
    ] {
        let auths: serde_json::Map<_, _> = entries
            .iter()
            .map(|(key, token)| (world.denormal(key), entry(token)))
            .collect();
        let data = pull_secret(SECRET, &json!({"auths": auths}))["data"].clone();
        world
            .api_server()
            .update_secret(&world.namespace, SECRET, "kubectl-edit", |secret| secret["data"] = data);
        let ran = world.status();
        let stale = ran.stdout.contains("secret-stale: ");
        assert_eq!(
            (ran.code, stale),
            if is_in_sync { (0, false) } else { (3, true) },
            "{entries:?}: {ran}"
        );
        let sync = world.regcred("sync -n [NAMESPACE] --registry [REGISTRY] --dry-run=client");
        assert_eq!(sync.stdout.contains(" unchanged"), is_in_sync, "{entries:?}: {sync}");
        if !is_in_sync {
            world.mends(Code::SecretStale, &[]);
        }
    }
}

finding!(secret_missing_asked_for, Code::SecretMissing, on(DOUBLES, REAL));
fn secret_missing_asked_for(world: &mut World) {
    world.login("cluster", "read:package");
    let ran = world.status();
    assert!(ran.stdout.contains("missing\n"), "{ran}");
    world.mends(Code::SecretMissing, &[]);
}

finding!(secret_missing_by_its_name, Code::SecretMissing, on(DOUBLES, REAL));
/// Nobody expects it unless it is named.
fn secret_missing_by_its_name(world: &mut World) {
    let by_name = "status -n [NAMESPACE] --secret pull";
    world.well();
    world.is_gone(LINE, Code::SecretMissing);
    world.says(by_name, Code::SecretMissing, &["secret/pull in namespace [NAMESPACE]"]);
    world.mends_with(by_name, Code::SecretMissing, &[]);
    assert!(world.secret("pull").is_some());
}

finding!(
    secret_missing_a_secret_of_another_type,
    Code::SecretMissing,
    on(DOUBLES, REAL)
);
/// A Secret's type cannot be changed: what sync would do there fails.
fn secret_missing_a_secret_of_another_type(world: &mut World) {
    world.login("cluster", "read:package");
    let opaque = json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {"name": SECRET}});
    world.put_secret(&opaque);
    let (text, commands) = world.found(Code::SecretMissing, &world.status());
    assert!(text.contains("with a type that kubelet ignores"), "{text}");
    assert!(commands.is_empty() && text.contains("--secret NEW-NAME"), "{text}");
    let another = "sync -n [NAMESPACE] --registry [REGISTRY] --secret another";
    world.regcred(another).done();
    world.is_gone(LINE, Code::SecretMissing);
}

finding!(secret_missing_no_such_namespace, Code::SecretMissing, on(DOUBLES, REAL));
fn secret_missing_no_such_namespace(world: &mut World) {
    world.login("cluster", "read:package");
    let line = format!("status -n {}-misspelt", world.namespace);
    let (text, commands) = world.found(Code::SecretMissing, &world.regcred(&line));
    assert!(text.contains("its namespace does not exist"), "{text}");
    let create = format!("kubectl create namespace {}-misspelt", world.namespace);
    assert_eq!(commands[0], create);
    if world.is_real() {
        world.mends_with(&line, Code::SecretMissing, &[]);
    }
}

finding!(secret_missing_in_use, Code::SecretMissing, on(DOUBLES, REAL));
/// Without -n, only what is used is missed.
fn secret_missing_in_use(world: &mut World) {
    world.login("cluster", "read:package");
    let line = format!("status --context {}", world.use_own_namespace());
    let ran = world.regcred(&line);
    assert_eq!(ran.code, 0, "{ran}");
    world.put(
        "pods",
        &json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "api"},
            "spec": {
                "containers": [{"name": "app", "image": format!("{}/owner/app:1", world.registry())}],
                "imagePullSecrets": [{"name": "pull"}], "serviceAccountName": "default",
                "automountServiceAccountToken": false,
            },
        }),
    );
    world.mends_with(&line, Code::SecretMissing, &[]);
    assert!(world.secret("pull").is_some());
}

finding!(
    secret_broken_an_entry_of_another_registry,
    Code::SecretBroken,
    on(DOUBLES, REAL)
);
fn secret_broken_an_entry_of_another_registry(world: &mut World) {
    let token = world.login("cluster", "read:package");
    let registry = world.registry();
    let document = json!({"auths": {registry: entry(&token), "ghcr.io": {"auth": 7}}});
    world.put_secret(&pull_secret(SECRET, &document));
    // One that nothing pulls with breaks nothing, unless it is the one that is meant.
    world.deployment("web", SECRET);
    let only = "only the cluster names ghcr.io";
    world.says(LINE, Code::SecretBroken, &["none of the pull Secrets", only]);
    // Whoever knows that registry logs in to it, and then there is a command.
    let login = "login ghcr.io -u org --no-verify --token-stdin";
    world.regcred_with(login, "a token of ghcr").done();
    let sync = Feed {
        to: "sync",
        flags: "--no-verify",
        stdin: String::new(),
    };
    world.mends(Code::SecretBroken, &[sync]);
}

finding!(secret_broken_the_whole_document, Code::SecretBroken, on(REAL));
fn secret_broken_the_whole_document(world: &mut World) {
    world.login("cluster", "read:package");
    world.put_secret(&pull_secret(SECRET, &json!({"auths": ["x"]})));
    world.mends(Code::SecretBroken, &[]);
    assert_eq!(world.status().code, 0);
}

finding!(
    secret_unmanaged_made_with_kubectl,
    Code::SecretUnmanaged,
    on(DOUBLES, REAL)
);
fn secret_unmanaged_made_with_kubectl(world: &mut World) {
    let token = world.login("cluster", "read:package");
    world.put_pull_secret("by-hand", &[("[REGISTRY]", &token)]);
    let ran = world.status();
    assert!(ran.stdout.contains("not managed\n"), "{ran}");
    assert!(!ran.stdout.contains("missing"), "another Secret does: {ran}");
    world.mends(Code::SecretUnmanaged, &[]);
    assert_eq!(world.status().code, 0);
}

finding!(secret_owned_by_other_helms, Code::SecretOwnedByOther, on(DOUBLES, REAL));
fn secret_owned_by_other_helms(world: &mut World) {
    let token = world.login("cluster", "read:package");
    let registry = world.registry();
    let secret = |token: &str| {
        let mut secret = pull_secret(SECRET, &json!({"auths": {registry.as_str(): entry(token)}}));
        secret["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": "Helm"});
        secret["metadata"]["annotations"] = json!({"meta.helm.sh/release-name": "web"});
        secret
    };
    let old = world.token("read:package");
    world.put_secret_of("helm", &secret(&old));
    world.says(
        LINE,
        Code::SecretOwnedByOther,
        &["another token", "Helm (release web) manages it"],
    );
    assert!(world.status().stdout.contains("owned by Helm\n"));
    // Somebody gives the release the right one.
    world.put_again("secrets", &secret(&token));
    let ran = world.status();
    assert_eq!(ran.code, 0, "{ran}");
}

finding!(secret_unused_nothing_names_it, Code::SecretUnused, on(DOUBLES, REAL));
/// What was made a minute ago is no alarm: nobody may have had the time to name it.
fn secret_unused_nothing_names_it(world: &mut World) {
    world.well();
    let ran = world.status();
    assert!(ran.stdout.contains("all is well, 1 thing to note: "), "{ran}");
    world.mends(Code::SecretUnused, &[]);
    // And by a workload.
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"},
        "imagePullSecrets": []});
    world.put("serviceaccounts", &account);
    world
        .regcred("sync -n [NAMESPACE] --registry [REGISTRY] --service-account default --detach")
        .done();
    world.says(LINE, Code::SecretUnused, &["no workload"]);
    world.deployment("web", SECRET);
    world.is_gone(LINE, Code::SecretUnused);
}

finding!(
    service_account_dangling_a_name_without_a_secret,
    Code::ServiceAccountDangling,
    on(DOUBLES, REAL)
);
fn service_account_dangling_a_name_without_a_secret(world: &mut World) {
    world.well();
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "ci"},
        "imagePullSecrets": [{"name": "gone"}]});
    world.put("serviceaccounts", &account);
    world.mends(Code::ServiceAccountDangling, &[]);
    assert_eq!(world.status().code, 0);
}

finding!(
    service_account_detached_of_a_list,
    Code::ServiceAccountDetached,
    on(DOUBLES, REAL)
);
fn service_account_detached_of_a_list(world: &mut World) {
    world.well();
    let file = world.home().join("regcred.yaml");
    let (registry, namespace) = (world.registry(), &world.namespace);
    let list = format!(
        "registries:\n- registry: {registry}\n  secrets:\n  - {{namespace: {namespace}, service-accounts: [default]}}\n"
    );
    std::fs::write(&file, list).unwrap();
    let line = format!("status -f {}", file.display());
    world.mends_with(&line, Code::ServiceAccountDetached, &[]);
    let ran = world.regcred(&line);
    assert_eq!(ran.code, 0, "{ran}");
}

finding!(last_applied_token_kubectl_apply, Code::LastAppliedToken, on(REAL));
fn last_applied_token_kubectl_apply(world: &mut World) {
    let token = world.login("cluster", "read:package");
    let registry = world.registry();
    let secret = pull_secret(SECRET, &json!({"auths": {registry: entry(&token)}}));
    // Only apply on the client's side leaves its copy.
    world.kubectl(&["apply", "-f", "-"], &secret.to_string());
    let ran = world.status();
    assert!(!ran.stdout.contains(&token), "{ran}");
    world.mends(Code::LastAppliedToken, &[]);
}
