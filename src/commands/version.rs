//! `kubectl regcred version`.

use clap::Args;
use serde::Serialize;

use super::args::DocumentFormat;
use super::shared::document;
use super::system::System;
use crate::error::CommandError;

/// `version`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubectl regcred version
  kubectl regcred version -o json")]
pub struct VersionArgs {
    /// Print a document instead of a line
    #[arg(short, long, value_name = "json|yaml")]
    pub output: Option<DocumentFormat>,
}

#[derive(Serialize)]
struct Version {
    version: &'static str,
}

pub(super) fn run(args: &VersionArgs, system: &mut System<'_>) -> Result<(), CommandError> {
    let version = env!("CARGO_PKG_VERSION");
    match args.output {
        Some(format) => document::print("Version", &Version { version }, format, system),
        None => Ok(system.output.line(format_args!("kubectl-regcred v{version}"))?),
    }
}
