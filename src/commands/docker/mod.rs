//! `kubectl regcred docker`: docker's and podman's files and the keychain.

mod args;
mod conflict;
mod decide;
mod notes;
mod remove;
mod report;
mod setup;
mod sources;
mod status;

use super::system::System;
use crate::error::{CommandError, Exit};

pub use args::DockerArgs;
use args::DockerVerb;

pub(super) fn run(args: &DockerArgs, system: &mut System<'_>) -> Result<Exit, CommandError> {
    match &args.verb {
        DockerVerb::Setup(args) => setup::run(args, system),
        DockerVerb::Status(args) => status::run(args, system),
        DockerVerb::Remove(args) => remove::run(args, system),
    }
}
