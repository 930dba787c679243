//! The phase *revoke*: the token that is no longer used is deleted at the registry, last.

use crate::commands::rotate::report::{Revocation, Stop};
use crate::commands::rotate::session::Session;
use crate::commands::rotate::state::RotationState;
use crate::commands::shared::book;
use crate::commands::shared::token_id::token_id;
use crate::error::CommandError;
use crate::model::rotation::Which;
use crate::registry::{self, Account, Options, RevokeError, Revoked, SiteError};
use crate::sys::env::Env;

/// Deletes the token: with itself, or else with the account's password.
pub(super) async fn token(state: &RotationState, session: &mut Session<'_, '_>, which: Which) -> Result<(), Stop> {
    let credential = state.credential(which)?;
    let revoke = move |account: Option<&Account>, options: &Options, env: &Env| {
        registry::revoke(&credential, account, options, env)
    };
    let by_itself = revoke.clone();
    let revoked = match session
        .ask(state, move |options, env| by_itself(None, options, env))
        .await?
    {
        Err(error) if error.wants_password() && session.can_ask() => {
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
                "{registry} is no Gitea: delete the {which} token there, or change the password"
            ));
            session.report.revocation = Revocation::ByHand;
            return Ok(());
        }
        Err(error) => {
            let wants_password = error.wants_password();
            let error = CommandError::from(error).on(format_args!("the {which} token was not revoked"));
            let password = wants_password.then(|| {
                "once it is deleted there, the same command again sees that and ends; or give the account's \
                 password with --password-stdin, or leave it alive with --keep-old"
                    .to_owned()
            });
            return Err(error.hints(password).into());
        }
        Ok(revoked) => revoked,
    };
    session.system.output.say(match revoked {
        Revoked::Now => format!("revoked the {which} token"),
        Revoked::Before => format!("the {which} token was gone already"),
    });
    session.report.revocation = Revocation::Done;
    note_revoked(state, session, which)
}

/// Remembers that what still holds the token holds a dead one, and what was given up for that.
fn note_revoked(state: &RotationState, session: &mut Session<'_, '_>, which: Which) -> Result<(), Stop> {
    let id = token_id(&session.keychain, state.name.usage, &state.credential(which)?).map_err(CommandError::from)?;
    let (name, given_up) = (&state.name, &state.journal.given_up);
    book::note(session.system, |ledger, now| {
        if let Some(id) = &id {
            ledger.revoked(id, now);
        }
        if !given_up.is_empty() {
            ledger.credential_mut(&name.registry, name.usage).given_up.add(given_up);
        }
    });
    Ok(())
}
