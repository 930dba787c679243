//! `--dry-run=client -o json|yaml` prints the Secrets themselves, as `kubectl create --dry-run=client -o yaml` does.

use serde::Serialize;
use zeroize::Zeroizing;

use super::args::SyncArgs;
use crate::cluster::{self, Manifest};
use crate::commands::args::DocumentFormat;
use crate::commands::shared::targets::{Batch, Job, Scope};
use crate::commands::shared::{document, ledger_writer, proof};
use crate::commands::system::System;
use crate::error::{CommandError, Exit};

/// The kind `List`, which kubectl prints for several objects.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct List<'a> {
    api_version: &'static str,
    kind: &'static str,
    items: &'a [Manifest],
}

/// The format, if manifests are to be printed. Fails for flags that would need a cluster.
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
            "a manifest is printed without contacting a cluster, and {flag} needs one"
        ))
        .hint("name the namespaces with -n, or in a file with -f; for a plan leave out -o or use -o name"));
    }
    if system.output.data_is_terminal() && !args.show_token {
        return Err(CommandError::usage("this would print the token on a terminal")
            .hint("pipe it into a program such as kubeseal or sops, or use --show-token"));
    }
    Ok(Some(format))
}

/// Prints the Secrets of all contexts, each once, because a manifest belongs to no context.
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
                .hint("-n NAMESPACE: a manifest is printed without contacting a cluster"));
        };
        for job in more {
            match jobs.iter().find(|other| other.target == job.target) {
                None => jobs.push(job),
                Some(other) if other.supplies == job.supplies => {}
                Some(_) => {
                    return Err(CommandError::usage(format_args!(
                        "{} differs between contexts, and a manifest belongs to no context",
                        job.target
                    ))
                    .hint("use a separate file for each context"));
                }
            }
        }
    }
    if !args.no_verify {
        let supplies: Vec<_> = jobs.iter().flat_map(|job| job.supplies.iter().cloned()).collect();
        let ledger = ledger_writer::read(system);
        proof::all(&supplies, &args.connection, &ledger, system)?;
    }
    let mut manifests: Vec<Manifest> = Vec::new();
    for job in &jobs {
        let plan = cluster::plan(job.format.as_ref(), &job.target, None, &job.wanted(), false);
        let plan = plan.map_err(CommandError::failed)?;
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
