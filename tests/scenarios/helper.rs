//! `docker-credential-gitea`, asked as docker's clients ask it: on the in-memory store and on a real gnome-keyring.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;

use libtest_mimic::Trial;
use regcred::env::Env;
use regcred::helper;
use regcred::keychain::secret_service::{Limits, SecretService};
use regcred::keychain::{Error, Keychain};
use regcred::model::{Credential, Registry, Token, Use};
use serde_json::{Value, json};

use crate::support::fake_secrets::{Behaviour, FakeSecrets};
use crate::support::keyring::{self, Keyring, PrivateBus, Running, until};
use crate::support::part::{missing, trial, trial_with};

const HELPER: &str = env!("CARGO_BIN_EXE_docker-credential-gitea");
const HUB: &str = "https://index.docker.io/v1/";
const NOT_FOUND: &str = "credentials not found in native keychain";
const TOKEN: &str = "gitea-token-5b1dba63e8f04d2a";

pub fn trials() -> Vec<Trial> {
    let keyring = missing(&keyring::PARTS);
    let bus = missing(&["dbus-daemon"]);
    let real = |name: &str, test: fn()| trial_with(&format!("helper/gnome-keyring/{name}"), &keyring, test);
    let fake = |name: &str, test: fn()| trial_with(&format!("helper/bus/{name}"), &bus, test);
    let secret_tool = missing(&[&keyring::PARTS[..], &["secret-tool"]].concat());
    let prompter = [missing(&[&keyring::PARTS[..], &["Xvfb"]].concat()), missing_prompter()].concat();
    vec![
        trial("helper/in-memory/the_rules", || the_rules(&in_memory())),
        real("the_rules", || the_rules(&on_keyring(Keyring::start()))),
        real("what_one_program_stores_the_other_finds", one_item_for_both_programs),
        real("a_locked_keyring_says_so", a_locked_keyring_says_so),
        real("many_processes_at_once_lose_nothing", many_processes_at_once),
        real("a_daemon_that_dies_mid_call", a_daemon_that_dies_mid_call),
        real("a_daemon_that_comes_back_is_asked_again", a_daemon_that_comes_back),
        real("a_daemon_that_hangs", a_daemon_that_hangs),
        real("a_new_user_without_a_keyring", a_new_user_without_a_keyring),
        real("the_token_is_nowhere_else", the_token_is_nowhere_else),
        trial_with(
            "helper/gnome-keyring/secret_tool_sees_attributes_and_no_token",
            &secret_tool,
            secret_tool_sees_attributes,
        ),
        trial_with(
            "helper/gnome-keyring/a_prompt_that_nobody_answers",
            &prompter,
            a_real_prompt_that_nobody_answers,
        ),
        trial("helper/no_bus", no_bus),
        trial(
            "helper/something_else_on_the_bus_socket",
            something_else_on_the_bus_socket,
        ),
        trial("helper/the_watchdog_ends_what_hangs", the_watchdog_ends_what_hangs),
        fake("no_service", no_service),
        fake("a_service_that_never_answers", a_service_that_never_answers),
        fake("a_service_that_keeps_dying", || {
            fails_with(Behaviour::Dies, "went away")
        }),
        fake("a_service_that_denies", || {
            fails_with(Behaviour::Denies, "denies access")
        }),
        fake("a_locked_one_that_finds_nothing", || {
            fails_with(Behaviour::LockedAndMute, "is locked");
        }),
        fake("prompts", prompts),
        fake("no_default_keyring", no_default_keyring),
        fake("two_items_of_one_name", two_items_of_one_name),
        fake("listing_reads_no_secret", listing_reads_no_secret),
    ]
}

/// Something that answers as the helper does: action and stdin to stdout, stderr and exit code.
type Ask = Box<dyn Fn(&str, &str) -> (String, String, i32)>;

