//! The flags of `completion`.

use clap::{Args, Subcommand};

#[derive(Debug, Args)]
#[command(
    after_help = "kubectl completes `kubectl regcred` by running kubectl_complete-regcred, which `install` puts beside kubectl-regcred. The scripts are for calls of kubectl-regcred itself.

Examples:
  kubectl regcred completion install    # kubectl regcred <Tab>, in every shell that completes kubectl
  kubectl regcred completion status     # whether that works, and what to type if not
  source <(kubectl-regcred completion bash)"
)]
pub struct CompletionArgs {
    #[command(subcommand)]
    pub verb: CompletionVerb,
}

#[derive(Clone, Copy, Debug, Subcommand)]
pub enum CompletionVerb {
    /// Let kubectl complete `kubectl regcred`
    #[command(after_help = "Examples:
  kubectl regcred completion install")]
    Install,
    /// Show whether kubectl completes `kubectl regcred`, and if not, why
    #[command(after_help = "Examples:
  kubectl regcred completion status")]
    Status,
    /// Undo `completion install`
    #[command(after_help = "Examples:
  kubectl regcred completion remove")]
    Remove,
    /// Print the bash script for completing kubectl-regcred itself
    #[command(after_help = "Examples:
  source <(kubectl-regcred completion bash)
  kubectl-regcred completion bash > /etc/bash_completion.d/kubectl-regcred")]
    Bash,
    /// Print the zsh script for completing kubectl-regcred itself
    #[command(after_help = "Examples:
  kubectl-regcred completion zsh > ~/.zfunc/_kubectl-regcred")]
    Zsh,
    /// Print the fish script for completing kubectl-regcred itself
    #[command(after_help = "Examples:
  kubectl-regcred completion fish > ~/.config/fish/completions/kubectl-regcred.fish")]
    Fish,
    /// Print the PowerShell script for completing kubectl-regcred itself
    #[command(after_help = "Examples:
  kubectl-regcred completion powershell | Out-String | Invoke-Expression")]
    Powershell,
}
