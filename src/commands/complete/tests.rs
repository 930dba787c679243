//! The answers to lines that need no cluster.

use std::collections::BTreeSet;

use super::*;
use crate::model::{Credential, Token, Use};

fn keychain() -> Keychain {
    let keychain = Keychain::with_store(keyring_core::sample::Store::new().unwrap());
    for (registry, usage) in [
        ("gitea.example.com", Use::Docker),
        ("gitea.example.com", Use::Cluster),
        ("gitea.lan:3000", Use::Docker),
    ] {
        let credential = Credential {
            registry: registry.parse().unwrap(),
            username: "admin".parse().unwrap(),
            token: Token::parse("s3cret").unwrap(),
        };
        keychain.put(usage, &credential).unwrap();
    }
    keychain
}

/// The reply for `line`, of which the last word is completed; after a blank, a new word is completed.
fn answered(line: &str) -> (Vec<String>, String) {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("config");
    let text = "apiVersion: v1
kind: Config
contexts:
- {name: prod, context: {cluster: far, user: me}}
- {name: spare, context: {cluster: near, user: me}}
clusters: [{name: far, cluster: {}}, {name: near, cluster: {}}]
users: [{name: me, user: {}}, {name: root, user: {}}]
";
    std::fs::write(&kubeconfig, text).unwrap();
    let env = Env::from_iter([
        ("KUBECONFIG", kubeconfig.into_os_string()),
        ("REGISTRY_TOKEN", "s3cret".into()),
        ("LANG", "C".into()),
    ]);
    let request = Request {
        words: line.split(' ').map(OsString::from).collect(),
        with_descriptions: false,
    };
    let text = lines(&request, &env, |_| Ok(keychain()), Duration::ZERO);
    assert!(!text.contains("s3cret"), "{text}");
    let mut all: Vec<String> = text.lines().map(str::to_owned).collect();
    let directive = all.pop().unwrap();
    (all, directive)
}

fn candidates(line: &str) -> Vec<String> {
    answered(line).0
}

#[test]
fn commands_come_first() {
    let (all, directive) = answered("");
    assert!(
        all.contains(&"login".to_owned()) && all.contains(&"sync".to_owned()),
        "{all:?}"
    );
    assert!(!all.iter().any(|name| name.starts_with('_')), "{all:?}");
    assert_eq!(directive, ":4");
    assert_eq!(candidates("sy"), ["sync"]);
    assert_eq!(candidates("-v sy"), ["sync"]);
    assert_eq!(candidates("mistyped "), [""; 0]);
}

#[test]
fn values_in_every_way_of_typing_them() {
    for (line, found) in [
        ("sync --context ", vec!["prod", "spare"]),
        ("sync --context p", vec!["prod"]),
        ("sync --context=p", vec!["prod"]),
        ("sync --context prod --context ", vec!["spare"]),
        ("sync --cluster n", vec!["near"]),
        ("sync --user ", vec!["me", "root"]),
        ("sync --registry ", vec!["gitea.example.com", "gitea.lan:3000"]),
        ("login ", vec!["gitea.example.com", "gitea.lan:3000"]),
        ("logout gitea.l", vec!["gitea.lan:3000"]),
        ("login -v -- gitea.l", vec!["gitea.lan:3000"]),
        ("login gitea.example.com -u a", vec![]),
        ("sync --token-env ", vec!["REGISTRY_TOKEN"]),
        ("sync --token-env L", vec!["LANG"]),
        ("sync --use ", vec!["docker", "cluster"]),
        ("sync --dry-run=", vec!["none", "client", "server"]),
        ("sync --dry-run=c", vec!["client"]),
        ("sync -o y", vec!["yaml"]),
        ("sync -o=y", vec!["yaml"]),
        ("sync -oy", vec!["-oyaml"]),
        ("sync -voy", vec!["-voyaml"]),
        ("login --mint --scopes r", vec!["read:package"]),
        // New names cannot be completed.
        ("login --token-name ", vec![]),
        ("sync -l ", vec![]),
        ("sync more ", vec![]),
    ] {
        assert_eq!(
            answered(line),
            (found.iter().map(|text| (*text).to_owned()).collect(), ":4".to_owned()),
            "{line}"
        );
    }
}

