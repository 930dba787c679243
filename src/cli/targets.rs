//! Which Secrets `sync` and `rotate` are about.

use std::path::PathBuf;

use clap::Args;

use crate::cluster::{Namespace, SecretName, Selector};

#[derive(Debug, Args)]
pub struct TargetArgs {
    /// A namespace to write to (repeatable) [default: the context's]
    #[arg(short, long = "namespace", value_name = "NAME", conflicts_with_all = ["selector", "all_namespaces"])]
    pub namespaces: Vec<Namespace>,
    /// Every namespace with these labels
    #[arg(short = 'l', long, value_name = "LABELS", conflicts_with = "all_namespaces")]
    pub selector: Option<Selector>,
    /// Every Secret that sync has made, in all namespaces: refresh it in place
    #[arg(short = 'A', long, conflicts_with = "secret")]
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
}
