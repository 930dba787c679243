//! `kubectl regcred status`: shows what is out of step on this workstation, at the registries and in the clusters, with
//! the commands that fix it. It changes nothing.
//!
//! 1. [`collect`] observes everything at the same time and returns one [`snapshot`].
//! 2. [`cluster_view`] combines the snapshot of a cluster with what it should contain.
//! 3. [`findings`] are pure functions over the snapshot: [`findings::registries`] for the keychain's credentials,
//!    [`findings::secrets`] and [`findings::missing`] for Secrets, [`findings::pods`] for pods that are stuck.
//! 4. [`table`], [`tables`] and [`document`] print them.

use super::shared::ledger_writer;
use super::system::System;
use crate::cluster::block_on;
use crate::error::{CommandError, Exit};

mod account_tokens;
mod actions_secrets;
mod args;
pub(in crate::commands) mod cluster_view;
mod code;
mod collect;
pub(in crate::commands) mod credentials;
mod docker;
pub(in crate::commands) mod document;
mod files;
pub(in crate::commands) mod finding;
mod findings;
#[cfg(test)]
mod fixture;
pub(in crate::commands) mod given_flags;
mod pod;
pub(in crate::commands) mod report;
pub(in crate::commands) mod row;
mod running;
mod scope;
mod sealed_copies;
mod snapshot;
pub(in crate::commands) mod table;
pub(in crate::commands) mod tables;
pub(in crate::commands) mod tokens;
mod tracked;

pub(super) use args::StatusArgs;
use args::StatusFormat;
pub use code::{Code, Severity};
use credentials::StoredCredentials;
use given_flags::GivenFlags;
use scope::Scope;
use tables::Tables;

pub(super) fn run(args: &StatusArgs, system: &mut System<'_>) -> Result<Exit, CommandError> {
    let flags = GivenFlags::new(&args.cluster, &args.connection);
    if let Some(name) = &args.pod {
        let (mut credentials, findings) = StoredCredentials::read(&args.registries, &flags, system);
        credentials.in_docker = docker::logins(&args.registries, &system.env);
        return pod::run(args, name, &credentials, findings, &flags, system);
    }
    let scope = Scope::of(args, system)?;
    let (mut credentials, mut found) = if scope.brings_all() {
        (StoredCredentials::default(), Vec::new())
    } else {
        StoredCredentials::read(scope.filter(), &flags, system)
    };
    credentials.in_docker = docker::logins(scope.filter(), &system.env);
    found.extend(docker::inspect(&credentials, scope.filter(), &system.env));
    let ledger = ledger_writer::read(system);
    found.extend(files::look(&credentials, &ledger, &system.env));
    credentials.give(&scope.credentials);
    let told = account_tokens::list(args, &credentials, &ledger, system)?;
    let snapshot = block_on(collect::snapshot(
        args,
        &scope,
        &credentials,
        ledger,
        &flags,
        told,
        system,
    ))?;
    let list = args.scope.file.as_deref();
    found.extend(block_on(sealed_copies::look(
        &system.env,
        list,
        &credentials,
        &snapshot,
    ))?);
    system.output.end_progress();
    let mut report = findings::report(&scope, &credentials, &snapshot, &flags);
    // What git tracks has a finding of its own.
    found.retain(|finding| !files::is_named_by(&report.findings, finding));
    report.findings.splice(0..0, found);
    for note in &snapshot.notes {
        system.output.info(note);
    }
    let format = args.output.and_then(StatusFormat::document);
    if let Some(format) = format {
        document::print(&report, &credentials, &snapshot, &flags, format, system)?;
    } else {
        let is_wide = args.output.is_some();
        let tables = Tables::new(&credentials, &snapshot, is_wide);
        table::print(&report, &tables, is_wide, &flags, system)?;
    }
    Ok(report.exit())
}
