//! Answers, and the `Status` bodies of those that are failures, word for word as the real server has them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// An HTTP status and a JSON body.
pub struct Answer {
    pub code: u16,
    pub body: Value,
}

impl Answer {
    pub fn success(code: u16, body: Value) -> Self {
        Self { code, body }
    }

    pub fn failure(code: u16, reason: &str, message: &str, details: Value) -> Self {
        let mut body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason, "code": code,
        });
        if !details.is_null() {
            body["details"] = details;
        }
        Self { code, body }
    }

    pub fn not_found(resource: &str, name: &str) -> Self {
        let message = format!("{resource} \"{name}\" not found");
        Self::failure(404, "NotFound", &message, json!({"name": name, "kind": resource}))
    }

    pub fn forbidden(user: &str, verb: &str, resource: &str, namespace: &str, name: &str) -> Self {
        let group = match resource {
            "deployments" | "statefulsets" | "daemonsets" | "replicasets" => "apps",
            "jobs" | "cronjobs" => "batch",
            _ => "",
        };
        let qualified = match group {
            "" => resource.to_owned(),
            group => format!("{resource}.{group}"),
        };
        let what = if name.is_empty() {
            qualified
        } else {
            format!("{qualified} \"{name}\"")
        };
        let scope = match namespace {
            "" => "at the cluster scope".to_owned(),
            namespace => format!("in the namespace \"{namespace}\""),
        };
        let message = format!(
            "{what} is forbidden: User \"{user}\" cannot {verb} resource \"{resource}\" in API group \"{group}\" {scope}"
        );
        Self::failure(403, "Forbidden", &message, json!({"name": name, "kind": resource}))
    }

    pub fn terminating(namespace: &str, name: &str) -> Self {
        let message = format!(
            "secrets \"{name}\" is forbidden: unable to create new content in namespace {namespace} because it is being terminated"
        );
        let cause = json!({
            "reason": "NamespaceTerminating", "field": "metadata.namespace",
            "message": format!("namespace {namespace} is being terminated"),
        });
        Self::failure(
            403,
            "Forbidden",
            &message,
            json!({"name": name, "kind": "secrets", "causes": [cause]}),
        )
    }

    pub fn already_exists(resource: &str, name: &str) -> Self {
        let message = format!("{resource} \"{name}\" already exists");
        Self::failure(409, "AlreadyExists", &message, json!({"name": name, "kind": resource}))
    }

    pub fn modified(name: &str) -> Self {
        Self::modified_object("secrets", name)
    }

    pub fn modified_object(resource: &str, name: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on {resource} \"{name}\": the object has been modified; please apply your changes to the latest version and try again"
        );
        Self::failure(409, "Conflict", &message, json!({"name": name, "kind": resource}))
    }

    /// An apply to an object that is not there.
    pub fn no_such_uid(name: &str, uid: &str) -> Self {
        let message = format!(
            "Operation cannot be fulfilled on secrets \"{name}\": uid mismatch: the provided object specified uid {uid}, and no existing object was found"
        );
        Self::failure(409, "Conflict", &message, json!({"name": name, "kind": "secrets"}))
    }

    pub fn apply_conflict(conflicts: &[(String, String)]) -> Self {
        let causes: Vec<_> = conflicts
            .iter()
            .map(|(manager, field)| {
                json!({
                    "reason": "FieldManagerConflict", "field": field,
                    "message": format!("conflict with \"{manager}\" using v1"),
                })
            })
            .collect();
        let plural = if causes.len() == 1 { "conflict" } else { "conflicts" };
        let message = format!("Apply failed with {} {plural}", causes.len());
        Self::failure(409, "Conflict", &message, json!({"causes": causes}))
    }

    pub fn invalid(name: &str, reason: &str, field: &str, what: &str) -> Self {
        let message = format!("Secret \"{name}\" is invalid: {field}: {what}");
        let cause = json!({"reason": reason, "field": field, "message": what});
        Self::failure(
            422,
            "Invalid",
            &message,
            json!({"name": name, "kind": "Secret", "causes": [cause]}),
        )
    }

    pub fn bad_request(message: &str) -> Self {
        Self::failure(400, "BadRequest", message, Value::Null)
    }

    /// One page of a list, for a client that sets a limit. The token is where the next page starts.
    pub fn paged(mut self, query: &BTreeMap<String, String>) -> Self {
        let number = |key: &str| query.get(key).and_then(|text| text.parse::<usize>().ok());
        let (Some(limit), Some(items)) = (number("limit"), self.body["items"].as_array()) else {
            return self;
        };
        let (start, all) = (number("continue").unwrap_or(0), items.len());
        let end = all.min(start + limit);
        self.body["items"] = items[start.min(end)..end].to_vec().into();
        if end < all {
            self.body["metadata"]["continue"] = end.to_string().into();
            self.body["metadata"]["remainingItemCount"] = (all - end).into();
        }
        self
    }

    /// What a client gets that asks for `PartialObjectMetadata`.
    pub fn metadata_only(mut self) -> Self {
        let partial = |object: &Value| json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]});
        if self.code < 300 {
            self.body = match self.body["items"].as_array() {
                // Kubernetes 1.20, at least, has `null` for an empty list of these.
                Some(items) => json!({
                    "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1",
                    "metadata": self.body["metadata"],
                    "items": Some(items).filter(|items| !items.is_empty()).map(|items| items.iter().map(partial).collect::<Vec<_>>()),
                }),
                None => partial(&self.body),
            };
        }
        self
    }
}
