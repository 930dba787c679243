//! `auths` documents and images: what kubelet's own keyring and docker's own reader make of them, and what we do.

use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;
use regcred::cluster::PULL_SECRET_TYPE;
use regcred::docker::{Config, ConfigError, EntryContent, Unmovable};
use regcred::model::DockerConfig;
use regcred::model::pull::{PullSecret, pull};
use serde_json::{Value, json};

use crate::support::oracle::{ask, assert_none, bytes, bytes_of, generated};
use crate::support::parts::ORACLE;

const LEGACY_PULL_SECRET_TYPE: &str = "kubernetes.io/dockercfg";

/// User and password; without one of them it is nothing that a registry could be asked with.
type Login = Option<(String, String)>;

fn login(user: String, password: String) -> Login {
    (!user.is_empty() && !password.is_empty()).then_some((user, password))
}

/// What kubelet tries for an image with Secrets of these documents, in no order: it has the entries of a Secret in a map,
/// whose order nobody knows. `None` where it fails.
fn of_kubelet(answer: &Result<Value, String>) -> Option<Vec<Login>> {
    let logins = answer.as_ref().ok()?["logins"].as_array().cloned().unwrap_or_default();
    let text = |bytes: &Value| String::from_utf8_lossy(&bytes_of(bytes)).into_owned();
    let mut logins: Vec<Login> = logins
        .iter()
        .map(|one| login(text(&one["username"]), text(&one["password"])))
        .collect();
    logins.sort();
    Some(logins)
}

/// The same by our own rules.
fn ours(kind: &str, image: &str, documents: &[String]) -> Option<Vec<Login>> {
    let read = |text: &String| {
        let document = match kind {
            LEGACY_PULL_SECRET_TYPE => DockerConfig::parse_legacy(text.as_bytes()),
            _ => DockerConfig::parse(text.as_bytes()),
        };
        let document = document.ok()?;
        let is_readable = document.has_readable_headers() && document.problems().is_empty();
        is_readable.then(|| document.logins())
    };
    let read: Vec<_> = documents.iter().map(read).collect();
    let secrets: Vec<PullSecret<'_>> = read
        .iter()
        .map(|logins| match logins {
            None => PullSecret::Broken,
            Some(logins) => PullSecret::Entries(logins.iter().map(|(key, _)| key.as_str()).collect()),
        })
        .collect();
    if secrets.contains(&PullSecret::Broken) {
        return None;
    }
    let mut logins: Vec<Login> = pull(image, &secrets)
        .entries()
        .iter()
        .map(|at| {
            let (_, held) = &read[at.secret].as_ref()?[at.entry];
            let (user, token) = held.as_ref().ok()?.as_ref()?;
            login(user.clone(), token.expose().to_owned())
        })
        .collect();
    logins.sort();
    Some(logins)
}

fn compare_pulls(pulls: &[(String, Vec<String>)]) {
    compare_pulls_of(PULL_SECRET_TYPE, pulls);
}

/// With Secrets of this type.
fn compare_pulls_of(kind: &str, pulls: &[(String, Vec<String>)]) {
    let question = |(image, documents): &(String, Vec<String>)| {
        let secret = |text: &String| json!({"type": kind, "data": bytes(text)});
        let secrets: Vec<Value> = documents.iter().map(secret).collect();
        json!({"ask": "pull", "image": image, "secrets": secrets})
    };
    let questions: Vec<Value> = pulls.iter().map(question).collect();
    let mut differences = Vec::new();
    for ((image, documents), answer) in pulls.iter().zip(ask(&questions)) {
        let (theirs, ours) = (of_kubelet(&answer), ours(kind, image, documents));
        if theirs != ours {
            let said = answer.err().unwrap_or_default();
            differences.push(format!(
                "{image} {documents:?}: kubelet {theirs:?} {said}, ours {ours:?}"
            ));
        }
    }
    assert_none(pulls.len(), differences);
}

