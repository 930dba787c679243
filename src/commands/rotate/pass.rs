//! One pass over all Secrets of a rotation: writing them, restarting what uses them, or the plan of that.

use super::report::Stop;
use super::session::Session;
use super::state::RotationState;
use crate::cluster::{RestartTime, SyncOptions};
use crate::commands::args::DryRunArg;
use crate::commands::shared::apply::{After, Ended, Report, Rollouts, Run};
use crate::commands::shared::book::Book;
use crate::commands::shared::proof::Proofs;
use crate::commands::shared::targets::Found;
use crate::error::CommandError;
use crate::model::rotation::Which;

/// What a pass over the Secrets is for.
pub(super) struct Pass {
    pub(super) dry_run: DryRunArg,
    pub(super) restart: bool,
    pub(super) unstick: bool,
    /// Report only what changes.
    pub(super) only_changes: bool,
}

/// Works through the Secrets of all places, in which `which` takes the place of the other token.
pub(super) async fn run(
    state: &mut RotationState,
    session: &mut Session<'_, '_>,
    which: Which,
    pass: &Pass,
) -> Result<Ended, Stop> {
    let supply = state.supply(which, &session.keychain)?;
    let after = After {
        service_accounts: Vec::new(),
        restart: pass.restart,
        unstick: pass.unstick,
        at: RestartTime::now(),
        dry_run: pass.dry_run.into(),
        access: state.journal.access(),
    };
    let places = state.journal.places.len();
    let mut report = Report::new(session.report.lines, pass.dry_run, places > 1).of_rotation();
    if pass.only_changes {
        report = report.of_changes();
    }
    let mut rollouts = Rollouts::default();
    // The phases that come before have proven it.
    let proofs = Proofs::none();
    let mut book = Book::of_rotation(&session.system.env, pass.dry_run == DryRunArg::None);
    for at in 0..places {
        let place = &state.journal.places[at];
        let context = place.context.as_deref();
        if session.interrupt.times() > 0 {
            report.not_begun(context);
            continue;
        }
        if place.secrets.is_none() {
            if let Some(unknown) = session.unknown.get(&at).filter(|_| which == Which::New) {
                for error in unknown.errors() {
                    report.cluster_failed(context, error, session.system);
                }
            }
            continue;
        }
        let cluster = match session.cluster(state, at).await {
            Ok(cluster) => cluster,
            Err(error) => {
                report.cluster_failed(context, &error, session.system);
                continue;
            }
        };
        let mut run = Run {
            proofs: &proofs,
            book: &mut book,
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
            jobs: place.jobs(&supply),
            ..Found::default()
        };
        run.found(&cluster, found).await?;
        rollouts = run.rollouts;
    }
    let follows = pass.restart && pass.dry_run == DryRunArg::None && session.interrupt.times() == 0;
    if let Some(limit) = state.journal.wait.filter(|_| follows) {
        // What was restarted is not to be restarted again because one of them hangs.
        if report.is_clean() {
            restarted(state, session)?;
        }
        let (interrupt, system) = (&mut session.interrupt, &mut *session.system);
        rollouts.follow(limit.limit(), &mut report, interrupt, system).await?;
    }
    Ok(report.end(session.system))
}

/// Writes down that nothing is left to be restarted.
pub(super) fn restarted(state: &mut RotationState, session: &Session<'_, '_>) -> Result<(), CommandError> {
    (state.journal.restart, state.journal.unstick) = (false, false);
    state.keep_journal(&session.keychain)
}
