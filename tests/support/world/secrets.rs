//! Secrets of the world's cluster, for looking into them and for those that are there before.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::{Plane, World};

impl World {
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
}
