//! Every system call that could carry a token out of the programs, as the kernel sees it: the token goes to the registry,
//! to the API server and to the keyring's bus, and nowhere else.
//!
//! The registry is spoken to over http here, so its socket shows the token; a real API server is spoken to over TLS and
//! shows none, so the double takes its place once. What goes through TLS is not seen, and need not be.

use std::collections::BTreeMap;
use std::fs;
use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::support::api_server::ApiServer;
use crate::support::gitea::Profile;
use crate::support::keyring::files_with;
use crate::support::parts::{KERNEL_KEYRING, REAL_PARTS, STRACE};
use crate::support::vault::PASSPHRASE;
use crate::support::world::World;
use crate::support::{HELPER, PLUGIN};

/// What starts programs, opens files, and writes to anything; `connect` tells which socket is whose.
const CALLS: &str = "trace=execve,execveat,open,openat,openat2,creat,connect,write,pwrite64,writev,pwritev,pwritev2,\
                     send,sendto,sendmsg,sendmmsg,memfd_create,link,linkat,symlink,symlinkat,rename,renameat,renameat2,\
                     mkdir,mkdirat,setxattr,fsetxattr,prctl,add_key,keyctl";

/// Where a secret was seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Registry,
    ApiServer,
    Bus,
    /// The keyring of a vault's key.
    Kernel,
}

/// The ways in which a secret can stand in a document: as it is, in base64 wherever it begins there, and in base64 of
/// that, as a Secret holds docker's `auth`.
pub(super) fn forms(secret: &str) -> Vec<String> {
    let encoded = |text: &str| -> Vec<String> {
        (0..3)
            .map(|shift| {
                let whole = STANDARD.encode(format!("{}{text}", "x".repeat(shift)));
                // The digits at both ends also depend on what stands beside it.
                whole[(shift * 8).div_ceil(6)..whole.len() - 4].to_owned()
            })
            .collect()
    };
    let once = encoded(secret);
    let twice = once.iter().flat_map(|text| encoded(text)).collect();
    [vec![secret.to_owned()], once, twice].concat()
}

/// A workstation whose programs are watched. Every verb that handles a token has a line in one of the scenarios here:
/// `run` it with the secrets that it handles, and say where they may go.
struct Watched<'a> {
    world: &'a World,
    api_server: Option<SocketAddr>,
}

impl Watched<'_> {
    /// Runs a program under strace. Returns where `secrets` went and how often, or the first call that took one of them
    /// anywhere else.
    fn run(&self, program: &str, line: &str, stdin: &str, secrets: &[&str]) -> Result<BTreeMap<Place, usize>, String> {
        let log = self.world.folder().join("tmp/strace.log");
        let line = line
            .replace("[REGISTRY]", &self.world.registry())
            .replace("[NAMESPACE]", &self.world.namespace);
        let mut strace = self.world.command("strace");
        strace.args(["-f", "-yy", "-s", "1000000", "-e", CALLS, "-o"]).arg(&log);
        strace.arg(program).args(line.split_whitespace());
        self.world.run(&mut strace, stdin).done();
        let trace = fs::read_to_string(&log).unwrap();
        fs::remove_file(&log).unwrap();
        assert!(
            trace.contains("execve(") && trace.contains("+++ exited with 0 +++"),
            "{line}: no trace"
        );
        self.places(&trace, secrets)
    }

    fn places(&self, trace: &str, secrets: &[&str]) -> Result<BTreeMap<Place, usize>, String> {
        let forms: Vec<String> = secrets.iter().flat_map(|secret| forms(secret)).collect();
        let mut sockets: BTreeMap<&str, &str> = BTreeMap::new();
        let mut places = BTreeMap::new();
        for line in trace.lines() {
            let call = line.trim_start_matches(|c: char| c.is_ascii_digit() || c == ' ');
            let (name, arguments) = call.split_once('(').unwrap_or((call, ""));
            let number = arguments.split(['<', ',']).next().unwrap_or_default();
            if name == "connect" {
                sockets.insert(number, arguments);
            }
            if !forms.iter().any(|form| line.contains(form.as_str())) {
                continue;
            }
            if name == "add_key" {
                *places.entry(Place::Kernel).or_default() += 1;
                continue;
            }
            // What comes out of there is shown as well: when the call returns, which may be on a line of its own.
            let reads = name == "keyctl" && arguments.starts_with("KEYCTL_READ");
            if reads || call.starts_with("<... keyctl resumed>") {
                continue;
            }
            let writes = matches!(name, "write" | "writev" | "sendto" | "sendmsg");
            // The description of the descriptor itself, so that a file of a telling name is no socket.
            let described = arguments.split('>').next().unwrap_or_default();
            let is_socket = ["TCP", "UNIX", "socket:"].iter().any(|kind| {
                described
                    .split_once('<')
                    .is_some_and(|(_, described)| described.starts_with(kind))
            });
            let peer = sockets.get(number).copied().unwrap_or_default();
            let place = self.place(peer).filter(|_| writes && is_socket);
            let place = place.ok_or_else(|| format!("a secret went into {name}({described}>, connected to {peer}"))?;
            *places.entry(place).or_default() += 1;
        }
        Ok(places)
    }

    fn place(&self, connected: &str) -> Option<Place> {
        let is = |address: SocketAddr| {
            connected.contains(&format!("sin_port=htons({})", address.port()))
                && connected.contains(&format!("inet_addr(\"{}\")", address.ip()))
        };
        let bus = self.world.folder().display().to_string();
        if is(self.world.gitea.address()) {
            Some(Place::Registry)
        } else if self.api_server.is_some_and(is) {
            Some(Place::ApiServer)
        } else if connected.contains("AF_UNIX") && connected.contains(&bus) {
            Some(Place::Bus)
        } else {
            None
        }
    }
}

