//! A pass over all Secrets of a rotation: writes them, restarts the workloads that use them, or plans both.

use super::report::Stop;
use super::session::Session;
use super::state::RotationState;
use crate::cluster::{RestartTime, SyncOptions};
use crate::commands::args::DryRunArg;
use crate::commands::shared::apply::{After, Interrupted, PassResult, Report, Rollouts, Run};
use crate::commands::shared::authorship::{self, Authorship, Making};
use crate::commands::shared::kept::Kept;
use crate::commands::shared::ledger_writer::LedgerWriter;
use crate::commands::shared::proof::Proofs;
use crate::commands::shared::targets::Found;
use crate::error::CommandError;
use crate::model::rotation::TokenVersion;

/// What a pass does.
pub(super) struct Pass {
    pub(super) dry_run: DryRunArg,
    pub(super) restart: bool,
    pub(super) unstick: bool,
    /// Report only changes.
    pub(super) only_changes: bool,
}

/// Processes the Secrets of all contexts, replacing the other token with `version`.
pub(super) async fn run(
    state: &mut RotationState,
    session: &mut Session<'_, '_>,
    version: TokenVersion,
    pass: &Pass,
) -> Result<PassResult, Stop> {
    let supply = state.supply(version, &session.keychain)?;
    let after = After {
        service_accounts: Vec::new(),
        restart: pass.restart,
        unstick: pass.unstick,
        at: RestartTime::now(),
        dry_run: pass.dry_run.into(),
        access: state.journal.access(),
    };
    let contexts = state.journal.contexts.len();
    let mut report = Report::new(session.report.lines, pass.dry_run, contexts > 1).of_rotation();
    if pass.only_changes {
        report = report.of_changes();
    }
    let mut rollouts = Rollouts::of_rotation();
    // An earlier phase has verified the token.
    let proofs = Proofs::none();
    let making = match pass.dry_run {
        DryRunArg::None => Making::Allowed,
        DryRunArg::Client | DryRunArg::Server => Making::Never,
    };
    // Its Secrets are chosen by the token that they hold.
    let authorship = Authorship {
        writer: authorship::writer(&session.system.env, making),
        takes_over: true,
    };
    // It replaces the keychain's credential itself.
    let mut kept = Kept::not_watched();
    let mut ledger = LedgerWriter::of_rotation(&session.system.env, pass.dry_run == DryRunArg::None);
    for at in 0..contexts {
        let entry = &state.journal.contexts[at];
        let context = entry.context.as_deref();
        if session.interrupt.times() > 0 {
            report.not_begun(context);
            continue;
        }
        if entry.secrets.is_none() {
            if let Some(unknown) = session.unknown.get(&at).filter(|_| version == TokenVersion::New) {
                for error in unknown.errors() {
                    report.cluster_failed(context, error, session.system);
                }
            }
            continue;
        }
        let interrupt = session.interrupt.clone();
        let cluster = match interrupt.or(session.cluster(state, at)).await {
            Ok(Ok(cluster)) => cluster,
            Err(Interrupted) => {
                report.not_begun(context);
                continue;
            }
            Ok(Err(error)) => {
                report.cluster_failed(context, &error, session.system);
                continue;
            }
        };
        let mut run = Run {
            proofs: &proofs,
            authorship: &authorship,
            kept: &mut kept,
            ledger: &mut ledger,
            options: SyncOptions {
                force_conflicts: state.journal.force_conflicts,
                dry_run: pass.dry_run.into(),
            },
            after: &after,
            rollouts,
            report: &mut report,
            interrupt: &mut session.interrupt,
            system: session.system,
        };
        let found = Found {
            jobs: entry.jobs(&supply),
            ..Found::default()
        };
        run.found(&cluster, found).await?;
        rollouts = run.rollouts;
    }
    let follows = pass.restart && pass.dry_run == DryRunArg::None && session.interrupt.times() == 0;
    if let Some(limit) = state.journal.wait.filter(|_| follows) {
        // A rollout that hangs must not cause a second restart of the others on `--resume`.
        if report.is_clean() {
            restarted(state, session)?;
        }
        let (interrupt, system) = (&mut session.interrupt, &mut *session.system);
        rollouts.follow(limit.limit(), &mut report, interrupt, system).await?;
    }
    Ok(report.end(session.system))
}

/// Records that all restarts are done.
pub(super) fn restarted(state: &mut RotationState, session: &Session<'_, '_>) -> Result<(), CommandError> {
    (state.journal.restart, state.journal.unstick) = (false, false);
    state.store_journal(&session.keychain)
}
