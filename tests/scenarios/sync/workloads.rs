//! A namespace on the real control plane, somebody who runs regcred there, and a kubelet of ours.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::Pod;
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, Client};
use regcred::cluster::{Cluster, ConnectOptions, block_on};
use regcred::commands::{self, System};
use regcred::keychain::Keychain;
use regcred::output::Output;
use regcred::sys::env::Env;
use serde_json::{Value, json};

use crate::support::control_plane::{ADMIN_TOKEN, ControlPlane};
use crate::support::kube_api;
use crate::support::parts::CONTROLLERS;
use crate::support::scenario::Place;

/// Controllers on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks at something that is waited for.
const LOOK: Duration = Duration::from_millis(50);

pub const IMAGE: &str = "gitea.example.com/owner/app:1";
pub const SECRET: &str = "gitea-credentials";

pub const WITH_CONTROLLERS: Place<Workloads> = Place::real(CONTROLLERS, Workloads::new);

pub struct Workloads {
    pub real: &'static ControlPlane,
    pub namespace: String,
}

/// What regcred said.
#[derive(Debug)]
pub struct Said {
    pub code: u8,
    pub stdout: String,
    pub stderr: String,
}

impl Said {
    pub fn done(self) -> Self {
        assert_eq!(self.code, 0, "{self:#?}");
        self
    }

    pub fn lines(&self) -> Vec<&str> {
        self.stdout.lines().collect()
    }
}

/// Runs regcred with the text of a kubeconfig and a token in a variable, and nothing else around it.
pub fn regcred(kubeconfig: &str, token: &str, line: &str) -> Said {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kubeconfig");
    std::fs::write(&file, kubeconfig).unwrap();
    let env: Env = [("KUBECONFIG", file.as_os_str()), ("TOKEN", token.as_ref())]
        .into_iter()
        .collect();
    let (mut stdout, mut stderr) = (Vec::new(), Vec::new());
    let code = {
        let mut system = System {
            env,
            stdin: Box::new(std::io::empty()),
            output: Output::new(&mut stdout, false, &mut stderr),
            person: None,
            open_keychain: Box::new(|_| -> Result<Keychain, _> { panic!("no keychain is needed") }),
            handles_interrupts: false,
        };
        commands::run(
            std::iter::once("kubectl-regcred")
                .chain(line.split_whitespace())
                // The registry does not exist.
                .chain(line.starts_with("sync").then_some("--no-verify")),
            &mut system,
        )
        .code()
    };
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Said {
        code,
        stdout: text(stdout),
        stderr: text(stderr),
    }
}

/// Looks until it is so.
pub fn await_that(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < PATIENCE, "waited for {what} in vain");
        std::thread::sleep(LOOK);
    }
}

impl Workloads {
    pub fn new() -> Self {
        let real = ControlPlane::with_controllers();
        let this = Self {
            real,
            namespace: real.namespace(),
        };
        await_that("the ServiceAccount default", || {
            this.find("serviceaccount", "default").is_some()
        });
        this
    }

    pub fn apply(&self, object: &Value) {
        self.real
            .kubectl_ok(&["apply", "-n", &self.namespace, "-f", "-"], &object.to_string());
    }

    pub fn find(&self, resource: &str, name: &str) -> Option<Value> {
        self.real.get(resource, &self.namespace, name)
    }

    pub fn get(&self, resource: &str, name: &str) -> Value {
        self.find(resource, name).unwrap()
    }

    pub fn list(&self, resource: &str) -> Vec<Value> {
        let path = kube_api::path(resource, &self.namespace).unwrap();
        let list = self.real.api().get(&path).unwrap();
        list["items"].as_array().unwrap().clone()
    }

    /// The pull Secrets of a ServiceAccount, `None` where it has no list.
    pub fn pull_secrets(&self, account: &str) -> Option<Vec<String>> {
        let account = self.get("serviceaccount", account);
        let list = account.get("imagePullSecrets")?.as_array()?;
        Some(
            list.iter()
                .map(|entry| entry["name"].as_str().unwrap().to_owned())
                .collect(),
        )
    }

    /// `sync` of gitea.example.com in this namespace with these flags.
    pub fn sync(&self, flags: &str) -> Said {
        self.sync_as(&self.real.kubeconfig_for(ADMIN_TOKEN), "first", flags)
    }

    pub fn sync_as(&self, kubeconfig: &str, token: &str, flags: &str) -> Said {
        let namespace = &self.namespace;
        let line = format!("sync -n {namespace} --registry gitea.example.com -u admin --token-env TOKEN {flags}");
        regcred(kubeconfig, token, &line)
    }

    /// `sync` without a credential.
    pub fn sync_nothing(&self, flags: &str) -> Said {
        let kubeconfig = self.real.kubeconfig_for(ADMIN_TOKEN);
        regcred(&kubeconfig, "", &format!("sync -n {} {flags}", self.namespace)).done()
    }

