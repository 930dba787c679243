//! What is done for one target once its Secret is right: ServiceAccounts, restarts, stuck pods.

use serde::Serialize;

use crate::cluster::{
    self, Access, Cluster, DryRun, Fate, Namespace, Progress, Resource, RestartTime, SecretName, SecretUser,
    ServiceAccountName, Wish,
};
use crate::commands::shared::targets::Job;
use crate::error::CommandError;
use crate::model::Registry;

/// The flags that hold for every target of a run.
pub(in crate::commands) struct After {
    /// Those that are to pull with the Secret, besides what a target names itself.
    pub(in crate::commands) service_accounts: Vec<ServiceAccountName>,
    /// Restart the workloads that use it.
    pub(in crate::commands) restart: bool,
    /// Delete pods that are stuck.
    pub(in crate::commands) unstick: bool,
    /// One for the whole run.
    pub(in crate::commands) at: RestartTime,
    pub(in crate::commands) dry_run: DryRun,
    /// All that the command does.
    pub(in crate::commands) access: Access,
}

/// What came of it; a part of the document of `-o json|yaml`.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::commands) struct Aftermath {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::commands) service_accounts: Vec<AccountRow>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::commands) workloads: Vec<WorkloadRow>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::commands) pods: Vec<PodRow>,
    /// What failed of it, though the Secret is right.
    #[serde(
        rename = "failures",
        skip_serializing_if = "Vec::is_empty",
        serialize_with = "messages"
    )]
    pub(in crate::commands) errors: Vec<CommandError>,
    /// `--restart` was given, and there was nothing to restart.
    #[serde(skip)]
    pub(in crate::commands) found_none: bool,
}

/// One ServiceAccount.
#[derive(Serialize)]
pub(in crate::commands) struct AccountRow {
    pub(in crate::commands) name: String,
    /// `configured` or `unchanged`.
    pub(in crate::commands) action: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::commands) warning: Option<String>,
}

/// One workload that uses the Secret.
#[derive(Serialize)]
pub(in crate::commands) struct WorkloadRow {
    /// As kubectl prints it: `deployment.apps/api`.
    pub(in crate::commands) name: String,
    /// `restarted`, or `held` for what is not.
    pub(in crate::commands) action: &'static str,
    /// Why it is held, or what may become of the restart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::commands) reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::commands) hint: Option<String>,
    /// With `--wait`: `done`, or what it waits for, or why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::commands) rollout: Option<String>,
    /// What to follow.
    #[serde(skip)]
    pub(in crate::commands) restarted: Option<(Resource, String)>,
}

/// One pod that is stuck.
#[derive(Serialize)]
pub(in crate::commands) struct PodRow {
    pub(in crate::commands) name: String,
    /// `deleted`, or `held` for what is not.
    pub(in crate::commands) action: &'static str,
    /// What kubelet says, and why it is held.
    pub(in crate::commands) reason: String,
}

fn messages<S: serde::Serializer>(errors: &[CommandError], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(errors.iter().map(ToString::to_string))
}

impl After {
    /// What is done for one target, for the Role in an error.
    pub(in crate::commands) fn access_for(&self, job: &Job) -> Access {
        self.access
            .for_secret(&job.target.secret, job.service_accounts.iter().cloned())
    }

