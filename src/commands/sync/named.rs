//! The selected Secrets for `--detach` and `--remove`, which need no token.

use super::args::SyncArgs;
use crate::cluster::{self, Cluster, Target};
use crate::commands::shared::apply::{After, Report};
use crate::commands::shared::targets;
use crate::commands::system::System;
use crate::error::CommandError;

/// The hint where the keychain cannot tell which Secrets hold a token of ours.
pub(super) const NEEDS_NO_KEYCHAIN: &str =
    "or name the Secrets in the place of -A, which needs no keychain: -n NAMESPACE --secret NAME";

/// Connects to the context and finds the Secrets there. `None` if this failed; the failure is already reported.
pub(super) async fn connect(
    args: &SyncArgs,
    context: Option<&str>,
    after: &After,
    report: &mut Report,
    system: &mut System<'_>,
) -> Option<(Cluster, Vec<Target>)> {
    let options = args.cluster.options(context);
    let found = async {
        let cluster = Cluster::connect(&system.env, &options).await?;
        let targets = named(args, &cluster).await?;
        Ok::<_, cluster::Error>((cluster, targets))
    };
    match found.await {
        Ok(found) => Some(found),
        Err(error) => {
            report.cluster_failed(context, &CommandError::from(error.for_access(&after.access)), system);
            None
        }
    }
}

/// The names of the Secrets that the flags select; they need not exist.
async fn named(args: &SyncArgs, cluster: &Cluster) -> Result<Vec<Target>, cluster::Error> {
    if args.targets.scope.all_namespaces {
        let managed = cluster::managed_secrets(cluster).await?.into_iter();
        return Ok(managed.map(|managed| managed.target).collect());
    }
    let namespaces = match &args.targets.scope.selector {
        Some(selector) => {
            let found = cluster::namespaces(cluster, selector).await?.into_iter();
            found.map(|found| found.namespace).collect()
        }
        None if args.targets.scope.namespaces.is_empty() => vec![cluster.namespace().clone()],
        None => targets::each_once(&args.targets.scope.namespaces),
    };
    let target = |namespace| Target {
        namespace,
        secret: args.targets.secret.clone(),
    };
    Ok(namespaces.into_iter().map(target).collect())
}
