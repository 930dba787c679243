use super::*;
use crate::commands::status::fixture::{
    Fixture, KEPT, OTHER, REGISTRY, accepted, account, by_hand, of_helm, puller, refused, secret,
};

/// The states and findings of this Secret, which a ServiceAccount names.
fn judged(mut fixture: Fixture, secret: SeenSecret) -> (Vec<String>, Vec<String>) {
    fixture.survey.accounts = vec![account("default", &[secret.target.secret.as_str()])];
    fixture.survey.secrets = vec![secret];
    let (states, findings) = fixture.judged();
    (states, fixture.shown(&findings))
}

const SYNC: &str = "kubectl regcred sync -n web --secret pull --registry gitea.example.com";

#[test]
#[allow(clippy::too_many_lines, reason = "a table")]
fn each_comparison_has_its_state_and_its_text() {
    let made = Fixture::new;
    let ours = |token| secret("pull", token);
    let with_state = |state| SeenSecret {
        state,
        holds: Vec::new(),
        ..ours(KEPT)
    };
    let entry_of = |key: &str, login: Option<(&str, HeldToken)>| SeenEntry {
        key: key.to_owned(),
        interest: Some(0),
        login: login.map(|(username, token)| Login {
            username: username.to_owned(),
            token,
        }),
    };
    let entry = |login| with_state(Document::Entries(vec![entry_of(REGISTRY, login)]));
    let of_key = |key| with_state(Document::Entries(vec![entry_of(key, Some(("admin", KEPT)))]));
    let beside = |key| SeenSecret {
        state: Document::Entries(vec![
            entry_of(key, Some(("robot", OTHER))),
            entry_of(REGISTRY, Some(("admin", KEPT))),
        ]),
        ..ours(KEPT)
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
    // On the heap, as it is long.
    for (what, fixture, secret, state, words) in vec![
        ("right", made(), ours(KEPT), "in sync", vec![]),
        (
            "right, and refused: said of the token, not here",
            made().registry_says(KEPT, refused()),
            ours(KEPT),
            "rejected",
            vec![],
        ),
        (
            "another token",
            made(),
            ours(OTHER),
            "stale",
            vec![
                "secret-stale: it holds another token of gitea.example.com than the keychain",
                SYNC,
            ],
        ),
        (
            "another token, which is dead",
            made().registry_says(OTHER, refused()),
            ours(OTHER),
            "rejected",
            vec![
                "token-rejected: it holds another token than the keychain, and the registry does not accept it",
                SYNC,
            ],
        ),
        (
            "another user's name",
            made(),
            entry(Some(("bob", KEPT))),
            "stale",
            vec!["its user for gitea.example.com is not admin", SYNC],
        ),
        (
            "a rotation's new one",
            made(),
            ours(HeldToken::Stored(TokenSlot::Pending)),
            "rotating",
            vec![],
        ),
        (
            "the workstation's",
            made(),
            ours(HeldToken::Stored(TokenSlot::Docker)),
            "stale",
            vec!["for this workstation, and there is one for clusters", SYNC],
        ),
        (
            "no login",
            made(),
            entry(None),
            "stale",
            vec!["has neither user nor password", SYNC],
        ),
        (
            "a key with a port, which kubelet compares",
            made(),
            of_key("gitea.example.com:443"),
            "stale",
            vec![
                "it has no entry that kubelet takes for images of gitea.example.com",
                SYNC,
            ],
        ),
        (
            "a key in another spelling",
            made(),
            of_key("Gitea.example.com"),
            "stale",
            vec![
                "it has no entry that kubelet takes for images of gitea.example.com",
                SYNC,
            ],
        ),
        (
            "a key with a version, which kubelet takes for a path",
            made(),
            of_key("gitea.example.com/v2"),
            "stale",
            vec![
                "it has no entry that kubelet takes for images of gitea.example.com",
                SYNC,
            ],
        ),
        (
            "a path alone",
            made(),
            of_key("gitea.example.com/team"),
            "stale",
            vec![
                "it has no entry for gitea.example.com as a whole, only for gitea.example.com/team",
                SYNC,
            ],
        ),
        (
            "a wildcard alone",
            made(),
            of_key("*.example.com"),
            "stale",
            vec![
                "it has no entry for gitea.example.com as a whole, only for *.example.com",
                SYNC,
            ],
        ),
        (
            "a second token in a field that kubelet does not read",
            made(),
            of_key(REGISTRY),
            "stale",
            vec![
                "its entry for gitea.example.com has more in it than the user and the token",
                SYNC,
            ],
        ),
        (
            "another's token for a path beside it",
            made(),
            beside("gitea.example.com/team"),
            "in sync",
            vec![],
        ),
        (
            "another's token for a wildcard beside it",
            made(),
            beside("*.example.com"),
            "in sync",
            vec![],
        ),
        (
            "Helm's, for a wildcard",
            made(),
            SeenSecret {
                holds: Vec::new(),
                state: Document::Entries(vec![entry_of("*.example.com", Some(("admin", KEPT)))]),
                ..of_helm("pull", KEPT)
            },
            "in sync",
            vec![],
        ),
        (
            "empty",
            made(),
            with_state(Document::Empty),
            "stale",
            vec!["it has no entry for gitea.example.com", SYNC],
        ),
        (
            "frozen",
            made(),
            frozen,
            "stale",
            vec!["pull is immutable", "--secret NEW-NAME"],
        ),
        (
            "of the old type",
            made(),
            legacy,
            "stale",
            vec!["kubernetes.io/dockercfg", "--secret NEW-NAME"],
        ),
        (
            "by hand, and right",
            made(),
            by_hand("pull", KEPT),
            "not managed",
            vec![
                "secret-unmanaged: regcred does not manage it, though it holds the keychain's token",
                SYNC,
            ],
        ),
        (
            "by hand, and not",
            made(),
            by_hand("pull", OTHER),
            "not managed",
            vec!["regcred does not manage it; it holds another token", SYNC],
        ),
        ("Helm's, and right", made(), of_helm("pull", KEPT), "in sync", vec![]),
        (
            "Helm's, and not",
            made(),
            of_helm("pull", OTHER),
            "owned by Helm",
            vec![
                "secret-owned-by-other: it holds another token of gitea.example.com than the keychain, and Helm manages it",
                "change the chart's values",
            ],
        ),
        (
            "of a registry with an entry that is none",
            made(),
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
            made(),
            with_state(Document::Broken { problems: vec![] }),
            "broken",
            vec![
                "its document is not a docker config",
                "kubectl patch secret pull -n web",
                SYNC,
            ],
        ),
        (
            "a copy",
            made(),
            copied,
            "in sync",
            vec![
                "last-applied-token: ",
                "kubectl annotate secret pull -n web kubectl.kubernetes.io/last-applied-configuration-",
            ],
        ),
        (
            "too much",
            Fixture::with(Use::Docker).registry_says(KEPT, accepted("write:package")),
            ours(HeldToken::Stored(TokenSlot::Docker)),
            "in sync",
            vec![
                "token-over-scoped: it holds a token with the scopes write:package",
                "--use cluster --mint",
                SYNC,
            ],
        ),
        (
            "enough",
            Fixture::with(Use::Docker).registry_says(KEPT, accepted("read:package")),
            ours(HeldToken::Stored(TokenSlot::Docker)),
            "in sync",
            vec![],
        ),
    ] {
        let (states, findings) = judged(fixture, secret);
        assert_eq!(states, [state], "{what}");
        assert_eq!(findings.is_empty(), words.is_empty(), "{what}: {findings:?}");
        for word in words {
            assert!(findings.concat().contains(word), "{what}: no {word:?} in {findings:?}");
        }
    }
}

#[test]
fn an_unused_secret_is_only_a_note() {
    use crate::commands::status::Severity;
    let unused = |accounts: Vec<_>, pullers: Vec<_>, secret: SeenSecret| {
        let mut fixture = Fixture::new();
        fixture.survey.accounts = accounts;
        fixture.survey.pullers = pullers;
        fixture.survey.secrets = vec![secret];
        let (_, findings) = fixture.judged();
        findings.iter().any(|finding| finding.code == Code::SecretUnused)
    };
    let ours = || secret("pull", KEPT);
    assert!(unused(vec![], vec![], ours()));
    assert!(unused(
        vec![account("default", &["other"])],
        vec![puller(&["other"])],
        ours()
    ));
    assert!(!unused(vec![account("default", &["pull"])], vec![], ours()));
    assert!(!unused(vec![], vec![puller(&["pull"])], ours()));
    // Secrets that are not ours.
    assert!(!unused(vec![], vec![], by_hand("pull", KEPT)));
    assert!(!unused(vec![], vec![], of_helm("pull", KEPT)));
    assert_eq!(Code::SecretUnused.severity(), Severity::Note);
}

#[test]
fn a_secret_with_only_our_label_gets_no_command_that_writes_it() {
    use crate::commands::status::cluster_view::Expected;
    use crate::commands::status::fixture::target;
    use crate::model::{EarlierTokens, FingerprintKey, OwnTokens, Token};
    let shown = |fixture: &Fixture| {
        let view = fixture.view();
        let unproven = view.unproven();
        let (_, findings) = judge(&view);
        let guarded = findings.into_iter().map(|finding| view.guarded(finding, &unproven));
        let guarded: Vec<Finding> = guarded.collect();
        let commands: usize = guarded
            .iter()
            .map(|finding| finding.remedy.lines(fixture.typed()).len())
            .sum();
        (commands, fixture.shown(&guarded).concat())
    };
    let fixture_with = |state: Option<Document>| {
        let mut fixture = Fixture::new();
        let secret = secret("pull", OTHER);
        let document = state.unwrap_or_else(|| secret.state.clone());
        fixture.survey.secrets = vec![SeenSecret {
            state: document,
            ..secret
        }];
        fixture
    };
    for state in [None, Some(Document::Empty), Some(Document::Broken { problems: vec![] })] {
        let fixture = fixture_with(state.clone());
        let (commands, text) = shown(&fixture);
        assert_eq!(commands, 0, "{text}");
        assert!(
            text.contains("nothing in this one proves that it is yours; if it is: ") && text.contains(SYNC),
            "{text}"
        );
        // A Secret that the user has named gets the command.
        let mut asked = fixture_with(state);
        asked.expected = vec![Expected {
            target: target("pull"),
            registries: vec![REGISTRY.parse().unwrap()],
            uses: Vec::new(),
            service_accounts: Vec::new(),
            is_by_name: true,
            is_for_kubelet: true,
        }];
        assert!(shown(&asked).0 > 0);
    }
    let mut ours = fixture_with(None);
    let key = FingerprintKey::new(zeroize::Zeroizing::new([7; 32]));
    let mut own = OwnTokens {
        current: Vec::new(),
        earlier: EarlierTokens::with_key(key),
    };
    own.earlier.remember(&Token::parse("other").unwrap(), None);
    ours.credentials.own.insert(REGISTRY.parse().unwrap(), own);
    let (commands, text) = shown(&ours);
    assert!(
        commands > 0 && !text.contains("if it is: "),
        "an earlier token proves it: {text}"
    );
}
