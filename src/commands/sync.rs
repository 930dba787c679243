//! `kubectl regcred sync`: makes the Secrets of the targets hold the credential.

use futures_util::{StreamExt as _, stream};
use serde::Serialize;
use zeroize::Zeroizing;

use super::choose;
use super::document;
use super::system::System;
use super::token_source;
use crate::cli::{ClusterArgs, DocumentFormat, DryRunArg, OutputFormat, SyncArgs};
use crate::cluster::{
    self, Cluster, ConnectOptions, DryRun, Impersonate, Manifest, Namespace, SyncOptions, Synced, Target, Wanted,
};
use crate::error::{CommandError, Exit};
use crate::model::{Credential, Use};

mod report;

use report::{Report, Row};

/// How many namespaces of a cluster are worked on at a time: one connection each, and few enough for a small API server.
const AT_ONCE: usize = 8;

/// kubectl's own kind for several objects in one JSON document.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'a> {
    api_version: &'static str,
    kind: &'static str,
    items: &'a [Manifest],
}

pub(super) fn run(args: &SyncArgs, system: &mut System<'_>) -> Result<Exit, CommandError> {
    let as_secret = manifest_format(args)?;
    if as_secret.is_some() && system.output.data_is_terminal() && !args.show_token {
        return Err(CommandError::usage("that prints the token, and stdout is a terminal")
            .hint("pipe it on, for example into kubeseal or sops, or say --show-token"));
    }
    let (credential, usage) = credential(args, system)?;
    if credential.username.is_identity_token() {
        return Err(CommandError::failed(format_args!(
            "the credential of {} is an OAuth2 identity token, which kubelet cannot use",
            credential.registry
        ))
        .hint(format_args!(
            "kubectl regcred login {} -u USER --use cluster",
            credential.registry
        )));
    }
    let wanted = Wanted {
        credential: &credential,
        usage,
    };
    if let Some(format) = as_secret {
        return print_secrets(args, &wanted, format, system);
    }
    cluster::block_on(sync_all(args, &wanted, system))?
}

/// The keychain's credential, or the one that was given whole.
fn credential(args: &SyncArgs, system: &mut System<'_>) -> Result<(Credential, Use), CommandError> {
    let given = token_source::given(&args.token, args.registry.clone(), args.username.clone(), system)?;
    let given = match token_source::complete(given)? {
        // A token that is handed to sync is meant for the cluster, whatever else it may do.
        Ok(credential) => return Ok((credential, args.usage.unwrap_or(Use::Cluster))),
        Err(given) => given,
    };
    let keychain = system.keychain()?;
    let items = if given.registry.is_some() {
        Vec::new()
    } else {
        keychain.list()?
    };
    let registry = choose::registry(given.registry, &items, "name one with --registry REGISTRY", system)?;
    choose::credential(&keychain, &registry, args.usage, given.username.as_ref())
}

/// `--dry-run=client -o json|yaml` prints the Secret itself, as `kubectl create --dry-run=client -o yaml` does.
fn manifest_format(args: &SyncArgs) -> Result<Option<DocumentFormat>, CommandError> {
    let format = match (args.dry_run, args.output) {
        (DryRunArg::Client, Some(OutputFormat::Json)) => DocumentFormat::Json,
        (DryRunArg::Client, Some(OutputFormat::Yaml)) => DocumentFormat::Yaml,
        _ => return Ok(None),
    };
    if args.namespaces.is_empty() {
        return Err(CommandError::usage("no namespace was named for the Secret")
            .hint("-n NAMESPACE: a manifest is made without asking a cluster"));
    }
    Ok(Some(format))
}

