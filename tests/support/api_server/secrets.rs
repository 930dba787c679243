//! Namespaces and Secrets, and what a write does to them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::Method;
use serde_json::{Value, json};

use super::fields::{self, Manager};
use super::status::Answer;

/// All objects fixtures have the age of.
const NOW: &str = "2026-11-21T12:00:00Z";
const PULL_SECRET: &str = "kubernetes.io/dockerconfigjson";

/// What is stored.
#[derive(Default)]
pub struct Store {
    namespaces: BTreeMap<String, Value>,
    secrets: BTreeMap<(String, String), Value>,
    pub(super) objects: super::objects::Objects,
    pub(super) kinds: Vec<super::objects::CustomKind>,
    pub(super) version: u64,
}

impl Store {
    pub(super) fn stamp(&mut self, object: &mut Value) {
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
    }

    pub(super) fn be_born(&mut self, object: &mut Value) {
        self.stamp(object);
        object["metadata"]["uid"] = format!("00000000-0000-4000-8000-{:012}", self.version).into();
        object["metadata"]["creationTimestamp"] = NOW.into();
    }

    pub fn create_namespace(&mut self, name: &str) {
        let mut namespace = json!({
            "kind": "Namespace", "apiVersion": "v1",
            "metadata": {"name": name, "labels": {"kubernetes.io/metadata.name": name}},
            "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"},
        });
        self.be_born(&mut namespace);
        self.namespaces.insert(name.to_owned(), namespace);
    }

    pub fn label_namespace(&mut self, name: &str, key: &str, value: &str) {
        let namespace = self.namespaces.get_mut(name).unwrap();
        namespace["metadata"]["labels"][key] = value.into();
    }

    pub fn terminate_namespace(&mut self, name: &str) {
        let namespace = self.namespaces.get_mut(name).unwrap();
        namespace["metadata"]["deletionTimestamp"] = NOW.into();
        namespace["status"]["phase"] = "Terminating".into();
    }

    /// The Secret as it is stored.
    pub fn get(&self, namespace: &str, name: &str) -> Option<&Value> {
        self.secrets.get(&(namespace.to_owned(), name.to_owned()))
    }

    /// The Secrets of a namespace as they are stored.
    pub fn in_namespace(&self, namespace: &str) -> Vec<Value> {
        let secrets = self.secrets.iter().filter(|((within, _), _)| within == namespace);
        secrets.map(|(_, secret)| secret.clone()).collect()
    }

    /// Puts a Secret there exactly as given.
    pub fn put(&mut self, namespace: &str, secret: &Value) {
        let mut secret = secret.clone();
        let name = secret["metadata"]["name"].as_str().unwrap().to_owned();
        secret["kind"] = "Secret".into();
        secret["apiVersion"] = "v1".into();
        secret["metadata"]["namespace"] = namespace.into();
        self.be_born(&mut secret);
        self.secrets.insert((namespace.to_owned(), name), secret);
    }

    /// Takes a Secret away.
    pub fn remove(&mut self, namespace: &str, name: &str) {
        self.secrets.remove(&(namespace.to_owned(), name.to_owned()));
    }

    /// Writes a Secret as a client without server-side apply would: the fields that change become its own.
    pub fn update(&mut self, namespace: &str, name: &str, manager: &str, change: impl FnOnce(&mut Value)) {
        let mut secret = self.get(namespace, name).unwrap().clone();
        change(&mut secret);
        let answer = self.write(namespace, name, &secret, manager, false);
        assert!(answer.code < 300, "{}", answer.body);
    }

    pub fn serve_namespaces(
        &mut self,
        method: &Method,
        name: &str,
        query: &BTreeMap<String, String>,
        body: &[u8],
    ) -> Answer {
        match (method, name) {
            (&Method::GET, "") => {
                let selector = query.get("labelSelector").map_or("", String::as_str);
                let all = self.namespaces.values();
                let items: Vec<_> = all.filter(|namespace| is_selected(namespace, selector)).collect();
                list("NamespaceList", &items)
            }
            (&Method::GET, name) => match self.namespaces.get(name) {
                Some(namespace) => Answer::success(200, namespace.clone()),
                None => Answer::not_found("namespaces", name),
            },
            (&Method::POST, "") => {
                let Ok(body) = serde_json::from_slice::<Value>(body) else {
                    return Answer::bad_request("no JSON");
                };
                let name = body["metadata"]["name"].as_str().unwrap_or_default();
                if self.namespaces.contains_key(name) {
                    return Answer::already_exists("namespaces", name);
                }
                self.create_namespace(name);
                Answer::success(201, self.namespaces[name].clone())
            }
            _ => Answer::failure(405, "MethodNotAllowed", "the double has no such method", Value::Null),
        }
    }

    pub fn serve_secrets(
        &mut self,
        method: &Method,
        namespace: &str,
        name: &str,
        query: &BTreeMap<String, String>,
        content_type: &str,
        body: &[u8],
    ) -> Answer {
        let dry_run = query.get("dryRun").is_some_and(|value| value == "All");
        let manager = query.get("fieldManager").map_or("unknown", String::as_str);
        if *method == Method::GET {
            return match (name, self.get(namespace, name)) {
                ("", _) => self.list_secrets(namespace, query),
                (_, Some(secret)) => Answer::success(200, secret.clone()),
                (name, None) => Answer::not_found("secrets", name),
            };
        }
        if *method == Method::DELETE {
            return match self.secrets.remove(&(namespace.to_owned(), name.to_owned())) {
                Some(_) => Answer::success(200, json!({"kind": "Status", "apiVersion": "v1", "status": "Success"})),
                None => Answer::not_found("secrets", name),
            };
        }
        let Ok(body) = serde_json::from_slice::<Value>(body) else {
            return Answer::bad_request("the body of the request is no JSON");
        };
        match (method, content_type) {
            (&Method::POST, _) => {
                let name = body["metadata"]["name"].as_str().unwrap_or_default().to_owned();
                if self.get(namespace, &name).is_some() {
                    return Answer::already_exists("secrets", &name);
                }
                self.write(namespace, &name, &body, manager, dry_run)
            }
            (&Method::PUT, _) => match self.get(namespace, name) {
                Some(_) => self.write(namespace, name, &body, manager, dry_run),
                None => Answer::not_found("secrets", name),
            },
            (&Method::PATCH, "application/merge-patch+json") => match self.get(namespace, name).cloned() {
                Some(mut secret) => {
                    merge(&mut secret, &body);
                    self.write(namespace, name, &secret, manager, dry_run)
                }
                None => Answer::not_found("secrets", name),
            },
            (&Method::PATCH, "application/apply-patch+yaml") => {
                if !query.contains_key("fieldManager") {
                    return Answer::bad_request("fieldManager is required for apply patch");
                }
                let force = query.get("force").is_some_and(|value| value == "true");
                self.apply(namespace, name, &body, manager, force, dry_run)
            }
            _ => Answer::failure(415, "UnsupportedMediaType", "the double has no such patch", Value::Null),
        }
    }

    fn list_secrets(&self, namespace: &str, query: &BTreeMap<String, String>) -> Answer {
        let selector = query.get("labelSelector").map_or("", String::as_str);
        let items = self.secrets.iter().filter(|((of, _), secret)| {
            (namespace.is_empty() || of == namespace) && is_selected(secret, selector) && is_chosen(secret, query)
        });
        list("SecretList", &items.map(|(_, secret)| secret).collect::<Vec<_>>())
    }

    /// POST, PUT and merge patch: what changed belongs to the writer from now on, and to nobody else.
    fn write(&mut self, namespace: &str, name: &str, new: &Value, manager: &str, dry_run: bool) -> Answer {
        let old = self.get(namespace, name).cloned();
        let mut new = new.clone();
        if let Some(answer) = precondition(old.as_ref(), &new, name) {
            return answer;
        }
        let before = old.as_ref().map(fields::leaves).unwrap_or_default();
        let mut managers = old.as_ref().map(fields::read).unwrap_or_default();
        let who: Manager = (manager.to_owned(), "Update".to_owned());
        default_type(old.as_ref(), &mut new);
        let after = fields::leaves(&new);
        for paths in managers.values_mut() {
            paths.retain(|path| after.contains_key(path) && after.get(path) == before.get(path));
        }
        let mine = managers.entry(who.clone()).or_default();
        mine.extend(
            after
                .iter()
                .filter(|(path, value)| before.get(*path) != Some(value))
                .map(|(path, _)| path.clone()),
        );
        if let Some(old) = &old {
            new["metadata"]["managedFields"] = old["metadata"]["managedFields"].clone();
        }
        fields::write(&mut new, &managers, NOW, &who);
        self.store(namespace, name, old.as_ref(), new, dry_run)
    }

    fn apply(
        &mut self,
        namespace: &str,
        name: &str,
        body: &Value,
        manager: &str,
        force: bool,
        dry_run: bool,
    ) -> Answer {
        let old = self.get(namespace, name).cloned();
        if body["metadata"]["name"] != name || body["kind"] != "Secret" || body["apiVersion"] != "v1" {
            return Answer::bad_request("the body does not name the object of the URL");
        }
        // Seen on the real server: where there is no object, the version in the body is not looked at, but the uid is.
        let refused = match (&old, body["metadata"]["uid"].as_str()) {
            (None, Some(uid)) => Some(Answer::no_such_uid(name, uid)),
            _ => precondition(old.as_ref(), body, name),
        };
        if let Some(answer) = refused {
            return answer;
        }
        let who: Manager = (manager.to_owned(), "Apply".to_owned());
        let live = old.as_ref().map(fields::leaves).unwrap_or_default();
        let wanted = fields::leaves(body);
        let mut managers = old.as_ref().map(fields::read).unwrap_or_default();
        if managers.is_empty() && old.is_some() {
            managers.insert(
                ("before-first-apply".to_owned(), "Update".to_owned()),
                live.keys().cloned().collect(),
            );
        }
        let mut conflicts = Vec::new();
        for (other, paths) in managers.iter_mut().filter(|(other, _)| **other != who) {
            let differs = |path: &fields::Path| wanted.get(path).is_some_and(|value| live.get(path) != Some(value));
            conflicts.extend(
                paths
                    .iter()
                    .filter(|path| differs(path))
                    .map(|path| (other.0.clone(), format!(".{}", path.join(".")))),
            );
            paths.retain(|path| !differs(path));
        }
        if !conflicts.is_empty() && !force {
            return Answer::apply_conflict(&conflicts);
        }
        let mut new = old.clone().unwrap_or_else(|| json!({"metadata": {"name": name}}));
        let mine = managers
            .insert(who.clone(), wanted.keys().cloned().collect())
            .unwrap_or_default();
        for path in mine {
            if !managers.values().any(|paths| paths.contains(&path)) {
                fields::set(&mut new, &path, None);
            }
        }
        for (path, value) in wanted {
            fields::set(&mut new, &path, Some(value));
        }
        default_type(old.as_ref(), &mut new);
        let unchanged = old
            .as_ref()
            .is_some_and(|old| fields::leaves(old) == fields::leaves(&new) && fields::read(old) == managers);
        if let Some(old) = old.as_ref().filter(|_| unchanged) {
            return Answer::success(200, old.clone());
        }
        fields::write(&mut new, &managers, NOW, &who);
        self.store(namespace, name, old.as_ref(), new, dry_run)
    }

    fn store(&mut self, namespace: &str, name: &str, old: Option<&Value>, mut new: Value, dry_run: bool) -> Answer {
        if old.is_none() {
            match self.namespaces.get(namespace) {
                None => return Answer::not_found("namespaces", namespace),
                Some(there) if there["metadata"]["deletionTimestamp"].is_string() => {
                    return Answer::terminating(namespace, name);
                }
                Some(_) => {}
            }
        }
        if let Err(answer) = validate(name, old, &new) {
            return answer;
        }
        new["kind"] = "Secret".into();
        new["apiVersion"] = "v1".into();
        new["metadata"]["namespace"] = namespace.into();
        let version = self.version;
        match old {
            None => self.be_born(&mut new),
            Some(old) => {
                new["metadata"]["uid"] = old["metadata"]["uid"].clone();
                new["metadata"]["creationTimestamp"] = old["metadata"]["creationTimestamp"].clone();
                self.stamp(&mut new);
            }
        }
        if dry_run {
            self.version = version;
            if let Some(old) = old {
                new["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"].clone();
            }
        } else {
            self.secrets
                .insert((namespace.to_owned(), name.to_owned()), new.clone());
        }
        Answer::success(if old.is_some() { 200 } else { 201 }, new)
    }
}

