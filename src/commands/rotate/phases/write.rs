//! The phase *write*: writes the token to every Secret of the rotation.

use std::collections::BTreeSet;

use crate::cluster::Target;
use crate::commands::args::DryRunArg;
use crate::commands::rotate::contexts;
use crate::commands::rotate::pass::{self, Pass};
use crate::commands::rotate::report::Stop;
use crate::commands::rotate::session::Session;
use crate::commands::rotate::state::RotationState;
use crate::error::CommandError;
use crate::model::printable;
use crate::model::rotation::TokenVersion;

/// The longest context name in a message, in characters.
const MAX_CONTEXT: usize = 100;

/// Replaces the other token in every Secret. A Secret that holds neither token any more is removed from the rotation.
pub(super) async fn secrets(
    state: &mut RotationState,
    session: &mut Session<'_, '_>,
    version: TokenVersion,
) -> Result<(), Stop> {
    // An abort has nothing to write in a context that was never reached.
    if version == TokenVersion::New {
        contexts::find_the_rest(state, session, version).await?;
    }
    let writing = Pass {
        dry_run: DryRunArg::None,
        restart: false,
        unstick: false,
        only_changes: false,
    };
    let ended = pass::run(state, session, version, &writing).await?;
    let failed = ended.failed > 0 || ended.is_incomplete;
    session.report.items = ended.items;
    leave_out(state, session, &ended.left_alone)?;
    session.interrupted()?;
    if failed {
        let error = CommandError::failed(format_args!("not every Secret holds the {version} token"));
        return Err(error.hints(skip_context(state, session)).into());
    }
    Ok(())
}

/// Removes Secrets that hold no token of this rotation.
fn leave_out(
    state: &mut RotationState,
    session: &Session<'_, '_>,
    left: &[(String, Target)],
) -> Result<(), CommandError> {
    if left.is_empty() {
        return Ok(());
    }
    for entry in &mut state.journal.contexts {
        let context = entry.context.as_deref().unwrap_or_default();
        let of_context = left.iter().filter(|(name, _)| name == context);
        let targets: BTreeSet<Target> = of_context.map(|(_, target)| target.clone()).collect();
        entry.leave_out(&targets);
    }
    state.store_journal(&session.keychain)
}

/// The commands that leave out a context that could not be reached.
fn skip_context(state: &RotationState, session: &Session<'_, '_>) -> Vec<String> {
    let contexts = session
        .unknown
        .keys()
        .filter_map(|at| state.journal.contexts.get(*at)?.context.as_ref());
    contexts
        .map(|context| {
            let resume = state.name.rotate_command().words("--resume");
            let line = resume.option("--skip-context", "NAME", context);
            format!("to do without context {}: {line}", printable(context, MAX_CONTEXT))
        })
        .collect()
}
