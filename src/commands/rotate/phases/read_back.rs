//! The phase *read back*: verifies that every Secret holds the token and, before the old token is revoked, that no other
//! Secret holds it.

use std::collections::BTreeSet;

use futures_util::{StreamExt as _, stream};

use crate::cluster::{self, Access, Cluster, Feature, Managed, Target};
use crate::commands::rotate::journal::Skipped;
use crate::commands::rotate::report::Stop;
use crate::commands::rotate::session::Session;
use crate::commands::rotate::state::RotationState;
use crate::commands::shared::apply::AT_ONCE;
use crate::commands::shared::targets::Job;
use crate::error::CommandError;
use crate::model::rotation::{Phase, TokenVersion};
use crate::model::{CommandLine, Credential, Registry, Token};

/// Reads every Secret back.
pub(super) async fn secrets(
    state: &RotationState,
    session: &mut Session<'_, '_>,
    version: TokenVersion,
) -> Result<(), Stop> {
    let supply = state.supply(version)?;
    let other = state.new.clone().filter(|_| version == TokenVersion::Old);
    let names_context = state.journal.contexts.len() > 1;
    let mut failed = 0;
    for (at, entry) in state.journal.contexts.iter().enumerate() {
        let jobs = entry.jobs(&supply);
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
            "{failed} {secrets} did not read back with the {version} token"
        ))
        .into());
    }
    let count = state.journal.count();
    // The second check of a run is not reported again unless it fails.
    if !std::mem::replace(&mut session.report.has_read_back, true) && count > 0 {
        let (what, holds) = match (version, count) {
            (TokenVersion::New, 1) => ("the Secret".to_owned(), "it holds the new token"),
            (TokenVersion::New, _) => (format!("{count} Secrets"), "all hold the new token"),
            (TokenVersion::Old, 1) => ("the Secret".to_owned(), "it does not hold the new token"),
            (TokenVersion::Old, _) => (format!("{count} Secrets"), "none holds the new token"),
        };
        session.system.output.info(format_args!("read {what} back: {holds}"));
    }
    let is_last = matches!(state.phase(), Some(Phase::Promoted | Phase::Revoking));
    if version == TokenVersion::New && is_last && !state.journal.keep_old {
        search_other_secrets(state, session).await?;
    }
    Ok(())
}

