//! The phase *revoke*: the token that is no longer used is deleted at the registry, last.

use crate::commands::rotate::report::{Revocation, Stop};
use crate::commands::rotate::session::Session;
use crate::commands::rotate::state::RotationState;
use crate::commands::shared::token_id::token_id;
use crate::commands::shared::{ledger_writer, stored_twice};
use crate::error::CommandError;
use crate::model::Token;
use crate::model::rotation::TokenVersion;
use crate::registry::{self, Options, RevokeError, Revoked, SiteError};
use crate::sys::env::Env;

/// Deletes the token: authenticated by the token itself or, if that is refused, by the account's password.
pub(super) async fn token(
    state: &RotationState,
    session: &mut Session<'_, '_>,
    version: TokenVersion,
) -> Result<(), Stop> {
    let credential = state.credential(version)?;
    let ensure_unneeded = unneeded(state, session, &credential.token);
    let by_itself = {
        let (ensure_unneeded, credential) = (ensure_unneeded.clone(), credential.clone());
        let revoke = move |options: &Options, env: &Env| {
            ensure_unneeded()?;
            Ok::<_, CommandError>(registry::revoke(&credential, None, options, env))
        };
        session.ask(state, revoke).await??
    };
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
                    move |account, options, env| {
                        if let Err(error) = ensure_unneeded() {
                            return Ok(Err(error));
                        }
                        registry::revoke(&credential, Some(account), options, env).map(Ok)
                    },
                )
                .await?;
            revoked.map_err(CommandError::from)??
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

/// Looks whether nothing needs the token: this rotation is as it was, and the keychain has the token for no other use. It is
/// called right before each request, because a prompt before it leaves time for another process.
fn unneeded(
    state: &RotationState,
    session: &Session<'_, '_>,
    token: &Token,
) -> impl Fn() -> Result<(), CommandError> + Clone + Send + use<> {
    let unchanged = state.unchanged(&session.keychain);
    let (keychain, name, token) = (session.keychain.clone(), state.name.clone(), token.clone());
    let revoke_anyway = session.revoke_anyway;
    move || {
        unchanged()?;
        if revoke_anyway {
            return Ok(());
        }
        stored_twice::refuse(&keychain, &name, &token)
    }
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
