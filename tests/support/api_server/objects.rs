//! Objects of the other kinds in a namespace: gets, lists, merge patches and deletions with preconditions.

use std::collections::BTreeMap;

use hyper::Method;
use serde_json::{Value, json};

use super::secrets::{Store, is_chosen, merge};
use super::status::Answer;

/// Objects by resource, namespace and name.
pub type Objects = BTreeMap<(String, String, String), Value>;

/// A kind of custom resource.
#[derive(Clone, Debug)]
pub struct CustomKind {
    pub group: String,
    pub version: String,
    pub plural: String,
    pub kind: String,
}

fn key(resource: &str, namespace: &str, name: &str) -> (String, String, String) {
    (resource.to_owned(), namespace.to_owned(), name.to_owned())
}

impl Store {
    /// The object as it is stored.
    pub fn object(&self, resource: &str, namespace: &str, name: &str) -> Option<&Value> {
        self.objects.get(&key(resource, namespace, name))
    }

    /// Puts an object there exactly as given, with a new uid and resource version.
    pub fn put_object(&mut self, resource: &str, namespace: &str, object: &Value) {
        let mut object = object.clone();
        let name = object["metadata"]["name"].as_str().unwrap().to_owned();
        object["metadata"]["namespace"] = namespace.into();
        self.be_born(&mut object);
        self.objects.insert(key(resource, namespace, &name), object);
    }

    /// Changes an object as anybody else would.
    pub fn change_object(&mut self, resource: &str, namespace: &str, name: &str, change: impl FnOnce(&mut Value)) {
        let mut object = self.object(resource, namespace, name).unwrap().clone();
        change(&mut object);
        self.stamp(&mut object);
        self.objects.insert(key(resource, namespace, name), object);
    }

    /// Takes an object away.
    pub fn remove_object(&mut self, resource: &str, namespace: &str, name: &str) {
        self.objects.remove(&key(resource, namespace, name));
    }

    pub fn serve_objects(
        &mut self,
        method: &Method,
        (resource, namespace, name): (&str, &str, &str),
        query: &BTreeMap<String, String>,
        body: &[u8],
    ) -> Answer {
        if *method == Method::GET && name.is_empty() {
            return self.list_objects(resource, namespace, query);
        }
        let Some(mut object) = self.object(resource, namespace, name).cloned() else {
            return Answer::not_found(resource, name);
        };
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let dry_run = query.get("dryRun").is_some_and(|value| value == "All");
        let is_met = |wanted: &Value, key: &str| wanted[key].is_null() || wanted[key] == object["metadata"][key];
        match *method {
            Method::GET => Answer::success(200, object),
            // Where it makes no difference to what is patched here, a strategic merge is one like any other.
            Method::PATCH => {
                if !is_met(&body["metadata"], "resourceVersion") {
                    return Answer::modified_object(resource, name);
                }
                merge(&mut object, &body);
                if !dry_run {
                    self.stamp(&mut object);
                    self.objects.insert(key(resource, namespace, name), object.clone());
                }
                Answer::success(200, object)
            }
            Method::DELETE => {
                let wanted = &body["preconditions"];
                if !is_met(wanted, "resourceVersion") || !is_met(wanted, "uid") {
                    return Answer::modified_object(resource, name);
                }
                if !dry_run {
                    self.objects.remove(&key(resource, namespace, name));
                }
                Answer::success(200, object)
            }
            _ => Answer::failure(405, "MethodNotAllowed", "the double has no such method", Value::Null),
        }
    }

    fn list_objects(&self, resource: &str, namespace: &str, query: &BTreeMap<String, String>) -> Answer {
        let found = self.objects.iter().filter(|((of, within, _), object)| {
            let is_there = of == resource && (namespace.is_empty() || within == namespace);
            is_there && is_chosen(object, query) && has_label(object, query)
        });
        let items: Vec<&Value> = found.map(|(_, object)| object).collect();
        let metadata = json!({"resourceVersion": self.version.to_string()});
        Answer::success(
            200,
            json!({"kind": format!("{}List", self.kind(resource)), "apiVersion": "v1", "metadata": metadata, "items": items}),
        )
    }
}

fn has_label(object: &Value, query: &BTreeMap<String, String>) -> bool {
    query.get("labelSelector").is_none_or(|selector| {
        let (key, value) = selector.split_once('=').unwrap();
        object["metadata"]["labels"][key] == value
    })
}

impl Store {
    /// `/apis`: the groups of custom resources; those of Kubernetes itself are left out.
    pub fn groups(&self) -> Value {
        let groups = self.kinds.iter().map(|kind| {
            let version = json!({"groupVersion": format!("{}/{}", kind.group, kind.version), "version": kind.version});
            json!({"name": kind.group, "versions": [version.clone()], "preferredVersion": version})
        });
        json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups.collect::<Vec<_>>()})
    }

    /// `/apis/GROUP/VERSION`
    pub fn resources(&self, group: &str, version: &str) -> Value {
        let of_group = self
            .kinds
            .iter()
            .filter(|kind| kind.group == group && kind.version == version);
        let resources = of_group.flat_map(|kind| {
            let of = |name: &str, verbs: Value| {
                json!({"name": name, "singularName": "", "namespaced": true, "kind": kind.kind, "verbs": verbs})
            };
            [
                of(&kind.plural, json!(["get", "list", "patch"])),
                of(&format!("{}/status", kind.plural), json!(["get"])),
            ]
        });
        json!({
            "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": format!("{group}/{version}"),
            "resources": resources.collect::<Vec<_>>(),
        })
    }

    /// The kind of what a URL names in the plural.
    fn kind<'a>(&'a self, resource: &'a str) -> &'a str {
        let custom = self.kinds.iter().find(|kind| kind.plural == resource);
        custom.map_or_else(|| kind(resource), |kind| &kind.kind)
    }
}

fn kind(resource: &str) -> &str {
    match resource {
        "configmaps" => "ConfigMap",
        "controllerrevisions" => "ControllerRevision",
        "podtemplates" => "PodTemplate",
        "nodes" => "Node",
        "serviceaccounts" => "ServiceAccount",
        "pods" => "Pod",
        "replicationcontrollers" => "ReplicationController",
        "deployments" => "Deployment",
        "statefulsets" => "StatefulSet",
        "daemonsets" => "DaemonSet",
        "replicasets" => "ReplicaSet",
        "jobs" => "Job",
        "cronjobs" => "CronJob",
        "events" => "Event",
        _ => panic!("the double has no {resource}"),
    }
}
