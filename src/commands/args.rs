//! Groups of flags that several verbs share, and the types of their values.
//!
//! kubectl does not pass its own flags to a plugin, so the connection flags are defined here with the same meaning.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::{PathBufValueParser, TypedValueParser as _};
use clap::{Arg, Args, ValueEnum, ValueHint};
use serde::{Deserialize, Serialize};

use crate::cluster::{ConnectOptions, DryRun, Impersonate, Namespace, RequestTimeout, SecretName, Selector};
use crate::model::serde_text;
use crate::registry::{self, CaFile, GiteaPath, MintScopes, TokenName};

/// Replaces the help of a flag in a group by a verb's own text.
pub fn with_help(arg: Arg, texts: &[(&str, &'static str)]) -> Arg {
    match texts.iter().find(|(id, _)| arg.get_id() == id) {
        Some((_, text)) => arg.help(*text),
        None => arg,
    }
}

/// The scope flags `-n`, `-l`, `-A` and `-f`, which mean the same for every verb.
#[derive(Debug, Args)]
pub struct ScopeArgs {
    /// A namespace to write to (repeatable) [default: the context's]
    #[arg(short, long = "namespace", value_name = "NAME", conflicts_with_all = ["selector", "all_namespaces"])]
    pub namespaces: Vec<Namespace>,
    /// Every namespace with these labels
    #[arg(short = 'l', long, value_name = "LABELS", conflicts_with = "all_namespaces")]
    pub selector: Option<Selector>,
    /// Every Secret with regcred's label: refresh those that hold a token of this keychain
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
    /// A list of Secrets (regcred.yaml), or stack-orchestrator's spec.yml; `-` reads standard input
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["all_namespaces", "secret"])]
    pub file: Option<PathBuf>,
    /// The deployment that the spec.yml is for: its Secret is NAME-registry
    #[arg(hide_short_help = true, long, value_name = "NAME", requires = "file")]
    pub deployment: Option<String>,
}

/// Which Secrets `sync` and `rotate` write.
#[derive(Debug, Args)]
// In this order, which mut_arg would change.
#[command(mut_args(|arg| if arg.get_id() == "all_namespaces" { arg.conflicts_with("secret") } else { arg }))]
pub struct TargetArgs {
    /// The scope.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// The Secret's name
    #[arg(long, value_name = "NAME", default_value = SecretName::DEFAULT)]
    pub secret: SecretName,
}

/// The source of a token, other than the keychain or a prompt. No flag takes the token itself.
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
        help = "Read all three from this file: REGISTRY, REGISTRY_USERNAME and REGISTRY_TOKEN"
    )]
    pub env_file: Option<PathBuf>,
}

/// The flags for creating a token at Gitea.
#[derive(Debug, Args)]
pub struct MintArgs {
    /// Create a new token at Gitea, with the account's password, which is prompted for and not stored
    #[arg(long, conflicts_with_all = ["token_stdin", "token_env", "env_file"])]
    pub mint: bool,
    /// The scopes of the new token [default: read:package, or write:package for docker]
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

/// What to do with the pods that use a Secret.
#[derive(Debug, Args)]
pub struct RestartArgs {
    /// Restart the workloads that use it, for images of this registry
    #[arg(long)]
    pub restart: bool,
    /// Follow their rollouts to the end, or for this time; 0 waits forever [default: 5m]
    #[arg(
        long,
        value_name = "TIME",
        requires = "restart",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "5m"
    )]
    pub wait: Option<RequestTimeout>,
    /// Delete pods that are stuck pulling from this registry, if a controller recreates them
    #[arg(hide_short_help = true, long)]
    pub unstick: bool,
}

/// The flag `--dry-run`.
#[derive(Debug, Args)]
pub struct DryRunArgs {
    /// Only print what would be done; `server` also lets the API server check it
    #[arg(
        long = "dry-run",
        id = "dry_run",
        value_name = "client|server",
        default_value = "none",
        hide_default_value = true
    )]
    pub mode: DryRunArg,
}

/// `--dry-run`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DryRunArg {
    /// Apply the changes.
    None,
    /// Print what would be sent.
    Client,
    /// Send the changes for the API server to check without storing them.
    Server,
}

impl From<DryRunArg> for DryRun {
    fn from(arg: DryRunArg) -> Self {
        match arg {
            DryRunArg::None => Self::None,
            DryRunArg::Client => Self::Client,
            DryRunArg::Server => Self::Server,
        }
    }
}

impl DryRunArg {
    /// The value of the flag.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

/// The flag `--dry-run` for changes on this workstation.
#[derive(Debug, Args)]
pub struct TrialArgs {
    /// Only print what would be done, and show the changes of each file with the tokens masked
    #[arg(long, value_name = "none|client", default_value = "none", hide_default_value = true)]
    pub dry_run: LocalDryRunArg,
}

/// `--dry-run` without a server that could check the changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LocalDryRunArg {
    /// Apply the changes.
    None,
    /// Print what would be done.
    Client,
}

