//! The flags of `rotate`.

use clap::{ArgGroup, Args};

use crate::cluster::{Namespace, Target};
use crate::commands::args::{
    ClusterArgs, DocumentFormat, DryRunArgs, RegistryConnectionArgs, RestartArgs, TargetArgs, TokenArgs, with_help,
};
use crate::model::{ActionsSecret, MaxAge, Registry, Use, Username};
use crate::registry::{MintScopes, TokenName};

/// The texts of the scope flags for `rotate`.
const SCOPE: [(&str, &str); 3] = [
    ("namespaces", "Only this namespace (repeatable) [default: everywhere]"),
    ("all_namespaces", "Only Secrets with regcred's label, in all namespaces"),
    (
        "contexts",
        "Only this context (repeatable) [default: all; with -n, -l, -A or -f the current one]",
    ),
];

#[derive(Debug, Args)]
#[command(mut_args(|arg| with_help(arg, &SCOPE)))]
// The other flags of a pending rotation are in its journal.
#[command(group = ArgGroup::new("direction").args(["resume", "abort"]).conflicts_with_all([
    "namespaces", "selector", "all_namespaces", "file", "deployment", "no_secrets", "username", "token_stdin",
    "token_env", "env_file", "mint", "contexts", "cluster", "user", "impersonate", "impersonate_groups",
    "impersonate_uid", "restart", "unstick", "force_conflicts", "dry_run", "if_older",
]))]
#[command(group = ArgGroup::new("new_token").args(["mint", "token_stdin", "token_env", "env_file"]))]
#[command(
    after_help = "The order: the new token is verified and stored with the old one, every Secret is written and read back, the new token becomes current, workloads are restarted if requested, and the old token is revoked, last and only if everything else has succeeded. If it is killed at any point, everything still has a token that works: --resume finishes it, --abort goes back, and both can be repeated.

Without -n, -l, -A, -f or --context the token is rotated everywhere: in every Secret that holds it, in every cluster that a context of the kubeconfig leads to. With them, the old token is not revoked as long as another place needs it.

Examples:
  kubectl regcred rotate                                    # prompts for the new token; everywhere
  kubectl regcred rotate --mint --restart --wait            # creates it at Gitea with the account's password
  kubectl regcred rotate --use cluster --mint               # a token that may only pull, for clusters
  kubectl regcred rotate --use ci --mint --no-secrets       # what Gitea's pipelines get, see sync --actions-secret
  pass gitea/pat | kubectl regcred rotate gitea.example.com -n honeydue --token-stdin
  kubectl regcred rotate -A --context prod --context spare
  kubectl regcred rotate -A --mint --dry-run=client         # what would be done
  kubectl regcred rotate --mint --revoke-anyway             # the old token was stolen
  kubectl regcred rotate --mint --if-older 90d              # from a timer: does nothing before
  kubectl regcred rotate --resume                           # finishes what was cut off
  kubectl regcred rotate --abort                            # or goes back to the old token"
)]
#[allow(clippy::struct_excessive_bools, reason = "independent flags")]
pub struct RotateArgs {
    /// The registry; may be left out if the keychain has only one
    pub registry: Option<Registry>,
    /// The new token's user [default: the old one's]
    #[arg(hide_short_help = true, short, long, value_name = "NAME")]
    pub username: Option<Username>,
    /// Rotate the token for this use [default: cluster, docker or the only one]
    #[arg(long = "use", value_name = "USE")]
    pub usage: Option<Use>,
    #[command(flatten)]
    pub targets: TargetArgs,
    /// Rotate the token in the keychain only, if no Secret holds it
    #[arg(hide_short_help = true, long, conflicts_with_all = ["namespaces", "selector", "all_namespaces", "file", "contexts", "restart", "unstick"])]
    pub no_secrets: bool,
    #[command(flatten)]
    pub token: TokenArgs,
    /// Create the new token at Gitea, with the account's password, which is prompted for and not stored
    #[arg(long)]
    pub mint: bool,
    /// The scopes of the new token [default: write:package for docker, read:package for clusters, or else the old one's]
    #[arg(hide_short_help = true, long, value_name = "SCOPE,…", requires = "mint")]
    pub scopes: Option<MintScopes>,
    /// The beginning of the new token's name at Gitea; the time and a number follow [default: kubectl-regcred@HOST-USE]
    #[arg(hide_short_help = true, long, value_name = "NAME", requires = "mint")]
    pub token_name: Option<TokenName>,
    /// Read the account's password from standard input; a second line is the one-time code
    #[arg(hide_short_help = true, long, conflicts_with = "token_stdin")]
    pub password_stdin: bool,
    /// Do nothing, and succeed, while the token is younger than this, such as 90d: for timers and CronJobs
    #[arg(hide_short_help = true, long, value_name = "AGE")]
    pub if_older: Option<MaxAge>,
    /// Do not revoke the token that is no longer used
    #[arg(hide_short_help = true, long)]
    pub keep_old: bool,
    /// Finish a rotation that was interrupted, or has partly failed
    #[arg(long)]
    pub resume: bool,
    /// Go back to the old token
    #[arg(long)]
    pub abort: bool,
    /// Leave the Secrets of this context as they are (repeatable)
    #[arg(hide_short_help = true, long, value_name = "NAME")]
    pub skip_context: Vec<String>,
    /// Leave the Secrets of this namespace as they are in every context (repeatable)
    #[arg(hide_short_help = true, long, value_name = "NAME")]
    pub skip_namespace: Vec<Namespace>,
    /// Leave this Secret as it is in every context, such as one that is immutable (repeatable)
    #[arg(hide_short_help = true, long, value_name = "NAMESPACE/NAME")]
    pub skip_secret: Vec<Target>,
    /// The account that may write the secrets of Actions that hold the token [default: the token's user]
    #[arg(hide_short_help = true, long, value_name = "NAME")]
    pub actions_account: Option<Username>,
    /// Leave a secret of Actions as it is, such as one of a repository that is gone (repeatable)
    #[arg(hide_short_help = true, long, value_name = "PLACE")]
    pub skip_actions: Vec<ActionsSecret>,
    /// Do not search this context for other Secrets with the old token, where listing them is not allowed (repeatable)
    #[arg(hide_short_help = true, long, value_name = "CONTEXT")]
    pub skip_search: Vec<String>,
    /// For a stolen token: revoke the old one even if a Secret still needs it or could not be read, and report what stops
    /// working
    #[arg(hide_short_help = true, long, conflicts_with_all = ["keep_old", "abort"])]
    pub revoke_anyway: bool,
    #[command(flatten)]
    pub dry_run: DryRunArgs,
    /// Print the result as a document
    #[arg(hide_short_help = true, short, long, value_name = "json|yaml")]
    pub output: Option<DocumentFormat>,
    /// Write Secrets even if another tool owns them
    #[arg(hide_short_help = true, long)]
    pub force_conflicts: bool,
    #[command(flatten, next_help_heading = "After the Secret is written")]
    pub restarts: RestartArgs,
    #[command(flatten)]
    pub connection: RegistryConnectionArgs,
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

impl RotateArgs {
    /// Whether no flag limits the rotation to some places.
    pub(super) fn is_everywhere(&self) -> bool {
        let (scope, cluster) = (&self.targets.scope, &self.cluster);
        let is_limited = self.no_secrets
            || !scope.namespaces.is_empty()
            || scope.selector.is_some()
            || scope.all_namespaces
            || scope.file.is_some()
            || !cluster.contexts.is_empty()
            || cluster.cluster.is_some()
            || cluster.user.is_some();
        !is_limited
    }
}
