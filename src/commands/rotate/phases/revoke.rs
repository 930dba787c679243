//! The phase *revoke*: the token that is no longer used is deleted at the registry, last.

use crate::commands::rotate::report::{Revocation, Stop};
use crate::commands::rotate::session::Session;
use crate::commands::rotate::state::RotationState;
use crate::commands::shared::token_id::token_id;
use crate::commands::shared::{ledger_writer, stored_twice};
use crate::error::CommandError;
use crate::model::rotation::TokenVersion;
use crate::registry::{self, Account, Options, RevokeError, Revoked, SiteError};
use crate::sys::env::Env;

/// Deletes the token: authenticated by the token itself or, if that is refused, by the account's password.
pub(super) async fn token(
    state: &RotationState,
    session: &mut Session<'_, '_>,
    version: TokenVersion,
) -> Result<(), Stop> {
    let credential = state.credential(version)?;
    // It may have been stored again since the rotation began.
    if !session.revoke_anyway {
        stored_twice::refuse(&session.keychain, &state.name, &credential.token)?;
    }
    let revoke = move |account: Option<&Account>, options: &Options, env: &Env| {
        registry::revoke(&credential, account, options, env)
    };
    let by_itself = revoke.clone();
    let by_itself = session
        .ask(state, move |options, env| by_itself(None, options, env))
        .await?;
    let wants_password = by_itself.as_ref().is_err_and(RevokeError::wants_password);
    if wants_password && version == TokenVersion::Old {
        session.find_owner(state).await?;
    }
    let revoked = match by_itself {
        Err(_) if wants_password && session.can_ask(state) => {
            let revoked = session
                .ask_as_account(
                    state,
                    [RevokeError::wants_code, RevokeError::refuses_code],
                    move |account, options, env| revoke(Some(account), options, env),
                )
                .await?;
            revoked.map_err(CommandError::from)?
        }
        Err(RevokeError::Site(SiteError::NotGitea { registry })) => {
            session.system.output.warn(format_args!(
                "{registry} is not a Gitea server: delete the {version} token there, or change the password"
            ));
            session.report.revocation = Revocation::ByHand;
            return Ok(());
        }
        Err(error @ RevokeError::Password) => {
            session
                .system
                .output
                .warn(format_args!("the {version} token was not revoked: {error}"));
            session.report.revocation = Revocation::ByHand;
            return Ok(());
        }
        Err(error) => {
            let error = CommandError::from(error).on(format_args!("the {version} token was not revoked"));
            let password = wants_password.then(|| {
                "delete it there and repeat this command; or give the account's password with --password-stdin; \
                 or leave the token valid with --keep-old"
                    .to_owned()
            });
            return Err(error.hints(password).into());
        }
        Ok(revoked) => revoked,
    };
    session.system.output.info(match revoked {
        Revoked::Now => format!("revoked the {version} token"),
        Revoked::Before => format!("the {version} token was already revoked"),
    });
    session.report.revocation = Revocation::Done;
    record_revoked(state, session, version)
}

/// Records in the ledger that the token is revoked, and what was skipped for that.
fn record_revoked(state: &RotationState, session: &mut Session<'_, '_>, version: TokenVersion) -> Result<(), Stop> {
    let id = token_id(&session.keychain, state.name.usage, &state.credential(version)?).map_err(CommandError::from)?;
    let (name, skipped) = (&state.name, &state.journal.skipped);
    ledger_writer::update(session.system, |ledger, now| {
        if let Some(id) = &id {
            ledger.revoked(id, now);
        }
        if !skipped.is_empty() {
            ledger.credential_mut(&name.registry, name.usage).skipped.add(skipped);
        }
    });
    Ok(())
}
