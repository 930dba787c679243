use super::*;
use crate::cluster::survey::{ContainerKind, PullFailure};
use crate::commands::status::fixture::{Fixture, KEPT, OTHER, REGISTRY};
use crate::model::pull::Pull;

const IMAGE: &str = "gitea.example.com/owner/app:1";
const SYNC: &str = "kubectl regcred sync -n web --secret pull --registry gitea.example.com";

fn pod(controller: Option<&str>) -> StuckPull {
    StuckPull {
        namespace: "web".parse().unwrap(),
        pod: "api-1".to_owned(),
        controller: controller.map(str::to_owned),
        container: "app".to_owned(),
        kind: ContainerKind::Main,
        image: IMAGE.to_owned(),
        interest: 0,
        reason: "ImagePullBackOff".to_owned(),
        message: "no space left on device".to_owned(),
        said: PullFailure::Else,
        created: None,
        pull_secrets: vec!["pull".to_owned()],
        account: "default".to_owned(),
        account_secrets: None,
        template_has_secrets: None,
        pull: Pull::Fails { secret: 0 },
        cause: Cause::Unknown,
    }
}

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn each_cause_has_its_code_and_its_words() {
    let names = || vec!["pull".to_owned()];
    let (secret, account) = (|| "pull".to_owned(), || "default".to_owned());
    let rejected = |token, verdict| Cause::TokenRejected {
        secret: secret(),
        key: REGISTRY.to_owned(),
        login: Some(Login {
            username: "admin".to_owned(),
            token,
        }),
        verdict,
    };
    let (alone, made) = (None, Some("deployment.apps/api"));
    let older = || Cause::OlderThanAccount {
        account: account(),
        secrets: names(),
    };
    let heals = || Cause::Heals {
        secret: secret(),
        token: None,
    };
    let nothing = || Cause::NoPullSecret { account: account() };
    let tag = || Cause::TagMissing { with_credential: true };
    let (no, refused, there) = (
        Some(ImageAccess::Missing),
        Some(ImageAccess::Refused),
        Some(ImageAccess::Allowed),
    );
    for (cause, by, access, code, words) in [
        (
            Cause::SecretMissing { secrets: names() },
            alone,
            None,
            Code::PodSecretMissing,
            vec!["its pull Secret pull does not exist", SYNC],
        ),
        (
            Cause::WrongType { secrets: names() },
            alone,
            None,
            Code::PodSecretMissing,
            vec!["has a type that kubelet ignores", "--secret NEW-NAME"],
        ),
        (
            Cause::EntryMissing {
                secrets: names(),
                similar: None,
            },
            alone,
            None,
            Code::PodEntryMissing,
            vec!["has no entry for gitea.example.com |", SYNC],
        ),
        (
            Cause::EntryMissing {
                secrets: names(),
                similar: Some("gitae.example.com".to_owned()),
            },
            alone,
            None,
            Code::PodEntryMissing,
            vec!["though one for the similar gitae.example.com", SYNC],
        ),
        (
            Cause::KeyMismatch {
                secret: secret(),
                key: "gitea.example.com:443".to_owned(),
                why: Mismatch::Port {
                    key: Some("443".to_owned()),
                    image: None,
                },
            },
            alone,
            None,
            Code::PodKeyMismatch,
            vec![
                "the entry gitea.example.com:443 of its pull Secret pull does not match the image: it has port 443, and the image no port",
                SYNC,
            ],
        ),
        (
            rejected(OTHER, Some(OfToken::Rejected)),
            alone,
            None,
            Code::PodTokenRejected,
            vec![
                "gitea.example.com does not accept the token in its pull Secret pull",
                SYNC,
            ],
        ),
        (
            rejected(OTHER, None),
            alone,
            None,
            Code::PodTokenRejected,
            vec![
                "kubelet reports that gitea.example.com refused the credential in its pull Secret pull: no space",
                SYNC,
            ],
        ),
        (
            rejected(KEPT, Some(OfToken::Rejected)),
            alone,
            None,
            Code::PodTokenRejected,
            vec!["the finding token-rejected about gitea.example.com above"],
        ),
        (
            rejected(KEPT, None),
            alone,
            None,
            Code::PodTokenRejected,
            vec!["without --offline"],
        ),
        (
            rejected(KEPT, Some(OfToken::Accepted)),
            alone,
            None,
            Code::PodImageRefused,
            vec![
                "accepts the token in its pull Secret, but not for gitea.example.com/owner/app:1",
                "team",
            ],
        ),
        (
            rejected(KEPT, Some(OfToken::Accepted)),
            alone,
            refused,
            Code::PodImageRefused,
            vec!["team"],
        ),
        (
            rejected(KEPT, Some(OfToken::Accepted)),
            alone,
            no,
            Code::PodImageMissing,
            vec!["gitea.example.com has no gitea.example.com/owner/app:1"],
        ),
        (
            tag(),
            alone,
            None,
            Code::PodImageMissing,
            vec![
                "kubelet reports that",
                "this was not checked",
                "push gitea.example.com/owner/app:1, or correct the image in the pod",
            ],
        ),
        (
            tag(),
            made,
            no,
            Code::PodImageMissing,
            vec!["or correct the image in deployment.apps/api"],
        ),
        (
            tag(),
            made,
            there,
            Code::PodWillRetry,
            vec!["gives gitea.example.com/owner/app:1 by now", "--unstick"],
        ),
        (
            older(),
            made,
            None,
            Code::PodOlderThanAccount,
            vec![
                "created before its ServiceAccount default named the pull Secret pull",
                SYNC,
                "--unstick",
            ],
        ),
        (
            older(),
            alone,
            None,
            Code::PodOlderThanAccount,
            vec!["delete and recreate it"],
        ),
        (
            nothing(),
            made,
            None,
            Code::PodWithoutSecret,
            vec![
                "neither it nor its ServiceAccount default names a pull Secret",
                "--service-account default --unstick",
            ],
        ),
        (
            nothing(),
            alone,
            None,
            Code::PodWithoutSecret,
            vec!["--service-account default | then delete and recreate the pod"],
        ),
        (
            Cause::SecretBroken { secret: secret() },
            alone,
            None,
            Code::PodSecretBroken,
            vec!["pull cannot be decoded", "the finding secret-broken above"],
        ),
        (
            heals(),
            made,
            None,
            Code::PodWillRetry,
            vec!["within five minutes", "--unstick"],
        ),
        (heals(), alone, None, Code::PodWillRetry, vec!["| wait for it"]),
        (
            heals(),
            made,
            refused,
            Code::PodImageRefused,
            vec!["one of its teams", "that user's own"],
        ),
        (
            heals(),
            made,
            no,
            Code::PodImageMissing,
            vec!["has no gitea.example.com/owner/app:1"],
        ),
        (
            Cause::Page,
            alone,
            None,
            Code::PodRegistryUnreachable,
            vec!["a web page comes"],
        ),
        (
            Cause::OtherPlatform,
            made,
            None,
            Code::PodImagePlatform,
            vec!["let deployment.apps/api choose"],
        ),
        (
            Cause::InvalidName,
            made,
            None,
            Code::PodImageName,
            vec!["correct the image in deployment.apps/api"],
        ),
        (
            Cause::NeverPulled,
            alone,
            None,
            Code::PodImageNeverPulled,
            vec!["imagePullPolicy: IfNotPresent"],
        ),
        (
            Cause::Unreachable,
            alone,
            None,
            Code::PodRegistryUnreachable,
            vec!["its node cannot reach gitea.example.com", "crictl"],
        ),
        (
            Cause::Unknown,
            alone,
            None,
            Code::PodStuck,
            vec![
                "it waits for gitea.example.com/owner/app:1 (ImagePullBackOff): no space left on device",
                "kubectl describe pod api-1 -n web",
            ],
        ),
    ] {
        let fixture = Fixture::new();
        let (view, pod) = (fixture.view(), pod(by));
        let registry: Registry = REGISTRY.parse().unwrap();
        let images: Images = access
            .map(|access| (IMAGE.parse().unwrap(), access))
            .into_iter()
            .collect();
        let said = Stuck {
            view: &view,
            pod: &pod,
            registry: &registry,
        }
        .explain(&cause, &images);
        assert_eq!(said.code, code, "{cause:?}");
        let finding = Finding {
            message: None,
            code,
            object: view.object("pod", "web", "api-1"),
            cause: said.cause,
            remedy: said.remedy,
        };
        let shown = fixture.shown(&[finding]).concat();
        for word in words {
            assert!(shown.contains(word), "{cause:?}: no {word:?} in {shown}");
        }
    }
}

