//! Secrets of the world's cluster, for looking into them and for those that are there before.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::World;

impl World {
    /// A Secret of this world's namespace, as the API server has it.
    pub fn secret(&self, name: &str) -> Option<Value> {
        self.secret_in(&self.namespace, name)
    }

    /// A Secret of any namespace.
    pub fn secret_in(&self, namespace: &str, name: &str) -> Option<Value> {
        self.plane.secret(namespace, name)
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
        self.plane.create_secret(&self.namespace, secret, manager);
    }
}
