//! Something else answers in the API server's place: what could not be seen is never taken for what is not there.

use crate::support::api_server::Fault;
use crate::support::world::World;

/// What proxies, ingresses and pages to log in by answer with, and lists that are none.
const ANSWERS: [Fault; 11] = [
    Fault::Foreign(404, "text/plain; charset=utf-8", "404 page not found\n"),
    Fault::Foreign(404, "text/html", "<html><body>default backend - 404</body></html>"),
    Fault::Foreign(404, "application/json", "{}"),
    Fault::Foreign(404, "application/json", r#"{"reason":"NotFound","code":404}"#),
    Fault::Foreign(
        404,
        "application/json",
        r#"{"message":"no Route matched with those values"}"#,
    ),
    Fault::Foreign(302, "text/html", ""),
    Fault::Foreign(200, "text/html; charset=utf-8", "<html>log in</html>"),
    Fault::Foreign(200, "application/json", "{}"),
    Fault::Foreign(
        200,
        "application/json",
        r#"{"kind":"SecretList","apiVersion":"v1","metadata":{}}"#,
    ),
    Fault::Foreign(
        200,
        "application/json",
        r#"{"kind":"ConfigMapList","apiVersion":"v1","metadata":{},"items":[]}"#,
    ),
    // Its pages go round in a circle.
    Fault::Foreign(
        200,
        "application/json",
        r#"{"kind":"PartialObjectMetadataList","apiVersion":"meta.k8s.io/v1","metadata":{"continue":"x"},"items":[]}"#,
    ),
];

const SURVEYED: &[&str] = &[
    "secrets",
    "serviceaccounts",
    "pods",
    "deployments",
    "statefulsets",
    "daemonsets",
    "jobs",
    "cronjobs",
];

/// Every verb that lists, with what it lists.
const LISTING: &[(&str, &[&str])] = &[
    ("sync -A", &["secrets"]),
    ("sync -A --dry-run=client", &["secrets"]),
    ("sync -l team=a", &["namespaces"]),
    ("sync -A --detach --service-account default", &["secrets"]),
    (
        "sync -n [NAMESPACE] --restart",
        &[
            "serviceaccounts",
            "deployments",
            "statefulsets",
            "daemonsets",
            "cronjobs",
            "jobs",
            "replicasets",
            "replicationcontrollers",
            "pods",
        ],
    ),
    ("sync -n [NAMESPACE] --unstick", &["pods"]),
    ("rotate [REGISTRY] -A --token-stdin --plain-http", &["secrets"]),
    (
        "rotate [REGISTRY] -l team=a --token-stdin --plain-http",
        &["namespaces"],
    ),
    (
        "rotate [REGISTRY] -A --dry-run=client --token-stdin --plain-http",
        &["secrets"],
    ),
    ("status -A --offline", SURVEYED),
    ("status -n [NAMESPACE] --offline", SURVEYED),
    ("status -l team=a --offline", &["namespaces"]),
];

/// Every verb that asks for one Secret by its name.
const GETTING: &[&str] = &[
    "sync -n [NAMESPACE]",
    "sync -n [NAMESPACE] --dry-run=client",
    "sync -n [NAMESPACE] --dry-run=server",
    "rotate [REGISTRY] -n [NAMESPACE] --token-stdin --plain-http",
];

/// Logged in, with a Secret in two namespaces.
fn world() -> World {
    let world = World::of_doubles();
    world.another_namespace("team-b");
    world.api_server().label_namespace("team-a", "team", "a");
    let token = world.gitea.add_token("admin", "write:package");
    world
        .regcred_with("login [REGISTRY] -u admin --token-stdin", &token)
        .done();
    world.regcred("sync -n [NAMESPACE] -n team-b").done();
    world
}

scenario!(a_list_that_nobody_gave_is_no_empty_list);
fn a_list_that_nobody_gave_is_no_empty_list() {
    let world = world();
    let new = world.gitea.add_token("admin", "write:package");
    for (line, resources) in LISTING {
        for (at, resource) in resources.iter().enumerate() {
            // Every kind of a verb is read by the same code: one of them gets all answers.
            let answers = if at == 0 { &ANSWERS[..] } else { &ANSWERS[..3] };
            for &answer in answers {
                world.api_server().fail_lists_of(resource, answer);
                let ran = world.regcred_with(line, &new);
                let what = format!("{line}, {resource}: {answer:?}\n{ran}");
                assert_eq!(ran.code, 1, "{what}");
                assert!(!ran.stdout.contains("all is well"), "{what}");
                world.api_server().recover();
                let pending = world.regcred("rotate [REGISTRY] --abort");
                assert!(pending.code == 0, "{what}{pending}");
            }
        }
    }
    // Nobody's token was written, and none was revoked.
    let tokens = world.gitea.state().tokens.len();
    assert_eq!(tokens, 2);
}

scenario!(one_that_is_not_found_by_something_else_is_not_missing);
fn one_that_is_not_found_by_something_else_is_not_missing() {
    let world = world();
    let new = world.gitea.add_token("admin", "write:package");
    for line in GETTING {
        for answer in ANSWERS {
            world.api_server().fail_in("team-a", answer);
            let ran = world.regcred_with(line, &new);
            let what = format!("{line}: {answer:?}\n{ran}");
            assert_eq!(ran.code, 1, "{what}");
            assert!(!ran.stdout.contains("created"), "{what}");
            world.api_server().recover();
            world.regcred("rotate [REGISTRY] --abort").done();
        }
    }
}

scenario!(completion_offers_nothing_of_it);
fn completion_offers_nothing_of_it() {
    let world = world();
    for answer in ANSWERS {
        for resource in ["namespaces", "secrets", "serviceaccounts", "pods"] {
            world.api_server().fail_lists_of(resource, answer);
        }
        for line in [
            "__complete sync -n t",
            "__complete sync --secret g",
            "__complete status pod x",
        ] {
            let ran = world.regcred(line);
            assert!(!ran.stdout.contains("team-a"), "{line}: {answer:?}\n{ran}");
        }
        world.api_server().recover();
    }
}

scenario!(the_api_servers_own_word_for_no_such_kind);
fn the_api_servers_own_word_for_no_such_kind() {
    let world = world();
    let status = Fault::Foreign(
        404,
        "application/json",
        r#"{"kind":"Status","apiVersion":"v1","metadata":{},"status":"Failure","message":"the server could not find the requested resource","reason":"NotFound","details":{},"code":404}"#,
    );
    // kcp has neither pods nor what makes them.
    for resource in ["pods", "deployments", "statefulsets", "daemonsets", "jobs", "cronjobs"] {
        world.api_server().fail_lists_of(resource, status);
    }
    world.regcred("status -A --offline").done();
    // Every server has Secrets.
    world.api_server().fail_lists_of("secrets", status);
    for line in ["status -A --offline", "sync -A"] {
        let ran = world.regcred(line);
        assert_eq!(ran.code, 1, "{ran}");
    }
}

scenario!(what_is_said_of_it);
fn what_is_said_of_it() {
    let world = world();
    let [text, html, json, ..] = ANSWERS;
    for (answer, says) in [
        (
            text,
            "GET /api/v1/secrets gave HTTP 404 and the text \"404 page not found\"\n",
        ),
        (html, "GET /api/v1/secrets gave HTTP 404 and an HTML page\n"),
        (json, "GET /api/v1/secrets gave HTTP 404 and the text \"{}\"\n"),
    ] {
        world.api_server().fail_lists_of("secrets", answer);
        let ran = world.regcred("sync -A");
        let says = format!(
            "error: {} did not answer as a Kubernetes API server: {says}hint: ",
            world.api_server().url()
        );
        assert!(ran.stderr.starts_with(&says), "{says}{ran}");
        world.api_server().recover();
    }
}
