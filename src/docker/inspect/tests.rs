//! Every kind of warning, with a state that causes it and a similar one that does not.

use super::*;
use crate::docker::answers::tests::{order, workstation};
use crate::docker::program::FoundProgram;
use crate::docker::{Config, Error};

const OURS: &str = r#"{"credHelpers":{"a.example.com":"gitea"}}"#;
const LOGIN: &str = r#"{"auths":{"a.example.com":{"auth":"YTpi"}}}"#;
const BOTH: &str = r#"{"credHelpers":{"a.example.com":"gitea"},"auths":{"a.example.com":{"auth":"YTpi"}}}"#;

fn kinds(seen: &Workstation) -> Vec<WarningKind> {
    inspect(seen, &[]).into_iter().map(|warning| warning.kind).collect()
}

/// A workstation with our helper and all other configured helpers on PATH.
fn ready(docker: &str, podman: Option<&str>) -> Workstation {
    let mut seen = workstation(docker, podman);
    seen.program.found.push(found(true));
    let names: Vec<String> = seen
        .files()
        .flat_map(|file| {
            file.config
                .helpers()
                .into_iter()
                .map(|(_, name)| name)
                .chain(file.config.default_helper())
        })
        .collect();
    seen.helpers = names.into_iter().map(|name| (name, Some("/bin/x".into()))).collect();
    seen
}

fn found(is_ours: bool) -> FoundProgram {
    FoundProgram {
        path: "/usr/bin/docker-credential-gitea".into(),
        is_ours,
        comes_first: true,
    }
}

