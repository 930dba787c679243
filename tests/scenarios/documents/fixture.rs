//! A workstation as the documents suppose it: their names stand for what is there.

use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::blocks;
use super::session::{self, Ran};
use crate::support::PLUGIN;
use crate::support::control_plane::{self, ADMIN_TOKEN, ControlPlane};
use crate::support::part::program;
use crate::support::server::KernelKeys;
use crate::support::world::World;

/// The account's own, at the double.
const PASSWORD: &str = "password of admin";

/// The vault's, the old one and the new one.
const PASSPHRASE: &str = "correct horse battery staple";

/// What docs/vault.md needs besides.
pub const VAULT_PROGRAMS: [&str; 3] = ["age", "cp", "rm"];

/// What a workstation has.
pub const PROGRAMS: [&str; 4] = ["bash", "sh", "git", "docker"];

/// What is there before the first line of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Has {
    /// `deploy/registry.env`, `regcred.yaml`, `spec.yml`.
    Files,
    /// A credential in the keychain.
    Login,
    /// One that docker keeps in its file: the same.
    DockerLogin,
    /// Secrets in both namespaces.
    Secrets,
}

/// A workstation on real parts. The documents' names, and what they stand for here.
pub struct Workstation {
    world: World,
    names: Vec<(&'static str, String)>,
    token: String,
    /// The one that `login --use cluster` was given.
    for_clusters: RefCell<Option<String>>,
    /// docs/vault.md makes one.
    _kernel_keys: KernelKeys,
}

impl Workstation {
    pub fn with(has: &[Has]) -> Self {
        let world = World::of_real_parts();
        PASSWORD.clone_into(&mut world.gitea.state().users[0].password);
        let token = world.gitea.add_token("admin", "write:package");
        let (honeydue, staging) = (world.namespace.clone(), world.another_namespace("staging"));
        let this = Self {
            names: vec![
                ("gitea.example.com", world.registry()),
                ("team=web", format!("team={honeydue}")),
                ("honeydue", honeydue),
                ("staging", staging),
            ],
            world,
            token,
            for_clusters: RefCell::default(),
            _kernel_keys: KernelKeys::take(),
        };
        this.cluster();
        this.programs();
        for has in has {
            this.put(*has);
        }
        this
    }

    /// The label and accounts that the documents name, and a context for each cluster.
    fn cluster(&self) {
        let plane = ControlPlane::shared();
        for namespace in [self.name("honeydue"), self.name("staging")] {
            let label = format!("team={}", self.name("honeydue"));
            let _ = plane.kubectl_ok(&["label", "namespace", namespace, &label], "");
            // A controller of another scenario may have made it.
            let _ = plane.kubectl(&["create", "serviceaccount", "default", "-n", namespace], "");
            let _ = plane.kubectl_ok(&["get", "serviceaccount", "default", "-n", namespace], "");
        }
        let mut config: Value = serde_saphyr::from_str(&plane.kubeconfig_for(ADMIN_TOKEN)).unwrap();
        config["contexts"][0]["context"]["namespace"] = self.name("honeydue").into();
        let context = config["contexts"][0].clone();
        for name in ["prod", self.name("staging")] {
            let mut context = context.clone();
            context["name"] = name.into();
            config["contexts"].as_array_mut().unwrap().push(context);
        }
        // JSON is YAML.
        fs::write(self.world.folder().join("kubeconfig"), config.to_string()).unwrap();
    }

