//! A namespace whose pods are the node's, and somebody who runs regcred there.

use serde_json::{Value, json};

use crate::support::control_plane::ControlPlane;
use crate::support::gitea::{self, Profile, Settings};
use crate::support::image;
use crate::support::node::Node;
use crate::support::part::until;
use crate::support::world::World;

/// What kubelet says of a container that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waits {
    pub reason: String,
    pub message: String,
}

pub struct Pods {
    pub world: World,
    /// Its token can push.
    push: String,
    node: &'static str,
}

impl Pods {
    /// With `admin/app:1`, which is private.
    pub fn new() -> Self {
        ControlPlane::with_controllers();
        let node = Node::shared();
        let world = World::of_real_gitea(Settings::default());
        let push = world.token("write:package");
        let this = Self { world, push, node };
        until("the ServiceAccount default", || {
            this.find("serviceaccount", "default").is_some()
        });
        this.push("admin/app:1", &["amd64"]);
        this
    }

    /// The name of this image at the registry.
    pub fn image(&self, name: &str) -> String {
        format!("{}/{name}", self.world.registry())
    }

    pub fn push(&self, name: &str, architectures: &[&str]) {
        self.push_as(("admin", &self.push), name, architectures);
    }

    pub fn push_as(&self, who: (&str, &str), name: &str, architectures: &[&str]) {
        let folder = tempfile::tempdir().unwrap();
        let layout = image::runnable(folder.path(), &self.image(name), architectures);
        image::push(&self.world, who, name, &layout);
    }

    pub fn kubectl(&self, args: &[&str]) -> String {
        self.world.kubectl(args, "")
    }

    pub fn find(&self, kind: &str, name: &str) -> Option<Value> {
        let text = self.kubectl(&["get", kind, name, "-o", "json", "--ignore-not-found"]);
        (!text.is_empty()).then(|| serde_json::from_str(&text).unwrap())
    }

    pub fn apply(&self, object: &Value) {
        self.world.kubectl(&["apply", "-f", "-"], &object.to_string());
    }

    /// The spec of a pod of the node's, with these changes.
    pub fn spec(&self, image: &str, secrets: &[&str], changes: &Value) -> Value {
        let mut container = json!({"name": "app", "image": image, "imagePullPolicy": "Always"});
        let mut spec = json!({
            "nodeName": self.node, "hostNetwork": true, "automountServiceAccountToken": false,
            "terminationGracePeriodSeconds": 1,
        });
        for (key, value) in changes.as_object().unwrap() {
            let of_container = ["imagePullPolicy", "volumeMounts"].contains(&key.as_str());
            let part = if of_container { &mut container } else { &mut spec };
            part[key] = value.clone();
        }
        spec["containers"] = json!([container]);
        if !secrets.is_empty() {
            spec["imagePullSecrets"] = secrets.iter().map(|name| json!({"name": name})).collect();
        }
        spec
    }

