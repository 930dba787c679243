//! A keychain that is locked, missing, slow, dying or doubled: each says what it is, and none hangs.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use regcred::keychain::secret_service::{Limits, SecretService};
use regcred::keychain::{Error, Keychain};
use regcred::model::Use;
use regcred::sys::env::Env;

use crate::helper::{NOT_FOUND, TOKEN, ask, credential, entry, keychain, registry};
use crate::support::fake_secrets::{Behaviour, FakeSecrets};
use crate::support::keyring::{Keyring, PrivateBus, Running, until};
use crate::support::part::missing;
use crate::support::parts::{GNOME_KEYRING, STRACE};
use crate::support::scenario::Part;
use crate::support::{HELPER, PLUGIN};

/// A keychain that does not wait for people as long as they may take.
pub fn impatient(env: &Env) -> Keychain {
    let limits = Limits {
        prompt: Duration::from_secs(1),
        ..Limits::default()
    };
    Keychain::with_store(Arc::new(SecretService::with_limits(env, limits)))
}

/// For a service that never answers.
fn unanswered(env: &Env) -> Keychain {
    let limits = Limits {
        call: Duration::from_secs(1),
        ..Limits::default()
    };
    Keychain::with_store(Arc::new(SecretService::with_limits(env, limits)))
}

/// Every action fails with `what` on stdout, one line with a hint on stderr and exit code 1.
pub fn every_action_fails(command: impl Fn() -> Command, what: &str) {
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

/// gcr's prompter, which D-Bus starts for gnome-keyring on a desktop.
const PROMPTER: &str = "/usr/libexec/gcr-prompter";

const GCR_PROMPTER: Part = Part::new(|| {
    if std::path::Path::new(PROMPTER).is_file() {
        vec![]
    } else {
        vec!["gcr-prompter"]
    }
});

scenario!(a_prompt_that_nobody_answers, needs(GNOME_KEYRING, "Xvfb", GCR_PROMPTER));
fn a_prompt_that_nobody_answers() {
    let mut keyring = Keyring::start();
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
    // Nothing hangs on the prompt, and the daemon outlives it.
    every_action_fails(|| keyring.command(HELPER), "the keyring is locked");
    keyring.unlock();
    assert!(
        ask(keyring.command(HELPER), "get", "gitea.example.com")
            .0
            .contains(TOKEN)
    );
}

/// As a session's runtime folder is, whatever the umask.
fn private_folder() -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt as _;

    let mode = fs::Permissions::from_mode(0o700);
    tempfile::Builder::new().permissions(mode).tempdir().unwrap()
}

scenario!(no_bus);
fn no_bus() {
    let folder = private_folder();
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
        stderr.contains("start gnome-keyring, KWallet or KeePassXC")
            && stderr.contains("kubectl regcred docker remove")
            && stderr.contains("kubectl regcred keychain use vault"),
        "{stderr}"
    );
}

scenario!(something_else_on_the_bus_socket);
fn something_else_on_the_bus_socket() {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("bus");
    let _listening = std::os::unix::net::UnixListener::bind(&socket).unwrap();
    let env = Env::from_iter([("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", socket.display()))]);
    let error = unanswered(&env).list().unwrap_err();
    assert!(matches!(error, Error::NoAnswer(_)), "{error}");
}

scenario!(the_watchdog_ends_what_hangs, needs(STRACE));
/// A call to the system that does not return: strace holds it up for longer than the programs wait.
fn the_watchdog_ends_what_hangs() {
    let folder = private_folder();
    let mut command = Command::new("strace");
    command.args(["-f", "-o", "/dev/null", "-e", "trace=flock"]);
    command.args(["-e", "inject=flock:delay_enter=20s", HELPER]);
    command.env_clear().env("XDG_RUNTIME_DIR", folder.path());
    let (stdout, stderr, code) = ask(command, "erase", "gitea.example.com");
    assert_eq!(stdout, "the keychain did not answer within 10 s\n");
    assert!(stderr.contains("hint: "), "{stderr}");
    assert_eq!(code, 1);
}

scenario!(no_service, needs("dbus-daemon"));
fn no_service() {
    let bus = PrivateBus::start();
    every_action_fails(|| bus.command(HELPER), "no secret service");
    let error = impatient(&bus.env()).list().unwrap_err();
    assert!(format!("{:?}", error.hints()).contains("--token-env"), "{error}");
}

