//! Plans, from what was observed.

use super::*;
use crate::model::{Credential, OwnTokens, Token, Use};
use serde_json::{Value, json};

fn credential(registry: &str, token: &str) -> Credential {
    Credential {
        registry: registry.parse().unwrap(),
        username: "admin".parse().unwrap(),
        token: Token::parse(token).unwrap(),
    }
}

fn target() -> Target {
    Target {
        namespace: "honeydue".parse().unwrap(),
        secret: "gitea-credentials".parse().unwrap(),
    }
}

fn observed(change: impl FnOnce(&mut Value)) -> Observed {
    let made = decide(None, &credential("gitea.example.com", "old"), false).unwrap();
    let mut secret = serde_json::to_value(&made.manifest).unwrap();
    secret["metadata"]["resourceVersion"] = "7".into();
    secret["metadata"]["managedFields"] = json!([{"manager": "kubectl-regcred", "operation": "Apply"}]);
    change(&mut secret);
    Observed::new(serde_json::from_value(secret).unwrap())
}

/// In the format that the Secret has.
fn plan(
    target: &Target,
    observed: Option<&Observed>,
    wanted: &[Wanted<'_>],
    force_conflicts: bool,
) -> Result<Plan, Refusal> {
    super::plan(None, target, observed, wanted, force_conflicts)
}

fn decide(observed: Option<&Observed>, credential: &Credential, force: bool) -> Result<Plan, Refusal> {
    plan(
        &target(),
        observed,
        &[Wanted {
            credential,
            usage: Use::Cluster,
            others: &[],
            replaces: None,
            over: Over::Anything,
            writer: None,
        }],
        force,
    )
}

fn document(text: &str) -> Value {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(text).into()
}

fn shown(plan: &Plan) -> Vec<String> {
    match &plan.action {
        Action::Configure { changes } => changes.iter().map(ToString::to_string).collect(),
        other => vec![format!("{other:?}")],
    }
}

#[test]
fn a_new_secret_is_complete_and_its_token_stays_out_of_debug() {
    let plan = decide(None, &credential("gitea.example.com", "s3cret"), false).unwrap();
    assert_eq!(
        serde_json::to_value(&plan.manifest).unwrap(),
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson",
            "metadata": {
                "name": "gitea-credentials", "namespace": "honeydue",
                "labels": {"app.kubernetes.io/managed-by": "kubectl-regcred"},
                "annotations": {
                    "kubectl-regcred/registry": "gitea.example.com",
                    "kubectl-regcred/username": "admin",
                    "kubectl-regcred/use": "cluster",
                },
            },
            "data": {".dockerconfigjson": document(r#"{"auths":{"gitea.example.com":{"username":"admin","password":"s3cret","auth":"YWRtaW46czNjcmV0"}}}"#)},
        })
    );
    let debug = format!("{plan:?}");
    assert!(!debug.contains("s3cret") && !debug.contains("czNjcmV0"), "{debug}");
}

#[test]
fn the_same_again_is_unchanged_and_a_new_token_is_one_change() {
    let there = observed(|_| ());
    let same = decide(Some(&there), &credential("gitea.example.com", "old"), false).unwrap();
    assert_eq!((same.action, same.notes), (Action::Unchanged, vec![]));
    let new = decide(Some(&there), &credential("gitea.example.com", "new"), false).unwrap();
    assert_eq!(shown(&new), ["credential for gitea.example.com"]);
    assert_eq!((new.force, new.resource_version.as_deref()), (false, Some("7")));
}

#[test]
fn a_second_registry_joins_and_one_that_left_is_forgotten() {
    let there = observed(|_| ());
    let joined = decide(Some(&there), &credential("ghcr.io", "t"), false).unwrap();
    assert_eq!(
        joined.manifest.metadata.annotations["kubectl-regcred/registry"],
        "ghcr.io,gitea.example.com"
    );
    assert_eq!(
        joined.manifest.metadata.annotations["kubectl-regcred/use"],
        "cluster,cluster"
    );
    let left = observed(|secret| secret["data"][".dockerconfigjson"] = document(r#"{"auths":{}}"#));
    let left = decide(Some(&left), &credential("ghcr.io", "t"), false).unwrap();
    assert_eq!(
        left.manifest.metadata.annotations["kubectl-regcred/registry"],
        "ghcr.io"
    );
}

#[test]
fn several_registries_are_one_plan() {
    let credentials = [credential("gitea.example.com", "new"), credential("ghcr.io", "t")];
    let wanted: Vec<_> = credentials
        .iter()
        .map(|credential| Wanted {
            credential,
            usage: Use::Docker,
            others: &[],
            replaces: None,
            over: Over::Anything,
            writer: None,
        })
        .collect();
    let made = plan(&target(), None, &wanted, false).unwrap();
    let annotations = &made.manifest.metadata.annotations;
    assert_eq!(annotations["kubectl-regcred/registry"], "ghcr.io,gitea.example.com");
    assert_eq!(annotations["kubectl-regcred/use"], "docker,docker");
    let changed = plan(&target(), Some(&observed(|_| ())), &wanted, false).unwrap();
    assert_eq!(
        shown(&changed)[..2],
        ["credential for gitea.example.com", "credential for ghcr.io"]
    );
}

#[test]
fn one_made_by_kubectl_is_adopted_and_its_copy_removed() {
    let there = observed(|secret| {
        secret["metadata"]["labels"] = Value::Null;
        secret["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/last-applied-configuration": "{}"});
        secret["metadata"]["managedFields"] = json!([{"manager": "kubectl-client-side-apply", "operation": "Update",
            "fieldsV1": {"f:data": {".": {}, "f:.dockerconfigjson": {}}}}]);
    });
    let adopted = decide(Some(&there), &credential("gitea.example.com", "new"), false).unwrap();
    assert!(adopted.force);
    assert_eq!(
        adopted.notes[0],
        Note::Adopted {
            from: Some("kubectl-client-side-apply".into())
        }
    );
    assert!(adopted.notes.contains(&Note::LastAppliedRemoved));
    assert!(shown(&adopted).contains(&Change::LastApplied.to_string()));
}

#[test]
fn a_copy_that_a_killed_run_left_behind_is_all_that_the_next_one_changes() {
    let there = observed(|secret| {
        secret["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = "{}".into();
    });
    let next = decide(Some(&there), &credential("gitea.example.com", "old"), false).unwrap();
    assert_eq!(
        next.action,
        Action::Configure {
            changes: vec![Change::LastApplied]
        }
    );
}

#[test]
fn a_copy_that_a_killed_removal_left_behind_is_removed_if_it_has_the_registry() {
    let registry: Registry = "gitea.example.com".parse().unwrap();
    // Between its two writes, with the entry gone and nothing of ours left.
    let there = |copy: Value| {
        observed(|secret| {
            secret["metadata"]["labels"] = Value::Null;
            secret["metadata"]["annotations"] = json!({LAST_APPLIED: copy.to_string()});
            secret["data"][".dockerconfigjson"] = document(r#"{"auths":{}}"#);
        })
    };
    let copy_of = |key: &str, text: &Value| {
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": PULL_SECRET_TYPE,
            "metadata": {"annotations": {}, "name": "gitea-credentials", "namespace": "honeydue"},
            key: {".dockerconfigjson": text},
        })
    };
    let entry = |key: &str| format!(r#"{{"auths":{{"{key}":{{"username":"admin","password":"old"}}}}}}"#);
    let [own, others] = ["old", "another"].map(|token| OwnTokens::only(vec![Token::parse(token).unwrap()]));
    let removed = [Change::LastApplied.to_string()];
    let unchanged = ["Unchanged".to_owned()];
    for (copy, expected) in [
        (copy_of("data", &document(&entry("gitea.example.com"))), &removed),
        (
            copy_of("stringData", &entry("https://gitea.example.com/v2/").into()),
            &removed,
        ),
        (copy_of("data", &document(&entry("ghcr.io"))), &unchanged),
        (json!({}), &unchanged),
        (json!("no Secret"), &unchanged),
    ] {
        let there = there(copy);
        let planned = |own: Option<&OwnTokens>| plan_removal(&target(), Some(&there), &registry, own, false).unwrap();
        assert_eq!(shown(&planned(None)), expected[..]);
        assert_eq!(shown(&planned(Some(&own))), expected[..]);
        assert_eq!(shown(&planned(Some(&others))), unchanged[..]);
    }
}

#[test]
fn what_cannot_be_written_is_refused_with_a_way_out() {
    let new = credential("gitea.example.com", "new");
    let refuse = |change: fn(&mut Value)| decide(Some(&observed(change)), &new, true).unwrap_err();
    for (refusal, text) in [
        (refuse(|secret| secret["type"] = "Opaque".into()), "\"Opaque\""),
        (refuse(|secret| secret["immutable"] = true.into()), "immutable"),
        (
            refuse(|secret| secret["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z".into()),
            "deleted",
        ),
        (
            refuse(|secret| secret["data"][".dockerconfigjson"] = document(r#"{"auths":[]}"#)),
            "no docker config",
        ),
        (
            refuse(|secret| secret["data"][".dockerconfigjson"] = document("nonsense s3cret")),
            "no docker config",
        ),
    ] {
        assert!(refusal.to_string().contains(text), "{refusal}");
        assert!(
            refusal.hint().contains("--secret NAME") && !refusal.to_string().contains("s3cret"),
            "{refusal}"
        );
    }
    let same = credential("gitea.example.com", "old");
    let immutable = observed(|secret| secret["immutable"] = true.into());
    assert_eq!(
        decide(Some(&immutable), &same, false).unwrap().action,
        Action::Unchanged
    );
}

#[test]
fn somebody_elses_is_refused_unless_forced() {
    let there = observed(|secret| secret["metadata"]["labels"]["app.kubernetes.io/managed-by"] = "Helm".into());
    let new = credential("gitea.example.com", "new");
    let refusal = decide(Some(&there), &new, false).unwrap_err();
    assert!(
        matches!(&refusal, Refusal::Foreign(owner) if owner.name == "Helm"),
        "{refusal}"
    );
    assert!(refusal.hint().contains("--force-conflicts") && refusal.hint().contains("--secret NAME"));
    let forced = decide(Some(&there), &new, true).unwrap();
    assert!(matches!(&forced.notes[0], Note::Overrides(owner) if owner.name == "Helm"));
}

#[test]
fn foreign_entries_that_break_kubelet_are_reported_and_kept() {
    let there = observed(|secret| {
        secret["data"][".dockerconfigjson"] = document(r#"{"auths":{"bad\u001b[31m":{"auth":1}}}"#);
    });
    let plan = decide(Some(&there), &credential("gitea.example.com", "new"), false).unwrap();
    assert!(matches!(&plan.notes[0], Note::BreaksKubelet(_)));
    assert!(!plan.notes[0].to_string().contains('\u{1b}'));
}

/// A Secret with our label and annotations, and this document.
fn claimed(document_text: &str) -> Observed {
    let data = document(document_text);
    observed(|secret| secret["data"][".dockerconfigjson"] = data)
}

proptest::proptest! {
    #[test]
    fn a_credential_replaces_tokens_of_ours_and_nothing_else(
        entries in proptest::collection::vec((0..5_usize, 0..5_usize), 0..5),
        own in proptest::collection::btree_set(0..4_usize, 0..3),
    ) {
        const KEYS: [&str; 5] = [
            "gitea.example.com", "https://gitea.example.com/v2/", "gitea.example.com.evil.example", "ghcr.io", "example.com",
        ];
        const TOKENS: [&str; 5] = ["one", "two", "three", "four", ""];
        let registry: Registry = "gitea.example.com".parse().unwrap();
        let mut auths = serde_json::Map::new();
        for (key, token) in entries {
            auths.insert(KEYS[key].to_owned(), json!({"username": "mallory", "password": TOKENS[token]}));
        }
        let is_ours = |key: &str, entry: &Value| {
            registry.is_named_by(key) && own.iter().any(|at| entry["password"] == TOKENS[*at])
        };
        let proves = auths.iter().any(|(key, entry)| is_ours(key, entry));
        let tokens = own.iter().map(|at| Token::parse(TOKENS[*at]).unwrap()).collect();
        let own = OwnTokens::only(tokens);
        let new = credential("gitea.example.com", "the-new-token");
        let wanted = [Wanted { credential: &new, usage: Use::Cluster, others: &[], replaces: Some(&own), over: Over::Anything, writer: None }];
        let there = claimed(&json!({"auths": auths}).to_string());
        let plan = plan(&target(), Some(&there), &wanted, false).unwrap();
        proptest::prop_assert_eq!(plan.action != Action::LeaveAlone, proves);
        proptest::prop_assert_eq!(plan.left_alone.is_empty(), proves);
        let manifest = serde_json::to_value(&plan.manifest).unwrap();
        let data = decoded(&manifest);
        proptest::prop_assert_eq!(data.contains("the-new-token"), proves);
        if proves {
            let written: Value = serde_json::from_str(&data).unwrap();
            for (key, entry) in &auths {
                if !registry.is_named_by(key) {
                    proptest::prop_assert_eq!(&written["auths"][key.as_str()], entry);
                }
            }
        }
    }
}

fn decoded(manifest: &Value) -> String {
    use base64::Engine as _;
    let data = manifest["data"][".dockerconfigjson"].as_str().unwrap();
    String::from_utf8(base64::engine::general_purpose::STANDARD.decode(data).unwrap()).unwrap()
}

#[test]
fn what_is_not_there_is_not_made_for_a_token_that_should_be_replaced() {
    let own = OwnTokens::only(vec![Token::parse("old").unwrap()]);
    let new = credential("gitea.example.com", "new");
    let wanted = [Wanted {
        credential: &new,
        usage: Use::Cluster,
        others: &[],
        replaces: Some(&own),
        over: Over::Anything,
        writer: None,
    }];
    let gone = plan(&target(), None, &wanted, false).unwrap();
    assert_eq!(gone.action, Action::LeaveAlone);
    assert_eq!(gone.left_alone[0].to_string(), "there is no such Secret");
    // Immutable, foreign or broken: whoever is not proved gets no error that would make every run fail.
    for change in [
        |secret: &mut Value| secret["immutable"] = true.into(),
        |secret: &mut Value| secret["metadata"]["labels"]["app.kubernetes.io/managed-by"] = "Helm".into(),
        |secret: &mut Value| secret["data"][".dockerconfigjson"] = "e30=".into(),
    ] {
        let own = OwnTokens::only(vec![Token::parse("another").unwrap()]);
        let wanted = [Wanted {
            others: &[],
            replaces: Some(&own),
            ..wanted[0]
        }];
        let left = plan(&target(), Some(&observed(change)), &wanted, false).unwrap();
        assert_eq!(left.action, Action::LeaveAlone);
    }
    assert_eq!(
        plan(
            &target(),
            Some(&observed(|secret| secret["immutable"] = true.into())),
            &wanted,
            false
        )
        .unwrap_err(),
        Refusal::Immutable
    );
}

mod writers {
    use super::*;
    use crate::model::{InstallationId, Writer};

    fn writer(name: &str, id: u8) -> Writer {
        Writer::new(name, Some(InstallationId::of([id; 16]))).unwrap()
    }

    /// `wanted` over these tokens, written by the installation 1.
    fn decide_over(
        observed: &Observed,
        user: &str,
        token: &str,
        own: &[&str],
        cleared: &[&str],
    ) -> Result<Plan, Refusal> {
        let new = Credential {
            username: user.parse().unwrap(),
            ..credential("gitea.example.com", token)
        };
        let token = |text: &&str| Token::parse(text).unwrap();
        let own = OwnTokens::only(own.iter().map(token).collect());
        let cleared: Vec<_> = cleared.iter().map(|text| (new.registry.clone(), token(text))).collect();
        let wanted = [Wanted {
            credential: &new,
            usage: Use::Cluster,
            others: &[],
            replaces: None,
            over: Over::Known {
                own: &own,
                cleared: &cleared,
            },
            writer: Some(&writer("jane", 1)),
        }];
        plan(&target(), Some(observed), &wanted, false)
    }

    fn written_by(id: u8) -> Observed {
        observed(|secret| {
            let annotations = &mut secret["metadata"]["annotations"];
            annotations["kubectl-regcred/written-by"] = "bob".into();
            annotations["kubectl-regcred/installation"] = InstallationId::of([id; 16]).to_string().into();
        })
    }

    #[test]
    fn a_token_that_is_not_known_is_met_before_it_is_replaced() {
        for (there, user, own, cleared, is_met) in [
            (observed(|_| ()), "admin", &["new"][..], &[][..], true),
            (observed(|_| ()), "admin", &["old"], &[], false),
            (observed(|_| ()), "bot", &["old"], &[], false),
            (observed(|_| ()), "admin", &["new"], &["old"], false),
            (written_by(2), "admin", &["old"], &[], false),
            (written_by(2), "bot", &["old"], &[], true),
            (written_by(2), "bot", &["old"], &["old"], false),
            (written_by(1), "bot", &["old"], &[], false),
        ] {
            let planned = decide_over(&there, user, "new", own, cleared);
            match planned {
                Err(Refusal::OtherToken(met)) => {
                    assert!(is_met, "{met}");
                    assert_eq!(met.token, Token::parse("old").unwrap());
                }
                planned => assert!(!is_met && planned.is_ok(), "{user} over {own:?}"),
            }
        }
        // Whoever owns the Secret is said first.
        let frozen = observed(|secret| secret["immutable"] = true.into());
        let refused = decide_over(&frozen, "admin", "new", &["new"], &[]).unwrap_err();
        assert_eq!(refused, Refusal::Immutable);
    }

    #[test]
    fn writers_are_noted_only_where_something_else_is_written() {
        let right = decide_over(&written_by(2), "admin", "old", &["old"], &[]).unwrap();
        assert_eq!(right.action, Action::Unchanged);
        let changed = decide_over(&written_by(2), "admin", "new", &["old"], &[]).unwrap();
        assert_eq!(
            shown(&changed),
            [
                "credential for gitea.example.com",
                "annotation kubectl-regcred/installation",
                "annotation kubectl-regcred/written-by",
            ]
        );
        let annotations = &changed.manifest.metadata.annotations;
        assert_eq!(annotations["kubectl-regcred/written-by"], "jane");
    }
}

/// What the plan for a Secret in another format comes to: what is shown, the type, and the keys that are written.
fn in_format(
    format: &str,
    observed: Option<&Observed>,
    token: &str,
) -> Result<(Vec<String>, String, Vec<String>), Refusal> {
    let credential = credential("gitea.example.com", token);
    let wanted = [Wanted {
        credential: &credential,
        usage: Use::Cluster,
        others: &[],
        replaces: None,
        over: Over::Anything,
        writer: None,
    }];
    let plan = super::plan(Some(&format.parse().unwrap()), &target(), observed, &wanted, false)?;
    let manifest = serde_json::to_value(&plan.manifest).unwrap();
    let keys = manifest["data"].as_object().unwrap().keys().cloned().collect();
    Ok((shown(&plan), manifest["type"].as_str().unwrap().to_owned(), keys))
}

/// A Secret of ours with these values.
fn opaque(format: &str, data: &[(&str, &str)]) -> Observed {
    observed(|secret| {
        secret["type"] = "Opaque".into();
        secret["metadata"]["annotations"]["kubectl-regcred/format"] = format.into();
        let data: serde_json::Map<_, _> = data
            .iter()
            .map(|(key, value)| ((*key).to_owned(), document(value)))
            .collect();
        secret["data"] = data.into();
    })
}

#[test]
fn another_format_has_the_user_and_the_token_in_keys_of_their_own() {
    let login = ["password", "username"].map(str::to_owned).to_vec();
    let new = in_format("basic-auth", None, "new").unwrap();
    let create = vec!["Create".to_owned()];
    assert_eq!(
        new,
        (create.clone(), "kubernetes.io/basic-auth".to_owned(), login.clone())
    );
    let (_, kind, keys) = in_format("argocd-repository", None, "new").unwrap();
    assert_eq!(
        (kind.as_str(), keys.join(" ")),
        ("Opaque", "enableOCI password type url username".to_owned())
    );

    // In place, only what is ours is written, and the type stays.
    let there = [("username", "admin"), ("password", "old"), ("caFile", "x")];
    let replaced = in_format("basic-auth", Some(&opaque("basic-auth", &there)), "new").unwrap();
    let changes = vec!["credential for gitea.example.com".to_owned()];
    assert_eq!(replaced, (changes, "Opaque".to_owned(), login));
    let same = in_format("basic-auth", Some(&opaque("basic-auth", &there)), "old").unwrap();
    assert_eq!(same.0, ["Unchanged"]);
    // Without a word about it, a Secret keeps the format that it has.
    let kept = decide(
        Some(&opaque("basic-auth", &there)),
        &credential("gitea.example.com", "old"),
        false,
    )
    .unwrap();
    assert_eq!(shown(&kept), ["Unchanged"]);
}

#[test]
fn what_is_not_in_the_format_is_refused() {
    let pull_secret = observed(|_| ());
    let refused = in_format("basic-auth", Some(&pull_secret), "new").unwrap_err();
    assert_eq!(refused, Refusal::Format("basic-auth".parse().unwrap()));
    let elsewhere = opaque(
        "argocd-repository",
        &[("url", "oci://ghcr.io/org"), ("password", "theirs")],
    );
    let refused = in_format("argocd-repository", Some(&elsewhere), "new").unwrap_err();
    assert!(matches!(refused, Refusal::OtherUrl { .. }), "{refused}");
    let plain = opaque("no such format", &[("username", "admin"), ("password", "old")]);
    let refused = decide(Some(&plain), &credential("gitea.example.com", "new"), false).unwrap_err();
    assert!(matches!(refused, Refusal::Type { .. }), "{refused}");
    let removal = plan_removal(
        &target(),
        Some(&opaque("basic-auth", &[("username", "admin"), ("password", "old")])),
        &"gitea.example.com".parse().unwrap(),
        None,
        false,
    );
    assert!(matches!(removal, Err(Refusal::NothingLeft(_))), "{removal:?}");
}
