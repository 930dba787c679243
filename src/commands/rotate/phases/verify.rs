//! The phase *verify*: the registry has to accept a token before it is written to a Secret.

use crate::commands::rotate::report::Stop;
use crate::commands::rotate::session::Session;
use crate::commands::rotate::state::RotationState;
use crate::commands::shared::verify;
use crate::error::CommandError;
use crate::model::rotation::{self, RefusalAction, TokenVersion};
use crate::registry::{self, Verified, VerifyError};

/// Verifies the token and reports its scopes. If the registry refuses it, returns what to do.
pub(in crate::commands::rotate) async fn verify(
    state: &RotationState,
    session: &mut Session<'_, '_>,
    version: TokenVersion,
) -> Result<Option<RefusalAction>, Stop> {
    let error = match ask(state, session, version).await? {
        Ok(verified) => {
            if version == TokenVersion::New {
                verify::report(&verified, &state.credential(version)?, state.name.usage, session.system);
            }
            return Ok(None);
        }
        Err(error) if error.is_refusal() => error,
        Err(error) => return Err(CommandError::from(error).into()),
    };
    session.system.output.info(format_args!("the {version} token: {error}"));
    // The new token is tried only if the old one is refused: each refused attempt can count towards an account lockout.
    let other_works = version == TokenVersion::New || accepts(state, session, TokenVersion::New).await?;
    Ok(Some(rotation::refused(state.phase(), version, other_works)))
}

/// Whether the registry accepts a token. Fails if the registry gives no clear answer.
async fn accepts(state: &RotationState, session: &mut Session<'_, '_>, version: TokenVersion) -> Result<bool, Stop> {
    match ask(state, session, version).await? {
        Ok(_) => Ok(true),
        Err(error) if error.is_refusal() => Ok(false),
        Err(error) => Err(CommandError::from(error).into()),
    }
}

async fn ask(
    state: &RotationState,
    session: &mut Session<'_, '_>,
    version: TokenVersion,
) -> Result<Result<Verified, VerifyError>, Stop> {
    let credential = state.credential(version)?;
    session
        .ask(state, move |options, env| registry::verify(&credential, options, env))
        .await
}
