//! The flags of `status`.

use std::str::FromStr;

use clap::{Args, ValueEnum};

use crate::cluster::{NameError, Namespace, SecretName};
use crate::commands::args::{ClusterArgs, DocumentFormat, RegistryConnectionArgs, ScopeArgs, with_help};
use crate::model::{MaxAge, Registry, Username};

/// The texts of the scope flags for `status`.
const SCOPE: [(&str, &str); 2] = [
    (
        "namespaces",
        "A namespace to check (repeatable) [default: the context's]",
    ),
    ("all_namespaces", "Every namespace"),
];

#[derive(Debug, Args)]
#[command(
    mut_args(|arg| with_help(arg, &SCOPE)),
    after_help = "It checks this workstation, the registries and the clusters, and changes nothing. Every finding comes with the command that fixes it; docs/status.md explains the codes.

Exit codes: 0 all is well, 3 something is out of step, 1 something could not be checked.

Examples:
  kubectl regcred status                      # the context's namespace, and this workstation
  kubectl regcred status -A                   # every namespace
  kubectl regcred status -n honeydue -n staging --context prod
  kubectl regcred status -l team=web -o wide
  kubectl regcred status -f regcred.yaml      # against the list that is kept in git
  kubectl regcred status -A --offline         # asks no registry
  kubectl regcred status --max-token-age 90d  # a token that is older is a finding
  kubectl regcred status --tokens             # every token of the account at Gitea; asks for the password
  kubectl regcred status --pod honeydue/api-6d5f   # how kubelet would pull this pod's images
  kubectl regcred status -A -o json           # for scripts; docs/status.schema.json"
)]
pub struct StatusArgs {
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// The Secret's name
    #[arg(long, value_name = "NAME", default_value = SecretName::DEFAULT)]
    pub secret: SecretName,
    /// Check only this registry (repeatable) [default: those of the keychain and of the Secrets that sync has created]
    #[arg(long = "registry", value_name = "REGISTRY", conflicts_with = "file")]
    pub registries: Vec<Registry>,
    /// Contact no registry: only compare
    #[arg(long)]
    pub offline: bool,
    /// A token older than this, such as 90d, is out of step
    #[arg(long, value_name = "AGE")]
    pub max_token_age: Option<MaxAge>,
    /// Show every token that the account has at Gitea, and which of them nothing here uses; needs the account's password
    #[arg(long, conflicts_with_all = ["offline", "pod"])]
    pub tokens: bool,
    /// With --tokens: only this account [default: the users of the keychain's credentials]
    #[arg(hide_short_help = true, short, long, value_name = "NAME", requires = "tokens")]
    pub username: Option<Username>,
    /// Read the account's password from standard input; a second line is the one-time code
    #[arg(hide_short_help = true, long, requires = "tokens")]
    pub password_stdin: bool,
    /// Explain one pod: which credentials kubelet would try for each of its images, and why
    #[arg(long, value_name = "NAMESPACE/NAME", conflicts_with_all = ["namespaces", "selector", "all_namespaces", "file", "max_token_age"])]
    pub pod: Option<PodName>,
    /// `wide` adds columns; `json` and `yaml` print a document
    #[arg(short, long, value_name = "wide|json|yaml")]
    pub output: Option<StatusFormat>,
    #[command(flatten)]
    pub connection: RegistryConnectionArgs,
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StatusFormat {
    /// A table with more columns
    Wide,
    /// JSON
    Json,
    /// YAML
    Yaml,
}

impl StatusFormat {
    /// The format of the document; `None` for a table.
    pub fn document(self) -> Option<DocumentFormat> {
        match self {
            Self::Wide => None,
            Self::Json => Some(DocumentFormat::Json),
            Self::Yaml => Some(DocumentFormat::Yaml),
        }
    }
}

/// `NAMESPACE/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodName {
    pub namespace: Namespace,
    /// The pod's name, which only the API server validates.
    pub name: SecretName,
}

impl FromStr for PodName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (namespace, name) = text.split_once('/').ok_or("a pod is NAMESPACE/NAME")?;
        let fault = |error: NameError| error.to_string();
        Ok(Self {
            namespace: namespace.parse().map_err(fault)?,
            name: name.parse().map_err(fault)?,
        })
    }
}
