//! Restarting the workloads that use a pull Secret, as `kubectl rollout restart` does.

use std::fmt;

use k8s_openapi::jiff::Timestamp;
use kube::api::{ListParams, Patch};
use serde_json::json;

use super::list::{api, service_accounts, workloads};
use super::model::Registries;
use super::users::{SecretUser, users};
use crate::cluster::client::connect::Cluster;
use crate::cluster::error::Error;
use crate::cluster::resource::{Object, Resource};
use crate::cluster::secret::apply::{DryRun, params};
use crate::model::{Namespace, Registry, SecretName, ServiceAccountName};

/// kubectl's own annotation: with another key, each tool's restart would undo nothing of the other's and a workload
/// that is managed with both would restart twice.
const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";

/// When a run restarts what it restarts, in whole seconds as kubectl has it.
///
/// A run has one: a workload that uses two Secrets of the run gets the same annotation twice, and restarts once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RestartTime(String);

impl RestartTime {
    /// Now, in UTC.
    #[must_use]
    pub fn now() -> Self {
        Self(Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
    }
}

impl fmt::Display for RestartTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Finds the workloads of a namespace that use the Secret for images of one of the registries.
///
/// `attached` are ServiceAccounts that are to count as if their list had the Secret: a client's dry run has not put it
/// there.
pub async fn secret_users(
    cluster: &Cluster,
    namespace: &Namespace,
    secret: &SecretName,
    registries: &[Registry],
    attached: &[ServiceAccountName],
) -> Result<Vec<SecretUser>, Error> {
    let mut accounts = service_accounts(cluster, namespace).await?;
    for account in attached {
        accounts
            .entry(account.to_string())
            .or_default()
            .push(secret.to_string());
    }
    let registries = Registries::new(registries);
    let mut found = Vec::new();
    for resource in Resource::WORKLOADS {
        let params = ListParams::default();
        found.extend(workloads(cluster, namespace, resource, params, &registries).await?);
    }
    Ok(users(&found, &accounts, secret))
}

/// Gives the pod template the annotation, so that its controller replaces every pod by the rules of its rollout.
/// `false` where the workload is gone by now.
///
/// The field manager is ours and not `kubectl-rollout`, so that the audit log names this program. The two do not
/// conflict: both update, and updates take a field over without a conflict; and a manifest that is applied from
/// git does not name the annotation in it.
pub async fn restart(
    cluster: &Cluster,
    namespace: &Namespace,
    resource: Resource,
    name: &str,
    at: &RestartTime,
    dry_run: DryRun,
) -> Result<bool, Error> {
    if dry_run == DryRun::Client {
        return Ok(true);
    }
    let patch = json!({"spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: at.0}}}}});
    let api = api(cluster, namespace, resource);
    match api
        .patch_metadata(name, &params(dry_run), &Patch::Strategic(&patch))
        .await
    {
        Ok(_) => Ok(true),
        Err(kube::Error::Api(status)) if status.reason == "NotFound" => Ok(false),
        Err(error) => Err(cluster.call(Object::new(resource, namespace, name)).error(error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_in_whole_seconds() {
        let now = RestartTime::now().to_string();
        assert_eq!(now.len(), "2026-01-02T03:04:05Z".len(), "{now}");
        let read: Timestamp = now.parse().unwrap();
        assert!(Timestamp::now().as_second() - read.as_second() <= 1);
    }
}
