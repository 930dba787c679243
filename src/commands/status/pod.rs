//! `status --pod`: for each image, the credentials that kubelet would try, in which order, and why it ignores the others.

use std::collections::BTreeSet;

use serde::Serialize;

mod shown;

use super::Code;
use super::args::{PodName, StatusArgs, StatusFormat};
use super::cluster_view::{ClusterView, interest, other};
use super::collect::RegistryProbe;
use super::credentials::StoredCredentials;
use super::finding::Finding;
use super::findings::{self, pods};
use super::given_flags::{Flag, GivenFlags};
use super::report::Report;
use super::table::print_findings;
use super::tokens::Verdicts;
use crate::cluster::survey::{PodPulls, explain};
use crate::cluster::{self, Cluster, Namespace};
use crate::commands::shared::{document, ledger_writer};
use crate::commands::system::System;
use crate::error::{CommandError, Exit};
use crate::model::{CommandLine, Registry};
use crate::output::Tone;
use shown::{OfImage, OfSecret, of_image, secrets};

static NONE_LOST: BTreeSet<Namespace> = BTreeSet::new();

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PodStatus<'a> {
    context: Option<&'a str>,
    namespace: &'a str,
    pod: &'a str,
    controller: Option<&'a str>,
    service_account: &'a str,
    secrets: Vec<OfSecret>,
    images: Vec<OfImage>,
}

/// Explains one pod.
pub(super) fn run(
    args: &StatusArgs,
    name: &PodName,
    credentials: &StoredCredentials,
    findings: Vec<Finding>,
    flags: &GivenFlags,
    system: &mut System<'_>,
) -> Result<Exit, CommandError> {
    let flag = match args.cluster.contexts.as_slice() {
        [] => None,
        [one] => Some(one.as_str()),
        _ => {
            return Err(CommandError::usage(
                "a pod is in one context: name it with a single --context",
            ));
        }
    };
    one(args, flag, name, credentials, findings, flags, system)
}

fn one(
    args: &StatusArgs,
    flag: Option<&str>,
    name: &PodName,
    credentials: &StoredCredentials,
    mut findings: Vec<Finding>,
    flags: &GivenFlags,
    system: &mut System<'_>,
) -> Result<Exit, CommandError> {
    let options = args.cluster.options(flag);
    let registries: Vec<Registry> = credentials.registries();
    let asking = RegistryProbe::of(args, &ledger_writer::read(system), system);
    let (cluster, pulls, verdicts, images) = cluster::block_on(async {
        let cluster = Cluster::connect(&system.env, &options).await?;
        let interests = registries
            .iter()
            .map(|registry| interest(registry, credentials))
            .collect();
        let pulls = explain(&cluster, &name.namespace, name.name.as_str(), interests).await?;
        let Some(mut pulls) = pulls else {
            return Err(
                CommandError::failed(format_args!("pod {}/{} not found", name.namespace, name.name)).hint(
                    flags.cluster(
                        flag,
                        CommandLine::new("kubectl get pods").option("-n", "NAMESPACE", name.namespace.as_str()),
                    ),
                ),
            );
        };
        // Only the credentials of the images' registries are needed.
        let is_meant = |registry: &Registry| {
            pulls
                .images
                .iter()
                .any(|image| Registry::of_image(&image.image).as_ref() == Some(registry))
        };
        let kept = credentials.held.iter().map(|held| held.credential.clone());
        let others = (0..pulls.survey.other_tokens.len()).filter_map(|at| other(&pulls.survey, at, &pulls.registries));
        let asked = kept
            .chain(others)
            .filter(|credential| is_meant(&credential.registry))
            .collect();
        let verdicts = asking.ask(Verdicts::default(), asked, |_, _| {}).await;
        let causes = view(&cluster, flag, &pulls, credentials, &verdicts, flags).causes();
        pulls.survey.set_causes(causes);
        let images = asking
            .images([view(&cluster, flag, &pulls, credentials, &verdicts, flags)])
            .await;
        Ok((cluster, pulls, verdicts, images))
    })??;
    let view = view(&cluster, flag, &pulls, credentials, &verdicts, flags);
    findings.retain(|finding| finding.code == Code::KeychainUnreadable);
    findings.extend(pods::judge(&view, &images));
    findings.extend(
        view.survey
            .unseen
            .iter()
            .map(|unseen| findings::unreadable(&view, unseen, &[Flag::new("-n", "NAMESPACE", &name.namespace)])),
    );
    let images: Vec<OfImage> = pulls
        .images
        .iter()
        .map(|image| of_image(&view, &pulls, image))
        .collect();
    let report = Report {
        rows: Vec::new(),
        findings,
        checked: Vec::new(),
    };
    let format = args.output.and_then(StatusFormat::document);
    if let Some(format) = format {
        let fields = PodStatus {
            context: Some(cluster.context()).filter(|context| !context.is_empty()),
            namespace: pulls.namespace.as_str(),
            pod: &pulls.name,
            controller: pulls.controller.as_deref(),
            service_account: &pulls.account,
            secrets: secrets(&pulls),
            images,
        };
        document::print(
            "PodStatus",
            &super::document::WithFindings::new(&fields, &report, flags),
            format,
            system,
        )?;
    } else {
        print(&pulls, &images, system)?;
        if !report.findings.is_empty() {
            system.output.line("")?;
        }
        print_findings(&report, false, flags, system)?;
    }
    Ok(report.exit())
}

