//! The actions for one target after its Secret was written: ServiceAccounts, restarts, stuck pods.

use serde::Serialize;

use crate::cluster::{
    self, Access, AttachAction, Cluster, DryRun, Namespace, PodAction, Progress, Resource, RestartTime, SecretName,
    SecretUser, ServiceAccountName,
};
use crate::commands::shared::targets::Job;
use crate::error::CommandError;
use crate::model::Registry;

/// The flags that apply to every target of a run.
pub(in crate::commands) struct After {
    /// The ServiceAccounts to attach the Secret to, besides those of the target itself.
    pub(in crate::commands) service_accounts: Vec<ServiceAccountName>,
    /// Whether to restart the workloads that use it.
    pub(in crate::commands) restart: bool,
    /// Whether to delete stuck pods.
    pub(in crate::commands) unstick: bool,
    /// The restart time, the same for the whole run.
    pub(in crate::commands) at: RestartTime,
    pub(in crate::commands) dry_run: DryRun,
    /// The permissions that the command needs.
    pub(in crate::commands) access: Access,
}

/// The results, a part of the document of `-o json|yaml`.
#[derive(Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::commands) struct AfterResult {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::commands) service_accounts: Vec<AccountRow>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::commands) workloads: Vec<WorkloadRow>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(in crate::commands) pods: Vec<PodRow>,
    /// The failures after the Secret was written.
    #[serde(
        rename = "failures",
        skip_serializing_if = "Vec::is_empty",
        serialize_with = "messages"
    )]
    pub(in crate::commands) errors: Vec<CommandError>,
    /// The ServiceAccounts that are known not to have the Secret in their lists: detached, or gone.
    #[serde(skip)]
    pub(in crate::commands) not_attached: Vec<ServiceAccountName>,
    /// Whether `--restart` was given and there was nothing to restart.
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
    /// `restarted`, or `held` if it is not.
    pub(in crate::commands) action: &'static str,
    /// Why it is held, or why the restart may be undone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::commands) reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::commands) hint: Option<String>,
    /// With `--wait`: `done`, what the rollout waits for, or why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::commands) rollout: Option<String>,
    /// The rollout to follow.
    #[serde(skip)]
    pub(in crate::commands) restarted: Option<Restarted>,
}

/// A workload that was restarted.
#[derive(Clone)]
pub(in crate::commands) struct Restarted {
    pub(in crate::commands) resource: Resource,
    pub(in crate::commands) name: String,
    /// It did not work before either, so that it does not is no failure of the restart.
    pub(in crate::commands) was_broken: bool,
}

/// One pod that is stuck.
#[derive(Serialize)]
pub(in crate::commands) struct PodRow {
    pub(in crate::commands) name: String,
    /// `deleted`, or `held` if it is not.
    pub(in crate::commands) action: &'static str,
    /// kubelet's reason, and why the pod is held.
    pub(in crate::commands) reason: String,
}

fn messages<S: serde::Serializer>(errors: &[CommandError], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_seq(errors.iter().map(ToString::to_string))
}

impl After {
    /// The permissions that one target needs, for the Role in an error.
    pub(in crate::commands) fn access_for(&self, job: &Job) -> Access {
        self.access
            .for_secret(&job.target.secret, job.service_accounts.iter().cloned())
    }

    /// The ServiceAccounts that the Secret is attached to.
    pub(in crate::commands) fn accounts_of<'a>(&'a self, job: &'a Job) -> Vec<&'a ServiceAccountName> {
        self.service_accounts.iter().chain(&job.service_accounts).collect()
    }

    /// Runs the actions for one target. A failure is recorded and does not stop the rest.
    pub(in crate::commands) async fn of(&self, cluster: &Cluster, job: &Job) -> AfterResult {
        let mut after_result = AfterResult::default();
        let failed = |error: cluster::Error| failed(error, &self.access_for(job));
        let (namespace, secret) = (&job.target.namespace, &job.target.secret);
        let registries: Vec<Registry> = job
            .supplies
            .iter()
            .map(|supply| supply.credential.registry.clone())
            .collect();
        let accounts = self.accounts_of(job);
        self.attach_all(cluster, job, &mut after_result).await;
        if self.restart {
            // A dry run has not attached the Secret, on the server neither.
            let attached = if self.dry_run == DryRun::None {
                Vec::new()
            } else {
                accounts.into_iter().cloned().collect()
            };
            let found = cluster::secret_users(cluster, namespace, secret, &registries, &attached).await;
            match found {
                Ok(users) => {
                    after_result.found_none = users.is_empty();
                    for user in users {
                        match self.restart(cluster, namespace, user).await {
                            Ok(row) => after_result.workloads.extend(row),
                            Err(error) => after_result.errors.push(failed(error)),
                        }
                    }
                }
                Err(error) => after_result.errors.push(failed(error)),
            }
        }
        // After the restart, so that deleted pods are recreated from the new template.
        if self.unstick {
            match cluster::unstick(cluster, namespace, &registries, self.dry_run).await {
                Ok(pods) => after_result.pods.extend(pods.into_iter().map(|pod| {
                    let (action, reason) = match pod.fate {
                        PodAction::Deleted => ("deleted", pod.reason),
                        why => ("held", format!("{}: {why}", pod.reason)),
                    };
                    PodRow {
                        name: pod.name,
                        action,
                        reason,
                    }
                })),
                Err(error) => after_result.errors.push(failed(error)),
            }
        }
        after_result
    }

