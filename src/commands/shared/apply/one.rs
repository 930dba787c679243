//! One Secret of many.

use super::after::{After, Aftermath};
use crate::cluster::{self, Action, Cluster, DryRun, Outcome, SyncOptions, Synced, Wanted};
use crate::commands::shared::proof::{NO_VERIFY, Proof, Proofs};
use crate::commands::shared::targets::{Job, with_registry};
use crate::error::CommandError;
use crate::model::Registry;

/// What became of it: words only, so that thousands of them are small and hold no token.
pub(in crate::commands) struct Done {
    pub(in crate::commands) outcome: Outcome,
    pub(in crate::commands) changes: Vec<String>,
    pub(in crate::commands) notes: Vec<String>,
    /// What the Secret holds instead of a token that proves it to be ours, for each registry that it was not given.
    pub(in crate::commands) left_alone: Vec<String>,
    /// The registries whose credential it holds now.
    pub(in crate::commands) given: Vec<Registry>,
    /// What was done once the Secret was right.
    pub(in crate::commands) after: Aftermath,
}

impl Done {
    /// In words, with nothing done beside the Secret.
    pub(in crate::commands) fn of(synced: Synced) -> Self {
        Self {
            outcome: synced.outcome,
            changes: match synced.plan.action {
                Action::Configure { changes } => changes.iter().map(ToString::to_string).collect(),
                Action::Create | Action::Unchanged | Action::LeaveAlone => Vec::new(),
            },
            notes: synced.plan.notes.iter().map(ToString::to_string).collect(),
            left_alone: synced.plan.left_alone.iter().map(ToString::to_string).collect(),
            given: synced.plan.given,
            after: Aftermath::default(),
        }
    }
}

/// Refuses a job whose Secret had to choose a registry, and did not.
pub(in crate::commands) fn chosen(job: &Job, mut done: Done) -> Result<Done, CommandError> {
    if !job.chosen_by_content || done.outcome != Outcome::LeftAlone {
        return Ok(done);
    }
    done.left_alone.dedup();
    let registries: Vec<_> = job
        .supplies
        .iter()
        .map(|supply| supply.credential.registry.as_str())
        .collect();
    Err(CommandError::failed(format_args!(
        "{}: the keychain holds several registries, {}, and the Secret does not show which it is for: {}",
        job.target,
        registries.join(", "),
        done.left_alone.join("; ")
    ))
    .hint(with_registry(&job.target)))
}

/// Why a target did not get all that is wanted for it.
pub(super) enum Failure {
    Cluster(cluster::Error),
    /// One of its credentials is not written, because nothing shows that it works.
    Unproven(CommandError),
}

impl From<Failure> for CommandError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Cluster(error) => error.into(),
            Failure::Unproven(error) => error,
        }
    }
}

/// Does all that is wanted for one target, with credentials that their registries accept.
pub(super) async fn sync(
    cluster: &Cluster,
    job: &Job,
    options: SyncOptions,
    after: &After,
    proofs: &Proofs,
) -> Result<Done, Failure> {
    let mut proven = Vec::new();
    let mut seen = None;
    let mut failure = None;
    for (supply, wanted) in job.supplies.iter().zip(job.wanted()) {
        let (error, is_refused) = match proofs.of(supply).await {
            Proof::Works => {
                proven.push(wanted);
                continue;
            }
            Proof::Refused(error) => (error, true),
            Proof::Unknown(error) => (error, false),
        };
        // What would be done with it.
        let trial = SyncOptions {
            dry_run: DryRun::Client,
            ..options
        };
        let planned = write(cluster, job, &[wanted], trial, after).await?;
        match planned.outcome {
            // It is not meant for this Secret.
            Outcome::LeftAlone => seen = Some(Done::of(planned)),
            Outcome::Unchanged if !is_refused => {
                proofs.unproven(supply, &error);
                seen = Some(Done::of(planned));
            }
            Outcome::Unchanged => {
                let error = error.on(format_args!("{} holds a token that does not work", job.target));
                failure = Some(error);
            }
            Outcome::Created | Outcome::Configured => {
                let error = error.on(format_args!("{} is not written", job.target));
                failure = Some(if is_refused { error } else { error.hint(NO_VERIFY) });
            }
        }
    }
    let done = match (proven.as_slice(), seen) {
        ([], Some(seen)) => Some(seen),
        ([], None) => None,
        _ => {
            let synced = write(cluster, job, &proven, options, after).await?;
            Some(Done {
                after: match synced.outcome {
                    // Nothing pulls with it on our account.
                    Outcome::LeftAlone => Aftermath::default(),
                    Outcome::Created | Outcome::Configured | Outcome::Unchanged => after.of(cluster, job).await,
                },
                ..Done::of(synced)
            })
        }
    };
    match (failure, done) {
        (None, Some(done)) => Ok(done),
        (Some(error), _) => Err(Failure::Unproven(error)),
        (None, None) => Err(Failure::Unproven(CommandError::failed(format_args!(
            "{} is to hold no credential",
            job.target
        )))),
    }
}

async fn write(
    cluster: &Cluster,
    job: &Job,
    wanted: &[Wanted<'_>],
    options: SyncOptions,
    after: &After,
) -> Result<Synced, Failure> {
    let synced = cluster::sync(cluster, &job.target, wanted, options).await;
    synced.map_err(|error| Failure::Cluster(error.for_access(&after.access_for(job))))
}
