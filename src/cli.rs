//! The command line: verbs and flags.
//!
//! kubectl does not pass its own flags to plugins, so the flags for connecting are defined here with the same meaning.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, Parser, Subcommand, ValueEnum};

use crate::cluster::RequestTimeout;
use crate::model::{Registry, Use, Username};
use crate::registry::{self, GiteaPath, MintScopes, TokenName};

mod after;
mod completion;
mod docker;
mod help;
mod keychain;
mod rbac;
mod rotate;
mod status;
mod targets;

pub use after::{AfterArgs, RestartArgs};
pub use completion::{CompletionArgs, CompletionVerb};
pub use docker::{DockerArgs, DockerStatusArgs, DockerVerb, LocalDryRunArg, RemoveArgs, SetupArgs};
pub use help::command;
pub use keychain::{
    KeychainArgs, KeychainStatusArgs, KeychainUseArgs, KeychainVerb, Lifetime, LifetimeError, MigrateArgs,
    PassphraseArgs, UnlockArgs, UnlockingArgs,
};
pub use rbac::{RbacArgs, ServiceAccountSubject};
pub use rotate::RotateArgs;
pub use status::{PodName, StatusArgs, StatusFormat};
pub use targets::TargetArgs;

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
    /// Say more on stderr, never a token
    #[arg(short, long, global = true, hide_short_help = true)]
    pub verbose: bool,
    #[command(subcommand)]
    pub verb: Verb,
}

/// The verbs, a file each under `commands`.
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
    /// Put a new token everywhere, and revoke the old one last
    Rotate(Box<RotateArgs>),
    /// Make docker and podman use the keychain
    Docker(DockerArgs),
    /// Choose the keychain; unlock and lock the vault
    Keychain(KeychainArgs),
    /// Print the permissions that a command needs in the cluster
    Rbac(Box<RbacArgs>),
    /// Complete `kubectl regcred` with the Tab key
    Completion(CompletionArgs),
    /// Print the version
    Version(VersionArgs),
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubectl regcred version
  kubectl regcred version -o json")]
pub struct VersionArgs {
    /// Print a document instead of a line
    #[arg(short, long, value_name = "FORMAT")]
    pub output: Option<DocumentFormat>,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubectl regcred login gitea.example.com -u admin
  pass gitea/pat | kubectl regcred login gitea.example.com -u admin --token-stdin
  kubectl regcred login --env-file deploy/registry.env
  kubectl regcred login gitea.example.com -u ci-reader --use cluster   # the token that Secrets get
  kubectl regcred login gitea.example.com -u admin --mint   # makes one at Gitea; asks for the password
  kubectl regcred login gitea.example.com -u admin --mint --use cluster --token-name k3s
  kubectl regcred login gitea.example.com --from-docker   # takes over what docker or podman has
  kubectl regcred login gitea.lan:3000 -u admin --ca-file /etc/ssl/lan-ca.pem")]
pub struct LoginArgs {
    /// The registry, as in an image's name before the first slash
    pub registry: Option<Registry>,
    /// The user that the token belongs to
    #[arg(short, long, value_name = "NAME")]
    pub username: Option<Username>,
    /// What the token is for: this workstation (docker), or Secrets (cluster)
    #[arg(long = "use", value_name = "docker|cluster", default_value_t = Use::Docker)]
    pub usage: Use,
    /// Store the token without asking the registry; makes no connection at all
    #[arg(hide_short_help = true, long, conflicts_with_all = ["ca_file", "plain_http", "mint"])]
    pub no_verify: bool,
    #[command(flatten)]
    pub token: TokenArgs,
    /// Take over what docker or podman already has, in a file or with another credential helper
    #[arg(long, conflicts_with_all = ["token_stdin", "token_env", "env_file", "mint"])]
    pub from_docker: bool,
    #[command(flatten)]
    pub mint: MintArgs,
    #[command(flatten)]
    pub connection: RegistryConnectionArgs,
}

#[derive(Debug, Args)]
#[command(next_help_heading = "Connecting to the registry")]
pub struct RegistryConnectionArgs {
    /// Trust the certificates of this PEM file, and no others, for the registry
    #[arg(hide_short_help = true, long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Send the token over http. A registry on this machine needs no flag
    #[arg(hide_short_help = true, long)]
    pub plain_http: bool,
    /// The path that Gitea itself runs below, such as /gitea
    #[arg(hide_short_help = true, long, value_name = "PATH")]
    pub gitea_path: Option<GiteaPath>,
}

impl RegistryConnectionArgs {
    /// Converts to the library's options. `timeout` is for one operation, such as a verification.
    pub fn options(&self, timeout: Duration) -> registry::Options {
        registry::Options {
            ca_file: self.ca_file.clone(),
            plain_http: self.plain_http,
            timeout,
            gitea_path: self.gitea_path.clone(),
        }
    }
}

/// Where a token comes from, if not from the keychain or a prompt. No flag takes its value.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct TokenArgs {
    /// Read the token from standard input
    #[arg(long)]
    pub token_stdin: bool,
    /// Read the token from this environment variable
    #[arg(long, value_name = "VAR")]
    pub token_env: Option<OsString>,
    /// Read the registry, the user and the token from this file
    #[arg(
        long,
        value_name = "FILE",
        help = "Read all from this file: REGISTRY, REGISTRY_USERNAME and REGISTRY_TOKEN"
    )]
    pub env_file: Option<PathBuf>,
}

