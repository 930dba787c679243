//! `--detach`: removes the Secret from ServiceAccounts. This needs no token and changes no Secret.

use futures_util::{StreamExt as _, stream};

use super::args::SyncArgs;
use super::named;
use crate::cluster::AttachAction;
use crate::commands::shared::apply::{AT_ONCE, After, AfterResult, Report};
use crate::commands::shared::targets;
use crate::commands::system::System;
use crate::error::{CommandError, Exit};

/// Detaches in every selected namespace, a few at a time.
pub(super) async fn run(args: &SyncArgs, after: &After, system: &mut System<'_>) -> Result<Exit, CommandError> {
    let contexts = targets::contexts(&args.cluster.contexts);
    let mut report = Report::new(args.output, args.dry_run.mode, contexts.len() > 1);
    for context in contexts.iter().map(Option::as_deref) {
        let Some((cluster, targets)) = named::connect(args, context, after, &mut report, system).await else {
            continue;
        };
        let accounts: Vec<_> = after.service_accounts.iter().collect();
        let (accounts, connected) = (&accounts, &cluster);
        let mut work = stream::iter(targets)
            .map(|target| async move {
                let mut after_result = AfterResult::default();
                let (namespace, secret) = (&target.namespace, &target.secret);
                after
                    .attach(
                        connected,
                        namespace,
                        secret,
                        accounts,
                        AttachAction::Detach,
                        &mut after_result,
                    )
                    .await;
                (target, after_result)
            })
            .buffered(AT_ONCE);
        while let Some((target, after_result)) = work.next().await {
            report.detached(cluster.context(), &target, after_result, system)?;
        }
    }
    report.finish(false, system)
}
