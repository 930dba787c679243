//! The flags of `rbac`: those of the command that is to be allowed, and whom it is allowed to.

use std::path::PathBuf;

use clap::{ArgGroup, Args};

use crate::cluster::{Namespace, RequestTimeout, SecretName, Selector, ServiceAccountName};

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("command").args(["rotate", "status", "detach", "remove"]))]
#[command(
    after_help = "It takes the flags of the command that is to be allowed, prints the permissions that this command needs, and contacts no cluster. A Role's name says what it allows, a binding's also to whom, so that applying one does not change another. All of them have the label app.kubernetes.io/managed-by=kubectl-regcred.

Examples:
  kubectl regcred rbac -n honeydue --user jane | kubectl apply -f -
  kubectl regcred rbac -f regcred.yaml --serviceaccount ci:deploy      # for sync -f regcred.yaml
  kubectl regcred rbac -A --rotate --restart --wait --group ops
  kubectl regcred rbac -A --status --user jane
  kubectl regcred rbac -n honeydue --attach default --restart --wait --serviceaccount ci:deploy
  kubectl regcred rbac -n honeydue --secret gitea-credentials --secret ghcr --user jane"
)]
#[allow(clippy::struct_excessive_bools, reason = "flags of other verbs, each its own")]
pub struct RbacArgs {
    /// A namespace to allow it in (repeatable) [default: where kubectl apply puts it]
    #[arg(short, long = "namespace", value_name = "NAME", conflicts_with_all = ["selector", "all_namespaces"])]
    pub namespaces: Vec<Namespace>,
    /// As for `sync -l`: everywhere, with finding namespaces by their labels
    #[arg(short = 'l', long, value_name = "LABELS", conflicts_with = "all_namespaces")]
    pub selector: Option<Selector>,
    /// As for `sync -A`: everywhere, with finding the Secrets that are there
    #[arg(short = 'A', long)]
    pub all_namespaces: bool,
    /// As for `sync -f`: the Secrets of this list, each in its namespace; `-` reads standard input
    #[arg(short, long, value_name = "FILE", conflicts_with_all = ["all_namespaces", "secrets"])]
    pub file: Option<PathBuf>,
    /// The deployment that the spec.yml is for: its Secret is NAME-registry
    #[arg(hide_short_help = true, long, value_name = "NAME", requires = "file")]
    pub deployment: Option<String>,
    /// Of a list for several contexts, the Secrets of this one
    #[arg(hide_short_help = true, long, value_name = "NAME", requires = "file")]
    pub context: Option<String>,
    /// The Secret's name (repeatable)
    #[arg(
        long = "secret",
        value_name = "NAME",
        default_value = SecretName::DEFAULT,
        conflicts_with = "all_namespaces"
    )]
    pub secrets: Vec<SecretName>,
    /// Attaching the Secret to this ServiceAccount, as `sync --service-account` does (repeatable)
    #[arg(long = "attach", alias = "service-account", value_name = "NAME")]
    pub service_accounts: Vec<ServiceAccountName>,
    /// As for `sync --detach`
    #[arg(hide_short_help = true, long, requires = "service_accounts", conflicts_with_all = ["file", "restart", "unstick"])]
    pub detach: bool,
    /// As for `sync --remove`
    #[arg(hide_short_help = true, long, conflicts_with_all = ["file", "service_accounts", "restart", "unstick"])]
    pub remove: bool,
    /// As for `sync --restart` and `rotate --restart`
    #[arg(long)]
    pub restart: bool,
    /// As for `sync --restart --wait`
    #[arg(
        long,
        value_name = "TIME",
        requires = "restart",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "5m",
        hide_default_value = true
    )]
    pub wait: Option<RequestTimeout>,
    /// As for `sync --unstick` and `rotate --unstick`
    #[arg(long)]
    pub unstick: bool,
    /// For `rotate`, which writes Secrets that are there and makes none
    #[arg(long, conflicts_with = "service_accounts")]
    pub rotate: bool,
    /// As for `rotate --keep-old`: without searching all namespaces for other Secrets with the old token
    #[arg(hide_short_help = true, long, requires = "rotate")]
    pub keep_old: bool,
    /// For `status`, which only looks: nothing of sync's
    #[arg(long, conflicts_with_all = ["restart", "wait", "unstick", "service_accounts"])]
    pub status: bool,
    /// Allow it to this user (repeatable)
    #[arg(long = "user", value_name = "NAME")]
    pub users: Vec<String>,
    /// Allow it to this group (repeatable)
    #[arg(long = "group", value_name = "NAME")]
    pub groups: Vec<String>,
    /// Allow it to this ServiceAccount (repeatable), as `kubectl create rolebinding` takes it
    #[arg(long = "serviceaccount", value_name = "NS:NAME")]
    pub subjects: Vec<ServiceAccountSubject>,
}

/// `NAMESPACE:NAME`, as `kubectl create rolebinding --serviceaccount` takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccountSubject {
    pub namespace: Namespace,
    pub name: ServiceAccountName,
}

impl std::str::FromStr for ServiceAccountSubject {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let Some((namespace, name)) = text.split_once(':') else {
            return Err("a ServiceAccount to allow it to is NAMESPACE:NAME; --attach NAME is one to attach".to_owned());
        };
        Ok(Self {
            namespace: namespace.parse().map_err(|error| format!("{error}"))?,
            name: name.parse().map_err(|error| format!("{error}"))?,
        })
    }
}
