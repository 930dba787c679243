//! A workstation, a registry and a cluster that are well, for something to be put out of step.

use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use regcred::commands::status::{Code, Severity};
use serde_json::{Value, json};

use crate::support::control_plane::PLAIN_TOKEN;
use crate::support::gitea::Settings;
use crate::support::http::Answer;
use crate::support::part::{missing, until};
use crate::support::parts::{GITEA, REAL_PARTS};
use crate::support::scenario::{Part, Place};
use crate::support::world::{Ran, World};

pub const SECRET: &str = "gitea-credentials";

/// With what the commands of findings call.
const PARTS: Part = Part::real(|| [(REAL_PARTS.missing)(), missing(&["sh", "git", "kubectl"])].concat());

pub const DOUBLES: Place<World> = Place::double(healthy_doubles);
pub const REAL: Place<World> = Place::real(PARTS, || with_account(World::of_real_parts()));

const WITH_GITEA: Part = Part::new(|| [(PARTS.missing)(), (GITEA.missing)()].concat());

/// At a real Gitea too.
pub const REAL_GITEA: Place<World> = Place::named("real_gitea", WITH_GITEA, || {
    with_account(World::of_real_gitea(Settings::default()))
});

/// The same, where no node joins the cluster and no controller changes what a scenario puts there.
pub const QUIET_REAL_GITEA: Place<World> = Place::named("real_gitea", WITH_GITEA, || {
    with_account(World::of_real_gitea_and_quiet_cluster())
});

/// Doubles that are well.
pub fn healthy_doubles() -> World {
    with_account(World::of_doubles())
}

/// With the ServiceAccount that a controller would make.
fn with_account(world: World) -> World {
    world.put(
        "serviceaccounts",
        &json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default"}}),
    );
    world
}

impl World {
    /// A token of `admin`'s with these scopes.
    pub fn token(&self, scopes: &str) -> String {
        self.gitea.add_token("admin", scopes)
    }

    /// Logs in with a new token, which is returned.
    pub fn login(&self, usage: &str, scopes: &str) -> String {
        let token = self.token(scopes);
        let line = format!("login [REGISTRY] -u admin --use {usage} --token-stdin");
        self.regcred_with(&line, &token).done();
        token
    }

    pub fn sync(&self) {
        self.regcred("sync -n [NAMESPACE] --registry [REGISTRY]").done();
    }

    /// All is well: a token for clusters, and a Secret that holds it.
    pub fn well(&self) -> String {
        let token = self.login("cluster", "read:package");
        self.sync();
        token
    }

    /// `status` of this namespace.
    pub fn status(&self) -> Ran {
        self.regcred("status -n [NAMESPACE]")
    }

    /// The paragraph of a finding, and the commands in it.
    pub fn found(&self, code: Code, ran: &Ran) -> (String, Vec<String>) {
        let head = format!("{code}: ");
        let mut paragraphs = ran.stdout.split("\n\n").map(str::trim_start);
        let found = paragraphs.find(|text| text.starts_with(&head));
        let text = found.unwrap_or_else(|| panic!("no {code} in\n{ran}")).to_owned();
        let commands = text.lines().filter_map(|line| line.strip_prefix("  $ "));
        let commands = commands.map(|command| self.denormal(command)).collect();
        (text, commands)
    }

    /// Sees the finding, runs every command that it prints as it stands, and sees that it is gone.
    pub fn mends(&self, code: Code, feeds: &[Feed]) {
        self.mends_with("status -n [NAMESPACE]", code, feeds);
    }

    pub fn mends_with(&self, line: &str, code: Code, feeds: &[Feed]) {
        let before = self.regcred(line);
        let exit = match code.severity() {
            Severity::Note => 0,
            Severity::Drift => 3,
            Severity::Unknown => 1,
        };
        let (text, commands) = self.found(code, &before);
        assert!(before.code == exit || before.code == 1, "{before}");
        assert!(!commands.is_empty(), "no command in {text}");
        for command in &commands {
            self.type_in(command, feeds);
        }
        self.is_gone(line, code);
    }

    /// Sees the finding, which no command of ours mends, and with which words it says what to do.
    pub fn says(&self, line: &str, code: Code, words: &[&str]) {
        let before = self.regcred(line);
        let (text, _) = self.found(code, &before);
        for word in words {
            assert!(text.contains(word), "no {word:?} in {text}");
        }
    }

    pub fn is_gone(&self, line: &str, code: Code) {
        let after = self.regcred(line);
        assert!(!after.stdout.contains(&format!("{code}: ")), "{after}");
    }

    /// Runs a command as somebody who pastes it. What asks for a token or a password gets it from `feeds`.
    fn type_in(&self, command: &str, feeds: &[Feed]) {
        let feed = feeds.iter().find(|feed| command.contains(feed.to));
        let flags = feed.map_or(String::new(), |feed| format!(" {}", feed.flags));
        let stdin = feed.map_or("", |feed| feed.stdin.as_str());
        let whole = format!("{command}{flags}");
        let ran = match whole.strip_prefix("kubectl regcred ") {
            // In this process, where the keychain and the cluster are.
            Some(line) if !self.is_real() => self.regcred_with(line, stdin),
            _ => self.run(self.command("sh").args(["-c", &whole]), stdin),
        };
        assert_eq!(ran.code, 0, "{whole}\n{ran}");
    }

