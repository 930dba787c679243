//! After a rotation: what git has of its Secrets in encrypted form holds the old token.

use std::collections::BTreeSet;

use super::args::RotateArgs;
use super::report::Stop;
use super::session::Session;
use super::state::RotationState;
use crate::cluster::Target;
use crate::commands::args::DryRunArg;
use crate::commands::shared::sealed;
use crate::model::rotation::TokenVersion;

/// Notes the copies in the repositories of the current folder and of the list, if the new token is current now.
pub(super) async fn find(
    state: &RotationState,
    session: &mut Session<'_, '_>,
    args: &RotateArgs,
    ended: &Result<(), Stop>,
) {
    let is_rotated = ended.is_ok() && args.dry_run.mode == DryRunArg::None && state.current() == TokenVersion::New;
    if !is_rotated {
        return;
    }
    let entries = state
        .journal
        .contexts
        .iter()
        .flat_map(|entry| entry.secrets.iter().flatten());
    let places: BTreeSet<Target> = entries.map(|listed| listed.target.clone()).collect();
    let env = &session.system.env;
    let folders = sealed::folders(env, args.targets.scope.file.as_deref());
    let wanted = sealed::Wanted {
        registry: &state.name.registry,
        places: &places,
    };
    session.report.copies = sealed::look(env, &folders, &wanted).await;
}