/// Equality is all of a selector's language that is needed here.
fn is_selected(object: &Value, selector: &str) -> bool {
    selector.split(',').filter(|term| !term.is_empty()).all(|term| {
        let (key, value) = term.split_once('=').unwrap_or((term, ""));
        object["metadata"]["labels"][key].as_str() == Some(value.trim_start_matches('='))
    })
}

/// By the field selector, of which the fields `type` and `metadata.name` are known.
pub(super) fn is_chosen(object: &Value, query: &BTreeMap<String, String>) -> bool {
    let selector = query.get("fieldSelector").map_or("", String::as_str);
    selector.split(',').filter(|term| !term.is_empty()).all(|term| {
        let (field, value) = term.split_once('=').unwrap();
        let (field, is_wanted) = field.strip_suffix('!').map_or((field, true), |field| (field, false));
        let found = match field {
            "type" => &object["type"],
            "metadata.name" => &object["metadata"]["name"],
            "involvedObject.uid" => &object["involvedObject"]["uid"],
            _ => panic!("the double knows no field {field}"),
        };
        (found.as_str() == Some(value)) == is_wanted
    })
}

fn list(kind: &str, items: &[&Value]) -> Answer {
    Answer::success(
        200,
        json!({"kind": kind, "apiVersion": "v1", "metadata": {"resourceVersion": "1"}, "items": items}),
    )
}

