//! Writes one Secret of a run.

use std::rc::Rc;

use super::after::{After, AfterResult};
use crate::cluster::{
    self, Action, DryRun, Holds, LeftAlone, OtherToken, Outcome, Refusal, SecretReader, SyncOptions, Synced, Wanted,
};
use crate::commands::shared::authorship::Authorship;
use crate::commands::shared::proof::{NO_VERIFY, Proof, Proofs};
use crate::commands::shared::targets::{Job, Supply, with_registry};
use crate::error::CommandError;
use crate::model::{Registry, Use};

/// The most other tokens in one Secret that are asked about: a registry has few spellings.
const MAX_CLEARED: usize = 8;

/// The result as text, so that thousands of results are small and contain no token.
pub(in crate::commands) struct Done {
    pub(in crate::commands) outcome: Outcome,
    pub(in crate::commands) changes: Vec<String>,
    pub(in crate::commands) notes: Vec<String>,
    /// For each registry that was not written: what the Secret holds instead.
    pub(in crate::commands) left_alone: Vec<String>,
    /// Nothing was written, because it holds tokens of this user for other uses.
    pub(in crate::commands) is_for_other_use: bool,
    /// The credentials that the Secret holds now, by registry and use.
    pub(in crate::commands) given: Vec<(Registry, Use)>,
    /// What was done after the Secret was written.
    pub(in crate::commands) after: AfterResult,
}

impl Done {
    /// The result for a Secret that is not known to be ours.
    pub(in crate::commands) fn left_alone(left: &[LeftAlone]) -> Self {
        Self {
            outcome: Outcome::LeftAlone,
            changes: Vec::new(),
            notes: Vec::new(),
            left_alone: reasons(left),
            is_for_other_use: false,
            given: Vec::new(),
            after: AfterResult::default(),
        }
    }

    /// The result of writing the Secret alone.
    pub(in crate::commands) fn of(synced: Synced) -> Self {
        let left_alone = reasons(&synced.plan.left_alone);
        let mut reasons = synced.plan.left_alone.iter().map(|left| &left.holds);
        Self {
            is_for_other_use: synced.outcome == Outcome::LeftAlone
                && reasons.all(|holds| matches!(holds, Holds::OtherUse(_))),
            outcome: synced.outcome,
            changes: match synced.plan.action {
                Action::Configure { changes } => changes.iter().map(ToString::to_string).collect(),
                Action::Create | Action::Unchanged | Action::LeaveAlone => Vec::new(),
            },
            notes: synced.plan.notes.iter().map(ToString::to_string).collect(),
            left_alone,
            given: synced.plan.given,
            after: AfterResult::default(),
        }
    }
}

/// What a Secret holds instead of a token of ours, each once.
fn reasons(left: &[LeftAlone]) -> Vec<String> {
    let mut reasons: Vec<String> = left.iter().map(ToString::to_string).collect();
    reasons.dedup();
    reasons
}

/// Fails if the user has named the Secret, and it holds nothing that the credential may take the place of.
pub(in crate::commands) fn chosen(job: &Job, done: Done) -> Result<Done, CommandError> {
    let is_found = !job.chosen_by_content && job.supplies.iter().any(|supply| supply.replaces.is_some());
    if is_found || done.outcome != Outcome::LeftAlone {
        return Ok(done);
    }
    let (target, holds) = (&job.target, done.left_alone.join("; "));
    let mut registries: Vec<_> = job
        .supplies
        .iter()
        .map(|supply| supply.credential.registry.as_str())
        .collect();
    registries.dedup();
    let uses: Vec<_> = job.supplies.iter().map(|supply| supply.usage.as_str()).collect();
    Err(match (registries.as_slice(), uses.as_slice()) {
        ([registry], [usage]) => CommandError::failed(format_args!("{target}: {holds}")).hint(format_args!(
            "it gets only a newer token of {registry} for the same use; --use {usage} --take-over puts the token for {usage} in its \
             place"
        )),
        ([registry], uses) => CommandError::failed(format_args!(
            "{target}: the keychain holds tokens of {registry} for several uses, {}, and the Secret does not show which it is for: \
             {holds}",
            uses.join(", ")
        ))
        .hint(with_registry(target).words("--use USE")),
        (registries, _) => CommandError::failed(format_args!(
            "{target}: the keychain holds several registries, {}, and the Secret does not show which it is for: {holds}",
            registries.join(", ")
        ))
        .hint(with_registry(target)),
    })
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

/// What a Secret lacks after it was worked on.
enum Lack<'a> {
    /// The token that it holds works no more.
    Works(CommandError),
    /// It was not given this credential.
    Credential(&'a Supply, CommandError),
}

impl Lack<'_> {
    /// `is_written`: it holds its other credentials.
    fn error(self, job: &Job, is_written: bool) -> CommandError {
        let target = &job.target;
        match self {
            Self::Works(error) => error.on(format_args!("{target} holds a token that does not work")),
            Self::Credential(supply, error) if is_written => error.on(format_args!(
                "{target} was not given the credential of {}",
                supply.credential.registry
            )),
            Self::Credential(_, error) => error.on(format_args!("{target} was not written")),
        }
    }
}

