//! Applies a plan, and combines observe, plan and apply for one target.

use std::time::Duration;

use k8s_openapi::api::core::v1::{Namespace as NamespaceObject, Secret};
use kube::Api;
use kube::api::{Patch, PatchParams, PostParams};
use kube::core::Request;
use kube::core::request::Error as RequestError;
use serde_json::{Value, json};

use super::annotations::{ANNOTATIONS, LAST_APPLIED, MANAGED_BY_LABEL, MANAGER};
use super::format::SecretFormat;
use super::observe::secrets;
use super::plan::{Action, Change, Plan, Refusal, plan, plan_removal};
use super::pull_secret::{Observed, Wanted};
use super::reader::SecretReader;
use crate::cluster::client::answer::another_object;
use crate::cluster::client::backoff::Backoff;
use crate::cluster::client::connect::Cluster;
use crate::cluster::client::write::Written;
use crate::cluster::error::Error;
use crate::cluster::rbac::{Access, Feature};
use crate::model::{OwnTokens, Registry, Target};

/// How often observe, plan and apply are repeated after conflicts.
const TRIES: u32 = 6;
/// The approximate first pause between attempts.
const PAUSE: Duration = Duration::from_millis(20);

/// Whether to write, as kubectl's `--dry-run`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DryRun {
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

/// The result for one Secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// There was none.
    Created,
    /// It was changed in place.
    Configured,
    /// It was right already, and nothing was written.
    Unchanged,
    /// It is not known to be ours, and nothing was written.
    LeftAlone,
}

