//! `--detach`: removes the Secret from ServiceAccounts. This needs no token and changes no Secret, but `-A` takes only
//! Secrets that hold what the keychain has or had.

use futures_util::{StreamExt as _, stream};

use super::args::SyncArgs;
use super::named;
use crate::cluster::{AttachAction, Cluster, DryRun, LeftAlone, SecretReader, Target};
use crate::commands::shared::apply::{AT_ONCE, After, AfterResult, Done, Report, Row};
use crate::commands::shared::known_tokens::KnownTokens;
use crate::commands::shared::ledger_writer::{self, LedgerWriter};
use crate::commands::shared::targets;
use crate::commands::system::System;
use crate::error::{CommandError, Exit};

/// Detaches in every selected namespace, a few at a time.
pub(super) async fn run(args: &SyncArgs, after: &After, system: &mut System<'_>) -> Result<Exit, CommandError> {
    let known = known_tokens(args, system)?;
    let known = known.as_ref();
    let contexts = targets::contexts(&args.cluster.contexts);
    let mut report = Report::new(args.output, args.dry_run.mode, contexts.len() > 1);
    let mut ledger = LedgerWriter::new(&system.env, after.dry_run == DryRun::None);
    for context in contexts.iter().map(Option::as_deref) {
        let Some((cluster, targets)) = named::connect(args, context, after, &mut report, system).await else {
            continue;
        };
        let reader = match known {
            Some(_) => SecretReader::ahead(&cluster, &targets).await,
            None => SecretReader::new(&cluster),
        };
        let reader = &reader;
        let mut seen = Vec::new();
        let mut work = stream::iter(targets)
            .map(|target| async move {
                let left = match known {
                    Some(known) => left_alone(reader, &target, known, after).await,
                    None => Ok(Vec::new()),
                };
                let detached = match left {
                    Ok(left) if left.is_empty() => Ok(detach(reader.cluster(), &target, after).await),
                    left => Err(left.map(|left| Done::left_alone(&left))),
                };
                (target, detached)
            })
            .buffered(AT_ONCE);
        while let Some((target, detached)) = work.next().await {
            match detached {
                Ok(after_result) => {
                    seen.extend(after_result.observation(&target));
                    report.detached(cluster.context(), &target, after_result, system)?;
                }
                Err(result) => {
                    let row = Row {
                        context: cluster.context(),
                        target: &target,
                        result,
                    };
                    report.row(row, system)?;
                }
            }
        }
        drop(work);
        ledger.saw(&cluster, &seen, system).await;
    }
    report.finish(false, system)
}

async fn detach(cluster: &Cluster, target: &Target, after: &After) -> AfterResult {
    let accounts: Vec<_> = after.service_accounts.iter().collect();
    let mut after_result = AfterResult::default();
    after
        .attach(
            cluster,
            &target.namespace,
            &target.secret,
            &accounts,
            AttachAction::Detach,
            &mut after_result,
        )
        .await;
    after_result
}

/// What the Secret holds instead of a token of ours; nothing if it holds one.
async fn left_alone(
    reader: &SecretReader<'_>,
    target: &Target,
    known: &KnownTokens,
    after: &After,
) -> Result<Vec<LeftAlone>, CommandError> {
    let access = after.access.for_secret(&target.secret, []);
    let observed = reader.observe(target).await;
    let observed = observed.map_err(|error| error.for_access(&access))?;
    Ok(known.left_alone(observed.as_ref()))
}

/// The tokens of which a Secret has to hold one, where nobody named it: anyone can give a Secret the label, and a colleague's
/// pods may pull with theirs.
fn known_tokens(args: &SyncArgs, system: &mut System<'_>) -> Result<Option<KnownTokens>, CommandError> {
    if !args.targets.scope.all_namespaces || args.trust_labels {
        return Ok(None);
    }
    let ledger = ledger_writer::read(system);
    let known = system
        .keychain()
        .map_err(CommandError::from)
        .and_then(|keychain| KnownTokens::read(&keychain, &ledger, args.registry.as_ref()));
    let known = known.map_err(|error| error.hint(named::NEEDS_NO_KEYCHAIN))?;
    if known.registries().is_empty() {
        let of = args
            .registry
            .as_ref()
            .map_or_else(String::new, |registry| format!(" of {registry}"));
        return Err(CommandError::failed(format_args!(
            "the keychain has and had no token{of}, so that it recognises no Secret"
        ))
        .hint("name the Secrets in the place of -A: -n NAMESPACE --secret NAME"));
    }
    Ok(Some(known))
}
