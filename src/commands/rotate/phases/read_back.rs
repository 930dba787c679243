//! The phase *read back*: every Secret holds the token; and before the old one is revoked, no other Secret needs it.

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, stream};

use crate::cluster::{self, Access, Cluster, Feature, Managed, Target};
use crate::commands::rotate::journal::GivenUp;
use crate::commands::rotate::report::Stop;
use crate::commands::rotate::session::Session;
use crate::commands::rotate::state::RotationState;
use crate::commands::shared::apply::AT_ONCE;
use crate::commands::shared::targets::Job;
use crate::error::CommandError;
use crate::model::rotation::{Phase, Which};
use crate::model::{CommandLine, Credential, Registry, Token};

/// Reads every Secret back.
pub(super) async fn secrets(state: &RotationState, session: &mut Session<'_, '_>, which: Which) -> Result<(), Stop> {
    let supply = state.supply(which)?;
    let other = state.new.clone().filter(|_| which == Which::Old);
    let names_context = state.journal.places.len() > 1;
    let mut failed = 0;
    for (at, place) in state.journal.places.iter().enumerate() {
        let jobs = place.jobs(&supply);
        if jobs.is_empty() {
            continue;
        }
        let (interrupt, access) = (session.interrupt.clone(), state.journal.access());
        let cluster = interrupt.or(session.cluster(state, at)).await??;
        let errors = read_back(&cluster, &jobs, &supply.credential, other.as_ref(), &access);
        let errors = interrupt.or(errors).await?;
        failed += errors.len();
        for error in errors {
            let context = cluster.context();
            session.system.output.error(&if names_context {
                error.on(format_args!("context {context}"))
            } else {
                error
            });
        }
        session.interrupted()?;
    }
    if failed > 0 {
        let secrets = if failed == 1 { "Secret" } else { "Secrets" };
        return Err(CommandError::failed(format_args!(
            "{failed} {secrets} did not read back with the {which} token"
        ))
        .into());
    }
    let count = state.journal.count();
    // The second look of a run finds what the first one found, or an error.
    if !std::mem::replace(&mut session.report.has_read_back, true) && count > 0 {
        let (what, holds) = match (which, count) {
            (Which::New, 1) => ("the Secret".to_owned(), "it holds the new token"),
            (Which::New, _) => (format!("{count} Secrets"), "all hold the new token"),
            (Which::Old, 1) => ("the Secret".to_owned(), "it does not hold the new token"),
            (Which::Old, _) => (format!("{count} Secrets"), "none holds the new token"),
        };
        session.system.output.say(format_args!("read {what} back: {holds}"));
    }
    let is_last = matches!(state.phase(), Some(Phase::Promoted | Phase::Revoking));
    if which == Which::New && is_last && !state.journal.keep_old {
        look_elsewhere(state, session).await?;
    }
    Ok(())
}

/// Looks for other Secrets that hold the old token and would stop working with it. What cannot be read may hold
/// it: then the old token stays alive, until somebody gives up by name what could not be looked at.
async fn look_elsewhere(state: &RotationState, session: &mut Session<'_, '_>) -> Result<(), Stop> {
    let given_up = &state.journal.given_up;
    let mut others = Vec::new();
    for (at, place) in state.journal.places.iter().enumerate() {
        let interrupt = session.interrupt.clone();
        let cluster = interrupt.or(session.cluster(state, at)).await??;
        let context = cluster.context();
        if given_up.has_search(context) {
            session.system.output.warn(format_args!(
                "context {context} was not searched for other Secrets with the old token, as --skip-search says"
            ));
            continue;
        }
        let (old, registry) = (&state.old.token, &state.old.registry);
        let found = interrupt
            .or(others_with(&cluster, &place.targets(), old, registry, given_up))
            .await?;
        for other in found.map_err(|unseen| not_seen(&cluster, unseen))? {
            let target = &other.target;
            if given_up.has(target) {
                session.system.output.warn(format_args!(
                    "{target} was given up: it holds the old token, which ends now"
                ));
            } else {
                others.push((context.to_owned(), other));
            }
        }
    }
    if others.is_empty() {
        return Ok(());
    }
    Err(still_needed(state, &others).into())
}

