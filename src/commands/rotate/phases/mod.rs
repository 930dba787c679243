//! The phases of a rotation, in their order, each in its own file:
//!
//! | phase | what it does |
//! |---|---|
//! | [`obtain`] | gets the new token: it is given, prompted for, or minted at Gitea |
//! | [`verify`] | proves a token at the registry |
//! | [`keep`] | *pending*: keeps the new token in the keychain, beside the old one |
//! | [`write`] | writes every Secret in place |
//! | [`read_back`] | reads every Secret back, and at last looks for others that hold the old token |
//! | [`keep`] | *promote*: makes the new token the current one |
//! | [`restart`] | restarts workloads, with `--restart` |
//! | [`revoke`] | revokes the old token, and the rotation is forgotten |
//!
//! [`steps`](crate::model::rotation::steps) says which of them are left after a kill, forward and back; `--resume` and
//! `--abort` run these same phases.

use super::report::Stop;
use super::session::Session;
use super::state::RotationState;
use crate::error::CommandError;
use crate::model::CommandLine;
use crate::model::rotation::{Instead, Phase, Step, Way, Which};

mod keep;
pub(super) mod obtain;
mod read_back;
mod restart;
mod revoke;
pub(super) mod verify;
mod write;

/// Does all that is left to do in this direction.
pub(super) async fn run(state: &mut RotationState, session: &mut Session<'_, '_>, way: Way) -> Result<(), Stop> {
    if way == Way::Forward && state.phase() == Some(Phase::Reverted) {
        session
            .system
            .output
            .say("this rotation has gone back already, which is finished now");
    }
    let steps = state.steps(way);
    session.report.plan(&steps);
    for step in steps {
        match step {
            Step::Sweep => obtain::sweep(state, session).await?,
            Step::Mint => obtain::mint(state, session).await?,
            Step::Prove(which) => match verify::prove(state, session, which).await? {
                None => {}
                Some(Instead::Stop) => return Err(refused(state, which).into()),
                Some(Instead::GiveUp) => return give_up(state, session),
                Some(Instead::Finish) => {
                    session
                        .system
                        .output
                        .warn("the old token is revoked already, so there is no way back: finishing the rotation");
                    session.report.turned = true;
                    return Box::pin(run(state, session, Way::Forward)).await;
                }
            },
            Step::Keep(phase) => keep::phase(state, session, phase)?,
            Step::Write(which) => write::secrets(state, session, which).await?,
            Step::Check(which) => read_back::secrets(state, session, which).await?,
            Step::Restart => restart::workloads(state, session).await?,
            Step::Revoke(which) => revoke::token(state, session, which).await?,
            Step::Forget => state.forget(&session.keychain)?,
        }
        session.report.done += 1;
    }
    Ok(())
}

/// Why a token that the registry refuses ends it here.
fn refused(state: &RotationState, which: Which) -> CommandError {
    let registry = &state.name.registry;
    let error = CommandError::failed(format_args!("{registry} does not accept the {which} token"));
    match (which, state.phase()) {
        (Which::Old, _) => error.hint("the new one works: finish the rotation with --resume"),
        (Which::New, Some(_)) => error.hint("go back to the old one with --abort, and begin again"),
        (Which::New, None) => error.hint("nothing was changed"),
    }
}

/// The registry accepts neither token. A pending rotation would only keep a third one from being stored.
fn give_up(state: &mut RotationState, session: &Session<'_, '_>) -> Result<(), Stop> {
    state.forget(&session.keychain)?;
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
