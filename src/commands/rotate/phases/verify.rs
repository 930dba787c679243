//! The phase *verify*: the registry has to accept a token before a Secret gets it.

use crate::commands::rotate::report::Stop;
use crate::commands::rotate::session::Session;
use crate::commands::rotate::state::RotationState;
use crate::commands::shared::verify;
use crate::error::CommandError;
use crate::model::rotation::{self, Instead, Which};
use crate::registry::{self, Verified, VerifyError};

/// Verifies the token and says what it may do; what to do instead of going on, where it is refused.
pub(in crate::commands::rotate) async fn prove(
    state: &RotationState,
    session: &mut Session<'_, '_>,
    which: Which,
) -> Result<Option<Instead>, Stop> {
    let error = match ask(state, session, which).await? {
        Ok(verified) => {
            if which == Which::New {
                verify::report(&verified, &state.credential(which)?, state.name.usage, session.system);
            }
            return Ok(None);
        }
        Err(error) if error.is_refusal() => error,
        Err(error) => return Err(CommandError::from(error).into()),
    };
    session.system.output.say(format_args!("the {which} token: {error}"));
    // The new one matters only where the old one is dead; a dead token is not tried for nothing.
    let other_works = which == Which::New || accepts(state, session, Which::New).await?;
    Ok(Some(rotation::refused(state.phase(), which, other_works)))
}

/// Whether the registry accepts a token; an error where it says neither yes nor no.
async fn accepts(state: &RotationState, session: &mut Session<'_, '_>, which: Which) -> Result<bool, Stop> {
    match ask(state, session, which).await? {
        Ok(_) => Ok(true),
        Err(error) if error.is_refusal() => Ok(false),
        Err(error) => Err(CommandError::from(error).into()),
    }
}

async fn ask(
    state: &RotationState,
    session: &mut Session<'_, '_>,
    which: Which,
) -> Result<Result<Verified, VerifyError>, Stop> {
    let credential = state.credential(which)?;
    session
        .ask(state, move |options, env| registry::verify(&credential, options, env))
        .await
}
