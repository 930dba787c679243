//! `sync` proves a token at its registry before it writes it.

use serde_json::json;

use crate::support::gitea::{Gitea, Profile};
use crate::support::http::Answer;
use crate::support::world::World;

const SECRET: &str = "gitea-credentials";
const LOGIN: &str = "login [REGISTRY] -u admin --use cluster --token-stdin --no-verify";

scenario!(a_dead_token_is_not_written);
fn a_dead_token_is_not_written() {
    let mut world = World::of_doubles();
    let zeros = "0".repeat(40);
    world.variables.insert("CI_TOKEN".to_owned(), zeros.clone().into());
    for more in ["", "--dry-run=server", "--dry-run=client"] {
        let line = format!("sync -n [NAMESPACE] --registry [REGISTRY] -u admin --token-env CI_TOKEN {more}");
        let ran = world.regcred(&line);
        assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{more}: {ran}");
        let says = format!(
            "error: secret/{SECRET} in namespace [NAMESPACE] was not written: [REGISTRY] does not accept the token"
        );
        assert!(ran.stderr.starts_with(&says), "{more}: {ran}");
        assert_eq!(world.secret(SECRET), None, "{more}");
    }
    // Nor printed for a repository.
    let line = "sync -n [NAMESPACE] --registry [REGISTRY] -u admin --token-env CI_TOKEN --dry-run=client -o yaml";
    let ran = world.regcred(line);
    assert!(ran.code == 1 && ran.stdout.is_empty(), "{ran}");
    assert!(!ran.to_string().contains(&zeros), "{ran}");
    let ran = world.regcred(&format!("{line} --no-verify"));
    assert!(ran.code == 0 && ran.stdout.contains(".dockerconfigjson"), "{ran}");
}

scenario!(a_dead_token_does_not_replace_one_that_works);
fn a_dead_token_does_not_replace_one_that_works() {
    let world = World::of_doubles();
    let alive = world.gitea.add_token("admin", "read:package");
    world.regcred_with(LOGIN, &alive).done();
    world.regcred("sync -n [NAMESPACE]").done();
    for dead in ["0".repeat(40), world.gitea.add_token("admin", "read:issue")] {
        world.regcred_with(LOGIN, &dead).done();
        for line in ["sync -n [NAMESPACE]", "sync -A"] {
            let ran = world.regcred(line);
            assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{ran}");
            assert!(ran.stderr.contains(" was not written: "), "{ran}");
            assert!(world.document(SECRET).contains(&alive), "{ran}");
        }
    }
}

scenario!(unchanged_with_a_dead_token_is_a_failure);
/// A job in cron is not to stay green.
fn unchanged_with_a_dead_token_is_a_failure() {
    let mut world = World::of_doubles();
    let token = world.gitea.add_token("admin", "read:package");
    world.variables.insert("CI_TOKEN".to_owned(), token.clone().into());
    let line = "sync -n [NAMESPACE] --registry [REGISTRY] -u admin --token-env CI_TOKEN";
    world.regcred(line).done();
    world.gitea.revoke(&token);
    let ran = world.regcred(line);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{ran}");
    let says = format!(
        "error: secret/{SECRET} in namespace [NAMESPACE] holds a token that does not work: [REGISTRY] does not accept the token"
    );
    assert!(ran.stderr.starts_with(&says), "{ran}");
}

scenario!(a_registry_that_does_not_answer_is_no_refusal);
fn a_registry_that_does_not_answer_is_no_refusal() {
    let mut world = World::of_doubles();
    let token = world.gitea.add_token("admin", "read:package");
    world.variables.insert("CI_TOKEN".to_owned(), token.into());
    let line = "sync -n [NAMESPACE] --registry [REGISTRY] -u admin --token-env CI_TOKEN";
    world.regcred(line).done();
    world.gitea.replace("/v2/", Answer::empty(503));
    let ran = world.regcred(line);
    assert_eq!(ran.code, 0, "it is as it should be: {ran}");
    assert!(ran.stdout.contains(" unchanged "), "{ran}");
    let says =
        "warning: nobody could say whether the token for [REGISTRY] still works: [REGISTRY] failed with status 503\n";
    assert!(ran.stderr.contains(says), "{ran}");
    // What nobody knows is not written.
    let other = world.gitea.add_token("admin", "read:package");
    world.variables.insert("CI_TOKEN".to_owned(), other.clone().into());
    let ran = world.regcred(line);
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{ran}");
    assert!(
        ran.stderr
            .contains("hint: --no-verify writes it without asking the registry"),
        "{ran}"
    );
    world.regcred(&format!("{line} --no-verify")).done();
    assert!(world.document(SECRET).contains(&other));
}