fn precondition(old: Option<&Value>, new: &Value, name: &str) -> Option<Answer> {
    let wanted = new["metadata"]["resourceVersion"]
        .as_str()
        .filter(|version| !version.is_empty())?;
    (old?["metadata"]["resourceVersion"] != wanted).then(|| Answer::modified(name))
}

fn default_type(old: Option<&Value>, new: &mut Value) {
    if new["type"].as_str().is_none_or(str::is_empty) {
        new["type"] = old.map_or_else(|| "Opaque".into(), |old| old["type"].clone());
    }
}

/// `ValidateSecret` and `ValidateSecretUpdate` of the real server.
fn validate(name: &str, old: Option<&Value>, new: &Value) -> Result<(), Answer> {
    if let Some(old) = old {
        if old["type"] != new["type"] {
            let what = format!("Invalid value: {}: field is immutable", new["type"]);
            return Err(Answer::invalid(name, "FieldValueInvalid", "type", &what));
        }
        if old["immutable"] == true {
            let frozen = "Forbidden: field is immutable when `immutable` is set";
            if new["immutable"] != true {
                return Err(Answer::invalid(name, "FieldValueForbidden", "immutable", frozen));
            }
            if old["data"] != new["data"] {
                return Err(Answer::invalid(name, "FieldValueForbidden", "data", frozen));
            }
        }
    }
    if new["type"] == PULL_SECRET {
        let field = "data[.dockerconfigjson]";
        let Some(encoded) = new["data"][".dockerconfigjson"].as_str() else {
            return Err(Answer::invalid(name, "FieldValueRequired", field, "Required value"));
        };
        let bytes = STANDARD
            .decode(encoded)
            .map_err(|_| Answer::bad_request("illegal base64 data"))?;
        if !serde_json::from_slice::<Value>(&bytes).is_ok_and(|document| document.is_object()) {
            let what = "Invalid value: \"<secret contents redacted>\": invalid character";
            return Err(Answer::invalid(name, "FieldValueInvalid", field, what));
        }
    }
    Ok(())
}

/// JSON merge patch (RFC 7396).
pub(super) fn merge(target: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (key, value) in patch {
        if value.is_null() {
            target.as_object_mut().unwrap().remove(key);
        } else {
            merge(&mut target[key], value);
        }
    }
}
