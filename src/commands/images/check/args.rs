//! The flags of `images check`.

use clap::Args;

use crate::cluster::survey::NamespaceSelection;
use crate::cluster::{Namespace, Selector};
use crate::commands::args::{ClusterArgs, DocumentFormat, RegistryConnectionArgs};
use crate::model::Registry;

#[derive(Debug, Args)]
#[command(
    after_help = "It asks the registry for everything that a node would pull, with the credential that kubelet would take, and changes nothing. docs/images.md says what it looks at; docs/status.md explains the codes.

Exit codes: 0 all is well, 3 something is out of step, 1 something could not be checked.

Examples:
  kubectl regcred images check                      # the context's namespace
  kubectl regcred images check -A --context prod --context spare
  kubectl regcred images check -l team=web
  kubectl regcred images check -A --registry gitea.example.com -o json"
)]
pub struct ImagesCheckArgs {
    /// A namespace to check (repeatable) [default: the context's]
    #[arg(short, long = "namespace", value_name = "NAME", conflicts_with_all = ["selector", "all_namespaces"])]
    pub namespaces: Vec<Namespace>,
    /// Every namespace with these labels
    #[arg(short = 'l', long, value_name = "LABELS", conflicts_with = "all_namespaces")]
    pub selector: Option<Selector>,
    /// Every namespace
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
    /// Check only images of this registry (repeatable) [default: those of the keychain]
    #[arg(long = "registry", value_name = "REGISTRY")]
    pub registries: Vec<Registry>,
    /// Print a document instead of text
    #[arg(short, long, value_name = "json|yaml")]
    pub output: Option<DocumentFormat>,
    /// How to reach the registries.
    #[command(flatten)]
    pub connection: RegistryConnectionArgs,
    /// How to reach the clusters.
    #[command(flatten)]
    pub cluster: ClusterArgs,
}

impl ImagesCheckArgs {
    /// The namespaces to check in a cluster whose context has this one.
    pub(super) fn places(&self, own: &Namespace) -> NamespaceSelection {
        if self.all_namespaces {
            return NamespaceSelection::All;
        }
        if let Some(selector) = &self.selector {
            return NamespaceSelection::Selected(selector.clone());
        }
        if self.namespaces.is_empty() {
            return NamespaceSelection::Named(vec![own.clone()]);
        }
        let mut named = self.namespaces.clone();
        named.sort();
        named.dedup();
        NamespaceSelection::Named(named)
    }
}
