//! Finds the Secrets that hold the token, from the command line and in the clusters.

use std::rc::Rc;

use futures_util::{StreamExt as _, stream};

use super::args::RotateArgs;
use super::journal::{ContextSecrets, Journal};
use super::report::Stop;
use super::session::{Session, Unknown};
use super::state::RotationState;
use crate::cluster::{self, Cluster, ConnectOptions, LeftAlone, SecretReader, Target};
use crate::commands::args::DryRunArg;
use crate::commands::shared::apply::{AT_ONCE, Report};
use crate::commands::shared::ledger_writer;
use crate::commands::shared::search::every_context;
use crate::commands::shared::targets::{self, Batch, Find, Job, Scope, Supply};
use crate::commands::system::System;
use crate::error::CommandError;
use crate::ledger::{Ledger, Skipped};
use crate::model::rotation::TokenVersion;

/// The most unchanged Secrets that are reported by name.
const MAX_NAMED: usize = 10;

/// The contexts of the command line, with the Secrets that can be named without asking a cluster.
pub(super) fn of_args(
    args: &RotateArgs,
    supply: &Rc<Supply>,
    system: &mut System<'_>,
) -> Result<Vec<ContextSecrets>, CommandError> {
    if args.no_secrets {
        return Ok(Vec::new());
    }
    if args.is_everywhere() {
        return everywhere(args, system);
    }
    let batches = targets::of_one(&args.targets, &args.cluster.contexts, supply, system)?;
    let entry = |Batch { context, scope }| {
        let mut entry = ContextSecrets {
            context,
            find: Find::of(&scope),
            ..ContextSecrets::default()
        };
        if let Scope::Jobs(jobs) = scope {
            entry.list(&jobs);
        }
        entry
    };
    Ok(batches.into_iter().map(entry).collect())
}

/// Every context of the kubeconfig; none if there is neither a kubeconfig nor a pod's own cluster.
fn everywhere(args: &RotateArgs, system: &System<'_>) -> Result<Vec<ContextSecrets>, CommandError> {
    let contexts = every_context(&system.env, &args.cluster.options(None)).map_err(cluster::Error::from)?;
    let has_cluster = |one: &ConnectOptions| one.context.is_some() || cluster::is_in_pod(&system.env);
    let entries = contexts.into_iter().filter(has_cluster).map(|one| ContextSecrets {
        context: one.context,
        find: Some(Find::default()),
        ..ContextSecrets::default()
    });
    Ok(entries.collect())
}

/// Finds the Secrets before prompting for a token. If one cluster cannot be reached, the rotation continues with the
/// others; but it does not begin if no cluster answers or if a Secret cannot be written.
pub(super) async fn find(
    state: &mut RotationState,
    session: &mut Session<'_, '_>,
    no_secrets: bool,
) -> Result<(), Stop> {
    find_unknown(state, session, |_| true, TokenVersion::Old).await?;
    let contexts = &state.journal.contexts;
    let is_lacking = |unknown: &Unknown| matches!(unknown, Unknown::Lacking(_));
    let lacking = session.unknown.values().any(is_lacking);
    let none_answered = !no_secrets && !contexts.is_empty() && session.unknown.len() == contexts.len();
    let mut unanswered = session.unknown.keys();
    // The current context can change before the rotation is resumed.
    if lacking || none_answered || unanswered.any(|at| contexts[*at].context.is_none()) {
        return Err(nothing_begun(&state.journal, session).into());
    }
    let is_empty = state.journal.count() == 0 && session.unknown.is_empty();
    if is_empty && state.journal.is_everywhere {
        let output = &mut session.system.output;
        output.info("no Secret gets the new token: only the keychain changes");
    } else if is_empty && !no_secrets {
        return Err(
            CommandError::failed("no Secret was found that holds the token: the rotation was not started")
                .hint("name namespaces with -n, or use -A; --no-secrets changes only the keychain")
                .into(),
        );
    }
    Ok(())
}