/// Searches for other Secrets that hold the old token and would stop working without it. A Secret that cannot be read may
/// hold it: the old token is not revoked unless the user excludes that Secret by name.
async fn search_other_secrets(state: &RotationState, session: &mut Session<'_, '_>) -> Result<(), Stop> {
    let skipped = &state.journal.skipped;
    let mut others = Vec::new();
    for (at, entry) in state.journal.contexts.iter().enumerate() {
        let interrupt = session.interrupt.clone();
        let cluster = interrupt.or(session.cluster(state, at)).await??;
        let context = cluster.context();
        if skipped.has_search(context) {
            session.system.output.warn(format_args!(
                "context {context} was not searched for other Secrets with the old token, as --skip-search says"
            ));
            continue;
        }
        let (old, registry) = (&state.old.token, &state.old.registry);
        let found = interrupt
            .or(others_with(&cluster, &entry.targets(), old, registry, skipped))
            .await?;
        for other in found.map_err(|error| search_failed(&cluster, error))? {
            let target = &other.target;
            if skipped.has(target) {
                session.system.output.warn(format_args!(
                    "{target} was skipped: it holds the old token, which is revoked now"
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

/// The error if Secrets that do not belong to this rotation hold the old token.
fn still_needed(state: &RotationState, others: &[(String, Other)]) -> CommandError {
    let names_context = state.journal.contexts.len() > 1;
    let shown = others.iter().take(MAX_NAMED).map(|(context, other)| {
        let frozen = if other.is_immutable { " (immutable)" } else { "" };
        let of_context = if names_context && !context.is_empty() {
            format!(" of context {context}")
        } else {
            String::new()
        };
        format!("{}{of_context}{frozen}", other.target)
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
        .map(|sync| format!("{sync} writes the new token to them; then use --resume"));
    let (_, first) = &others[0];
    let skip = skip_secret(&first.target);
    error.hints(syncs).hint(format_args!(
        "skip a Secret that cannot be changed: {skip}; or do not revoke the old token: --keep-old"
    ))
}

/// The error if a context could not be searched.
fn search_failed(cluster: &Cluster, search_error: SearchError) -> CommandError {
    let context = cluster.context();
    let (error, skip) = match search_error {
        SearchError::List(error) => {
            let line = CommandLine::new("kubectl regcred rotate --resume");
            let line = line.option("--skip-search", "CONTEXT", context);
            let skip = format!("or, if you know that no other Secret there holds it: {line}");
            (error, (!context.is_empty()).then_some(skip))
        }
        SearchError::Secret(target, error) => {
            let skip = format!("or skip it: {}", skip_secret(&target));
            (error, Some(skip))
        }
    };
    let access = Access {
        is_everywhere: true,
        ..Access::to(Feature::Search)
    };
    let error = CommandError::from(error.for_access(&access));
    let what = "the old token is not revoked, because not every Secret that may hold it could be read";
    error.on(what).hints(skip)
}

/// The command that skips one Secret.
fn skip_secret(target: &Target) -> CommandLine {
    let name = format!("{}/{}", target.namespace, target.secret);
    CommandLine::new("kubectl regcred rotate --resume").option("--skip-secret", "NAMESPACE/NAME", name)
}

/// The most Secrets that one message names.
const MAX_NAMED: usize = 5;

/// A Secret that holds the old token and does not belong to this rotation.
struct Other {
    target: Target,
    is_immutable: bool,
}

/// Why the search is incomplete.
enum SearchError {
    /// The Secrets could not be listed.
    List(cluster::Error),
    /// One of them could not be read.
    Secret(Target, cluster::Error),
}

/// The Secrets with our label that hold the token, without the `known` ones.
async fn others_with(
    cluster: &Cluster,
    known: &BTreeSet<Target>,
    token: &Token,
    registry: &Registry,
    skipped: &Skipped,
) -> Result<Vec<Other>, SearchError> {
    let managed = cluster::managed_secrets(cluster).await.map_err(SearchError::List)?;
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
                // A skipped Secret need not be readable.
                Err(_) if skipped.has(&target) => Ok(None),
                Err(error) => Err(SearchError::Secret(target, error)),
            }
        })
        .buffered(AT_ONCE);
    let mut others = Vec::new();
    while let Some(one) = looked.next().await {
        others.extend(one?);
    }
    Ok(others)
}

/// An error for each Secret that does not hold the credential or could not be read.
async fn read_back(
    cluster: &Cluster,
    jobs: &[Job],
    credential: &Credential,
    abandoned: Option<&Credential>,
    access: &Access,
) -> Vec<CommandError> {
    let read = stream::iter(jobs)
        .map(|job| async move {
            let target = &job.target;
            match (cluster::observe(cluster, target).await, abandoned) {
                (Err(error), _) => Some(error.for_access(&access.for_secret(&target.secret, [])).into()),
                (Ok(Some(secret)), Some(abandoned)) if secret.mentions(&abandoned.token) => {
                    Some(CommandError::failed(format_args!("{target} holds the new token again")))
                }
                (Ok(Some(secret)), None) if !secret.holds(credential) => Some(
                    CommandError::failed(format_args!(
                        "{target} does not hold what was written: something else writes it too"
                    ))
                    .hint(format_args!(
                        "to leave it as it is: --resume --skip-secret {}/{}",
                        target.namespace, target.secret
                    )),
                ),
                (Ok(None), None) => Some(
                    CommandError::failed(format_args!("{target} is gone"))
                        .hint(format_args!("if this is intended: {}", skip_secret(target))),
                ),
                (Ok(_), _) => None,
            }
        })
        .buffered(AT_ONCE);
    read.filter_map(std::future::ready).collect().await
}