/// Formats of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DocumentFormat {
    /// JSON
    Json,
    /// YAML
    Yaml,
}

/// Formats for commands that change objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// JSON
    Json,
    /// YAML
    Yaml,
    /// `secret/NAME`
    Name,
}

/// How to reach the registry. A rotation's journal stores it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Connecting to the registry")]
#[serde(rename_all = "camelCase", default)]
pub struct RegistryConnectionArgs {
    /// Trust only the certificates of this PEM file for the registry
    #[serde(skip_serializing_if = "Option::is_none")]
    #[arg(
        hide_short_help = true,
        long,
        value_name = "FILE",
        value_hint = ValueHint::AnyPath,
        value_parser = PathBufValueParser::new().map(CaFile::from)
    )]
    pub ca_file: Option<CaFile>,
    /// Send the token over http. A registry on this machine does not need this flag
    #[arg(hide_short_help = true, long)]
    pub plain_http: bool,
    /// The path under which Gitea is served, such as /gitea
    #[serde(with = "serde_text::option", skip_serializing_if = "Option::is_none")]
    #[arg(hide_short_help = true, long, value_name = "PATH")]
    pub gitea_path: Option<GiteaPath>,
}

impl RegistryConnectionArgs {
    /// The time limit for one request to a registry.
    pub const TIMEOUT: Duration = Duration::from_secs(20);

    /// The library's options. One operation, such as a verification, may take as long as `timeout`.
    #[must_use]
    pub fn options(&self, timeout: Duration) -> registry::Options {
        registry::Options {
            ca_file: self.ca_file.clone(),
            plain_http: self.plain_http,
            timeout,
            gitea_path: self.gitea_path.clone(),
        }
    }
}

/// kubectl's own connection flags. A rotation's journal stores them, except the contexts, which it stores with their
/// Secrets, and the time limit, which each command sets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Connecting to the cluster")]
#[serde(rename_all = "camelCase", default)]
pub struct ClusterArgs {
    /// A context of the kubeconfig (repeatable) [default: the current one]
    #[serde(skip)]
    #[arg(long = "context", value_name = "NAME")]
    pub contexts: Vec<String>,
    /// The kubeconfig file
    #[serde(skip_serializing_if = "Option::is_none")]
    #[arg(hide_short_help = true, long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The kubeconfig's cluster to use
    #[serde(skip_serializing_if = "Option::is_none")]
    #[arg(hide_short_help = true, long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// The kubeconfig's user to use
    #[serde(skip_serializing_if = "Option::is_none")]
    #[arg(hide_short_help = true, long, value_name = "NAME")]
    pub user: Option<String>,
    /// Act as this user
    #[serde(skip_serializing_if = "Option::is_none")]
    #[arg(hide_short_help = true, long = "as", value_name = "USER")]
    pub impersonate: Option<String>,
    /// Act as a member of this group (repeatable)
    #[serde(rename = "groups", skip_serializing_if = "Vec::is_empty")]
    #[arg(hide_short_help = true, long = "as-group", value_name = "GROUP")]
    pub impersonate_groups: Vec<String>,
    /// Act as the user with this uid
    #[serde(rename = "uid", skip_serializing_if = "Option::is_none")]
    #[arg(hide_short_help = true, long = "as-uid", value_name = "UID")]
    pub impersonate_uid: Option<String>,
    /// Give up a single request after this time, such as 5s; 0 waits forever [default: 1m]
    #[serde(skip)]
    #[arg(hide_short_help = true, long, value_name = "TIME")]
    pub request_timeout: Option<RequestTimeout>,
}

/// How to look through the contexts of a kubeconfig.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Connecting to the clusters")]
pub struct SearchArgs {
    /// The kubeconfig file
    #[arg(hide_short_help = true, long, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Give up a single request after this time, such as 5s; 0 waits forever [default: 1m]
    #[arg(hide_short_help = true, long, value_name = "TIME")]
    pub request_timeout: Option<RequestTimeout>,
}

impl SearchArgs {
    /// The library's options for the current context.
    pub fn options(&self) -> ConnectOptions {
        ConnectOptions {
            kubeconfig: self.kubeconfig.clone(),
            request_timeout: self.request_timeout.unwrap_or_default(),
            ..ConnectOptions::default()
        }
    }
}

impl ClusterArgs {
    /// The library's options for one context.
    pub fn options(&self, context: Option<&str>) -> ConnectOptions {
        ConnectOptions {
            kubeconfig: self.kubeconfig.clone(),
            context: context.map(str::to_owned),
            cluster: self.cluster.clone(),
            user: self.user.clone(),
            impersonate: Impersonate {
                user: self.impersonate.clone(),
                groups: self.impersonate_groups.clone(),
                uid: self.impersonate_uid.clone(),
            },
            request_timeout: self.request_timeout.unwrap_or_default(),
            service_account: None,
            is_unattended: false,
        }
    }
}