/// Writes the credentials that work to the Secret of one target, and runs the actions after it.
pub(super) async fn sync(
    reader: &SecretReader<'_>,
    job: &Job,
    options: SyncOptions,
    after: &After,
    proofs: &Proofs,
    authorship: &Authorship,
) -> Result<Done, Failure> {
    let mut proven = Vec::new();
    let mut done = None;
    let mut is_written = false;
    let mut lacks = Vec::new();
    // Why it is not known whether the token works that the Secret holds already.
    let mut unproven = None;
    // What it was seen to hold, and is not written.
    let mut held = Vec::new();
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
        let planned = write(reader, job, &[supply.wanted()], dry_run, after).await?;
        held.extend(planned.plan.held());
        match (planned.outcome, proof) {
            // The credential is not meant for this Secret.
            (Outcome::LeftAlone, _) => done = done.or_else(|| Some(Done::of(planned))),
            (Outcome::Unchanged, Proof::Unknown(error)) => {
                proofs.add_unproven(supply, &error);
                unproven = Some(error);
                done = Some(Done::of(planned));
            }
            (_, Proof::Works(_)) => {}
            (Outcome::Unchanged, Proof::Refused(error)) => lacks.push(Lack::Works(error)),
            (_, Proof::Refused(error)) => lacks.push(Lack::Credential(supply, error)),
            (_, Proof::Unknown(error)) => lacks.push(Lack::Credential(supply, error.hint(NO_VERIFY))),
        }
    }
    let mut cleared = Vec::new();
    while !proven.is_empty() {
        let wanted: Vec<_> = proven
            .iter()
            .map(|supply| supply.wanted_by(authorship, &cleared))
            .collect();
        let synced = match write(reader, job, &wanted, options, after).await {
            Err(Failure::Cluster(error)) => match met(error) {
                Ok(other) => {
                    let is_it = |supply: &&&Rc<Supply>| {
                        (&supply.credential.registry, supply.usage) == (&other.registry, other.usage)
                    };
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
                            lacks.push(Lack::Credential(supply, error));
                            proven.retain(|one| one.credential.registry != other.registry);
                        }
                    }
                    continue;
                }
                Err(error) => return Err(Failure::Cluster(*error)),
            },
            synced => synced?,
        };
        // A Secret that was left alone is not attached or used for restarts.
        is_written = synced.outcome != Outcome::LeftAlone;
        done = Some(Done {
            after: if is_written {
                after.of(reader.cluster(), job).await
            } else {
                AfterResult::default()
            },
            ..Done::of(synced)
        });
        break;
    }
    if let Some(done) = &mut done {
        let is_given = |registry: &Registry| done.given.iter().any(|(given, _)| given == registry);
        held.retain(|(registry, _)| !is_given(registry));
        done.given.extend(held);
    }
    if let (Some(done), Some(error), false, true) = (&mut done, unproven, is_written, lacks.is_empty()) {
        done.after = after.of_unproven(reader.cluster(), job, &error).await;
    }
    let mut errors = lacks.into_iter().map(|lack| lack.error(job, is_written));
    match done {
        // What was done is said also where a credential is missing.
        Some(mut done) if is_written => {
            done.after.errors.extend(errors);
            Ok(done)
        }
        done => errors.next_back().map_or_else(
            || done.ok_or_else(|| no_credential(job)),
            |error| Err(Failure::Unproven(error)),
        ),
    }
}

fn no_credential(job: &Job) -> Failure {
    Failure::Unproven(CommandError::failed(format_args!(
        "no credential was given for {}",
        job.target
    )))
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
    reader: &SecretReader<'_>,
    job: &Job,
    wanted: &[Wanted<'_>],
    options: SyncOptions,
    after: &After,
) -> Result<Synced, Failure> {
    let synced = cluster::sync(reader, &job.target, job.format.as_ref(), wanted, options).await;
    synced.map_err(|error| Failure::Cluster(error.for_access(&after.access_for(job))))
}
