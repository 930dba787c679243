//! `where`: every place of every token, and the ledger that remembers them.

mod scan;

use std::os::unix::fs::PermissionsExt as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use snapbox::str;

use crate::support::api_server::{ApiServer, Fault};
use crate::support::parts::{DOUBLES, REAL};
use crate::support::world::{World, auth};

const SECRET: &str = "gitea-credentials";

fn synced(world: &World) -> String {
    let token = world.gitea.add_token("admin", "read:package");
    let login = "login [REGISTRY] -u admin --use cluster --token-stdin";
    world.regcred_with(login, &token).done();
    world.regcred("sync -n [NAMESPACE]").done();
    token
}

fn ledger(world: &World) -> std::path::PathBuf {
    world.home().join(".local/state/regcred/ledger.json")
}

scenario!(shows_every_place, on(DOUBLES, REAL));
fn shows_every_place(world: &World) {
    let token = synced(world);
    world.regcred("where").says(str![[r#"
exit 0
--- stdout
REGISTRY   USE   PLACE   TOKEN
[REGISTRY]   cluster   keychain   current
[REGISTRY]   cluster   secret/gitea-credentials in namespace [NAMESPACE] of context [..]   current
--- stderr

"#]]);
    let text = std::fs::read_to_string(ledger(world)).unwrap();
    assert!(!text.contains(&token) && !text.contains(&token[..8]), "{text}");
    let mode = std::fs::metadata(ledger(world)).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    // What is remembered is the same.
    let ran = world.regcred("where --offline");
    assert!(ran.code == 0 && ran.stdout.contains("current, as remembered"), "{ran}");
    let document: Value = serde_json::from_str(&world.regcred("where -o json").done()).unwrap();
    assert_eq!(document["kind"], "CredentialPlaces");
    let secret = document["items"]
        .as_array()
        .unwrap()
        .iter()
        .find(|item| item["kind"] == "secret");
    let secret = secret.unwrap();
    assert_eq!(
        (&secret["secret"], &secret["token"]),
        (&SECRET.into(), &"current".into())
    );
    assert_eq!(document["notLookedAt"], serde_json::json!([]));
    // Taken out, it is no place any more.
    world
        .regcred("sync -n [NAMESPACE] --registry [REGISTRY] --remove")
        .done();
    for line in ["where", "where --offline"] {
        let ran = world.regcred(line);
        assert!(!ran.stdout.contains(SECRET), "{line}: {ran}");
    }
}

scenario!(a_revoked_token_is_shown_as_that, on(DOUBLES, REAL));
/// With the use that it was for, whatever else the keychain has.
fn a_revoked_token_is_shown_as_that(world: &World) {
    let token = world.gitea.add_token("admin", "read:package");
    let login = "login [REGISTRY] -u admin --token-stdin";
    world.regcred_with(&format!("{login} --use docker"), &token).done();
    world.regcred("sync -n [NAMESPACE] --use docker").done();
    let other = world.gitea.add_token("admin", "read:package");
    world.regcred_with(&format!("{login} --use cluster"), &other).done();
    let new = world.gitea.add_token("admin", "read:package");
    let rotate = format!(
        "rotate [REGISTRY] --use docker --token-stdin --skip-secret {}/{SECRET}",
        world.namespace
    );
    world.regcred_with(&rotate, &new).done();
    for (line, state) in [
        ("where", "revoked"),
        ("where", "revoked"),
        ("where --offline", "revoked, as remembered"),
    ] {
        let places = world.regcred(line).done();
        let row = places.lines().find(|row| row.contains(SECRET)).unwrap();
        assert!(row.starts_with("[REGISTRY]   docker   secret/"), "{line}: {places}");
        assert!(row.ends_with(&format!("   {state}")), "{line}: {places}");
    }
}

scenario!(the_service_accounts_of_a_secret_are_remembered);
/// Also through a rotation, and by whichever flag they were given.
fn the_service_accounts_of_a_secret_are_remembered() {
    let world = World::of_doubles();
    let _ = synced(&world);
    let account = serde_json::json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}});
    world
        .api_server()
        .put_object("serviceaccounts", &world.namespace, &account);
    world.regcred("sync -n [NAMESPACE] --service-account default").done();
    let accounts = |line: &str| {
        let document: Value = serde_json::from_str(&world.regcred(line).done()).unwrap();
        let items = document["items"].as_array().unwrap().iter();
        let mut secrets = items.filter(|item| item["kind"] == "secret");
        secrets.next().unwrap()["serviceAccounts"].clone()
    };
    assert_eq!(accounts("where -o json"), serde_json::json!(["default"]));
    let rotate = "rotate [REGISTRY] --use cluster --mint --password-stdin";
    world.regcred_with(rotate, "password of admin\n").done();
    for line in ["where --offline -o json", "where -o json"] {
        assert_eq!(accounts(line), serde_json::json!(["default"]), "{line}");
    }
    // One that is not there has no Secret.
    let ran = world.regcred("sync -n [NAMESPACE] --service-account nobody");
    assert_eq!(ran.code, 1, "{ran}");
    let detach = "sync -n [NAMESPACE] --service-account default --detach";
    world.regcred(&format!("{detach} --dry-run=server")).done();
    assert_eq!(accounts("where --offline -o json"), serde_json::json!(["default"]));
    world.regcred(detach).done();
    for line in ["where --offline -o json", "where -o json"] {
        assert_eq!(accounts(line), Value::Null, "{line}");
    }
    assert!(
        world.regcred("where --offline").done().contains("current"),
        "it holds the token all the same"
    );
    // One that was deleted is forgotten when it is looked for.
    world.regcred("sync -n [NAMESPACE] --service-account default").done();
    world
        .api_server()
        .remove_object("serviceaccounts", &world.namespace, "default");
    assert_eq!(world.regcred(detach).code, 1);
    assert_eq!(accounts("where --offline -o json"), Value::Null);
}

