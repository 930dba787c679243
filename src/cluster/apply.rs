//! Carrying a plan out, and the three steps together for one target.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace as NamespaceObject, Secret};
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;

use super::annotations::{LAST_APPLIED, MANAGER};
use super::connect::Cluster;
use super::error::{Error, untrusted};
use super::plan::{Action, Change, Plan, plan};
use super::pull_secret::{Observed, Target, Wanted, call, observe};

/// How often observe, plan and apply are repeated where somebody else wrote in between.
const TRIES: u32 = 6;
/// The first pause between them; each later one is twice as long.
const PAUSE: Duration = Duration::from_millis(20);

/// Whether to write, as kubectl's `--dry-run`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DryRun {
    /// Write.
    #[default]
    None,
    /// Plan, and write nothing.
    Client,
    /// Let the API server check the write and then not do it.
    Server,
}

/// How to sync.
#[derive(Clone, Copy, Debug, Default)]
pub struct SyncOptions {
    /// Write Secrets of other owners too.
    pub force_conflicts: bool,
    /// Whether to write at all.
    pub dry_run: DryRun,
}

/// What became of one Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There was none.
    Created,
    /// It was changed in place.
    Configured,
    /// It was right already, and nothing was written.
    Unchanged,
}

impl Outcome {
    /// kubectl's word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
        }
    }
}

/// A plan that was carried out, or would be, by a dry run.
#[derive(Clone, Debug)]
pub struct Synced {
    /// What it came to.
    pub outcome: Outcome,
    /// The plan.
    pub plan: Plan,
}

/// Why a plan did not work out.
enum Failure {
    /// The Secret is no longer what was planned for; this is what the server says of it.
    Stale(String),
    Error(Error),
}

/// Makes one Secret hold what is wanted: observes, plans, applies, and again where somebody else wrote in between.
///
/// Killed at any point, the next run completes it.
pub async fn sync(
    cluster: &Cluster,
    target: &Target,
    wanted: &[Wanted<'_>],
    options: SyncOptions,
) -> Result<Synced, Error> {
    let mut tries = 0;
    loop {
        let observed = observe(cluster, target).await?;
        let plan =
            plan(target, observed.as_ref(), wanted, options.force_conflicts).map_err(|refusal| Error::Refused {
                target: target.clone(),
                refusal,
            })?;
        drop(observed);
        let message = match apply(cluster, &plan, options.dry_run).await {
            Ok(()) => {
                let outcome = match plan.action {
                    Action::Create => Outcome::Created,
                    Action::Configure { .. } => Outcome::Configured,
                    Action::Unchanged => Outcome::Unchanged,
                };
                return Ok(Synced { outcome, plan });
            }
            Err(Failure::Error(error)) => return Err(error),
            Err(Failure::Stale(message)) => message,
        };
        tries += 1;
        if tries == TRIES {
            return Err(Error::Contended {
                target: target.clone(),
                tries,
                message,
            });
        }
        tokio::time::sleep(PAUSE * 2_u32.pow(tries - 1)).await;
    }
}

async fn apply(cluster: &Cluster, plan: &Plan, dry_run: DryRun) -> Result<(), Failure> {
    let changes: &[Change] = match &plan.action {
        Action::Unchanged => return Ok(()),
        Action::Create if dry_run == DryRun::Client => return check_namespace(cluster, &plan.target).await,
        Action::Configure { .. } if dry_run == DryRun::Client => return Ok(()),
        Action::Configure { changes } => changes,
        Action::Create => &[],
    };
    let mut version = plan.resource_version.clone();
    if changes != [Change::LastApplied] {
        let manifest = plan.manifest.at_version(version.as_deref());
        let params = PatchParams {
            force: plan.force,
            ..params(dry_run)
        };
        let written = patch(cluster, plan, &params, &Patch::Apply(&manifest)).await?;
        if dry_run == DryRun::None {
            version.clone_from(&written.metadata().resource_version);
        }
    }
    // Last: a run that is killed before it leaves what the next one sees and removes.
    if changes.contains(&Change::LastApplied) {
        let removal = json!({"metadata": {"resourceVersion": version, "annotations": {LAST_APPLIED: null}}});
        patch(cluster, plan, &params(dry_run), &Patch::Merge(&removal)).await?;
    }
    Ok(())
}

fn params(dry_run: DryRun) -> PatchParams {
    let params = PatchParams {
        field_manager: Some(MANAGER.to_owned()),
        ..PatchParams::default()
    };
    if dry_run == DryRun::Server {
        params.dry_run()
    } else {
        params
    }
}

async fn patch<P: serde::Serialize + std::fmt::Debug>(
    cluster: &Cluster,
    plan: &Plan,
    params: &PatchParams,
    patch: &Patch<P>,
) -> Result<Observed, Failure> {
    let target = &plan.target;
    let api: Api<Secret> = Api::namespaced(cluster.client().clone(), target.namespace.as_str());
    match api.patch(target.secret.as_str(), params, patch).await {
        Ok(secret) => Ok(Observed::new(secret)),
        Err(kube::Error::Api(status)) => {
            let kind = status.details.as_ref().map_or("", |details| details.kind.as_str());
            let is_stale = match status.code {
                409 => true,
                // It was deleted in between.
                404 => kind != "namespaces" && plan.action != Action::Create,
                // Somebody created one of another type in between. If not, the next round says so again.
                422 => plan.action == Action::Create && observe(cluster, target).await.is_ok_and(|now| now.is_some()),
                _ => false,
            };
            if is_stale {
                return Err(Failure::Stale(untrusted(&status.message)));
            }
            Err(Failure::Error(call(cluster, target).error(kube::Error::Api(status))))
        }
        Err(error) => Err(Failure::Error(call(cluster, target).error(error))),
    }
}

/// A Secret that is missing looks the same in a namespace that is missing. Where a write follows, the server says so;
/// a client's dry run asks, as far as it may.
async fn check_namespace(cluster: &Cluster, target: &Target) -> Result<(), Failure> {
    let api: Api<NamespaceObject> = Api::all(cluster.client().clone());
    let namespace = || target.namespace.clone();
    match api.get_metadata(target.namespace.as_str()).await {
        Ok(found) if found.metadata.deletion_timestamp.is_some() => {
            Err(Failure::Error(Error::NamespaceTerminating { namespace: namespace() }))
        }
        Err(kube::Error::Api(status)) if status.reason == "NotFound" => {
            Err(Failure::Error(Error::NamespaceNotFound { namespace: namespace() }))
        }
        _ => Ok(()),
    }
}
