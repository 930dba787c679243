//! Attaching a pull Secret to ServiceAccounts: pods that name no pull Secret of their own get their ServiceAccount's.
//!
//! The list `imagePullSecrets` of a ServiceAccount is atomic (`+listType=atomic`): every kind of patch replaces all of
//! it, and the usual one-line `kubectl patch` deletes other entries. So the list is read, changed, and written only if its
//! version is unchanged.

use std::fmt;
use std::time::{Duration, Instant};

use k8s_openapi::api::core::v1::ServiceAccount;
use kube::Api;
use kube::api::{ObjectMeta, Patch};
use kube::core::{PartialObjectMeta, Request};
use serde_json::{Value, json};

use super::annotations::MANAGER;
use super::apply::{DryRun, Outcome, params};
use super::owner::{Ownership, is_editor, owner_of_account};
use crate::cluster::client::answer::another_object;
use crate::cluster::client::backoff::Backoff;
use crate::cluster::client::connect::Cluster;
use crate::cluster::client::write::Written;
use crate::cluster::error::Error;
use crate::cluster::resource::{Object, Resource};
use crate::cluster::untrusted::untrusted;
use crate::model::{Namespace, SecretName, ServiceAccountName};

/// How often the list is read and written if other clients change it in between.
const TRIES: u32 = 12;
/// The approximate first pause between attempts.
const PAUSE: Duration = Duration::from_millis(10);
/// The time in which a busy controller still creates `default` in a new namespace.
const MADE_WITHIN: Duration = Duration::from_secs(10);

/// What to do with the Secret in a ServiceAccount's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttachAction {
    /// Append it to the list, unless it is in it already.
    Attach,
    /// Remove it from the list.
    Detach,
}

/// What to do to one ServiceAccount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The new list if it differs; an empty one means that the field is removed.
    pub list: Option<Vec<String>>,
    /// Who will undo it, where somebody will.
    pub competing_manager: Option<CompetingManager>,
    /// The version that this was planned for.
    resource_version: Option<String>,
}

/// Another field manager that sets the list too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CompetingManager(pub String);

impl fmt::Display for CompetingManager {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} declares its imagePullSecrets, and will set them again: name the Secret there",
            self.0
        )
    }
}

/// Decides what to do. Order and entries of others, such as OpenShift's `*-dockercfg-*`, are kept.
#[must_use]
pub fn plan_attachment(account: &ServiceAccount, secret: &SecretName, action: AttachAction) -> Attachment {
    let entries = account.image_pull_secrets.iter().flatten();
    let mut list: Vec<String> = entries.map(|entry| entry.name.clone()).collect();
    let is_there = list.iter().any(|name| name == secret.as_str());
    let changes = match action {
        AttachAction::Attach if !is_there => {
            list.push(secret.to_string());
            true
        }
        AttachAction::Detach if is_there => {
            list.retain(|name| name != secret.as_str());
            true
        }
        AttachAction::Attach | AttachAction::Detach => false,
    };
    Attachment {
        list: changes.then_some(list),
        competing_manager: if changes {
            competing_manager(&account.metadata)
        } else {
            None
        },
        resource_version: account.metadata.resource_version.clone(),
    }
}

impl Attachment {
    /// A merge patch, refused by the server for any other version.
    fn patch(&self) -> Option<Value> {
        // What had no list before it was attached to has none after it was detached from.
        let list = match self.list.as_deref()? {
            [] => Value::Null,
            names => names.iter().map(|name| json!({"name": name})).collect(),
        };
        Some(json!({"metadata": {"resourceVersion": self.resource_version}, "imagePullSecrets": list}))
    }
}

/// The other field manager of the list, if there is one. A manager of other fields does not undo our change.
fn competing_manager(metadata: &ObjectMeta) -> Option<CompetingManager> {
    let has_list = |fields: &Value| fields.get("f:imagePullSecrets").is_some();
    let manager = metadata
        .managed_fields
        .iter()
        .flatten()
        .filter(|entry| entry.fields_v1.as_ref().is_some_and(|fields| has_list(&fields.0)))
        .filter_map(|entry| entry.manager.as_deref())
        // OpenShift's controller appends as we do.
        .find(|manager| *manager != MANAGER && !is_editor(manager) && !manager.starts_with("openshift"))?;
    Some(CompetingManager(match owner_of_account(metadata) {
        Ownership::Foreign(owner) => owner.name,
        Ownership::Ours | Ownership::Adoptable { .. } => untrusted(manager),
    }))
}

/// The result for one ServiceAccount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attached {
    /// Configured or unchanged; a ServiceAccount is never created here.
    pub outcome: Outcome,
    /// Who will undo it, where somebody will.
    pub competing_manager: Option<CompetingManager>,
}