/// kubelet compares ports, and knows Docker Hub by two names only.
#[test]
fn an_image_that_no_entry_of_ours_matches_is_written_otherwise() {
    for (registry, image, name) in [
        (REGISTRY, "gitea.example.com:443/t/app:1", "gitea.example.com/t/app:1"),
        ("docker.io", "registry-1.docker.io/owner/app", "docker.io/owner/app"),
    ] {
        let registry: Registry = registry.parse().unwrap();
        assert_eq!(Registry::of_image(image).as_ref(), Some(&registry), "{image}");
        let fixture = Fixture::new();
        let mut pod = pod(None);
        pod.image = image.to_owned();
        let stuck = Stuck {
            view: &fixture.view(),
            pod: &pod,
            registry: &registry,
        };
        let cause = Cause::EntryMissing {
            secrets: vec!["pull".to_owned()],
            similar: None,
        };
        let said = stuck.explain(&cause, &Images::new());
        assert_eq!(said.code, Code::PodKeyMismatch, "{image}");
        assert_eq!(
            said.remedy,
            Remedy::advice(format!("write the image as {name} in the pod"))
        );
    }
}

/// Kubernetes accepts nearly any text as an image, and any as the name of a pull Secret.
#[test]
fn what_a_pod_says_stays_on_one_short_line() {
    let registry: Registry = REGISTRY.parse().unwrap();
    let fixture = Fixture::new();
    let mut pod = pod(Some("deployment.apps/api"));
    pod.image = format!("{REGISTRY}/owner/app:1\n    sh evil {}", "x".repeat(5000));
    let names = vec!["no\n    sh evil".to_owned(); 5000];
    let of_image = [
        Cause::NoPullSecret {
            account: "default".to_owned(),
        },
        Cause::TagMissing { with_credential: true },
        Cause::Heals {
            secret: "pull".to_owned(),
            token: None,
        },
        Cause::TokenRejected {
            secret: "pull".to_owned(),
            key: REGISTRY.to_owned(),
            login: Some(Login {
                username: "admin".to_owned(),
                token: KEPT,
            }),
            verdict: Some(OfToken::Accepted),
        },
        Cause::OtherPlatform,
        Cause::Unknown,
    ];
    let of_names = [
        Cause::SecretMissing { secrets: names.clone() },
        Cause::WrongType { secrets: names.clone() },
        Cause::EntryMissing {
            secrets: names.clone(),
            similar: None,
        },
        Cause::OlderThanAccount {
            account: "default".to_owned(),
            secrets: names,
        },
    ];
    let stuck = Stuck {
        view: &fixture.view(),
        pod: &pod,
        registry: &registry,
    };
    for cause in of_image.iter().chain(&of_names) {
        let said = stuck.explain(cause, &Images::new());
        assert!(!said.cause.contains(char::is_control), "{cause:?}: {}", said.cause);
        assert!(said.cause.len() < 1000, "{cause:?}: {}", said.cause.len());
        for text in said.remedy.lines(&fixture.flags).iter().map(CommandLine::as_str) {
            assert!(!text.contains(char::is_control), "{cause:?}: {text}");
        }
    }
}