scenario!(a_namespace_that_is_not_there_is_no_place);
fn a_namespace_that_is_not_there_is_no_place() {
    let world = World::of_doubles();
    let _ = synced(&world);
    let closing = world.another_namespace("closing");
    world.api_server().terminate_namespace(&closing);
    let ran = world.regcred(&format!("sync -n nowhere -n {closing}"));
    assert_eq!(ran.code, 1, "{ran}");
    let places = world.regcred("where --offline").done();
    assert!(places.contains("[NAMESPACE]"), "{places}");
    assert!(!places.contains("nowhere") && !places.contains(&closing), "{places}");
}

scenario!(a_secret_with_two_tokens_is_a_place_of_both);
fn a_secret_with_two_tokens_is_a_place_of_both() {
    let world = World::of_doubles();
    let cluster = synced(&world);
    let docker = world.gitea.add_token("admin", "read:package");
    let login = "login [REGISTRY] -u admin --use docker --token-stdin";
    world.regcred_with(login, &docker).done();
    let registry = world.registry();
    let document = serde_json::json!({ "auths": {
        registry.as_str(): { "auth": auth("admin", &cluster) },
        format!("http://{registry}"): { "auth": auth("admin", &docker) },
    }});
    world.put_secret(&serde_json::json!({
        "metadata": { "name": "of-two", "labels": { "app.kubernetes.io/managed-by": "kubectl-regcred" } },
        "type": "kubernetes.io/dockerconfigjson",
        "data": { ".dockerconfigjson": STANDARD.encode(document.to_string()) },
    }));
    for line in ["where", "where --offline", "where", "where --offline"] {
        let places = world.regcred(line).done();
        assert_eq!(places.matches("secret/of-two").count(), 2, "{line}: {places}");
    }
}

scenario!(a_lost_ledger_is_made_again_by_looking, on(DOUBLES, REAL));
fn a_lost_ledger_is_made_again_by_looking(world: &World) {
    let _ = synced(world);
    std::fs::remove_file(ledger(world)).unwrap();
    assert!(!world.regcred("where --offline").stdout.contains(SECRET));
    assert!(world.regcred("where").done().contains(SECRET));
    assert!(world.regcred("where --offline").stdout.contains(SECRET));
}

scenario!(a_damaged_ledger_stops_nothing_but_what_needs_it);
fn a_damaged_ledger_stops_nothing_but_what_needs_it() {
    let world = World::of_doubles();
    let _ = synced(&world);
    for (text, says) in [
        ("{", "is damaged: "),
        (
            "{\"version\": 9}",
            "was written by another version of regcred (format 9)",
        ),
    ] {
        let says = format!("warning: the ledger [FOLDER]/.local/state/regcred/ledger.json {says}");
        std::fs::write(ledger(&world), text).unwrap();
        let ran = world.regcred("sync -n [NAMESPACE]");
        assert_eq!(ran.code, 0, "{ran}");
        assert!(ran.stderr.contains(&says) && ran.stderr.contains("\nhint: "), "{ran}");
        assert_eq!(
            std::fs::read_to_string(ledger(&world)).unwrap(),
            text,
            "it is left as it is"
        );
        let ran = world.regcred("where");
        assert!(ran.stdout.contains(SECRET) && ran.stderr.contains(&says), "{ran}");
        let ran = world.regcred("status -n [NAMESPACE]");
        assert!(ran.stdout.contains(SECRET) && ran.stderr.contains(&says), "{ran}");
    }
}