scenario!(a_service_that_never_answers, needs("dbus-daemon"));
fn a_service_that_never_answers() {
    let service = FakeSecrets::start(Behaviour::Silent);
    let keychain = unanswered(&service.bus().env());
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

scenario!(a_service_that_keeps_dying, needs("dbus-daemon"));
fn a_service_that_keeps_dying() {
    fails_with(Behaviour::Dies, "went away");
}

scenario!(a_service_that_denies, needs("dbus-daemon"));
fn a_service_that_denies() {
    fails_with(Behaviour::Denies, "denies access");
}

scenario!(a_locked_one_that_finds_nothing, needs("dbus-daemon"));
fn a_locked_one_that_finds_nothing() {
    fails_with(Behaviour::LockedAndMute, "is locked");
}

fn fails_with(behaviour: Behaviour, what: &str) {
    let service = FakeSecrets::start(behaviour);
    let keychain = impatient(&service.bus().env());
    let error = keychain.get(&registry("gitea.example.com"), Use::Docker).unwrap_err();
    assert!(error.to_string().contains(what), "{error}");
}

/// The environment of `bus` with a screen.
pub fn with_screen(bus: &PrivateBus) -> Env {
    let env = bus.env();
    env.iter()
        .chain([("WAYLAND_DISPLAY".as_ref(), "wayland-0".as_ref())])
        .collect()
}

scenario!(prompts, needs("dbus-daemon"));
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
        !calls.contains(&"Dismiss".to_owned()),
        "gnome-keyring aborts on it: {calls:?}"
    );

    let (result, _) = get(Behaviour::PromptDismissed, true);
    assert!(matches!(result, Err(Error::PromptDismissed)), "{result:?}");

    let (result, calls) = get(Behaviour::PromptAnswered, true);
    assert_eq!(result.unwrap().unwrap().username.as_str(), "user/item/1");
    let order = [
        "Get Collections",
        "SearchItems",
        "Get Locked",
        "OpenSession",
        "Unlock",
        "Prompt",
        "GetSecret",
    ];
    assert_eq!(calls, order);
}

scenario!(one_that_asks_before_it_searches, needs("dbus-daemon"));
fn one_that_asks_before_it_searches() {
    let get = |unlocks, screen: bool| {
        let service = FakeSecrets::start(Behaviour::AsksFirst { unlocks });
        let env = if screen {
            with_screen(service.bus())
        } else {
            service.bus().env()
        };
        impatient(&env).get(&registry("gitea.example.com"), Use::Docker)
    };
    let result = get(false, false);
    assert!(
        matches!(result, Err(Error::Locked)),
        "at once, as nobody sees it: {result:?}"
    );
    let result = get(false, true);
    assert!(matches!(result, Err(Error::PromptUnanswered(_))), "{result:?}");
    assert_eq!(get(true, true).unwrap().unwrap().username.as_str(), "user/item/1");
}

scenario!(no_default_keyring, needs("dbus-daemon"));
fn no_default_keyring() {
    let service = FakeSecrets::start(Behaviour::NoCollection);
    let keychain = impatient(&service.bus().env());
    assert_eq!(keychain.get(&registry("gitea.example.com"), Use::Docker).unwrap(), None);
    let error = keychain.put(Use::Docker, &credential("alice", TOKEN)).unwrap_err();
    assert!(matches!(error, Error::NoCollection), "{error}");
}

scenario!(a_locked_item_is_never_left_out, needs("dbus-daemon"));
fn a_locked_item_is_never_left_out() {
    for behaviour in [Behaviour::AliasBlinks, Behaviour::Hashed, Behaviour::ManyHashed] {
        let service = FakeSecrets::start(behaviour);
        let keychain = impatient(&service.bus().env());
        let listed = keychain.list();
        assert!(matches!(listed, Err(Error::Locked)), "{behaviour:?}: {listed:?}");
        let (stdout, _, code) = ask(service.bus().command(HELPER), "list", "");
        assert!(
            stdout.starts_with("the keyring is locked") && code == 1,
            "{behaviour:?}: {stdout}"
        );
    }
}

scenario!(hashes_are_not_remembered, needs("dbus-daemon"));
/// Forty items are enough to keep their attributes in a file.
fn hashes_are_not_remembered() {
    let service = FakeSecrets::start(Behaviour::ManyHashed);
    let keychain = impatient(&service.bus().env());
    assert!(matches!(keychain.list(), Err(Error::Locked)));
    service.unlock();
    assert_eq!(keychain.list().unwrap().len(), 40);
}

