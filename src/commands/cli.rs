//! The command line: the verbs of `kubectl regcred`. The flags of each verb are in its own file or folder.

use clap::{Parser, Subcommand};

use super::completion::CompletionArgs;
use super::docker::DockerArgs;
use super::images::ImagesArgs;
use super::keychain::KeychainArgs;
use super::list::ListArgs;
use super::login::LoginArgs;
use super::logout::LogoutArgs;
use super::rbac::RbacArgs;
use super::rotate::RotateArgs;
use super::status::StatusArgs;
use super::sync::SyncArgs;
use super::version::VersionArgs;
use super::r#where::WhereArgs;

mod help;

pub use help::command;

/// Keep one registry token in the OS keychain and feed docker and Kubernetes from it.
#[derive(Debug, Parser)]
#[command(
    name = "kubectl regcred",
    bin_name = "kubectl regcred",
    version,
    disable_help_subcommand = true,
    subcommand_required = true,
    arg_required_else_help = true,
    max_term_width = 100,
    after_help = "Start with:
  kubectl regcred login gitea.example.com -u admin   # asks for the token, verifies and stores it
  kubectl regcred docker setup                       # docker and podman take it from the keychain
  kubectl regcred sync -n honeydue                   # writes or refreshes the pull Secret
  kubectl regcred status                             # what is out of step, and what to type"
)]
pub struct Cli {
    /// Print more on stderr, never a token
    #[arg(short, long, global = true, hide_short_help = true)]
    pub verbose: bool,
    /// The verb.
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs, each with its own file or folder under `commands`.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Verify a token at its registry and store it in the keychain
    Login(LoginArgs),
    /// Forget a registry's token
    Logout(LogoutArgs),
    /// List registries, users and uses in the keychain, never a token
    List(ListArgs),
    /// Write the token to pull Secrets
    Sync(Box<SyncArgs>),
    /// Show what is out of step, and the command that fixes it
    Status(Box<StatusArgs>),
    /// Show every place of every token, in every context
    Where(WhereArgs),
    /// Put a new token everywhere, and revoke the old one last
    Rotate(Box<RotateArgs>),
    /// Make docker and podman use the keychain
    Docker(DockerArgs),
    /// List the images of a registry, and delete those that nobody needs
    Images(ImagesArgs),
    /// Choose the keychain; unlock and lock the vault
    Keychain(KeychainArgs),
    /// Print the permissions that a command needs in the cluster
    Rbac(Box<RbacArgs>),
    /// Complete `kubectl regcred` with the Tab key
    Completion(CompletionArgs),
    /// Print the version
    Version(VersionArgs),
}