    /// Does it for one target. A failure is reported and does not stop the rest.
    pub(in crate::commands) async fn of(&self, cluster: &Cluster, job: &Job) -> Aftermath {
        let mut aftermath = Aftermath::default();
        let failed = |error: cluster::Error| failed(error, &self.access_for(job));
        let (namespace, secret) = (&job.target.namespace, &job.target.secret);
        let registries: Vec<Registry> = job
            .supplies
            .iter()
            .map(|supply| supply.credential.registry.clone())
            .collect();
        let mut accounts: Vec<&ServiceAccountName> = self.service_accounts.iter().collect();
        accounts.extend(job.service_accounts.iter());
        self.attach(cluster, namespace, secret, &accounts, Wish::Attached, &mut aftermath)
            .await;
        if self.restart {
            // A server's dry run has not attached it either.
            let attached = if self.dry_run == DryRun::None {
                Vec::new()
            } else {
                accounts.into_iter().cloned().collect()
            };
            let found = cluster::secret_users(cluster, namespace, secret, &registries, &attached).await;
            match found {
                Ok(users) => {
                    aftermath.found_none = users.is_empty();
                    for user in users {
                        match self.restart(cluster, namespace, user).await {
                            Ok(row) => aftermath.workloads.extend(row),
                            Err(error) => aftermath.errors.push(failed(error)),
                        }
                    }
                }
                Err(error) => aftermath.errors.push(failed(error)),
            }
        }
        // After the restart: what is deleted now comes back from the new template.
        if self.unstick {
            match cluster::unstick(cluster, namespace, &registries, self.dry_run).await {
                Ok(pods) => aftermath.pods.extend(pods.into_iter().map(|pod| {
                    let (action, reason) = match pod.fate {
                        Fate::Deleted => ("deleted", pod.reason),
                        why => ("held", format!("{}: {why}", pod.reason)),
                    };
                    PodRow {
                        name: pod.name,
                        action,
                        reason,
                    }
                })),
                Err(error) => aftermath.errors.push(failed(error)),
            }
        }
        aftermath
    }

    /// Attaches to or detaches from each of these, once.
    pub(in crate::commands) async fn attach(
        &self,
        cluster: &Cluster,
        namespace: &Namespace,
        secret: &SecretName,
        accounts: &[&ServiceAccountName],
        wish: Wish,
        aftermath: &mut Aftermath,
    ) {
        let access = self.access.for_secret(secret, accounts.iter().copied().cloned());
        for (at, account) in accounts.iter().enumerate() {
            if accounts[..at].contains(account) {
                continue;
            }
            match cluster::attach(cluster, namespace, account, secret, wish, self.dry_run).await {
                Ok(attached) => aftermath.service_accounts.push(AccountRow {
                    name: account.to_string(),
                    action: attached.outcome.as_str(),
                    warning: attached.undone_by.map(|by| by.to_string()),
                }),
                Err(error) => aftermath.errors.push(failed(error, &access)),
            }
        }
    }

    /// `None` where it is gone, and with it the need.
    async fn restart(
        &self,
        cluster: &Cluster,
        namespace: &Namespace,
        user: SecretUser,
    ) -> Result<Option<WorkloadRow>, cluster::Error> {
        Ok(match user {
            SecretUser::Held { what, why } => Some(WorkloadRow {
                action: "held",
                reason: Some(why.to_string()),
                hint: why.instead(&what, namespace),
                name: what,
                rollout: None,
                restarted: None,
            }),
            SecretUser::Restartable {
                resource,
                name,
                made_by,
            } => {
                let is_restarted =
                    cluster::restart(cluster, namespace, resource, &name, &self.at, self.dry_run).await?;
                is_restarted.then(|| WorkloadRow {
                    name: format!("{}/{name}", resource.qualified()),
                    action: "restarted",
                    reason: made_by.map(|by| format!("{by} made it, and may undo the restart")),
                    hint: None,
                    rollout: None,
                    restarted: Some((resource, name)),
                })
            }
        })
    }
}

/// What came before was allowed.
fn failed(error: cluster::Error, access: &Access) -> CommandError {
    error.for_access(&access.after_secrets()).into()
}

impl WorkloadRow {
    /// Keeps how far its rollout came.
    pub(in crate::commands) fn rolled(&mut self, progress: &Progress) {
        self.rollout = Some(match progress {
            Progress::Done => "done".to_owned(),
            Progress::Going(what) | Progress::Failed(what) => what.clone(),
        });
    }
}
