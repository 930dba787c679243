//! What is out of step with clusters and their Secrets.

use regcred::commands::status::Code;
use serde_json::json;

use super::place::{DOUBLES, REAL};
use super::place::{Place, SECRET, entry, pull_secret};

const LINE: &str = "status -n [NAMESPACE]";

finding!(
    cluster_unreachable_nobody_listens,
    Code::ClusterUnreachable,
    on(DOUBLES, REAL)
);
fn cluster_unreachable_nobody_listens(place: &mut Place) {
    place.well();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    place.kubeconfig(&format!(
        "apiVersion: v1
kind: Config
clusters: [{{name: away, cluster: {{server: 'http://{nobody}'}}}}]
contexts: [{{name: away, context: {{cluster: away, user: u}}}}]
current-context: away
users: [{{name: u, user: {{token: t}}}}]
"
    ));
    place.says(
        LINE,
        Code::ClusterUnreachable,
        &["cluster away", "kubectl cluster-info"],
    );
    let ran = place.status();
    assert_eq!(ran.code, 1, "{ran}");
    assert!(
        ran.stdout.contains("1 of 1 token accepted"),
        "the rest is looked at: {ran}"
    );
    // Somebody brings it up.
    place.as_admin();
    place.is_gone(LINE, Code::ClusterUnreachable);
}

finding!(not_allowed_no_role, Code::NotAllowed, on(REAL));
fn not_allowed_no_role(place: &mut Place) {
    place.well();
    place.as_plain();
    let ran = place.status();
    let (text, commands) = place.found(Code::NotAllowed, &ran);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(text.contains("plain may not list"), "{text}");
    // Somebody who may runs it.
    place.as_admin();
    let ran = place
        .world
        .run(place.world.command("sh").args(["-c", &commands[0]]), "");
    assert_eq!(ran.code, 0, "{ran}");
    place.as_plain();
    place.is_gone(LINE, Code::NotAllowed);
    assert_eq!(place.status().code, 0);
}

finding!(secret_stale_an_older_token, Code::SecretStale, on(DOUBLES, REAL));
fn secret_stale_an_older_token(place: &mut Place) {
    place.well();
    place.login("cluster", "read:package");
    let ran = place.status();
    assert!(ran.stdout.contains("stale\n"), "{ran}");
    assert_eq!(ran.code, 3, "{ran}");
    place.mends(Code::SecretStale, &[]);
    assert_eq!(place.status().code, 0);
}

finding!(secret_missing_asked_for, Code::SecretMissing, on(DOUBLES, REAL));
fn secret_missing_asked_for(place: &mut Place) {
    place.login("cluster", "read:package");
    let ran = place.status();
    assert!(ran.stdout.contains("missing\n"), "{ran}");
    place.mends(Code::SecretMissing, &[]);
}

finding!(
    secret_missing_a_secret_of_another_type,
    Code::SecretMissing,
    on(DOUBLES, REAL)
);
/// A Secret's type cannot be changed: what sync would do there fails.
fn secret_missing_a_secret_of_another_type(place: &mut Place) {
    place.login("cluster", "read:package");
    let opaque = json!({"apiVersion": "v1", "kind": "Secret", "type": "Opaque", "metadata": {"name": SECRET}});
    place.world.put_secret(&opaque);
    let (text, commands) = place.found(Code::SecretMissing, &place.status());
    assert!(text.contains("of a type that kubelet does not pull with"), "{text}");
    assert!(commands.is_empty() && text.contains("--secret NEW-NAME"), "{text}");
    let another = "sync -n [NAMESPACE] --registry [REGISTRY] --secret another";
    place.world.regcred(another).done();
    place.is_gone(LINE, Code::SecretMissing);
}

finding!(secret_missing_no_such_namespace, Code::SecretMissing, on(DOUBLES, REAL));
fn secret_missing_no_such_namespace(place: &mut Place) {
    place.login("cluster", "read:package");
    let line = format!("status -n {}-misspelt", place.world.namespace);
    let (text, commands) = place.found(Code::SecretMissing, &place.world.regcred(&line));
    assert!(text.contains("there is no such namespace"), "{text}");
    let create = format!("kubectl create namespace {}-misspelt", place.world.namespace);
    assert_eq!(commands[0], create);
    if place.world.is_real() {
        place.mends_with(&line, Code::SecretMissing, &[]);
    }
}

finding!(secret_missing_in_use, Code::SecretMissing, on(DOUBLES, REAL));
/// Without -n, only what is used is missed.
fn secret_missing_in_use(place: &mut Place) {
    place.login("cluster", "read:package");
    let line = format!("status --context {}", place.use_own_namespace());
    let ran = place.world.regcred(&line);
    assert_eq!(ran.code, 0, "{ran}");
    place.put(
        "pods",
        &json!({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "api"},
            "spec": {
                "containers": [{"name": "app", "image": format!("{}/owner/app:1", place.world.registry())}],
                "imagePullSecrets": [{"name": "pull"}], "serviceAccountName": "default",
                "automountServiceAccountToken": false,
            },
        }),
    );
    place.mends_with(&line, Code::SecretMissing, &[]);
    assert!(place.world.secret("pull").is_some());
}

