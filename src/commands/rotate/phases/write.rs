//! The phase *write*: every Secret of the rotation holds the token.

use std::collections::BTreeSet;

use crate::cluster::Target;
use crate::commands::args::DryRunArg;
use crate::commands::rotate::pass::{self, Pass};
use crate::commands::rotate::places;
use crate::commands::rotate::report::Stop;
use crate::commands::rotate::session::Session;
use crate::commands::rotate::state::RotationState;
use crate::error::CommandError;
use crate::model::rotation::Which;

/// Makes every Secret hold the token that holds the other one. Those that hold neither any more are not of this rotation.
pub(super) async fn secrets(
    state: &mut RotationState,
    session: &mut Session<'_, '_>,
    which: Which,
) -> Result<(), Stop> {
    // When aborting: a place that was never reached has no Secret with the new token.
    if which == Which::New {
        places::find_the_rest(state, session, which).await?;
    }
    let writing = Pass {
        dry_run: DryRunArg::None,
        restart: false,
        unstick: false,
        only_changes: false,
    };
    let ended = pass::run(state, session, which, &writing).await?;
    let failed = ended.failed > 0 || ended.is_incomplete;
    session.report.items = ended.items;
    leave_out(state, session, &ended.left_alone)?;
    session.interrupted()?;
    if failed {
        return Err(CommandError::failed(format_args!("not every Secret holds the {which} token")).into());
    }
    Ok(())
}

/// Takes out what was found not to hold a token of this rotation.
fn leave_out(
    state: &mut RotationState,
    session: &Session<'_, '_>,
    left: &[(String, Target)],
) -> Result<(), CommandError> {
    if left.is_empty() {
        return Ok(());
    }
    for place in &mut state.journal.places {
        let context = place.context.as_deref().unwrap_or_default();
        let of_context = left.iter().filter(|(name, _)| name == context);
        let targets: BTreeSet<Target> = of_context.map(|(_, target)| target.clone()).collect();
        place.leave_out(&targets);
    }
    state.keep_journal(&session.keychain)
}