    /// What was printed, with the names of this place back in it.
    pub fn denormal(&self, text: &str) -> String {
        text.replace("[REGISTRY]", &self.registry())
            .replace("[NAMESPACE]", &self.namespace)
            .replace("[FOLDER]", &self.folder().display().to_string())
    }

    pub fn kubectl(&self, args: &[&str], stdin: &str) -> String {
        let arguments = [args, &["-n", &self.namespace]].concat();
        self.plane.control_plane().kubectl_ok(&arguments, stdin)
    }

    /// The same place in another of its namespaces, for as long as `work` takes.
    pub fn within<T>(&mut self, namespace: &str, work: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.namespace, namespace.to_owned());
        let done = work(self);
        self.namespace = before;
        done
    }

    /// Puts an object of any kind there, with its status.
    pub fn put(&self, resource: &str, object: &Value) {
        self.plane.put(resource, &self.namespace, object);
    }

    /// A pull Secret made with kubectl, with these entries: a key, and the token of `admin` in it.
    pub fn put_pull_secret(&self, name: &str, entries: &[(&str, &str)]) {
        let auths: Value = entries
            .iter()
            .map(|(key, token)| (self.denormal(key), entry(token)))
            .collect::<serde_json::Map<_, _>>()
            .into();
        self.put_secret(&pull_secret(name, &json!({"auths": auths})));
    }

    /// A pod that waits for `image`, with these pull Secrets, and kubelet's message.
    pub fn stuck(&self, name: &str, image: &str, secrets: &[&str], message: &str) {
        self.stuck_for(name, image, secrets, "ImagePullBackOff", message);
    }

    /// A pod of which kubelet gives this reason.
    pub fn stuck_for(&self, name: &str, image: &str, secrets: &[&str], reason: &str, message: &str) {
        let mut pod = stuck_pod(name, &self.denormal(image), secrets, &self.denormal(message));
        pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] = reason.into();
        self.put("pods", &pod);
    }

    /// Waits for the next second by the clock: the API server keeps no finer times.
    pub fn next_second(&self) {
        if self.is_real() {
            let now = || {
                std::time::SystemTime::now()
                    .duration_since(std::time::UNIX_EPOCH)
                    .unwrap()
                    .as_secs()
            };
            let begun = now();
            until("the next second", || now() > begun + 1);
        }
    }

    /// Another user's kubeconfig, until [`World::as_admin`].
    pub fn as_plain(&mut self) {
        self.kubeconfig(&self.plane.control_plane().kubeconfig_for(PLAIN_TOKEN));
    }

    pub fn kubeconfig(&mut self, text: &str) {
        let file = self.folder().join("another-kubeconfig");
        std::fs::write(&file, text).unwrap();
        self.variables.insert("KUBECONFIG".to_owned(), file.into());
    }

    pub fn as_admin(&mut self) {
        self.variables.remove("KUBECONFIG");
    }

    /// From now on the registry answers this path so.
    pub fn registry_says(&self, path: &str, answer: Answer) {
        self.gitea.replace(path, answer);
    }

    pub fn registry_recovers(&self) {
        self.gitea.state().replaced.clear();
    }

    /// git in the folder of this workstation that is the current one.
    pub fn git(&self, args: &[&str]) -> Ran {
        let mut command: Command = self.command("git");
        command.args(["-c", "user.name=x", "-c", "user.email=x@x"]).args(args);
        self.run(&mut command, "")
    }
}

/// What a command that asks gets: whichever command has `to` in it, with these flags and this standard input.
pub struct Feed {
    pub to: &'static str,
    pub flags: &'static str,
    pub stdin: String,
}

impl Feed {
    pub fn token(to: &'static str, token: &str) -> Self {
        Self {
            to,
            flags: "--token-stdin",
            stdin: token.to_owned(),
        }
    }

    pub fn password(to: &'static str) -> Self {
        Self {
            to,
            flags: "--password-stdin",
            stdin: "password of admin\n".to_owned(),
        }
    }
}

pub fn entry(token: &str) -> Value {
    json!({"username": "admin", "password": token, "auth": STANDARD.encode(format!("admin:{token}"))})
}

pub fn pull_secret(name: &str, document: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "kubernetes.io/dockerconfigjson", "metadata": {"name": name},
        "data": {".dockerconfigjson": STANDARD.encode(document.to_string())},
    })
}

pub fn stuck_pod(name: &str, image: &str, secrets: &[&str], message: &str) -> Value {
    let secrets: Vec<Value> = secrets.iter().map(|name| json!({"name": name})).collect();
    json!({
        "apiVersion": "v1", "kind": "Pod", "metadata": {"name": name},
        "spec": {
            "containers": [{"name": "app", "image": image}], "imagePullSecrets": secrets,
            "serviceAccountName": "default", "automountServiceAccountToken": false,
        },
        "status": {"phase": "Pending", "containerStatuses": [{
            "name": "app", "image": image, "imageID": "", "ready": false, "restartCount": 0,
            "state": {"waiting": {"reason": "ImagePullBackOff", "message": message}},
        }]},
    })
}
