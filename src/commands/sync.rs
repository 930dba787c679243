//! `kubectl regcred sync`: makes the Secrets of the targets hold the credential.

use super::system::System;
use super::targets::{self, Batch};
use crate::cli::{ClusterArgs, DryRunArg, SyncArgs};
use crate::cluster::{self, ConnectOptions, DryRun, Impersonate, SyncOptions};
use crate::error::{CommandError, Exit};

mod interrupt;
mod manifests;
mod one;
mod report;
mod run;

use interrupt::Interrupt;
use report::Report;
use run::Run;

pub(super) fn run(args: &SyncArgs, system: &mut System<'_>) -> Result<Exit, CommandError> {
    let as_secret = manifests::format(args, system)?;
    let batches = targets::from_args(args, system)?;
    match as_secret {
        Some(format) => manifests::print(batches, format, system),
        None => cluster::block_on(sync_all(args, batches, system))?,
    }
}

/// One context after the other, with one client each.
async fn sync_all(args: &SyncArgs, batches: Vec<Batch>, system: &mut System<'_>) -> Result<Exit, CommandError> {
    let mut report = Report::new(args, batches.len() > 1);
    let mut interrupt = Interrupt::listen(system.handles_interrupts)?;
    let mut run = Run {
        options: SyncOptions {
            force_conflicts: args.force_conflicts,
            dry_run: dry_run(args.dry_run),
        },
        report: &mut report,
        interrupt: &mut interrupt,
        system,
    };
    for batch in batches {
        let connect = connect_options(&args.cluster, batch.context.as_deref());
        run.batch(batch, &connect).await?;
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
