//! `kubectl regcred images`: what a registry holds, what clusters need of it, and what may go.

mod args;
mod catalog;
mod check;
mod clusters;
mod demand;
mod holding;
mod list;
mod prune;
mod restore;
mod set_aside;
mod source;

use super::system::System;
use crate::error::{CommandError, Exit};

pub use args::ImagesArgs;
use args::ImagesVerb;

pub(super) fn run(args: &ImagesArgs, system: &mut System<'_>) -> Result<Exit, CommandError> {
    match &args.verb {
        ImagesVerb::List(args) => list::run(args, system),
        ImagesVerb::Check(args) => check::run(args, system),
        ImagesVerb::Prune(args) => prune::run(args, system),
        ImagesVerb::Restore(args) => restore::run(args, system),
    }
}
