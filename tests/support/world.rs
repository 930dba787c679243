//! Somebody at a workstation with a registry and a cluster: the same scenarios run in this process on doubles, and
//! through the programs on real parts.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fmt::{self, Write as _};
use std::io::{self, Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyring_core::CredentialStore;
use regcred::commands::{self, Person, System};
use regcred::env::Env;
use regcred::helper;
use regcred::keychain::Keychain;
use regcred::output::Output;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::api_server::ApiServer;
use super::control_plane::{ADMIN_TOKEN, ControlPlane};
use super::docker_registry::DockerRegistry;
use super::gate::Gate;
use super::gated_parts;
use super::gated_store::GatedStore;
use super::gitea::{Gitea, Profile};
use super::http::Server;
use super::keyring::Keyring;
use super::server::Server as NoDesktop;

/// The plugin and the helper as cargo built them for this test.
const PLUGIN: &str = env!("CARGO_BIN_EXE_kubectl-regcred");
const HELPER: &str = env!("CARGO_BIN_EXE_docker-credential-gitea");

/// What a program printed, and how it ended.
#[derive(Debug)]
#[must_use = "compare it, or say that it was `done`"]
pub struct Ran {
    pub stdout: String,
    pub stderr: String,
    pub code: i32,
}

impl Ran {
    /// For a step that is not what the scenario is about, but has to work.
    pub fn done(self) -> String {
        assert_eq!(self.code, 0, "{self}");
        self.stdout
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "exit {}\n--- stdout\n{}--- stderr\n{}",
            self.code, self.stdout, self.stderr
        )
    }
}

enum Keys {
    Memory(Arc<CredentialStore>),
    Real(Keyring),
    /// The vault, once somebody has chosen it.
    Chosen(NoDesktop),
}

enum Plane {
    Double(ApiServer),
    Real(&'static ControlPlane),
}

/// The workstation and what it talks to.
pub struct World {
    keys: Keys,
    plane: Plane,
    /// Every change crosses it; on real parts, where they are behind [`World::behind_gates`].
    pub gate: Gate,
    /// The registry; on real parts a docker-registry keeps its images.
    pub gitea: Gitea,
    _images: Option<DockerRegistry>,
    proxy: Option<Server>,
    folder: PathBuf,
    _own_folder: Option<tempfile::TempDir>,
    /// A namespace of this world's own.
    pub namespace: String,
    /// More environment variables for the programs.
    pub variables: BTreeMap<String, OsString>,
    /// Whether stdout is a screen; only in this process.
    pub at_screen: bool,
    /// How wide it is.
    pub columns: Option<usize>,
}

impl World {
    /// In this process: keychain, registry and cluster are doubles.
    pub fn of_doubles() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let gate = Gate::default();
        let plane = ApiServer::start();
        plane.set_gate(&gate);
        plane.create_namespace("team-a");
        std::fs::write(folder.path().join("kubeconfig"), plane.kubeconfig()).unwrap();
        Self {
            keys: Keys::Memory(GatedStore::behind(&gate)),
            gate,
            plane: Plane::Double(plane),
            gitea: Gitea::start(Profile::V1_27),
            _images: None,
            proxy: None,
            folder: folder.path().to_owned(),
            _own_folder: Some(folder),
            namespace: "team-a".to_owned(),
            variables: BTreeMap::new(),
            at_screen: false,
            columns: None,
        }
        .with_admin()
    }

    /// Through the programs: gnome-keyring, etcd and kube-apiserver, docker-registry behind the Gitea double.
    pub fn of_real_parts() -> Self {
        let keyring = Keyring::start();
        let folder = keyring.bus().folder().to_owned();
        Self::with_real_parts(Keys::Real(keyring), folder)
    }

    /// The same without a session bus, and so without a keychain until the vault is chosen.
    pub fn of_a_server() -> Self {
        let server = NoDesktop::start();
        let folder = server.folder().to_owned();
        Self::with_real_parts(Keys::Chosen(server), folder)
    }

    fn with_real_parts(keys: Keys, folder: PathBuf) -> Self {
        let plane = ControlPlane::shared();
        std::fs::write(folder.join("kubeconfig"), plane.kubeconfig_for(ADMIN_TOKEN)).unwrap();
        let gitea = Gitea::start(Profile::V1_27);
        Self {
            keys,
            gate: Gate::default(),
            plane: Plane::Real(plane),
            _images: Some(DockerRegistry::behind(&gitea)),
            proxy: None,
            gitea,
            folder,
            _own_folder: None,
            namespace: plane.namespace(),
            variables: BTreeMap::new(),
            at_screen: false,
            columns: None,
        }
        .with_admin()
    }

