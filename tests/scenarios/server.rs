//! A server: no desktop, no D-Bus, and the vault for a keychain. Somebody works there with a real docker and its engine,
//! a real registry and a real cluster; then the machine is started anew.

mod containers;
mod quickstart;
mod rootless;

use std::cell::{OnceCell, RefCell};

use libtest_mimic::Trial;
use snapbox::str;

use super::documents::session;
use crate::clients::workstation::forms;
use crate::support::engine::{Engine, missing_engine};
use crate::support::image::private_image;
use crate::support::keyring::files_with;
use crate::support::part::missing;
use crate::support::scenario::{Part, Table};
use crate::support::world::{Ran, World};
use crate::support::{control_plane, docker_registry};

const PASSPHRASE: &str = "correct horse battery staple";
const LOCKED: &str = "the vault is locked; hint: unlock it: kubectl regcred keychain unlock";

/// Lines that somebody types, each on a machine where those before it have been typed.
type Line = fn(&Server);

scenarios!(every_line);
fn every_line(table: &Table) -> Vec<Trial> {
    // How much of it is there before.
    let lines: [(&str, Line, Line); 8] = [
        ("keychain_use_vault", |_| (), Server::chooses_the_vault),
        ("keychain_unlock", Server::is_set_up, |server| {
            server.reboots();
            server.unlocks();
        }),
        ("login", Server::is_set_up, Server::logs_in),
        ("docker_login", Server::is_set_up, Server::logs_in_with_docker),
        ("sync", Server::is_logged_in, Server::syncs),
        ("docker_pull", Server::is_logged_in, Server::pulls),
        ("after_a_reboot", Server::is_logged_in, |server| {
            server.reboots();
            server.is_locked();
        }),
        ("all_of_it_twice", |_| (), Server::works_on_two_days),
    ];
    let trials = lines.into_iter().map(|(name, before, line)| {
        table.alone(name, &[&PARTS], move || {
            let server = Server::start();
            before(&server);
            line(&server);
            server.shows_no_secret();
        })
    });
    trials.collect()
}

/// What the usual life of a server needs.
const PARTS: Part = Part::real(|| {
    [
        missing(&docker_registry::PROGRAMS),
        missing(&["docker", "skopeo"]),
        missing_engine(),
        control_plane::missing().to_vec(),
    ]
    .concat()
});

/// A server with an engine of its own, once somebody calls docker, and an image at the registry that only a token opens.
struct Server {
    world: World,
    engine: OnceCell<Engine>,
    token: String,
}

impl Server {
    fn start() -> Self {
        let world = World::of_a_server();
        let token = private_image(&world);
        Self {
            world,
            engine: OnceCell::new(),
            token,
        }
    }

    fn regcred(&self, line: &str) -> Ran {
        self.world.regcred(line)
    }

    fn docker(&self, line: &str, stdin: &str) -> Ran {
        let line = line.replace("[REGISTRY]", &self.world.registry());
        let mut docker = self.world.command("docker");
        docker.env("DOCKER_HOST", self.engine.get_or_init(Engine::start).host());
        self.world.run(docker.args(line.split_whitespace()), stdin)
    }

    /// Types a line of `kubectl regcred` at a terminal, and answers each question as it comes. What was to be seen.
    fn types(&self, line: &str, answers: &[(&str, &str)]) -> String {
        let line = line.replace("[REGISTRY]", &self.world.registry());
        let mut bash = self.world.command("bash");
        bash.env("TERM", "xterm").env("NO_COLOR", "1");
        let left = RefCell::new(answers.iter());
        let ran = session::run(bash, &[format!("kubectl-regcred {line}")], |_, asked| {
            let (question, text) = left
                .borrow_mut()
                .next()
                .unwrap_or_else(|| panic!("asked again: {asked}"));
            assert_eq!(*question, asked);
            (*text).to_owned()
        });
        assert!(left.borrow_mut().next().is_none(), "not asked: {ran:?}");
        let [ran] = ran.try_into().unwrap();
        assert_eq!(ran.code, 0, "{}", ran.shown);
        ran.shown.replace(&self.world.registry(), "[REGISTRY]")
    }

    /// The same as [`Server::chooses_the_vault`], by a script.
    fn is_set_up(&self) {
        let line = "keychain use vault --passphrase-stdin";
        self.world.regcred_with(line, &format!("{PASSPHRASE}\n")).done();
    }

    fn is_logged_in(&self) {
        self.is_set_up();
        self.stores_the_token().done();
        self.regcred("docker setup").done();
    }

    fn stores_the_token(&self) -> Ran {
        let line = "login [REGISTRY] -u admin --token-stdin";
        self.world.regcred_with(line, &self.token)
    }