    /// When the workload was restarted, by kubectl's annotation.
    pub fn restarted_at(&self, resource: &str, name: &str) -> Option<String> {
        let workload = self.get(resource, name);
        let annotations = &workload["spec"]["template"]["metadata"]["annotations"];
        annotations["kubectl.kubernetes.io/restartedAt"]
            .as_str()
            .map(str::to_owned)
    }

    /// Sets the status of one pod.
    pub fn set_status(&self, pod: &str, status: &Value) {
        self.real.set_status("pods", &self.namespace, pod, status);
    }

    /// Makes one pod whose name starts so stuck on a pull; `false` where there is none yet.
    pub fn stick(&self, start: &str) -> bool {
        let pods = self.list("pods");
        let mut names = pods.iter().map(|pod| pod["metadata"]["name"].as_str().unwrap());
        let Some(name) = names.find(|name| name.starts_with(start)) else {
            return false;
        };
        self.set_status(name, &stuck_on_a_pull("ImagePullBackOff"));
        true
    }

    /// A node for the pods of DaemonSets, shared by all scenarios.
    pub fn node(&self) {
        let node = json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node"}});
        self.real.kubectl_ok(&["apply", "-f", "-"], &node.to_string());
        // Admission marks a new node as not ready, and nothing here would take that back.
        self.real.kubectl_ok(
            &[
                "patch",
                "node",
                "node",
                "--type=merge",
                "-p",
                r#"{"spec":{"taints":null}}"#,
            ],
            "",
        );
    }

    /// Says of every pod of this namespace that it is ready, until it is dropped.
    pub fn kubelet(&self) -> Kubelet {
        self.kubelet_but_for("-")
    }

    /// The same, but for pods whose names start so.
    pub fn kubelet_but_for(&self, start: &'static str) -> Kubelet {
        let stop = Arc::new(AtomicBool::new(false));
        let (stopped, namespace) = (Arc::clone(&stop), self.namespace.clone());
        let kubeconfig = self.real.kubeconfig();
        let thread = std::thread::spawn(move || {
            let env: Env = [("KUBECONFIG", kubeconfig)].into_iter().collect();
            block_on(async {
                let cluster = Cluster::connect(&env, &ConnectOptions::default()).await.unwrap();
                while !stopped.load(Ordering::SeqCst) {
                    make_ready(cluster.client(), &namespace, start).await;
                    tokio::time::sleep(LOOK).await;
                }
            })
            .unwrap();
        });
        Kubelet {
            stop,
            thread: Some(thread),
        }
    }
}

async fn make_ready(client: &Client, namespace: &str, but_for: &str) {
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    for pod in api.list(&ListParams::default()).await.unwrap() {
        let conditions = pod.status.and_then(|status| status.conditions).unwrap_or_default();
        let name = pod.metadata.name.unwrap();
        if name.starts_with(but_for) || conditions.iter().any(|condition| condition.type_ == "Ready") {
            continue;
        }
        let ready = json!({"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}});
        // It may be gone by now.
        let _ = api
            .patch_status(&name, &PatchParams::default(), &Patch::Merge(ready))
            .await;
    }
}

/// A kubelet that runs everything. It stops when this is dropped.
pub struct Kubelet {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Kubelet {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::SeqCst);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// A pod's spec: one container, without a token of its ServiceAccount.
pub fn pod(image: &str, secrets: &[&str]) -> Value {
    let mut pod = json!({"containers": [{"name": "app", "image": image}], "automountServiceAccountToken": false});
    if !secrets.is_empty() {
        pod["imagePullSecrets"] = secrets.iter().map(|name| json!({"name": name})).collect();
    }
    pod
}

/// A workload of this kind, with `spec` merged in.
pub fn workload(kind: &str, name: &str, pod: impl Into<Value>, spec: &Value) -> Value {
    let group = if kind == "Job" { "batch/v1" } else { "apps/v1" };
    let mut object = json!({
        "apiVersion": group, "kind": kind, "metadata": {"name": name},
        "spec": {"template": {"metadata": {"labels": {"app": name}}, "spec": pod.into()}},
    });
    if kind == "Job" {
        object["spec"]["template"]["spec"]["restartPolicy"] = "Never".into();
    } else {
        object["spec"]["selector"] = json!({"matchLabels": {"app": name}});
    }
    if kind == "StatefulSet" {
        object["spec"]["serviceName"] = name.into();
    }
    for (key, value) in spec.as_object().into_iter().flatten() {
        object["spec"][key] = value.clone();
    }
    object
}

/// What kubelet says of a pod whose container waits for this reason.
pub fn stuck_on_a_pull(reason: &str) -> Value {
    let status = json!({"name": "app", "image": "x", "imageID": "", "ready": false, "restartCount": 0,
        "state": {"waiting": {"reason": reason, "message": "401 Unauthorized"}}});
    json!({"phase": "Pending", "containerStatuses": [status]})
}

/// A pod on its own.
pub fn bare_pod(name: &str, spec: impl Into<Value>) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec.into()})
}
