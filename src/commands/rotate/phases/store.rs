//! Phases that only write the keychain's item: *pending*, *promote* and the progress in between.

use crate::commands::rotate::session::Session;
use crate::commands::rotate::state::RotationState;
use crate::commands::shared::ledger_writer;
use crate::commands::shared::token_id::token_id;
use crate::error::CommandError;
use crate::model::Use;
use crate::model::rotation::{Direction, Phase};

/// Stores the phase with its tokens.
pub(super) fn phase(
    state: &mut RotationState,
    session: &mut Session<'_, '_>,
    phase: Phase,
) -> Result<(), CommandError> {
    state.store(phase, &session.keychain)?;
    if let Some(id) = token_id(&session.keychain, state.name.usage, &state.credential(phase.current())?)? {
        ledger_writer::update(session.system, |ledger, now| ledger.is_current(&id, now));
    }
    let output = &mut session.system.output;
    match phase {
        Phase::Writing if session.report.direction == Direction::Forward => {
            output.info("kept the new token beside the old one");
        }
        Phase::Writing => output.info("the old token is current again"),
        Phase::Promoted => {
            let reader = match state.name.usage {
                Use::Docker => "docker",
                Use::Cluster | Use::Named(_) => "sync",
            };
            output.info(format_args!("the new token is current: {reader} gets it from now on"));
        }
        Phase::Minting | Phase::Revoking | Phase::Reverted => {}
    }
    Ok(())
}
