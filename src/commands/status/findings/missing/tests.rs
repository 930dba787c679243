use super::*;
use crate::commands::status::fixture::{
    Fixture, KEPT, REGISTRY, account, by_hand, missing_secret, puller, secret, target,
};

fn expected(name: &str, is_by_name: bool) -> Expected {
    Expected {
        target: target(name),
        registries: vec![REGISTRY.parse().unwrap()],
        uses: Vec::new(),
        service_accounts: vec!["builder".parse().unwrap()],
        is_by_name,
        is_for_kubelet: true,
    }
}

/// The Secret `other`, made by hand, with the keychain's token under this key.
fn with_key(key: &str) -> SeenSecret {
    let mut secret = by_hand("other", KEPT);
    if let Document::Entries(entries) = &mut secret.state {
        key.clone_into(&mut entries[0].key);
    }
    SeenSecret {
        holds: Vec::new(),
        ..secret
    }
}

const SYNC: &str = "kubectl regcred sync -n web --secret pull --registry gitea.example.com";

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn what_is_named_or_asked_for_and_not_there_is_said_once() {
    let made = |change: &dyn Fn(&mut Fixture)| {
        let mut fixture = Fixture::new();
        change(&mut fixture);
        fixture
    };
    let named = |fixture: &mut Fixture, secrets: &[&str]| {
        fixture.survey.missing = vec![missing_secret("pull", &["default"])];
        fixture.survey.pullers = vec![puller(secrets)];
        fixture.survey.accounts = vec![account("default", &["pull"])];
    };
    let asked = |fixture: &mut Fixture, is_by_name| {
        fixture.expected = vec![expected("pull", is_by_name)];
        fixture.survey.missing_targets = vec![target("pull")];
    };
    for (what, fixture, codes, words) in [
        (
            "a workload needs it",
            made(&|fixture| named(fixture, &["pull"])),
            vec!["secret-missing"],
            vec![
                "it does not exist, and images of gitea.example.com are pulled with it",
                SYNC,
            ],
        ),
        (
            "a workload has another that does",
            made(&|fixture| {
                named(fixture, &["pull", "other"]);
                fixture.survey.secrets = vec![by_hand("other", KEPT)];
            }),
            vec!["secret-unmanaged", "service-account-dangling"],
            vec![
                "it names the pull Secret pull, which does not exist",
                "--service-account default --detach",
            ],
        ),
        (
            "a workload has another, with a key that kubelet does not take",
            made(&|fixture| {
                named(fixture, &["pull", "other"]);
                fixture.survey.secrets = vec![with_key("gitea.example.com:443")];
            }),
            vec!["secret-unmanaged", "secret-missing"],
            vec!["images of gitea.example.com are pulled with it", SYNC],
        ),
        (
            "a workload has another for some images",
            made(&|fixture| {
                named(fixture, &["pull", "other"]);
                fixture.survey.secrets = vec![with_key("gitea.example.com/team")];
            }),
            vec!["secret-unmanaged", "service-account-dangling"],
            vec!["it names the pull Secret pull, which does not exist"],
        ),
        (
            "of a type that kubelet passes over",
            made(&|fixture| {
                named(fixture, &["pull"]);
                fixture.survey.missing[0].is_of_wrong_type = true;
            }),
            vec!["secret-missing"],
            vec!["it has a type that kubelet ignores", "--secret NEW-NAME"],
        ),
        (
            "nobody has logged in",
            made(&|fixture| {
                named(fixture, &["pull"]);
                fixture.credentials.held.clear();
            }),
            vec!["secret-missing"],
            vec!["kubectl regcred login gitea.example.com", SYNC],
        ),
        (
            "asked for",
            made(&|fixture| asked(fixture, false)),
            vec!["secret-missing"],
            vec![
                "it should hold a credential for gitea.example.com, and it does not exist",
                SYNC,
                "--service-account builder",
            ],
        ),
        (
            "asked for, and named",
            made(&|fixture| {
                named(fixture, &["pull"]);
                asked(fixture, true);
            }),
            vec!["secret-missing"],
            vec!["are pulled with it"],
        ),
        (
            "asked for, and another does",
            made(&|fixture| {
                asked(fixture, false);
                fixture.survey.secrets = vec![by_hand("other", KEPT)];
            }),
            vec!["secret-unmanaged"],
            vec![],
        ),
        (
            "asked for, and another has an entry for some images",
            made(&|fixture| {
                asked(fixture, false);
                fixture.survey.secrets = vec![with_key("gitea.example.com/team")];
            }),
            vec!["secret-unmanaged", "secret-missing"],
            vec![SYNC],
        ),
        (
            "asked for by its name",
            made(&|fixture| {
                asked(fixture, true);
                fixture.survey.secrets = vec![by_hand("other", KEPT)];
            }),
            vec!["secret-unmanaged", "secret-missing"],
            vec![SYNC],
        ),
        (
            "a list's account does not name it",
            made(&|fixture| {
                fixture.expected = vec![expected("pull", true)];
                fixture.survey.secrets = vec![secret("pull", KEPT)];
                fixture.survey.accounts = vec![account("default", &["pull"])];
            }),
            vec!["service-account-detached"],
            vec![
                "it should pull with pull according to the list",
                "--service-account builder",
            ],
        ),
        (
            "it does",
            made(&|fixture| {
                fixture.expected = vec![expected("pull", true)];
                fixture.survey.secrets = vec![secret("pull", KEPT)];
                fixture.survey.accounts = vec![account("builder", &["pull"])];
            }),
            vec![],
            vec![],
        ),
    ] {
        let (_, findings) = fixture.judged();
        let found: Vec<&str> = findings.iter().map(|finding| finding.code.as_str()).collect();
        assert_eq!(found, codes, "{what}");
        let shown = fixture.shown(&findings).concat();
        for word in words {
            assert!(shown.contains(word), "{what}: no {word:?} in {shown}");
        }
    }
}

/// `sync` would fail at both.
#[test]
fn what_is_in_the_way_of_a_secret_that_was_asked_for_is_said() {
    let asked = || {
        let mut fixture = Fixture::new();
        fixture.expected = vec![expected("pull", true)];
        fixture.survey.missing_targets = vec![target("pull")];
        fixture
    };
    let mut of_other_type = asked();
    of_other_type.survey.targets_of_wrong_type = vec![target("pull")];
    let mut without_namespace = asked();
    without_namespace.lost = ["web".parse().unwrap()].into();
    let another = "kubectl regcred sync -n web --registry gitea.example.com --secret NEW-NAME";
    for (fixture, cause, commands, advice) in [
        (
            of_other_type,
            "there is a Secret of that name with a type that kubelet ignores",
            vec![],
            another,
        ),
        (
            without_namespace,
            "it should hold a credential for gitea.example.com, and its namespace does not exist",
            vec![
                "kubectl create namespace web".to_owned(),
                format!("{SYNC} --service-account builder"),
            ],
            "correct the name of the namespace",
        ),
    ] {
        let (rows, findings) = fixture.judged();
        assert_eq!(rows, ["missing"]);
        let [finding] = &findings[..] else {
            panic!("{findings:?}")
        };
        assert_eq!((finding.code, finding.cause.as_str()), (Code::SecretMissing, cause));
        let lines = finding.remedy.lines(&fixture.flags);
        let lines: Vec<String> = lines.iter().map(ToString::to_string).collect();
        assert_eq!(lines, commands);
        let said = finding.remedy.advice.as_deref().unwrap_or_default();
        assert!(said.contains(advice), "{said}");
    }
}