/// Finds the Secrets of contexts that an earlier run could not reach, and records them before any is written.
pub(super) async fn find_the_rest(
    state: &mut RotationState,
    session: &mut Session<'_, '_>,
    version: TokenVersion,
) -> Result<(), Stop> {
    // Once in a run: waiting twice for an unreachable cluster would be useless.
    if find_unknown(state, session, |entry| entry.secrets.is_none(), version).await? {
        state.store_journal(&session.keychain)?;
    }
    Ok(())
}

/// Reads these contexts if this run has not read them yet. Returns whether one of them answered.
async fn find_unknown(
    state: &mut RotationState,
    session: &mut Session<'_, '_>,
    is_selected: fn(&ContextSecrets) -> bool,
    version: TokenVersion,
) -> Result<bool, Stop> {
    let supply = state.supply(version, &session.keychain)?;
    let mut has_answer = false;
    let interrupt = session.interrupt.clone();
    let ledger = ledger_writer::read(session.system);
    interrupt.or(session.connect_all(state, &ledger)).await?;
    let skipped = state.not_written(&ledger, &session.keychain)?;
    for at in 0..state.journal.contexts.len() {
        if !is_selected(&state.journal.contexts[at]) || session.unknown.contains_key(&at) {
            continue;
        }
        let interrupt = session.interrupt.clone();
        match interrupt
            .or(find_in_context(state, session, at, &supply, (&ledger, &skipped)))
            .await?
        {
            Ok(()) => has_answer = true,
            Err(unknown) => drop(session.unknown.insert(at, unknown)),
        }
    }
    // One context may lack a permission that another one for the same cluster has.
    let contexts = &mut state.journal.contexts;
    let is_listed = |at: &usize| is_listed_elsewhere(contexts, *at);
    let duplicates: Vec<usize> = session.unknown.keys().copied().filter(is_listed).collect();
    for at in duplicates {
        session.unknown.remove(&at);
        contexts[at].leave_to_another();
    }
    Ok(has_answer)
}

/// Whether the Secrets of this context's cluster were found through another context.
fn is_listed_elsewhere(contexts: &[ContextSecrets], at: usize) -> bool {
    let is_other = |(other, entry): (usize, &ContextSecrets)| {
        other != at && entry.secrets.is_some() && entry.find.is_some() && entry.is_cluster_of(&contexts[at])
    };
    contexts.iter().enumerate().any(is_other)
}

/// Finds the Secrets of a context, and records its name, server and Secrets.
async fn find_in_context(
    state: &mut RotationState,
    session: &mut Session<'_, '_>,
    at: usize,
    supply: &Rc<Supply>,
    (ledger, skipped): (&Ledger, &Skipped),
) -> Result<(), Unknown> {
    let unreached = |error: cluster::Error| Unknown::Unreached(error.into());
    let cluster = session.cluster(state, at).await.map_err(Unknown::Unreached)?;
    let access = state.journal.access();
    let is_everywhere = state.journal.is_everywhere;
    if is_everywhere && is_listed_elsewhere(&state.journal.contexts, at) {
        state.journal.contexts[at].leave_to_another();
        return Ok(());
    }
    let entry = &mut state.journal.contexts[at];
    // The name is needed later, when another context may be the current one.
    entry.context = Some(cluster.context().to_owned()).filter(|name| !name.is_empty());
    entry.server = Some(cluster.server().to_owned());
    let jobs = match entry.find.as_ref().filter(|_| entry.secrets.is_none()) {
        None => {
            cluster.check().await.map_err(unreached)?;
            entry.jobs(supply)
        }
        Some(find) => {
            let found = targets::find(find.scope(supply), &cluster).await;
            let mut found = found.map_err(|error| unreached(error.for_access(&access)))?;
            if find.is_known() {
                cluster.check().await.map_err(unreached)?;
            }
            Report::new(None, DryRunArg::None, false).found(&found, session.system);
            found.lacking.retain(|(target, _)| !skipped.has(target));
            if !found.lacking.is_empty() {
                return Err(Unknown::Lacking(found.lacking));
            }
            found.jobs
        }
    };
    let mut jobs = jobs;
    if let Some(id) = entry.cluster.as_ref().filter(|_| is_everywhere) {
        let mut known = ledger.secrets_at(cluster.server(), id, &supply.credential.registry);
        for job in &jobs {
            known.remove(&job.target);
        }
        jobs.extend(known.into_iter().map(|target| Job::of_one(target, supply)));
    }
    jobs.retain(|job| !skipped.has(&job.target));
    let (jobs, left) = holders(&cluster, jobs, supply).await;
    let names_context = state.journal.contexts.len() > 1;
    report_left_out(&cluster, &left, names_context, session);
    state.journal.contexts[at].list(&jobs);
    Ok(())
}

