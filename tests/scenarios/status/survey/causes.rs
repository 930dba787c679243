//! Every cause for which a pod is stuck, each by a pod in that state.

use regcred::cluster::survey::{Cause, HeldToken, Login, TokenSlot, Verdict};
use regcred::model::pull::Mismatch;
use serde_json::json;

use super::fixture::{IMAGE, Keychain, Surveyed, TOKEN, of_pod, says, spec, waits};
use crate::support::parts::{ON_CONTROL_PLANE, ON_DOUBLE};
use crate::support::plane::Plane;

const DENIED: &str = r#"Back-off pulling image "gitea.example.com/owner/app:1": ErrImagePull: failed to pull and unpack image "gitea.example.com/owner/app:1": failed to resolve reference "gitea.example.com/owner/app:1": unexpected status from HEAD request to https://gitea.example.com/v2/owner/app/manifests/1: 401 Unauthorized"#;
const NOT_FOUND: &str =
    r#"failed to resolve reference "gitea.example.com/owner/app:1": gitea.example.com/owner/app:1: not found"#;
const SILENT: &str = r#"Back-off pulling image "gitea.example.com/owner/app:1""#;
const NO_ROUTE: &str = "dial tcp: lookup gitea.example.com on 10.43.0.10:53: no such host";

fn secrets(surveyed: &Surveyed) {
    surveyed.secret("good", &json!({"gitea.example.com": TOKEN}));
    surveyed.secret("stranger", &json!({"gitea.example.com": "strange-token"}));
    surveyed.secret("elsewhere", &json!({"ghcr.io": "x"}));
    surveyed.secret("port", &json!({"gitea.example.com:443": TOKEN}));
    surveyed.secret("path", &json!({"gitea.example.com/other": TOKEN}));
    surveyed.secret("similar", &json!({"gitae.example.com": TOKEN}));
    surveyed.secret("broken", &json!({"ghcr.io": {"auth": "?"}}));
    surveyed.secret_of("opaque", "Opaque", ".dockerconfigjson", "{}", &json!({}));
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

fn mismatch(secret: &str, key: &str, why: Mismatch) -> Cause {
    Cause::KeyMismatch {
        secret: secret.into(),
        key: key.into(),
        why,
    }
}

fn rejected(secret: &str, token: HeldToken, verdict: Option<Verdict>) -> Cause {
    Cause::TokenRejected {
        secret: secret.into(),
        key: "gitea.example.com".into(),
        login: Some(Login {
            username: "admin".into(),
            token,
        }),
        verdict,
    }
}

/// A pod, and why it is stuck.
struct Case {
    pod: &'static str,
    secrets: &'static [&'static str],
    message: &'static str,
    cause: Cause,
}