scenario!(that_there_is_nothing_is_said);
fn that_there_is_nothing_is_said() {
    let world = World::of_doubles();
    for line in ["where --offline", "where --offline -o wide"] {
        world.regcred(line).says(str![[r#"
exit 0
--- stdout
--- stderr
the keychain holds no credential, and none is remembered

"#]]);
    }
}

scenario!(a_context_that_is_not_there_is_refused);
fn a_context_that_is_not_there_is_refused() {
    let world = World::of_doubles();
    world.regcred("where --context nowhere").says(str![[r#"
exit 1
--- stdout
--- stderr
error: the kubeconfig has no context named "nowhere"; there are: [..]
hint: `kubectl config get-contexts` lists them

"#]]);
}

scenario!(what_cannot_be_looked_at_is_shown_as_remembered);
fn what_cannot_be_looked_at_is_shown_as_remembered() {
    let world = World::of_doubles();
    let _ = synced(&world);
    world.api_server().fail(Fault::Cut, u32::MAX);
    let ran = world.regcred("where");
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stdout.contains("current, as remembered"), "{ran}");
    assert!(
        ran.stderr
            .contains("error: context double was not looked at: cannot reach the API server"),
        "{ran}"
    );
    world.api_server().recover();
    world.api_server().forbid("list", "");
    let ran = world.regcred("where");
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stderr.contains("error: context double was not searched: "), "{ran}");
    let row = ran.stdout.lines().find(|line| line.contains(SECRET)).unwrap();
    assert!(row.ends_with("current"), "what the ledger names is looked at: {ran}");
}

scenario!(a_write_that_failed_is_looked_for);
/// Nobody knows whether a request that was cut off was carried out.
fn a_write_that_failed_is_looked_for() {
    let world = World::of_doubles();
    let token = world.gitea.add_token("admin", "read:package");
    let login = "login [REGISTRY] -u admin --use cluster --token-stdin";
    world.regcred_with(login, &token).done();
    world.api_server().fail_writes(Fault::Cut);
    assert_eq!(world.regcred("sync -n [NAMESPACE]").code, 1);
    let ran = world.regcred("where --offline");
    assert!(ran.stdout.contains(SECRET), "{ran}");
    world.api_server().recover();
    let ran = world.regcred("where");
    assert!(!ran.stdout.contains(SECRET), "it was not written: {ran}");
    assert!(!world.regcred("where --offline").stdout.contains(SECRET));
}

scenario!(two_at_once_lose_nothing, on(REAL));
fn two_at_once_lose_nothing(world: &World) {
    let token = world.gitea.add_token("admin", "read:package");
    let login = "login [REGISTRY] -u admin --use cluster --token-stdin";
    world.regcred_with(login, &token).done();
    let names: Vec<String> = (0..6).map(|_| world.another_namespace("any")).collect();
    let running: Vec<_> = names
        .iter()
        .map(|name| world.start_regcred(&format!("sync -n {name} --registry [REGISTRY]"), ""))
        .collect();
    for mut one in running {
        assert!(one.wait().unwrap().success());
    }
    let ran = world.regcred("where --offline");
    for name in &names {
        // As it is shown: test-10 where this scenario's own is test-1.
        let name = name.replace(&world.namespace, "[NAMESPACE]");
        assert!(ran.stdout.contains(&format!("in namespace {name} ")), "{name}: {ran}");
    }
}

scenario!(what_was_logged_out_of_is_still_shown, on(DOUBLES, REAL));
/// The token may well be valid.
fn what_was_logged_out_of_is_still_shown(world: &World) {
    let _ = synced(world);
    world.regcred("logout [REGISTRY]").done();
    for line in ["where", "where [REGISTRY]", "where --offline"] {
        let ran = world.regcred(line);
        let row = ran.stdout.lines().find(|row| row.contains(SECRET));
        let row = row.unwrap_or_else(|| panic!("{line}: {ran}"));
        let state = if line.ends_with("offline") {
            "earlier, as remembered"
        } else {
            "earlier"
        };
        assert!(row.starts_with("[REGISTRY]") && row.ends_with(state), "{line}: {ran}");
        assert_eq!(ran.code, 0, "{line}: {ran}");
    }
    let line = "sync -n [NAMESPACE] --registry [REGISTRY] --remove";
    world.regcred(line).done();
    for line in ["where", "where --offline"] {
        assert!(!world.regcred(line).stdout.contains(SECRET), "{line}");
    }
}

scenario!(a_keychain_that_knows_none_of_the_tokens_forgets_none_of_their_places);
fn a_keychain_that_knows_none_of_the_tokens_forgets_none_of_their_places() {
    let world = World::of_doubles();
    let _ = synced(&world);
    let remembered = std::fs::read_to_string(ledger(&world)).unwrap();
    // As after a new machine, or with another keychain.
    let other = World::of_doubles();
    std::fs::create_dir_all(ledger(&other).parent().unwrap()).unwrap();
    std::fs::write(ledger(&other), &remembered).unwrap();
    std::fs::copy(world.folder().join("kubeconfig"), other.folder().join("kubeconfig")).unwrap();
    for line in ["where", "where --offline"] {
        let ran = other.regcred(line);
        let row = ran.stdout.lines().find(|row| row.contains(SECRET));
        assert!(
            row.is_some_and(|row| row.ends_with("earlier, as remembered")),
            "{line}: {ran}"
        );
    }
}

scenario!(a_secret_that_cannot_be_read_is_shown_as_remembered);
fn a_secret_that_cannot_be_read_is_shown_as_remembered() {
    let world = World::of_doubles();
    let _ = synced(&world);
    for verb in ["get", "list"] {
        world.api_server().forbid(verb, "");
        world.api_server().forbid(verb, &world.namespace);
    }
    let ran = world.regcred("where");
    assert_eq!(ran.code, 1, "{ran}");
    let row = ran.stdout.lines().find(|row| row.contains(SECRET));
    assert!(row.is_some_and(|row| row.ends_with("current, as remembered")), "{ran}");
    assert!(ran.stderr.contains(" was not looked at: "), "{ran}");
}

scenario!(clusters_that_were_not_asked_about_are_as_remembered);
fn clusters_that_were_not_asked_about_are_as_remembered() {
    let mut world = World::of_doubles();
    let second = ApiServer::start();
    second.create_namespace(&world.namespace);
    let one = world.folder().join("kubeconfig");
    let two = world.folder().join("kubeconfig-2");
    std::fs::write(&two, second.kubeconfig().replace("double", "second")).unwrap();
    let both = std::env::join_paths([&one, &two]).unwrap();
    world.variables.insert("KUBECONFIG".to_owned(), both);
    let _ = synced(&world);
    world.regcred("sync -n [NAMESPACE] --context second").done();
    let ran = world.regcred("where --context double");
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran}");
    let state = |context: &str, ran: &crate::support::world::Ran| {
        let of_it = format!("of context {context} ");
        let row = ran.stdout.lines().find(|row| row.contains(&of_it)).unwrap();
        row.rsplit("  ").next().unwrap().trim().to_owned()
    };
    assert_eq!(state("double", &ran), "current");
    assert_eq!(state("second", &ran), "current, as remembered");
    // One that its own context does not lead to any more is missed.
    std::fs::write(&two, world.api_server().kubeconfig().replace("double", "second")).unwrap();
    let ran = world.regcred("where --context second");
    assert_eq!(ran.code, 1, "{ran}");
    assert!(ran.stderr.contains("no context leads to the cluster "), "{ran}");
}

scenario!(credential_plugins_of_several_contexts_get_no_terminal_and_an_end);
fn credential_plugins_of_several_contexts_get_no_terminal_and_an_end() {
    let mut world = World::of_doubles();
    let _ = synced(&world);
    let two = world.folder().join("kubeconfig-2");
    let plugin =
        |args: &str| format!("{{exec: {{apiVersion: client.authentication.k8s.io/v1, interactiveMode: {args}}}}}");
    let both = std::env::join_paths([&world.folder().join("kubeconfig"), &two]).unwrap();
    world.variables.insert("KUBECONFIG".to_owned(), both);
    for (args, says) in [
        (
            "IfAvailable, command: tail, args: [-f, /dev/null]",
            "plugin tail gave no credential within 3 s\nhint: log in first, where the plugin can ask: `kubectl get namespaces \
             --context second` runs the same one\n",
        ),
        (
            "Always, command: tail",
            "plugin tail needs a terminal, and gets none, because other contexts are looked into too\nhint: log in first, where \
             the plugin can ask: `kubectl get namespaces --context second` runs the same one\n",
        ),
        (
            "Never, command: 'false'",
            "plugin false failed: exit status: 1\nhint: does `kubectl get namespaces --context second` work? It runs the same \
             plugin\n",
        ),
    ] {
        let kubeconfig = world.api_server().kubeconfig_for(&plugin(args));
        let kubeconfig = kubeconfig
            .replace("double", "second")
            .replace("user: user", "user: of-second");
        std::fs::write(&two, kubeconfig.replace("name: user", "name: of-second")).unwrap();
        let ran = world.regcred("where --request-timeout 3s");
        assert_eq!(ran.code, 1, "{args}: {ran}");
        assert!(
            ran.stderr.contains("error: context second was not looked at: ") && ran.stderr.contains(says),
            "{says}{ran}"
        );
        let row = ran.stdout.lines().find(|row| row.contains(SECRET));
        assert!(row.is_some_and(|row| row.ends_with("current")), "{args}: {ran}");
    }
}