const AUTHS: [&str; 4] = ["auths", "Auths", "AUTHS", "auth\u{17f}"];
const FIELDS: [&str; 14] = [
    "auth",
    "Auth",
    "AUTH",
    "username",
    "Username",
    "userName",
    "u\\u017fername",
    "password",
    "Password",
    "pa\u{17f}sword",
    "email",
    "Email",
    "identitytoken",
    "x",
];
const VALUES: [&str; 22] = [
    "\"\"",
    "null",
    "\"a\"",
    "\"b\\u0063\"",
    "\"\\ud800\"",
    "\"\\ud83d\\ude00\"",
    "7",
    "true",
    "{}",
    "[]",
    "\"YTpi\"",
    "\"YTpiYw==\"",
    "\"YTpiYw\"",
    "\"YTpiYw=\"",
    "\"YTpi=\"",
    "\"YTpi\\nYw=\\r=\\n\"",
    "\"Y Tpi\"",
    "\"Og==\"",
    "\"OmI=\"",
    "\"YTo=\"",
    "\"YWI=\"",
    "\"YTr/\"",
];
const KEYS: [&str; 8] = [
    "a.example.com",
    "https://a.example.com/v2/",
    "a.example.com/t",
    "*.example.com",
    "a.example.com?x",
    "b.example.com",
    "a\\u002eexample.com",
    "",
];

fn of(texts: &'static [&'static str]) -> impl Strategy<Value = String> {
    select(texts).prop_map(str::to_owned)
}

/// An object of these members, in which a key can stand more than once.
fn object(key: impl Strategy<Value = String>, value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    vec((key, value), 0..4).prop_map(|members| {
        let members: Vec<String> = members
            .iter()
            .map(|(key, value)| format!("\"{key}\" : {value}"))
            .collect();
        format!("{{{}}}", members.join(","))
    })
}

fn auths() -> impl Strategy<Value = String> {
    let entry = prop_oneof![8 => object(of(&FIELDS), of(&VALUES)), 1 => of(&VALUES)];
    prop_oneof![8 => object(of(&KEYS), entry), 1 => of(&VALUES)]
}

/// A document as a person, a program or a vandal could have written it.
fn document() -> impl Strategy<Value = String> {
    let headers = prop_oneof![Just("{\"X\":\"y\",\"Z\":null}".to_owned()), of(&VALUES)];
    let member = prop_oneof![
        8 => (of(&AUTHS), auths()),
        1 => (of(&["HttpHeaders", "httpheaders"]), headers),
        1 => (of(&["x", "credsStore"]), of(&VALUES)),
    ];
    let object = vec(member, 0..4).prop_map(|members| {
        let members: Vec<String> = members
            .iter()
            .map(|(key, value)| format!("\"{key}\":{value}"))
            .collect();
        format!("{{{}}}", members.join(", "))
    });
    prop_oneof![20 => object, 1 => of(&VALUES)]
}

scenario!(pull_secrets, needs(ORACLE));
fn pull_secrets() {
    let image = prop_oneof![Just("a.example.com/t/app:1"), Just("b.example.com/app")].prop_map(str::to_owned);
    let collected = [
        r#"{"auths":{"a.example.com":{"auth":"YTpi"}},"auths":null}"#,
        r#"{"auths":null,"Auths":{"a.example.com":{"auth":"YTpi"}}}"#,
        r#"{"auths":{"a.example.com":{"auth":"YTpi"},"a.example.com":{"username":"c"}}}"#,
        r#"{"auths":{"a.example.com":{"auth":"?"},"a.example.com":{"auth":"YTpi"}}}"#,
        r#"{"auths":{"a.example.com":{"auth":"?","auth":"YTpi"}}}"#,
        r#"{"auths":{"a.example.com":{"username":"a","username":null,"password":"b"}}}"#,
        r#"{"auths":{"a.example.com":null}}"#,
        "null",
        " {} ",
        "[]",
        "{",
    ];
    let mut pulls: Vec<(String, Vec<String>)> = collected
        .iter()
        .map(|text| ("a.example.com/t/app".to_owned(), vec![(*text).to_owned()]))
        .collect();
    pulls.extend(generated(&(image, vec(document(), 1..3))));
    compare_pulls(&pulls);
}

