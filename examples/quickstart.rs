//! The whole main job in a minute, on servers that this program brings along.
//!
//! A Gitea and a Kubernetes API server run on loopback, and the keychain is in memory; on Linux, a second act is about a
//! machine that has none, with a real vault. The commands go through the same entry points as the programs. Nothing is
//! installed, and nothing is left behind.
#![allow(clippy::print_stdout, reason = "a demonstration prints")]
#![allow(dead_code, reason = "the doubles are those of the tests, which use all of them")]
#![allow(clippy::unwrap_used, reason = "a demonstration that cannot go on says where")]

#[path = "../tests/support/api_server/mod.rs"]
mod api_server;
#[path = "../tests/support/background.rs"]
mod background;
#[path = "../tests/support/forward.rs"]
mod forward;
#[path = "../tests/support/gate.rs"]
mod gate;
#[path = "../tests/support/gitea/mod.rs"]
mod gitea;
#[path = "../tests/support/http.rs"]
mod http;
#[path = "../tests/support/nginx.rs"]
mod nginx;
#[path = "../tests/support/part.rs"]
mod part;
#[cfg(target_os = "linux")]
#[path = "quickstart/server.rs"]
mod server;
#[path = "../tests/support/tls.rs"]
mod tls;

use std::cell::RefCell;
use std::io::Cursor;
use std::path::Path;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;

use api_server::ApiServer;
use gitea::{Gitea, Profile};
use keyring_core::CredentialStore;
use regcred::commands::{self, System};
use regcred::helper;
use regcred::keychain::{self, Keychain};
use regcred::output::Output;
use regcred::sys::env::Env;

/// A workstation or a server: a home folder, a keychain, and the addresses of a registry and a cluster.
struct Machine {
    env: Env,
    /// The keychain in memory; without one, what the machine has counts.
    store: Option<Arc<CredentialStore>>,
    failed: bool,
}

impl Machine {
    /// Runs a command line of `kubectl regcred`, shows it with what it prints, and remembers an unexpected exit code.
    fn kubectl_regcred(&mut self, shown: &str, stdin: &str, expected: u8) -> String {
        println!("\n$ {shown}");
        let args = shown.rsplit('|').next().unwrap().split_whitespace().skip(1); // `regcred` stands for the program's name
        let printed = Rc::new(RefCell::new(Vec::new()));
        let code = {
            let mut system = System {
                env: self.env.clone(),
                stdin: Box::new(Cursor::new(stdin.as_bytes().to_vec())),
                output: Output::new(Tee(printed.clone()), false, Tee(printed.clone())),
                person: None,
                open_keychain: Box::new(|_| self.keychain()),
                handles_interrupts: false,
            };
            commands::run(args, &mut system).code()
        };
        self.done(&printed.take(), code, expected)
    }

    fn keychain(&self) -> Result<Keychain, keychain::Error> {
        match &self.store {
            Some(store) => Ok(Keychain::with_store(store.clone())),
            None => Keychain::open(&self.env),
        }
    }

    /// Runs an action of `docker-credential-gitea`, as docker does.
    fn helper(&mut self, registry: &str, action: &str, expected: u8) -> String {
        println!("\n$ echo {registry} | docker-credential-gitea {action}");
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let code = helper::run(
            &[action.into()],
            &mut registry.as_bytes(),
            &mut stdout,
            &mut stderr,
            || self.keychain(),
        );
        stdout.extend(stderr);
        self.done(&stdout, code, expected)
    }

    fn done(&mut self, printed: &[u8], code: u8, expected: u8) -> String {
        let text = String::from_utf8_lossy(printed).into_owned();
        print!("{text}");
        if code != expected {
            println!("(exit code {code}, expected {expected})");
            self.failed = true;
        }
        text
    }

    fn expect(&mut self, what: &str, holds: bool) {
        println!("# {what}: {}", if holds { "yes" } else { "NO" });
        self.failed |= !holds;
    }
}

/// Both streams of a command, in the order in which it wrote.
struct Tee(Rc<RefCell<Vec<u8>>>);

impl std::io::Write for Tee {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn main() -> ExitCode {
    // `docker setup` links docker's name of the helper to `kubectl-regcred`, which here is a link to this program.
    let mut args = std::env::args_os().peekable();
    if args.next_if(|name| helper::is_called(name)).is_some() {
        return helper::main(args, &Env::of_process());
    }
    let gitea = Gitea::start(Profile::V1_27);
    gitea.add_user("admin");
    let first = gitea.add_token("admin", "write:package");
    let registry = gitea.registry();
    let cluster = ApiServer::start();
    cluster.create_namespace("honeydue");
    let home = tempfile::tempdir().unwrap();
    let mut me = workstation(home.path(), &cluster, &registry, &first);
    println!("# A Gitea at {registry} and a Kubernetes cluster, both made up for this demonstration.");
    println!("# docker has logged in there before, so a token lies in ~/.docker/config.json in plain text.");

