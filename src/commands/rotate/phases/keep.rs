//! Phases that are one write of the keychain's item: *pending*, *promote*, and the marks on the way.

use crate::commands::rotate::session::Session;
use crate::commands::rotate::state::RotationState;
use crate::commands::shared::book;
use crate::commands::shared::token_id::token_id;
use crate::error::CommandError;
use crate::model::Use;
use crate::model::rotation::{Phase, Way};

/// Keeps the phase and the tokens that belong to it.
pub(super) fn phase(
    state: &mut RotationState,
    session: &mut Session<'_, '_>,
    phase: Phase,
) -> Result<(), CommandError> {
    state.keep(phase, &session.keychain)?;
    if let Some(id) = token_id(&session.keychain, state.name.usage, &state.credential(phase.current())?)? {
        book::note(session.system, |ledger, now| ledger.is_current(&id, now));
    }
    let output = &mut session.system.output;
    match phase {
        Phase::Writing if session.report.way == Way::Forward => output.say("kept the new token beside the old one"),
        Phase::Writing => output.say("the old token is current again"),
        Phase::Promoted => {
            let reader = match state.name.usage {
                Use::Docker => "docker",
                Use::Cluster => "sync",
            };
            output.say(format_args!("the new token is current: {reader} gets it from now on"));
        }
        Phase::Minting | Phase::Revoking | Phase::Reverted => {}
    }
    Ok(())
}
