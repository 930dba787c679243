//! The keychain's real parts, each through the same scenarios: locked, dying, slow, new, full of items.

use std::collections::HashMap;
use std::process::Stdio;

use keyring_core::api::CredentialStoreApi as _;
use regcred::keychain::Error;
use regcred::keychain::secret_service::SecretService;
use regcred::model::{Credential, Use};

use super::secret_service::{every_action_fails, impatient, with_screen};
use crate::helper::{NOT_FOUND, TOKEN, ask, credential, entry, keychain, registry, start, success};
use crate::support::keyring::{self, Product, until};
use crate::support::parts::{IN_GNOME_KEYRING, IN_KEEPASSXC, IN_VAULT};
use crate::support::store::{Kind, Store};
use crate::support::{HELPER, keepassxc};

scenario!(a_locked_keyring_says_so, on(IN_GNOME_KEYRING, IN_KEEPASSXC, IN_VAULT));
fn a_locked_keyring_says_so(kind: Kind) {
    let mut store = kind.start();
    let stored = entry("gitea.example.com", "alice", TOKEN);
    assert_eq!(ask(store.command(HELPER), "store", &stored), success());
    store.lock();
    every_action_fails(|| store.command(HELPER), store.is_locked_text());
    // A registry that was never stored: nobody can know that of a locked store.
    let (stdout, _, _) = ask(store.command(HELPER), "get", "other.example.com");
    assert!(stdout.contains("locked"), "{stdout}");
    store.unlock();
    assert!(ask(store.command(HELPER), "get", "gitea.example.com").0.contains(TOKEN));
    store.crash();
    every_action_fails(|| store.command(HELPER), store.is_locked_text());
}

scenario!(a_daemon_that_dies_mid_call, on(IN_GNOME_KEYRING, IN_KEEPASSXC));
fn a_daemon_that_dies_mid_call(kind: Kind) {
    let mut store = kind.start();
    let keyring = store.keyring();
    let others = keyring.bus().connections();
    // Stopped, it takes calls and does not answer; then it is gone.
    keyring.daemon().signal("STOP");
    let mut child = start(keyring.command(HELPER), "get");
    let mut stdin = child.stdin.take().unwrap();
    std::io::Write::write_all(&mut stdin, b"gitea.example.com").unwrap();
    drop(stdin);
    until("the helper is on the bus", || keyring.bus().connections() > others);
    keyring.kill_daemon();
    let output = child.wait_with_output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    assert!(
        stdout.contains("went away") || stdout.contains("no secret service"),
        "{stdout}"
    );
    assert_eq!(output.status.code(), Some(1));
}

scenario!(
    a_daemon_that_comes_back_is_asked_again,
    on(IN_GNOME_KEYRING, IN_KEEPASSXC)
);
fn a_daemon_that_comes_back_is_asked_again(kind: Kind) {
    let mut store = kind.start();
    let keyring = store.keyring();
    let stored = entry("gitea.example.com", "alice", TOKEN);
    assert_eq!(ask(keyring.command(HELPER), "store", &stored), success());
    keyring.stop_daemon();
    every_action_fails(|| keyring.command(HELPER), "no secret service");
    keyring.start_daemon(Some(keyring::PASSWORD));
    assert!(
        ask(keyring.command(HELPER), "get", "gitea.example.com")
            .0
            .contains(TOKEN)
    );
}

scenario!(a_daemon_that_hangs, on(IN_GNOME_KEYRING, IN_KEEPASSXC));
fn a_daemon_that_hangs(kind: Kind) {
    let mut store = kind.start();
    let keyring = store.keyring();
    keyring.daemon().signal("STOP");
    let (stdout, stderr, code) = ask(keyring.command(HELPER), "get", "gitea.example.com");
    assert!(stdout.contains("did not answer within 5 s"), "{stdout}");
    assert!(stderr.contains("hint: "), "{stderr}");
    assert_eq!(code, 1);
}

scenario!(
    a_new_user_without_a_keyring,
    on(IN_GNOME_KEYRING, IN_KEEPASSXC, IN_VAULT)
);
fn a_new_user_without_a_keyring(kind: Kind) {
    let mut store = kind.start();
    if let Store::Vault(home) = &store {
        std::fs::remove_dir_all(home.file().parent().unwrap()).unwrap();
        every_action_fails(|| store.command(HELPER), "there is no vault at ");
        return assert!(!home.file().parent().unwrap().exists(), "nobody makes one unasked");
    }
    let keyring = store.keyring();
    keyring.forget();
    keyring.start_daemon(None);
    if kind == Kind::Service(Product::KeePassXc) {
        // Without a database it cannot know: one may be waiting to be opened.
        return every_action_fails(|| keyring.command(HELPER), "no default keyring");
    }
    let ask = |action, stdin: &str| ask(keyring.command(HELPER), action, stdin);
    assert_eq!(ask("get", "gitea.example.com").0, format!("{NOT_FOUND}\n"));
    assert_eq!(ask("erase", "gitea.example.com"), success());
    assert_eq!(ask("list", "").0, "{}\n");
    let (stdout, stderr, code) = ask("store", &entry("gitea.example.com", "alice", TOKEN));
    assert_eq!(stdout, "the secret service has no default keyring\n");
    assert!(stderr.contains("hint: make a default keyring once"), "{stderr}");
    assert_eq!(code, 1);
}