/// A new token, made at Gitea.
#[derive(Debug, Args)]
pub struct MintArgs {
    /// Make a new token at Gitea, with the account's password, which is asked for and not kept
    #[arg(long, conflicts_with_all = ["token_stdin", "token_env", "env_file"])]
    pub mint: bool,
    /// What the new token may do [default: write:package, or read:package with --use cluster]
    #[arg(hide_short_help = true, long, value_name = "SCOPE,…", requires = "mint")]
    pub scopes: Option<MintScopes>,
    /// The new token's name at Gitea
    #[arg(
        hide_short_help = true,
        long,
        value_name = "NAME",
        requires = "mint",
        help = "The new token's name at Gitea [default: kubectl-regcred@HOST-USE-TIME]"
    )]
    pub token_name: Option<TokenName>,
    /// Read the account's password from standard input; a second line is the one-time code
    #[arg(hide_short_help = true, long, requires = "mint")]
    pub password_stdin: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubectl regcred logout gitea.example.com
  kubectl regcred logout gitea.example.com --use cluster
  kubectl regcred logout gitea.example.com --revoke   # deletes the token at Gitea first")]
pub struct LogoutArgs {
    /// The registry; may be left out if the keychain has only one
    pub registry: Option<Registry>,
    /// Forget only the token for this use
    #[arg(long = "use", value_name = "docker|cluster")]
    pub usage: Option<Use>,
    /// Delete the token at Gitea first, and forget it only then. Before Gitea 1.27 this takes the account's password
    #[arg(long)]
    pub revoke: bool,
    /// Read the account's password from standard input; a second line is the one-time code
    #[arg(hide_short_help = true, long, requires = "revoke")]
    pub password_stdin: bool,
    /// The account that the token belongs to [default: the user it was stored with]
    #[arg(hide_short_help = true, short, long, value_name = "NAME", requires = "revoke")]
    pub username: Option<Username>,
    #[command(flatten)]
    pub connection: RegistryConnectionArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubectl regcred list
  kubectl regcred list -o json
  for registry in $(kubectl regcred list -o name); do kubectl regcred logout $registry; done")]
pub struct ListArgs {
    /// `wide` adds a column, `name` prints the registries alone; `json` and `yaml` print a document
    #[arg(short, long, value_name = "wide|name|json|yaml")]
    pub output: Option<ListFormat>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ListFormat {
    /// A table with more columns
    Wide,
    /// Each registry once
    Name,
    /// JSON
    Json,
    /// YAML
    Yaml,
}

#[derive(Debug, Args)]
// A file names its tokens itself.
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
  kubectl regcred sync -n honeydue --registry ghcr.io --remove   # out of the Secret, the rest stays
  kubectl regcred sync -n honeydue --dry-run=client -o yaml | kubeseal -o yaml > sealed.yaml")]
#[allow(clippy::struct_excessive_bools, reason = "flags, each its own")]
pub struct SyncArgs {
    #[command(flatten)]
    pub targets: TargetArgs,
    /// The registry; may be left out if the keychain has only one, and with -A
    #[arg(long, value_name = "REGISTRY", conflicts_with = "file")]
    pub registry: Option<Registry>,
    /// The user; needed with --token-env and --token-stdin
    #[arg(hide_short_help = true, short, long, value_name = "NAME", conflicts_with = "file")]
    pub username: Option<Username>,
    /// Take the keychain's token for this use [default: cluster if there is one, else docker]
    #[arg(hide_short_help = true, long = "use", value_name = "docker|cluster")]
    pub usage: Option<Use>,
    #[command(flatten)]
    pub token: TokenArgs,
    #[command(flatten)]
    pub dry_run: DryRunArgs,
    /// Print the result as a document or as names. With --dry-run=client, json and yaml print the Secret itself
    #[arg(short, long, value_name = "json|yaml|name")]
    pub output: Option<OutputFormat>,
    /// Write every Secret with the label, even one without a token of this keychain (with -A). Anybody who may create a
    /// Secret can give it the label, and would get the token
    #[arg(hide_short_help = true, long, requires = "all_namespaces")]
    pub trust_labels: bool,
    /// Let `--dry-run=client -o yaml` print the token on a terminal
    #[arg(hide_short_help = true, long)]
    pub show_token: bool,
    /// Write even what another tool owns
    #[arg(hide_short_help = true, long)]
    pub force_conflicts: bool,
    /// Take every entry of --registry out of the Secrets, and leave the rest of them as it is. Needs no token
    #[arg(hide_short_help = true, long, requires = "registry", conflicts_with_all = [
        "file", "username", "usage", "source", "show_token", "service_accounts", "detach", "restart", "unstick",
    ])]
    pub remove: bool,
    #[command(flatten)]
    pub after: AfterArgs,
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