    pub fn pod_with(&self, name: &str, image: &str, secrets: &[&str], changes: &Value) {
        let spec = self.spec(image, secrets, changes);
        self.apply(&json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}));
    }

    /// A pod that pulls whenever it starts.
    pub fn pod(&self, name: &str, image: &str, secrets: &[&str]) {
        self.pod_with(name, image, secrets, &json!({}));
    }

    pub fn deployment(&self, name: &str, spec: &Value, replicas: u8) {
        let labels = json!({"app": name});
        self.apply(&json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
            "spec": {"replicas": replicas, "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": spec}},
        }));
    }

    /// Those pods that are not about to go.
    pub fn pods(&self) -> Vec<Value> {
        let list: Value = serde_json::from_str(&self.kubectl(&["get", "pods", "-o", "json"])).unwrap();
        let mut pods = list["items"].as_array().unwrap().clone();
        pods.retain(|pod| pod["metadata"].get("deletionTimestamp").is_none());
        pods
    }

    /// Names of the pods of a Deployment.
    pub fn pods_of(&self, deployment: &str) -> Vec<String> {
        let pods = self.pods().into_iter();
        pods.filter(|pod| pod["metadata"]["labels"]["app"] == deployment)
            .map(|pod| pod["metadata"]["name"].as_str().unwrap().to_owned())
            .collect()
    }

    /// Waits until kubelet says why the pod's container, or its init container, does not start.
    pub fn stuck(&self, pod: &str) -> Waits {
        let mut found = None;
        until(&format!("{pod} is stuck"), || {
            found = self.find("pod", pod).as_ref().and_then(waits);
            found.is_some()
        });
        found.unwrap()
    }

    /// The same for the one pod of a Deployment; its name, too.
    pub fn stuck_of(&self, deployment: &str) -> String {
        let mut name = String::new();
        until(&format!("a pod of {deployment}"), || {
            name = self.pods_of(deployment).pop().unwrap_or_default();
            !name.is_empty()
        });
        self.stuck(&name);
        name
    }

    pub fn runs(&self, pod: &str) {
        let mut last = None;
        until(&format!("{pod} runs"), || {
            let found = self.find("pod", pod).unwrap();
            last = waits(&found).or(last.take());
            runs(&found)
        });
    }

    /// Waits until this many pods of a Deployment run.
    pub fn runs_of(&self, deployment: &str, replicas: usize) {
        until(&format!("{deployment} runs"), || {
            let pods = self.pods().into_iter();
            let mine = pods.filter(|pod| pod["metadata"]["labels"]["app"] == deployment);
            mine.filter(runs).count() == replicas
        });
    }

    pub fn delete(&self, pod: &str) {
        self.kubectl(&["delete", "pod", pod]);
    }

    /// What `status` of this namespace finds.
    pub fn findings(&self) -> Vec<Value> {
        let line = "status -n [NAMESPACE] -o json";
        let ran = self.world.regcred(line);
        let document: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran}"));
        document["findings"].as_array().unwrap().clone()
    }

    /// The finding about a pod.
    pub fn finding(&self, pod: &str) -> Value {
        let findings = self.findings();
        let mut about = findings.iter().filter(|finding| is_about(finding, pod));
        about
            .next()
            .unwrap_or_else(|| panic!("nothing about {pod} in {findings:#?}"))
            .clone()
    }

    /// `status` finds nothing, but for the hole in the registries of Gitea before 1.26.2.
    pub fn all_is_well(&self) {
        let has_hole = matches!(gitea::profile(), Profile::V1_23 | Profile::V1_24 | Profile::V1_25);
        let findings = self.findings();
        let found: Vec<_> = findings.iter().map(|finding| &finding["code"]).collect();
        let known = if has_hole { vec!["registry-advisory"] } else { vec![] };
        assert_eq!(found, known, "{findings:#?}");
        let ran = self.world.regcred("status -n [NAMESPACE]");
        assert_eq!(ran.code, if has_hole { 3 } else { 0 }, "{ran}");
        assert_eq!(ran.stdout.contains("CVE-2026-27771"), has_hole, "{ran}");
    }

    /// Types in every command of a finding, as it stands.
    pub fn type_in(&self, finding: &Value) {
        let commands = finding["commands"].as_array().unwrap();
        assert!(!commands.is_empty(), "no command in {finding:#}");
        for command in commands {
            let command = self.world.denormal(command.as_str().unwrap());
            let ran = self.world.run(self.world.command("sh").args(["-c", &command]), "");
            assert_eq!(ran.code, 0, "{command}\n{ran}");
        }
    }

    /// A token for clusters, in the keychain and in the Secret that `sync` writes.
    pub fn well(&self) -> String {
        let token = self.world.login("cluster", "read:package");
        self.world.sync();
        token
    }

    /// How often the registry was asked for this image, named without its tag.
    pub fn asked(&self, name: &str) -> usize {
        let path = format!("/v2/{name}/manifests/");
        let seen = self.world.gitea.requests();
        seen.iter().filter(|seen| seen.path.starts_with(&path)).count()
    }
}

pub fn is_about(finding: &Value, pod: &str) -> bool {
    finding["object"]["kind"] == "pod" && finding["object"]["name"] == pod
}

/// What a pod's first container that waits waits for, where kubelet says more than that it is at work.
fn waits(pod: &Value) -> Option<Waits> {
    let statuses = ["initContainerStatuses", "containerStatuses"];
    let mut statuses = statuses
        .iter()
        .filter_map(|key| pod["status"][key].as_array())
        .flatten();
    statuses.find_map(|status| {
        let waiting = &status["state"]["waiting"];
        let reason = waiting["reason"].as_str()?;
        let message = waiting["message"].as_str()?;
        (!["ContainerCreating", "PodInitializing"].contains(&reason)).then(|| Waits {
            reason: reason.to_owned(),
            message: message.to_owned(),
        })
    })
}

fn runs(pod: &Value) -> bool {
    let statuses = pod["status"]["containerStatuses"].as_array();
    statuses.is_some_and(|all| all.iter().all(|status| status["state"].get("running").is_some()))
}