/// Attaches the Secret to one ServiceAccount or detaches it: reads, plans, writes, and repeats this after a conflict.
///
/// In a new namespace, it waits for the ServiceAccount `default`, which is created a moment later.
pub async fn attach(
    cluster: &Cluster,
    namespace: &Namespace,
    account: &ServiceAccountName,
    secret: &SecretName,
    action: AttachAction,
    dry_run: DryRun,
) -> Result<Attached, Error> {
    let api: Api<ServiceAccount> = Api::namespaced(cluster.client().clone(), namespace.as_str());
    let object = || Object::new(Resource::ServiceAccounts, namespace, account.as_str());
    let params = params(dry_run);
    let mut backoff = Backoff::new(PAUSE);
    let mut tries = 0;
    // What an attempt did that may have been carried out, although its answer was lost.
    let mut begun: Option<Attached> = None;
    loop {
        let Some(there) = observe(cluster, &api, &object(), action).await? else {
            return Err(Error::NotFound { object: object() });
        };
        let plan = plan_attachment(&there, secret, action);
        let attached = |outcome| Attached {
            outcome,
            competing_manager: plan.competing_manager.clone(),
        };
        let Some(patch) = plan.patch() else {
            return Ok(begun.unwrap_or_else(|| attached(Outcome::Unchanged)));
        };
        if dry_run == DryRun::Client {
            return Ok(attached(Outcome::Configured));
        }
        let request = Request::new(api.resource_url());
        let request = request.patch_metadata(account.as_str(), &params, &Patch::Merge(&patch));
        let Written { answer, may_be_done } = cluster.write::<PartialObjectMeta<ServiceAccount>>(request).await;
        let message = match answer {
            Ok(_) => return Ok(attached(Outcome::Configured)),
            Err(kube::Error::Api(status)) if status.code == 409 || status.reason == "NotFound" => {
                status.message.clone()
            }
            Err(error) => return Err(cluster.call(object()).error(error)),
        };
        if may_be_done && dry_run == DryRun::None {
            begun.get_or_insert_with(|| attached(Outcome::Configured));
        }
        tries += 1;
        if tries == TRIES {
            return Err(Error::Contended {
                object: object(),
                tries,
                message: cluster.named().quote(&message),
            });
        }
        backoff.pause().await;
    }
}

/// Gets the ServiceAccount; `None` if it does not exist. It waits for `default`, which a controller creates.
async fn observe(
    cluster: &Cluster,
    api: &Api<ServiceAccount>,
    object: &Object,
    action: AttachAction,
) -> Result<Option<ServiceAccount>, Error> {
    let name = object.name.as_deref().unwrap_or_default();
    let is_made = action == AttachAction::Attach && name == ServiceAccountName::of_default().as_str();
    let until = Instant::now() + MADE_WITHIN;
    let mut backoff = Backoff::new(PAUSE);
    loop {
        match api.get(name).await {
            Ok(account) if account.metadata.name.as_deref() == Some(name) => return Ok(Some(account)),
            Ok(_) => return Err(cluster.call(object.clone()).error(another_object().into())),
            // The reason is checked because a 404 without it does not come from an API server.
            Err(kube::Error::Api(status)) if status.reason == "NotFound" => {
                if !is_made || Instant::now() >= until {
                    return Ok(None);
                }
                backoff.pause().await;
            }
            Err(error) => return Err(cluster.call(object.clone()).error(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(fields: &Value) -> ServiceAccount {
        let mut account = json!({"metadata": {"name": "default", "resourceVersion": "7"}});
        for (key, value) in fields.as_object().unwrap() {
            match key.as_str() {
                "imagePullSecrets" => account[key] = value.clone(),
                _ => account["metadata"][key] = value.clone(),
            }
        }
        serde_json::from_value(account).unwrap()
    }

    fn plan(fields: &Value, action: AttachAction) -> Attachment {
        plan_attachment(&account(fields), &"ours".parse().unwrap(), action)
    }

    fn names(names: &[&str]) -> Value {
        json!({"imagePullSecrets": names.iter().map(|name| json!({"name": name})).collect::<Value>()})
    }

    #[test]
    fn attaching_appends_and_keeps_order_and_what_others_put_there() {
        let plan = plan(&names(&["z", "default-dockercfg-x", "a", "a"]), AttachAction::Attach);
        assert_eq!(
            plan.list.as_deref().unwrap(),
            ["z", "default-dockercfg-x", "a", "a", "ours"]
        );
        assert_eq!(plan.patch().unwrap()["metadata"], json!({"resourceVersion": "7"}));
    }

    #[test]
    fn what_is_so_already_is_not_written() {
        assert_eq!(plan(&names(&["ours", "a"]), AttachAction::Attach).patch(), None);
        assert_eq!(plan(&names(&["a"]), AttachAction::Detach).patch(), None);
        assert_eq!(plan(&json!({}), AttachAction::Detach).patch(), None);
    }

    #[test]
    fn detaching_is_the_exact_undo() {
        for before in [json!({}), names(&["a"]), names(&["b", "a", "b"])] {
            let before = account(&before);
            let attached = plan_attachment(&before, &"ours".parse().unwrap(), AttachAction::Attach);
            let there: Vec<_> = attached.list.as_deref().unwrap().iter().map(String::as_str).collect();
            let undone = plan(&names(&there), AttachAction::Detach).patch().unwrap();
            let before = serde_json::to_value(&before).unwrap();
            assert_eq!(undone["imagePullSecrets"], before["imagePullSecrets"], "{before}");
        }
    }

    #[test]
    fn only_who_declares_the_list_is_warned_of() {
        let fields = |manager: &str, list: bool| {
            let fields = if list {
                json!({"f:imagePullSecrets": {}})
            } else {
                json!({"f:metadata": {}})
            };
            json!({
                "labels": {"app.kubernetes.io/managed-by": "Helm"},
                "managedFields": [{"manager": manager, "operation": "Update", "fieldsV1": fields}],
            })
        };
        let competing_manager = |fields: Value| plan(&fields, AttachAction::Attach).competing_manager.map(|by| by.0);
        assert_eq!(competing_manager(fields("helm", true)).as_deref(), Some("Helm"));
        for (manager, list) in [
            ("helm", false),
            ("kubectl-patch", true),
            ("kubectl-regcred", true),
            ("openshift-x", true),
        ] {
            assert_eq!(competing_manager(fields(manager, list)), None, "{manager}");
        }
        let mut unlabelled = fields("cluster-operator", true);
        unlabelled["labels"] = Value::Null;
        assert_eq!(competing_manager(unlabelled).as_deref(), Some("cluster-operator"));
    }
}