fn view<'a>(
    cluster: &'a Cluster,
    flag: Option<&'a str>,
    pulls: &'a PodPulls,
    credentials: &'a StoredCredentials,
    verdicts: &'a Verdicts,
    flags: &'a GivenFlags,
) -> ClusterView<'a> {
    ClusterView {
        context: cluster.context(),
        flag,
        namespace: cluster.namespace(),
        survey: &pulls.survey,
        registries: &pulls.registries,
        // The registries of the question come first.
        known: credentials.registries().len(),
        lost: &NONE_LOST,
        expected: &[],
        credentials,
        verdicts,
        flags,
    }
}

fn print(pulls: &PodPulls, images: &[OfImage], system: &mut System<'_>) -> Result<(), CommandError> {
    let output = &mut system.output;
    let controller = pulls
        .controller
        .as_ref()
        .map_or(String::new(), |name| format!(" of {name}"));
    output.toned(&[
        (
            Tone::Strong,
            &format!("pod/{} in namespace {}", pulls.name, pulls.namespace),
        ),
        (Tone::Plain, &format!("{controller}, ServiceAccount {}", pulls.account)),
    ])?;
    let named: Vec<String> = secrets(pulls)
        .iter()
        .map(|secret| match secret.state {
            "there" => secret.name.clone(),
            "wrongType" => format!("{} (ignored: wrong type)", secret.name),
            "unseen" => format!("{} (could not be read)", secret.name),
            state => format!("{} ({state})", secret.name),
        })
        .collect();
    let named = if named.is_empty() {
        "none".to_owned()
    } else {
        named.join(", ")
    };
    output.line(format_args!("pull Secrets, in the pod's order: {named}"))?;
    for image in images {
        output.line("")?;
        let tone = if image.outcome == "waiting" {
            Tone::Bad
        } else {
            Tone::Plain
        };
        output.toned(&[
            (Tone::Strong, &format!("{}: {}", image.container, image.image)),
            (Tone::Plain, "  "),
            (tone, image.outcome),
        ])?;
        if let Some(fails) = &image.fails {
            output.line(format_args!("  kubelet does not contact the registry: {fails}"))?;
            continue;
        }
        for (at, attempt) in image.tries.iter().enumerate() {
            let user = attempt
                .username
                .as_ref()
                .map_or(String::new(), |user| format!("{user} with "));
            output.line(format_args!(
                "  {}. secret/{}, entry {}: {user}{}",
                at + 1,
                attempt.secret,
                attempt.key,
                attempt.token
            ))?;
        }
        if image.tries.is_empty() {
            output.line("  1. anonymously, unless the node has a credential of its own")?;
        }
        for passed in &image.passes_over {
            output.line(format_args!(
                "  not secret/{}, entry {}: {}",
                passed.secret, passed.key, passed.reason
            ))?;
        }
    }
    Ok(())
}
