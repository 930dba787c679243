//! The phase *read back*: every Secret holds the token; and before the old one is revoked, no other Secret needs it.

use futures_util::{StreamExt as _, stream};

use crate::cluster::{self, Access, Cluster, ConnectOptions, Target};
use crate::commands::rotate::report::Stop;
use crate::commands::rotate::session::Session;
use crate::commands::rotate::state::RotationState;
use crate::commands::shared::apply::AT_ONCE;
use crate::commands::shared::book;
use crate::commands::shared::search::{Looked, Place, Search, Unseen, every_context};
use crate::commands::shared::targets::Job;
use crate::error::CommandError;
use crate::model::rotation::{Phase, Which};
use crate::model::{CommandLine, Credential};

/// Reads every Secret back.
pub(super) async fn secrets(state: &RotationState, session: &mut Session<'_, '_>, which: Which) -> Result<(), Stop> {
    let supply = state.supply(which, &session.keychain)?;
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

/// Looks for other Secrets that hold the old token and would stop working with it: in every cluster that a context leads
/// to. What cannot be read may hold it: then the old token stays alive, until somebody gives up by name what could not be
/// looked at, or wants it revoked anyway.
async fn look_elsewhere(state: &RotationState, session: &mut Session<'_, '_>) -> Result<(), Stop> {
    let ledger = book::ledger(session.system);
    let mut given_up = state.journal.given_up.clone();
    if let Some(known) = ledger.credential(&state.name.registry, state.name.usage) {
        given_up.add(&known.given_up);
    }
    for context in &given_up.searches {
        session.system.output.warn(format_args!(
            "context {context} was not searched for other Secrets with the old token, as --skip-search says"
        ));
    }
    let registries = [state.old.registry.clone()];
    let search = Search {
        env: &session.system.env,
        contexts: contexts(state, session)?,
        registries: &registries,
        ledger: &ledger,
        given_up: &given_up,
    };
    let interrupt = session.interrupt.clone();
    let looked = interrupt.or(search.holders(&state.old.token)).await?;
    let (given, others): (Vec<_>, Vec<_>) = looked.places.into_iter().partition(|place| given_up.has(&place.target));
    for place in given {
        session.system.output.warn(format_args!(
            "{} was given up: it holds the old token, which ends now",
            place.target
        ));
    }
    let names_context = state.journal.places.len() != 1 || {
        let context = state.journal.places[0].context.as_deref().unwrap_or_default();
        others.iter().any(|place| place.context != context)
    };
    if session.revokes_anyway {
        breaks(others, looked.unseen, session);
        return Ok(());
    }
    if !others.is_empty() {
        return Err(still_needed(state, &others, names_context).into());
    }
    let mut errors: Vec<CommandError> = looked.unseen.into_iter().map(not_seen).collect();
    let Some(last) = errors.pop() else { return Ok(()) };
    errors.iter().for_each(|error| session.system.output.error(error));
    Err(last.into())
}

/// Every context of the kubeconfig; those of the rotation are reached as it reaches them.
fn contexts(state: &RotationState, session: &Session<'_, '_>) -> Result<Vec<ConnectOptions>, CommandError> {
    let options = |context: Option<&str>| state.journal.connect_options(context, session.timeout);
    let mut contexts: Vec<ConnectOptions> = state
        .journal
        .places
        .iter()
        .map(|place| options(place.context.as_deref()))
        .collect();
    for one in every_context(&session.system.env, &options(None)).map_err(cluster::Error::from)? {
        if !contexts.iter().any(|other| other.context == one.context) {
            contexts.push(one);
        }
    }
    Ok(contexts)
}

/// Says what stops working when the old token is revoked.
fn breaks(others: Vec<Place<()>>, unseen: Vec<Unseen>, session: &mut Session<'_, '_>) {
    for place in others {
        let context = match place.context.as_str() {
            "" => String::new(),
            name => format!(" of context {name}"),
        };
        session.system.output.warn(format_args!(
            "{}{context} holds the old token, which ends now: its pods can pull no more",
            place.target
        ));
    }
    for unseen in unseen {
        let error = unseen.error().without_hints();
        session
            .system
            .output
            .warn(format_args!("{error}: what holds the old token there can pull no more"));
    }
}

/// Why the old token is not revoked, where Secrets need it that are not of this rotation.
fn still_needed(state: &RotationState, others: &[Place<()>], names_context: bool) -> CommandError {
    let error = CommandError::failed(format_args!(
        "the old token is not revoked: it is also in {}",
        Looked::named(others, names_context)
    ));
    let mut syncs: Vec<CommandLine> = Vec::new();
    for place in others.iter().filter(|place| !place.is_immutable) {
        let sync = if place.is_labelled {
            CommandLine::new("kubectl regcred sync -A")
        } else {
            CommandLine::new("kubectl regcred sync")
                .option("-n", "NAMESPACE", place.target.namespace.as_str())
                .option("--secret", "NAME", place.target.secret.as_str())
        };
        let sync = sync.option("--registry", "REGISTRY", state.name.registry.as_str());
        let sync = match place.context.as_str() {
            context if names_context && !context.is_empty() => sync.option("--context", "CONTEXT", context),
            _ => sync,
        };
        if !syncs.contains(&sync) && syncs.len() < MAX_NAMED {
            syncs.push(sync);
        }
    }
    let syncs = syncs
        .into_iter()
        .map(|sync| format!("{sync} gives them the new one, and then --resume goes on"));
    let skip = skip_secret(&others[0].target);
    error.hints(syncs).hint(format_args!(
        "what cannot be changed is given up by name: {skip}; --keep-old leaves the old token alive"
    ))
}

/// Why the old token is not revoked, where something could not be looked at.
fn not_seen(unseen: Unseen) -> CommandError {
    let skip = unseen.give_up().map(|(flag, value, name)| {
        let line = CommandLine::new("kubectl regcred rotate --resume").option(flag, value, name);
        format!("or, for those who know that it holds nothing: {line}")
    });
    let what = "the old token is not revoked, because not every Secret could be looked at that may hold it";
    unseen.error().on(what).hints(skip)
}

/// The command that gives one Secret up.
fn skip_secret(target: &Target) -> CommandLine {
    let name = format!("{}/{}", target.namespace, target.secret);
    CommandLine::new("kubectl regcred rotate --resume").option("--skip-secret", "NAMESPACE/NAME", name)
}

/// Secrets that are named in one message.
const MAX_NAMED: usize = 5;

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
