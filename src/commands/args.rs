//! The groups of flags that several verbs have, each once, and the values that they take.
//!
//! kubectl hands a plugin none of its own flags, so the ones for connecting are ours, and mean what they mean there.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, Args, ValueEnum};
use serde::{Deserialize, Serialize};

use crate::cluster::{ConnectOptions, DryRun, Impersonate, Namespace, RequestTimeout, SecretName, Selector};
use crate::model::serde_text;
use crate::registry::{self, GiteaPath, MintScopes, TokenName};

/// The flag with a verb's own text, by its id, where the group's does not fit.
pub fn with_help(arg: Arg, texts: &[(&str, &'static str)]) -> Arg {
    match texts.iter().find(|(id, _)| arg.get_id() == id) {
        Some((_, text)) => arg.help(*text),
        None => arg,
    }
}

/// Where to look for Secrets: `-n`, `-l`, `-A` and `-f` mean the same for every verb.
#[derive(Debug, Args)]
pub struct ScopeArgs {
    /// A namespace to write to (repeatable) [default: the context's]
    #[arg(short, long = "namespace", value_name = "NAME", conflicts_with_all = ["selector", "all_namespaces"])]
    pub namespaces: Vec<Namespace>,
    /// Every namespace with these labels
    #[arg(short = 'l', long, value_name = "LABELS", conflicts_with = "all_namespaces")]
    pub selector: Option<Selector>,
    /// Every Secret that sync has made, in all namespaces: refresh it in place
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
// In their order, which mut_arg would change.
#[command(mut_args(|arg| if arg.get_id() == "all_namespaces" { arg.conflicts_with("secret") } else { arg }))]
pub struct TargetArgs {
    /// Where to look for them.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// The Secret's name
    #[arg(long, value_name = "NAME", default_value = SecretName::DEFAULT)]
    pub secret: SecretName,
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

/// What to do with the pods that pull with a Secret.
#[derive(Debug, Args)]
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

/// `--dry-run`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DryRunArg {
    /// Do it.
    None,
    /// Say what would be sent.
    Client,
    /// Send it for the API server to check and not to keep.
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
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Client => "client",
            Self::Server => "server",
        }
    }
}

/// How a change of files on this workstation is tried.
#[derive(Debug, Args)]
pub struct TrialArgs {
    /// Only say what would be done, and show the changes of each file with the tokens masked
    #[arg(
        long,
        value_name = "none|client",
        default_value = "none",
        hide_default_value = true,
        hide_possible_values = true
    )]
    pub dry_run: LocalDryRunArg,
}

/// `--dry-run` where there is no server that could try it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LocalDryRunArg {
    /// Do it.
    None,
    /// Say what would be done.
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

/// Formats of what changes objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OutputFormat {
    /// JSON
    Json,
    /// YAML
    Yaml,
    /// `secret/NAME`
    Name,
}

/// How to reach the registry. A rotation's journal keeps it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[command(next_help_heading = "Connecting to the registry")]
#[serde(rename_all = "camelCase", default)]
pub struct RegistryConnectionArgs {
    /// Trust the certificates of this PEM file, and no others, for the registry
    #[serde(skip_serializing_if = "Option::is_none")]
    #[arg(hide_short_help = true, long, value_name = "FILE")]
    pub ca_file: Option<PathBuf>,
    /// Send the token over http. A registry on this machine needs no flag
    #[arg(hide_short_help = true, long)]
    pub plain_http: bool,
    /// The path that Gitea itself runs below, such as /gitea
    #[serde(with = "serde_text::option", skip_serializing_if = "Option::is_none")]
    #[arg(hide_short_help = true, long, value_name = "PATH")]
    pub gitea_path: Option<GiteaPath>,
}

impl RegistryConnectionArgs {
    /// A registry that has not answered one question by then is called silent.
    pub const TIMEOUT: Duration = Duration::from_secs(20);

    /// The same for the library. One question, such as one verification, may take as long as `timeout`.
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

/// kubectl's own flags for connecting. A rotation's journal keeps them, but for the contexts, which it keeps with their
/// Secrets, and the time limit, which is the running command's.
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
    /// Give up a single request after this time, such as 5s or 1m; 0 waits for ever
    #[serde(skip)]
    #[arg(hide_short_help = true, long, value_name = "TIME")]
    pub request_timeout: Option<RequestTimeout>,
}

impl ClusterArgs {
    /// The same for the library, for one context.
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
