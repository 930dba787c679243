//! What `sync` does once a Secret is right.

use clap::Args;

use crate::cluster::{RequestTimeout, ServiceAccountName};

#[derive(Debug, Args)]
#[command(next_help_heading = "After the Secret is written")]
pub struct AfterArgs {
    /// Attach the Secret to this ServiceAccount (repeatable): its new pods pull with it without naming it
    #[arg(long = "service-account", alias = "attach", value_name = "NAME")]
    pub service_accounts: Vec<ServiceAccountName>,
    /// Take the Secret out of the ServiceAccounts, and leave the Secret itself alone
    #[arg(hide_short_help = true, long, requires = "service_accounts", conflicts_with_all = [
        "file", "restart", "unstick", "force_conflicts", "token_stdin", "token_env", "env_file",
    ])]
    pub detach: bool,
    /// What to do with the pods that pull with it.
    #[command(flatten)]
    pub restarts: RestartArgs,
}

/// What to do with the pods that pull with a Secret.
#[derive(Debug, Args)]
#[command(next_help_heading = "After the Secret is written")]
pub struct RestartArgs {
    /// Restart the workloads that use it, for images of this registry
    #[arg(long)]
    pub restart: bool,
    /// Follow their rollouts to the end, or for this long; 0 waits for ever [default: 5m]
    #[arg(
        long,
        value_name = "TIME",
        requires = "restart",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "5m"
    )]
    pub wait: Option<RequestTimeout>,
    /// Delete pods that are stuck pulling from this registry, where a controller makes new ones
    #[arg(hide_short_help = true, long)]
    pub unstick: bool,
}