scenario!(login_sync_and_logout, needs(REAL_PARTS, STRACE));
fn login_sync_and_logout() {
    let mut world = World::of_real_parts();
    let plane = ApiServer::start();
    plane.create_namespace(&world.namespace);
    let address = plane.url().trim_start_matches("http://").parse().unwrap();
    let first = world.gitea.add_token("admin", "write:package");
    let second = world.gitea.add_token("admin", "read:package");
    let third = world.gitea.add_token("admin", "write:package");
    let fourth = world.gitea.add_token("admin", "read:package");
    let secrets = [first.as_str(), second.as_str(), third.as_str(), fourth.as_str()];
    let run = |world: &World, api_server, program, line, stdin| {
        let seen = Watched { world, api_server }
            .run(program, line, stdin, &secrets)
            .unwrap();
        seen.into_keys().collect::<Vec<_>>()
    };

    let login = "login [REGISTRY] -u admin --token-stdin";
    let seen = run(&world, None, PLUGIN, login, &first);
    assert_eq!(seen, [Place::Registry, Place::Bus]);
    let login = "login [REGISTRY] -u admin --use cluster --token-stdin";
    let seen = run(&world, None, PLUGIN, login, &second);
    assert_eq!(seen, [Place::Registry, Place::Bus]);
    assert_eq!(run(&world, None, PLUGIN, "list", ""), []);

    // The bus hands the token out; over TLS nothing of it is seen.
    assert_eq!(run(&world, None, PLUGIN, "sync -n [NAMESPACE]", ""), []);
    assert!(world.document("gitea-credentials").contains(&second));
    // What is in another cluster would keep the token from being revoked.
    world
        .regcred("sync -n [NAMESPACE] --registry [REGISTRY] --remove")
        .done();
    let real = world.folder().join("kubeconfig");
    let double = world.folder().join("kubeconfig-double");
    fs::write(&double, plane.kubeconfig()).unwrap();
    world.variables.insert("KUBECONFIG".to_owned(), double.into());
    let seen = run(&world, Some(address), PLUGIN, "sync -n [NAMESPACE]", "");
    assert_eq!(seen, [Place::ApiServer]);
    assert!(plane.secret(&world.namespace, "gitea-credentials").is_some());
    let rotate = "rotate [REGISTRY] -n [NAMESPACE] --token-stdin";
    let seen = run(&world, Some(address), PLUGIN, rotate, &fourth);
    assert_eq!(seen, [Place::Registry, Place::ApiServer, Place::Bus]);
    assert_eq!(world.gitea.state().tokens.len(), 3, "the second one is revoked");
    world.variables.insert("KUBECONFIG".to_owned(), real.into());

    let store = serde_json::json!({"ServerURL": world.registry(), "Username": "admin", "Secret": third}).to_string();
    assert_eq!(run(&world, None, HELPER, "store", &store), [Place::Bus]);
    // The answer to docker is the one thing that is printed; it is what docker asked for.
    let got = world.helper("get", "[REGISTRY]").done();
    assert!(got.contains(&third));

    let seen = run(&world, None, PLUGIN, "logout [REGISTRY] --revoke --revoke-anyway", "");
    assert_eq!(seen, [Place::Registry]);
    assert_eq!(
        world.gitea.state().tokens.len(),
        1,
        "the one that docker's login replaced"
    );
}