    /// `kubectl regcred keychain use vault`: asks for a passphrase twice.
    fn chooses_the_vault(&self) {
        let said = self.regcred("list");
        assert!(
            said.code == 1 && said.stderr.contains("kubectl regcred keychain use vault"),
            "{said}"
        );
        let ran = self.types(
            "keychain use vault",
            &[(session::NEW_PASSPHRASE, PASSPHRASE), (session::AGAIN, PASSPHRASE)],
        );
        for line in [
            "created a vault, an encrypted file: ",
            "the vault is unlocked until this machine is rebooted",
            "docker and kubectl regcred use the vault from now on",
        ] {
            assert!(ran.contains(line), "{line}: {ran}");
        }
        assert!(self.world.server().vault().is_file());
        self.regcred("list").says(str![[r#"
exit 0
--- stdout
--- stderr
the keychain holds no credential
hint: kubectl regcred login REGISTRY -u USER

"#]]);
    }

    /// `kubectl regcred keychain unlock`, with a slip of the fingers.
    fn unlocks(&self) {
        let ran = self.types(
            "keychain unlock",
            &[
                (session::PASSPHRASE, "correct hoarse battery staple"),
                (session::PASSPHRASE, PASSPHRASE),
            ],
        );
        for line in [
            "this is not the vault's passphrase",
            "the vault is unlocked until this machine is rebooted",
        ] {
            assert!(ran.contains(line), "{line}: {ran}");
        }
        assert_eq!(self.regcred("list").code, 0);
    }

    /// `kubectl regcred login`.
    fn logs_in(&self) {
        let ran = self.types("login [REGISTRY] -u admin", &[(session::TOKEN, &self.token)]);
        assert!(ran.contains("logged in to [REGISTRY] as admin for docker"), "{ran}");
        self.regcred("list").says(str![[r#"
exit 0
--- stdout
REGISTRY   USERNAME   USE   AGE
[REGISTRY]   admin   docker   <1h
--- stderr

"#]]);
    }

    /// `docker login`, which stores in the vault once `docker setup` has named the helper. The item is the same that
    /// `kubectl regcred login` stores.
    fn logs_in_with_docker(&self) {
        // A registry that the keychain does not know is named.
        self.regcred("docker setup [REGISTRY]").done();
        let ran = self.docker("login -u admin --password-stdin [REGISTRY]", &self.token);
        assert!(ran.code == 0 && ran.stdout.contains("Login Succeeded"), "{ran}");
        assert!(!ran.stderr.contains("unencrypted"), "{ran}");
        assert!(self.world.helper("get", "[REGISTRY]").done().contains(&self.token));
        assert!(self.regcred("list").done().contains("[REGISTRY]   admin   docker"));
    }

    /// `kubectl regcred sync`.
    fn syncs(&self) {
        self.regcred("sync -n [NAMESPACE]").done();
        assert!(self.world.document("gitea-credentials").contains(&self.token));
    }

    /// `docker pull`, through the engine.
    fn pulls(&self) {
        let ran = self.docker("pull [REGISTRY]/admin/web:1", "");
        assert!(ran.code == 0 && ran.stdout.contains("Status: "), "{ran}");
        assert_eq!(ran.stderr, "");
    }

    fn reboots(&self) {
        assert!(self.world.server().reboot(), "the key was in the kernel's keyring");
    }

    /// Whoever wants something of the vault now reads what to type; nothing was changed by it.
    fn is_locked(&self) {
        let vault = std::fs::read(self.world.server().vault()).unwrap();
        let before = self.world.gitea.requests().len();
        self.docker("pull [REGISTRY]/admin/web:1", "").says(str![[r#"
exit 1
--- stdout
--- stderr
docker-credential-gitea: the vault is locked; hint: unlock it: kubectl regcred keychain unlock
Error response from daemon: unauthorized: authentication required

"#]]);
        self.docker("login -u admin --password-stdin [REGISTRY]", &self.token).says(str![[r#"
exit 1
--- stdout
--- stderr
docker-credential-gitea: the vault is locked; hint: unlock it: kubectl regcred keychain unlock
Error saving credentials: error storing credentials - err: exit status 1, out: `the vault is locked; unlock it: kubectl regcred keychain unlock`

"#]]);
        let shown = self.world.gitea.requests().split_off(before);
        // `docker login` tries what it was given before it stores it.
        assert!(
            shown.iter().filter(|seen| seen.auth == "basic").count() <= 1,
            "{shown:?}"
        );
        let got = self.world.helper("get", "[REGISTRY]");
        assert_eq!(got.code, 1);
        // Docker shows what came on stdout, other clients stderr.
        assert_eq!(
            got.stdout,
            "the vault is locked; unlock it: kubectl regcred keychain unlock\n"
        );
        assert_eq!(got.stderr, format!("docker-credential-gitea: {LOCKED}\n"));
        let said = "error: the vault is locked\nhint: unlock it: kubectl regcred keychain unlock\n";
        for ran in [
            self.regcred("sync -n [NAMESPACE]"),
            self.regcred("list"),
            self.stores_the_token(),
        ] {
            assert_eq!(ran.code, 1, "{ran}");
            assert!(ran.stderr.ends_with(said), "{ran}");
        }
        assert!(std::fs::read(self.world.server().vault()).unwrap() == vault);
    }

    /// What somebody does with it from the first minute on: once, and again after the machine was started anew.
    fn works_on_two_days(&self) {
        self.chooses_the_vault();
        self.regcred("keychain lock").done();
        self.unlocks();
        self.logs_in();
        self.works();
        self.reboots();
        self.is_locked();
        self.unlocks();
        self.logs_in();
        self.works();
    }

    fn works(&self) {
        self.logs_in_with_docker();
        self.syncs();
        self.pulls();
    }

    /// Nothing lies on the disk: no token, and not the passphrase.
    fn shows_no_secret(&self) {
        for text in forms(&self.token)
            .iter()
            .map(String::as_str)
            .chain([PASSPHRASE, "AGE-SECRET-KEY-1"])
        {
            let found = files_with(self.world.folder(), text);
            assert!(found.is_empty(), "{found:?}");
        }
    }
}