    /// All that is on PATH besides regcred: where pass is installed too, docker would take it for its store by itself.
    fn programs(&self) {
        let folder = self.bin();
        fs::create_dir_all(&folder).unwrap();
        let programs = PROGRAMS.map(|name| program(name).unwrap());
        let others = VAULT_PROGRAMS.iter().filter_map(|name| program(name));
        for file in programs
            .into_iter()
            .chain(others)
            .chain([control_plane::programs().unwrap().join("kubectl")])
        {
            std::os::unix::fs::symlink(&file, folder.join(file.file_name().unwrap())).unwrap();
        }
        // It encrypts what is a Secret's manifest, and fails on anything else.
        let kubeseal = "#!/bin/sh\nexec kubectl create --dry-run=client -o name -f -\n";
        let file = folder.join("kubeseal");
        fs::write(&file, kubeseal).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn bin(&self) -> PathBuf {
        self.world.folder().join("tmp/bin")
    }

    fn put(&self, has: Has) {
        let home = self.world.home();
        match has {
            Has::Files => {
                fs::create_dir_all(home.join("deploy")).unwrap();
                let registry = self.name("gitea.example.com");
                let token = &self.token;
                let lines = format!("REGISTRY={registry}\nREGISTRY_USERNAME=admin\nREGISTRY_TOKEN={token}\n");
                fs::write(home.join("deploy/registry.env"), lines).unwrap();
                let list = blocks::of("docs/targets.md");
                let list = list.iter().find(|block| block.text.starts_with("registries:")).unwrap();
                fs::write(home.join("regcred.yaml"), self.substituted(&list.text)).unwrap();
                let spec = json!({"registry-credentials": {
                    "server": registry, "username": "admin", "token-env": "REGISTRY_TOKEN",
                }});
                fs::write(home.join("spec.yml"), spec.to_string()).unwrap();
            }
            Has::Login => {
                let line = "login [REGISTRY] -u admin --token-stdin";
                self.world.regcred_with(line, &self.token).done();
            }
            Has::DockerLogin => {
                let auth = STANDARD.encode(format!("admin:{}", self.token));
                let file = json!({"auths": {self.name("gitea.example.com"): {"auth": auth}}});
                fs::create_dir_all(home.join(".docker")).unwrap();
                fs::write(home.join(".docker/config.json"), file.to_string()).unwrap();
            }
            Has::Secrets => {
                let line = format!("sync -n {} -n {}", self.name("honeydue"), self.name("staging"));
                self.world.regcred(&line).done();
            }
        }
    }

    fn name(&self, name: &str) -> &str {
        &self.names.iter().find(|(known, _)| *known == name).unwrap().1
    }

    /// With what stands for the documents' names here.
    fn substituted(&self, text: &str) -> String {
        let names = self.names.iter();
        names.fold(text.to_owned(), |text, (name, here)| text.replace(name, here))
    }

    /// The other way.
    fn shown(&self, text: &str) -> String {
        let folder = self.world.home().display().to_string();
        let names = self.names.iter();
        names.fold(text.replace(&folder, "/home/admin"), |text, (name, here)| {
            text.replace(here, name)
        })
    }

    /// Types these lines at a terminal, and what they ask for.
    pub fn type_in(&self, lines: &[&str]) -> Vec<Ran> {
        let typed: Vec<String> = lines.iter().map(|line| self.substituted(line)).collect();
        let mut bash = self.world.command("bash");
        let regcred = Path::new(PLUGIN).parent().unwrap();
        let path = std::env::join_paths([&self.bin(), regcred]).unwrap();
        bash.env("PATH", path).env("TERM", "xterm").env("NO_COLOR", "1").env(
            "REGISTRY_TOKEN",
            self.for_clusters.borrow().as_ref().unwrap_or(&self.token),
        );
        let answer = |line: &str, question: &str| match question {
            session::PASSWORD => PASSWORD.to_owned(),
            session::PASSPHRASE | session::NEW_PASSPHRASE | session::AGAIN => PASSPHRASE.to_owned(),
            // The new one; and clusters have one of their own.
            _ if line.contains(" rotate") => self.world.gitea.add_token("admin", "read:package"),
            _ if line.contains("--use cluster") => {
                let token = self.world.gitea.add_token("admin", "read:package");
                // What a pipeline gets as well, from then on.
                *self.for_clusters.borrow_mut() = Some(token.clone());
                token
            }
            _ => self.token.clone(),
        };
        let ran = session::run(bash, &typed, answer);
        ran.into_iter()
            .map(|ran| Ran {
                shown: self.shown(&ran.shown),
                ..ran
            })
            .collect()
    }
}

impl Drop for Workstation {
    /// The kernel's keyring is no file in this desk's folder.
    fn drop(&mut self) {
        if self.world.home().join(".local/share/regcred/vault.age").exists() {
            let _ = self.world.regcred("keychain lock");
        }
    }
}