scenario!(pull_secrets_of_the_older_form, needs(ORACLE));
fn pull_secrets_of_the_older_form() {
    let image = prop_oneof![Just("a.example.com/t/app:1"), Just("b.example.com/app")].prop_map(str::to_owned);
    let mut pulls = generated(&(image, vec(auths(), 1..3)));
    for text in ["null", " {} ", "[]", "{", "{},\"x\":{}", "{\"auths\":{}}"] {
        pulls.push(("a.example.com/t/app".to_owned(), vec![text.to_owned()]));
    }
    compare_pulls_of(LEGACY_PULL_SECRET_TYPE, &pulls);
}

scenario!(an_auths_base64, needs(ORACLE));
fn an_auths_base64() {
    let piece = select(
        &[
            "YTpi", "YTpiYw", "YQ", "Y", "=", "==", "\n", "\r", " ", "+/", "-_", "\u{e9}", "OmI",
        ][..],
    );
    let text = vec(piece, 0..5).prop_map(|pieces| pieces.concat());
    let pulls: Vec<_> = generated(&text)
        .into_iter()
        .map(|auth| {
            let document = json!({"auths": {"a.example.com": {"auth": auth}}}).to_string();
            ("a.example.com/app".to_owned(), vec![document])
        })
        .collect();
    compare_pulls(&pulls);
}

