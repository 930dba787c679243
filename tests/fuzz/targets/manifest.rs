//! Manifests and indexes of a registry: whatever is named has a valid digest, nothing is longer than what was sent, and
//! what was read is what another reader finds.

use std::collections::BTreeSet;

use regcred::model::manifest::{Content, Manifest};
use regcred::model::{Digest, has_control};
use serde_json::Value;

const KINDS: [Option<&str>; 6] = [
    None,
    Some("application/vnd.oci.image.index.v1+json"),
    Some("application/vnd.oci.image.manifest.v1+json; charset=utf-8"),
    Some("application/vnd.docker.distribution.manifest.list.v2+json"),
    Some("application/vnd.docker.distribution.manifest.v2+json"),
    Some("text/html"),
];

pub fn check(text: &[u8]) {
    for kind in KINDS {
        if let Ok(found) = Manifest::parse(text, kind) {
            is_sound(text, &found);
        }
    }
}

fn is_sound(text: &[u8], found: &Manifest) {
    assert_eq!(found.size, text.len() as u64);
    assert!(Digest::of(text).is_of(text));
    let mut digests: Vec<&Digest> = found.blobs().map(|blob| &blob.digest).collect();
    assert!(
        found.children().is_empty() || digests.is_empty(),
        "an image and an index at once"
    );
    for child in found.children() {
        digests.push(&child.digest);
        digests.extend(&child.attests);
        let platform = child.platform.as_deref().unwrap_or_default();
        assert!(
            platform.chars().count() <= 100 && !has_control(platform),
            "{platform:?}"
        );
    }
    digests.extend(&found.subject);
    assert!(
        digests.len() * 32 <= text.len(),
        "{} digests in {} bytes",
        digests.len(),
        text.len()
    );
    let document: Value = serde_json::from_slice(text).expect("a manifest is JSON");
    let named = strings(&document);
    for digest in &digests {
        assert_eq!(digest.as_str().parse::<Digest>().as_ref(), Ok(*digest));
        let (_, hash) = digest.as_str().split_once(':').unwrap();
        assert!(hash.bytes().all(|c| c.is_ascii_graphic() && c != b'/'), "{digest:?}");
        assert!(named.contains(digest.as_str()), "{digest:?} is not in it");
    }
    // The other way round: what a client would fetch is among what was read, or prune would take it for unused.
    let listed = ["layers", "manifests"].map(|list| members(&document, list));
    let listed = listed.into_iter().flatten().filter_map(Value::as_array).flatten();
    let alone = ["config", "subject"].map(|one| members(&document, one));
    for descriptor in listed.chain(alone.into_iter().flatten()) {
        for digest in members(descriptor, "digest").into_iter().filter_map(Value::as_str) {
            assert!(
                digests.iter().any(|found| found.as_str() == digest),
                "{digest} was missed"
            );
        }
    }
    let children = members(&document, "manifests").into_iter();
    let children = children.filter_map(Value::as_array).flatten();
    for (child, found) in children.zip(found.children()) {
        let platform = members(child, "platform").into_iter().next().unwrap_or(&Value::Null);
        let parts = ["os", "architecture"].map(|part| members(platform, part).into_iter().find_map(Value::as_str));
        let is_named = parts
            .iter()
            .all(|part| part.is_some_and(|part| !["", "unknown"].contains(&part)));
        assert_eq!(found.platform.is_some(), is_named, "{platform}");
    }
    if let Content::Artifact { kind, .. } = &found.content {
        assert!(kind.chars().count() <= 100 && !has_control(kind), "{kind:?}");
    }
}

/// The members of this name, in any case, as Go's clients read it.
fn members<'a>(value: &'a Value, name: &str) -> Vec<&'a Value> {
    let is_it = |key: &str| {
        let plain = key.replace('\u{17f}', "s").replace('\u{212a}', "k");
        plain.eq_ignore_ascii_case(name)
    };
    let all = value.as_object().into_iter().flatten();
    all.filter(|(key, _)| is_it(key)).map(|(_, value)| value).collect()
}

/// Every string in it.
fn strings(value: &Value) -> BTreeSet<&str> {
    match value {
        Value::String(text) => BTreeSet::from([text.as_str()]),
        Value::Array(list) => list.iter().flat_map(strings).collect(),
        Value::Object(members) => members.values().flat_map(strings).collect(),
        _ => BTreeSet::new(),
    }
}
