//! The flags of `docker`.

use clap::{Args, Subcommand, ValueEnum};

use crate::commands::args::{DocumentFormat, RegistryConnectionArgs, TrialArgs};
use crate::model::Registry;

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubectl regcred docker setup
  kubectl regcred docker status
  kubectl regcred docker remove")]
pub struct DockerArgs {
    #[command(subcommand)]
    pub verb: DockerVerb,
}

#[derive(Debug, Subcommand)]
pub enum DockerVerb {
    /// Make docker and podman use the keychain, and move their plaintext tokens into it
    Setup(SetupArgs),
    /// Show where docker and podman get the credential for each registry, and what is wrong with it
    Status(DockerStatusArgs),
    /// Undo what setup did to docker's and podman's files
    Remove(RemoveArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubectl regcred docker setup                     # every registry of the keychain, every plaintext token
  kubectl regcred docker setup --dry-run=client    # what would change, without a token in it
  kubectl regcred docker setup gitea.example.com
  kubectl regcred docker setup --default           # for every registry that docker will ever log in to")]
pub struct SetupArgs {
    /// The registries [default: those of the keychain and of docker's and podman's files]
    pub registries: Vec<Registry>,
    /// Let docker ask the keychain for every registry (credsStore), not only for these
    #[arg(long)]
    pub default: bool,
    /// Keep the keychain's or the file's credential where they differ, without asking the registry
    #[arg(long, value_name = "keychain|file")]
    pub keep: Option<KeepArg>,
    /// Move tokens without verifying them at their registries; makes no connection at all
    #[arg(long, conflicts_with_all = ["ca_file", "plain_http"])]
    pub no_verify: bool,
    #[command(flatten)]
    pub trial: TrialArgs,
    #[command(flatten)]
    pub connection: RegistryConnectionArgs,
}

/// Which of different credentials is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum KeepArg {
    Keychain,
    File,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubectl regcred docker status
  kubectl regcred docker status -o json")]
pub struct DockerStatusArgs {
    /// Print a document instead of a table
    #[arg(short, long, value_name = "json|yaml")]
    pub output: Option<DocumentFormat>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubectl regcred docker remove
  kubectl regcred docker remove gitea.example.com
  kubectl regcred docker remove --dry-run=client")]
pub struct RemoveArgs {
    /// The registries [default: all, and the link of the helper]
    pub registries: Vec<Registry>,
    #[command(flatten)]
    pub trial: TrialArgs,
}