fn in_memory() -> Ask {
    let keychain = Keychain::with_store(keyring_core::sample::Store::new().unwrap());
    Box::new(move |action, stdin| {
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let code = helper::run(
            &[OsString::from(action)],
            &mut stdin.as_bytes(),
            &mut stdout,
            &mut stderr,
            || Ok(keychain.clone()),
        );
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (text(stdout), text(stderr), code.into())
    })
}

fn on_keyring(keyring: Keyring) -> Ask {
    Box::new(move |action, stdin| ask(keyring.command(HELPER), action, stdin))
}

/// Runs the program.
fn ask(command: Command, action: &str, stdin: &str) -> (String, String, i32) {
    let output = output(command, action, stdin);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code().unwrap())
}

fn output(mut command: Command, action: &str, stdin: &str) -> Output {
    let piped = command
        .arg(action)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    // A helper that does not read its stdin may be gone already.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    child.wait_with_output().unwrap()
}

fn entry(server: &str, username: &str, secret: &str) -> String {
    json!({"ServerURL": server, "Username": username, "Secret": secret}).to_string() + "\n"
}

fn success() -> (String, String, i32) {
    (String::new(), String::new(), 0)
}

/// Every rule that a client of a credential helper relies on.
fn the_rules(ask: &Ask) {
    let list = || -> BTreeMap<String, String> { serde_json::from_str(&ask("list", "unused").0).unwrap() };
    let not_found = || (format!("{NOT_FOUND}\n"), String::new(), 1);

    assert!(list().is_empty());
    assert_eq!(ask("get", "gitea.example.com"), not_found());
    assert_eq!(ask("erase", "gitea.example.com"), success());

    // docker login sends the bare registry, old configurations a URL.
    assert_eq!(ask("store", &entry("gitea.example.com", "alice", "first")), success());
    assert_eq!(
        ask("store", &entry("https://gitea.example.com/v2/", "bob", TOKEN)),
        success()
    );
    assert_eq!(list(), BTreeMap::from([("gitea.example.com".into(), "bob".into())]));
    for server in [
        "gitea.example.com",
        "gitea.example.com\n",
        "GITEA.example.com",
        "https://gitea.example.com",
        "http://gitea.example.com",
        "gitea.example.com:443",
        "https://gitea.example.com:443",
        "https://gitea.example.com/v1/",
        "https://gitea.example.com/v2/",
        "gitea.example.com/owner/image",
    ] {
        let (stdout, stderr, code) = ask("get", server);
        let answer: Value = serde_json::from_str(&stdout).unwrap();
        let expected = json!({"ServerURL": server.trim(), "Username": "bob", "Secret": TOKEN});
        assert_eq!((answer, stderr.as_str(), code), (expected, "", 0), "{server}");
    }
    for server in [
        "gitea.example.com:3000",
        "example.com",
        "other.example.com",
        "no registry",
    ] {
        assert_eq!(ask("get", server), not_found(), "{server}");
    }

    // What list names, get finds: docker's "all credentials" is a list and a get for each.
    for server in ["127.0.0.1:5000", "[::1]:5000", "docker.io"] {
        assert_eq!(ask("store", &entry(server, "carol", server)), success());
    }
    assert_eq!(
        ask("store", &entry(&format!("{HUB}access-token"), "dave", "oauth")),
        success()
    );
    let listed = list();
    assert_eq!(listed.len(), 5);
    assert_eq!(listed[HUB], "carol");
    for (server, username) in &listed {
        let answer: Value = serde_json::from_str(&ask("get", server).0).unwrap();
        assert_eq!(answer["Username"], username.as_str());
        assert_eq!(answer["ServerURL"], server.as_str());
    }

    // OAuth2 identity tokens, which have this instead of a user, and long ones.
    for secret in ["", "ümlaut \"quoted\" \\ <&>\n", &"x".repeat(70_000)] {
        assert_eq!(ask("store", &entry("gitea.example.com", "<token>", secret)), success());
        let answer: Value = serde_json::from_str(&ask("get", "gitea.example.com").0).unwrap();
        assert_eq!(
            (&answer["Username"], &answer["Secret"]),
            (&json!("<token>"), &json!(secret))
        );
    }

    // docker logout erases several spellings, of which the first one hits.
    for server in [
        "gitea.example.com",
        "http://gitea.example.com",
        "https://gitea.example.com",
    ] {
        assert_eq!(ask("erase", server), success());
        assert_eq!(ask("get", server), not_found());
    }
    assert_eq!(list().len(), 4);

    for (action, stdin, text) in [
        ("get", " \n", "no credentials server URL\n"),
        ("erase", "", "no credentials server URL\n"),
        ("store", "{}", "no credentials server URL\n"),
        (
            "store",
            r#"{"ServerURL":"a.example.com","Secret":"s"}"#,
            "no credentials username\n",
        ),
    ] {
        assert_eq!(
            ask(action, stdin),
            (text.to_owned(), String::new(), 1),
            "{action} {stdin}"
        );
    }
    let (stdout, stderr, code) = ask("store", &entry("ftp://a.example.com", "u", TOKEN));
    assert!(stdout.contains("does not name a registry") && !(stdout + &stderr).contains(TOKEN));
    assert_eq!(code, 1);
}

