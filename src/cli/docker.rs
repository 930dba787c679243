//! `docker`: the workstation's clients.

use clap::{Args, Subcommand};

use super::DocumentFormat;

/// `docker`.
#[derive(Debug, Args)]
pub struct DockerArgs {
    /// What to do.
    #[command(subcommand)]
    pub verb: DockerVerb,
}

/// The verbs of `docker`.
#[derive(Debug, Subcommand)]
pub enum DockerVerb {
    /// Show who answers docker and podman for each registry, and what is wrong with it
    Status(DockerStatusArgs),
}

/// `docker status`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubectl regcred docker status
  kubectl regcred docker status -o json")]
pub struct DockerStatusArgs {
    /// Print a document instead of a table
    #[arg(short, long, value_name = "FORMAT")]
    pub output: Option<DocumentFormat>,
}