    /// The same, with a gate before the bus and the API server.
    pub fn of_gated_parts() -> Self {
        let mut this = Self::of_real_parts();
        let (Keys::Real(keyring), Plane::Real(plane)) = (&this.keys, &this.plane) else {
            panic!("these are real")
        };
        let bus = keyring.bus().folder().join("run/bus");
        let bus = gated_parts::before_bus(&bus, &this.gate);
        let server = gated_parts::before_api_server(plane.address(), &plane.authority(), &this.gate);
        let kubeconfig = format!(
            "apiVersion: v1
kind: Config
clusters:
- {{name: real, cluster: {{server: 'http://{}'}}}}
contexts:
- {{name: real, context: {{cluster: real, user: user}}}}
current-context: real
users:
- {{name: user, user: {{token: {ADMIN_TOKEN}}}}}
",
            server.registry()
        );
        std::fs::write(this.folder.join("kubeconfig"), kubeconfig).unwrap();
        let bus = format!("unix:path={}", bus.display());
        this.variables.insert("DBUS_SESSION_BUS_ADDRESS".to_owned(), bus.into());
        this.proxy = Some(server);
        this
    }

    /// Starts `kubectl regcred` with this command line and standard input, and does not wait for it. Real parts only.
    pub fn start_regcred(&self, line: &str, stdin: &str) -> std::process::Child {
        let line = line.replace("[REGISTRY]", &self.registry());
        let mut child = self
            .command(PLUGIN)
            .args(line.split_whitespace())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        child
    }

    fn with_admin(self) -> Self {
        self.gitea.add_user("admin");
        self.gitea.state().users[0].public = false;
        self.gitea.state().gate = self.gate.clone();
        self
    }

    /// `127.0.0.1:port` of the Gitea.
    pub fn registry(&self) -> String {
        self.gitea.registry()
    }

    /// The folder that holds everything of this workstation: home, runtime and temporary folders.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The home folder.
    pub fn home(&self) -> PathBuf {
        match self.keys {
            Keys::Memory(_) => self.folder.clone(),
            Keys::Real(_) | Keys::Chosen(_) => self.folder.join("home"),
        }
    }

    /// The environment of everything that runs here.
    pub fn env(&self) -> Env {
        let mut pairs: BTreeMap<OsString, OsString> = match &self.keys {
            Keys::Memory(_) => [("HOME", self.home().into_os_string())]
                .map(|(k, v)| (k.into(), v))
                .into(),
            Keys::Real(keyring) => pairs(&keyring.env()),
            Keys::Chosen(server) => pairs(&server.env()),
        };
        let programs = Path::new(HELPER).parent().unwrap().to_owned();
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::iter::once(programs).chain(std::env::split_paths(&path));
        pairs.insert("PATH".into(), std::env::join_paths(path).unwrap());
        pairs.insert("KUBECONFIG".into(), self.folder.join("kubeconfig").into());
        pairs.extend(self.variables.iter().map(|(k, v)| (k.into(), v.clone())));
        pairs.into_iter().collect()
    }