#[test]
fn files_are_completed_by_the_shell() {
    for line in [
        "sync -f ",
        "sync --file=re",
        "login --env-file ",
        "login --ca-file x",
        "sync --kubeconfig ",
    ] {
        assert_eq!(answered(line), (vec![], ":0".to_owned()), "{line}");
    }
}

#[test]
fn only_flags_that_can_still_be_added() {
    let has = |line: &str, flag: &str| candidates(line).contains(&flag.to_owned());
    for (line, flag, goes) in [
        ("sync --", "--namespace", true),
        ("sync -n a --", "--namespace", true),
        ("sync -n a --", "--all-namespaces", false),
        ("sync -A --", "--namespace", false),
        ("sync -Av --", "--namespace", false),
        ("sync --kubeconfig=x --", "--kubeconfig", false),
        ("sync --token-stdin --", "--token-env", false),
        ("sync -f x --", "--token-env", false),
        ("sync -f x --", "--registry", false),
        ("login --no-verify --", "--mint", false),
        ("login --", "--mint", true),
        ("rotate --resume --", "--mint", false),
        ("rotate --resume --", "--skip-context", true),
        ("sync -n Not_Valid --dry-run=what --", "--all-namespaces", false),
        ("sync --mistyped --", "--namespace", true),
        ("sync -- --", "--namespace", false),
        ("sync --h", "--help", true),
        ("--v", "--version", true),
        ("sync ", "--namespace", true),
        ("login ", "--username", false),
        ("sync -", "-n", true),
        ("sync -n", "-n", true),
        ("sync --wait --", "--restart", true),
    ] {
        assert_eq!(has(line, flag), goes, "{line} {flag}");
    }
    assert_eq!(
        answered("sync --restart --wa"),
        (vec!["--wait".into(), "--wait=".into()], ":4".into())
    );
}

#[test]
fn a_description_comes_after_a_tab() {
    let request = Request::of(&["kubectl-regcred", "__complete", "lis"].map(OsString::from)).unwrap();
    let text = lines(&request, &Env::default(), |_| Ok(keychain()), Duration::ZERO);
    assert!(text.starts_with("list\tList "), "{text}");
}

#[test]
fn completion_is_requested_by_program_name_or_by_verb() {
    let of = |args: &[&str]| Request::of(&args.iter().map(OsString::from).collect::<Vec<_>>());
    for args in [
        &["/krew/bin/kubectl_complete-regcred", "sync", ""][..],
        &["kubectl-regcred", "__complete", "sync", ""],
    ] {
        let request = of(args).unwrap();
        assert_eq!(
            (request.words, request.with_descriptions),
            (vec!["sync".into(), "".into()], true)
        );
    }
    assert!(
        !of(&["kubectl-regcred", "__completeNoDesc", ""])
            .unwrap()
            .with_descriptions
    );
    for args in [
        &["kubectl-regcred", "sync", "__complete"][..],
        &["kubectl-regcred"],
        &[],
    ] {
        assert_eq!(of(args), None, "{args:?}");
    }
}

/// Fails if a new flag has no source for its values.
#[test]
fn every_value_has_a_source_or_is_known_to_be_free() {
    const FREE: [&str; 26] = [
        "selector",
        "deployment",
        "request_timeout",
        "lifetime",
        "wait",
        "token_name",
        "gitea_path",
        "impersonate",
        "impersonate_groups",
        "impersonate_uid",
        "skip_secret",
        "groups",
        "actions_account",
        "actions_secrets",
        "api_groups",
        "exclude",
        "grace",
        "if_older",
        "image",
        "images",
        "keep",
        "known_as",
        "matching",
        "max_token_age",
        "older_than",
        "skip_actions",
    ];
    fn walk(command: &Command, free: &mut BTreeSet<String>) {
        for arg in command.get_arguments().filter(|arg| line::takes_value(arg)) {
            if Source::of(arg) == Source::Free {
                free.insert(arg.get_id().to_string());
            }
        }
        command.get_subcommands().for_each(|below| walk(below, free));
    }
    let mut free = BTreeSet::new();
    walk(&tree(), &mut free);
    // The users that RBAC is to name.
    free.remove("users");
    let unknown: Vec<_> = free.iter().filter(|id| !FREE.contains(&id.as_str())).collect();
    assert_eq!(unknown, [""; 0], "give it a source, or add it here");
}
