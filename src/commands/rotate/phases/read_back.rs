//! The phase *read back*: verifies that every Secret holds the token and, before the old token is revoked, that no other
//! Secret holds it.

use futures_util::{StreamExt as _, stream};

use super::actions;
use crate::cluster::{self, Access, Cluster, ConnectOptions, Observed, SecretReader, Target};
use crate::commands::rotate::report::Stop;
use crate::commands::rotate::session::Session;
use crate::commands::rotate::state::RotationState;
use crate::commands::shared::apply::AT_ONCE;
use crate::commands::shared::ledger_writer;
use crate::commands::shared::search::{self, Place, Search, Unseen, every_context};
use crate::commands::shared::skipped;
use crate::commands::shared::targets::Job;
use crate::error::CommandError;
use crate::keychain::Name;
use crate::model::rotation::{Phase, TokenVersion};
use crate::model::{CommandLine, Credential, count, printable};

/// Reads every Secret back.
pub(super) async fn secrets(
    state: &RotationState,
    session: &mut Session<'_, '_>,
    version: TokenVersion,
) -> Result<(), Stop> {
    let supply = state.supply(version, &session.keychain)?;
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
        let errors = read_back(
            &cluster,
            &jobs,
            &supply.credential,
            other.as_ref(),
            &state.name,
            &access,
        );
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
        let secrets = count::show(failed, "Secret");
        return Err(CommandError::failed(format_args!("{secrets} did not read back with the {version} token")).into());
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
    let revokes = match version {
        TokenVersion::New => matches!(state.phase(), Some(Phase::Promoted | Phase::Revoking)),
        // A token that was given is not revoked.
        TokenVersion::Old => state.journal.mints,
    };
    if revokes && !state.journal.keep_old {
        search_other_secrets(state, session, version).await?;
    }
    Ok(())
}

/// The token that is revoked next, and how the rotation goes on.
#[derive(Clone, Copy)]
struct Abandoned {
    version: TokenVersion,
    /// The token that takes its place.
    current: TokenVersion,
    /// `--resume` or `--abort`
    flag: &'static str,
}

impl Abandoned {
    fn for_current(current: TokenVersion) -> Self {
        match current {
            TokenVersion::New => Self {
                version: TokenVersion::Old,
                current,
                flag: "--resume",
            },
            TokenVersion::Old => Self {
                version: TokenVersion::New,
                current,
                flag: "--abort",
            },
        }
    }

    /// The command that goes on with the rotation.
    fn command(self, name: &Name) -> CommandLine {
        name.rotate_command().words(self.flag)
    }
}

/// Searches every cluster that a context leads to for other Secrets that hold the token that is revoked next and would
/// stop working without it. A Secret that cannot be read may hold it: the token is not revoked unless the user excludes
/// that Secret by name, or wants it revoked anyway.
async fn search_other_secrets(
    state: &RotationState,
    session: &mut Session<'_, '_>,
    current: TokenVersion,
) -> Result<(), Stop> {
    let abandoned = Abandoned::for_current(current);
    let what = format!("the {} token", abandoned.version);
    let ledger = ledger_writer::read_to_revoke(&what, session.revoke_anyway, session.system)?;
    actions::check_others(state, session, &ledger, abandoned.version)?;
    let token = state.credential(abandoned.version)?.token;
    let skipped = state.skipped(abandoned.version, &ledger, &session.keychain)?;
    for context in &skipped.searches {
        session.system.output.warn(format_args!(
            "context {context} was not searched for other Secrets with the {} token, as --skip-search says",
            abandoned.version
        ));
    }
    let registries = [state.old.registry.clone()];
    let search = Search {
        env: &session.system.env,
        contexts: contexts(state, session)?,
        has_every_context: true,
        registries: &registries,
        ledger: &ledger,
        skipped: &skipped,
    };
    let interrupt = session.interrupt.clone();
    let holds = |secret: &Observed| secret.mentions(&token).then(|| Holder::of(secret));
    let mut found = interrupt.or(search.look(&holds)).await?;
    let (ignored, others): (Vec<_>, Vec<_>) = found.places.into_iter().partition(|place| skipped.has(&place.target));
    found.places = others;
    if session.revoke_anyway {
        found.report_broken("the old token", &mut session.system.output);
    } else if !found.places.is_empty() {
        return Err(still_needed(state, &found.places, abandoned).into());
    } else {
        let errors = found.unseen.into_iter();
        let errors = errors.map(|unseen| search_failed(&state.name, unseen, abandoned));
        if let Some(last) = search::all_but_last(errors, &mut session.system.output) {
            return Err(last.into());
        }
    }
    skipped::report(&skipped, &ignored, &what, &mut session.system.output);
    Ok(())
}

/// A Secret that holds the token.
struct Holder {
    /// Its type, where that is one that `sync` does not write.
    other_type: Option<String>,
}

impl Holder {
    fn of(secret: &Observed) -> Self {
        Self {
            other_type: secret.other_type().map(str::to_owned),
        }
    }

