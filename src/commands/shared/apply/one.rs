//! One Secret of many.

use super::after::{After, Aftermath};
use crate::cluster::{self, Action, Cluster, Outcome, SyncOptions, Synced};
use crate::commands::shared::targets::{Job, with_registry};
use crate::error::CommandError;

/// What became of it: words only, so that thousands of them are small and hold no token.
pub(in crate::commands) struct Done {
    pub(in crate::commands) outcome: Outcome,
    pub(in crate::commands) changes: Vec<String>,
    pub(in crate::commands) notes: Vec<String>,
    /// What the Secret holds instead of a token that proves it to be ours, for each registry that it was not given.
    pub(in crate::commands) left_alone: Vec<String>,
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

/// Does all that is wanted for one target.
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
            // Nothing pulls with it on our account.
            Outcome::LeftAlone => Aftermath::default(),
            Outcome::Created | Outcome::Configured | Outcome::Unchanged => after.of(cluster, job).await,
        },
        ..Done::of(synced)
    })
}
