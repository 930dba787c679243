//! The flags of `sync`.

use clap::{ArgGroup, Args};

use crate::cluster::ServiceAccountName;
use crate::commands::args::{
    ClusterArgs, DocumentFormat, DryRunArg, DryRunArgs, OutputFormat, RegistryConnectionArgs, RestartArgs, TargetArgs,
    TokenArgs,
};
use crate::model::{ActionsSecret, Registry, Use, Username};

/// `sync`.
#[derive(Debug, Args)]
// A file names the tokens itself.
// What can name secrets of Actions.
#[command(group = ArgGroup::new("actions").args(["actions_secrets", "file"]))]
#[command(group = ArgGroup::new("source").args(["file", "token_stdin", "token_env", "env_file"]))]
#[command(after_help = "Examples:
  kubectl regcred sync -n honeydue
  kubectl regcred sync -n honeydue -n staging --context prod
  kubectl regcred sync -l team=web --context prod --context spare
  kubectl regcred sync -A                            # a new token, everywhere it belongs
  kubectl regcred sync -f regcred.yaml               # the list that is kept in git
  kubectl regcred sync -f spec.yml --deployment my-app -n my-app
  kubectl regcred sync -n honeydue --service-account default
  kubectl regcred sync -n honeydue --restart --wait
  kubectl regcred sync -n honeydue --dry-run=server
  kubectl regcred sync -n honeydue --registry ghcr.io -u org --token-env REGISTRY_TOKEN
  kubectl regcred sync -n honeydue --take-over       # over a token that works and is a colleague's
  kubectl regcred sync --use ci --actions-secret repo:acme/web/REGISTRY_TOKEN   # what Gitea's pipelines get
  kubectl regcred sync -n honeydue --registry ghcr.io --remove   # out of the Secret, the rest stays
  kubectl regcred sync -n honeydue --dry-run=client -o yaml | kubeseal -o yaml > sealed.yaml")]
#[allow(clippy::struct_excessive_bools, reason = "independent flags")]
pub struct SyncArgs {
    /// Which Secrets.
    #[command(flatten)]
    pub targets: TargetArgs,
    /// The registry; may be left out if the keychain has only one, and with -A
    #[arg(long, value_name = "REGISTRY", conflicts_with = "file")]
    pub registry: Option<Registry>,
    /// The user; needed with --token-env and --token-stdin
    #[arg(hide_short_help = true, short, long, value_name = "NAME", conflicts_with = "file")]
    pub username: Option<Username>,
    /// Take the keychain's token for this use [default: that of the token in the Secret, or else cluster, docker or the only one]
    #[arg(hide_short_help = true, long = "use", value_name = "USE")]
    pub usage: Option<Use>,
    /// Where the token comes from.
    #[command(flatten)]
    pub token: TokenArgs,
    /// Whether the changes are only printed.
    #[command(flatten)]
    pub dry_run: DryRunArgs,
    /// Print the result as a document or as names. With --dry-run=client, json and yaml print the Secret itself
    #[arg(short, long, value_name = "json|yaml|name")]
    pub output: Option<OutputFormat>,
    /// Write the token without asking its registry whether it works
    #[arg(hide_short_help = true, long, conflicts_with_all = ["ca_file", "plain_http", "gitea_path"])]
    pub no_verify: bool,
    /// Write every Secret with the label, even one without a token of this keychain (with -A). Anyone who may create a
    /// Secret can give it the label, and would get the token
    #[arg(hide_short_help = true, long, requires = "all_namespaces")]
    pub trust_labels: bool,
    /// Let `--dry-run=client -o yaml` print the token on a terminal
    #[arg(hide_short_help = true, long)]
    pub show_token: bool,
    /// Write Secrets even if another tool owns them
    #[arg(hide_short_help = true, long)]
    pub force_conflicts: bool,
    /// Write Secrets even if they hold a token that works and is another's: of another user, with fewer rights, or written
    /// by another installation
    #[arg(hide_short_help = true, long)]
    pub take_over: bool,
    /// Write the token to this secret of Actions at the registry's Gitea, not to a cluster: repo:OWNER/REPOSITORY/NAME,
    /// org:ORGANISATION/NAME or user:ACCOUNT/NAME (repeatable)
    #[arg(hide_short_help = true, long = "actions-secret", value_name = "PLACE", requires = "usage", conflicts_with_all = [
        "namespaces", "selector", "all_namespaces", "file", "source", "username", "contexts", "service_accounts", "detach",
        "restart", "unstick", "remove", "trust_labels", "force_conflicts", "take_over", "show_token",
    ])]
    pub actions_secrets: Vec<ActionsSecret>,
    /// The account that may write it [default: the token's user]
    #[arg(hide_short_help = true, long, value_name = "NAME", requires = "actions")]
    pub actions_account: Option<Username>,
    /// Read that account's password from standard input, or a token of it that may write the secrets; a second line is the
    /// one-time code
    #[arg(hide_short_help = true, long, requires = "actions")]
    pub password_stdin: bool,
    /// Write secrets of Actions even if the server took this token before: for one that was deleted there
    #[arg(hide_short_help = true, long, requires = "actions")]
    pub rewrite: bool,
    /// Remove the entries of --registry from the Secrets, and keep everything else in them. Needs no token
    #[arg(hide_short_help = true, long, requires = "registry", conflicts_with_all = [
        "file", "username", "usage", "source", "show_token", "service_accounts", "detach", "restart", "unstick",
        "take_over",
    ])]
    pub remove: bool,
    /// What to do after the Secret is written.
    #[command(flatten)]
    pub after: AfterArgs,
    /// How to reach the registry, to verify the token.
    #[command(flatten)]
    pub connection: RegistryConnectionArgs,
    /// How to reach the clusters.
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// What to do after the Secret is written.
#[derive(Debug, Args)]
#[command(next_help_heading = "After the Secret is written")]
pub struct AfterArgs {
    /// Attach the Secret to this ServiceAccount (repeatable): its new pods pull with it without naming it
    #[arg(long = "service-account", value_name = "NAME")]
    pub service_accounts: Vec<ServiceAccountName>,
    /// Remove the Secret from the ServiceAccounts, without changing the Secret itself
    #[arg(hide_short_help = true, long, requires = "service_accounts", conflicts_with_all = [
        "file", "restart", "unstick", "force_conflicts", "take_over", "token_stdin", "token_env", "env_file",
    ])]
    pub detach: bool,
    /// What to do with the pods that use the Secret.
    #[command(flatten)]
    pub restarts: RestartArgs,
}

impl SyncArgs {
    /// The format, if the Secrets themselves are to be printed, which needs no cluster.
    pub(crate) fn manifest_format(&self) -> Option<DocumentFormat> {
        match (self.dry_run.mode, self.output) {
            (DryRunArg::Client, Some(OutputFormat::Json)) => Some(DocumentFormat::Json),
            (DryRunArg::Client, Some(OutputFormat::Yaml)) => Some(DocumentFormat::Yaml),
            _ => None,
        }
    }
}
