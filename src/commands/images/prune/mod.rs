//! `kubectl regcred images prune`: observe the registry and the clusters, plan, ask, observe again, apply, and look whether
//! everything that was to stay is there.

mod apply;
mod args;
mod document;
mod plan;
mod report;
mod rules;
mod saved;

use std::collections::BTreeMap;

use k8s_openapi::jiff::Timestamp;

use super::args::{ImageUsersArgs, Selection};
use super::catalog::{self, Catalog};
use super::clusters::{self, Seen};
use super::source;
use crate::commands::args::LocalDryRunArg;
use crate::commands::system::System;
use crate::error::{CommandError, Exit};
use crate::model::{Registry, Repository};
use crate::registry::Images;

pub use args::ImagesPruneArgs;
use plan::ImagePlan;
use rules::Rules;
use saved::SavedPlan;

/// What is to be pruned, by the flags or by a saved plan.
struct Task {
    selections: Vec<Selection>,
    rules: Rules,
    users: ImageUsersArgs,
    /// What may go at most.
    saved: Option<SavedPlan>,
}

/// The registry and the clusters at one moment, and the plan for them.
struct Plan {
    catalog: Catalog,
    contexts: Vec<String>,
    images: Vec<ImagePlan>,
}

pub(super) fn run(args: &ImagesPruneArgs, system: &mut System<'_>) -> Result<Exit, CommandError> {
    let task = Task::of(args)?;
    let credential = source::credential(&args.source, system)?;
    if let Some(saved) = &task.saved {
        saved.ensure_for(&credential.registry)?;
    }
    let images = source::open(&credential, &args.source, system)?;
    let only_plans = args.trial.dry_run == LocalDryRunArg::Client || args.plan.is_some();
    source::ensure_can_change(&credential, &images)?;
    if !only_plans {
        source::ensure_may_change(&credential, &args.source, system)?;
    }
    let plan = task.plan(&credential.registry, &images, &Catalog::new(), system)?;
    let mut report = report::Report::new(&credential.registry, &task, &plan);
    if let Some(path) = &args.plan {
        report.print_plan(args.output, system)?;
        return report.save(path, system);
    }
    report.refuse_changed(task.saved.as_ref());
    if args.output.is_none() {
        report.print_plan(None, system)?;
    }
    if !report.goes() || only_plans || !approved(args, &report, system)? {
        return report.finish(args.output, system);
    }
    // Somebody may have deployed or pushed something while this was read and asked.
    let again = task.plan(&credential.registry, &images, &plan.catalog, system)?;
    report.refuse_unplanned(&again);
    apply::run(&images, &again, &mut report, args.output.is_none(), system)?;
    report.finish(args.output, system)
}

impl Task {
    fn of(args: &ImagesPruneArgs) -> Result<Self, CommandError> {
        let saved = args.apply.as_deref().map(saved::read).transpose()?;
        let mut users = args.users.clone();
        match (args.rules(), saved) {
            (Some(rules), None) => Ok(Self {
                selections: args.images.clone(),
                rules,
                users,
                saved: None,
            }),
            (_, Some(saved)) => {
                if !users.cluster.contexts.is_empty() || !users.known_as.is_empty() {
                    return Err(CommandError::usage(
                        "the plan says itself which clusters are looked into: leave --context and --known-as out",
                    ));
                }
                users.cluster.contexts.clone_from(&saved.contexts);
                users.known_as.clone_from(&saved.known_as);
                Ok(Self {
                    selections: saved.images.clone(),
                    rules: saved.rules.clone(),
                    users,
                    saved: Some(saved),
                })
            }
            (None, None) => Err(CommandError::usage("how many tags are to stay: --keep N")),
        }
    }

    fn plan(
        &self,
        registry: &Registry,
        images: &Images<'_>,
        before: &Catalog,
        system: &mut System<'_>,
    ) -> Result<Plan, CommandError> {
        let seen: Seen = clusters::look(&self.users, registry, system)?;
        seen.ensure_whole()?;
        let catalog = catalog::read(images, &self.selections, before, system)?;
        let now = Timestamp::now();
        let is_named = |repository: &Repository| {
            let mut named = self.selections.iter().filter_map(Selection::image);
            named.any(|image| image == repository)
        };
        let plans = catalog
            .values()
            .map(|holding| plan::plan(holding, &seen.demand, &self.rules, is_named(&holding.repository), now));
        let mut plans: Vec<ImagePlan> = plans.collect();
        plan::count_space(&mut plans, &catalog);
        Ok(Plan {
            catalog,
            contexts: seen.contexts,
            images: plans,
        })
    }
}

impl Plan {
    fn by_repository(&self) -> BTreeMap<&Repository, &ImagePlan> {
        self.images.iter().map(|plan| (&plan.repository, plan)).collect()
    }
}

/// `--yes`, or the number of what goes, typed.
fn approved(args: &ImagesPruneArgs, report: &report::Report, system: &mut System<'_>) -> Result<bool, CommandError> {
    if args.yes {
        return Ok(true);
    }
    let count = report.count_going().to_string();
    let Some(person) = &system.person else {
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
