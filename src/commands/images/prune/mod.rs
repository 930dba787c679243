//! `kubectl regcred images prune`: observe the registry and the clusters, plan, ask, observe again, apply, and look whether
//! everything that was to stay is there.

mod apply;
mod args;
mod document;
mod plan;
mod report;
mod rules;
mod saved;
mod task;

use std::time::Duration;

use k8s_openapi::jiff::SignedDuration;

use super::catalog::Catalog;
use super::{clusters, source};
use crate::commands::args::LocalDryRunArg;
use crate::commands::system::System;
use crate::error::{CommandError, Exit};
use crate::model::duration;
use crate::registry::Images;

pub use args::ImagesPruneArgs;
use task::Task;

/// How far two clocks may be apart before it is said.
const TOLERANCE: SignedDuration = SignedDuration::from_mins(5);

pub(super) fn run(args: &ImagesPruneArgs, system: &mut System<'_>) -> Result<Exit, CommandError> {
    let task = Task::of(args, system)?;
    let credential = source::credential(&args.source, system)?;
    if let Some(saved) = &task.saved {
        saved.ensure_for(&credential.registry)?;
    }
    let images = source::open(&credential, &args.source, system)?;
    warn_of_clock(&images, system);
    let only_plans = args.trial.dry_run == LocalDryRunArg::Client || args.plan.is_some();
    source::ensure_can_change(&credential, &images)?;
    if !only_plans {
        source::ensure_may_change(&credential, &args.source, system)?;
    }
    let plan = task.plan(&credential.registry, &images, &Catalog::new(), system)?;
    let mut report = report::Report::new(&credential.registry, &task, &plan);
    if let Some(path) = &args.plan {
        clusters::ensure_known(&plan.clusters)?;
        report.print_plan(args.output, system)?;
        return report.save(path, system);
    }
    if let Some(saved) = &task.saved {
        report.refuse_changed(saved);
        report.keep_whole(&plan.catalog);
    }
    if args.output.is_none() {
        report.print_plan(None, system)?;
    }
    if !report.goes() || only_plans || !approved(args, &report, system)? {
        return report.finish(args.output, system);
    }
    // Somebody may have deployed or pushed something while this was read and asked.
    let again = task.plan(&credential.registry, &images, &plan.catalog, system)?;
    clusters::ensure_same(&plan.clusters, &again.clusters)?;
    report.refuse_unplanned(&again);
    report.keep_whole(&again.catalog);
    apply::run(&images, &again, &mut report, args.output.is_none(), system)?;
    report.finish(args.output, system)
}

/// Says if this machine's clock is ahead: ages are not what they seem then.
fn warn_of_clock(images: &Images<'_>, system: &mut System<'_>) {
    let ahead = images.clock_is_ahead();
    if ahead > TOLERANCE {
        system.output.warn(format_args!(
            "this machine's clock is {} ahead of that of {}, which decides what is old enough to go: correct it",
            duration::show(Duration::from_secs(ahead.unsigned_abs().as_secs())),
            images.registry()
        ));
    }
}

/// `--yes`, or the number of what goes, typed under the plan. A document is for programs, which are not asked.
fn approved(args: &ImagesPruneArgs, report: &report::Report, system: &mut System<'_>) -> Result<bool, CommandError> {
    if args.yes {
        return Ok(true);
    }
    let count = report.count_going().to_string();
    let Some(person) = system.person.as_ref().filter(|_| args.output.is_none()) else {
        system.output.info("nothing was changed: --yes does what the plan says");
        return Ok(false);
    };
    let answer = person.word(&format!("Type {count} to set aside or delete that many"))?;
    if answer.trim() == count {
        return Ok(true);
    }
    system.output.info("nothing was changed");
    Ok(false)
}
