//! The flags of `where`.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

use crate::commands::args::SearchArgs;
use crate::model::Registry;

/// `where`.
#[derive(Debug, Args)]
#[command(
    after_help = "What is shown was looked at now; what could not be looked at is shown as it is remembered, with the reason, and the exit code is 1. With --scan it is 3 if a copy was found. No token is ever printed.

Examples:
  kubectl regcred where                              # every credential, in every context
  kubectl regcred where gitea.example.com -o wide
  kubectl regcred where --context prod --context spare
  kubectl regcred where --offline                    # what is remembered, without asking a cluster
  kubectl regcred where --scan ~ --offline           # copies in files, shell histories and git objects
  kubectl regcred where -o json"
)]
pub struct WhereArgs {
    /// Only the credentials of this registry
    pub registry: Option<Registry>,
    /// Look only through this context of the kubeconfig (repeatable) [default: all]
    #[arg(long = "context", value_name = "NAME", conflicts_with = "offline")]
    pub contexts: Vec<String>,
    /// Ask no cluster: show what is remembered
    #[arg(long)]
    pub offline: bool,
    /// Also find copies of the tokens in the files and git objects below this folder (repeatable)
    #[arg(long = "scan", value_name = "DIR", value_hint = ValueHint::AnyPath)]
    pub scan: Vec<PathBuf>,
    /// `wide` adds columns; `json` and `yaml` print a document
    #[arg(short, long, value_name = "wide|json|yaml")]
    pub output: Option<WhereFormat>,
    /// How to look through them.
    #[command(flatten)]
    pub search: SearchArgs,
}

/// `-o` of `where`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WhereFormat {
    /// A table with more columns
    Wide,
    /// JSON
    Json,
    /// YAML
    Yaml,
}