fn case(pod: &'static str, secrets: &'static [&'static str], message: &'static str, cause: Cause) -> Case {
    Case {
        pod,
        secrets,
        message,
        cause,
    }
}

/// What can be told from the Secrets.
fn by_secrets() -> Vec<Case> {
    let missing = || Cause::SecretMissing {
        secrets: names(&["gone"]),
    };
    let no_entry = |secret: &str, similar: Option<&str>| Cause::EntryMissing {
        secrets: names(&[secret]),
        similar: similar.map(str::to_owned),
    };
    let opaque = Cause::WrongType {
        secrets: names(&["opaque"]),
    };
    let port = Mismatch::Port {
        key: Some("443".into()),
        image: None,
    };
    let path = Mismatch::Path { path: "/other".into() };
    let broken = Cause::SecretBroken {
        secret: "broken".into(),
    };
    let older = Cause::OlderThanAccount {
        account: "late".into(),
        secrets: names(&["good"]),
    };
    let none = Cause::NoPullSecret {
        account: "default".into(),
    };
    vec![
        case("missing", &["gone"], DENIED, missing()),
        case("missing-silent", &["elsewhere", "gone"], SILENT, missing()),
        case("opaque", &["opaque"], DENIED, opaque),
        case("no-entry", &["elsewhere"], DENIED, no_entry("elsewhere", None)),
        case(
            "similar",
            &["similar"],
            DENIED,
            no_entry("similar", Some("gitae.example.com")),
        ),
        case(
            "port",
            &["elsewhere", "port"],
            DENIED,
            mismatch("port", "gitea.example.com:443", port),
        ),
        case(
            "path",
            &["path"],
            DENIED,
            mismatch("path", "gitea.example.com/other", path),
        ),
        case("broken", &["good", "broken"], DENIED, broken),
        case("older", &[], DENIED, older),
        case("none", &[], DENIED, none),
    ]
}

/// What can be told from what kubelet says.
fn by_message() -> Vec<Case> {
    let kept = HeldToken::Stored(TokenSlot::Cluster);
    let no_tag = |with_credential| Cause::TagMissing { with_credential };
    let heals = Cause::Heals {
        secret: "good".into(),
        token: Some(kept),
    };
    vec![
        case("rejected", &["good"], DENIED, rejected("good", kept, None)),
        case(
            "stranger",
            &["stranger"],
            DENIED,
            rejected("stranger", HeldToken::Other(0), None),
        ),
        case("tag", &["good"], NOT_FOUND, no_tag(true)),
        case("tag-anonymous", &[], NOT_FOUND, no_tag(false)),
        case("mended", &["good"], "illegal base64 data at input byte 0", heals),
        case("no-route", &["good"], NO_ROUTE, Cause::Unreachable),
        case("silent", &["good"], SILENT, Cause::Unknown),
        case(
            "full",
            &["good"],
            "write /var/lib: no space left on device",
            Cause::Unknown,
        ),
    ]
}

scenario!(every_cause_is_told, on(ON_DOUBLE, ON_CONTROL_PLANE));
fn every_cause_is_told(plane: &Plane) {
    let surveyed = Surveyed::new(plane);
    secrets(&surveyed);
    surveyed.account("late", &[]);
    let cases: Vec<_> = by_secrets().into_iter().chain(by_message()).collect();
    for case in &cases {
        let account = if case.pod == "older" { "late" } else { "default" };
        surveyed.stuck(case.pod, IMAGE, case.secrets, account, case.message);
    }
    // Of another registry, which nobody asked about.
    surveyed.stuck("other", "ghcr.io/owner/app:1", &["gone"], "default", DENIED);
    surveyed.account("late", &["elsewhere", "good"]);
    let survey = surveyed.survey(&Keychain::new());
    for case in &cases {
        let stuck = of_pod(&survey, case.pod);
        assert_eq!(stuck.cause, case.cause, "{}: {stuck:#?}", case.pod);
        assert_eq!(stuck.pull_secrets, case.secrets, "{}", case.pod);
        assert_eq!(
            (stuck.message.as_str(), stuck.reason.as_str()),
            (case.message, "ImagePullBackOff")
        );
        assert!(stuck.created.is_some());
    }
    assert_eq!(survey.stuck.len(), cases.len());
    let missing: Vec<_> = survey
        .missing
        .iter()
        .map(|one| (one.target.secret.as_str(), one.is_of_wrong_type))
        .collect();
    assert_eq!(missing, [("gone", false), ("opaque", true)]);
    assert_eq!(survey.missing[0].pullers, ["pod/missing", "pod/missing-silent"]);
    assert_eq!(survey.other_tokens.len(), 1);
    assert_eq!(survey.other_tokens[0].token.expose(), "strange-token");
}

scenario!(what_the_registry_says_counts, on(ON_DOUBLE, ON_CONTROL_PLANE));
fn what_the_registry_says_counts(plane: &Plane) {
    let surveyed = Surveyed::new(plane);
    secrets(&surveyed);
    surveyed.stuck("denied", IMAGE, &["stranger"], "default", DENIED);
    surveyed.stuck("silent", IMAGE, &["good"], "default", SILENT);
    let survey = surveyed.survey(&Keychain::new());
    let diagnose = |pod, verdict| survey.diagnose(of_pod(&survey, pod), &says(verdict));
    let (rejection, acceptance) = (Verdict::Rejected, Verdict::Accepted);
    let (other, kept) = (HeldToken::Other(0), HeldToken::Stored(TokenSlot::Cluster));
    assert_eq!(
        diagnose("denied", rejection),
        rejected("stranger", other, Some(rejection))
    );
    // The token lives, and was there when kubelet tried: it may not read this image.
    assert_eq!(
        diagnose("denied", acceptance),
        rejected("stranger", other, Some(acceptance))
    );
    assert_eq!(diagnose("silent", rejection), rejected("good", kept, Some(rejection)));
    assert_eq!(diagnose("silent", acceptance), Cause::Unknown);
}

scenario!(a_secret_that_came_later_heals, on(ON_DOUBLE, ON_CONTROL_PLANE));
fn a_secret_that_came_later_heals(plane: &Plane) {
    let surveyed = Surveyed::new(plane);
    for (pod, secret) in [("made", "made"), ("written", "written"), ("strange", "strange")] {
        surveyed.secret("written", &json!({"gitea.example.com": "old-token"}));
        surveyed.stuck(pod, IMAGE, &[secret], "default", DENIED);
    }
    surveyed.secret_later("made", &json!({"gitea.example.com": TOKEN}));
    surveyed.secret_later("written", &json!({"gitea.example.com": TOKEN}));
    surveyed.secret_later("strange", &json!({"gitea.example.com": "strange-token"}));
    let survey = surveyed.survey(&Keychain::new());
    for secret in ["made", "written"] {
        let token = Some(HeldToken::Stored(TokenSlot::Cluster));
        let heals = Cause::Heals {
            secret: secret.into(),
            token,
        };
        assert_eq!(of_pod(&survey, secret).cause, heals, "{survey:#?}");
        // Not if the registry does not take it.
        let cause = survey.diagnose(of_pod(&survey, secret), &says(Verdict::Rejected));
        assert!(matches!(cause, Cause::TokenRejected { .. }), "{cause:?}");
    }
    // Whether a token that nobody knows is right, only the registry can say.
    let strange = of_pod(&survey, "strange");
    assert!(
        matches!(strange.cause, Cause::TokenRejected { verdict: None, .. }),
        "{strange:?}"
    );
    let cause = survey.diagnose(strange, &says(Verdict::Accepted));
    assert!(matches!(cause, Cause::Heals { .. }), "{cause:?}");
}

scenario!(a_template_of_its_own_is_no_old_list, on(ON_DOUBLE, ON_CONTROL_PLANE));
fn a_template_of_its_own_is_no_old_list(plane: &Plane) {
    let surveyed = Surveyed::new(plane);
    secrets(&surveyed);
    for (name, secrets) in [("named", &["elsewhere"][..]), ("plain", &[])] {
        let labels = json!({"app": name});
        surveyed.apply(
            "deployments",
            &json!({
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
                "spec": {"replicas": 0, "selector": {"matchLabels": labels},
                    "template": {"metadata": {"labels": labels}, "spec": spec(IMAGE, secrets, "default")}},
            }),
        );
        // Made by the Deployment when its ServiceAccount had another list.
        let replica_set = format!("{name}-5d4f8c");
        let metadata = json!({"labels": {"pod-template-hash": "5d4f8c"}, "ownerReferences": [{
            "apiVersion": "apps/v1", "kind": "ReplicaSet", "name": replica_set, "uid": replica_set, "controller": true,
        }]});
        let spec = spec(IMAGE, &["elsewhere"], "default");
        surveyed.pod(
            &format!("{replica_set}-x"),
            &metadata,
            &spec,
            &waits("app", IMAGE, "ErrImagePull", DENIED),
        );
    }
    surveyed.stuck("alone", IMAGE, &["elsewhere"], "default", DENIED);
    surveyed.account("default", &["good"]);
    let survey = surveyed.survey(&Keychain::new());
    assert!(matches!(of_pod(&survey, "alone").cause, Cause::EntryMissing { .. }));
    let named = of_pod(&survey, "named-5d4f8c-x");
    assert_eq!(named.controller.as_deref(), Some("deployment.apps/named"));
    assert_eq!(
        named.cause,
        Cause::EntryMissing {
            secrets: names(&["elsewhere"]),
            similar: None
        }
    );
    let plain = of_pod(&survey, "plain-5d4f8c-x");
    let older = Cause::OlderThanAccount {
        account: "default".into(),
        secrets: names(&["good"]),
    };
    assert_eq!(
        (plain.controller.as_deref(), &plain.cause),
        (Some("deployment.apps/plain"), &older)
    );
    let pullers: Vec<_> = survey
        .pullers
        .iter()
        .map(|puller| (puller.shown(), puller.pull_secrets.clone()))
        .collect();
    let expected = [
        ("pod/alone", "elsewhere"),
        ("deployment.apps/named", "elsewhere"),
        ("deployment.apps/plain", "good"),
    ];
    assert_eq!(
        pullers,
        expected.map(|(who, secret)| (who.to_owned(), names(&[secret])))
    );
}
