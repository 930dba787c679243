//! What docker and podman do with each kind of file.

use std::path::Path;

use super::*;
use crate::docker::program::{Beside, Program};
use crate::docker::{Order, Workstation};

/// A workstation with a file of docker's, and optionally podman's file in the runtime folder.
pub(in crate::docker) fn workstation(docker: &str, podman: Option<&str>) -> Workstation {
    let file = |path: &str, text: Option<&str>| {
        let path = Path::new(path).to_owned();
        File {
            target: path.clone(),
            config: Config::parse(text.unwrap_or_default().as_bytes()).unwrap(),
            bytes: text.map(|text| text.as_bytes().to_vec().into()),
            path,
            other_names: None,
        }
    };
    let docker = file("/h/.docker/config.json", Some(docker));
    Workstation {
        podman: vec![file("/r/containers/auth.json", podman), docker.clone()],
        docker: Some(docker),
        podman_primary: "/r/containers/auth.json".into(),
        unreadable: Vec::new(),
        program: Program {
            found: Vec::new(),
            alias: crate::docker::program::ALIAS,
            plugin: None,
            beside: Beside::Nothing,
        },
        helpers: std::collections::BTreeMap::new(),
        detected: None,
        environment: None,
        auth_file: None,
        order: None,
        has_podman: true,
        skipped: None,
        engines: crate::docker::Engines::default(),
        set_up: Vec::new(),
    }
}

pub(in crate::docker) fn order(stores: &[&str]) -> Order {
    Order {
        path: "/etc/containers/registries.conf".into(),
        stores: stores.iter().map(|store| (*store).to_owned()).collect(),
    }
}

/// The sources for docker and podman.
fn both(workstation: &Workstation, registry: &str) -> [Source; 2] {
    let registry: Registry = registry.parse().unwrap();
    [
        workstation.docker_answer(&registry, registry.as_str()).source,
        workstation.podman_answer(&registry, registry.as_str()).source,
    ]
}

fn helper(name: &str) -> Source {
    Source::Helper(name.to_owned())
}

const LOGIN: &str = r#"{"auth":"YTpi"}"#;

#[test]
fn docker_reads_more_of_a_file_than_podman() {
    let text = format!(
        r#"{{"credsStore":"pass","credHelpers":{{"a.example.com":"gitea","b.example.com":"",
        "https://index.docker.io/v1/":"desktop","https://c.example.com":"gitea"}},
        "auths":{{"a.example.com":{LOGIN},"b.example.com":{LOGIN},"c.example.com":{{}},"d.example.com":{LOGIN}}}}}"#
    );
    let seen = workstation(&text, None);
    for (registry, docker, podman) in [
        ("a.example.com", Source::Keychain, Source::Keychain),
        ("b.example.com", Source::PlainText, helper("")),
        ("c.example.com", helper("pass"), Source::Nobody),
        ("d.example.com", helper("pass"), Source::PlainText),
        ("docker.io", helper("desktop"), Source::Nobody),
        ("e.example.com", helper("pass"), Source::Nobody),
    ] {
        assert_eq!(both(&seen, registry), [docker, podman], "{registry}");
    }
    let answers = seen.answers(&["e.example.com".parse().unwrap()]);
    assert_eq!(answers.len(), 12, "{answers:?}");
    let names = r#"{"credHelpers":{"https://index.docker.io/v1/":"gitea","docker.io":"gitea"}}"#;
    let both_names = both(&workstation(names, None), "docker.io");
    assert_eq!(both_names, [Source::Keychain, Source::Keychain]);
    let without = Workstation {
        has_podman: false,
        ..seen
    };
    assert_eq!(without.answers(&[]).len(), 5);
}

#[test]
fn podman_uses_the_first_file_and_the_order_of_registries_conf() {
    let docker = r#"{"credHelpers":{"a.example.com":"gitea"}}"#;
    let podman = format!(r#"{{"auths":{{"https://a.example.com/v1/":{LOGIN}}}}}"#);
    let mut seen = workstation(docker, Some(&podman));
    assert_eq!(both(&seen, "a.example.com"), [Source::Keychain, Source::PlainText]);
    seen.order = Some(order(&["containers-auth.json", "gitea"]));
    assert_eq!(both(&seen, "a.example.com")[1], Source::PlainText);
    assert_eq!(both(&seen, "b.example.com")[1], Source::Keychain);
    seen.order = Some(order(&["pass", "containers-auth.json"]));
    assert_eq!(both(&seen, "a.example.com")[1], helper("pass"));
}

#[test]
fn docker_uses_its_variable_first_and_detects_a_store() {
    let mut seen = workstation("", None);
    seen.detected = Some("secretservice".parse().unwrap());
    assert_eq!(both(&seen, "a.example.com"), [helper("secretservice"), Source::Nobody]);
    seen.environment = Some(Config::parse(format!(r#"{{"auths":{{"a.example.com":{LOGIN}}}}}"#).as_bytes()).unwrap());
    assert_eq!(both(&seen, "a.example.com"), [Source::Environment, Source::Nobody]);
    assert_eq!(both(&seen, "b.example.com")[0], helper("secretservice"));
    let text = format!(r#"{{"auths":{{"https://a.example.com":{LOGIN}}}}}"#);
    seen.environment = Some(Config::parse(text.as_bytes()).unwrap());
    assert_eq!(
        both(&seen, "a.example.com")[0],
        helper("secretservice"),
        "its keys are exact"
    );
    let mut seen = workstation(r#"{"auths":{"b.example.com":{}}}"#, None);
    seen.detected = Some("secretservice".parse().unwrap());
    assert_eq!(both(&seen, "a.example.com")[0], Source::Nobody, "an entry turns it off");
}

#[test]
fn a_name_is_another_in_another_spelling() {
    let text = format!(
        r#"{{"credHelpers":{{"a.example.com:443":"gitea","https://c.example.com:443":"gitea"}},
        "auths":{{"B.example.com":{LOGIN},"registry-1.docker.io":{LOGIN}}}}}"#
    );
    let kept = ["a.example.com".parse().unwrap()];
    let seen = workstation(&text, None).answers(&kept);
    let said: Vec<_> = seen
        .iter()
        .map(|answer| (answer.name.as_str(), answer.client, &answer.source))
        .collect();
    let (docker, podman) = (Client::Docker, Client::Podman);
    assert_eq!(
        said,
        [
            ("a.example.com", docker, &Source::Nobody),
            ("a.example.com", podman, &Source::Nobody),
            ("a.example.com:443", docker, &Source::Keychain),
            ("a.example.com:443", podman, &Source::Keychain),
            ("B.example.com", docker, &Source::PlainText),
            ("B.example.com", podman, &Source::PlainText),
            ("c.example.com", docker, &Source::Nobody),
            ("c.example.com", podman, &Source::Nobody),
            ("registry-1.docker.io", docker, &Source::PlainText),
            ("registry-1.docker.io", podman, &Source::PlainText),
        ]
    );
}