fn keychain(env: &Env) -> Keychain {
    Keychain::open(env).unwrap()
}

/// A keychain that does not wait as long as people may.
fn impatient(env: &Env) -> Keychain {
    let limits = Limits {
        call: Duration::from_secs(1),
        prompt: Duration::from_secs(1),
    };
    Keychain::with_store(Arc::new(SecretService::with_limits(env, limits)))
}

fn registry(text: &str) -> Registry {
    text.parse().unwrap()
}

fn credential(username: &str, token: &str) -> Credential {
    Credential {
        registry: registry("gitea.example.com"),
        username: username.parse().unwrap(),
        token: Token::parse(token).unwrap(),
    }
}

fn one_item_for_both_programs() {
    let keyring = Keyring::start();
    let ours = keychain(&keyring.env());
    assert_eq!(
        ask(
            keyring.command(HELPER),
            "store",
            &entry("gitea.example.com", "alice", TOKEN)
        ),
        success()
    );
    let stored = ours.get(&registry("gitea.example.com"), Use::Docker).unwrap();
    assert_eq!(stored, Some(credential("alice", TOKEN)));
    ours.put(Use::Docker, &credential("bob", "new")).unwrap();
    ours.put(Use::Cluster, &credential("robot", "pull")).unwrap();
    let (stdout, _, _) = ask(keyring.command(HELPER), "get", "gitea.example.com");
    assert!(stdout.contains("bob") && stdout.contains("new"), "{stdout}");
    let items = ours.list().unwrap();
    let shown: Vec<_> = items.iter().map(|item| (item.usage, item.username.as_str())).collect();
    assert_eq!(shown, [(Use::Docker, "bob"), (Use::Cluster, "robot")]);
    assert!(ours.delete(&registry("gitea.example.com"), Use::Docker).unwrap());
    assert_eq!(ask(keyring.command(HELPER), "list", "").0, "{}\n");
}

/// Every action fails with `what` on stdout, one line with a hint on stderr and exit code 1.
fn every_action_fails(command: impl Fn() -> Command, what: &str) {
    for (action, stdin) in [
        ("get", "gitea.example.com"),
        ("erase", "gitea.example.com"),
        ("list", ""),
        ("store", &entry("gitea.example.com", "alice", TOKEN)),
    ] {
        let (stdout, stderr, code) = ask(command(), action, stdin);
        assert!(
            stdout.contains(what) && !stdout.contains(NOT_FOUND),
            "{action}: {stdout}"
        );
        assert!(stderr.contains(what) && stderr.contains("hint: "), "{action}: {stderr}");
        assert_eq!((stdout.lines().count(), stderr.lines().count(), code), (1, 1, 1));
        assert!(!stdout.contains(TOKEN) && !stderr.contains(TOKEN));
    }
}

