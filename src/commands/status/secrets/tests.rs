use super::*;
use crate::commands::status::stage::{
    KEPT, OTHER, REGISTRY, Stage, accepted, account, by_hand, of_helm, refused, secret,
};

/// What is said of this Secret, which a ServiceAccount names.
fn said(mut stage: Stage, secret: SeenSecret) -> (Vec<String>, Vec<String>) {
    stage.survey.accounts = vec![account("default", &[secret.target.secret.as_str()])];
    stage.survey.secrets = vec![secret];
    let (states, findings) = stage.judged();
    (states, stage.shown(&findings))
}

const SYNC: &str = "kubectl regcred sync -n web --secret pull --registry gitea.example.com";

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn each_standing_has_its_state_and_its_words() {
    let stage = Stage::new;
    let ours = |token| secret("pull", token);
    let with_state = |state| SeenSecret { state, ..ours(KEPT) };
    let entry = |login: Option<(&str, HeldToken)>| {
        let login = login.map(|(username, token)| crate::cluster::survey::Held {
            username: username.to_owned(),
            token,
        });
        let key = REGISTRY.to_owned();
        with_state(Document::Entries(vec![SeenEntry {
            key,
            interest: Some(0),
            login,
        }]))
    };
    let problem = |key: &str| EntryProblem {
        key: key.to_owned(),
        what: "auth is no text",
    };
    let frozen = SeenSecret {
        is_immutable: true,
        ..ours(OTHER)
    };
    let legacy = SeenSecret {
        is_legacy: true,
        ..ours(OTHER)
    };
    let copied = SeenSecret {
        has_applied_copy: true,
        ..ours(KEPT)
    };
    for (what, stage, secret, state, words) in [
        ("right", stage(), ours(KEPT), "in sync", vec![]),
        (
            "right, and refused: said of the token, not here",
            stage().registry_says(KEPT, refused()),
            ours(KEPT),
            "rejected",
            vec![],
        ),
        (
            "another token",
            stage(),
            ours(OTHER),
            "stale",
            vec![
                "secret-stale: it holds another token of gitea.example.com than the keychain",
                SYNC,
            ],
        ),
        (
            "another token, which is dead",
            stage().registry_says(OTHER, refused()),
            ours(OTHER),
            "rejected",
            vec![
                "token-rejected: it holds another token than the keychain, and the registry does not accept it",
                SYNC,
            ],
        ),
        (
            "another user's name",
            stage(),
            entry(Some(("bob", KEPT))),
            "stale",
            vec!["its user for gitea.example.com is not admin", SYNC],
        ),
        (
            "a rotation's new one",
            stage(),
            ours(HeldToken::Kept(Keeping::Pending)),
            "rotating",
            vec![],
        ),
        (
            "the workstation's",
            stage(),
            ours(HeldToken::Kept(Keeping::Docker)),
            "stale",
            vec!["for this workstation, and there is one for clusters", SYNC],
        ),
        (
            "no login",
            stage(),
            entry(None),
            "stale",
            vec!["has neither user nor password", SYNC],
        ),
        (
            "empty",
            stage(),
            with_state(Document::Empty),
            "stale",
            vec!["it has no entry for gitea.example.com", SYNC],
        ),
        (
            "frozen",
            stage(),
            frozen,
            "stale",
            vec!["pull is immutable", "--secret NEW-NAME"],
        ),
        (
            "of the old type",
            stage(),
            legacy,
            "stale",
            vec!["kubernetes.io/dockercfg", "--secret NEW-NAME"],
        ),
        (
            "by hand, and right",
            stage(),
            by_hand("pull", KEPT),
            "not managed",
            vec![
                "secret-unmanaged: regcred does not manage it, though it holds the keychain's token",
                SYNC,
            ],
        ),
        (
            "by hand, and not",
            stage(),
            by_hand("pull", OTHER),
            "not managed",
            vec!["regcred does not manage it; it holds another token", SYNC],
        ),
        ("Helm's, and right", stage(), of_helm("pull", KEPT), "in sync", vec![]),
        (
            "Helm's, and not",
            stage(),
            of_helm("pull", OTHER),
            "owned by Helm",
            vec![
                "secret-owned-by-other: it holds another token of gitea.example.com than the keychain, and Helm keeps it",
                "change the chart's values",
            ],
        ),
        (
            "of a registry with an entry that is none",
            stage(),
            with_state(Document::Broken {
                problems: vec![problem("ghcr.io")],
            }),
            "broken",
            vec![
                "secret-broken: ghcr.io: auth is no text",
                "only the cluster names ghcr.io",
            ],
        ),
        (
            "no document",
            stage(),
            with_state(Document::Broken { problems: vec![] }),
            "broken",
            vec![
                "its document is no docker config",
                "kubectl patch secret pull -n web",
                SYNC,
            ],
        ),
        (
            "a copy",
            stage(),
            copied,
            "in sync",
            vec![
                "last-applied-token: ",
                "kubectl annotate secret pull -n web kubectl.kubernetes.io/last-applied-configuration-",
            ],
        ),
        (
            "too much",
            Stage::with(Use::Docker).registry_says(KEPT, accepted("write:package")),
            ours(HeldToken::Kept(Keeping::Docker)),
            "in sync",
            vec![
                "token-over-scoped: it holds a token with the scopes write:package",
                "--use cluster --mint",
                SYNC,
            ],
        ),
        (
            "enough",
            Stage::with(Use::Docker).registry_says(KEPT, accepted("read:package")),
            ours(HeldToken::Kept(Keeping::Docker)),
            "in sync",
            vec![],
        ),
    ] {
        let (states, findings) = said(stage, secret);
        assert_eq!(states, [state], "{what}");
        assert_eq!(findings.is_empty(), words.is_empty(), "{what}: {findings:?}");
        for word in words {
            assert!(findings.concat().contains(word), "{what}: no {word:?} in {findings:?}");
        }
    }
}

