//! The phases of a rotation, in their order, each in its own file:
//!
//! | phase | what it does |
//! |---|---|
//! | [`obtain`] | gets the new token: it is given, prompted for, or minted at Gitea |
//! | [`verify`] | verifies a token at the registry |
//! | [`store`] | *pending*: stores the new token in the keychain, beside the old one |
//! | [`write`], [`actions`] | writes every Secret in place, and every secret of Actions |
//! | [`read_back`] | reads every Secret back and, before revoking, searches for other Secrets with the old token |
//! | [`store`] | *promote*: makes the new token the current one |
//! | [`restart`] | restarts workloads, with `--restart` |
//! | [`revoke`] | revokes the old token, and the rotation ends |
//!
//! [`steps`](crate::model::rotation::steps) returns the ones that remain after an interruption, in both directions;
//! `--resume` and `--abort` run the same phases.

use super::report::Stop;
use super::session::Session;
use super::state::RotationState;
use crate::error::CommandError;
use crate::model::CommandLine;
use crate::model::rotation::{Direction, Phase, RefusalAction, Step, TokenVersion};

pub(super) mod actions;
pub(super) mod obtain;
mod read_back;
mod restart;
mod revoke;
mod store;
pub(super) mod verify;
mod write;

/// Runs the remaining steps in this direction.
pub(super) async fn run(
    state: &mut RotationState,
    session: &mut Session<'_, '_>,
    direction: Direction,
) -> Result<(), Stop> {
    if direction == Direction::Forward && state.phase() == Some(Phase::Reverted) {
        session
            .system
            .output
            .info("this rotation has gone back already, which is finished now");
    }
    let steps = state.steps(direction);
    session.report.plan(&steps);
    for step in steps {
        match step {
            Step::Sweep => obtain::sweep(state, session).await?,
            Step::Mint => obtain::mint(state, session).await?,
            Step::Verify(version) => match verify::verify(state, session, version).await? {
                None => {}
                Some(RefusalAction::Stop) => return Err(refused(state, version).into()),
                Some(RefusalAction::GiveUp) => return give_up(state, session),
                Some(RefusalAction::Finish) => {
                    session
                        .system
                        .output
                        .warn("the old token is revoked already, so there is no way back: finishing the rotation");
                    session.report.turned = true;
                    return Box::pin(run(state, session, Direction::Forward)).await;
                }
            },
            Step::Store(phase) => store::phase(state, session, phase)?,
            Step::Write(version) => {
                write::secrets(state, session, version).await?;
                actions::write(state, session, version).await?;
            }
            Step::Check(version) => {
                actions::check(state, session, version)?;
                read_back::secrets(state, session, version).await?;
            }
            Step::Restart => restart::workloads(state, session).await?,
            Step::Revoke(version) => revoke::token(state, session, version).await?,
            Step::End => state.end(&session.keychain)?,
        }
        session.report.done += 1;
    }
    Ok(())
}

/// The error for a token that the registry refuses.
fn refused(state: &RotationState, version: TokenVersion) -> CommandError {
    let registry = &state.name.registry;
    let error = CommandError::failed(format_args!("{registry} does not accept the {version} token"));
    match (version, state.phase()) {
        (TokenVersion::Old, _) => error.hint("the new one works: finish the rotation with --resume"),
        (TokenVersion::New, Some(_)) => error.hint("go back to the old one with --abort, and begin again"),
        (TokenVersion::New, None) => error.hint("nothing was changed"),
    }
}

/// Ends a rotation of which the registry accepts neither token: while it is pending, no other token can be stored.
fn give_up(state: &mut RotationState, session: &Session<'_, '_>) -> Result<(), Stop> {
    state.end(&session.keychain)?;
    let name = &state.name;
    Err(CommandError::failed(format_args!(
        "{} accepts neither the old token nor the new one: the rotation is dropped, and the Secrets are as they are",
        name.registry
    ))
    .hint(format_args!(
        "{}, then sync",
        CommandLine::new("kubectl regcred login")
            .value("REGISTRY", name.registry.as_str())
            .option("-u", "USER", state.old.username.as_str())
            .option("--use", "USE", name.usage.as_str())
    ))
    .into())
}