scenario!(vault, needs(REAL_PARTS, STRACE, KERNEL_KEYRING));
/// The passphrase goes nowhere, and the key into the kernel; in files there is neither, nor a token.
fn vault() {
    let world = World::with_vault();
    let kernel_key = || world.server().kernel_key().unwrap();
    let token = world.gitea.add_token("admin", "write:package");
    let watched = Watched {
        world: &world,
        api_server: None,
    };
    let run = |program, line: &str, stdin: &str, secrets: &[&str]| {
        let seen = watched.run(program, line, stdin, secrets).unwrap();
        seen.into_keys().collect::<Vec<_>>()
    };
    let key = kernel_key();
    let secrets = [token.as_str(), PASSPHRASE, &key];
    assert_eq!(run(PLUGIN, "keychain lock", "", &secrets), []);
    let unlock = "keychain unlock --passphrase-stdin";
    assert_eq!(run(PLUGIN, unlock, PASSPHRASE, &secrets), [Place::Kernel]);
    // Opened again for another time.
    assert_eq!(run(PLUGIN, "keychain unlock --for 1h", "", &secrets), [Place::Kernel]);
    let login = "login [REGISTRY] -u admin --token-stdin";
    assert_eq!(run(PLUGIN, login, &token, &secrets), [Place::Registry]);
    assert_eq!(run(PLUGIN, "list", "", &secrets), []);
    let store = serde_json::json!({"ServerURL": "other.example.com", "Username": "admin", "Secret": token}).to_string();
    assert_eq!(run(HELPER, "store", &store, &secrets), []);
    assert!(world.helper("get", "other.example.com").done().contains(&token));
    assert_eq!(run(HELPER, "erase", "other.example.com", &secrets), []);
    assert_eq!(run(PLUGIN, "sync -n [NAMESPACE]", "", &secrets), []);
    let new = "another correct horse";
    let change = format!("{PASSPHRASE}\n{new}\n");
    let passphrase = "keychain passphrase --passphrase-stdin";
    assert_eq!(run(PLUGIN, passphrase, &change, &[&secrets[..], &[new]].concat()), []);
    world.regcred_with(unlock, new).done();
    let new_key = kernel_key();
    let secrets = [token.as_str(), PASSPHRASE, &key, new, &new_key];
    assert_eq!(run(PLUGIN, unlock, new, &secrets), [Place::Kernel]);
    // A wrong one, and what is said about it.
    let wrong = world.run(world.command(PLUGIN).args(unlock.split_whitespace()), PASSPHRASE);
    assert!(
        !secrets.iter().any(|secret| wrong.to_string().contains(secret)),
        "{wrong}"
    );
    assert_eq!(run(PLUGIN, "logout [REGISTRY]", "", &secrets), []);
    // A key file is the one place for a key.
    let line = "keychain use vault --key-file vault.key";
    let leaks = watched.run(PLUGIN, line, "", &secrets).unwrap_err();
    assert!(leaks.contains("write") && leaks.contains("vault.key"), "{leaks}");
    for secret in secrets {
        let files = files_with(world.folder(), secret);
        let expected = if secret == new_key {
            vec![world.home().join("vault.key")]
        } else {
            vec![]
        };
        assert_eq!(files, expected);
    }
}

scenario!(a_password_goes_to_the_registry_alone, needs(REAL_PARTS, STRACE));
fn a_password_goes_to_the_registry_alone() {
    let world = World::of_real_parts();
    let watched = Watched {
        world: &world,
        api_server: None,
    };
    // Before 1.27 the password deletes as well.
    world.gitea.state().profile = Profile::V1_25;
    let password = "correct horse battery staple";
    password.clone_into(&mut world.gitea.state().users[0].password);
    let seen = watched.run(
        PLUGIN,
        "login [REGISTRY] -u admin --mint --password-stdin",
        password,
        &[password],
    );
    let seen = seen.unwrap();
    assert_eq!(seen, BTreeMap::from([(Place::Registry, 1)]), "it is sent once");
    let line = "rotate [REGISTRY] --no-secrets --mint --password-stdin";
    let seen = watched.run(PLUGIN, line, password, &[password]).unwrap();
    assert_eq!(
        seen,
        BTreeMap::from([(Place::Registry, 3)]),
        "to make the new token, for the list, which says how long it is, and to delete the old one"
    );
    let token = world.gitea.state().tokens[0].value.clone();
    let line = "logout [REGISTRY] --revoke --password-stdin";
    let seen = watched.run(PLUGIN, line, password, &[password, &token]).unwrap();
    assert_eq!(seen.into_keys().collect::<Vec<_>>(), [Place::Registry]);
    assert_eq!(world.gitea.state().tokens.len(), 0);
}

scenario!(a_write_to_a_file_would_be_seen, needs(REAL_PARTS, STRACE));
/// The watch itself: what goes to a file, a pipe or a command line is found, in whatever form.
fn a_write_to_a_file_would_be_seen() {
    let world = World::of_real_parts();
    let watched = Watched {
        world: &world,
        api_server: None,
    };
    let secret = "0123456789abcdef0123456789abcdef01234567";
    let basic = STANDARD.encode(format!("admin:{secret}"));
    let document = STANDARD.encode(format!("{{\"auths\":{{\"x\":{{\"auth\":\"{basic}\"}}}}}}"));
    let file = world.folder().join("tmp/leak");
    for text in [secret, &basic, &document] {
        for script in [
            format!("printf '%s' {text} > {}", file.display()),
            format!("printf '%s' {text}"),
        ] {
            let script_file = world.folder().join("tmp/script");
            fs::write(&script_file, &script).unwrap();
            let line = script_file.display().to_string();
            let leaks = watched.run("sh", &line, "", &[secret]);
            assert!(
                leaks.is_err_and(|error| error.contains("write")),
                "{script} was not seen"
            );
        }
        let leaks = watched.run("true", text, "", &[secret]);
        assert!(
            leaks.is_err_and(|error| error.contains("execve")),
            "a command line was not seen"
        );
    }
    assert_eq!(watched.run("true", "nothing", "", &[secret]), Ok(BTreeMap::new()));
}