finding!(
    secret_broken_an_entry_of_another_registry,
    Code::SecretBroken,
    on(DOUBLES, REAL)
);
fn secret_broken_an_entry_of_another_registry(place: &mut Place) {
    let token = place.login("cluster", "read:package");
    let registry = place.world.registry();
    let document = json!({"auths": {registry: entry(&token), "ghcr.io": {"auth": 7}}});
    place.world.put_secret(&pull_secret(SECRET, &document));
    // One that nothing pulls with breaks nothing, unless it is the one that is meant.
    place.deployment("web", SECRET);
    let only = "only the cluster names ghcr.io";
    place.says(LINE, Code::SecretBroken, &["none of the pull Secrets", only]);
    // Whoever knows that registry logs in to it, and then there is a command.
    let login = "login ghcr.io -u org --no-verify --token-stdin";
    place.world.regcred_with(login, "a token of ghcr").done();
    place.mends(Code::SecretBroken, &[]);
}

finding!(secret_broken_the_whole_document, Code::SecretBroken, on(REAL));
fn secret_broken_the_whole_document(place: &mut Place) {
    place.login("cluster", "read:package");
    place.world.put_secret(&pull_secret(SECRET, &json!({"auths": ["x"]})));
    place.mends(Code::SecretBroken, &[]);
    assert_eq!(place.status().code, 0);
}

finding!(
    secret_unmanaged_made_with_kubectl,
    Code::SecretUnmanaged,
    on(DOUBLES, REAL)
);
fn secret_unmanaged_made_with_kubectl(place: &mut Place) {
    let token = place.login("cluster", "read:package");
    place.put_pull_secret("by-hand", &[("[REGISTRY]", &token)]);
    let ran = place.status();
    assert!(ran.stdout.contains("not managed\n"), "{ran}");
    assert!(!ran.stdout.contains("missing"), "another Secret does: {ran}");
    place.mends(Code::SecretUnmanaged, &[]);
    assert_eq!(place.status().code, 0);
}

finding!(secret_owned_by_other_helms, Code::SecretOwnedByOther, on(DOUBLES, REAL));
fn secret_owned_by_other_helms(place: &mut Place) {
    let token = place.login("cluster", "read:package");
    let registry = place.world.registry();
    let secret = |token: &str| {
        let mut secret = pull_secret(SECRET, &json!({"auths": {registry.as_str(): entry(token)}}));
        secret["metadata"]["labels"] = json!({"app.kubernetes.io/managed-by": "Helm"});
        secret["metadata"]["annotations"] = json!({"meta.helm.sh/release-name": "web"});
        secret
    };
    let old = place.token("read:package");
    place.world.put_secret_of("helm", &secret(&old));
    place.says(
        LINE,
        Code::SecretOwnedByOther,
        &["another token", "Helm (release web) keeps it"],
    );
    assert!(place.status().stdout.contains("owned by Helm\n"));
    // Somebody gives the release the right one.
    place.put_again("secrets", &secret(&token));
    let ran = place.status();
    assert_eq!(ran.code, 0, "{ran}");
}

finding!(secret_unused_nothing_names_it, Code::SecretUnused, on(DOUBLES, REAL));
/// What was made a minute ago is no alarm: nobody may have had the time to name it.
fn secret_unused_nothing_names_it(place: &mut Place) {
    place.well();
    let ran = place.status();
    assert!(ran.stdout.contains("all is well, 1 thing to note: "), "{ran}");
    place.mends(Code::SecretUnused, &[]);
    // And by a workload.
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"},
        "imagePullSecrets": []});
    place.put("serviceaccounts", &account);
    place
        .world
        .regcred("sync -n [NAMESPACE] --registry [REGISTRY] --service-account default --detach")
        .done();
    place.says(LINE, Code::SecretUnused, &["no workload"]);
    place.deployment("web", SECRET);
    place.is_gone(LINE, Code::SecretUnused);
}

finding!(
    service_account_dangling_a_name_without_a_secret,
    Code::ServiceAccountDangling,
    on(DOUBLES, REAL)
);
fn service_account_dangling_a_name_without_a_secret(place: &mut Place) {
    place.well();
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "ci"},
        "imagePullSecrets": [{"name": "gone"}]});
    place.put("serviceaccounts", &account);
    place.mends(Code::ServiceAccountDangling, &[]);
    assert_eq!(place.status().code, 0);
}

finding!(
    service_account_detached_of_a_list,
    Code::ServiceAccountDetached,
    on(DOUBLES, REAL)
);
fn service_account_detached_of_a_list(place: &mut Place) {
    place.well();
    let file = place.world.home().join("regcred.yaml");
    let (registry, namespace) = (place.world.registry(), &place.world.namespace);
    let list = format!(
        "registries:\n- registry: {registry}\n  secrets:\n  - {{namespace: {namespace}, service-accounts: [default]}}\n"
    );
    std::fs::write(&file, list).unwrap();
    let line = format!("status -f {}", file.display());
    place.mends_with(&line, Code::ServiceAccountDetached, &[]);
    let ran = place.world.regcred(&line);
    assert_eq!(ran.code, 0, "{ran}");
}

finding!(last_applied_token_kubectl_apply, Code::LastAppliedToken, on(REAL));
fn last_applied_token_kubectl_apply(place: &mut Place) {
    let token = place.login("cluster", "read:package");
    let registry = place.world.registry();
    place.put(
        "secrets",
        &pull_secret(SECRET, &json!({"auths": {registry: entry(&token)}})),
    );
    let ran = place.status();
    assert!(!ran.stdout.contains(&token), "{ran}");
    place.mends(Code::LastAppliedToken, &[]);
}
