//! The flags of `status`.

use std::path::PathBuf;
use std::str::FromStr;

use clap::{Args, ValueEnum};

use super::{ClusterArgs, RegistryConnectionArgs};
use crate::cluster::{NameError, Namespace, SecretName, Selector};
use crate::model::Registry;

#[derive(Debug, Args)]
#[command(
    after_help = "It checks this workstation, the registries and the clusters, and changes nothing. Every finding comes with the command that fixes it; docs/status.md explains the codes.

Exit codes: 0 all is well, 3 something is out of step, 1 something could not be checked.

Examples:
  kubectl regcred status                      # the context's namespace, and this workstation
  kubectl regcred status -A                   # every namespace
  kubectl regcred status -n honeydue -n staging --context prod
  kubectl regcred status -l team=web -o wide
  kubectl regcred status -f regcred.yaml      # against the list that is kept in git
  kubectl regcred status -A --offline         # asks no registry
  kubectl regcred status --pod honeydue/api-6d5f   # how kubelet would pull this pod's images
  kubectl regcred status -A -o json           # for scripts; docs/status.schema.json"
)]
pub struct StatusArgs {
    /// A namespace to look at (repeatable) [default: the context's]
    #[arg(short, long = "namespace", value_name = "NAME", conflicts_with_all = ["selector", "all_namespaces"])]
    pub namespaces: Vec<Namespace>,
    /// Every namespace with these labels
    #[arg(short = 'l', long, value_name = "LABELS", conflicts_with = "all_namespaces")]
    pub selector: Option<Selector>,
    /// Every namespace
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
    /// A list of Secrets (regcred.yaml), or stack-orchestrator's spec.yml; `-` reads standard input
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["all_namespaces", "secret"])]
    pub file: Option<PathBuf>,
    /// The deployment that the spec.yml is for: its Secret is NAME-registry
    #[arg(hide_short_help = true, long, value_name = "NAME", requires = "file")]
    pub deployment: Option<String>,
    /// The Secret's name
    #[arg(long, value_name = "NAME", default_value = SecretName::DEFAULT)]
    pub secret: SecretName,
    /// Look at this registry only (repeatable) [default: those of the keychain and of the Secrets that sync has made]
    #[arg(long = "registry", value_name = "REGISTRY", conflicts_with = "file")]
    pub registries: Vec<Registry>,
    /// Ask no registry: compare only
    #[arg(long)]
    pub offline: bool,
    /// Explain one pod: which credentials kubelet would try for each of its images, and why
    #[arg(long, value_name = "NAMESPACE/NAME", conflicts_with_all = ["namespaces", "selector", "all_namespaces", "file"])]
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

/// `NAMESPACE/NAME`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodName {
    pub namespace: Namespace,
    /// Its name; the API server has the last word on it.
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
