//! A cluster with namespaces, and the program as a pipeline runs it: no keychain, a token in a variable.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::support::api_server::ApiServer;
use crate::support::parts::CONTROL_PLANE;
use crate::support::plane::{Plane, SECRET, Who};
use crate::support::world::Ran;
use crate::support::{PLUGIN, scenario};

/// The variable that holds the token.
pub const VARIABLE: &str = "REGISTRY_TOKEN";

/// The tests of this process share one real cluster: names and registries of a test are its own.
static PLACES: AtomicU32 = AtomicU32::new(0);

pub const DOUBLE: scenario::Place<Pipeline> = scenario::Place::double(Pipeline::of_double);
pub const REAL: scenario::Place<Pipeline> = scenario::Place::real(CONTROL_PLANE, Pipeline::real);

pub struct Pipeline {
    pub plane: Plane,
    folder: tempfile::TempDir,
    number: u32,
}

impl Pipeline {
    pub fn of_double() -> Self {
        Self::new(Plane::double())
    }

    pub fn real() -> Self {
        Self::new(Plane::real())
    }

    fn new(plane: Plane) -> Self {
        let this = Self {
            plane,
            folder: tempfile::tempdir().unwrap(),
            number: PLACES.fetch_add(1, Ordering::SeqCst),
        };
        std::fs::write(this.kubeconfig(), this.kubeconfig_text()).unwrap();
        this
    }

    pub fn double(&self) -> &ApiServer {
        self.plane.api_server()
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn kubeconfig(&self) -> PathBuf {
        self.folder.path().join("kubeconfig")
    }

    pub fn kubeconfig_text(&self) -> String {
        self.plane.kubeconfig(Who::Admin)
    }

    /// A registry that no other test knows.
    pub fn registry(&self) -> String {
        format!("registry-{}.example.com", self.number)
    }

    /// The name of a namespace of this place.
    pub fn name(&self, name: impl std::fmt::Display) -> String {
        format!("place-{}-{name}", self.number)
    }

    /// Makes namespaces with a label of this place and `team`.
    pub fn create_namespaces(&self, names: &[String], team: &str) {
        self.plane.create_namespaces(names, ("team", &self.team(team)));
    }

    /// The value of the label `team`, which no other test has.
    pub fn team(&self, team: &str) -> String {
        self.name(team)
    }

    pub fn create_namespace(&self, name: &str) -> String {
        let name = self.name(name);
        self.create_namespaces(std::slice::from_ref(&name), "any");
        name
    }

    /// The token that a Secret has for a registry; fails where its document is not whole.
    pub fn token(&self, namespace: &str, name: &str, registry: &str) -> Option<String> {
        token(&self.plane.secret(namespace, name)?, registry)
    }

    /// The Secrets named [`SECRET`] of this place, by namespace, read in one go.
    pub fn tokens(&self) -> BTreeMap<String, String> {
        let Plane::Real(real) = &self.plane else {
            panic!("only on the real one")
        };
        let field = format!("metadata.name={SECRET}");
        let text = real.kubectl_ok(&["get", "secrets", "-A", "--field-selector", &field, "-o", "json"], "");
        let list: Value = serde_json::from_str(&text).unwrap();
        let (ours, registry) = (self.name(""), self.registry());
        let secrets = list["items"].as_array().unwrap().iter();
        secrets
            .filter_map(|secret| Some((secret["metadata"]["namespace"].as_str()?.to_owned(), secret)))
            .filter(|(namespace, _)| namespace.starts_with(&ours))
            .map(|(namespace, secret)| (namespace, token(secret, &registry).unwrap()))
            .collect()
    }

    /// `kubectl regcred sync` with this token in the variable, about this place's registry.
    pub fn sync(&self, token: &str, args: &[&str]) -> Ran {
        let registry = self.registry();
        let mut all = vec!["--registry", &registry, "-u", "admin", "--token-env", VARIABLE];
        all.extend(args);
        self.run(token, &all)
    }

    /// The same, and everything else is up to the arguments.
    pub fn run(&self, token: &str, args: &[&str]) -> Ran {
        self.run_with(token, args, "")
    }

    pub fn run_with(&self, token: &str, args: &[&str], stdin: &str) -> Ran {
        let mut child = self.command(token, args).stdin(Stdio::piped()).spawn().unwrap();
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        Ran {
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
            code: output.status.code().unwrap_or(-1),
        }
    }

    pub fn command(&self, token: &str, args: &[&str]) -> Command {
        let mut command = Command::new(PLUGIN);
        command
            .env_clear()
            .env("HOME", self.folder.path())
            .env("KUBECONFIG", self.kubeconfig())
            .env(VARIABLE, token)
            .arg("sync")
            .args(args)
            // Its registry does not exist.
            .arg("--no-verify")
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }
}

fn token(secret: &Value, registry: &str) -> Option<String> {
    assert_eq!(secret["type"], "kubernetes.io/dockerconfigjson");
    let document = STANDARD.decode(secret["data"][".dockerconfigjson"].as_str()?).unwrap();
    let document: Value = serde_json::from_slice(&document).unwrap();
    let entry = &document["auths"][registry];
    let token = entry["password"].as_str()?.to_owned();
    assert_eq!(entry["username"], "admin");
    assert_eq!(
        entry["auth"],
        STANDARD.encode(format!("admin:{token}")),
        "half an entry"
    );
    Some(token)
}

/// `-n` for each.
pub fn in_namespaces(names: &[String]) -> Vec<&str> {
    names.iter().flat_map(|name| ["-n", name.as_str()]).collect()
}

/// The last line of stderr but hints.
pub fn summary(ran: &Ran) -> &str {
    let lines = ran.stderr.lines().rev();
    lines
        .into_iter()
        .find(|line| !line.starts_with("hint: "))
        .unwrap_or_default()
}
