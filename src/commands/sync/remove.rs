//! `--remove`: removes one registry from Secrets. This needs no token, but `-A` takes only what the keychain has or had.

use futures_util::{StreamExt as _, stream};

use super::args::SyncArgs;
use super::named;
use crate::cluster::{self, DryRun, Outcome, SyncOptions};
use crate::commands::shared::apply::{AT_ONCE, After, Done, Report, Row};
use crate::commands::shared::ledger_writer::{LedgerWriter, Observation};
use crate::commands::shared::targets;
use crate::commands::system::System;
use crate::error::{CommandError, Exit};
use crate::model::{OwnTokens, Registry};

/// Removes it in every selected namespace, a few at a time.
pub(super) async fn run(
    args: &SyncArgs,
    registry: &Registry,
    after: &After,
    system: &mut System<'_>,
) -> Result<Exit, CommandError> {
    let own = own_tokens(args, registry, system)?;
    let own = own.as_ref();
    let contexts = targets::contexts(&args.cluster.contexts);
    let mut report = Report::new(args.output, args.dry_run.mode, contexts.len() > 1);
    let options = SyncOptions {
        force_conflicts: args.force_conflicts,
        dry_run: after.dry_run,
    };
    let mut ledger = LedgerWriter::new(&system.env, after.dry_run == DryRun::None);
    for context in contexts.iter().map(Option::as_deref) {
        let Some((cluster, targets)) = named::connect(args, context, after, &mut report, system).await else {
            continue;
        };
        let mut seen = Vec::new();
        let connected = &cluster;
        let mut work = stream::iter(targets)
            .map(|target| async move {
                let removed = cluster::remove(connected, &target, registry, own, options).await;
                let access = after.access.for_secret(&target.secret, []);
                (target, removed.map_err(|error| error.for_access(&access)))
            })
            .buffered(AT_ONCE);
        while let Some((target, removed)) = work.next().await {
            let is_out = removed.as_ref().is_ok_and(|one| one.outcome != Outcome::LeftAlone);
            if is_out {
                seen.push(Observation::HoldsNone(target.clone(), registry.clone()));
            }
            let row = Row {
                context: cluster.context(),
                target: &target,
                result: removed.map(Done::of).map_err(CommandError::from),
            };
            report.row(row, system)?;
        }
        drop(work);
        ledger.saw(&cluster, &seen, system).await;
    }
    report.finish(false, system)
}

/// The tokens that a Secret has to hold, where nobody named it: anyone can give a Secret the label.
fn own_tokens(
    args: &SyncArgs,
    registry: &Registry,
    system: &mut System<'_>,
) -> Result<Option<OwnTokens>, CommandError> {
    if !args.targets.scope.all_namespaces || args.trust_labels {
        return Ok(None);
    }
    let own = system.keychain().and_then(|keychain| keychain.own_tokens(registry));
    Ok(Some(own.map_err(|error| {
        CommandError::from(error).hint(named::NEEDS_NO_KEYCHAIN)
    })?))
}