scenario!(keys_and_images, needs(ORACLE));
fn keys_and_images() {
    const IMAGES: [&str; 16] = [
        "nginx",
        "library/nginx:1",
        "docker.io/owner/app",
        "index.docker.io/owner/app",
        "localhost/app",
        "localhost:5000/app",
        "a.example.com/t/app:1",
        "a.example.com:443/t/app",
        "a.example.com/v2/app",
        "A/app",
        "A.example.com/app",
        "a-b.example.com/tt/app",
        "[::1]:5000/app",
        "[::1]/app",
        "127.0.0.1:5000/a/b/c",
        "a.example.com/t/app@sha256:0123456789012345678901234567890123456789012345678901234567890123",
    ];
    const PIECES: [&str; 41] = [
        "https://",
        "http://",
        "HTTPS://",
        "a",
        "A",
        ".example.com",
        ".example",
        ".com",
        "example.com",
        "*",
        "**",
        "a*",
        "?",
        "#",
        "[",
        "]",
        "[a-b]",
        "[::1]",
        "\\\\",
        "-b",
        ":443",
        ":5000",
        ":",
        "/",
        "/t",
        "/v1/",
        "/v2/",
        "/v2",
        "%",
        "%2F",
        "%2e",
        "%3F",
        "%25",
        "u:p@",
        "@",
        "docker.io",
        "index.docker.io",
        "localhost",
        "127.0.0.1",
        "\u{e9}",
        "\\u0001",
    ];
    let key = vec(of(&PIECES), 1..6).prop_map(|pieces| pieces.concat());
    let likely = select(
        &[
            "a.example.com",
            "https://a.example.com/v1/",
            "*.example.com/t",
            "a*.e*e.*m:443",
            "[::1]:5000",
            "docker.io",
            "https://index.docker.io/v1/",
            "localhost:5000",
            "127.*.*.1:5000/a",
        ][..],
    );
    let key = prop_oneof![3 => key, 1 => likely.prop_map(str::to_owned)];
    let document = vec(key, 1..4).prop_map(|keys| {
        let entries: Vec<String> = keys
            .iter()
            .enumerate()
            .map(|(at, key)| format!(r#""{key}":{{"username":"u","password":"p{at}"}}"#))
            .collect();
        format!(r#"{{"auths":{{{}}}}}"#, entries.join(","))
    });
    compare_pulls(&generated(&(of(&IMAGES), vec(document, 1..3))));
}

/// The inputs of a target of tests/fuzz.
fn corpus(target: &str) -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fuzz/corpus")
        .join(target);
    let inputs: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .filter_map(|file| String::from_utf8(fs::read(file.unwrap().path()).unwrap()).ok())
        .collect();
    assert!(!inputs.is_empty(), "{target}");
    inputs
}

scenario!(pull_secrets_that_fuzzing_found, needs(ORACLE));
fn pull_secrets_that_fuzzing_found() {
    let found = corpus("docker_config_json");
    let pulls: Vec<_> = found
        .iter()
        .flat_map(|text| {
            ["gitea.example.com/a", "a.example.com/t/a"].map(|image| (image.to_owned(), vec![text.clone()]))
        })
        .collect();
    compare_pulls(&pulls);
    compare_pulls_of(LEGACY_PULL_SECRET_TYPE, &pulls);
}

scenario!(config_json, needs(ORACLE));
/// What docker reads of `config.json`, beside ours. Of two things we say more than docker: an `auth` without its padding
/// is read, as crane reads it, and a name that stands there twice is refused, since neither can be changed alone.
fn config_json() {
    let padded: Vec<&'static str> = VALUES.iter().copied().filter(|value| *value != "\"YTpiYw\"").collect();
    let value = || select(padded.clone()).prop_map(str::to_owned);
    let entry = object(of(&FIELDS), value());
    let member = prop_oneof![
        4 => (of(&AUTHS), object(of(&KEYS), entry)),
        2 => (of(&["credHelpers", "CredHelpers"]), object(of(&KEYS), of(&["\"gitea\"", "\"\"", "null", "7"]))),
        2 => (of(&["credsStore", "creds\u{17f}tore"]), of(&["\"pass\"", "\"\"", "null", "7"])),
    ];
    let document = vec(member, 0..4).prop_map(|members| {
        let members: Vec<String> = members
            .iter()
            .map(|(key, value)| format!("\"{key}\":{value}"))
            .collect();
        format!("{{{}}}", members.join(","))
    });
    let documents = generated(&document);
    let questions: Vec<Value> = documents
        .iter()
        .map(|text| json!({"ask": "docker-config", "text": bytes(text)}))
        .collect();
    let mut differences = Vec::new();
    for (text, answer) in documents.iter().zip(ask(&questions)) {
        let config = match Config::parse(text.as_bytes()) {
            Err(ConfigError::Twice(_)) => continue,
            other => other,
        };
        let difference = match (&config, &answer) {
            (Err(_), Err(_)) => None,
            (Err(ours), Ok(_)) => Some(format!("docker reads it, ours: {ours}")),
            (Ok(config), Err(theirs)) => {
                let mut entries = config.entries().into_iter();
                let is_damaged =
                    entries.any(|entry| matches!(entry.held, EntryContent::Unmovable(Unmovable::Damaged(_))));
                (!is_damaged).then(|| format!("docker: {theirs}, ours reads it"))
            }
            (Ok(config), Ok(theirs)) => read_alike(config, theirs),
        };
        differences.extend(difference.map(|difference| format!("{text}: {difference}")));
    }
    assert_none(documents.len(), differences);
}

fn read_alike(config: &Config, theirs: &Value) -> Option<String> {
    let store = config.default_helper().unwrap_or_default();
    if theirs["creds_store"] != store.as_str() {
        return Some(format!("credsStore {} and {store:?}", theirs["creds_store"]));
    }
    for (key, helper) in config.helpers() {
        if theirs["cred_helpers"][&key] != helper.as_str() {
            return Some(format!("credHelpers {} and {helper:?}", theirs["cred_helpers"]));
        }
    }
    for entry in config.entries() {
        let one = &theirs["auths"][&entry.key];
        let text = |name: &str| String::from_utf8_lossy(&bytes_of(&one[name])).into_owned();
        let (user, password, identity) = (text("username"), text("password"), text("identity_token"));
        let is_same = match &entry.held {
            // A user alone is no login.
            EntryContent::Nothing => password.is_empty() && identity.is_empty(),
            EntryContent::Login(name, token) if name.is_identity_token() => token.expose() == identity,
            EntryContent::Login(name, token) => (name.as_str(), token.expose()) == (user.as_str(), password.as_str()),
            // A half of a login, or one that no helper can keep.
            EntryContent::Unmovable(_) => !(user.is_empty() && password.is_empty() && identity.is_empty()),
        };
        if !is_same {
            return Some(format!("{one} and {:?}", entry.held));
        }
    }
    None
}