    me.kubectl_regcred("kubectl regcred docker setup", "", 0);
    let config = std::fs::read_to_string(home.path().join(".docker/config.json")).unwrap();
    me.expect(
        "the file names the helper, and holds no token",
        !config.contains("auth\""),
    );
    me.kubectl_regcred("kubectl regcred list", "", 0);
    me.kubectl_regcred("kubectl regcred sync -n honeydue", "", 0);
    me.kubectl_regcred("kubectl regcred sync -n honeydue", "", 0);
    let got = me.helper(&registry, "get", 0);
    me.expect("docker gets the token from the keychain", got.contains(&first));
    let uid = uid(&cluster);
    me.expect(
        "kubelet could pull with the Secret",
        holds(&cluster, "honeydue", &first),
    );

    println!("\n# A new token, made in Gitea's web pages: Settings, Applications, scope write:package.");
    let second = gitea.add_token("admin", "write:package");
    me.kubectl_regcred("cat token | kubectl regcred rotate -A --token-stdin", &second, 0);
    me.expect(
        "the Secret holds the new token",
        holds(&cluster, "honeydue", &second) && !holds(&cluster, "honeydue", &first),
    );
    me.expect(
        "it is the same Secret, changed in place",
        uid.is_some() && uid == self::uid(&cluster),
    );
    let got = me.helper(&registry, "get", 0);
    me.expect("docker gets the new token", got.contains(&second));
    let login = format!("cat old-token | kubectl regcred login {registry} -u admin --token-stdin");
    me.kubectl_regcred(&login, &first, 1);

    println!("\n# Somebody puts another token into the Secret.");
    let third = gitea.add_token("admin", "write:package");
    let by_hand = format!("kubectl regcred sync -n honeydue --registry {registry} -u admin --token-stdin");
    me.kubectl_regcred(&format!("cat another-token | {by_hand}"), &third, 0);
    let seen = me.kubectl_regcred("kubectl regcred status -n honeydue", "", 3);
    // It says what to type.
    let remedy = seen.lines().find_map(|line| line.trim().strip_prefix("$ "));
    me.kubectl_regcred(remedy.unwrap_or("status names no command"), "", 0);
    me.expect("the Secret is mended", holds(&cluster, "honeydue", &second));

    println!("\n# And away again.");
    me.kubectl_regcred("kubectl regcred docker remove", "", 0);
    me.kubectl_regcred(&format!("kubectl regcred logout {registry}"), "", 0);
    #[cfg(target_os = "linux")]
    let failed = server::second_act(&cluster, &registry, &second) || me.failed;
    #[cfg(not(target_os = "linux"))]
    let failed = me.failed;

    println!(
        "
# On a real machine:
#   cargo install --locked --path .                       # kubectl-regcred and docker-credential-gitea
#   kubectl regcred keychain use vault                    # only where there is no desktop: asks for a passphrase
#   kubectl regcred login gitea.example.com -u admin      # asks for the token, verifies and stores it in the keychain
#   kubectl regcred docker setup                          # docker and podman ask the keychain from now on
#   kubectl regcred sync -n honeydue                      # writes or refreshes the Secret gitea-credentials
#   kubectl regcred status                                # what is out of step, and the command that fixes it"
    );
    if failed {
        println!("\nquickstart: something above is not as it should be");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// A home in which docker has logged in with a token, and a `kubectl-regcred` on PATH as krew puts one there.
fn workstation(home: &Path, cluster: &ApiServer, registry: &str, token: &str) -> Machine {
    use base64::Engine as _;
    let (bin, docker, kubeconfig) = (home.join("bin"), home.join(".docker"), home.join("kubeconfig"));
    for folder in [&bin, &docker] {
        std::fs::create_dir(folder).unwrap();
    }
    std::fs::write(&kubeconfig, cluster.kubeconfig()).unwrap();
    let login = base64::engine::general_purpose::STANDARD.encode(format!("admin:{token}"));
    let config = format!("{{\n\t\"auths\": {{\n\t\t\"{registry}\": {{\n\t\t\t\"auth\": \"{login}\"\n\t\t}}\n\t}}\n}}");
    std::fs::write(docker.join("config.json"), config).unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(std::env::current_exe().unwrap(), bin.join("kubectl-regcred")).unwrap();
    Machine {
        env: [("HOME", home), ("KUBECONFIG", &kubeconfig), ("PATH", &bin)]
            .into_iter()
            .collect(),
        store: Some(keyring_core::sample::Store::new().unwrap()),
        failed: false,
    }
}

fn uid(cluster: &ApiServer) -> Option<String> {
    let secret = cluster.secret("honeydue", "gitea-credentials")?;
    secret["metadata"]["uid"].as_str().map(str::to_owned)
}

/// Whether the Secret's document hands this token to kubelet.
fn holds(cluster: &ApiServer, namespace: &str, token: &str) -> bool {
    use base64::Engine as _;
    let secret = cluster.secret(namespace, "gitea-credentials").unwrap_or_default();
    let data = secret["data"][".dockerconfigjson"].as_str().unwrap_or_default();
    let document = base64::engine::general_purpose::STANDARD
        .decode(data)
        .unwrap_or_default();
    String::from_utf8_lossy(&document).contains(&format!("\"password\":\"{token}\""))
}
