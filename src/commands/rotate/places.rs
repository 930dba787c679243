//! Where the Secrets are that hold the token: from the command line, and from the clusters.

use std::rc::Rc;

use futures_util::{StreamExt as _, stream};

use super::args::RotateArgs;
use super::journal::{Journal, Place};
use super::report::Stop;
use super::session::{Session, Unknown};
use super::state::RotationState;
use crate::cluster::{self, Cluster, ConnectOptions, LeftAlone, Target};
use crate::commands::args::DryRunArg;
use crate::commands::shared::apply::{AT_ONCE, Report};
use crate::commands::shared::book;
use crate::commands::shared::search::every_context;
use crate::commands::shared::targets::{self, Batch, Find, Job, Scope, Supply};
use crate::commands::system::System;
use crate::error::CommandError;
use crate::ledger::Ledger;
use crate::model::rotation::Which;

/// Secrets that are left as they are and named, each in a line.
const MAX_NAMED: usize = 10;

/// The contexts of the command line, with what is known of their Secrets without asking.
pub(super) fn of_args(
    args: &RotateArgs,
    supply: &Rc<Supply>,
    system: &mut System<'_>,
) -> Result<Vec<Place>, CommandError> {
    if args.no_secrets {
        return Ok(Vec::new());
    }
    if args.is_everywhere() {
        return everywhere(args, system);
    }
    let batches = targets::of_one(&args.targets, &args.cluster.contexts, supply, system)?;
    let place = |Batch { context, scope }| {
        let mut place = Place {
            context,
            find: Find::of(&scope),
            ..Place::default()
        };
        if let Scope::Jobs(jobs) = scope {
            place.list(&jobs);
        }
        place
    };
    Ok(batches.into_iter().map(place).collect())
}

/// Every context of the kubeconfig. Where there is none, and no pod's cluster either, there are no Secrets.
fn everywhere(args: &RotateArgs, system: &System<'_>) -> Result<Vec<Place>, CommandError> {
    let contexts = every_context(&system.env, &args.cluster.options(None)).map_err(cluster::Error::from)?;
    let has_cluster = |one: &ConnectOptions| one.context.is_some() || cluster::is_in_pod(&system.env);
    let places = contexts.into_iter().filter(has_cluster).map(|one| Place {
        context: one.context,
        find: Some(Find::default()),
        ..Place::default()
    });
    Ok(places.collect())
}

/// Finds the Secrets before prompting for a token. A cluster that cannot be reached does not keep the others from getting
/// the new token; but without any, or with Secrets that cannot be written, nothing is begun.
pub(super) async fn find(
    state: &mut RotationState,
    session: &mut Session<'_, '_>,
    no_secrets: bool,
) -> Result<(), Stop> {
    find_unknown(state, session, |_| true, Which::Old).await?;
    let places = &state.journal.places;
    let is_lacking = |unknown: &Unknown| matches!(unknown, Unknown::Lacking(_));
    let lacking = session.unknown.values().any(is_lacking);
    let none_answered = !no_secrets && !places.is_empty() && session.unknown.len() == places.len();
    let mut unanswered = session.unknown.keys();
    // Which context is the current one can change before the rotation is resumed.
    if lacking || none_answered || unanswered.any(|at| places[*at].context.is_none()) {
        return Err(nothing_begun(&state.journal, session).into());
    }
    if state.journal.is_everywhere && state.journal.count() == 0 && session.unknown.is_empty() {
        session
            .system
            .output
            .say("no Secret holds the token: only the keychain changes");
    } else if !no_secrets && state.journal.count() == 0 && session.unknown.is_empty() {
        return Err(
            CommandError::failed("no Secret was found that holds the token: nothing was begun")
                .hint("name namespaces with -n, or say -A; --no-secrets changes the keychain alone")
                .into(),
        );
    }
    Ok(())
}

/// Finds the Secrets of the places that could not be reached in an earlier run, and records them before the first of
/// them gets a token.
pub(super) async fn find_the_rest(
    state: &mut RotationState,
    session: &mut Session<'_, '_>,
    which: Which,
) -> Result<(), Stop> {
    // Once in a run: a cluster that is away is not waited for twice.
    if find_unknown(state, session, |place| place.secrets.is_none(), which).await? {
        state.keep_journal(&session.keychain)?;
    }
    Ok(())
}

/// Reads these places if this run has not read them yet. Returns whether one of them answered.
async fn find_unknown(
    state: &mut RotationState,
    session: &mut Session<'_, '_>,
    is_meant: fn(&Place) -> bool,
    which: Which,
) -> Result<bool, Stop> {
    let supply = state.supply(which, &session.keychain)?;
    let mut has_answer = false;
    let interrupt = session.interrupt.clone();
    interrupt.or(session.connect_all(state)).await?;
    let ledger = book::ledger(session.system);
    for at in 0..state.journal.places.len() {
        if !is_meant(&state.journal.places[at]) || session.unknown.contains_key(&at) {
            continue;
        }
        let interrupt = session.interrupt.clone();
        match interrupt
            .or(find_in_place(state, session, at, &supply, &ledger))
            .await?
        {
            Ok(()) => has_answer = true,
            Err(unknown) => drop(session.unknown.insert(at, unknown)),
        }
    }
    // What one context could not do, another one that leads to the same cluster may have done.
    let places = &mut state.journal.places;
    let doubled: Vec<usize> = session
        .unknown
        .keys()
        .copied()
        .filter(|at| is_doubled(places, *at))
        .collect();
    for at in doubled {
        session.unknown.remove(&at);
        places[at].is_of_another();
    }
    Ok(has_answer)
}

