//! `kubectl regcred images`: what a registry holds, what clusters need of it, and what may go.

mod args;
mod budget;
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

use clap::{Args, Subcommand};

use super::system::System;
use crate::error::{CommandError, Exit};

use check::ImagesCheckArgs;
use list::ImagesListArgs;
use prune::ImagesPruneArgs;
use restore::ImagesRestoreArgs;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubectl regcred images list admin --context prod
  kubectl regcred images check -A --context prod
  kubectl regcred images prune admin --keep 30 --context prod --context spare
  kubectl regcred images restore admin/api:1.4.0")]
pub struct ImagesArgs {
    #[command(subcommand)]
    pub verb: ImagesVerb,
}

#[derive(Debug, Subcommand)]
pub enum ImagesVerb {
    /// List images with their tags, size, age and platforms, and where clusters use them
    List(Box<ImagesListArgs>),
    /// Check that every node could pull again what runs, and what could be rolled back to
    Check(Box<ImagesCheckArgs>),
    /// Delete old tags that no cluster runs or could roll back to, in two steps
    Prune(Box<ImagesPruneArgs>),
    /// Bring back what prune has set aside
    Restore(Box<ImagesRestoreArgs>),
}

pub(super) fn run(args: &ImagesArgs, system: &mut System<'_>) -> Result<Exit, CommandError> {
    match &args.verb {
        ImagesVerb::List(args) => list::run(args, system),
        ImagesVerb::Check(args) => check::run(args, system),
        ImagesVerb::Prune(args) => prune::run(args, system),
        ImagesVerb::Restore(args) => restore::run(args, system),
    }
}