scenario!(a_proof_of_some_minutes_ago_counts);
fn a_proof_of_some_minutes_ago_counts() {
    let world = World::of_doubles();
    let token = world.gitea.add_token("admin", "read:package");
    world
        .regcred_with("login [REGISTRY] -u admin --use cluster --token-stdin", &token)
        .done();
    let asked = world.gitea.requests().len();
    world.regcred("sync -n [NAMESPACE]").done();
    world.regcred("sync -A").done();
    assert_eq!(world.gitea.requests().len(), asked, "login has proven it");
    // It gets no younger by being used: nothing is written where nothing changes.
    let ledger = world.home().join(".local/state/regcred/ledger.json");
    let before = std::fs::read_to_string(&ledger).unwrap();
    world.regcred("sync -A").done();
    assert_eq!(std::fs::read_to_string(&ledger).unwrap(), before);
    // Of many Secrets, it is asked once.
    let names = ["team-b", "team-c", "team-d"].map(|name| world.another_namespace(name));
    let another = world.gitea.add_token("admin", "read:package");
    world.regcred_with(LOGIN, &another).done();
    let flags: Vec<String> = names.iter().map(|name| format!("-n {name}")).collect();
    world.regcred(&format!("sync {}", flags.join(" "))).done();
    let shown = world.gitea.requests().iter().filter(|one| one.path == "/v2/").count();
    let asked = world.gitea.requests().len();
    world.regcred("sync -A").done();
    assert_eq!(world.gitea.requests().len(), asked, "{shown}");
}

scenario!(one_registry_of_several_that_is_refused);
/// The others get theirs, and what was done for them is said.
fn one_registry_of_several_that_is_refused() {
    let mut world = World::of_doubles();
    let token = world.gitea.add_token("admin", "read:package");
    world.variables.insert("GOOD".to_owned(), token.clone().into());
    world.variables.insert("BAD".to_owned(), "0".repeat(40).into());
    let other = Gitea::start(Profile::V1_27);
    other.add_user("admin");
    let list = format!(
        "registries:\n- {{registry: '{}', username: admin, token-env: GOOD, secrets: [{{namespace: {ns}, service-accounts: [default]}}]}}\n- {{registry: '{}', username: admin, token-env: BAD, secrets: [{{namespace: {ns}}}]}}\n",
        world.registry(),
        other.registry(),
        ns = world.namespace,
    );
    std::fs::write(world.folder().join("regcred.yaml"), list).unwrap();
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
    let server = world.api_server();
    server.put_object("serviceaccounts", &world.namespace, &account);
    let file = world.folder().join("regcred.yaml");
    let sync = format!("sync -f {}", file.display());
    let ran = world.regcred(&sync);
    assert_eq!(ran.code, 1, "{ran}");
    let says = format!(
        "secret/{SECRET} created in namespace [NAMESPACE]\nserviceaccount/default configured in namespace [NAMESPACE]\n"
    );
    assert_eq!(ran.stdout, says, "{ran}");
    let lacks = format!(
        "secret/{SECRET} in namespace [NAMESPACE] was not given the credential of {}: ",
        other.registry()
    );
    assert!(ran.stderr.starts_with(&format!("error: {lacks}")), "{ran}");
    assert!(ran.stderr.ends_with("1 created, 1 failed\n"), "{ran}");
    assert!(world.document(SECRET).contains(&token), "{ran}");
    assert!(!world.document(SECRET).contains(&"0".repeat(40)), "{ran}");
    let places = world.regcred("where --offline").done();
    assert!(
        !places.contains(SECRET),
        "a token that was handed over is not noted: {places}"
    );
    // So it is where nothing was changed.
    let ran = world.regcred(&format!("{sync} -o json"));
    assert_eq!(ran.code, 1, "{ran}");
    let document: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let item = &document["items"][0];
    assert_eq!(
        (&item["action"], &item["error"]),
        (&"unchanged".into(), &serde_json::Value::Null)
    );
    assert_eq!(item["serviceAccounts"][0]["action"], "unchanged");
    assert!(item["failures"][0].as_str().unwrap().starts_with(&lacks), "{document}");
}

