//! Writes one Secret of a run.

use super::after::{After, AfterResult};
use crate::cluster::{self, Action, Cluster, Outcome, SyncOptions, Synced};
use crate::commands::shared::targets::{Job, with_registry};
use crate::error::CommandError;

/// The result as text, so that thousands of results are small and contain no token.
pub(in crate::commands) struct Done {
    pub(in crate::commands) outcome: Outcome,
    pub(in crate::commands) changes: Vec<String>,
    pub(in crate::commands) notes: Vec<String>,
    /// For each registry that was not written: what the Secret holds, which is no token of ours.
    pub(in crate::commands) left_alone: Vec<String>,
    /// What was done after the Secret was written.
    pub(in crate::commands) after: AfterResult,
}

impl Done {
    /// The result of writing the Secret alone.
    pub(in crate::commands) fn of(synced: Synced) -> Self {
        Self {
            outcome: synced.outcome,
            changes: match synced.plan.action {
                Action::Configure { changes } => changes.iter().map(ToString::to_string).collect(),
                Action::Create | Action::Unchanged | Action::LeaveAlone => Vec::new(),
            },
            notes: synced.plan.notes.iter().map(ToString::to_string).collect(),
            left_alone: synced.plan.left_alone.iter().map(ToString::to_string).collect(),
            after: AfterResult::default(),
        }
    }
}

/// Fails if the registry was to be chosen by the Secret's content, and that holds no token of ours.
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

/// Writes the Secret of one target, and runs the actions after it.
pub(in crate::commands) async fn sync(
    cluster: &Cluster,
    job: &Job,
    options: SyncOptions,
    after: &After,
) -> Result<Done, cluster::Error> {
    let synced = cluster::sync(cluster, &job.target, &job.wanted(), options).await;
    let synced = synced.map_err(|error| error.for_access(&after.access_for(job)))?;
    Ok(Done {
        after: match synced.outcome {
            // A Secret that was left alone is not attached or used for restarts.
            Outcome::LeftAlone => AfterResult::default(),
            Outcome::Created | Outcome::Configured | Outcome::Unchanged => after.of(cluster, job).await,
        },
        ..Done::of(synced)
    })
}
