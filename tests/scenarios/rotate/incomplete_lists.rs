//! A cluster that shows its Secrets in part, or not at all, is never taken for one that has none: the old token stays.

use std::collections::BTreeMap;

use libtest_mimic::Trial;
use regcred::model::Use;
use serde_json::json;

use super::fixture::{Rotation, SECRET};
use crate::support::api_server::{ApiServer, Odd};
use crate::support::scenario::Table;
use crate::support::world::{Ran, World};

/// An answer to a request with these parameters.
type OddAnswer = fn(&BTreeMap<String, String>) -> Odd;

/// The ways in which a list can fail to show what is there.
const WAYS: [(&str, OddAnswer); 12] = [
    ("a 404 that is text", |_| text(404, "404 page not found\n")),
    ("a 404 that is JSON and no Status", |_| json(404, &json!({}))),
    ("a list that is not allowed", |_| {
        status(
            403,
            "Forbidden",
            "secrets is forbidden: User \"jane\" cannot list resource \"secrets\" in API group \"\" at the cluster scope",
        )
    }),
    ("no answer in time", |_| Odd::Silence),
    ("a second page that fails", |query| {
        first_or(query, status(400, "BadRequest", "the second page is not to be had"))
    }),
    ("a second page that is always too old", |query| {
        first_or(
            query,
            status(410, "Expired", "The provided continue parameter is too old"),
        )
    }),
    ("a page that is cut off", |_| {
        Odd::Answer(
            200,
            "application/json",
            r#"{"kind":"PartialObjectMetadataList","metadata":{},"items":[{"#.to_owned(),
        )
    }),
    ("an empty page, and no next one", |query| {
        first_or(query, text(404, "gone"))
    }),
    ("empty pages for ever", |_| json(200, &page(&json!([])))),
    ("a proxy's page in HTML", |_| {
        Odd::Answer(200, "text/html", "<html><title>Log in</title></html>".to_owned())
    }),
    ("an answer that grows to 200 MiB", |_| Odd::Expanding(200 << 20)),
    ("JSON that is no list", |_| json(200, &json!({}))),
];

scenarios!(every_way);
fn every_way(table: &Table) -> Vec<Trial> {
    let trials = WAYS.iter().flat_map(|(name, way)| {
        [
            table.alone(&format!("all_namespaces/{name}"), &[], || all_namespaces(*way)),
            table.alone(&format!("one_namespace/{name}"), &[], || one_namespace(*way)),
        ]
    });
    trials.collect()
}

fn text(code: u16, text: &str) -> Odd {
    Odd::Answer(code, "text/plain", text.to_owned())
}

fn json(code: u16, body: &serde_json::Value) -> Odd {
    Odd::Answer(code, "application/json", body.to_string())
}

fn status(code: u16, reason: &str, message: &str) -> Odd {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code,
    });
    json(code, &body)
}

fn page(items: &serde_json::Value) -> serde_json::Value {
    json!({
        "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
        "metadata": {"continue": "next", "resourceVersion": "1"}, "items": items,
    })
}

/// An empty first page, and this for the next one.
fn first_or(query: &BTreeMap<String, String>, next: Odd) -> Odd {
    if query.contains_key("continue") {
        next
    } else {
        json(200, &page(&json!([])))
    }
}

/// Two clusters with the same Secret; the contexts are `one` and `two`.
fn rotation() -> (Rotation, ApiServer) {
    let rotation = Rotation::with(World::of_doubles(), Use::Cluster, &[]);
    let second = ApiServer::start();
    second.create_namespace(&rotation.world.namespace);
    let secret = rotation.world.secret(SECRET).unwrap();
    second.put_secret(&rotation.world.namespace, &secret);
    let config = format!(
        "apiVersion: v1
kind: Config
current-context: one
clusters:
- {{name: one, cluster: {{server: '{}'}}}}
- {{name: two, cluster: {{server: '{}'}}}}
contexts:
- {{name: one, context: {{cluster: one, user: user}}}}
- {{name: two, context: {{cluster: two, user: user}}}}
users:
- {{name: user, user: {{token: {}}}}}
",
        rotation.world.api_server().url(),
        second.url(),
        crate::support::api_server::ADMIN_TOKEN,
    );
    std::fs::write(rotation.world.folder().join("kubeconfig"), config).unwrap();
    (rotation, second)
}

const CONTEXTS: &str = "--context one --context two --request-timeout 1s";

fn begin(rotation: &mut Rotation, args: &str) -> Ran {
    let token = rotation.another_token();
    rotation.world.variables.insert("NEW_TOKEN".to_owned(), token.into());
    rotation.rotate(&format!("--token-env NEW_TOKEN --plain-http {args} {CONTEXTS}"))
}

