//! `docker-credential-gitea`, asked as docker's clients ask it: on the in-memory store, on real Secret Services and on the
//! vault.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;

use keyring_core::{CredentialStore, Error as CoreError};
use regcred::helper;
use regcred::keychain::secret_service::SecretService;
use regcred::keychain::vault::Vault;
use regcred::keychain::{Config, Keychain};
use regcred::model::{Credential, Registry, Token, Use};
use regcred::sys::env::Env;
use serde_json::{Value, json};

use crate::support::parts::{IN_GNOME_KEYRING, IN_KEEPASSXC, IN_VAULT};
use crate::support::store::{Kind, Store};
use crate::support::{HELPER, PLUGIN, keyring};

const NAME: &str = "docker-credential-gitea";
const HUB: &str = "https://index.docker.io/v1/";
pub const NOT_FOUND: &str = "credentials not found in native keychain";
pub const TOKEN: &str = "gitea-token-5b1dba63e8f04d2a";

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

fn on_store(kind: Kind) -> Ask {
    let store = kind.start();
    Box::new(move |action, stdin| ask(store.command(HELPER), action, stdin))
}

/// Runs the program.
pub fn ask(command: Command, action: &str, stdin: &str) -> (String, String, i32) {
    let output = output(command, action, stdin);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output.stdout), text(output.stderr), output.status.code().unwrap())
}

fn output(command: Command, action: &str, stdin: &str) -> Output {
    let mut child = start(command, action);
    // A helper that does not read its stdin may be gone already.
    let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    child.wait_with_output().unwrap()
}