impl Outcome {
    /// kubectl's word for the result.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
            Self::LeftAlone => "leftAlone",
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

/// Why a plan could not be applied.
enum Failure {
    /// The Secret is no longer what was planned for.
    Stale {
        /// What the server says of it.
        message: String,
        /// The plan was carried out in part, or may have been: its own change can be what it met.
        is_begun: bool,
    },
    Error(Error),
}

impl Failure {
    /// The same after a part of the plan was carried out.
    fn begun(self) -> Self {
        match self {
            Self::Stale { message, .. } => Self::Stale {
                message,
                is_begun: true,
            },
            error @ Self::Error(_) => error,
        }
    }
}

/// Writes the wanted credentials to one Secret: observes, plans, applies, and repeats this after a conflict.
///
/// Without a format, an existing Secret keeps the one that it has. Killed at any point, the next run completes it.
pub async fn sync(
    reader: &SecretReader<'_>,
    target: &Target,
    format: Option<&SecretFormat>,
    wanted: &[Wanted<'_>],
    options: SyncOptions,
) -> Result<Synced, Error> {
    for one in wanted {
        reader.cluster.secrets().add_credential(one.credential);
    }
    let access = Access::to(Feature::Sync).for_secret(&target.secret, []);
    let planned = |observed: Option<&Observed>| plan(format, target, observed, wanted, options.force_conflicts);
    let synced = carry_out(reader, target, planned, options.dry_run).await;
    synced.map_err(|error| error.for_access_at_least(&access))
}

/// Removes everything for the registry from one Secret; with `own`, only if it holds one of these tokens and no other. A
/// missing Secret counts as done.
pub async fn remove(
    cluster: &Cluster,
    target: &Target,
    registry: &Registry,
    own: Option<&OwnTokens>,
    options: SyncOptions,
) -> Result<Synced, Error> {
    let access = Access::to(Feature::Refresh).for_secret(&target.secret, []);
    let planned = |observed: Option<&Observed>| plan_removal(target, observed, registry, own, options.force_conflicts);
    let removed = carry_out(&SecretReader::new(cluster), target, planned, options.dry_run).await;
    removed.map_err(|error| error.for_access_at_least(&access))
}

async fn carry_out(
    reader: &SecretReader<'_>,
    target: &Target,
    planned: impl Fn(Option<&Observed>) -> Result<Plan, Refusal>,
    dry_run: DryRun,
) -> Result<Synced, Error> {
    let mut backoff = Backoff::new(PAUSE);
    let mut tries = 0;
    // The first plan that was carried out in part, or may have been.
    let mut begun: Option<Plan> = None;
    loop {
        let observed = reader.observe(target).await?;
        let plan = match planned(observed.as_ref()) {
            Ok(plan) => plan,
            Err(refusal) => {
                // It is planned again once it is known whether that token may be replaced.
                if matches!(refusal, Refusal::OtherToken(_)) {
                    reader.give_back(target, observed);
                }
                return Err(Error::Refused {
                    target: target.clone(),
                    refusal,
                });
            }
        };
        drop(observed);
        let message = match apply(reader.cluster, &plan, dry_run).await {
            Ok(()) => {
                let plan = match begun {
                    // The change was ours.
                    Some(begun) if plan.action == Action::Unchanged => begun,
                    _ => plan,
                };
                let outcome = match plan.action {
                    Action::Create => Outcome::Created,
                    Action::Configure { .. } => Outcome::Configured,
                    Action::Unchanged => Outcome::Unchanged,
                    Action::LeaveAlone => Outcome::LeftAlone,
                };
                return Ok(Synced { outcome, plan });
            }
            Err(Failure::Error(error)) => return Err(error),
            Err(Failure::Stale { message, is_begun }) => {
                if is_begun {
                    begun.get_or_insert(plan);
                }
                message
            }
        };
        tries += 1;
        if tries == TRIES {
            return Err(Error::Contended {
                object: target.into(),
                tries,
                message,
            });
        }
        backoff.pause().await;
    }
}

async fn apply(cluster: &Cluster, plan: &Plan, dry_run: DryRun) -> Result<(), Failure> {
    match &plan.action {
        Action::Unchanged | Action::LeaveAlone => Ok(()),
        Action::Create if dry_run == DryRun::Client => check_namespace(cluster, &plan.target).await,
        Action::Configure { .. } if dry_run == DryRun::Client => Ok(()),
        Action::Create => create(cluster, plan, dry_run).await,
        Action::Configure { changes } => configure(cluster, plan, changes, dry_run).await,
    }
}

/// Creates the Secret by POST, which fails where there is one. A server-side apply would not: two of us that are at it
/// at the same time are one manager to the server, and the later one would silently drop the other's registry.
async fn create(cluster: &Cluster, plan: &Plan, dry_run: DryRun) -> Result<(), Failure> {
    let target = &plan.target;
    let params = PostParams {
        dry_run: dry_run == DryRun::Server,
        field_manager: Some(MANAGER.to_owned()),
    };
    let request = serde_json::to_vec(&plan.manifest)
        .map_err(RequestError::SerializeBody)
        .and_then(|manifest| Request::new(secrets(cluster, target).resource_url()).create(&params, manifest));
    send(cluster, plan, request, params.dry_run).await.map(drop)
}

async fn configure(cluster: &Cluster, plan: &Plan, changes: &[Change], dry_run: DryRun) -> Result<(), Failure> {
    let params = |force| PatchParams {
        force,
        ..params(dry_run)
    };
    let mut version = plan.resource_version.clone();
    let is_applied = changes != [Change::LastApplied];
    if is_applied {
        let manifest = plan.manifest.only_to(plan.uid.as_deref(), version.as_deref());
        let written = patch(cluster, plan, &params(plan.force), &Patch::Apply(&manifest)).await?;
        if dry_run == DryRun::None {
            version.clone_from(&written.metadata().resource_version);
        }
    }
    // Last: a run that is killed before it leaves what the next one sees and removes. Leaving ours out of what is
    // applied does not remove it: what was created by POST has another entry of the same manager.
    let mut removal = json!({"metadata": {"resourceVersion": version}});
    if changes.contains(&Change::LastApplied) {
        removal["metadata"]["annotations"][LAST_APPLIED] = Value::Null;
    }
    if changes.contains(&Change::Release) {
        removal["metadata"]["labels"][MANAGED_BY_LABEL] = Value::Null;
        for name in ANNOTATIONS {
            removal["metadata"]["annotations"][name] = Value::Null;
        }
    }
    if changes.contains(&Change::LastApplied) || changes.contains(&Change::Release) {
        let removed = patch(cluster, plan, &params(false), &Patch::Merge(&removal)).await;
        removed.map_err(|failure| {
            if is_applied && dry_run == DryRun::None {
                failure.begun()
            } else {
                failure
            }
        })?;
    }
    Ok(())
}

/// For any patch of ours.
pub fn params(dry_run: DryRun) -> PatchParams {
    PatchParams {
        dry_run: dry_run == DryRun::Server,
        field_manager: Some(MANAGER.to_owned()),
        ..PatchParams::default()
    }
}

async fn patch<P: serde::Serialize + std::fmt::Debug>(
    cluster: &Cluster,
    plan: &Plan,
    params: &PatchParams,
    patch: &Patch<P>,
) -> Result<Observed, Failure> {
    let request = Request::new(secrets(cluster, &plan.target).resource_url());
    let request = request.patch(plan.target.secret.as_str(), params, patch);
    send(cluster, plan, request, params.dry_run).await
}

/// Sends a write, and gives what the server says that the Secret is now; only the Secret itself shows that it was written.
async fn send(
    cluster: &Cluster,
    plan: &Plan,
    request: Result<http::Request<Vec<u8>>, RequestError>,
    is_dry_run: bool,
) -> Result<Observed, Failure> {
    let Written { answer, may_be_done } = cluster.write::<Secret>(request).await;
    match answer.map(Observed::new) {
        Ok(observed) if observed.metadata().name.as_deref() == Some(plan.target.secret.as_str()) => Ok(observed),
        Ok(_) => Err(failure(cluster, plan, another_object().into())),
        Err(error) if may_be_done && !is_dry_run => Err(failure(cluster, plan, error).begun()),
        Err(error) => Err(failure(cluster, plan, error)),
    }
}

fn failure(cluster: &Cluster, plan: &Plan, error: kube::Error) -> Failure {
    if let kube::Error::Api(status) = &error {
        let is_about_the_namespace = status
            .details
            .as_ref()
            .is_some_and(|details| details.kind == "namespaces");
        let is_stale = match status.code {
            // It was changed or deleted in between.
            409 => true,
            // It was deleted after it was applied.
            404 => plan.action != Action::Create && status.reason == "NotFound" && !is_about_the_namespace,
            _ => false,
        };
        if is_stale {
            return Failure::Stale {
                message: cluster.named().quote(&status.message),
                is_begun: false,
            };
        }
    }
    Failure::Error(cluster.call(&plan.target).error(error))
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