fn print_secrets(
    args: &SyncArgs,
    wanted: &Wanted<'_>,
    format: DocumentFormat,
    system: &mut System<'_>,
) -> Result<Exit, CommandError> {
    let mut manifests: Vec<Manifest> = Vec::new();
    for target in targets(args, None) {
        let plan = cluster::plan(&target, None, wanted, false).map_err(CommandError::failed)?;
        manifests.push(plan.manifest);
    }
    let mut text = Zeroizing::new(String::new());
    match (format, manifests.as_slice()) {
        (DocumentFormat::Json, [_, _, ..]) => {
            let list = List {
                api_version: "v1",
                kind: "List",
                items: &manifests,
            };
            text.push_str(&Zeroizing::new(document::render(&list, format)?));
        }
        _ => {
            for (place, manifest) in manifests.iter().enumerate() {
                text.push_str(if place == 0 { "" } else { "---\n" });
                text.push_str(&Zeroizing::new(document::render(manifest, format)?));
            }
        }
    }
    system.output.document(&text)?;
    Ok(Exit::Done)
}

async fn sync_all(args: &SyncArgs, wanted: &Wanted<'_>, system: &mut System<'_>) -> Result<Exit, CommandError> {
    let mut report = Report::new(args);
    let mut contexts: Vec<Option<&str>> = args.cluster.contexts.iter().map(|name| Some(name.as_str())).collect();
    contexts.dedup();
    if contexts.is_empty() {
        contexts.push(None);
    }
    for context in contexts {
        match Cluster::connect(&system.env, &connect_options(&args.cluster, context)).await {
            Ok(cluster) => sync_cluster(args, &cluster, wanted, &mut report, system).await?,
            Err(error) => report.cluster_failed(context, CommandError::from(error), system),
        }
    }
    report.finish(system)
}

/// One client, a few namespaces at a time, reported in the order that they were named.
async fn sync_cluster(
    args: &SyncArgs,
    cluster: &Cluster,
    wanted: &Wanted<'_>,
    report: &mut Report,
    system: &mut System<'_>,
) -> Result<(), CommandError> {
    let options = SyncOptions {
        force_conflicts: args.force_conflicts,
        dry_run: dry_run(args.dry_run),
    };
    let targets = targets(args, Some(cluster.namespace()));
    let mut left = targets.len();
    let mut work = stream::iter(targets)
        .map(|target| async move {
            let result = cluster::sync(cluster, &target, wanted, options).await;
            (target, result)
        })
        .buffered(AT_ONCE);
    while let Some((target, result)) = work.next().await {
        left -= 1;
        let is_over = result.as_ref().is_err_and(cluster::Error::is_about_the_cluster);
        let result: Result<Synced, CommandError> = result.map_err(CommandError::from);
        report.row(
            &Row {
                context: cluster.context(),
                target: &target,
                result: &result,
            },
            system,
        )?;
        if is_over {
            report.not_tried(left);
            break;
        }
    }
    Ok(())
}

/// The namespaces in the order of the command line, each once.
fn targets(args: &SyncArgs, default: Option<&Namespace>) -> Vec<Target> {
    let mut namespaces: Vec<Namespace> = Vec::new();
    for namespace in args
        .namespaces
        .iter()
        .chain(default.filter(|_| args.namespaces.is_empty()))
    {
        if !namespaces.contains(namespace) {
            namespaces.push(namespace.clone());
        }
    }
    namespaces
        .into_iter()
        .map(|namespace| Target {
            namespace,
            secret: args.secret.clone(),
        })
        .collect()
}

fn connect_options(args: &ClusterArgs, context: Option<&str>) -> ConnectOptions {
    ConnectOptions {
        kubeconfig: args.kubeconfig.clone(),
        context: context.map(str::to_owned),
        cluster: args.cluster.clone(),
        user: args.user.clone(),
        impersonate: Impersonate {
            user: args.impersonate.clone(),
            groups: args.impersonate_groups.clone(),
            uid: args.impersonate_uid.clone(),
        },
        request_timeout: args.request_timeout.unwrap_or_default(),
    }
}

fn dry_run(arg: DryRunArg) -> DryRun {
    match arg {
        DryRunArg::None => DryRun::None,
        DryRunArg::Client => DryRun::Client,
        DryRunArg::Server => DryRun::Server,
    }
}
