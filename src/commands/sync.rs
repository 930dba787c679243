//! `kubectl regcred sync`: makes the Secrets of the targets hold the credential.

use super::rbac::access_of;
use super::system::System;
use super::targets::{self, Batch};
use crate::cli::{ClusterArgs, DryRunArg, SyncArgs};
use crate::cluster::{self, ConnectOptions, DryRun, Impersonate, RestartTime, SyncOptions};
use crate::error::{CommandError, Exit};

mod after;
mod detach;
mod follow;
mod interrupt;
mod manifests;
mod one;
mod report;
mod run;

use after::After;
use follow::Rollouts;
use interrupt::Interrupt;
use report::Report;
use run::Run;

pub(super) fn run(args: &SyncArgs, system: &mut System<'_>) -> Result<Exit, CommandError> {
    let after = After {
        args: &args.after,
        at: RestartTime::now(),
        dry_run: dry_run(args.dry_run),
        access: access_of(args),
    };
    if args.after.detach {
        return cluster::block_on(detach::run(args, &after, system))?;
    }
    let as_secret = manifests::format(args, system)?;
    let batches = targets::from_args(args, system)?;
    match as_secret {
        Some(format) => manifests::print(batches, format, system),
        None => cluster::block_on(sync_all(args, &after, batches, system))?,
    }
}

/// One context after the other, with one client each.
async fn sync_all(
    args: &SyncArgs,
    after: &After<'_>,
    batches: Vec<Batch>,
    system: &mut System<'_>,
) -> Result<Exit, CommandError> {
    let mut report = Report::new(args, batches.len() > 1);
    let mut interrupt = Interrupt::listen(system.handles_interrupts)?;
    let mut run = Run {
        options: SyncOptions {
            force_conflicts: args.force_conflicts,
            dry_run: dry_run(args.dry_run),
        },
        after,
        rollouts: Rollouts::default(),
        report: &mut report,
        interrupt: &mut interrupt,
        system,
    };
    for batch in batches {
        let connect = connect_options(&args.cluster, batch.context.as_deref());
        run.batch(batch, &connect).await?;
    }
    let rollouts = run.rollouts;
    // Nothing rolls out in a dry run.
    let follows = after.dry_run == DryRun::None;
    if let Some(limit) = args.after.wait.filter(|_| follows && interrupt.times == 0) {
        rollouts
            .follow(limit.limit(), &after.access, &mut report, &mut interrupt, system)
            .await?;
    }
    report.finish(interrupt.times > 0, system)
}

fn connect_options(args: &ClusterArgs, context: Option<&str>) -> ConnectOptions {
    ConnectOptions {
        kubeconfig: args.kubeconfig.clone(),
        context: context.map(str::to_owned),
        cluster: args.cluster.clone(),
        user: args.user.clone(),
        impersonate: Impersonate {
            user: args.impersonate.clone(),
            groups: args.impersonate_groups.clone(),
            uid: args.impersonate_uid.clone(),
        },
        request_timeout: args.request_timeout.unwrap_or_default(),
        service_account: None,
    }
}

fn dry_run(arg: DryRunArg) -> DryRun {
    match arg {
        DryRunArg::None => DryRun::None,
        DryRunArg::Client => DryRun::Client,
        DryRunArg::Server => DryRun::Server,
    }
}
