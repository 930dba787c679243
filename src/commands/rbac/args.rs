//! The flags of `rbac`: those of the command to allow, and the subjects to allow it to.

use clap::{Arg, ArgGroup, Args};

use crate::cluster::{ApiGroup, Namespace, SecretName, ServiceAccountName};
use crate::commands::args::{RestartArgs, ScopeArgs, with_help};

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("command").args(["rotate", "status", "images", "detach", "remove"]))]
#[command(
    after_help = "It takes the flags of the command that is to be allowed, prints the permissions that this command needs, and contacts no cluster. A Role's name says what it allows, a binding's also to whom, so that applying one does not change another. All of them have the label app.kubernetes.io/managed-by=kubectl-regcred.

Examples:
  kubectl regcred rbac -n honeydue --user jane | kubectl apply -f -
  kubectl regcred rbac -f regcred.yaml --serviceaccount ci:deploy      # for sync -f regcred.yaml
  kubectl regcred rbac -A --rotate --restart --wait --group ops
  kubectl regcred rbac -A --status --api-group keda.sh --user jane
  kubectl regcred rbac -A --images --api-group argoproj.io --user jane
  kubectl regcred rbac -n honeydue --attach default --restart --wait --serviceaccount ci:deploy
  kubectl regcred rbac -n honeydue --secret gitea-credentials --secret ghcr --user jane"
)]
#[command(mut_args(explained))]
#[allow(clippy::struct_excessive_bools, reason = "independent flags of other verbs")]
pub struct RbacArgs {
    /// The namespaces.
    #[command(flatten)]
    pub scope: ScopeArgs,
    /// The context, if a list is for several contexts
    #[arg(hide_short_help = true, long, value_name = "NAME", requires = "file")]
    pub context: Option<String>,
    /// The Secret's name (repeatable)
    #[arg(
        id = "secret",
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
    /// What to do with the pods.
    #[command(flatten)]
    pub restarts: RestartArgs,
    /// For `rotate`, which writes only existing Secrets
    #[arg(long, conflicts_with = "service_accounts")]
    pub rotate: bool,
    /// As for `rotate --keep-old`: without searching all namespaces for other Secrets with the old token
    #[arg(hide_short_help = true, long, requires = "rotate")]
    pub keep_old: bool,
    /// For `status`, which only reads, without the permissions of sync
    #[arg(long, conflicts_with_all = ["restart", "wait", "unstick", "service_accounts"])]
    pub status: bool,
    /// For `images`, which only reads
    #[arg(long, conflicts_with_all = ["file", "restart", "wait", "unstick", "service_accounts"])]
    pub images: bool,
    /// A group of custom resources to read (repeatable): `kubectl api-resources` lists them. For `status`, those of Flux, Argo
    /// CD and KEDA that name Secrets
    #[arg(
        long = "api-group",
        value_name = "GROUP",
        requires = "command",
        conflicts_with_all = ["rotate", "detach", "remove"]
    )]
    pub api_groups: Vec<ApiGroup>,
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

/// The meaning of other verbs' flags here.
const AS_FOR: [(&str, &str); 7] = [
    (
        "namespaces",
        "A namespace to allow it in (repeatable) [default: the one of kubectl apply]",
    ),
    (
        "selector",
        "As for `sync -l`: in all namespaces, and to find namespaces by their labels",
    ),
    (
        "all_namespaces",
        "As for `sync -A`: in all namespaces, and to find the existing Secrets",
    ),
    (
        "file",
        "As for `sync -f`: the Secrets of this list, each in its namespace; `-` reads standard input",
    ),
    ("restart", "As for `sync --restart` and `rotate --restart`"),
    ("wait", "As for `sync --restart --wait`"),
    ("unstick", "As for `sync --unstick` and `rotate --unstick`"),
];

// Flags that `sync -h` hides are shown in `rbac -h`.
fn explained(arg: Arg) -> Arg {
    let is_known = AS_FOR.iter().any(|(id, _)| *id == arg.get_id().as_str());
    let arg = if is_known { arg.hide_short_help(false) } else { arg };
    with_help(arg, &AS_FOR)
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