/// Whether another context that leads to the same cluster has listed its Secrets.
fn is_doubled(places: &[Place], at: usize) -> bool {
    let is_other = |(other, place): (usize, &Place)| {
        other != at && place.secrets.is_some() && place.find.is_some() && place.is_cluster_of(&places[at])
    };
    places.iter().enumerate().any(is_other)
}

/// Asks a place for its Secrets, and writes down which context, server and Secrets it is about.
async fn find_in_place(
    state: &mut RotationState,
    session: &mut Session<'_, '_>,
    at: usize,
    supply: &Rc<Supply>,
    ledger: &Ledger,
) -> Result<(), Unknown> {
    let unreached = |error: cluster::Error| Unknown::Unreached(error.into());
    let cluster = session.cluster(state, at).await.map_err(Unknown::Unreached)?;
    let access = state.journal.access();
    let is_everywhere = state.journal.is_everywhere;
    if is_everywhere && is_doubled(&state.journal.places, at) {
        state.journal.places[at].is_of_another();
        return Ok(());
    }
    let place = &mut state.journal.places[at];
    // A name is needed tomorrow, when another context may be the current one.
    place.context = Some(cluster.context().to_owned()).filter(|name| !name.is_empty());
    place.server = Some(cluster.server().to_owned());
    let jobs = match place.find.as_ref().filter(|_| place.secrets.is_none()) {
        None => {
            cluster.check().await.map_err(unreached)?;
            place.jobs(supply)
        }
        Some(find) => {
            let found = targets::find(find.scope(supply), &cluster).await;
            let found = found.map_err(|error| unreached(error.for_access(&access)))?;
            if find.is_known() {
                cluster.check().await.map_err(unreached)?;
            }
            Report::new(None, DryRunArg::None, false).found(&found, session.system);
            if !found.lacking.is_empty() {
                return Err(Unknown::Lacking(found.lacking));
            }
            found.jobs
        }
    };
    let mut jobs = jobs;
    if let Some(id) = place.cluster.as_ref().filter(|_| is_everywhere) {
        let known = ledger.secrets_in(&supply.credential.registry, id).into_iter();
        let known = known.filter(|target| !jobs.iter().any(|job| job.target == *target));
        let known: Vec<Job> = known.map(|target| Job::of_one(target, supply)).collect();
        jobs.extend(known);
    }
    let (jobs, left) = holders(&cluster, jobs, supply).await;
    let names_context = state.journal.places.len() > 1;
    say_left_out(&cluster, &left, names_context, session);
    state.journal.places[at].list(&jobs);
    Ok(())
}

/// Which of the Secrets hold a token that the supply replaces, and what the others hold. One that cannot be read stays:
/// it is tried again when it is to be written, and keeps the old token alive.
async fn holders(cluster: &Cluster, jobs: Vec<Job>, supply: &Rc<Supply>) -> (Vec<Job>, Vec<(Target, LeftAlone)>) {
    let registry = &supply.credential.registry;
    let mut looked = stream::iter(jobs)
        .map(|job| async move {
            let holds = match (cluster::observe(cluster, &job.target).await, &supply.replaces) {
                (Ok(observed), Some(own)) => cluster::instead(observed.as_ref(), registry, own),
                (Err(_), _) | (_, None) => None,
            };
            (job, holds)
        })
        .buffered(AT_ONCE);
    let (mut holding, mut left) = (Vec::new(), Vec::new());
    while let Some((job, holds)) = looked.next().await {
        match holds {
            None => holding.push(job),
            Some(holds) => left.push((
                job.target,
                LeftAlone {
                    registry: registry.clone(),
                    holds,
                },
            )),
        }
    }
    (holding, left)
}

/// Says which Secrets are not of this rotation, and what they hold instead.
fn say_left_out(cluster: &Cluster, left: &[(Target, LeftAlone)], names_context: bool, session: &mut Session<'_, '_>) {
    let context = match cluster.context() {
        "" => String::new(),
        name if names_context => format!(" of context {name}"),
        _ => String::new(),
    };
    let output = &mut session.system.output;
    for (target, holds) in left.iter().take(MAX_NAMED) {
        output.warn(format_args!(
            "{target}{context} is left as it is: it does not hold the token that is rotated: {holds}"
        ));
    }
    if let Some(more @ 1..) = left.len().checked_sub(MAX_NAMED) {
        output.warn(format_args!(
            "{more} more Secrets{context} are left as they are for the same reason"
        ));
    }
}

/// Reports why places have no Secrets yet, and returns the first reason.
fn nothing_begun(journal: &Journal, session: &mut Session<'_, '_>) -> CommandError {
    let errors: Vec<CommandError> = session
        .unknown
        .iter()
        .flat_map(|(at, unknown)| {
            let context = journal.places[*at].context.clone();
            let of_context = move |error: &CommandError| match &context {
                Some(context) => error.clone().on(format_args!("context {context}")),
                None => error.clone(),
            };
            unknown.errors().into_iter().map(of_context)
        })
        .collect();
    let mut errors = errors.into_iter();
    let Some(first) = errors.next() else {
        return CommandError::failed("nothing was begun");
    };
    for error in errors {
        session.system.output.error(&error);
    }
    first.hint("nothing was begun")
}