scenario!(
    a_long_list_shows_every_change,
    on(IN_GNOME_KEYRING, IN_KEEPASSXC, IN_VAULT)
);
fn a_long_list_shows_every_change(kind: Kind) {
    let mut store = kind.start();
    let ours = keychain(&store.env());
    let put = |number: usize, username: &str| {
        let registry = registry(&format!("registry-{number}.example.com"));
        let credential = Credential {
            registry,
            ..credential(username, TOKEN)
        };
        ours.put(Use::Docker, &credential).unwrap();
    };
    let users = || -> Vec<String> {
        let items = ours.list().unwrap();
        items.into_iter().map(|item| item.username.to_string()).collect()
    };
    (10..50).for_each(|number| put(number, "alice"));
    assert_eq!(users(), vec!["alice"; 40]);
    put(10, "bob");
    put(50, "carol");
    assert_eq!(users(), [&["bob"], &["alice"; 39][..], &["carol"]].concat());
    match &store {
        // Not by us: by a person in the desktop's own program.
        Store::Service(keyring) => {
            let item = ["service", "kubectl-regcred", "registry", "registry-11.example.com"];
            let mut clear = keyring.command("secret-tool");
            assert!(clear.arg("clear").args(item).status().unwrap().success());
        }
        Store::Vault(home) => drop(home.helper("erase", "registry-11.example.com").done()),
    }
    assert_eq!(users().len(), 40);
    // The next process numbers its items anew.
    store.restart();
    put(11, "dave");
    assert_eq!(users(), [&["bob", "dave"], &["alice"; 38][..], &["carol"]].concat());
}

scenario!(
    an_item_that_was_left_behind_is_not_taken_for_the_new_one,
    on(IN_GNOME_KEYRING),
    needs("secret-tool")
);
/// A writer was stopped before it could delete the older item of the same name; then that one's user is stored again.
fn an_item_that_was_left_behind_is_not_taken_for_the_new_one(kind: Kind) {
    let store = kind.start();
    let service = SecretService::new(&store.env());
    let item = |user: &str| {
        let attributes = HashMap::from([("username", user)]);
        let account = "docker gitea.example.com";
        service.build("kubectl-regcred", account, Some(&attributes)).unwrap()
    };
    item("alice").set_secret(b"one").unwrap();
    let mut tool = store.command("secret-tool");
    tool.args(["store", "--label=x", "service", "kubectl-regcred", "use", "docker"])
        .args(["registry", "gitea.example.com", "username", "bob"])
        .stdin(Stdio::piped());
    let mut tool = tool.spawn().unwrap();
    std::io::Write::write_all(&mut tool.stdin.take().unwrap(), b"two").unwrap();
    assert!(tool.wait().unwrap().success());
    assert_eq!(item("bob").get_secret().unwrap(), b"two", "the newest counts");
    item("alice").set_secret(b"three").unwrap();
    assert_eq!(item("alice").get_secret().unwrap(), b"three");
    let found = service.search(&HashMap::from([("service", "kubectl-regcred")]));
    assert_eq!(found.unwrap().len(), 1);
}

scenario!(text_like_placeholders, on(IN_GNOME_KEYRING, IN_KEEPASSXC, IN_VAULT));
/// `KeePassXC` puts something else in the place of them, and refuses what starts with `{REF:`.
fn text_like_placeholders(kind: Kind) {
    let store = kind.start();
    for token in [
        "{USERNAME}",
        "{REF:T@I:0}",
        r#"{"a":{TITLE}}{TITLE}"#,
        "\u{1b}\u{7f}\u{9f}",
    ] {
        let stored = entry("gitea.example.com", "{TITLE}", token);
        assert_eq!(ask(store.command(HELPER), "store", &stored), success());
        let (stdout, _, _) = ask(store.command(HELPER), "get", "gitea.example.com");
        let answer: serde_json::Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!(
            (answer["Username"].as_str(), answer["Secret"].as_str()),
            (Some("{TITLE}"), Some(token))
        );
    }
}

scenario!(one_that_asks_for_each_item, on(IN_KEEPASSXC));
/// `KeePassXC` asks its owner for each item and process before it gives a secret out; what there is it shows.
fn one_that_asks_for_each_item(kind: Kind) {
    let mut store = kind.start();
    let keyring = store.keyring();
    let stored = entry("gitea.example.com", "alice", TOKEN);
    assert_eq!(ask(keyring.command(HELPER), "store", &stored), success());
    keyring.stop_daemon();
    keepassxc::ask_first(keyring.bus());
    keyring.start_daemon(Some(keyring::PASSWORD));
    let listed = "{\"gitea.example.com\":\"alice\"}\n".to_owned();
    assert_eq!(ask(keyring.command(HELPER), "list", ""), (listed, String::new(), 0));
    let error = keychain(&keyring.env())
        .get(&registry("gitea.example.com"), Use::Docker)
        .unwrap_err();
    assert!(matches!(error, Error::Locked), "{error}");
    let error = impatient(&with_screen(keyring.bus()))
        .get(&registry("gitea.example.com"), Use::Docker)
        .unwrap_err();
    assert!(matches!(error, Error::PromptUnanswered(_)), "{error}");
}