    /// The same where the Secret is as it should be and its registry did not say whether the token works: it is attached, and
    /// pods that run are left alone, because new ones may not be able to pull.
    pub(in crate::commands) async fn of_unproven(
        &self,
        cluster: &Cluster,
        job: &Job,
        why: &CommandError,
    ) -> AfterResult {
        let mut after_result = AfterResult::default();
        self.attach_all(cluster, job, &mut after_result).await;
        let not_done = match (self.restart, self.unstick) {
            (true, _) => "no workload was restarted",
            (false, true) => "no pod was deleted",
            (false, false) => return after_result,
        };
        let namespace = &job.target.namespace;
        let error = why.clone().on(format_args!(
            "{not_done} in namespace {namespace}, because nobody could say whether the token works"
        ));
        after_result
            .errors
            .push(error.hint("run it again when the registry answers, or with --no-verify if the token works"));
        after_result
    }

    async fn attach_all(&self, cluster: &Cluster, job: &Job, after_result: &mut AfterResult) {
        let (namespace, secret, accounts) = (&job.target.namespace, &job.target.secret, self.accounts_of(job));
        self.attach(
            cluster,
            namespace,
            secret,
            &accounts,
            AttachAction::Attach,
            after_result,
        )
        .await;
    }

    /// Attaches the Secret to each of these ServiceAccounts or detaches it, once for each.
    pub(in crate::commands) async fn attach(
        &self,
        cluster: &Cluster,
        namespace: &Namespace,
        secret: &SecretName,
        accounts: &[&ServiceAccountName],
        action: AttachAction,
        after_result: &mut AfterResult,
    ) {
        let access = self.access.for_secret(secret, accounts.iter().copied().cloned());
        for (at, account) in accounts.iter().enumerate() {
            if accounts[..at].contains(account) {
                continue;
            }
            let attached = cluster::attach(cluster, namespace, account, secret, action, self.dry_run).await;
            let is_gone = matches!(attached, Err(cluster::Error::NotFound { .. }));
            if is_gone || attached.is_ok() && action == AttachAction::Detach {
                after_result.not_attached.push((*account).clone());
            }
            match attached {
                Ok(attached) => after_result.service_accounts.push(AccountRow {
                    name: account.to_string(),
                    action: attached.outcome.as_str(),
                    warning: attached.competing_manager.map(|by| by.to_string()),
                }),
                Err(error) => after_result.errors.push(failed(error, &access)),
            }
        }
    }

    /// Restarts one workload; `None` if it no longer exists.
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
                is_broken,
            } => {
                let is_restarted =
                    cluster::restart(cluster, namespace, resource, &name, &self.at, self.dry_run).await?;
                is_restarted.then(|| WorkloadRow {
                    name: format!("{}/{name}", resource.qualified()),
                    action: "restarted",
                    reason: made_by.map(|by| format!("{by} manages it, and may undo the restart")),
                    hint: None,
                    rollout: None,
                    restarted: Some(Restarted {
                        resource,
                        name,
                        was_broken: is_broken,
                    }),
                })
            }
        })
    }
}

/// The error with the Role for the permissions that the target needs.
fn failed(error: cluster::Error, access: &Access) -> CommandError {
    error.for_access(&access.after_secrets()).into()
}

impl WorkloadRow {
    /// Records the progress of its rollout.
    pub(in crate::commands) fn rolled(&mut self, progress: &Progress) {
        self.rollout = Some(match progress {
            Progress::Done => "done".to_owned(),
            Progress::Going(what) | Progress::Failed(what) => what.clone(),
        });
    }
}