fn a_locked_keyring_says_so() {
    let mut keyring = Keyring::start();
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

fn many_processes_at_once() {
    const EACH: usize = 16;
    let keyring = Keyring::start();
    let spawn = |action: &str, stdin: &str| {
        let mut command = keyring.command(HELPER);
        let piped = command
            .arg(action)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = piped.spawn().unwrap();
        child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        child
    };
    let mut children = Vec::new();
    for n in 0..EACH {
        let own = entry(
            &format!("registry-{n}.example.com"),
            &format!("user-{n}"),
            &format!("token-{n}"),
        );
        let shared = entry("shared.example.com", &format!("user-{n}"), &format!("token-{n}"));
        children.push(spawn("store", &own));
        children.push(spawn("store", &shared));
        children.push(spawn("get", "unknown.example.com"));
    }
    for child in children {
        let output = child.wait_with_output().unwrap();
        let stdout = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success() || stdout.trim() == NOT_FOUND, "{stdout}");
        assert!(output.stderr.is_empty());
    }
    let names = keychain(&keyring.env()).names().unwrap();
    assert_eq!(names.len(), EACH + 1);
    let getting: Vec<_> = names.keys().map(|name| (name, spawn("get", &name.server()))).collect();
    for (name, child) in getting {
        let answer: Value = serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap();
        let (user, token) = (answer["Username"].as_str().unwrap(), answer["Secret"].as_str().unwrap());
        assert_eq!(
            user.strip_prefix("user"),
            token.strip_prefix("token"),
            "user and token of one writer"
        );
        assert_eq!(names[name].as_str(), user, "what is listed is what is stored");
    }
    // One item for each: the shared one is not there sixteen times.
    assert_eq!(items_of(&keyring), EACH + 1);
}

/// How many items of ours are in the keyring, duplicates included.
fn items_of(keyring: &Keyring) -> usize {
    let spec = std::collections::HashMap::from([("service", "kubectl-regcred")]);
    let service = "org.freedesktop.Secret.Service";
    let reply = keyring.bus().call(
        "org.freedesktop.secrets",
        "/org/freedesktop/secrets",
        service,
        "SearchItems",
        &(spec,),
    );
    type Paths = Vec<zbus::OwnedObjectPath>;
    let (open, locked): (Paths, Paths) = reply.body().deserialize().unwrap();
    open.len() + locked.len()
}

fn a_daemon_that_dies_mid_call() {
    let mut keyring = Keyring::start();
    let others = keyring.bus().connections();
    // Stopped, it takes calls and does not answer; then it is gone.
    keyring.daemon().signal("STOP");
    let mut command = keyring.command(HELPER);
    let piped = command
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"gitea.example.com").unwrap();
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

fn a_daemon_that_comes_back() {
    let mut keyring = Keyring::start();
    let stored = entry("gitea.example.com", "alice", TOKEN);
    assert_eq!(ask(keyring.command(HELPER), "store", &stored), success());
    keyring.kill_daemon();
    every_action_fails(|| keyring.command(HELPER), "no secret service");
    keyring.start_daemon(Some(keyring::PASSWORD));
    assert!(
        ask(keyring.command(HELPER), "get", "gitea.example.com")
            .0
            .contains(TOKEN)
    );
}

fn a_daemon_that_hangs() {
    let keyring = Keyring::start();
    keyring.daemon().signal("STOP");
    let (stdout, stderr, code) = ask(keyring.command(HELPER), "get", "gitea.example.com");
    assert!(stdout.contains("did not answer within 5 s"), "{stdout}");
    assert!(stderr.contains("hint: "), "{stderr}");
    assert_eq!(code, 1);
}