#[test]
fn a_good_workstation_has_no_warnings() {
    assert_eq!(kinds(&ready(OURS, Some(OURS))), []);
    assert_eq!(kinds(&ready("", None)), []);
    assert_eq!(kinds(&ready(r#"{"credsStore":"gitea"}"#, None)), []);
    let mut seen = ready(OURS, None);
    seen.order = Some(order(&["gitea", "containers-auth.json"]));
    assert_eq!(kinds(&seen), []);
    seen.order = None;
    seen.has_podman = false;
    assert_eq!(kinds(&seen), []);
    // Entries that docker leaves after a login through a helper.
    let text = r#"{"credHelpers":{"a.example.com":"gitea"},"auths":{"a.example.com":{}}}"#;
    assert_eq!(kinds(&ready(text, Some(OURS))), []);
}

#[test]
fn the_helper_itself() {
    let mut seen = ready(OURS, Some(OURS));
    seen.program.found.clear();
    assert_eq!(kinds(&seen), [WarningKind::HelperNotOnPath]);
    seen.program.found = vec![found(false)];
    let warnings = inspect(&seen, &[]);
    assert_eq!(warnings[0].kind, WarningKind::HelperShadowed);
    assert_eq!(
        warnings[0].remedy.to_string(),
        "mv /usr/bin/docker-credential-gitea /usr/bin/docker-credential-gitea.old"
    );
    // No file names it, so there is no warning.
    let mut seen = ready("", None);
    seen.program.found.clear();
    assert_eq!(kinds(&seen), []);
}

#[test]
fn a_missing_helper_is_reported_with_the_file() {
    for (text, registry, remedy) in [
        (
            r#"{"credHelpers":{"a.example.com":"gone"}}"#,
            Some("a.example.com"),
            "kubectl regcred docker setup a.example.com",
        ),
        (
            r#"{"credsStore":"gone"}"#,
            None,
            "kubectl regcred docker setup --default",
        ),
    ] {
        let mut seen = ready(text, None);
        seen.helpers = [("gone".to_owned(), None)].into();
        let [warning] = &inspect(&seen, &[])[..] else {
            panic!("{text}")
        };
        assert_eq!(warning.kind, WarningKind::HelperMissing);
        assert_eq!(warning.registry.as_ref().map(Registry::as_str), registry);
        assert_eq!(
            (&*warning.remedy.to_string(), warning.object.as_str()),
            (remedy, "/h/.docker/config.json")
        );
    }
}

#[test]
fn a_missing_helper_of_podmans_is_not_replaced_by_setting_up() {
    let mut seen = ready("", None);
    seen.order = Some(order(&["gone", "containers-auth.json"]));
    seen.helpers = [("gone".to_owned(), None)].into();
    let [warning] = &inspect(&seen, &[])[..] else { panic!() };
    assert_eq!(
        warning.remedy.to_string(),
        "install docker-credential-gone, or take gone out of /etc/containers/registries.conf"
    );
    let seen = workstation("", Some(r#"{"credsStore":"gone"}"#));
    assert!(seen.helpers_named().is_empty(), "podman never reads it");
}

/// A file of a repository or a container's image can name anything.
#[test]
fn the_name_of_a_helper_is_shown_on_one_line_and_found_by_what_it_is() {
    let name = format!("gone\n{}", "x".repeat(1000));
    let text = serde_json::json!({
        "credHelpers": {"a.example.com": name},
        "auths": {"a.example.com": {"auth": "YTpi"}},
    });
    let mut seen = ready(&text.to_string(), None);
    seen.helpers = [(name, None)].into();
    let warnings = inspect(&seen, &[]);
    assert_eq!(
        warnings.iter().map(|warning| warning.kind).collect::<Vec<_>>(),
        [WarningKind::HelperMissing, WarningKind::PlainTextBesideHelper]
    );
    for warning in warnings {
        assert_eq!(warning.object, "/h/.docker/config.json");
        assert_eq!(warning.registry.as_ref().map(Registry::as_str), Some("a.example.com"));
        assert!(
            !warning.cause.contains('\n') && warning.cause.len() < 400,
            "{}",
            warning.cause
        );
    }
}

#[test]
fn kinds_of_plain_text_are_distinguished() {
    assert_eq!(kinds(&ready(LOGIN, None)), [WarningKind::PlainText]);
    let user_alone = r#"{"auths":{"a.example.com":{"username":"a"}}}"#;
    assert_eq!(kinds(&ready(user_alone, None)), []);
    assert_eq!(kinds(&ready("", Some(LOGIN))), [WarningKind::PlainText]);
    assert_eq!(kinds(&ready(OURS, Some(LOGIN))), [WarningKind::PlainTextShadowsHelper]);
    assert_eq!(kinds(&ready(BOTH, Some(OURS))), [WarningKind::PlainTextBesideHelper]);
    assert_eq!(kinds(&ready(OURS, Some(BOTH))), [WarningKind::PlainTextBesideHelper]);
    let store = r#"{"credsStore":"gitea","auths":{"a.example.com":{"auth":"YTpi"}}}"#;
    let mut seen = ready(store, None);
    seen.has_podman = false;
    assert_eq!(kinds(&seen), [WarningKind::PlainTextBesideHelper]);
    // podman does not support `credsStore`, so it still reads an entry that docker ignores.
    seen.has_podman = true;
    assert_eq!(kinds(&seen), [WarningKind::PlainTextBesideHelper]);
}

#[test]
fn where_podman_would_write() {
    assert_eq!(
        kinds(&ready(OURS, Some("{}"))),
        [WarningKind::PodmanLoginWritesPlainText]
    );
    let warnings = inspect(&ready(OURS, Some("{}")), &[]);
    assert_eq!(
        warnings[0].remedy.to_string(),
        "kubectl regcred docker setup a.example.com"
    );
    let warnings = inspect(&ready(OURS, None), &[]);
    assert_eq!(
        warnings[0].remedy.to_string(),
        r#"mkdir -p /r/containers && echo '{"credHelpers":{"a.example.com":"gitea"}}' > /r/containers/auth.json"#
    );
    let two = r#"{"credHelpers":{"a.example.com":"gitea","b.example.com":"gitea"}}"#;
    let warnings = inspect(&ready(two, None), &[]);
    assert_eq!(warnings.len(), 2);
    for warning in warnings {
        let remedy = warning.remedy.to_string();
        assert!(remedy.contains(two), "one command does not undo the other: {remedy}");
    }
    let mut seen = ready(OURS, None);
    seen.order = Some(order(&["other", "containers-auth.json", "gitea"]));
    assert_eq!(kinds(&seen), [WarningKind::FilesBeforeHelper]);
    let remedy = inspect(&seen, &[])[0].remedy.to_string();
    assert!(
        remedy.ends_with(r#"name gitea first: credential-helpers = ["gitea", "other", "containers-auth.json"]"#),
        "{remedy}"
    );
    // With REGISTRY_AUTH_FILE podman does not read docker's file.
    let mut seen = ready(OURS, Some("{}"));
    seen.auth_file = Some("/r/containers/auth.json".into());
    seen.podman.truncate(1);
    assert_eq!(kinds(&seen), [WarningKind::AuthFileHidesHelper]);
}

#[test]
fn podmans_file_that_cannot_be_read_is_not_taken_for_another() {
    let mut seen = ready(OURS, Some("{}"));
    let unreadable = seen.podman.remove(0).path;
    seen.unreadable.push((unreadable, Error::NoHome));
    assert_eq!(
        kinds(&seen),
        [WarningKind::FileUnreadable],
        "docker's file is not the one that podman writes to"
    );
}

#[test]
fn a_path_below_a_registry_of_a_helper() {
    let path = r#""auths":{"a.example.com/org":{"auth":"YTpi"}}"#;
    let both = format!(r#"{{"credHelpers":{{"a.example.com":"gitea"}},{path}}}"#);
    let mut seen = ready(&both, Some(OURS));
    assert_eq!(
        kinds(&seen),
        [WarningKind::HelperHidesPath],
        "podman reads docker's file too"
    );
    seen.has_podman = false;
    assert_eq!(kinds(&seen), [], "docker knows no paths");
    assert_eq!(kinds(&ready(OURS, Some(&both))), [WarningKind::HelperHidesPath]);
    let only_path = format!("{{{path}}}");
    assert_eq!(
        kinds(&ready(OURS, Some(&only_path))),
        [WarningKind::PodmanLoginWritesPlainText],
        "its own file comes first"
    );
    for other in [
        r#""a.example.com/org":{}"#,
        r#""https://a.example.com/org":{"auth":"YTpi"}"#,
    ] {
        let other = format!(r#"{{"credHelpers":{{"a.example.com":"gitea"}},"auths":{{{other}}}}}"#);
        assert_eq!(kinds(&ready(OURS, Some(&other))), [], "{other}");
    }
}

#[test]
fn the_environment_comes_first_for_docker() {
    let mut seen = ready(OURS, Some(OURS));
    seen.environment = Some(Config::parse(LOGIN.as_bytes()).unwrap());
    assert_eq!(kinds(&seen), [WarningKind::EnvironmentWins]);
    let mut seen = ready("", None);
    seen.environment = Some(Config::parse(LOGIN.as_bytes()).unwrap());
    assert_eq!(kinds(&seen), [], "in CI that is the way");
    let kept = ["a.example.com".parse().unwrap()];
    assert_eq!(inspect(&seen, &kept)[0].kind, WarningKind::EnvironmentWins);
}

#[test]
fn ineffective_keys() {
    for (key, kinds_of_it) in [
        ("https://a.example.com", &[WarningKind::KeyNeverMatches][..]),
        ("a.example.com/owner", &[WarningKind::KeyNeverMatches]),
        ("https://index.docker.io/v1/", &[]),
        ("docker.io", &[]),
    ] {
        let mut seen = ready(&format!(r#"{{"credHelpers":{{"{key}":"gitea"}}}}"#), None);
        seen.has_podman = false;
        assert_eq!(kinds(&seen), kinds_of_it, "{key}");
    }
    // podman's file needs only podman's name for Docker Hub.
    for (key, kinds_of_it) in [
        ("https://index.docker.io/v1/", &[WarningKind::KeyNeverMatches][..]),
        ("docker.io", &[]),
    ] {
        let helpers = format!(r#"{{"credHelpers":{{"{key}":"gitea"}}}}"#);
        let mut seen = ready("{}", Some(&helpers));
        seen.has_podman = false;
        assert_eq!(kinds(&seen), kinds_of_it, "{key}");
    }
    // If the right key exists, the other one does no harm.
    let mut seen = ready(
        r#"{"credHelpers":{"https://a.example.com":"gitea","a.example.com":"gitea"}}"#,
        None,
    );
    seen.has_podman = false;
    assert_eq!(kinds(&seen), []);
    let mut seen = ready(r#"{"credHelpers":{"a.example.com":""}}"#, None);
    seen.has_podman = false;
    assert_eq!(kinds(&seen), [WarningKind::HelperEmpty]);
}

#[test]
fn detection_that_is_turned_off() {
    let mut seen = ready(OURS, Some(OURS));
    seen.detected = Some("secretservice".parse().unwrap());
    assert_eq!(kinds(&seen), [WarningKind::DefaultStoreOff]);
    let mut seen = ready(
        r#"{"credHelpers":{"a.example.com":"gitea"},"credsStore":"secretservice"}"#,
        Some(OURS),
    );
    seen.detected = Some("secretservice".parse().unwrap());
    assert_eq!(kinds(&seen), []);
}

#[test]
fn a_file_that_cannot_be_read() {
    let mut seen = ready("", None);
    let path = std::path::PathBuf::from("/h/.docker/config.json");
    let what = "a folder";
    seen.unreadable.push((path.clone(), Error::NotAFile { path, what }));
    let [warning] = &inspect(&seen, &[])[..] else { panic!() };
    assert_eq!(
        (warning.kind, warning.object.as_str()),
        (WarningKind::FileUnreadable, "/h/.docker/config.json")
    );
}

#[test]
fn every_kind_has_its_own_name() {
    let words: BTreeSet<&str> = WarningKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!(words.len(), WarningKind::ALL.len());
}
