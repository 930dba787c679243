//! Namespaces with pull Secrets, accounts and pods in them, and surveys of these.

use k8s_openapi::jiff::Timestamp;
use regcred::cluster::Cluster;
use regcred::cluster::survey::{
    Interest, NamespaceSelection, PodPulls, Question, StuckPull, Survey, TokenSlot, Verdict, explain, survey,
};
use regcred::cluster::{Error, Target};
use regcred::model::Credential;
use serde_json::{Value, json};

use crate::support::part::until;
use crate::support::plane::{Plane, Who};
use crate::support::world::credential;
use crate::sync::library::gitea;

pub const REGISTRY: &str = "gitea.example.com";
pub const IMAGE: &str = "gitea.example.com/owner/app:1";

/// The token that the keychain has for clusters.
pub const TOKEN: &str = "cluster-token";

/// A namespace of a plane.
pub struct Surveyed<'a> {
    pub plane: &'a Plane,
    pub namespace: String,
}

/// What the keychain has.
pub struct Keychain {
    cluster: Credential,
    docker: Credential,
}

impl Keychain {
    pub fn new() -> Self {
        Self {
            cluster: gitea(TOKEN),
            docker: credential(REGISTRY, "admin", "docker-token"),
        }
    }

    pub fn interests(&self) -> Vec<Interest<'_>> {
        vec![Interest {
            registry: REGISTRY.parse().unwrap(),
            kept: vec![(TokenSlot::Cluster, &self.cluster), (TokenSlot::Docker, &self.docker)],
        }]
    }
}

/// A document with these entries; what stands after the key is a token of `admin`, or a whole entry.
pub fn document(entries: &Value) -> Value {
    let entries = entries.as_object().unwrap().iter().map(|(key, entry)| {
        let entry = match entry {
            Value::String(token) => json!({"username": "admin", "password": token}),
            other => other.clone(),
        };
        (key.clone(), entry)
    });
    Value::Object(entries.collect())
}

impl<'a> Surveyed<'a> {
    pub fn new(plane: &'a Plane) -> Self {
        let this = Self {
            plane,
            namespace: plane.namespace(),
        };
        this.account("default", &[]);
        this
    }

    pub fn target(&self, secret: &str) -> Target {
        Target {
            namespace: self.namespace.parse().unwrap(),
            secret: secret.parse().unwrap(),
        }
    }

    /// Puts an object there, or writes it over.
    pub fn apply(&self, resource: &str, object: &Value) {
        self.plane.put(resource, &self.namespace, object);
    }

    /// A Secret of this type with this text under this key.
    pub fn secret_of(&self, name: &str, kind: &str, key: &str, text: &str, metadata: &Value) {
        let mut secret = json!({
            "apiVersion": "v1", "kind": "Secret", "type": kind, "metadata": metadata, "stringData": {key: text},
        });
        secret["metadata"]["name"] = name.into();
        if let Plane::Double(_) = self.plane {
            use base64::Engine as _;
            let encoded = base64::engine::general_purpose::STANDARD.encode(text);
            secret["stringData"] = Value::Null;
            secret["data"] = json!({key: encoded});
        }
        self.apply("secrets", &secret);
    }

    pub fn secret(&self, name: &str, entries: &Value) {
        let text = json!({"auths": document(entries)}).to_string();
        self.secret_of(
            name,
            "kubernetes.io/dockerconfigjson",
            ".dockerconfigjson",
            &text,
            &json!({}),
        );
    }

    /// Writes a Secret in a later second than anything before.
    pub fn secret_later(&self, name: &str, entries: &Value) {
        let text = json!({"auths": document(entries)}).to_string();
        let now = Timestamp::now();
        until("the next second", || Timestamp::now().as_second() > now.as_second() + 1);
        let metadata = match self.plane {
            Plane::Real(_) => json!({}),
            Plane::Double(_) => json!({"managedFields": [{
                "manager": "somebody", "operation": "Update", "apiVersion": "v1", "time": Timestamp::now().to_string(),
                "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:.dockerconfigjson": {}}},
            }]}),
        };
        self.secret_of(
            name,
            "kubernetes.io/dockerconfigjson",
            ".dockerconfigjson",
            &text,
            &metadata,
        );
    }

    pub fn account(&self, name: &str, secrets: &[&str]) {
        let list: Vec<_> = secrets.iter().map(|name| json!({"name": name})).collect();
        self.apply(
            "serviceaccounts",
            &json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name}, "imagePullSecrets": list}),
        );
    }

    /// A pod as it is stored, and what kubelet says of it.
    pub fn pod(&self, name: &str, metadata: &Value, spec: &Value, status: &Value) {
        let mut pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec, "status": status});
        pod["metadata"]["name"] = name.into();
        pod["spec"]["automountServiceAccountToken"] = false.into();
        self.apply("pods", &pod);
    }

    /// A pod with one container that waits for its image.
    pub fn stuck(&self, name: &str, image: &str, secrets: &[&str], account: &str, message: &str) {
        let spec = spec(image, secrets, account);
        self.pod(
            name,
            &json!({}),
            &spec,
            &waits("app", image, "ImagePullBackOff", message),
        );
    }

    pub fn survey(&self, keychain: &Keychain) -> Survey {
        self.survey_for(keychain, &[])
    }

    /// With these Secrets as targets.
    pub fn survey_for(&self, keychain: &Keychain, targets: &[&str]) -> Survey {
        let question = Question {
            places: NamespaceSelection::Named(vec![self.namespace.parse().unwrap()]),
            targets: targets.iter().map(|name| self.target(name)).collect(),
            named: Vec::new(),
            interests: keychain.interests(),
        };
        ask(self.plane, Who::Admin, &question).unwrap()
    }

    pub fn explain(&self, keychain: &Keychain, pod: &str) -> Option<PodPulls> {
        self.plane.connected(Who::Admin, async |cluster: &Cluster| {
            let namespace = self.namespace.parse().unwrap();
            explain(cluster, &namespace, pod, keychain.interests()).await.unwrap()
        })
    }
}

pub fn ask(plane: &Plane, who: Who, question: &Question<'_>) -> Result<Survey, Error> {
    plane.connected(who, async |cluster: &Cluster| survey(cluster, question, &|_| {}).await)
}

pub fn spec(image: &str, secrets: &[&str], account: &str) -> Value {
    let mut spec = json!({"containers": [{"name": "app", "image": image}], "serviceAccountName": account});
    if !secrets.is_empty() {
        spec["imagePullSecrets"] = secrets.iter().map(|name| json!({"name": name})).collect();
    }
    spec
}

/// What kubelet says of a container that waits.
pub fn waits(container: &str, image: &str, reason: &str, message: &str) -> Value {
    json!({"phase": "Pending", "containerStatuses": [status(container, image, reason, message)]})
}

pub fn status(container: &str, image: &str, reason: &str, message: &str) -> Value {
    json!({"name": container, "image": image, "imageID": "", "ready": false, "restartCount": 0,
        "state": {"waiting": {"reason": reason, "message": message}}})
}

/// The stuck pull of a pod.
pub fn of_pod<'a>(survey: &'a Survey, pod: &str) -> &'a StuckPull {
    survey.stuck.iter().find(|stuck| stuck.pod == pod).unwrap()
}

/// The same word about every token.
pub fn says(verdict: Verdict) -> impl Fn(regcred::cluster::survey::HeldToken) -> Option<Verdict> {
    move |_| Some(verdict)
}
