//! The whole main job in a minute, on servers that this program brings along.
//!
//! A Gitea and a Kubernetes API server run on loopback, and the keychain is in memory; the commands go through the same
//! entry points as the programs. Nothing is installed, and nothing is left behind.
#![allow(clippy::print_stdout, reason = "a demonstration prints")]
#![allow(dead_code, reason = "the doubles are those of the tests, which use all of them")]
#![allow(clippy::unwrap_used, reason = "a demonstration that cannot go on says where")]

#[path = "../tests/support/api_server/mod.rs"]
mod api_server;
#[path = "../tests/support/gate.rs"]
mod gate;
#[path = "../tests/support/gitea/mod.rs"]
mod gitea;
#[path = "../tests/support/http.rs"]
mod http;

use std::cell::RefCell;
use std::io::Cursor;
use std::process::ExitCode;
use std::rc::Rc;
use std::sync::Arc;

use api_server::ApiServer;
use gitea::{Gitea, Profile};
use keyring_core::CredentialStore;
use regcred::commands::{self, System};
use regcred::env::Env;
use regcred::helper;
use regcred::keychain::Keychain;
use regcred::output::Output;

/// A workstation: a home folder, a keychain, and the addresses of a registry and a cluster.
struct Workstation {
    env: Env,
    store: Arc<CredentialStore>,
    failed: bool,
}

impl Workstation {
    /// Runs a command line of `kubectl regcred`, shows it with what it prints, and remembers an unexpected exit code.
    fn kubectl_regcred(&mut self, shown: &str, stdin: &str, expected: u8) -> String {
        println!("\n$ {shown}");
        let args = shown.rsplit('|').next().unwrap().split_whitespace().skip(1); // `regcred` stands for the program's name
        let printed = Rc::new(RefCell::new(Vec::new()));
        let code = {
            let store = self.store.clone();
            let mut system = System {
                env: self.env.clone(),
                stdin: Box::new(Cursor::new(stdin.as_bytes().to_vec())),
                output: Output::new(Tee(printed.clone()), false, Tee(printed.clone())),
                person: None,
                open_keychain: Box::new(move |_| Ok(Keychain::with_store(store.clone()))),
                handles_interrupts: false,
            };
            commands::run(args, &mut system).code()
        };
        self.done(&printed.take(), code, expected)
    }

    /// Runs an action of `docker-credential-gitea`, as docker does.
    fn helper(&mut self, registry: &str, action: &str) -> String {
        println!("\n$ echo {registry} | docker-credential-gitea {action}");
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let code = helper::run(
            &[action.into()],
            &mut registry.as_bytes(),
            &mut stdout,
            &mut stderr,
            || Ok(Keychain::with_store(self.store.clone())),
        );
        stdout.extend(stderr);
        self.done(&stdout, code, 0)
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
    let gitea = Gitea::start(Profile::V1_27);
    gitea.add_user("admin");
    let first = gitea.add_token("admin", "write:package");
    let cluster = ApiServer::start();
    cluster.create_namespace("honeydue");
    let home = tempfile::tempdir().unwrap();
    let kubeconfig = home.path().join("kubeconfig");
    std::fs::write(&kubeconfig, cluster.kubeconfig()).unwrap();

    let registry = gitea.registry();
    let mut me = Workstation {
        env: [
            ("HOME", home.path().as_os_str()),
            ("KUBECONFIG", kubeconfig.as_os_str()),
        ]
        .into_iter()
        .collect(),
        store: keyring_core::sample::Store::new().unwrap(),
        failed: false,
    };
    println!("# A Gitea at {registry} and a Kubernetes cluster, both made up for this demonstration.");
    println!("# The token is made in Gitea's web pages: Settings, Applications, scope write:package.");

    let login = format!("cat token | kubectl regcred login {registry} -u admin --token-stdin");
    me.kubectl_regcred(&login, &first, 0);
    me.kubectl_regcred("kubectl regcred list", "", 0);
    me.kubectl_regcred("kubectl regcred sync -n honeydue", "", 0);
    me.kubectl_regcred("kubectl regcred sync -n honeydue", "", 0);
    let got = me.helper(&registry, "get");
    me.expect("docker gets the token from the keychain", got.contains(&first));
    let uid = uid(&cluster);
    me.expect("kubelet could pull with the Secret", holds(&cluster, &first));

    println!("\n# A new token, and the old one is gone.");
    let second = gitea.add_token("admin", "write:package");
    gitea.revoke(&first);
    me.kubectl_regcred(&login, &first, 1);
    me.kubectl_regcred(&login, &second, 0);
    me.kubectl_regcred("kubectl regcred sync -n honeydue --dry-run=client", "", 0);
    me.kubectl_regcred("kubectl regcred sync -n honeydue", "", 0);
    me.expect(
        "the Secret holds the new token",
        holds(&cluster, &second) && !holds(&cluster, &first),
    );
    me.expect(
        "it is the same Secret, changed in place",
        uid.is_some() && uid == self::uid(&cluster),
    );
    let got = me.helper(&registry, "get");
    me.expect("docker gets the new token", got.contains(&second));
    me.kubectl_regcred(&format!("kubectl regcred logout {registry}"), "", 0);

    println!(
        "
# On a real machine:
#   cargo install --path .                                # kubectl-regcred and docker-credential-gitea
#   kubectl regcred login gitea.example.com -u admin      # asks for the token, proves it, keeps it in the keychain
#   kubectl regcred sync -n honeydue                      # writes or refreshes the Secret gitea-credentials
#   # in ~/.docker/config.json: {{\"credHelpers\": {{\"gitea.example.com\": \"gitea\"}}}}"
    );
    if me.failed {
        println!("\nquickstart: something above is not as it should be");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

fn uid(cluster: &ApiServer) -> Option<String> {
    let secret = cluster.secret("honeydue", "gitea-credentials")?;
    secret["metadata"]["uid"].as_str().map(str::to_owned)
}

/// Whether the Secret's document hands this token to kubelet.
fn holds(cluster: &ApiServer, token: &str) -> bool {
    use base64::Engine as _;
    let secret = cluster.secret("honeydue", "gitea-credentials").unwrap_or_default();
    let data = secret["data"][".dockerconfigjson"].as_str().unwrap_or_default();
    let document = base64::engine::general_purpose::STANDARD
        .decode(data)
        .unwrap_or_default();
    String::from_utf8_lossy(&document).contains(&format!("\"password\":\"{token}\""))
}