/// A Secret that is not written.
struct LeftOut {
    target: Target,
    why: LeftAlone,
    /// Whether the token is in it all the same, where nothing of ours writes it.
    has_token: bool,
}

/// The Secrets that hold a token to be replaced, and what the others hold. A Secret that cannot be read stays in the
/// list: it is tried again when it is written, and until then the old token is not revoked.
async fn holders(cluster: &Cluster, jobs: Vec<Job>, supply: &Rc<Supply>) -> (Vec<Job>, Vec<LeftOut>) {
    let registry = &supply.credential.registry;
    let reader = SecretReader::ahead(cluster, jobs.iter().map(|job| &job.target)).await;
    let reader = &reader;
    let mut looked = stream::iter(jobs)
        .map(|job| async move {
            let holds = match (reader.observe(&job.target).await, &supply.replaces) {
                (Ok(observed), Some(own)) => cluster::instead(observed.as_ref(), registry, own).map(|holds| {
                    let mut tokens = own.current.iter();
                    let has_token = observed.is_some_and(|secret| tokens.any(|token| secret.mentions(token)));
                    (holds, has_token)
                }),
                (Err(_), _) | (_, None) => None,
            };
            (job, holds)
        })
        .buffered(AT_ONCE);
    let (mut holding, mut left) = (Vec::new(), Vec::new());
    while let Some((job, holds)) = looked.next().await {
        match holds {
            None => holding.push(job),
            Some((holds, has_token)) => left.push(LeftOut {
                target: job.target,
                why: LeftAlone {
                    registry: registry.clone(),
                    holds,
                },
                has_token,
            }),
        }
    }
    (holding, left)
}

/// Reports the Secrets that do not belong to this rotation, and what they hold instead.
fn report_left_out(cluster: &Cluster, left: &[LeftOut], names_context: bool, session: &mut Session<'_, '_>) {
    let context = match cluster.context() {
        "" => String::new(),
        name if names_context => format!(" of context {name}"),
        _ => String::new(),
    };
    let output = &mut session.system.output;
    for LeftOut { target, why, has_token } in left.iter().take(MAX_NAMED) {
        let what = if *has_token {
            "is left as it is, although the token that is rotated is in it"
        } else {
            "is left as it is: it does not hold the token that is rotated"
        };
        output.warn(format_args!("{target}{context} {what}: {why}"));
    }
    if let Some(more @ 1..) = left.len().checked_sub(MAX_NAMED) {
        output.warn(format_args!(
            "{more} more Secrets{context} are left as they are for the same reason"
        ));
    }
}

/// Reports why contexts have no Secrets yet, and returns the first reason.
fn nothing_begun(journal: &Journal, session: &mut Session<'_, '_>) -> CommandError {
    let errors: Vec<CommandError> = session
        .unknown
        .iter()
        .flat_map(|(at, unknown)| {
            let context = journal.contexts[*at].context.clone();
            let of_context = move |error: &CommandError| match &context {
                Some(context) => error.clone().on(format_args!("context {context}")),
                None => error.clone(),
            };
            unknown.errors().into_iter().map(of_context)
        })
        .collect();
    let mut errors = errors.into_iter();
    let Some(first) = errors.next() else {
        return CommandError::failed("the rotation was not started");
    };
    for error in errors {
        session.system.output.error(&error);
    }
    first.hint("the rotation was not started")
}