fn check_pending(rotation: &Rotation, ran: &Ran) {
    assert_eq!(ran.code, 1, "{ran}");
    rotation.check("half seen");
    assert!(rotation.works(&rotation.old), "the old token is alive: {ran}");
    assert!(rotation.kept().rotation.is_some(), "{ran}");
    assert!(ran.stderr.contains("--resume"), "{ran}");
}

fn check_ended(rotation: &Rotation, second: &ApiServer, ran: &Ran) {
    assert_eq!(ran.code, 0, "{ran}");
    rotation.check_ended("resumed");
    assert!(!rotation.works(&rotation.old), "{ran}");
    let secret = second.secret(&rotation.world.namespace, SECRET).unwrap();
    let held = super::fixture::token(&secret, &rotation.world.registry()).unwrap();
    assert_eq!(held, rotation.served(), "{ran}");
}

/// The list is what would find the Secret at all.
fn all_namespaces(way: fn(&BTreeMap<String, String>) -> Odd) {
    let (mut rotation, second) = rotation();
    second.answer_lists(move |query| Some(way(query)));
    let ran = begin(&mut rotation, "-A");
    check_pending(&rotation, &ran);
    check_pending(&rotation, &rotation.rotate("--resume --request-timeout 1s"));
    second.recover();
    let ran = rotation.rotate("--resume");
    check_ended(&rotation, &second, &ran);
}

/// The Secret is named; the list is to show whether others would lose their token.
fn one_namespace(way: fn(&BTreeMap<String, String>) -> Odd) {
    let (mut rotation, second) = rotation();
    second.answer_lists(move |query| Some(way(query)));
    let flags = rotation.flags();
    let ran = begin(&mut rotation, &flags);
    check_pending(&rotation, &ran);
    assert!(
        ran.stderr
            .contains("the old token is not revoked, because not every Secret that may hold it could be read"),
        "{ran}"
    );
    check_pending(&rotation, &rotation.rotate("--resume --request-timeout 1s"));
    second.recover();
    let ran = rotation.rotate("--resume");
    check_ended(&rotation, &second, &ran);
}

scenario!(a_context_that_may_not_be_searched_is_given_up_by_name);
fn a_context_that_may_not_be_searched_is_given_up_by_name() {
    let (mut rotation, second) = rotation();
    second.forbid("list", "");
    let flags = rotation.flags();
    let ran = begin(&mut rotation, &flags);
    check_pending(&rotation, &ran);
    assert!(ran.stderr.contains("--resume --skip-search two\n"), "{ran}");
    let ran = rotation.rotate("--resume --skip-search one");
    check_pending(&rotation, &ran);
    let ran = rotation.rotate("--resume --skip-search two");
    assert!(
        ran.stderr.contains("context two was not searched for other Secrets"),
        "{ran}"
    );
    check_ended(&rotation, &second, &ran);
}

scenario!(a_secret_that_may_not_be_read_is_given_up_by_name);
fn a_secret_that_may_not_be_read_is_given_up_by_name() {
    let (mut rotation, second) = rotation();
    second.create_namespace("closed");
    let secret = rotation.world.secret(SECRET).unwrap();
    second.put_secret("closed", &secret);
    second.forbid("get", "closed");
    let flags = rotation.flags();
    let ran = begin(&mut rotation, &flags);
    check_pending(&rotation, &ran);
    let hint = format!("--resume --skip-secret closed/{SECRET}\n");
    assert!(ran.stderr.contains(&hint), "{hint}{ran}");
    let ran = rotation.rotate(&format!("--resume --skip-secret closed/{SECRET}"));
    check_ended(&rotation, &second, &ran);
}

scenario!(an_immutable_secret_elsewhere_is_given_up_by_name);
/// Nobody can change it: a stolen token has to be killable all the same.
fn an_immutable_secret_elsewhere_is_given_up_by_name() {
    let (mut rotation, second) = rotation();
    second.create_namespace("frozen");
    let mut secret = rotation.world.secret(SECRET).unwrap();
    secret["immutable"] = true.into();
    second.put_secret("frozen", &secret);
    let flags = rotation.flags();
    let ran = begin(&mut rotation, &flags);
    check_pending(&rotation, &ran);
    assert!(
        ran.stderr.contains(&format!("secret/{SECRET} in namespace frozen")),
        "{ran}"
    );
    check_pending(&rotation, &rotation.rotate("--resume"));
    let ran = rotation.rotate(&format!("--resume --skip-secret frozen/{SECRET}"));
    check_ended(&rotation, &second, &ran);
    let left = second.secret("frozen", SECRET).unwrap();
    assert_eq!(
        super::fixture::token(&left, &rotation.world.registry()),
        Some(rotation.old.clone())
    );
}
