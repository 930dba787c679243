//! The phase *restart*: `--restart` and `--unstick`.

use crate::commands::args::DryRunArg;
use crate::commands::rotate::pass::{self, Pass};
use crate::commands::rotate::report::Stop;
use crate::commands::rotate::session::Session;
use crate::commands::rotate::state::RotationState;
use crate::error::CommandError;
use crate::model::rotation::TokenVersion;

/// Does what remains of `--restart`, `--wait` and `--unstick`.
pub(super) async fn workloads(state: &mut RotationState, session: &mut Session<'_, '_>) -> Result<(), Stop> {
    let restarting = Pass {
        dry_run: DryRunArg::None,
        restart: state.journal.restart,
        unstick: state.journal.unstick,
        only_changes: true,
    };
    if !restarting.restart && !restarting.unstick {
        return Ok(());
    }
    let ended = pass::run(state, session, TokenVersion::New, &restarting).await?;
    let failed = ended.failed > 0 || ended.is_incomplete;
    session.report.restarts = ended.items;
    session.interrupted()?;
    if failed {
        return Err(CommandError::failed("not every workload was restarted or became ready again").into());
    }
    pass::restarted(state, session)?;
    Ok(())
}