#[test]
fn what_nothing_pulls_with_is_noted_and_no_alarm() {
    use crate::commands::status::{Weight, stage};
    let unused = |accounts: Vec<_>, pullers: Vec<_>, secret: SeenSecret| {
        let mut stage = Stage::new();
        stage.survey.accounts = accounts;
        stage.survey.pullers = pullers;
        stage.survey.secrets = vec![secret];
        let (_, findings) = stage.judged();
        findings.iter().any(|finding| finding.code == Code::SecretUnused)
    };
    let ours = || secret("pull", KEPT);
    assert!(unused(vec![], vec![], ours()));
    assert!(unused(
        vec![account("default", &["other"])],
        vec![stage::puller(&["other"])],
        ours()
    ));
    assert!(!unused(vec![account("default", &["pull"])], vec![], ours()));
    assert!(!unused(vec![], vec![stage::puller(&["pull"])], ours()));
    // What is not ours to tidy up.
    assert!(!unused(vec![], vec![], by_hand("pull", KEPT)));
    assert!(!unused(vec![], vec![], of_helm("pull", KEPT)));
    assert_eq!(Code::SecretUnused.weight(), Weight::Note);
}

#[test]
fn what_only_its_label_calls_ours_gets_no_command_that_writes_it() {
    use crate::commands::status::stage::target;
    use crate::commands::status::view::Expected;
    use crate::model::{EarlierTokens, FingerprintKey, OwnTokens, Token};
    let shown = |stage: &Stage| {
        let view = stage.view();
        let unproven = view.unproven();
        let (_, findings) = judge(&view);
        let guarded = findings.into_iter().map(|finding| view.guarded(finding, &unproven));
        let guarded: Vec<Finding> = guarded.collect();
        let commands: usize = guarded
            .iter()
            .map(|finding| finding.remedy.lines(stage.typed()).len())
            .sum();
        (commands, stage.shown(&guarded).concat())
    };
    let stage_with = |state: Option<Document>| {
        let mut stage = Stage::new();
        let secret = secret("pull", OTHER);
        let document = state.unwrap_or_else(|| secret.state.clone());
        stage.survey.secrets = vec![SeenSecret {
            state: document,
            ..secret
        }];
        stage
    };
    for state in [None, Some(Document::Empty), Some(Document::Broken { problems: vec![] })] {
        let stage = stage_with(state.clone());
        let (commands, text) = shown(&stage);
        assert_eq!(commands, 0, "{text}");
        assert!(
            text.contains("nothing in this one proves that it is yours; if it is: ") && text.contains(SYNC),
            "{text}"
        );
        // Who asked for it by its name wants it written.
        let mut asked = stage_with(state);
        asked.expected = vec![Expected {
            target: target("pull"),
            registries: vec![REGISTRY.parse().unwrap()],
            service_accounts: Vec::new(),
            is_by_name: true,
        }];
        assert!(shown(&asked).0 > 0);
    }
    let mut ours = stage_with(None);
    let key = FingerprintKey::new(zeroize::Zeroizing::new([7; 32]));
    let mut own = OwnTokens {
        current: Vec::new(),
        earlier: EarlierTokens::with_key(key),
    };
    own.earlier.remember(&Token::parse("other").unwrap());
    ours.keys.own.insert(REGISTRY.parse().unwrap(), own);
    let (commands, text) = shown(&ours);
    assert!(
        commands > 0 && !text.contains("if it is: "),
        "an earlier token proves it: {text}"
    );
}
