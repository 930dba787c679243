//! Writes one Secret of a run.

use std::rc::Rc;

use super::after::{After, AfterResult};
use crate::cluster::{self, Action, Cluster, DryRun, OtherToken, Outcome, Refusal, SyncOptions, Synced, Wanted};
use crate::commands::shared::authorship::Authorship;
use crate::commands::shared::proof::{NO_VERIFY, Proof, Proofs};
use crate::commands::shared::targets::{Job, Supply, with_registry};
use crate::error::CommandError;
use crate::model::Registry;

/// The most other tokens in one Secret that are asked about: a registry has few spellings.
const MAX_CLEARED: usize = 8;

/// The result as text, so that thousands of results are small and contain no token.
pub(in crate::commands) struct Done {
    pub(in crate::commands) outcome: Outcome,
    pub(in crate::commands) changes: Vec<String>,
    pub(in crate::commands) notes: Vec<String>,
    /// For each registry that was not written: what the Secret holds, which is no token of ours.
    pub(in crate::commands) left_alone: Vec<String>,
    /// The registries whose credential the Secret holds now.
    pub(in crate::commands) given: Vec<Registry>,
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
            given: synced.plan.given,
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

/// Why the Secret of a target does not hold all of its credentials.
pub(super) enum Failure {
    Cluster(cluster::Error),
    /// A credential was not written, because it is not known to work.
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

/// Writes the credentials that work to the Secret of one target, and runs the actions after it.
pub(super) async fn sync(
    cluster: &Cluster,
    job: &Job,
    options: SyncOptions,
    after: &After,
    proofs: &Proofs,
    authorship: &Authorship,
) -> Result<Done, Failure> {
    let mut proven = Vec::new();
    let mut done = None;
    let mut failure = None;
    for supply in &job.supplies {
        let proof = proofs.of(supply).await;
        if matches!(proof, Proof::Works(_)) {
            proven.push(supply);
            continue;
        }
        let dry_run = SyncOptions {
            dry_run: DryRun::Client,
            ..options
        };
        let planned = write(cluster, job, &[supply.wanted()], dry_run, after).await?;
        match (planned.outcome, proof) {
            // The credential is not meant for this Secret.
            (Outcome::LeftAlone, _) => done = Some(Done::of(planned)),
            (Outcome::Unchanged, Proof::Unknown(error)) => {
                proofs.add_unproven(supply, &error);
                done = Some(Done::of(planned));
            }
            (_, Proof::Works(_)) => {}
            (Outcome::Unchanged, Proof::Refused(error)) => {
                failure = Some(error.on(format_args!("{} holds a token that does not work", job.target)));
            }
            (_, Proof::Refused(error)) => failure = Some(error.on(not_written(job))),
            (_, Proof::Unknown(error)) => failure = Some(error.on(not_written(job)).hint(NO_VERIFY)),
        }
    }
    let mut cleared = Vec::new();
    while !proven.is_empty() {
        let wanted: Vec<_> = proven
            .iter()
            .map(|supply| supply.wanted_by(authorship, &cleared))
            .collect();
        let synced = match write(cluster, job, &wanted, options, after).await {
            Err(Failure::Cluster(error)) => match met(error) {
                Ok(other) => {
                    let is_it = |supply: &&&Rc<Supply>| supply.credential.registry == other.registry;
                    let Some(supply) = proven.iter().find(is_it).copied() else {
                        break;
                    };
                    let may = if cleared.len() < MAX_CLEARED {
                        proofs.may_replace(supply, &other, authorship).await
                    } else {
                        let many = format_args!("it holds more than {MAX_CLEARED} other tokens");
                        Err(CommandError::failed(many).hint("take a new name with --secret NAME"))
                    };
                    match may {
                        Ok(()) => cleared.push((other.registry, other.token)),
                        Err(error) => {
                            failure = Some(error.on(not_written(job)));
                            proven.retain(|one| one.credential.registry != other.registry);
                        }
                    }
                    continue;
                }
                Err(error) => return Err(Failure::Cluster(*error)),
            },
            synced => synced?,
        };
        done = Some(Done {
            after: match synced.outcome {
                // A Secret that was left alone is not attached or used for restarts.
                Outcome::LeftAlone => AfterResult::default(),
                Outcome::Created | Outcome::Configured | Outcome::Unchanged => after.of(cluster, job).await,
            },
            ..Done::of(synced)
        });
        break;
    }
    match (failure, done) {
        (Some(error), _) => Err(Failure::Unproven(error)),
        (None, Some(done)) => Ok(done),
        (None, None) => Err(Failure::Unproven(CommandError::failed(format_args!(
            "no credential was given for {}",
            job.target
        )))),
    }
}

fn not_written(job: &Job) -> String {
    format!("{} was not written", job.target)
}

/// The token that the credential would take the place of, if that is why nothing was written.
fn met(error: cluster::Error) -> Result<OtherToken, Box<cluster::Error>> {
    match error {
        cluster::Error::Refused {
            refusal: Refusal::OtherToken(other),
            ..
        } => Ok(*other),
        error => Err(Box::new(error)),
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
