//! A cluster, on the double of an API server or on a real one: what scenarios put there, and what they look at.

use std::sync::atomic::{AtomicU32, Ordering};

use hyper::Method;
use serde_json::{Value, json};

use super::api_server::{self, ApiServer};
use super::control_plane::{self, ControlPlane};
use super::kube_api::{self, Body};

/// The Secret that `sync` writes where it is told no other name.
pub const SECRET: &str = "gitea-credentials";

static NAMESPACES: AtomicU32 = AtomicU32::new(0);

pub enum Plane {
    Double(ApiServer),
    Real(&'static ControlPlane),
}

/// Who asks the API server.
#[derive(Clone, Copy)]
pub enum Who {
    Admin,
    /// Somebody who may do nothing.
    Plain,
}

impl Plane {
    pub fn double() -> Self {
        Self::Double(ApiServer::start())
    }

    /// The one that all scenarios share.
    pub fn real() -> Self {
        Self::Real(ControlPlane::shared())
    }

    /// Another real one, which all scenarios with two share.
    pub fn second_real() -> Self {
        Self::Real(ControlPlane::second())
    }

    pub fn is_real(&self) -> bool {
        matches!(self, Self::Real(_))
    }

    /// The double; fails where it is a real one.
    pub fn api_server(&self) -> &ApiServer {
        let Self::Double(double) = self else {
            panic!("only on the double")
        };
        double
    }

    /// The real one; fails where it is the double.
    pub fn control_plane(&self) -> &'static ControlPlane {
        let Self::Real(real) = self else {
            panic!("only on the real one")
        };
        real
    }

    /// The context's name in its kubeconfig.
    pub fn context(&self) -> &'static str {
        if self.is_real() { "real" } else { "double" }
    }

    /// The text of a kubeconfig.
    pub fn kubeconfig(&self, who: Who) -> String {
        match (self, who) {
            (Self::Double(double), Who::Admin) => double.kubeconfig(),
            (Self::Double(double), Who::Plain) => {
                double.kubeconfig_for(&format!("{{token: {}}}", api_server::PLAIN_TOKEN))
            }
            (Self::Real(real), Who::Admin) => real.kubeconfig_for(control_plane::ADMIN_TOKEN),
            (Self::Real(real), Who::Plain) => real.kubeconfig_for(control_plane::PLAIN_TOKEN),
        }
    }

    /// How a kubeconfig describes the cluster.
    pub fn in_kubeconfig(&self) -> String {
        match self {
            Self::Double(double) => format!("{{server: '{}'}}", double.url()),
            Self::Real(real) => real.in_kubeconfig(),
        }
    }

    /// A new namespace, with a name of its own.
    pub fn namespace(&self) -> String {
        match self {
            Self::Real(real) => real.namespace(),
            Self::Double(double) => {
                let name = format!("test-{:04}", NAMESPACES.fetch_add(1, Ordering::SeqCst));
                double.create_namespace(&name);
                name
            }
        }
    }

    /// Makes namespaces with this label.
    pub fn create_namespaces(&self, names: &[String], label: (&str, &str)) {
        let (key, value) = label;
        match self {
            Self::Double(double) => {
                for name in names {
                    double.create_namespace(name);
                    double.label_namespace(name, key, value);
                }
            }
            Self::Real(real) => {
                let metadata = |name| json!({"name": name, "labels": {key: value}});
                let manifest = |name| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata(name)});
                let items: Vec<Value> = names.iter().map(manifest).collect();
                let list = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
                real.kubectl_ok(&["create", "--validate=false", "-f", "-"], &list);
            }
        }
    }

    /// Starts the deletion of a namespace. Without a controller it never ends.
    pub fn terminate(&self, namespace: &str) {
        match self {
            Self::Double(double) => double.terminate_namespace(namespace),
            Self::Real(real) => {
                real.kubectl_ok(&["delete", "namespace", namespace, "--wait=false"], "");
            }
        }
    }

    /// An object as it is stored.
    pub fn get(&self, resource: &str, namespace: &str, name: &str) -> Option<Value> {
        match self {
            Self::Double(double) if resource == "secrets" => double.secret(namespace, name),
            Self::Double(double) => double.object(resource, namespace, name),
            Self::Real(real) => real.get(resource, namespace, name),
        }
    }

    pub fn secret(&self, namespace: &str, name: &str) -> Option<Value> {
        self.get("secrets", namespace, name)
    }

    /// Changes a Secret that is there, as somebody else: a merge patch.
    pub fn patch_secret(&self, namespace: &str, name: &str, patch: &Value) {
        match self {
            Self::Double(double) => {
                let change = |secret: &mut Value| merge(secret, patch);
                double.update_secret(namespace, name, "somebody", change);
            }
            Self::Real(real) => {
                let secret = secrets(namespace) + &format!("/{name}?fieldManager=somebody");
                real.api().ask(&Method::PATCH, &secret, &Body::MergePatch(patch));
            }
        }
    }

    pub fn delete_secret(&self, namespace: &str, name: &str) {
        match self {
            Self::Double(double) => double.remove_object("secrets", namespace, name),
            Self::Real(real) => {
                let path = secrets(namespace) + &format!("/{name}");
                real.api().ask(&Method::DELETE, &path, &Body::None);
            }
        }
    }

    /// Makes a Secret as `kubectl create -f` would under this manager's name.
    pub fn create_secret(&self, namespace: &str, secret: &Value, manager: &str) {
        match self {
            Self::Double(double) => {
                // As the real one keeps it.
                let mut secret = secret.clone();
                secret["metadata"]["managedFields"] = json!([{
                    "manager": manager, "operation": "Update", "apiVersion": "v1", "fieldsType": "FieldsV1",
                    "fieldsV1": {"f:data": {".": {}, "f:.dockerconfigjson": {}}, "f:type": {}},
                }]);
                double.put_secret(namespace, &secret);
            }
            Self::Real(real) => {
                let path = secrets(namespace) + &format!("?fieldManager={manager}");
                real.api().ask(&Method::POST, &path, &Body::New(secret));
            }
        }
    }

    /// Puts an object of any kind there, or writes it over, with its status.
    pub fn put(&self, resource: &str, namespace: &str, object: &Value) {
        match self {
            Self::Double(double) if resource == "secrets" => double.put_secret(namespace, object),
            Self::Double(double) => double.put_object(resource, namespace, object),
            Self::Real(real) => {
                real.apply(resource, namespace, object);
                if let Some(status) = object.get("status") {
                    real.set_status(
                        resource,
                        namespace,
                        object["metadata"]["name"].as_str().unwrap(),
                        status,
                    );
                }
            }
        }
    }
}

fn secrets(namespace: &str) -> String {
    kube_api::path("secrets", namespace).unwrap()
}

/// RFC 7386.
fn merge(object: &mut Value, patch: &Value) {
    let Some(changes) = patch.as_object() else {
        object.clone_from(patch);
        return;
    };
    for (key, change) in changes {
        match change {
            Value::Null => object.as_object_mut().map(|object| object.remove(key)).map_or((), drop),
            change => merge(&mut object[key], change),
        }
    }
}
