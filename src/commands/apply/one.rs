//! One Secret of many.

use super::after::{After, Aftermath};
use crate::cluster::{self, Action, Cluster, Outcome, SyncOptions};
use crate::commands::targets::Job;
use crate::model::Token;

/// What became of it: words only, so that thousands of them are small and hold no token.
pub(in crate::commands) struct Done {
    pub(in crate::commands) outcome: Outcome,
    pub(in crate::commands) changes: Vec<String>,
    pub(in crate::commands) notes: Vec<String>,
    /// What was done once the Secret was right.
    pub(in crate::commands) after: Aftermath,
}

/// Does all that is wanted for one target; nothing where it is only to lose `instead_of`, and does not hold it.
pub(in crate::commands) async fn sync(
    cluster: &Cluster,
    job: &Job,
    options: SyncOptions,
    instead_of: Option<&Token>,
    after: &After,
) -> Result<Done, cluster::Error> {
    if let Some(token) = instead_of {
        let observed = cluster::observe(cluster, &job.target).await;
        let observed = observed.map_err(|error| error.for_access(&after.access))?;
        if !observed.is_some_and(|secret| secret.mentions(token)) {
            return Ok(Done {
                outcome: Outcome::Unchanged,
                changes: Vec::new(),
                notes: Vec::new(),
                after: Aftermath::default(),
            });
        }
    }
    let synced = cluster::sync(cluster, &job.target, &job.wanted(), options).await;
    let synced = synced.map_err(|error| error.for_access(&after.access))?;
    let changes = match &synced.plan.action {
        Action::Configure { changes } => changes.iter().map(ToString::to_string).collect(),
        Action::Create | Action::Unchanged => Vec::new(),
    };
    Ok(Done {
        outcome: synced.outcome,
        changes,
        after: after.of(cluster, job).await,
        notes: synced.plan.notes.iter().map(ToString::to_string).collect(),
    })
}