scenario!(gone_is_what_the_search_no_longer_finds, needs("dbus-daemon"));
fn gone_is_what_the_search_no_longer_finds() {
    let name = registry("gitea.example.com");
    let works: [fn(&Keychain, &regcred::model::Registry); 4] = [
        |keychain, name| assert!(keychain.get(name, Use::Docker).unwrap().is_some()),
        |keychain, _| assert_eq!(keychain.list().unwrap().len(), 1),
        |keychain, name| assert!(keychain.delete(name, Use::Docker).unwrap()),
        |keychain, _| keychain.put(Use::Docker, &credential("alice", TOKEN)).unwrap(),
    ];
    for work in works {
        let service = FakeSecrets::start(Behaviour::ItemBlinks);
        work(&impatient(&service.bus().env()), &name);
    }

    let service = FakeSecrets::start(Behaviour::Phantom);
    let keychain = impatient(&service.bus().env());
    let errors = [
        keychain.get(&name, Use::Docker).unwrap_err(),
        keychain.put(Use::Docker, &credential("alice", TOKEN)).unwrap_err(),
        keychain.delete(&name, Use::Docker).unwrap_err(),
        keychain.list().unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, Error::Vanished(_)), "{error}");
    }
}

scenario!(one_that_knows_its_callers_late, needs("dbus-daemon"));
fn one_that_knows_its_callers_late() {
    let service = FakeSecrets::start(Behaviour::Slow);
    let env = service.bus().env();
    let keychain = impatient(&env);
    let name = registry("gitea.example.com");
    assert!(keychain.get(&name, Use::Docker).unwrap().is_some());
    assert_eq!(keychain.list().unwrap().len(), 1);
    keychain.put(Use::Docker, &credential("alice", TOKEN)).unwrap();
    assert!(keychain.delete(&name, Use::Docker).unwrap());
    assert!(!SecretService::new(&env).is_locked().unwrap());
}

scenario!(two_items_of_one_name, needs("dbus-daemon"));
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
    keychain.put(Use::Docker, &credential("user/item/1", TOKEN)).unwrap();
    let count = |method: &str| service.calls().iter().filter(|call| *call == method).count();
    // What remembers the earlier token is made first, and this double finds the same two items for every name. Another
    // token is another item too: since when it is kept is an attribute.
    assert_eq!((count("SetSecret"), count("Delete"), count("CreateItem")), (0, 4, 2));
    keychain.put(Use::Docker, &credential("alice", TOKEN)).unwrap();
    let order: Vec<_> = service.calls().into_iter().rev().take(3).collect();
    assert_eq!(
        order,
        ["Delete", "Delete", "CreateItem"],
        "another user is another item, made first"
    );
}

scenario!(listing_reads_no_secret, needs("dbus-daemon"));
fn listing_reads_no_secret() {
    let service = FakeSecrets::start(Behaviour::Duplicates);
    let (stdout, stderr, code) = ask(service.bus().command(HELPER), "list", "");
    assert_eq!(
        (stdout.as_str(), stderr.as_str(), code),
        ("{\"gitea.example.com\":\"user/item/1\"}\n", "", 0)
    );
    let calls = service.calls();
    assert!(
        calls
            .iter()
            .all(|call| call == "SearchItems" || call.starts_with("Get ")),
        "{calls:?}"
    );
}