/// kubectl's own flags for connecting.
#[derive(Debug, Args)]
#[command(next_help_heading = "Connecting to the cluster")]
pub struct ClusterArgs {
    /// A context of the kubeconfig (repeatable) [default: the current one]
    #[arg(long = "context", value_name = "NAME")]
    pub contexts: Vec<String>,
    /// The kubeconfig file
    #[arg(hide_short_help = true, long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The kubeconfig's cluster to use
    #[arg(hide_short_help = true, long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// The kubeconfig's user to use
    #[arg(hide_short_help = true, long, value_name = "NAME")]
    pub user: Option<String>,
    /// Act as this user
    #[arg(hide_short_help = true, long = "as", value_name = "USER")]
    pub impersonate: Option<String>,
    /// Act as a member of this group (repeatable)
    #[arg(hide_short_help = true, long = "as-group", value_name = "GROUP")]
    pub impersonate_groups: Vec<String>,
    /// Act as the user with this uid
    #[arg(hide_short_help = true, long = "as-uid", value_name = "UID")]
    pub impersonate_uid: Option<String>,
    /// Give up a single request after this time, such as 5s or 1m; 0 waits for ever
    #[arg(hide_short_help = true, long, value_name = "TIME")]
    pub request_timeout: Option<RequestTimeout>,
}

/// Only saying what a command would do.
#[derive(Debug, Args)]
pub struct DryRunArgs {
    /// Only say what would be done; `server` also lets the API server check it
    #[arg(
        long = "dry-run",
        id = "dry_run",
        value_name = "client|server",
        default_value = "none",
        hide_default_value = true
    )]
    pub mode: DryRunArg,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DryRunArg {
    /// Do it.
    None,
    /// Say what would be sent.
    Client,
    /// Send it for the API server to check and not to keep.
    Server,
}

impl DryRunArg {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

impl SyncArgs {
    /// The format, if the Secrets themselves are printed, which needs no cluster.
    pub(crate) fn manifest_format(&self) -> Option<DocumentFormat> {
        match (self.dry_run.mode, self.output) {
            (DryRunArg::Client, Some(OutputFormat::Json)) => Some(DocumentFormat::Json),
            (DryRunArg::Client, Some(OutputFormat::Yaml)) => Some(DocumentFormat::Yaml),
            _ => None,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DocumentFormat {
    /// JSON
    Json,
    /// YAML
    Yaml,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// JSON
    Json,
    /// YAML
    Yaml,
    /// `secret/NAME`
    Name,
}