fn a_new_user_without_a_keyring() {
    let mut keyring = Keyring::start();
    keyring.kill_daemon();
    std::fs::remove_dir_all(keyring.bus().folder().join("home/.local")).unwrap();
    keyring.start_daemon(None);
    let ask = |action, stdin: &str| ask(keyring.command(HELPER), action, stdin);
    assert_eq!(ask("get", "gitea.example.com").0, format!("{NOT_FOUND}\n"));
    assert_eq!(ask("erase", "gitea.example.com"), success());
    assert_eq!(ask("list", "").0, "{}\n");
    let (stdout, stderr, code) = ask("store", &entry("gitea.example.com", "alice", TOKEN));
    assert_eq!(stdout, "the secret service has no default keyring\n");
    assert!(stderr.contains("--token-stdin"), "{stderr}");
    assert_eq!(code, 1);
}

fn the_token_is_nowhere_else() {
    let keyring = Keyring::start();
    let mut command = keyring.command(HELPER);
    let piped = command
        .arg("store")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let stored = entry("gitea.example.com", "alice", TOKEN);
    // All of it but the last brace: the helper has the token and waits.
    stdin
        .write_all(stored.trim_end().strip_suffix('}').unwrap().as_bytes())
        .unwrap();
    for file in ["cmdline", "environ"] {
        let shown = std::fs::read(format!("/proc/{}/{file}", child.id())).unwrap();
        assert!(!String::from_utf8_lossy(&shown).contains(TOKEN), "{file}");
    }
    stdin.write_all(b"}").unwrap();
    drop(stdin);
    assert!(child.wait_with_output().unwrap().status.success());
    assert!(
        ask(keyring.command(HELPER), "get", "gitea.example.com")
            .0
            .contains(TOKEN)
    );
    let files = keyring::files_with(keyring.bus().folder(), TOKEN);
    assert!(files.is_empty(), "{files:?}");
    // The search finds what it looks for.
    assert!(!keyring::files_with(keyring.bus().folder(), "busconfig").is_empty());
}

fn secret_tool_sees_attributes() {
    let keyring = Keyring::start();
    let mut theirs = keyring.command("secret-tool");
    theirs.args([
        "store",
        "--label",
        "theirs",
        "service",
        "other",
        "registry",
        "gitea.example.com",
    ]);
    let theirs = output(theirs, "docker", "their-secret");
    assert!(!theirs.status.success(), "an odd number of attributes is an error");
    let mut theirs = keyring.command("secret-tool");
    theirs.args([
        "store",
        "--label",
        "theirs",
        "registry",
        "gitea.example.com",
        "use",
        "docker",
        "service",
    ]);
    assert!(output(theirs, "other", "their-secret").status.success());

    let stored = entry("gitea.example.com", "alice", TOKEN);
    assert_eq!(ask(keyring.command(HELPER), "store", &stored), success());
    let mut search = keyring.command("secret-tool");
    search.args(["search", "--all", "service", "kubectl-regcred", "registry"]);
    let found = output(search, "gitea.example.com", "");
    // secret-tool writes the secret to stdout and the attributes to stderr.
    let attributes = String::from_utf8(found.stderr).unwrap();
    let mut lines: Vec<_> = attributes
        .lines()
        .filter(|line| line.starts_with("attribute."))
        .collect();
    lines.sort_unstable();
    assert_eq!(
        lines,
        [
            "attribute.registry = gitea.example.com",
            "attribute.service = kubectl-regcred",
            "attribute.use = docker",
            "attribute.username = alice"
        ]
    );
    assert!(!attributes.contains(TOKEN));

    // What is not ours stays as it was.
    assert_eq!(
        ask(keyring.command(HELPER), "list", "").0,
        "{\"gitea.example.com\":\"alice\"}\n"
    );
    assert_eq!(ask(keyring.command(HELPER), "erase", "gitea.example.com"), success());
    let mut lookup = keyring.command("secret-tool");
    lookup.args(["lookup", "service"]);
    assert_eq!(output(lookup, "other", "").stdout, b"their-secret");
}

/// gcr's prompter, which D-Bus starts for gnome-keyring on a desktop.
const PROMPTER: &str = "/usr/libexec/gcr-prompter";

fn missing_prompter() -> Vec<&'static str> {
    match std::path::Path::new(PROMPTER).is_file() {
        true => vec![],
        false => vec!["gcr-prompter"],
    }
}

