//! Which entries kubelet tries for an image, and in which order: every case that our rules are tested with is asked of
//! kubelet's own keyring too.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::sample::select;
use regcred::model::pull::{Mismatch, PullSecret, pull, takes};
use serde_json::{Value, json};

use crate::support::oracle::{ask, assert_none, bytes, bytes_of, generated};
use crate::support::parts::ORACLE;

#[path = "../../../src/model/pull/cases.rs"]
mod cases;

use cases::{CASES, KEYS, Secret, image, misses};

/// A Secret in a question, whose every entry has a password that tells its place.
fn secret(at: usize, keys: &[&str]) -> Value {
    let entry = |(entry, key): (usize, &&str)| {
        let login = json!({"username": "u", "password": format!("{at} {entry}")});
        // A key may be there twice.
        format!("{}:{login}", json!(key))
    };
    let entries: Vec<String> = keys.iter().enumerate().map(entry).collect();
    json!({"data": bytes(format!(r#"{{"auths":{{{}}}}}"#, entries.join(",")))})
}

/// The places of the entries that kubelet tries for each image, in its order; `Err` where it tries nothing.
fn tried(pulls: &[(String, Vec<Value>)]) -> Vec<Result<Vec<(usize, usize)>, String>> {
    let question = |(image, secrets): &(String, Vec<Value>)| json!({"ask": "pull", "image": image, "secrets": secrets});
    let questions: Vec<Value> = pulls.iter().map(question).collect();
    let place = |login: &Value| {
        let password = String::from_utf8(bytes_of(&login["password"])).unwrap();
        let (secret, entry) = password.split_once(' ').unwrap();
        (secret.parse().unwrap(), entry.parse().unwrap())
    };
    let places = |answer: Value| answer["logins"].as_array().unwrap().iter().map(place).collect();
    ask(&questions).into_iter().map(|answer| answer.map(places)).collect()
}

/// Whether kubelet takes the only entry, for each pair of a key and an image; `Err` for what is no image.
fn taken(pairs: &[(&str, &str)]) -> Vec<Result<bool, String>> {
    let pulls: Vec<_> = pairs
        .iter()
        .map(|(key, image)| ((*image).to_owned(), vec![secret(0, &[key])]))
        .collect();
    let tried = tried(&pulls).into_iter();
    tried.map(|tried| tried.map(|places| !places.is_empty())).collect()
}

scenario!(every_key_is_kubelets, needs(ORACLE));
/// What our tables say, and every key of them with every image.
fn every_key_is_kubelets() {
    let rows: Vec<(&str, String, bool)> = KEYS
        .iter()
        .map(|(key, row, is_taken)| (*key, image(row), *is_taken))
        .collect();
    let pairs: Vec<_> = rows.iter().map(|(key, image, _)| (*key, image.as_str())).collect();
    let mut differences = Vec::new();
    for ((key, image, is_taken), theirs) in rows.iter().zip(taken(&pairs)) {
        if theirs != Ok(*is_taken) {
            differences.push(format!("{key} {image}: kubelet {theirs:?}, the table {is_taken}"));
        }
    }
    assert_none(pairs.len(), differences);

    let misses = misses();
    let of_misses = misses.iter().flat_map(|miss| [Some(miss.key), miss.meant]).flatten();
    let of_cases = CASES
        .iter()
        .flat_map(|case| case.secrets)
        .flat_map(|secret| match secret {
            Secret::Keys(keys) => *keys,
            _ => &[],
        });
    let keys: BTreeSet<&str> = pairs.iter().map(|(key, _)| *key).collect();
    let keys: BTreeSet<&str> = keys.into_iter().chain(of_misses).chain(of_cases.copied()).collect();
    let images = pairs.iter().map(|(_, image)| *image);
    let images = images.chain(misses.iter().map(|miss| miss.image));
    let images: BTreeSet<&str> = images.chain(CASES.iter().map(|case| case.image)).collect();
    // The hosts of the images; Docker Hub's are in no name.
    let hosts = images.iter().filter_map(|image| Some(image.split_once('/')?.0));
    let hosts: BTreeSet<&str> = hosts.chain(["docker.io", "index.docker.io"]).collect();
    let any_image: Vec<(&str, String)> = hosts
        .iter()
        .map(|host| (*host, format!("{host}/owner/image")))
        .collect();

    let of_images: Vec<(&str, &str)> = keys
        .iter()
        .flat_map(|key| images.iter().map(move |image| (*key, *image)))
        .collect();
    let mut differences = Vec::new();
    for ((key, image), theirs) in of_images.iter().zip(taken(&of_images)) {
        let ours = !pull(image, &[PullSecret::Entries(vec![key])]).entries().is_empty();
        if theirs != Ok(ours) {
            differences.push(format!("{key} {image}: kubelet {theirs:?}, ours {ours}"));
        }
    }
    let of_hosts: Vec<(&str, &str)> = keys
        .iter()
        .flat_map(|key| any_image.iter().map(move |(_, image)| (*key, image.as_str())))
        .collect();
    let named = keys.iter().flat_map(|_| any_image.iter().map(|(host, _)| *host));
    for (((key, _), host), theirs) in of_hosts.iter().zip(named).zip(taken(&of_hosts)) {
        let ours = takes(key, host);
        if theirs != Ok(ours) {
            differences.push(format!("{key} {host}: kubelet {theirs:?}, ours {ours}"));
        }
    }
    assert_none(of_images.len() + of_hosts.len(), differences);
}

scenario!(every_order_is_kubelets, needs(ORACLE));
/// A pod's Secrets, as kubelet gets them: those that are there.
fn every_order_is_kubelets() {
    let secrets = |secrets: &[Secret]| {
        let one = |(at, made): (usize, &Secret)| match made {
            Secret::Missing => None,
            Secret::OtherType => {
                let mut one = secret(at, &["git.example.com"]);
                one["type"] = "Opaque".into();
                Some(one)
            }
            Secret::Empty => Some(json!({"data": ""})),
            Secret::Broken => {
                let entries = json!({"git.example.com": {"username": "u", "password": "p"}, "ghcr.io": {"auth": "?"}});
                Some(json!({"data": bytes(json!({"auths": entries}).to_string())}))
            }
            Secret::Keys(keys) => Some(secret(at, keys)),
        };
        secrets.iter().enumerate().filter_map(one).collect::<Vec<Value>>()
    };
    let pulls: Vec<_> = CASES
        .iter()
        .map(|case| (case.image.to_owned(), secrets(case.secrets)))
        .collect();
    let mut differences = Vec::new();
    for ((case, (image, secrets)), theirs) in CASES.iter().zip(&pulls).zip(tried(&pulls)) {
        let is_same = match (&theirs, case.tried) {
            (Ok(theirs), Some(ours)) => theirs == ours,
            (Err(_), None) => true,
            _ => false,
        };
        if !is_same {
            differences.push(format!(
                "{image} {secrets:?}: kubelet {theirs:?}, the table {:?}",
                case.tried
            ));
        }
    }
    assert_none(pulls.len(), differences);
}

scenario!(every_miss_is_kubelets, needs(ORACLE));
/// What we say is wrong with a key is what is wrong with it: without it, kubelet takes the key.
fn every_miss_is_kubelets() {
    let misses = misses();
    let pairs: Vec<_> = misses.iter().map(|miss| (miss.key, miss.image)).collect();
    let meant: Vec<_> = misses
        .iter()
        .filter_map(|miss| Some((miss.meant?, miss.image)))
        .collect();
    let mut differences = Vec::new();
    for (miss, theirs) in misses.iter().zip(taken(&pairs)) {
        if theirs != Ok(false) {
            differences.push(format!(
                "{} {}: kubelet {theirs:?}, not {:?}",
                miss.key, miss.image, miss.why
            ));
        }
    }
    for ((key, image), theirs) in meant.iter().zip(taken(&meant)) {
        if theirs != Ok(true) {
            differences.push(format!("{key} {image}: kubelet {theirs:?}, and it is what is meant"));
        }
    }
    assert_none(pairs.len() + meant.len(), differences);
}

scenario!(orders_are_kubelets, needs(ORACLE));
/// Keys of one registry, each in a Secret of its own: the entries of one Secret that come to the same key are tried in no
/// order that anybody could know.
fn orders_are_kubelets() {
    const KEYS: [&str; 20] = [
        "a.example.com",
        "a.example.com/",
        "https://a.example.com/v2/",
        "http://a.example.com/v1/t",
        "a.example.com/t",
        "a.example.com/t/",
        "a.example.com/t/app",
        "a.example.com/v2",
        "a.example.com?x",
        "a.example.com:",
        "*.example.com",
        "*.example.com/t",
        "*.*.com",
        "a*.example.com",
        "a.*.com",
        "u:p@a.example.com",
        "A.example.com",
        "a.example.com:443",
        "docker.io",
        "https://index.docker.io/v1/",
    ];
    const IMAGES: [&str; 5] = [
        "a.example.com/t/app:1",
        "a.example.com/app",
        "a.example.com:443/t/app",
        "nginx",
        "localhost/app",
    ];
    let inputs = generated(&(select(&IMAGES[..]), vec(select(&KEYS[..]), 1..6)));
    let pulls: Vec<_> = inputs
        .iter()
        .map(|(image, keys)| {
            let secrets = keys.iter().enumerate().map(|(at, key)| secret(at, &[key]));
            ((*image).to_owned(), secrets.collect())
        })
        .collect();
    let mut differences = Vec::new();
    for ((image, keys), theirs) in inputs.iter().zip(tried(&pulls)) {
        let secrets: Vec<_> = keys.iter().map(|key| PullSecret::Entries(vec![key])).collect();
        let ours = pull(image, &secrets);
        let ours: Vec<_> = ours.entries().iter().map(|at| (at.secret, at.entry)).collect();
        if theirs.as_ref() != Ok(&ours) {
            differences.push(format!("{image} {keys:?}: kubelet {theirs:?}, ours {ours:?}"));
        }
    }
    assert_none(pulls.len(), differences);
}