    /// A program of this workstation.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.env().iter()).current_dir(self.home());
        command
    }

    /// Runs it to its end, with this on its standard input.
    pub fn run(&self, command: &mut Command, stdin: &str) -> Ran {
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may have ended without reading.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        let text = |bytes: &[u8]| self.normal(&String::from_utf8_lossy(bytes));
        Ran {
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            code: output.status.code().unwrap_or(-1),
        }
    }

    /// `kubectl regcred`, with this command line.
    pub fn regcred(&self, line: &str) -> Ran {
        self.regcred_with(line, "")
    }

    /// The same, with somebody at the terminal who chooses these, one for each question. What was asked stands before
    /// what was printed. In this process alone.
    pub fn regcred_choosing(&self, line: &str, choices: &[usize]) -> Ran {
        assert!(!self.is_real(), "a real one asks at a terminal");
        let chooser = Chooser {
            choices: RefCell::new(choices.to_vec()),
            asked: RefCell::default(),
        };
        let mut ran = self.run_regcred(line, "", Some(&chooser));
        assert!(chooser.choices.borrow().is_empty(), "nobody asked: {ran}");
        ran.stderr = self.normal(&chooser.asked.borrow()) + &ran.stderr;
        ran
    }

    /// `kubectl regcred`, with this command line and standard input. `[REGISTRY]` and `[NAMESPACE]` mean this world's.
    pub fn regcred_with(&self, line: &str, stdin: &str) -> Ran {
        self.run_regcred(line, stdin, None)
    }

    fn run_regcred(&self, line: &str, stdin: &str, chooser: Option<&Chooser>) -> Ran {
        let line = line
            .replace("[REGISTRY]", &self.registry())
            .replace("[NAMESPACE]", &self.namespace);
        let args: Vec<&str> = line.split_whitespace().collect();
        let Keys::Memory(store) = &self.keys else {
            return self.run(self.command(PLUGIN).args(args), stdin);
        };
        let (stdout, stderr) = (Stream::default(), Stream::default());
        let output = Output::new(stdout.clone(), self.at_screen, stderr.clone()).with_screen(self.columns, false);
        let person = chooser.map(|chooser| Box::new(chooser) as Box<dyn Person + '_>);
        let code = self.in_process(store, &args, stdin, output, person);
        Ran {
            stdout: self.normal(&stdout.text()),
            stderr: self.normal(&stderr.text()),
            code,
        }
    }

    /// `kubectl regcred` in this process.
    fn in_process(
        &self,
        store: &Arc<CredentialStore>,
        args: &[&str],
        stdin: &str,
        output: Output<'_>,
        person: Option<Box<dyn Person + '_>>,
    ) -> i32 {
        let store = store.clone();
        let mut system = System {
            env: self.env(),
            stdin: Box::new(Cursor::new(stdin.as_bytes().to_vec())),
            output,
            person,
            open_keychain: Box::new(move |_| Ok(Keychain::with_store(store.clone()))),
            handles_interrupts: false,
        };
        let args = std::iter::once("kubectl-regcred").chain(args.iter().copied());
        commands::run(args, &mut system).code().into()
    }

    /// What is to be seen on a wide screen, colours included, where somebody has this for every question. Doubles only.
    pub fn on_screen(&self, line: &str, secret: &str) -> String {
        let Keys::Memory(store) = &self.keys else {
            panic!("only on doubles")
        };
        let line = line.replace("[REGISTRY]", &self.registry());
        let args: Vec<&str> = line.split_whitespace().collect();
        let screen = Stream::default();
        let output = Output::new(screen.clone(), true, screen.clone()).with_screen(None, true);
        let person = AtScreen(screen.clone(), secret.to_owned());
        self.in_process(store, &args, "", output, Some(Box::new(person)));
        screen.text()
    }

    /// `docker-credential-gitea`, as docker calls it.
    pub fn helper(&self, action: &str, stdin: &str) -> Ran {
        let stdin = stdin.replace("[REGISTRY]", &self.registry());
        let Keys::Memory(store) = &self.keys else {
            return self.run(self.command(HELPER).arg(action), &stdin);
        };
        let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
        let code = helper::run(
            &[action.into()],
            &mut stdin.as_bytes(),
            &mut stdout,
            &mut stderr,
            || Ok(Keychain::with_store(store.clone())),
        );
        let text = |bytes: &[u8]| self.normal(&String::from_utf8_lossy(bytes));
        Ran {
            stdout: text(&stdout),
            stderr: text(&stderr),
            code: code.into(),
        }
    }

    /// The machine, where it has no desktop.
    pub fn server(&self) -> &NoDesktop {
        let Keys::Chosen(server) = &self.keys else {
            panic!("this one has a desktop")
        };
        server
    }

    /// Whether its parts are real.
    pub fn is_real(&self) -> bool {
        matches!(self.plane, Plane::Real(_))
    }

    /// The double of the API server; fails where it is a real one.
    pub fn api_server(&self) -> &ApiServer {
        let Plane::Double(server) = &self.plane else {
            panic!("only on the double")
        };
        server
    }

    /// Another namespace of this world's own.
    pub fn another_namespace(&self, name: &str) -> String {
        match &self.plane {
            Plane::Double(server) => {
                server.create_namespace(name);
                name.to_owned()
            }
            Plane::Real(plane) => plane.namespace(),
        }
    }

    /// The keychain, for looking into it.
    pub fn keychain(&self) -> Keychain {
        match &self.keys {
            Keys::Memory(store) => Keychain::with_store(store.clone()),
            Keys::Real(keyring) => Keychain::open(&keyring.env()).unwrap(),
            Keys::Chosen(server) => Keychain::open(&server.env()).unwrap(),
        }
    }

    /// A Secret of this world's namespace, as the API server has it.
    pub fn secret(&self, name: &str) -> Option<Value> {
        self.secret_in(&self.namespace, name)
    }

    /// A Secret of any namespace.
    pub fn secret_in(&self, namespace: &str, name: &str) -> Option<Value> {
        match &self.plane {
            Plane::Double(server) => server.secret(namespace, name),
            Plane::Real(plane) => {
                let found = plane.kubectl(&["get", "secret", name, "-n", namespace, "-o", "json"], "");
                found
                    .status
                    .success()
                    .then(|| serde_json::from_slice(&found.stdout).unwrap())
            }
        }
    }

    /// The document that kubelet would read.
    pub fn document(&self, name: &str) -> String {
        let secret = self.secret(name).unwrap();
        let data = secret["data"][".dockerconfigjson"].as_str().unwrap();
        String::from_utf8(STANDARD.decode(data).unwrap()).unwrap()
    }

    /// A Secret that is there before, made with kubectl: a manifest without its namespace.
    pub fn put_secret(&self, secret: &Value) {
        self.put_secret_of("kubectl-create", secret);
    }

    /// A Secret that is there before, made under this field manager's name.
    pub fn put_secret_of(&self, manager: &str, secret: &Value) {
        match &self.plane {
            Plane::Double(server) => {
                // As the real one keeps it.
                let mut secret = secret.clone();
                secret["metadata"]["managedFields"] = json!([{
                    "manager": manager, "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
                    "fieldsV1": {"f:data": {".": {}, "f:.dockerconfigjson": {}}, "f:type": {}},
                }]);
                server.put_secret(&self.namespace, &secret);
            }
            Plane::Real(plane) => {
                let manager = format!("--field-manager={manager}");
                let create = ["create", "-n", &self.namespace, &manager, "-f", "-"];
                let _ = plane.kubectl_ok(&create, &secret.to_string());
            }
        }
    }

    /// What differs from one run to the next, down to the width of a column that holds a port.
    fn normal(&self, text: &str) -> String {
        let text = text
            .replace(&self.registry(), "[REGISTRY]")
            .replace(&self.namespace, "[NAMESPACE]")
            .replace(&self.folder.display().to_string(), "[FOLDER]");
        let mut normal = String::with_capacity(text.len());
        for character in text.chars() {
            if character != ' ' || !normal.ends_with("   ") {
                normal.push(character);
            }
        }
        normal
    }
}