fn a_real_prompt_that_nobody_answers() {
    let keyring = Keyring::start();
    keychain(&keyring.env())
        .put(Use::Docker, &credential("alice", TOKEN))
        .unwrap();
    keyring.lock();

    let mut screen = keyring.command("Xvfb");
    screen
        .args(["-displayfd", "1", "-nolisten", "tcp"])
        .stdin(Stdio::null())
        .stderr(Stdio::null());
    let mut screen = Running(screen.stdout(Stdio::piped()).spawn().unwrap());
    let mut number = String::new();
    let stdout = screen.0.stdout.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut number).unwrap();
    let display = format!(":{}", number.trim());
    let mut prompter = keyring.command(PROMPTER);
    let _prompter = Running::start(prompter.env("DISPLAY", &display));
    until("the prompter is on the bus", || {
        keyring.bus().has("org.gnome.keyring.SystemPrompter")
    });

    let env: Env = keyring
        .env()
        .iter()
        .chain([("DISPLAY".as_ref(), display.as_ref())])
        .collect();
    let error = impatient(&env)
        .get(&registry("gitea.example.com"), Use::Docker)
        .unwrap_err();
    assert!(matches!(error, Error::PromptUnanswered(_)), "{error}");
    // Nothing hangs on the prompt: without a screen it is locked, and unlocked it is there.
    keyring.unlock();
    assert!(
        ask(keyring.command(HELPER), "get", "gitea.example.com")
            .0
            .contains(TOKEN)
    );
}

fn no_bus() {
    let folder = tempfile::tempdir().unwrap();
    let command = |address: Option<&str>| {
        let mut command = Command::new(HELPER);
        command
            .env_clear()
            .env("HOME", folder.path())
            .env("XDG_RUNTIME_DIR", folder.path());
        command.envs(address.map(|address| ("DBUS_SESSION_BUS_ADDRESS", address)));
        command
    };
    let dead = format!("unix:path={}/nobody", folder.path().display());
    every_action_fails(|| command(Some(&dead)), "cannot be reached");
    every_action_fails(|| command(Some("autolaunch:")), "names no unix socket");
    if !std::path::Path::new("/run/user").exists() {
        every_action_fails(|| command(None), "no D-Bus session bus was found");
    }
    let (_, stderr, _) = ask(command(Some(&dead)), "get", "gitea.example.com");
    assert!(
        stderr.contains("--token-env") && stderr.contains("--token-stdin"),
        "{stderr}"
    );
}

fn something_else_on_the_bus_socket() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("bus");
    let _listening = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let env = Env::from_iter([("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", socket.display()))]);
    let error = impatient(&env).list().unwrap_err();
    assert!(matches!(error, Error::NoAnswer(_)), "{error}");
}

fn the_watchdog_ends_what_hangs() {
    let folder = tempfile::tempdir().unwrap();
    // Opening a pipe for writing waits for a reader, who never comes: a keychain that hangs in the system's own code.
    let pipe = folder.path().join("kubectl-regcred.lock");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let mut command = Command::new(HELPER);
    command.env_clear().env("XDG_RUNTIME_DIR", folder.path());
    let (stdout, stderr, code) = ask(command, "erase", "gitea.example.com");
    assert_eq!(stdout, "the keychain did not answer within 10 s\n");
    assert!(stderr.contains("hint: "), "{stderr}");
    assert_eq!(code, 1);
}

fn no_service() {
    let bus = PrivateBus::start();
    every_action_fails(|| bus.command(HELPER), "no secret service");
    let error = impatient(&bus.env()).list().unwrap_err();
    assert!(error.hint().unwrap().contains("--token-env"), "{error}");
}

fn a_service_that_never_answers() {
    let service = FakeSecrets::start(Behaviour::Silent);
    let keychain = impatient(&service.bus().env());
    let name = registry("gitea.example.com");
    let errors = [
        keychain.get(&name, Use::Docker).unwrap_err(),
        keychain.put(Use::Docker, &credential("alice", TOKEN)).unwrap_err(),
        keychain.delete(&name, Use::Docker).unwrap_err(),
        keychain.list().unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, Error::NoAnswer(_)), "{error}");
    }
}

