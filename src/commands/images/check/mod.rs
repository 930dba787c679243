//! `kubectl regcred images check`: could every node pull again what runs, and what could be rolled back to?
//!
//! 1. [`observe`] reads the clusters: what they need, and what kubelet pulls it with.
//! 2. [`plan`] is what to ask registries, and as whom: pure.
//! 3. [`ask`] asks for manifests, configurations and layers.
//! 4. [`judge`] makes the findings: pure. They are printed as `status` prints its own.

mod args;
mod ask;
mod document;
mod judge;
mod observe;
mod plan;
mod platform;

use crate::cluster::block_on;
use crate::commands::args::RegistryConnectionArgs;
use crate::commands::shared::connections::Connections;
use crate::commands::shared::ledger_writer;
use crate::commands::status::credentials::StoredCredentials;
use crate::commands::status::given_flags::GivenFlags;
use crate::commands::status::report::Report;
use crate::commands::status::table;
use crate::commands::status::tables::Tables;
use crate::commands::status::tokens::Verdicts;
use crate::commands::system::System;
use crate::error::{CommandError, Exit};

pub use args::ImagesCheckArgs;

pub(super) fn run(args: &ImagesCheckArgs, system: &mut System<'_>) -> Result<Exit, CommandError> {
    let flags = GivenFlags::new(&args.cluster, &args.connection);
    let (credentials, mut findings) = StoredCredentials::read(&args.registries, &flags, system);
    let mut registries = if args.registries.is_empty() {
        credentials.registries()
    } else {
        args.registries.clone()
    };
    registries.sort();
    registries.dedup();
    if registries.is_empty() && findings.is_empty() {
        return Err(
            CommandError::failed("the keychain holds no credential, so it is not known which images to check")
                .hint("name their registry with --registry REGISTRY, or log in to it with kubectl regcred login"),
        );
    }
    let clusters = block_on(observe::clusters(args, &registries, &credentials, system))?;
    system.output.end_progress();
    let plan = plan::plan(&clusters, &registries, &credentials);
    let ledger = ledger_writer::read(system);
    let connections = Connections::new(&args.connection, &ledger, RegistryConnectionArgs::TIMEOUT);
    let env = system.env.clone();
    let output = &mut system.output;
    let asked = |done: usize, of: usize| output.progress(format_args!("{done}/{of} registries"));
    let verdicts = block_on(Verdicts::default().ask(plan.credentials.clone(), &connections, &env, asked))?;
    let platforms = plan::platforms(&clusters);
    let answers = ask::ask(&plan, &verdicts, &platforms, &connections, &env, &mut system.output);
    findings.extend(judge::findings(&clusters, &plan, &answers, &flags));
    let report = Report {
        rows: Vec::new(),
        findings,
        checked: judge::checked(&clusters, &plan),
    };
    match args.output {
        Some(format) => document::print(&report, &clusters, &plan, &answers, &flags, format, system)?,
        None => table::print(&report, &Tables::default(), false, &flags, system)?,
    }
    Ok(report.exit())
}
