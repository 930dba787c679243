//! `kubectl regcred status`: what is out of step at this workstation, at the registries and in the clusters, and the
//! command that mends it. It changes nothing.
//!
//! Everything is looked at at the same time ([`look`]), and judged afterwards by pure functions: [`registries`] for the
//! keychain's credentials, [`secrets`] and [`missing`] for Secrets, [`pods`] for what is stuck. [`report`] and
//! [`document`] print it.

use super::args::DocumentFormat;
use super::system::System;
use crate::cluster::block_on;
use crate::error::{CommandError, Exit};

mod args;
mod code;
mod docker_side;
mod document;
mod finding;
mod held;
mod judge;
mod look;
mod missing;
mod pod;
mod pods;
mod registries;
mod report;
mod row;
mod scope;
mod secrets;
#[cfg(test)]
mod stage;
mod tokens;
mod tracked;
mod typed;
mod view;

pub(super) use args::StatusArgs;
use args::StatusFormat;
pub use code::{Code, Weight};
use scope::Scope;
use typed::Typed;

pub(super) fn run(args: &StatusArgs, system: &mut System<'_>) -> Result<Exit, CommandError> {
    let typed = Typed::new(&args.cluster, &args.connection);
    if let Some(name) = &args.pod {
        let (mut keys, findings) = held::Keys::read(&args.registries, &typed, system);
        keys.in_docker = docker_side::logins(&args.registries, &system.env);
        return pod::run(args, name, &keys, findings, &typed, system);
    }
    let scope = Scope::of(args, system)?;
    let (mut keys, mut findings) = if scope.brings_all() {
        (held::Keys::default(), Vec::new())
    } else {
        held::Keys::read(scope.filter(), &typed, system)
    };
    keys.in_docker = docker_side::logins(scope.filter(), &system.env);
    findings.extend(docker_side::look(&keys, scope.filter(), &system.env));
    keys.give(&scope.credentials);
    let seen = block_on(look::everything(args, &scope, &keys, &typed, system))?;
    system.output.end_progress();
    let judged = judge::everything(&scope, &keys, &seen, &typed);
    findings.extend(judged.findings);
    let report = report::Report {
        rows: judged.rows,
        findings,
        looked_at: judged.looked_at,
    };
    for note in seen.notes {
        system.output.say(note);
    }
    match args.output {
        Some(StatusFormat::Json) => {
            document::print(&report, &keys, &seen.verdicts, &typed, DocumentFormat::Json, system)?;
        }
        Some(StatusFormat::Yaml) => {
            document::print(&report, &keys, &seen.verdicts, &typed, DocumentFormat::Yaml, system)?;
        }
        wide => report::print(&report, wide.is_some(), &typed, system)?,
    }
    Ok(report::exit(&report.findings))
}