    /// How such a Secret gets another token; `None` where `sync` writes it.
    fn by_hand(&self) -> Option<String> {
        let name = self.other_type.as_deref()?;
        let sync = match name {
            "kubernetes.io/basic-auth" | "Opaque" => "sync -f writes it if regcred.yaml has its `format`",
            _ => "sync cannot write it: it needs a Secret of another name in its place",
        };
        Some(format!("its type is {}: {sync}", printable(name, MAX_TYPE)))
    }
}

/// Every context of the kubeconfig, and those of the rotation with its own flags, which may lead elsewhere.
fn contexts(state: &RotationState, session: &Session<'_, '_>) -> Result<Vec<ConnectOptions>, CommandError> {
    let options = |context: Option<&str>| state.journal.connect_options(context, session.timeout);
    let entries = state.journal.contexts.iter();
    let mut contexts: Vec<ConnectOptions> = entries.map(|entry| options(entry.context.as_deref())).collect();
    for one in every_context(&session.system.env, &options(None)).map_err(cluster::Error::from)? {
        if !contexts.iter().any(|other| other.leads_where(&one)) {
            contexts.push(one);
        }
    }
    Ok(contexts)
}

/// The error if Secrets that do not belong to this rotation hold the token.
fn still_needed(state: &RotationState, others: &[Place<Holder>], abandoned: Abandoned) -> CommandError {
    let contexts = &state.journal.contexts;
    let is_only_context =
        |place: &Place<Holder>| contexts.len() == 1 && contexts[0].context.as_deref() == Some(&place.context);
    let names_context = !others.iter().all(is_only_context);
    let error = CommandError::failed(format_args!(
        "the {} token is not revoked: it is also in {}",
        abandoned.version,
        search::named(others, names_context)
    ));
    let mut syncs: Vec<CommandLine> = Vec::new();
    let is_written = |place: &&Place<Holder>| !place.is_immutable && place.holds.other_type.is_none();
    for place in others.iter().filter(is_written) {
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
        if !syncs.contains(&sync) && syncs.len() < MAX_SYNCS {
            syncs.push(sync);
        }
    }
    let syncs = syncs.into_iter().map(|sync| {
        format!(
            "{sync} writes the {} token to them; then use {}",
            abandoned.current, abandoned.flag
        )
    });
    let by_hand = others.iter().filter_map(|place| {
        let how = place.holds.by_hand()?;
        Some(format!(
            "{}: {how}; then use {}",
            place.shown(names_context),
            abandoned.flag
        ))
    });
    let left = others.iter().find(|place| !is_written(place));
    let skip = skip_secret(abandoned.command(&state.name), &left.unwrap_or(&others[0]).target);
    error.hints(syncs).hints(by_hand.take(MAX_SYNCS)).hint(format_args!(
        "skip a Secret that cannot be changed: {skip}; or do not revoke the {} token: --keep-old",
        abandoned.version
    ))
}

/// The error if something could not be searched.
fn search_failed(rotated: &Name, unseen: Unseen, abandoned: Abandoned) -> CommandError {
    let skip = unseen.skip().map(|(flag, value, name)| {
        let line = abandoned.command(rotated).option(flag, value, name);
        match unseen {
            Unseen::Secret { .. } => format!("or skip it: {line}"),
            _ => format!("or, if you know that no other Secret there holds it: {line}"),
        }
    });
    let what = format!(
        "the {} token is not revoked, because not every Secret that may hold it could be read",
        abandoned.version
    );
    unseen.error().on(what).hints(skip)
}

/// The command that skips one Secret.
fn skip_secret(rotate: CommandLine, target: &Target) -> CommandLine {
    rotate.option("--skip-secret", "NAMESPACE/NAME", target.namespaced_name())
}

/// The longest type of a Secret that is shown, in characters.
const MAX_TYPE: usize = 100;
/// The most `sync` commands that one error suggests.
const MAX_SYNCS: usize = 5;

/// An error for each Secret that does not hold the credential or could not be read.
async fn read_back(
    cluster: &Cluster,
    jobs: &[Job],
    credential: &Credential,
    abandoned: Option<&Credential>,
    rotated: &Name,
    access: &Access,
) -> Vec<CommandError> {
    let skip = |target: &Target| skip_secret(rotated.rotate_command().words("--resume"), target);
    let skip = &skip;
    let reader = SecretReader::ahead(cluster, jobs.iter().map(|job| &job.target)).await;
    let reader = &reader;
    let read = stream::iter(jobs)
        .map(|job| async move {
            let target = &job.target;
            match (reader.observe(target).await, abandoned) {
                (Err(error), _) => Some(error.for_access(&access.for_secret(&target.secret, [])).into()),
                (Ok(Some(secret)), Some(abandoned)) if secret.mentions(&abandoned.token) => {
                    Some(CommandError::failed(format_args!("{target} holds the new token again")))
                }
                (Ok(Some(secret)), None) if !secret.holds(credential) => Some(
                    CommandError::failed(format_args!(
                        "{target} does not hold what was written: something else writes it too"
                    ))
                    .hint(format_args!("to leave it as it is: {}", skip(target))),
                ),
                (Ok(None), None) => Some(
                    CommandError::failed(format_args!("{target} is gone"))
                        .hint(format_args!("if this is intended: {}", skip(target))),
                ),
                (Ok(_), _) => None,
            }
        })
        .buffered(AT_ONCE);
    read.filter_map(std::future::ready).collect().await
}