scenario!(a_long_list_is_asked_for_once, needs("dbus-daemon"));
fn a_long_list_is_asked_for_once() {
    let service = FakeSecrets::start(Behaviour::Many);
    let asked = || service.calls().iter().filter(|call| *call == "Get Attributes").count();
    let list = || ask(service.bus().command(HELPER), "list", "");
    let first = list();
    assert_eq!((first.2, asked()), (0, 40));
    assert!(
        first.0.contains("\"registry-40.example.com\":\"user/item/40\""),
        "{}",
        first.0
    );
    assert_eq!((list(), asked()), (first, 40), "what was seen is not asked for again");
    let seen = service.bus().folder().join("run/kubectl-regcred.items");
    let mode = std::os::unix::fs::PermissionsExt::mode(&fs::metadata(seen).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
}

scenario!(unlock_where_nobody_can_be_asked, needs(GNOME_KEYRING));
/// As over SSH. The keyring is what is in use, and no vault was ever made.
fn unlock_where_nobody_can_be_asked() {
    let mut keyring = Keyring::start();
    let unlock = |keyring: &Keyring| {
        let output = keyring.command(PLUGIN).args(["keychain", "unlock"]).output().unwrap();
        (String::from_utf8(output.stderr).unwrap(), output.status.code())
    };
    assert_eq!(
        unlock(&keyring),
        ("the Secret Service is in use, and was not locked\n".to_owned(), Some(0))
    );
    keyring.lock();
    let (said, code) = unlock(&keyring);
    assert_eq!(code, Some(1));
    assert!(
        said.starts_with("error: the keyring is locked\nhint: unlock the keyring, "),
        "{said}"
    );
    assert!(
        said.contains("over SSH") && said.contains("kubectl regcred keychain use vault"),
        "{said}"
    );
}

/// The number of a user that nobody is.
const STRANGER: u32 = 65534;

/// What is missing for a session of somebody else's.
const ANOTHER_USER: Part = Part::new(|| {
    let mut lacks = missing(&["dbus-daemon", "setpriv"]);
    let folder = tempfile::tempdir().unwrap();
    if std::os::unix::fs::chown(folder.path(), Some(STRANGER), None).is_err() {
        lacks.push("root");
    }
    lacks
});

scenario!(another_users_session, needs(ANOTHER_USER));
/// What plain `su` leaves in root's environment: another user's runtime folder and bus.
fn another_users_session() {
    use std::os::unix::fs::{PermissionsExt as _, chown, symlink};

    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let mode = |name: &str, mode| fs::set_permissions(path(name), fs::Permissions::from_mode(mode)).unwrap();
    mode("", 0o755);
    let run = path("run").display().to_string();
    for name in ["home", "run", "tmp", "run/containers"] {
        fs::create_dir(path(name)).unwrap();
        mode(name, 0o700);
    }
    fs::write(path("theirs"), "theirs").unwrap();
    symlink(path("theirs"), path("run/kubectl-regcred.lock")).unwrap();
    let login = r#"{"auths":{"gitea.example.com":{"auth":"YWxpY2U6czNjcmV0"}}}"#;
    fs::write(path("run/containers/auth.json"), login).unwrap();
    for name in ["run", "run/containers", "run/containers/auth.json"] {
        chown(path(name), Some(STRANGER), None).unwrap();
    }
    let bus = format!("unix:path={}", path("run/bus").display());
    let mut daemon = Command::new("setpriv");
    daemon.args([
        "--reuid",
        &STRANGER.to_string(),
        "--clear-groups",
        "dbus-daemon",
        "--session",
        "--nofork",
    ]);
    let _daemon = Running::start(daemon.args(["--nopidfile", "--address", &bus]));
    until("the bus listens", || {
        std::os::unix::net::UnixStream::connect(path("run/bus")).is_ok()
    });
    let command = |program: &str, variables: &[(&str, String)]| {
        let mut command = Command::new(program);
        command.env_clear().env("PATH", std::env::var_os("PATH").unwrap());
        command.env("HOME", path("home")).env("TMPDIR", path("tmp"));
        command.env("XDG_RUNTIME_DIR", path("run"));
        command.envs(variables.iter().map(|(name, value)| (*name, value)));
        command
    };
    let by_bus = [("DBUS_SESSION_BUS_ADDRESS", bus)];
    every_action_fails(
        || command(HELPER, &by_bus),
        &format!("it belongs to another user (uid {STRANGER})"),
    );
    assert_eq!(fs::read_to_string(path("theirs")).unwrap(), "theirs");
    assert!(
        path("tmp/kubectl-regcred-0/lock").exists(),
        "root's own lock is in a folder of root's"
    );
    // Where root has a session of its own, that one's bus is asked.
    if !std::path::Path::new("/run/user/0/bus").exists() {
        every_action_fails(
            || command(HELPER, &[]),
            &format!("which is not used: it belongs to another user (uid {STRANGER})"),
        );
    }
    let output = command(PLUGIN, &[]).args(["docker", "status"]).output().unwrap();
    let (stdout, stderr) = (
        String::from_utf8(output.stdout).unwrap(),
        String::from_utf8(output.stderr).unwrap(),
    );
    assert!(!stdout.contains("gitea.example.com"), "{stdout}");
    let said = format!("run/containers/auth.json is left out: XDG_RUNTIME_DIR names {run}");
    assert!(stderr.contains(&said), "{stderr}");
}
