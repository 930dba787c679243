//! `--dry-run=client -o json|yaml` prints the Secrets themselves, as `kubectl create --dry-run=client -o yaml` does.

use serde::Serialize;
use zeroize::Zeroizing;

use super::args::SyncArgs;
use crate::cluster::{self, Manifest};
use crate::commands::args::DocumentFormat;
use crate::commands::shared::targets::{Batch, Job, Scope};
use crate::commands::shared::{book, document, proof};
use crate::commands::system::System;
use crate::error::{CommandError, Exit};

/// kubectl's own kind for several objects in one JSON document.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'a> {
    api_version: &'static str,
    kind: &'static str,
    items: &'a [Manifest],
}

/// The format, where Secrets are to be printed; refuses what only a cluster could answer.
pub(super) fn format(args: &SyncArgs, system: &System<'_>) -> Result<Option<DocumentFormat>, CommandError> {
    let Some(format) = args.manifest_format() else {
        return Ok(None);
    };
    let after = &args.after;
    let asks = [
        (args.targets.scope.all_namespaces, "-A"),
        (args.targets.scope.selector.is_some(), "-l"),
        (!after.service_accounts.is_empty(), "--service-account"),
        (after.restarts.restart, "--restart"),
        (after.restarts.unstick, "--unstick"),
    ];
    if let Some((_, flag)) = asks.iter().find(|(given, _)| *given) {
        return Err(CommandError::usage(format_args!(
            "a manifest is made without asking a cluster, and {flag} has to ask one"
        ))
        .hint("name the namespaces with -n, or in a file with -f; for a plan leave out -o or say -o name"));
    }
    if system.output.data_is_terminal() && !args.show_token {
        return Err(CommandError::usage("that prints the token, and stdout is a terminal")
            .hint("pipe it on, for example into kubeseal or sops, or say --show-token"));
    }
    Ok(Some(format))
}

/// Prints the Secrets of all contexts, each once: a manifest belongs to no context.
pub(super) fn print(
    batches: Vec<Batch>,
    format: DocumentFormat,
    args: &SyncArgs,
    system: &mut System<'_>,
) -> Result<Exit, CommandError> {
    let mut jobs: Vec<Job> = Vec::new();
    for batch in batches {
        let Scope::Jobs(more) = batch.scope else {
            return Err(CommandError::usage("no namespace was named for the Secret")
                .hint("-n NAMESPACE: a manifest is made without asking a cluster"));
        };
        for job in more {
            match jobs.iter().find(|other| other.target == job.target) {
                None => jobs.push(job),
                Some(other) if other.supplies == job.supplies => {}
                Some(_) => {
                    return Err(CommandError::usage(format_args!(
                        "{} differs from one context to the next, and a manifest belongs to no context",
                        job.target
                    ))
                    .hint("keep the contexts in a file each"));
                }
            }
        }
    }
    if !args.no_verify {
        let supplies: Vec<_> = jobs.iter().flat_map(|job| job.supplies.iter().cloned()).collect();
        let ledger = book::ledger(system);
        proof::all(&supplies, &args.connection, &ledger, system)?;
    }
    let mut manifests: Vec<Manifest> = Vec::new();
    for job in &jobs {
        let plan = cluster::plan(&job.target, None, &job.wanted(), false).map_err(CommandError::failed)?;
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
