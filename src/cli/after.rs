//! What `sync` does once a Secret is right, and who has to be allowed what for it.

use clap::Args;

use crate::cluster::{Namespace, RequestTimeout, SecretName, Selector, ServiceAccountName};

/// What to do besides the Secret.
#[derive(Debug, Args)]
#[command(next_help_heading = "Once the Secret is right")]
pub struct AfterArgs {
    /// Attach the Secret to this ServiceAccount (repeatable): its new pods pull with it without naming it
    #[arg(long = "service-account", value_name = "NAME")]
    pub service_accounts: Vec<ServiceAccountName>,
    /// Take the Secret out of the ServiceAccounts, and leave the Secret itself alone
    #[arg(hide_short_help = true, long, requires = "service_accounts", conflicts_with_all = [
        "file", "restart", "unstick", "force_conflicts", "token_stdin", "token_env", "env_file",
    ])]
    pub detach: bool,
    /// What to do with the pods that pull with it.
    #[command(flatten)]
    pub restarts: RestartArgs,
}

/// What to do with the pods that pull with a Secret.
#[derive(Debug, Args)]
#[command(next_help_heading = "Once the Secret is right")]
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

/// `rbac`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubectl regcred rbac -n honeydue --user jane | kubectl apply -f -
  kubectl regcred rbac -n honeydue --service-account default --restart --wait --serviceaccount ci:deploy
  kubectl regcred rbac -A --group ops --unstick")]
#[allow(clippy::struct_excessive_bools, reason = "flags of sync, each its own")]
pub struct RbacArgs {
    /// A namespace to allow it in (repeatable) [default: where kubectl apply puts it]
    #[arg(short, long = "namespace", value_name = "NAME", conflicts_with_all = ["selector", "all_namespaces"])]
    pub namespaces: Vec<Namespace>,
    /// As for `sync -l`: everywhere, with finding namespaces by their labels
    #[arg(short = 'l', long, value_name = "LABELS", conflicts_with = "all_namespaces")]
    pub selector: Option<Selector>,
    /// As for `sync -A`: everywhere, with finding the Secrets that are there
    #[arg(short = 'A', long, conflicts_with = "secret")]
    pub all_namespaces: bool,
    /// The Secret's name
    #[arg(long, value_name = "NAME", default_value = SecretName::DEFAULT)]
    pub secret: SecretName,
    /// As for `sync --service-account` (repeatable)
    #[arg(long = "service-account", value_name = "NAME")]
    pub service_accounts: Vec<ServiceAccountName>,
    /// As for `sync --restart`
    #[arg(long)]
    pub restart: bool,
    /// As for `sync --restart --wait`
    #[arg(long, requires = "restart")]
    pub wait: bool,
    /// As for `sync --unstick`
    #[arg(long)]
    pub unstick: bool,
    /// For `status`, which only looks: nothing of sync's
    #[arg(long, conflicts_with_all = ["restart", "wait", "unstick", "service_accounts"])]
    pub status: bool,
    /// Allow it to this user (repeatable)
    #[arg(long = "user", value_name = "NAME")]
    pub users: Vec<String>,
    /// Allow it to this group (repeatable)
    #[arg(long = "group", value_name = "NAME")]
    pub groups: Vec<String>,
    /// Allow it to this ServiceAccount (repeatable)
    #[arg(long = "serviceaccount", value_name = "NS:NAME")]
    pub subjects: Vec<ServiceAccountSubject>,
}

/// `NAMESPACE:NAME`, as `kubectl create rolebinding --serviceaccount` takes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceAccountSubject {
    /// Its namespace.
    pub namespace: Namespace,
    /// Its name.
    pub name: ServiceAccountName,
}

impl std::str::FromStr for ServiceAccountSubject {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (namespace, name) = text.split_once(':').ok_or("a ServiceAccount is NAMESPACE:NAME")?;
        Ok(Self {
            namespace: namespace.parse().map_err(|error| format!("{error}"))?,
            name: name.parse().map_err(|error| format!("{error}"))?,
        })
    }
}
