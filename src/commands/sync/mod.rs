//! `kubectl regcred sync`: makes the Secrets of the targets hold the credential.

use super::rbac::access_of;
use super::shared::apply::{After, Interrupt, Report, Rollouts, Run};
use super::shared::authorship::{self, Authorship, Making};
use super::shared::kept::Kept;
use super::shared::ledger_writer::{self, LedgerWriter};
use super::shared::proof::Proofs;
use super::shared::targets::{self, Selected};
use super::system::System;
use crate::cluster::{self, RestartTime, SyncOptions};
use crate::error::{CommandError, Exit};

mod actions;
mod args;
mod detach;
mod manifests;
mod named;
mod remove;

pub use args::SyncArgs;

pub(super) fn run(args: &SyncArgs, system: &mut System<'_>) -> Result<Exit, CommandError> {
    let after = After {
        service_accounts: args.after.service_accounts.clone(),
        restart: args.after.restarts.restart,
        unstick: args.after.restarts.unstick,
        at: RestartTime::now(),
        dry_run: args.dry_run.mode.into(),
        access: access_of(args),
    };
    if args.after.detach {
        return cluster::block_on(detach::run(args, &after, system))?;
    }
    if let Some(registry) = args.registry.as_ref().filter(|_| args.remove) {
        return cluster::block_on(remove::run(args, registry, &after, system))?;
    }
    if !args.actions_secrets.is_empty() {
        return actions::run(args, system);
    }
    let as_secret = manifests::format(args, system)?;
    let selected = targets::from_args(args, system)?;
    if selected.batches.is_empty() && selected.actions.is_empty() {
        // Only a list file can name no Secret.
        system.output.info("the list names no Secret: there is nothing to do");
    }
    match as_secret {
        Some(format) => manifests::print(selected.batches, format, args, system),
        None => cluster::block_on(sync_all(args, &after, selected, system))?,
    }
}

/// One context after the other, with one client each.
async fn sync_all(
    args: &SyncArgs,
    after: &After,
    selected: Selected,
    system: &mut System<'_>,
) -> Result<Exit, CommandError> {
    let batches = selected.batches;
    // Whatever may not be written is found before a Secret is.
    let actions = actions::Writing::prepare(args, selected.actions, system).await?;
    let mut report = Report::new(args.output, args.dry_run.mode, batches.len() > 1);
    let mut interrupt = Interrupt::listen(system.handles_interrupts)?;
    let proofs = if args.no_verify {
        Proofs::none()
    } else {
        let ledger = ledger_writer::read(system);
        Proofs::asking(&args.connection, &system.env, ledger)
    };
    // A token that is handed over is CI's, which keeps nothing.
    let keeps = after.dry_run == cluster::DryRun::None && batches.iter().any(|batch| batch.scope.is_of_keychain());
    let authorship = Authorship {
        writer: authorship::writer(&system.env, if keeps { Making::Allowed } else { Making::Never }),
        takes_over: args.take_over,
    };
    let mut kept = if after.dry_run == cluster::DryRun::None {
        Kept::watched()
    } else {
        Kept::not_watched()
    };
    let mut ledger = LedgerWriter::new(&system.env, after.dry_run == cluster::DryRun::None);
    let mut run = Run {
        options: SyncOptions {
            force_conflicts: args.force_conflicts,
            dry_run: args.dry_run.mode.into(),
        },
        after,
        proofs: &proofs,
        authorship: &authorship,
        kept: &mut kept,
        ledger: &mut ledger,
        rollouts: Rollouts::default(),
        report: &mut report,
        interrupt: &mut interrupt,
        system,
    };
    for batch in batches {
        let connect = args.cluster.options(batch.context.as_deref());
        run.batch(batch, &connect).await?;
    }
    let rollouts = run.rollouts;
    proofs.report_unproven(system);
    actions.write(&mut kept, &mut report, &interrupt, system).await?;
    report.replaced_meanwhile(kept, system);
    // A dry run has no rollouts.
    let follows = after.dry_run == cluster::DryRun::None;
    match args.after.restarts.wait.filter(|_| follows) {
        Some(_) if interrupt.times() > 0 => report.not_followed(rollouts.count()),
        Some(limit) => {
            rollouts
                .follow(limit.limit(), &mut report, &mut interrupt, system)
                .await?;
        }
        None => {}
    }
    report.finish(interrupt.times() > 0, system)
}
