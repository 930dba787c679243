//! The keychain's real parts, each through the same scenarios: locked, dying, slow, new, full of items.

use libtest_mimic::Trial;
use regcred::keychain::Error;
use regcred::model::{Credential, Use};

use super::{every_action_fails, impatient, with_screen};
use crate::helper::{HELPER, NOT_FOUND, TOKEN, ask, credential, entry, keychain, registry, start, success};
use crate::support::keepassxc;
use crate::support::keyring::{self, Keyring, Product, until};

/// What holds on every Secret Service, and what only one of them does.
pub fn trials(product: Product) -> Vec<Trial> {
    let trial = |name: &str, also: &[&str], test: fn(Product)| product.trial("keychain", name, also, test);
    let mut trials = vec![
        trial("a_locked_keyring_says_so", &[], a_locked_keyring_says_so),
        trial("a_daemon_that_dies_mid_call", &[], a_daemon_that_dies_mid_call),
        trial("a_daemon_that_comes_back_is_asked_again", &[], a_daemon_that_comes_back),
        trial("a_daemon_that_hangs", &[], a_daemon_that_hangs),
        trial("a_new_user_without_a_keyring", &[], a_new_user_without_a_keyring),
        trial(
            "a_long_list_shows_every_change",
            &["secret-tool"],
            a_long_list_shows_every_change,
        ),
        trial("text_like_placeholders", &[], text_like_placeholders),
    ];
    if product == Product::KeePassXc {
        trials.push(trial("one_that_asks_for_each_item", &[], one_that_asks_for_each_item));
    }
    trials
}

fn a_locked_keyring_says_so(product: Product) {
    let mut keyring = Keyring::start_product(product);
    let stored = entry("gitea.example.com", "alice", TOKEN);
    assert_eq!(ask(keyring.command(HELPER), "store", &stored), success());
    keyring.lock();
    every_action_fails(|| keyring.command(HELPER), "the keyring is locked");
    // A registry that was never stored: nobody can know that of a locked keyring.
    let (stdout, _, _) = ask(keyring.command(HELPER), "get", "other.example.com");
    assert!(stdout.contains("locked"), "{stdout}");
    keyring.unlock();
    assert!(
        ask(keyring.command(HELPER), "get", "gitea.example.com")
            .0
            .contains(TOKEN)
    );
    // As after a crash: D-Bus starts the daemon again, and nobody has given it the password.
    keyring.kill_daemon();
    keyring.start_daemon(None);
    every_action_fails(|| keyring.command(HELPER), "the keyring is locked");
}

fn a_daemon_that_dies_mid_call(product: Product) {
    let mut keyring = Keyring::start_product(product);
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

fn a_daemon_that_comes_back(product: Product) {
    let mut keyring = Keyring::start_product(product);
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

fn a_daemon_that_hangs(product: Product) {
    let keyring = Keyring::start_product(product);
    keyring.daemon().signal("STOP");
    let (stdout, stderr, code) = ask(keyring.command(HELPER), "get", "gitea.example.com");
    assert!(stdout.contains("did not answer within 5 s"), "{stdout}");
    assert!(stderr.contains("hint: "), "{stderr}");
    assert_eq!(code, 1);
}

fn a_new_user_without_a_keyring(product: Product) {
    let mut keyring = Keyring::start_product(product);
    keyring.forget();
    keyring.start_daemon(None);
    if product == Product::KeePassXc {
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

fn a_long_list_shows_every_change(product: Product) {
    let mut keyring = Keyring::start_product(product);
    let ours = keychain(&keyring.env());
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
    // Not by us: by a person in the desktop's own program.
    let clear = [
        "clear",
        "service",
        "kubectl-regcred",
        "registry",
        "registry-11.example.com",
    ];
    assert!(keyring.command("secret-tool").args(clear).status().unwrap().success());
    assert_eq!(users().len(), 40);
    // The next process numbers its items anew.
    keyring.stop_daemon();
    keyring.start_daemon(Some(keyring::PASSWORD));
    put(11, "dave");
    assert_eq!(users(), [&["bob", "dave"], &["alice"; 38][..], &["carol"]].concat());
}

/// `KeePassXC` puts something else in the place of them, and refuses what starts with `{REF:`.
fn text_like_placeholders(product: Product) {
    let keyring = Keyring::start_product(product);
    for token in [
        "{USERNAME}",
        "{REF:T@I:0}",
        r#"{"a":{TITLE}}{TITLE}"#,
        "\u{1b}\u{7f}\u{9f}",
    ] {
        let stored = entry("gitea.example.com", "{TITLE}", token);
        assert_eq!(ask(keyring.command(HELPER), "store", &stored), success());
        let (stdout, _, _) = ask(keyring.command(HELPER), "get", "gitea.example.com");
        let answer: serde_json::Value = serde_json::from_str(&stdout).unwrap();
        assert_eq!(
            (answer["Username"].as_str(), answer["Secret"].as_str()),
            (Some("{TITLE}"), Some(token))
        );
    }
}

/// `KeePassXC` asks its owner for each item and process before it gives a secret out; what there is it shows.
fn one_that_asks_for_each_item(product: Product) {
    let mut keyring = Keyring::start_product(product);
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