fn fails_with(behaviour: Behaviour, what: &str) {
    let service = FakeSecrets::start(behaviour);
    let keychain = impatient(&service.bus().env());
    let error = keychain.get(&registry("gitea.example.com"), Use::Docker).unwrap_err();
    assert!(error.to_string().contains(what), "{error}");
}

/// The environment of `bus` with a screen.
fn with_screen(bus: &PrivateBus) -> Env {
    let env = bus.env();
    env.iter()
        .chain([("WAYLAND_DISPLAY".as_ref(), "wayland-0".as_ref())])
        .collect()
}

fn prompts() {
    let get = |behaviour, screen: bool| {
        let service = FakeSecrets::start(behaviour);
        let env = if screen {
            with_screen(service.bus())
        } else {
            service.bus().env()
        };
        let result = impatient(&env).get(&registry("gitea.example.com"), Use::Docker);
        (result, service.calls())
    };
    let (result, calls) = get(Behaviour::PromptUnanswered, false);
    assert!(matches!(result, Err(Error::Locked)), "{result:?}");
    assert!(!calls.contains(&"Prompt".to_owned()), "nobody could see it: {calls:?}");

    let (result, calls) = get(Behaviour::PromptUnanswered, true);
    assert!(matches!(result, Err(Error::PromptUnanswered(_))), "{result:?}");
    assert!(
        calls.contains(&"Dismiss".to_owned()),
        "it is taken off the screen: {calls:?}"
    );

    let (result, _) = get(Behaviour::PromptDismissed, true);
    assert!(matches!(result, Err(Error::PromptDismissed)), "{result:?}");

    let (result, calls) = get(Behaviour::PromptAnswered, true);
    assert_eq!(result.unwrap().unwrap().username.as_str(), "user/item/1");
    let order = ["OpenSession", "SearchItems", "Unlock", "Prompt", "GetSecret"];
    assert_eq!(calls, order);
}

fn no_default_keyring() {
    let service = FakeSecrets::start(Behaviour::NoCollection);
    let keychain = impatient(&service.bus().env());
    assert_eq!(keychain.get(&registry("gitea.example.com"), Use::Docker).unwrap(), None);
    let error = keychain.put(Use::Docker, &credential("alice", TOKEN)).unwrap_err();
    assert!(matches!(error, Error::NoCollection), "{error}");
}

fn two_items_of_one_name() {
    let service = FakeSecrets::start(Behaviour::Duplicates);
    let keychain = impatient(&service.bus().env());
    let found = keychain
        .get(&registry("gitea.example.com"), Use::Docker)
        .unwrap()
        .unwrap();
    assert_eq!(found.username.as_str(), "user/item/1", "the newer one counts");
    let listed = keychain.list().unwrap();
    assert_eq!((listed.len(), listed[0].username.as_str()), (1, "user/item/1"));
    assert!(
        !service.calls().contains(&"Delete".to_owned()),
        "reading changes nothing"
    );
    keychain.put(Use::Docker, &credential("alice", TOKEN)).unwrap();
    let count = |method: &str| service.calls().iter().filter(|call| *call == method).count();
    assert_eq!((count("SetSecret"), count("Delete"), count("CreateItem")), (1, 1, 0));
}

fn listing_reads_no_secret() {
    let service = FakeSecrets::start(Behaviour::Duplicates);
    let (stdout, stderr, code) = ask(service.bus().command(HELPER), "list", "");
    assert_eq!(
        (stdout.as_str(), stderr.as_str(), code),
        ("{\"gitea.example.com\":\"user/item/1\"}\n", "", 0)
    );
    let calls = service.calls();
    assert!(
        calls.iter().all(|call| call == "SearchItems" || call == "Get"),
        "{calls:?}"
    );
}
