//! Secrets that carry regcred's label and are not the user's: whoever may create a Secret can plant one.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use crate::support::world::{Ran, World};

const SECRET: &str = "gitea-credentials";

/// Logged in, with a Secret of its own, and tenants' namespaces beside it.
fn world() -> World {
    let world = World::of_doubles();
    login(&world, "cluster", "token-one");
    world.regcred("sync --no-verify -n [NAMESPACE]").done();
    world
}

fn login(world: &World, usage: &str, token: &str) {
    let line = format!("login [REGISTRY] -u admin --use {usage} --token-stdin --no-verify");
    world.regcred_with(&line, token).done();
}

fn document(entries: &[(&str, &str, &str)]) -> String {
    let entry = |(registry, user, token): &(&str, &str, &str)| {
        ((*registry).to_owned(), json!({"username": user, "password": token}))
    };
    let auths: serde_json::Map<String, Value> = entries.iter().map(entry).collect();
    json!({"auths": auths}).to_string()
}

/// As a tenant makes it who knows all about us.
fn plant(world: &World, name: &str, registries: &str, change: impl FnOnce(&mut Value)) -> String {
    let namespace = world.another_namespace(name);
    let count = registries.split(',').count();
    let list = |word: &str| vec![word; count].join(",");
    let mut secret = json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson",
        "metadata": {
            "name": SECRET,
            "labels": {"app.kubernetes.io/managed-by": "kubectl-regcred"},
            "annotations": {
                "kubectl-regcred/registry": registries,
                "kubectl-regcred/username": list("admin"),
                "kubectl-regcred/use": list("cluster"),
            },
            "managedFields": [{"manager": "kubectl-regcred", "operation": "Apply", "apiVersion": "v1",
                "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:.dockerconfigjson": {}}}}],
        },
        "data": {".dockerconfigjson": STANDARD.encode(r#"{"auths":{}}"#)},
    });
    change(&mut secret);
    world.api_server().put_secret(&namespace, &secret);
    namespace
}

fn holding(document: &str) -> impl FnOnce(&mut Value) {
    let data = STANDARD.encode(document);
    move |secret| secret["data"][".dockerconfigjson"] = data.into()
}

