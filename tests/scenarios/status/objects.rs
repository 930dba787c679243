//! What is put into the cluster of a world, and taken out of it again.

use serde_json::Value;
use serde_json::json;

use super::fixture::stuck_pod;
use crate::support::control_plane::ControlPlane;
use crate::support::http::Answer;
use crate::support::world::World;

impl World {
    pub fn create_namespace(&self, name: &str) {
        if self.is_real() {
            ControlPlane::shared().kubectl_ok(&["create", "namespace", name], "");
        } else {
            self.api_server().create_namespace(name);
        }
    }

    /// Puts another object in the place of one that is there, as whoever made it does.
    pub fn put_again(&self, resource: &str, object: &Value) {
        if self.is_real() {
            self.kubectl(&["replace", "--field-manager=helm", "-f", "-"], &object.to_string());
            return;
        }
        let name = object["metadata"]["name"].as_str().unwrap();
        assert_eq!(resource, "secrets");
        let data = object["data"].clone();
        self.api_server()
            .update_secret(&self.namespace, name, "helm", |secret| secret["data"] = data);
    }

    pub fn has(&self, resource: &str, name: &str) -> bool {
        if self.is_real() {
            !self
                .kubectl(&["get", resource, name, "--ignore-not-found", "-o", "name"], "")
                .is_empty()
        } else {
            self.api_server().object(resource, &self.namespace, name).is_some()
        }
    }

    /// Takes an object away.
    pub fn delete(&self, resource: &str, name: &str) {
        if self.is_real() {
            self.kubectl(
                &["delete", resource, name, "--wait=false", "--grace-period=0", "--force"],
                "",
            );
        } else {
            self.api_server().remove_object(resource, &self.namespace, name);
        }
    }

    /// A workload that pulls with this Secret, scaled to nothing.
    pub fn deployment(&self, name: &str, secret: &str) {
        let image = format!("{}/owner/app:1", self.registry());
        self.put(
            "deployments",
            &json!({
                "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name},
                "spec": {
                    "replicas": 0, "selector": {"matchLabels": {"app": name}},
                    "template": {
                        "metadata": {"labels": {"app": name}},
                        "spec": {
                            "containers": [{"name": "app", "image": image}], "imagePullSecrets": [{"name": secret}],
                        },
                    },
                },
            }),
        );
    }

    /// A controller that would make a pod again.
    fn replica_set(&self, name: &str) {
        self.put(
            "replicasets",
            &json!({
                "apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": name},
                "spec": {
                    "replicas": 1, "selector": {"matchLabels": {"app": name}},
                    "template": {
                        "metadata": {"labels": {"app": name}},
                        "spec": {"containers": [{"name": "app", "image": format!("{}/owner/app:1", self.registry())}]},
                    },
                },
            }),
        );
    }

    /// A stuck pod of a ReplicaSet, without a pull Secret.
    pub fn stuck_of(&self, owner: &str, name: &str, image: &str, message: &str) {
        self.stuck_of_with(owner, name, image, &[], message);
    }

    pub fn stuck_of_with(&self, owner: &str, name: &str, image: &str, secrets: &[&str], message: &str) {
        let mut pod = stuck_pod(name, &self.denormal(image), secrets, &self.denormal(message));
        pod["metadata"]["labels"] = json!({"app": owner});
        let owners = |uid: String| json!([{"apiVersion": "apps/v1", "kind": "ReplicaSet", "name": owner, "uid": uid, "controller": true}]);
        if self.is_real() {
            // Other scenarios may run the controllers. What is there before the ReplicaSet is adopted by it, and not one too
            // many; of two, the younger one goes.
            self.put("pods", &pod);
            self.next_second();
            self.replica_set(owner);
            let patch = json!({"metadata": {"ownerReferences": owners(self.uid("replicasets", owner))}});
            self.kubectl(&["patch", "pods", name, "--type=merge", "-p", &patch.to_string()], "");
        } else {
            if !self.has("replicasets", owner) {
                self.replica_set(owner);
            }
            pod["metadata"]["ownerReferences"] = owners(self.uid("replicasets", owner));
            self.put("pods", &pod);
        }
    }

    fn uid(&self, resource: &str, name: &str) -> String {
        if self.is_real() {
            return self.kubectl(&["get", resource, name, "-o", "jsonpath={.metadata.uid}"], "");
        }
        let object = self.api_server().object(resource, &self.namespace, name);
        object.unwrap()["metadata"]["uid"].as_str().unwrap().to_owned()
    }

    /// What kubelet tells of a pod.
    pub fn event(&self, pod: &str, reason: &str, message: &str) {
        self.put(
            "events",
            &json!({
                "apiVersion": "v1", "kind": "Event", "metadata": {"name": format!("{pod}.{}", reason.to_lowercase())},
                "involvedObject": {
                    "apiVersion": "v1", "kind": "Pod", "name": pod, "namespace": self.namespace,
                    "uid": self.uid("pods", pod),
                },
                "reason": reason, "message": self.denormal(message), "type": "Warning", "count": 7,
                "source": {"component": "kubelet", "host": "node-1"},
                "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:05:00Z",
            }),
        );
    }

    /// The registry answers another way than it was told before.
    pub fn registry_says_instead(&self, path: &str, answer: Answer) {
        self.registry_recovers();
        self.registry_says(path, answer);
    }

    /// A context whose own namespace is this place's; its name.
    pub fn use_own_namespace(&mut self) -> &'static str {
        let text = std::fs::read_to_string(self.folder().join("kubeconfig")).unwrap();
        let (own, namespace) = ("own", &self.namespace);
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        let at = lines
            .iter()
            .position(|line| line.starts_with("- {name: ") && line.contains("context:"))
            .unwrap();
        let line = lines[at].replacen("- {name: ", "", 1);
        let context = line.split_once("context: {").unwrap().1.replace(", namespace: ''", "");
        lines.insert(
            at + 1,
            format!("- {{name: {own}, context: {{namespace: {namespace}, {context}"),
        );
        self.kubeconfig(&(lines.join("\n") + "\n"));
        own
    }
}
