//! `--dry-run`: the plan.

use super::pass::{self, Pass};
use super::phases::verify;
use super::report::Stop;
use super::session::Session;
use super::state::RotationState;
use crate::commands::args::DryRunArg;
use crate::error::CommandError;
use crate::model::rotation::{Direction, TokenVersion};
use crate::model::{Credential, Token};
use crate::registry::MintScopes;

/// A placeholder for the new token, which does not exist yet; no registry would accept it.
const NO_TOKEN: &str = "not-a-token-but-the-plan-of-one";

/// Prints the plan in order, without prompting for a token or a password.
pub(super) async fn run(
    state: &mut RotationState,
    session: &mut Session<'_, '_>,
    dry_run: DryRunArg,
) -> Result<(), Stop> {
    session.report.plan(&state.steps(Direction::Forward));
    let (registry, username) = (state.name.registry.clone(), state.username.clone());
    if state.new.is_some() {
        if verify::verify(state, session, TokenVersion::New).await?.is_some() {
            return Err(CommandError::failed(format_args!("{registry} does not accept the new token")).into());
        }
        line(session, "would keep the new token beside the old one")?;
    } else if state.journal.mints {
        let scopes = state.journal.scopes.clone();
        let scopes = scopes.unwrap_or_else(|| MintScopes::for_use(state.name.usage));
        line(
            session,
            &format!("would make a token of {username} at {registry} with the scopes {scopes}"),
        )?;
    } else {
        line(
            session,
            &format!("would take a new token of {username} at {registry} and prove it"),
        )?;
    }
    if state.new.is_none() {
        state.new = Some(Credential {
            registry,
            username,
            token: Token::verbatim(NO_TOKEN.to_owned()),
        });
    }
    let planned = Pass {
        dry_run,
        restart: state.journal.restart,
        unstick: state.journal.unstick,
        only_changes: false,
    };
    let ended = pass::run(state, session, TokenVersion::New, &planned).await?;
    let failed = ended.failed > 0 || ended.is_incomplete;
    session.report.items = ended.items;
    session.interrupted()?;
    for secret in state.journal.actions.clone() {
        line(
            session,
            &format!("would write the new token to the Actions secret {secret}"),
        )?;
    }
    let secrets = match state.journal.count() {
        1 => "the Secret".to_owned(),
        count => format!("{count} Secrets"),
    };
    let usage = state.name.usage;
    line(
        session,
        &format!("would read {secrets} back, and make the new token the one for {usage}"),
    )?;
    line(
        session,
        if state.journal.keep_old {
            "would leave the old token alive"
        } else {
            "would revoke the old token, last, and only if all of this succeeded"
        },
    )?;
    if failed {
        return Err(CommandError::failed("not all of it could be done").into());
    }
    Ok(())
}

/// Prints a line of the plan. A document lists the steps instead.
fn line(session: &mut Session<'_, '_>, text: &str) -> Result<(), CommandError> {
    if session.report.lines.is_none() {
        session.system.output.line(text)?;
    }
    Ok(())
}