/// Why the old token is not revoked, where Secrets need it that are not of this rotation.
fn still_needed(state: &RotationState, others: &[(String, Other)]) -> CommandError {
    let names_context = state.journal.places.len() > 1;
    let shown = others.iter().take(MAX_NAMED).map(|(context, other)| {
        let frozen = if other.is_immutable { " (immutable)" } else { "" };
        let place = if names_context && !context.is_empty() {
            format!(" of context {context}")
        } else {
            String::new()
        };
        format!("{}{place}{frozen}", other.target)
    });
    let shown: Vec<String> = shown.collect();
    let more = match others.len().saturating_sub(MAX_NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let error = CommandError::failed(format_args!(
        "the old token is not revoked: it is also in {}{more}",
        shown.join(", ")
    ));
    let mut syncs: Vec<CommandLine> = Vec::new();
    for (context, _) in others.iter().filter(|(_, other)| !other.is_immutable) {
        let sync = CommandLine::new("kubectl regcred sync -A");
        let sync = sync.option("--registry", "REGISTRY", state.name.registry.as_str());
        let sync = match context.as_str() {
            context if names_context && !context.is_empty() => sync.option("--context", "CONTEXT", context),
            _ => sync,
        };
        if !syncs.contains(&sync) {
            syncs.push(sync);
        }
    }
    let syncs = syncs
        .into_iter()
        .map(|sync| format!("{sync} gives them the new one, and then --resume goes on"));
    let (_, first) = &others[0];
    let skip = skip_secret(&first.target);
    error.hints(syncs).hint(format_args!(
        "what cannot be changed is given up by name: {skip}; --keep-old leaves the old token alive"
    ))
}

/// Why the old token is not revoked, where a context could not be searched.
fn not_seen(cluster: &Cluster, unseen: Unseen) -> CommandError {
    let context = cluster.context();
    let (error, skip) = match unseen {
        Unseen::List(error) => {
            let line = CommandLine::new("kubectl regcred rotate --resume");
            let line = line.option("--skip-search", "CONTEXT", context);
            let skip = format!("or, for those who know that no other Secret there holds it: {line}");
            (error, (!context.is_empty()).then_some(skip))
        }
        Unseen::One(target, error) => {
            let skip = format!("or give it up by name: {}", skip_secret(&target));
            (error, Some(skip))
        }
    };
    let access = Access {
        is_everywhere: true,
        ..Access::to(Feature::Search)
    };
    let error = CommandError::from(error.for_access(&access));
    let what = "the old token is not revoked, because not every Secret could be looked at that may hold it";
    error.on(what).hints(skip)
}

/// The command that gives one Secret up.
fn skip_secret(target: &Target) -> CommandLine {
    let name = format!("{}/{}", target.namespace, target.secret);
    CommandLine::new("kubectl regcred rotate --resume").option("--skip-secret", "NAMESPACE/NAME", name)
}

/// Secrets that are named in one message.
const MAX_NAMED: usize = 5;

/// A Secret with the old token that is not of this rotation.
struct Other {
    target: Target,
    is_immutable: bool,
}

/// What could not be looked at.
enum Unseen {
    /// Which Secrets there are.
    List(cluster::Error),
    /// What is in one of them.
    One(Target, cluster::Error),
}

/// The Secrets with our label that hold the token, besides those that are known.
async fn others_with(
    cluster: &Cluster,
    known: &BTreeSet<Target>,
    token: &Token,
    registry: &Registry,
    given_up: &GivenUp,
) -> Result<Vec<Other>, Unseen> {
    let managed = cluster::managed_secrets(cluster).await.map_err(Unseen::List)?;
    let of_another_registry =
        |one: &Managed| !one.entries.is_empty() && one.entries.iter().all(|entry| entry.registry != *registry);
    let targets = managed
        .into_iter()
        .filter(|one| !known.contains(&one.target) && !of_another_registry(one))
        .map(|one| one.target);
    let mut looked = stream::iter(targets)
        .map(|target| async move {
            match cluster::observe(cluster, &target).await {
                Ok(secret) => Ok(secret.filter(|secret| secret.mentions(token)).map(|secret| Other {
                    target,
                    is_immutable: secret.is_immutable(),
                })),
                // Places that were given up by name are not read.
                Err(_) if given_up.has(&target) => Ok(None),
                Err(error) => Err(Unseen::One(target, error)),
            }
        })
        .buffered(AT_ONCE);
    let mut others = Vec::new();
    while let Some(one) = looked.next().await {
        others.extend(one?);
    }
    Ok(others)
}

/// Every Secret that does not hold what it should, or could not be read.
async fn read_back(
    cluster: &Cluster,
    jobs: &[Job],
    credential: &Credential,
    given_up: Option<&Credential>,
    access: &Access,
) -> Vec<CommandError> {
    let read = stream::iter(jobs)
        .map(|job| async move {
            let target = &job.target;
            match (cluster::observe(cluster, target).await, given_up) {
                (Err(error), _) => Some(error.for_access(&access.for_secret(&target.secret, [])).into()),
                (Ok(Some(secret)), Some(given_up)) if secret.mentions(&given_up.token) => {
                    Some(CommandError::failed(format_args!("{target} holds the new token again")))
                }
                (Ok(Some(secret)), None) if !secret.holds(credential) => Some(
                    CommandError::failed(format_args!(
                        "{target} holds something else than what was written: somebody else writes it too"
                    ))
                    .hint(format_args!(
                        "where that is to stay: --resume --skip-secret {}/{}",
                        target.namespace, target.secret
                    )),
                ),
                (Ok(None), None) => Some(
                    CommandError::failed(format_args!("{target} is gone"))
                        .hint(format_args!("where that is meant: {}", skip_secret(target))),
                ),
                (Ok(_), _) => None,
            }
        })
        .buffered(AT_ONCE);
    read.filter_map(std::future::ready).collect().await
}