/// Starts the program with pipes for stdin, stdout and stderr.
pub fn start(mut command: Command, action: &str) -> Child {
    command.arg(action).stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

pub fn entry(server: &str, username: &str, secret: &str) -> String {
    json!({"ServerURL": server, "Username": username, "Secret": secret}).to_string() + "\n"
}

pub fn success() -> (String, String, i32) {
    (String::new(), String::new(), 0)
}

scenario!(the_rules_in_memory);
fn the_rules_in_memory() {
    keeps_the_rules(&in_memory());
}

scenario!(the_rules, on(IN_GNOME_KEYRING, IN_KEEPASSXC, IN_VAULT));
fn the_rules(kind: Kind) {
    keeps_the_rules(&on_store(kind));
}

scenario!(the_script_for_other_systems, on(IN_GNOME_KEYRING, IN_VAULT));
/// `tests/protocol.sh` asks the helpers of systems that have no scenarios: here it has to find nothing wrong, and to find
/// what is.
fn the_script_for_other_systems(kind: Kind) {
    let store = kind.start();
    let ask = |helper: &str| {
        let mut script = store.command(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/protocol.sh"));
        script.arg(helper).output().unwrap()
    };
    let output = ask(HELPER);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let output = ask("/bin/true");
    assert!(!output.status.success(), "a program that answers nothing");
}

/// Every rule that a client of a credential helper relies on.
fn keeps_the_rules(ask: &Ask) {
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

pub fn keychain(env: &Env) -> Keychain {
    Keychain::open(env).unwrap()
}

pub fn registry(text: &str) -> Registry {
    text.parse().unwrap()
}

pub fn credential(username: &str, token: &str) -> Credential {
    Credential {
        registry: registry("gitea.example.com"),
        username: username.parse().unwrap(),
        token: Token::parse(token).unwrap(),
    }
}

scenario!(
    what_one_program_stores_the_other_finds,
    on(IN_GNOME_KEYRING, IN_KEEPASSXC, IN_VAULT)
);
fn what_one_program_stores_the_other_finds(kind: Kind) {
    let store = kind.start();
    let ours = keychain(&store.env());
    assert_eq!(
        ask(
            store.command(HELPER),
            "store",
            &entry("gitea.example.com", "alice", TOKEN)
        ),
        success()
    );
    let stored = ours.get(&registry("gitea.example.com"), Use::Docker).unwrap();
    assert_eq!(stored, Some(credential("alice", TOKEN)));
    ours.put(Use::Docker, &credential("bob", "new")).unwrap();
    ours.put(Use::Cluster, &credential("robot", "pull")).unwrap();
    let (stdout, _, _) = ask(store.command(HELPER), "get", "gitea.example.com");
    assert!(stdout.contains("bob") && stdout.contains("new"), "{stdout}");
    let items = ours.list().unwrap();
    let shown: Vec<_> = items.iter().map(|item| (item.usage, item.username.as_str())).collect();
    assert_eq!(shown, [(Use::Docker, "bob"), (Use::Cluster, "robot")]);
    assert!(ours.delete(&registry("gitea.example.com"), Use::Docker).unwrap());
    assert_eq!(ask(store.command(HELPER), "list", "").0, "{}\n");
}

scenario!(
    many_processes_at_once_lose_nothing,
    on(IN_GNOME_KEYRING, IN_KEEPASSXC, IN_VAULT)
);
fn many_processes_at_once_lose_nothing(kind: Kind) {
    const EACH: usize = 16;
    let store = kind.start();
    let spawn = |action: &str, stdin: &str| {
        let mut child = start(store.command(HELPER), action);
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
    let names = keychain(&store.env()).names().unwrap();
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
    // One item for each: the shared one is not there sixteen times. Its earlier tokens are remembered in another.
    assert_eq!(items_of(&store), EACH + 2);
}

type Paths = Vec<zbus::OwnedObjectPath>;

/// How many items of ours are in the keyring, duplicates included.
fn items_of(store: &Store) -> usize {
    let spec = HashMap::from([("service", "kubectl-regcred")]);
    let keyring = match store {
        Store::Service(keyring) => keyring,
        Store::Vault(_) => return raw(store).search(&spec).unwrap().len(),
    };
    let service = "org.freedesktop.Secret.Service";
    let reply = keyring.bus().call(
        "org.freedesktop.secrets",
        "/org/freedesktop/secrets",
        service,
        "SearchItems",
        &(spec,),
    );
    let (open, locked): (Paths, Paths) = reply.body().deserialize().unwrap();
    open.len() + locked.len()
}

scenario!(the_token_is_nowhere_else, on(IN_GNOME_KEYRING, IN_KEEPASSXC, IN_VAULT));
fn the_token_is_nowhere_else(kind: Kind) {
    let store = kind.start();
    let mut child = start(store.command(HELPER), "store");
    let mut stdin = child.stdin.take().unwrap();
    let stored = entry("gitea.example.com", "alice", TOKEN);
    // All of it but the last brace: the helper has the token and waits.
    stdin
        .write_all(stored.trim_end().strip_suffix('}').unwrap().as_bytes())
        .unwrap();
    for file in ["cmdline", "environ"] {
        let shown = fs::read(format!("/proc/{}/{file}", child.id())).unwrap();
        assert!(!String::from_utf8_lossy(&shown).contains(TOKEN), "{file}");
    }
    stdin.write_all(b"}").unwrap();
    drop(stdin);
    assert!(child.wait_with_output().unwrap().status.success());
    assert!(ask(store.command(HELPER), "get", "gitea.example.com").0.contains(TOKEN));
    let files = keyring::files_with(store.folder(), TOKEN);
    assert!(files.is_empty(), "{files:?}");
    // The search finds what it looks for.
    let found = match kind {
        Kind::Service(_) => "busconfig",
        Kind::Vault => "kubectl-regcred/vault",
    };
    assert!(!keyring::files_with(store.folder(), found).is_empty());
}

/// The store itself, below the keychain that everything else asks.
fn raw(store: &Store) -> Arc<CredentialStore> {
    match store {
        Store::Service(keyring) => Arc::new(SecretService::new(&keyring.env())),
        Store::Vault(home) => Arc::new(Vault::new(&home.env(), &Config::read(&home.env()).unwrap()).unwrap()),
    }
}

scenario!(
    the_store_keeps_to_its_trait,
    on(IN_GNOME_KEYRING, IN_KEEPASSXC, IN_VAULT)
);
/// What keyring-core's own documentation promises of entries, whoever stands above them.
fn the_store_keeps_to_its_trait(kind: Kind) {
    let store = kind.start();
    let raw = raw(&store);
    // As the keychain names its items: a Secret Service keeps the parts of this as attributes.
    let (service, account) = ("kubectl-regcred", "docker gitea.example.com");
    let build = |username| {
        let attributes = HashMap::from([("username", username)]);
        raw.build(service, account, Some(&attributes)).unwrap()
    };
    let nothing = raw.build(service, account, None).unwrap();
    assert!(matches!(nothing.get_secret(), Err(CoreError::NoEntry)));
    assert!(matches!(nothing.get_attributes(), Err(CoreError::NoEntry)));
    assert!(matches!(nothing.get_credential(), Err(CoreError::NoEntry)));
    assert!(matches!(nothing.delete_credential(), Err(CoreError::NoEntry)));
    assert_eq!(
        nothing.get_specifiers().unwrap(),
        (service.to_owned(), account.to_owned())
    );
    assert!(raw.search(&HashMap::from([("service", service)])).unwrap().is_empty());

    build("alice").set_secret(b"first").unwrap();
    assert_eq!(nothing.get_secret().unwrap(), b"first");
    assert_eq!(nothing.get_attributes().unwrap()["username"], "alice");
    build("bob").set_secret(b"second").unwrap();
    let found = raw.search(&HashMap::from([("service", service)])).unwrap();
    assert_eq!(found.len(), 1, "one item for each name");
    assert_eq!(found[0].get_attributes().unwrap()["username"], "bob");
    assert_eq!(found[0].get_secret().unwrap(), b"second");
    assert_eq!(found[0].get_specifiers(), nothing.get_specifiers());
    let spec = |user| HashMap::from([("service", service), ("username", user)]);
    assert_eq!(raw.search(&spec("bob")).unwrap().len(), 1);
    assert!(raw.search(&spec("alice")).unwrap().is_empty());

    nothing.delete_credential().unwrap();
    assert!(matches!(found[0].get_secret(), Err(CoreError::NoEntry)));
    assert!(matches!(nothing.delete_credential(), Err(CoreError::NoEntry)));
}

scenario!(
    secret_tool_sees_attributes_and_no_token,
    on(IN_GNOME_KEYRING, IN_KEEPASSXC),
    needs("secret-tool")
);
fn secret_tool_sees_attributes_and_no_token(kind: Kind) {
    let store = kind.start();
    let mut theirs = store.command("secret-tool");
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
    let mut theirs = store.command("secret-tool");
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
    assert_eq!(ask(store.command(HELPER), "store", &stored), success());
    let mut search = store.command("secret-tool");
    search.args(["search", "--all", "service", "kubectl-regcred", "registry"]);
    let found = output(search, "gitea.example.com", "");
    // secret-tool writes the secret to stdout and the attributes to stderr.
    let attributes = String::from_utf8(found.stderr).unwrap();
    let mut lines: Vec<_> = attributes
        .lines()
        // KeePassXC adds the fields of its entries, which start with a capital letter: Title, Uuid.
        .filter(|line| {
            line.strip_prefix("attribute.")
                .is_some_and(|name| name.starts_with(char::is_lowercase))
        })
        .collect();
    lines.sort_unstable();
    let since = lines
        .iter()
        .position(|line| line.starts_with("attribute.since = "))
        .unwrap();
    assert!(lines.remove(since).bytes().filter(u8::is_ascii_digit).count() >= 10);
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
        ask(store.command(HELPER), "list", "").0,
        "{\"gitea.example.com\":\"alice\"}\n"
    );
    assert_eq!(ask(store.command(HELPER), "erase", "gitea.example.com"), success());
    let mut lookup = store.command("secret-tool");
    lookup.args(["lookup", "service"]);
    assert_eq!(output(lookup, "other", "").stdout, b"their-secret");
}

scenario!(the_plugin_called_by_the_helpers_name_runs_the_helper_beside_it);
/// As krew and `docker setup` leave them: the programs in a folder of the version's, and a link to the plugin on PATH.
fn the_plugin_called_by_the_helpers_name_runs_the_helper_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let [store, bin] = ["store", "bin"].map(|name| folder.path().join(name));
    for folder in [&store, &bin] {
        fs::create_dir(folder).unwrap();
    }
    let [plugin, beside] = ["kubectl-regcred", NAME].map(|name| store.join(name));
    fs::copy(PLUGIN, &plugin).unwrap();
    symlink(&plugin, bin.join("kubectl-regcred")).unwrap();
    symlink("kubectl-regcred", bin.join(NAME)).unwrap();
    let asked = || {
        let mut command = Command::new(bin.join(NAME));
        command.env_clear().env("HOME", folder.path());
        ask(command, "version", "gitea.example.com")
    };
    let itself = (
        format!("docker-credential-gitea (regcred) v{}\n", env!("CARGO_PKG_VERSION")),
        String::new(),
        0,
    );
    assert_eq!(asked(), itself, "there is none");
    fs::write(&beside, "#!/bin/sh\nread -r stdin\necho \"$1 $# $stdin\"\nexit 7\n").unwrap();
    assert_eq!(asked(), itself, "it cannot be executed");
    fs::set_permissions(&beside, fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(asked(), ("version 1 gitea.example.com\n".to_owned(), String::new(), 7));
    fs::remove_file(&beside).unwrap();
    symlink("../bin/kubectl-regcred", &beside).unwrap();
    assert_eq!(asked(), itself, "a link that leads back");
}
