//! Many namespaces: their Secrets are read with a list, because each request costs a round trip.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::pipeline::{DOUBLE, Pipeline, REAL, in_namespaces, summary};
use crate::support::api_server::{ApiServer, Recorded};
use crate::support::plane::SECRET;

/// More than are read one by one.
const MANY: usize = 40;

fn many(pipeline: &Pipeline) -> Vec<String> {
    let names: Vec<String> = (0..MANY)
        .map(|number| pipeline.name(format_args!("{number:03}")))
        .collect();
    pipeline.create_namespaces(&names, "many");
    names
}

/// The requests about Secrets since the last `seen`, of this method; of `GET`, those for one Secret.
fn count(double: &ApiServer, seen: usize, method: &str) -> usize {
    let asked = |recorded: &&Recorded| {
        recorded.method == method && recorded.path.contains("/secrets") && !recorded.path.ends_with("/api/v1/secrets")
    };
    double.recorded()[seen..].iter().filter(asked).count()
}

/// The page sizes of the lists since the last `seen`.
fn pages(double: &ApiServer, seen: usize) -> Vec<usize> {
    let recorded = double.recorded();
    let lists = recorded[seen..].iter().filter(|one| one.path == "/api/v1/secrets");
    lists
        .map(|list| {
            assert_eq!(list.query["fieldSelector"], format!("metadata.name={SECRET}"));
            list.query["limit"].parse().unwrap()
        })
        .collect()
}

scenario!(a_list_takes_the_place_of_a_request_for_each, on(DOUBLE, REAL));
fn a_list_takes_the_place_of_a_request_for_each(pipeline: &Pipeline) {
    let names = many(pipeline);
    let args = in_namespaces(&names);
    for (token, says, method, writes) in [
        ("one", "40 created", "POST", MANY),
        ("two", "40 configured", "PATCH", MANY),
        ("two", "40 unchanged", "PATCH", 0),
    ] {
        let seen = recorded(pipeline);
        let ran = pipeline.sync(token, &args);
        assert_eq!((ran.code, summary(&ran)), (0, says), "{}", ran.stderr);
        for name in &names {
            let held = pipeline.token(name, SECRET, &pipeline.registry());
            assert_eq!(held.as_deref(), Some(token), "{name}");
        }
        if let Some(seen) = seen {
            let double = pipeline.double();
            assert_eq!(pages(double, seen), [100], "{says}");
            assert_eq!(
                (count(double, seen, "GET"), count(double, seen, method)),
                (0, writes),
                "{says}"
            );
        }
    }
}

/// How many requests a double has had.
fn recorded(pipeline: &Pipeline) -> Option<usize> {
    (!pipeline.plane.is_real()).then(|| pipeline.double().recorded().len())
}

scenario!(who_may_not_list_reads_one_by_one);
fn who_may_not_list_reads_one_by_one() {
    let pipeline = Pipeline::of_double();
    let names = many(&pipeline);
    pipeline.double().forbid("list", "");
    let ran = pipeline.sync("one", &in_namespaces(&names));
    assert_eq!((ran.code, summary(&ran)), (0, "40 created"), "{}", ran.stderr);
    assert_eq!(pages(pipeline.double(), 0), [100]);
    assert_eq!(count(pipeline.double(), 0, "GET"), MANY);
}

scenario!(what_changes_after_the_list_is_read_again);
fn what_changes_after_the_list_is_read_again() {
    let pipeline = Pipeline::of_double();
    let names = many(&pipeline);
    let args = in_namespaces(&names);
    pipeline.sync("one", &args).done();
    let last = names[MANY - 1].clone();
    // Somebody adds a registry to the last Secret, before the first one is written.
    pipeline.double().before_next_write(move |store| {
        store.update(&last, SECRET, "kubectl-edit", |secret| {
            let text = secret["data"][".dockerconfigjson"].as_str().unwrap();
            let mut document: Value = serde_json::from_slice(&STANDARD.decode(text).unwrap()).unwrap();
            document["auths"]["other.example.com"] = json!({"auth": STANDARD.encode("a:b")});
            secret["data"][".dockerconfigjson"] = STANDARD.encode(document.to_string()).into();
        });
    });
    let ran = pipeline.sync("two", &args);
    assert_eq!((ran.code, summary(&ran)), (0, "40 configured"), "{}", ran.stderr);
    let last = &names[MANY - 1];
    assert_eq!(
        pipeline.token(last, SECRET, &pipeline.registry()).as_deref(),
        Some("two")
    );
    let secret = pipeline.plane.secret(last, SECRET).unwrap();
    let document = STANDARD
        .decode(secret["data"][".dockerconfigjson"].as_str().unwrap())
        .unwrap();
    assert!(
        String::from_utf8(document).unwrap().contains("other.example.com"),
        "what somebody added is kept"
    );
}

scenario!(large_secrets_make_small_pages_and_are_read_in_their_turn);
fn large_secrets_make_small_pages_and_are_read_in_their_turn() {
    let pipeline = Pipeline::of_double();
    let names = many(&pipeline);
    let args = in_namespaces(&names);
    pipeline.sync("one", &args).done();
    // Others have large Secrets of this name, first in the list, and one of ours is large.
    let double = pipeline.double();
    let large = "x".repeat(300 << 10);
    for number in 0..120 {
        let namespace = format!("a-tenant-{number:03}");
        double.create_namespace(&namespace);
        let data = json!({"large": STANDARD.encode(&large)});
        let secret = json!({"metadata": {"name": SECRET}, "type": "Opaque", "data": data});
        double.put_secret(&namespace, &secret);
    }
    double.update_secret(&names[0], SECRET, "kubectl-edit", |secret| {
        secret["metadata"]["annotations"]["large"] = large.as_str().into();
    });
    let seen = double.recorded().len();
    let ran = pipeline.sync("two", &args);
    assert_eq!((ran.code, summary(&ran)), (0, "40 configured"), "{}", ran.stderr);
    assert_eq!(count(double, seen, "GET"), 1, "only the large one");
    let asked = &double.recorded()[seen];
    assert_eq!(asked.headers["accept-encoding"], ["gzip"], "large lists are compressed");
    let pages = pages(double, seen);
    assert_eq!(pages[..3], [100, 26, 26], "{pages:?}");
    let kept = pipeline.plane.secret(&names[0], SECRET).unwrap();
    assert_eq!(kept["metadata"]["annotations"]["large"], large);
}

scenario!(a_list_that_is_far_longer_than_what_is_looked_for_is_given_up);
fn a_list_that_is_far_longer_than_what_is_looked_for_is_given_up() {
    let pipeline = Pipeline::of_double();
    let names = many(&pipeline);
    let double = pipeline.double();
    for number in 0..1500 {
        let namespace = format!("tenant-{number:04}");
        double.create_namespace(&namespace);
        double.put_secret(
            &namespace,
            &json!({"metadata": {"name": SECRET}, "type": "Opaque", "data": {}}),
        );
    }
    let seen = double.recorded().len();
    let ran = pipeline.sync("one", &in_namespaces(&names));
    assert_eq!((ran.code, summary(&ran)), (0, "40 created"), "{}", ran.stderr);
    assert_eq!(pages(double, seen), [100, 500]);
    assert_eq!(count(double, seen, "GET"), MANY);
}