scenario!(a_place_stays_known_where_only_one_of_its_registries_answers);
fn a_place_stays_known_where_only_one_of_its_registries_answers() {
    let world = World::of_doubles();
    let silent = [(); 2].map(|()| Gitea::start(Profile::V1_27));
    let registries: Vec<String> = silent.iter().map(Gitea::registry).chain([world.registry()]).collect();
    let token = world.gitea.add_token("admin", "read:package");
    world.regcred_with(LOGIN, &token).done();
    for gitea in &silent {
        gitea.add_user("admin");
        let token = gitea.add_token("admin", "read:package");
        let login = LOGIN.replace("[REGISTRY]", &gitea.registry());
        world.regcred_with(&login, &token).done();
        gitea.replace("/v2/", Answer::empty(503));
    }
    for registry in &registries {
        let line = format!("sync --no-verify -n [NAMESPACE] --registry {registry}");
        world.regcred(&line).done();
    }
    let ledger = world.home().join(".local/state/regcred/ledger.json");
    for action in ["unchanged", "configured"] {
        // What it finds is all that it knows.
        std::fs::remove_file(&ledger).unwrap();
        if action == "configured" {
            let newer = world.gitea.add_token("admin", "read:package");
            world.regcred_with(LOGIN, &newer).done();
        }
        let ran = world.regcred("sync -A");
        assert!(ran.code == 0 && ran.stdout.contains(action), "{ran}");
        let places = std::fs::read_to_string(&ledger).unwrap();
        let places: serde_json::Value = serde_json::from_str(&places).unwrap();
        let credentials = places["credentials"].as_array().unwrap().iter();
        let with_place = credentials.filter(|one| one["tokens"][0]["secrets"][0]["seen"].is_string());
        assert_eq!(with_place.count(), registries.len(), "{action}: {places}");
    }
}

scenario!(what_was_asked_for_besides_is_not_forgotten_where_nobody_answers);
fn what_was_asked_for_besides_is_not_forgotten_where_nobody_answers() {
    let world = World::of_doubles();
    let token = world.gitea.add_token("admin", "read:package");
    world.regcred_with(LOGIN, &token).done();
    world.regcred("sync --no-verify -n [NAMESPACE]").done();
    let namespace = world.namespace.clone();
    let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
    let api = world.api_server();
    api.put_object("serviceaccounts", &namespace, &account);
    world.gitea.replace("/v2/", Answer::empty(503));
    // The Secret is right: what it is attached to can only gain by it.
    let ran = world.regcred("sync -n [NAMESPACE] --service-account default");
    assert_eq!(ran.code, 0, "{ran}");
    let line = "serviceaccount/default configured in namespace [NAMESPACE]\n";
    assert!(ran.stdout.contains(" unchanged ") && ran.stdout.contains(line), "{ran}");
    let attached = api.object("serviceaccounts", &namespace, "default").unwrap();
    assert_eq!(attached["imagePullSecrets"], json!([{"name": SECRET}]));
    // Pods that run could not come back.
    for (flag, not_done) in [
        ("--restart", "no workload was restarted"),
        ("--unstick", "no pod was deleted"),
    ] {
        let ran = world.regcred(&format!("sync -n [NAMESPACE] {flag}"));
        assert_eq!(ran.code, 1, "{ran}");
        let says = format!(
            "{not_done} in namespace [NAMESPACE], because nobody could say whether the token works: [REGISTRY] failed with \
             status 503\n"
        );
        assert!(
            ran.stdout.contains(" unchanged ") && ran.stderr.contains(&says),
            "{says}{ran}"
        );
        assert!(
            ran.stderr.contains("hint: run it again when the registry answers"),
            "{ran}"
        );
    }
}
