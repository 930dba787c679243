//! References to images, as Go reads them and as we do.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use regcred::model::{Digest, ImageReference, ReferenceError, Tag};
use serde_json::{Value, json};

use crate::support::oracle::{ask, assert_none, generated};
use crate::support::parts::ORACLE;

#[path = "../../../src/model/image_reference/cases.rs"]
mod cases;

use cases::{HEX, IMAGES, REFUSED, row};

/// Host, repository, tag and digest.
type Parts = (String, String, String, String);

fn of_go(images: &[String]) -> Vec<Option<Parts>> {
    let questions: Vec<Value> = images
        .iter()
        .map(|image| json!({"ask": "image", "image": image}))
        .collect();
    let part = |answer: &Value, name: &str| answer[name].as_str().unwrap().to_owned();
    let parts = |answer: Value| {
        (
            part(&answer, "host"),
            part(&answer, "repository"),
            part(&answer, "tag"),
            part(&answer, "digest"),
        )
    };
    ask(&questions)
        .into_iter()
        .map(|answer| answer.ok().map(parts))
        .collect()
}

fn ours(image: &str) -> Result<Parts, ReferenceError> {
    let reference: ImageReference = image.parse()?;
    let repository = reference.repository().to_string();
    let shown = reference.to_string();
    let (host, _) = shown.split_once(&format!("/{repository}")).unwrap();
    Ok((
        host.to_owned(),
        repository,
        reference.tag().map(Tag::to_string).unwrap_or_default(),
        reference.digest().map(Digest::to_string).unwrap_or_default(),
    ))
}

scenario!(references_are_gos, needs(ORACLE));
fn references_are_gos() {
    // What comes next to what in a reference, and what must not.
    let pieces = [
        "git.example.com",
        "docker.io",
        "index.docker.io",
        "localhost",
        "[::1]",
        "Git",
        "app",
        "library",
        "a_b",
        "a-",
        "A",
        "1",
        "5000",
        "/",
        "/",
        "/",
        ":",
        ":",
        "@",
        "@sha256:",
        "sha512:",
        ".",
        "_",
        "__",
        "-",
        HEX,
        &HEX[..32],
        " ",
        "é",
        "",
    ];
    let made = vec(select(pieces.map(str::to_owned).to_vec()), 0..9).prop_map(|pieces| pieces.concat());
    let mut images: Vec<String> = generated(&made);
    images.extend(IMAGES.iter().map(|case| row(case).0));
    images.extend(REFUSED.iter().map(|text| text.replace("HEX", HEX)));
    images.push(format!("git.example.com/{}", "a".repeat(255)));
    images.push(format!("git.example.com/{}", "a".repeat(256)));
    images.push(format!("git.example.com/app:{}", "a".repeat(128)));
    images.push(format!("git.example.com/app:{}", "a".repeat(129)));
    let mut differences = Vec::new();
    for (image, theirs) in images.iter().zip(of_go(&images)) {
        let is_same = match (ours(image), &theirs) {
            (Ok(ours), Some(theirs)) => ours == *theirs,
            // Go also reads a host that no registry can have, and none at all.
            (Err(_), None) | (Err(ReferenceError::Registry), Some(_)) => true,
            _ => false,
        };
        if !is_same {
            differences.push(format!("{image:?}: Go {theirs:?}, ours {:?}", ours(image)));
        }
    }
    assert_none(images.len(), differences);
}