/// Every way to plant one, by its namespace, with what is said that it holds.
fn plant_all(world: &World) -> Vec<(String, String)> {
    let registry = world.registry();
    let plant = |name: &str, change: Box<dyn FnOnce(&mut Value)>| plant(world, name, &world.registry(), change);
    let stranger = document(&[(&registry, "mallory", "token-of-mallory")]);
    let elsewhere = document(&[("ghcr.io", "admin", "token-one")]);
    let no_login = format!(r#"{{"auths":{{"{registry}":{{"auth":""}}}}}}"#);
    let no_password = document(&[(&registry, "admin", "")]);
    vec![
        (
            plant("empty", Box::new(|_| ())),
            "it has no entry for [REGISTRY]".to_owned(),
        ),
        (
            plant("stranger", Box::new(holding(&stranger))),
            "its entry for [REGISTRY] holds another token, of the user \"mallory\"".to_owned(),
        ),
        (
            plant("elsewhere", Box::new(holding(&elsewhere))),
            "it has no entry for [REGISTRY]".to_owned(),
        ),
        (
            plant("no-login", Box::new(holding(&no_login))),
            "its entry for [REGISTRY] has neither user nor password".to_owned(),
        ),
        (
            plant("no-password", Box::new(holding(&no_password))),
            "its entry for [REGISTRY] has neither user nor password".to_owned(),
        ),
        (
            plant("no-json", Box::new(holding("{"))),
            "its .dockerconfigjson cannot be read".to_owned(),
        ),
        (
            plant("opaque", Box::new(|secret| secret["type"] = "Opaque".into())),
            "its type is \"Opaque\", not kubernetes.io/dockerconfigjson".to_owned(),
        ),
        (
            plant("bare", Box::new(|secret| secret["metadata"]["annotations"] = json!({}))),
            "it has no entry for [REGISTRY]".to_owned(),
        ),
        (
            plant("frozen", Box::new(|secret| secret["immutable"] = true.into())),
            "it has no entry for [REGISTRY]".to_owned(),
        ),
    ]
}

fn check_untouched(world: &World, planted: &[(String, String)], before: &[Value], ran: &Ran) {
    for ((namespace, _), before) in planted.iter().zip(before) {
        assert_eq!(
            &world.secret_in(namespace, SECRET).unwrap(),
            before,
            "{namespace}: {ran}"
        );
    }
}

scenario!(a_writes_none_of_them_and_says_what_each_holds);
fn a_writes_none_of_them_and_says_what_each_holds() {
    let world = world();
    let planted = plant_all(&world);
    let before: Vec<Value> = planted
        .iter()
        .map(|(name, _)| world.secret_in(name, SECRET).unwrap())
        .collect();
    login(&world, "cluster", "token-two");
    for line in [
        "sync --no-verify -A --dry-run=client",
        "sync --no-verify -A --dry-run=server",
        "sync --no-verify -A",
    ] {
        let ran = world.regcred(line);
        assert_eq!(ran.code, 0, "{line}: {ran}");
        check_untouched(&world, &planted, &before, &ran);
        for (namespace, holds) in &planted {
            let says = format!(
                "warning: secret/{SECRET} in namespace {namespace} is left as it is: it has the label of regcred, and \
                 nothing in it proves that it is yours: {holds}\n"
            );
            assert!(ran.stderr.contains(&says), "{line}: {says}{ran}");
        }
        assert!(
            ran.stderr.contains("1 configured, 9 left as they are\n"),
            "{line}: {ran}"
        );
        assert!(ran.stderr.contains("-n NAMESPACE --secret NAME"), "{line}: {ran}");
        assert_eq!(
            ran.stdout.lines().filter(|line| !line.starts_with(' ')).count(),
            1,
            "{line}: {ran}"
        );
    }
    assert!(world.document(SECRET).contains("token-two"));

    let ran = world.regcred("sync --no-verify -A -o json");
    let result: Value = serde_json::from_str(&ran.stdout).unwrap();
    let items = result["items"].as_array().unwrap();
    for (namespace, holds) in &planted {
        let item = items
            .iter()
            .find(|item| item["namespace"] == namespace.as_str())
            .unwrap();
        assert_eq!(
            (&item["action"], &item["holds"]),
            (&json!("leftAlone"), &json!([holds])),
            "{item}"
        );
        let hint = item["hints"][0].as_str().unwrap();
        assert!(hint.ends_with(&format!("-n {namespace} --secret {SECRET}")), "{hint}");
    }

    // Named by a person it is written, and proves itself from then on.
    let (stranger, _) = &planted[1];
    world
        .regcred(&format!("sync --no-verify -n {stranger} --secret {SECRET}"))
        .done();
    let ran = world.regcred("sync --no-verify -A");
    assert!(ran.stderr.contains("2 unchanged, 8 left as they are\n"), "{ran}");
    // Who trusts the labels says so.
    let ran = world.regcred("sync --no-verify -A --trust-labels");
    for name in ["empty", "elsewhere", "no-login", "no-password"] {
        let (namespace, _) = planted.iter().find(|(namespace, _)| namespace.ends_with(name)).unwrap();
        let line = format!("secret/{SECRET} configured in namespace {namespace}\n");
        assert!(ran.stdout.contains(&line), "{line}{ran}");
    }
}

scenario!(they_do_not_make_a_run_fail_unless_there_is_nothing_else);
fn they_do_not_make_a_run_fail_unless_there_is_nothing_else() {
    let world = world();
    plant(&world, "evil", &world.registry(), |_| ());
    let ran = world.regcred("sync --no-verify -A");
    assert_eq!(ran.code, 0, "{ran}");
    assert!(
        ran.stderr
            .contains("hint: if it is yours, name it instead of using -A: -n "),
        "{ran}"
    );
    // A registry that only a Secret names: nobody is told to log in to it.
    login(&world, "docker", "token-of-docker");
    let other = "login quay.io -u admin --token-stdin --no-verify";
    world.regcred_with(other, "token-of-quay").done();
    plant(&world, "lure", "evil.example.com", |_| ());
    let ran = world.regcred("sync --no-verify -A");
    assert_eq!(ran.code, 0, "{ran}");
    assert!(!ran.stderr.contains("login evil.example.com"), "{ran}");
    assert!(
        ran.stderr.contains(
            "left out: 1 Secret of another registry that the keychain has no credential of (evil.example.com)"
        ),
        "{ran}"
    );

    let alone = World::of_doubles();
    login(&alone, "cluster", "token-one");
    plant(&alone, "evil", &alone.registry(), |_| ());
    let ran = alone.regcred("sync --no-verify -A");
    assert_eq!((ran.code, ran.stdout.as_str()), (1, ""), "{ran}");
    assert!(
        ran.stderr.contains(
            "error: no Secret with the label of regcred holds a token that proves it to be yours: nothing was written\n"
        ),
        "{ran}"
    );
}

/// What is done to a world.
type Way = fn(&World);

scenario!(a_token_that_the_keychain_had_proves_a_secret);
/// By whatever way the keychain lost it.
fn a_token_that_the_keychain_had_proves_a_secret() {
    let world = world();
    let ways: [(&str, Way); 3] = [
        ("login", |world| login(world, "cluster", "token-login")),
        ("docker", |world| {
            let entry = json!({"ServerURL": world.registry(), "Username": "admin", "Secret": "token-docker"});
            world.regcred("logout [REGISTRY] --use cluster").done();
            world.helper("store", &entry.to_string()).done();
        }),
        ("logout", |world| {
            world.regcred("logout [REGISTRY]").done();
            login(world, "cluster", "token-logout");
        }),
    ];
    for (name, way) in ways {
        way(&world);
        let ran = world.regcred("sync --no-verify -A");
        assert_eq!(ran.code, 0, "{name}: {ran}");
        assert!(
            ran.stdout.starts_with(&format!("secret/{SECRET} configured")),
            "{name}: {ran}"
        );
        assert!(world.document(SECRET).contains(&format!("token-{name}")), "{name}");
    }
    // docker may store what it likes: all of the earlier ones that are remembered prove it.
    login(&world, "cluster", "token-last");
    let old = plant(
        &world,
        "old",
        &world.registry(),
        holding(&document(&[(&world.registry(), "admin", "token-one")])),
    );
    world.regcred("sync --no-verify -A").done();
    let secret = world.secret_in(&old, SECRET).unwrap();
    let data = STANDARD
        .decode(secret["data"][".dockerconfigjson"].as_str().unwrap())
        .unwrap();
    assert!(String::from_utf8(data).unwrap().contains("token-last"));
}

scenario!(one_registry_of_two_is_proved);
fn one_registry_of_two_is_proved() {
    let world = world();
    world
        .regcred_with("login quay.io -u admin --token-stdin --no-verify", "token-of-quay")
        .done();
    let registry = world.registry();
    let both = document(&[
        (&registry, "admin", "token-one"),
        ("quay.io", "mallory", "token-of-mallory"),
    ]);
    let namespace = plant(&world, "both", &format!("{registry},quay.io"), holding(&both));
    login(&world, "cluster", "token-two");
    let ran = world.regcred("sync --no-verify -A");
    assert_eq!(ran.code, 0, "{ran}");
    let secret = world.secret_in(&namespace, SECRET).unwrap();
    let data = STANDARD
        .decode(secret["data"][".dockerconfigjson"].as_str().unwrap())
        .unwrap();
    let data = String::from_utf8(data).unwrap();
    assert!(
        data.contains("token-two") && data.contains("token-of-mallory") && !data.contains("token-of-quay"),
        "{data}"
    );
    let says = format!(
        "warning: secret/{SECRET} in namespace {namespace} is only partly refreshed, because nothing proves that the \
         rest is yours: its entry for quay.io holds another token, of the user \"mallory\"\n"
    );
    assert!(ran.stderr.contains(&says), "{says}{ran}");
}

fn rotate(world: &World, args: &str) -> Ran {
    let line = format!("rotate [REGISTRY] --token-stdin --keep-old --plain-http {args}");
    let token = world.gitea.add_token("admin", "read:package");
    world.regcred_with(&line, &token)
}

/// A world whose token is alive.
fn alive(usage: &str) -> (World, String) {
    let world = World::of_doubles();
    let token = world.gitea.add_token("admin", "read:package");
    login(&world, usage, &token);
    (world, token)
}

scenario!(rotate_writes_none_of_them_either);
fn rotate_writes_none_of_them_either() {
    let (world, old) = alive("cluster");
    world.regcred("sync --no-verify -n [NAMESPACE]").done();
    let planted = plant_all(&world);
    let before: Vec<Value> = planted
        .iter()
        .map(|(name, _)| world.secret_in(name, SECRET).unwrap())
        .collect();
    for args in ["-A --dry-run=server", "-A"] {
        let ran = rotate(&world, args);
        assert_eq!(ran.code, 0, "{args}: {ran}");
        check_untouched(&world, &planted, &before, &ran);
        for (namespace, holds) in &planted {
            let says = format!(
                "warning: secret/{SECRET} in namespace {namespace} is left as it is: it does not hold the token that is \
                 rotated: {holds}\n"
            );
            assert!(ran.stderr.contains(&says), "{says}{ran}");
        }
    }
    assert!(!world.document(SECRET).contains(&old));
    // Named or not, only what holds the token is written.
    let ran = rotate(&world, &format!("-n [NAMESPACE] -n {}", planted[1].0));
    assert_eq!(ran.code, 0, "{ran}");
    check_untouched(&world, &planted, &before, &ran);
}

scenario!(rotate_creates_nothing);
fn rotate_creates_nothing() {
    let (world, token) = alive("cluster");
    let empty = world.another_namespace("empty");
    for args in ["-n [NAMESPACE]", "-A"] {
        let ran = rotate(&world, args);
        assert_eq!(ran.code, 1, "{args}: {ran}");
        assert!(
            ran.stderr
                .contains("error: no Secret was found that holds the token: the rotation was not started\n"),
            "{ran}"
        );
        assert_eq!(world.secret(SECRET), None, "{args}");
    }
    // Everywhere is nowhere.
    let (nowhere, _) = alive("cluster");
    let ran = rotate(&nowhere, "");
    assert!(
        ran.code == 0
            && ran
                .stderr
                .contains("no Secret gets the new token: only the keychain changes\n"),
        "{ran}"
    );
    assert_eq!(nowhere.secret(SECRET), None);
    world.regcred("sync --no-verify -n [NAMESPACE]").done();
    let ran = rotate(&world, &format!("-n [NAMESPACE] -n {empty}"));
    assert_eq!(ran.code, 0, "{ran}");
    let says = format!(
        "secret/{SECRET} in namespace {empty} is left as it is: it does not hold the token that is rotated: there is no such Secret\n"
    );
    assert!(ran.stderr.contains(&says), "{says}{ran}");
    assert_eq!(world.secret_in(&empty, SECRET), None);
    assert!(!world.document(SECRET).contains(&token));
}

scenario!(rotating_dockers_token_leaves_the_clusters_alone);
fn rotating_dockers_token_leaves_the_clusters_alone() {
    let (world, _) = alive("docker");
    let cluster = world.gitea.add_token("admin", "read:package");
    login(&world, "cluster", &cluster);
    world.regcred("sync --no-verify -n [NAMESPACE]").done();
    for args in ["--use docker -n [NAMESPACE]", "--use docker -A"] {
        let ran = rotate(&world, args);
        assert_eq!(ran.code, 1, "{ran}");
        assert!(ran.stderr.contains("--no-secrets changes only the keychain"), "{ran}");
        assert!(world.document(SECRET).contains(&cluster), "{ran}");
    }
    let ran = rotate(&world, "--use docker --no-secrets");
    assert_eq!(ran.code, 0, "{ran}");
    assert!(world.document(SECRET).contains(&cluster));
}

scenario!(removing_everywhere_touches_only_what_is_ours);
/// A colleague's and a tenant's Secrets have the label too.
fn removing_everywhere_touches_only_what_is_ours() {
    let world = world();
    let planted = plant_all(&world);
    let registry = world.registry();
    let beside = document(&[
        (&registry, "admin", "token-one"),
        (&format!("https://{registry}/v2/"), "mallory", "token-of-mallory"),
    ]);
    let mixed = plant(&world, "mixed", &registry, holding(&beside));
    let before: Vec<Value> = planted
        .iter()
        .map(|(name, _)| world.secret_in(name, SECRET).unwrap())
        .collect();
    let before_mixed = world.secret_in(&mixed, SECRET).unwrap();
    let own = world.document(SECRET);
    for line in [
        "sync -A --registry [REGISTRY] --remove --dry-run=client",
        "sync -A --registry [REGISTRY] --remove --dry-run=server",
        "sync -A --registry [REGISTRY] --remove",
    ] {
        assert_eq!(world.document(SECRET), own, "{line}");
        let ran = world.regcred(line);
        assert_eq!(ran.code, 0, "{line}: {ran}");
        check_untouched(&world, &planted, &before, &ran);
        assert_eq!(world.secret_in(&mixed, SECRET).unwrap(), before_mixed, "{line}: {ran}");
        for name in [&planted[1].0, &mixed] {
            let says = format!(
                "warning: secret/{SECRET} in namespace {name} is left as it is: it has the label of regcred, and nothing in it \
                 proves that it is yours: its entry for [REGISTRY] holds another token, of the user \"mallory\"\n"
            );
            assert!(ran.stderr.contains(&says), "{line}: {says}{ran}");
        }
    }
    assert_eq!(world.document(SECRET), r#"{"auths":{}}"#);
    // One that the keychain had is as good as one that it has.
    world.regcred("sync --no-verify -n [NAMESPACE]").done();
    world.regcred("logout [REGISTRY]").done();
    world.regcred("sync -A --registry [REGISTRY] --remove").done();
    assert_eq!(world.document(SECRET), r#"{"auths":{}}"#);
    // Named by a person, or where the labels are trusted, it is taken out.
    world
        .regcred(&format!(
            "sync -n {mixed} --registry [REGISTRY] --remove --secret {SECRET}"
        ))
        .done();
    let held = &world.secret_in(&mixed, SECRET).unwrap()["data"][".dockerconfigjson"];
    assert_eq!(*held, STANDARD.encode(r#"{"auths":{}}"#));
    let (stranger, _) = &planted[1];
    let ran = world.regcred("sync -A --registry [REGISTRY] --remove --trust-labels");
    let line = format!("secret/{SECRET} configured in namespace {stranger}\n");
    assert!(ran.stdout.contains(&line), "{line}{ran}");
}

scenario!(detaching_everywhere_leaves_what_is_not_ours);
/// The pods of a colleague and of a tenant pull with theirs.
fn detaching_everywhere_leaves_what_is_not_ours() {
    let world = world();
    let planted = plant_all(&world);
    let server = world.api_server();
    let attach = |namespace: &str| {
        let account = json!({"metadata": {"name": "default"}, "imagePullSecrets": [{"name": SECRET}]});
        server.put_object("serviceaccounts", namespace, &account);
    };
    let is_attached = |namespace: &str| {
        let account = server.object("serviceaccounts", namespace, "default").unwrap();
        !account["imagePullSecrets"].is_null()
    };
    let own = world.namespace.as_str();
    attach(own);
    for (namespace, _) in &planted {
        attach(namespace);
    }
    let detach = "sync -A --detach --service-account default";
    for flags in ["--dry-run=client", "--dry-run=server", ""] {
        assert!(is_attached(own), "{flags}");
        let ran = world.regcred(&format!("{detach} {flags}"));
        assert_eq!(ran.code, 0, "{flags}: {ran}");
        for (namespace, holds) in &planted {
            assert!(is_attached(namespace), "{namespace}: {ran}");
            let says = format!(
                "warning: secret/{SECRET} in namespace {namespace} is left as it is: it has the label of regcred, and \
                 nothing in it proves that it is yours: {holds}\n"
            );
            assert!(ran.stderr.contains(&says), "{flags}: {says}{ran}");
        }
        assert!(
            ran.stderr.contains("1 configured, 9 left as they are\n"),
            "{flags}: {ran}"
        );
    }
    assert!(!is_attached(own));
    // One that the keychain had is as good as one that it has; of another registry it is not.
    attach(own);
    world
        .regcred_with("login quay.io -u admin --token-stdin --no-verify", "token-of-quay")
        .done();
    let ran = world.regcred(&format!("{detach} --registry quay.io"));
    assert!(ran.code == 1 && is_attached(own), "{ran}");
    world.regcred("logout [REGISTRY]").done();
    // What cannot be read is not taken for ours.
    server.forbid("get secrets", own);
    let ran = world.regcred(detach);
    assert!(
        ran.code == 1 && ran.stderr.contains("may not get secrets") && is_attached(own),
        "{ran}"
    );
    assert!(
        ran.stderr.contains("resources: [secrets]\n  verbs: [get, list]\n"),
        "{ran}"
    );
    server.allow("get secrets", own);
    world.regcred(detach).done();
    assert!(!is_attached(own));
    // Named by a person, or where the labels are trusted.
    let (stranger, empty) = (planted[1].0.as_str(), planted[0].0.as_str());
    world
        .regcred(&format!(
            "sync -n {stranger} --secret {SECRET} --detach --service-account default"
        ))
        .done();
    assert!(!is_attached(stranger) && is_attached(empty));
    world.regcred(&format!("{detach} --trust-labels")).done();
    assert!(!is_attached(empty));
    // A keychain that recognises nothing.
    let stranger = World::of_doubles();
    let ran = stranger.regcred(detach);
    let says = "error: the keychain has and had no token, so that it recognises no Secret\nhint: name the Secrets in the place of -A";
    assert!(ran.code == 1 && ran.stderr.contains(says), "{ran}");
}