fn pairs(env: &Env) -> BTreeMap<OsString, OsString> {
    env.iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect()
}

/// Somebody who answers questions with a choice.
struct Chooser {
    choices: RefCell<Vec<usize>>,
    asked: RefCell<String>,
}

impl Person for &Chooser {
    fn secret(&self, question: &str) -> io::Result<Zeroizing<String>> {
        panic!("not a choice: {question}")
    }

    fn word(&self, question: &str) -> io::Result<String> {
        panic!("not a choice: {question}")
    }

    fn choice(&self, question: &str, options: &[String]) -> io::Result<usize> {
        let mut asked = self.asked.borrow_mut();
        let _ = writeln!(asked, "? {question}");
        for option in options {
            let _ = writeln!(asked, "  - {option}");
        }
        Ok(self.choices.borrow_mut().remove(0))
    }
}

/// What a command in this process writes to.
#[derive(Clone, Default)]
struct Stream(Rc<RefCell<Vec<u8>>>);

impl Stream {
    fn text(&self) -> String {
        String::from_utf8(self.0.borrow().clone()).unwrap()
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Somebody who knows one secret, and whose screen shows what dialoguer's would.
struct AtScreen(Stream, String);

impl Person for AtScreen {
    fn secret(&self, question: &str) -> io::Result<Zeroizing<String>> {
        writeln!(self.0.clone(), "{question}: [hidden]")?;
        Ok(Zeroizing::new(self.1.clone()))
    }

    fn word(&self, question: &str) -> io::Result<String> {
        panic!("{question}?")
    }

    fn choice(&self, question: &str, _: &[String]) -> io::Result<usize> {
        panic!("{question}?")
    }
}
