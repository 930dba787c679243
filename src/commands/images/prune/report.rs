//! The plan in words, what became of it, and the document.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;

use super::document::{Action, Check, ImagePrune, Item, KIND, Outcome};
use super::plan::short;
use super::saved::SavedPlan;
use super::task::{Plan, Task};
use crate::commands::args::DocumentFormat;
use crate::commands::images::catalog::Catalog;
use crate::commands::images::holding::{HeldRow, Holding};
use crate::commands::shared::document;
use crate::commands::system::System;
use crate::error::{CommandError, Exit};
use crate::model::{CommandLine, Digest, Registry, Repository, duration, size};
use crate::output::Tone;
use crate::sys::replace;

/// The plan with the outcome of each of its rows.
pub struct Report {
    document: ImagePrune,
}

impl Report {
    pub fn new(registry: &Registry, task: &Task, plan: &Plan) -> Self {
        let items = plan.images.iter();
        let items = items.flat_map(|plan| plan.rows.iter().map(move |row| Item::of(plan, row)));
        Self {
            document: ImagePrune {
                registry: registry.to_string(),
                clusters: plan.clusters.clone(),
                known_as: task.users.known_as.clone(),
                images: task.selections.clone(),
                rules: task.rules.clone(),
                items: items.collect(),
                check: None,
            },
        }
    }

    /// With a saved plan, only what is in it goes, and only if it still is what it was.
    pub fn refuse_changed(&mut self, saved: &SavedPlan) {
        let planned: BTreeMap<(&Repository, &str), &Item> = saved
            .items
            .iter()
            .map(|item| ((&item.image, item.name.as_str()), item))
            .collect();
        for item in &mut self.document.items {
            let before = planned.get(&(&item.image, item.name.as_str())).copied();
            match before {
                Some(before) if before.agrees(item) => {}
                Some(before) => {
                    let why = if before.digest == item.digest {
                        format!("now: {}", item.reason)
                    } else {
                        "it was pushed again".to_owned()
                    };
                    item.refuse(before.action, why);
                }
                None if item.goes() => {
                    item.action = Action::Keep;
                    item.aside = None;
                    item.frees = 0;
                    "it is not in the plan".clone_into(&mut item.reason);
                }
                None => {}
            }
        }
    }

    /// What goes must still go when everything was read again.
    pub fn refuse_unplanned(&mut self, again: &Plan) {
        let plans = again.by_repository();
        for item in self
            .document
            .items
            .iter_mut()
            .filter(|item| item.goes() && item.outcome.is_none())
        {
            let plan = plans.get(&item.image);
            let row = plan.and_then(|plan| plan.rows.iter().find(|row| row.row.version.as_str() == item.name));
            match plan.zip(row).map(|(plan, row)| Item::of(plan, row)) {
                Some(now) if now.agrees(item) => item.aside = now.aside,
                Some(now) if now.digest == item.digest => {
                    item.refuse(item.action, format!("now: {}", now.reason));
                }
                Some(_) => item.refuse(item.action, "it was pushed again".to_owned()),
                None => item.outcome = Some(Outcome::WasGone),
            }
        }
    }

    /// What a row that stays is made of or described by stays too: a plan counts on everything going that it says, and some
    /// of that may have been refused.
    pub fn keep_whole(&mut self, catalog: &Catalog) {
        let deleted = self.document.items.iter().filter(|item| item.is_deleted());
        let deleted: BTreeSet<_> = deleted
            .map(|item| (&item.image, item.name.as_str(), &item.digest))
            .collect();
        let mut needed: BTreeMap<&Repository, BTreeSet<&Digest>> = BTreeMap::new();
        for (image, holding) in catalog {
            let stays = |row: &&HeldRow| !deleted.contains(&(image, row.version.as_str(), &row.digest));
            let held: BTreeSet<&Digest> = holding.rows.iter().filter(stays).map(|row| &row.digest).collect();
            let whole = holding.whole(held.iter().copied());
            needed.insert(image, whole.difference(&held).copied().collect());
        }
        for item in self.document.items.iter_mut().filter(|item| item.is_deleted()) {
            // One row is enough to hold a manifest.
            if needed
                .get_mut(&item.image)
                .is_some_and(|needed| needed.remove(&item.digest))
            {
                item.refuse(item.action, "it belongs to something that stays".to_owned());
            }
        }
    }

    /// What goes and was not refused, by image, in the order in which it is done.
    pub fn going(&mut self) -> Vec<Vec<&mut Item>> {
        let mut images: Vec<Vec<&mut Item>> = Vec::new();
        let going = self
            .document
            .items
            .iter_mut()
            .filter(|item| item.goes() && item.outcome.is_none());
        for item in going {
            match images.last_mut() {
                Some(image) if image[0].image == item.image => image.push(item),
                _ => images.push(vec![item]),
            }
        }
        images
    }

    pub fn count_going(&self) -> usize {
        let going = self
            .document
            .items
            .iter()
            .filter(|item| item.goes() && item.outcome.is_none());
        going.count()
    }

    pub fn goes(&self) -> bool {
        self.count_going() > 0
    }

    pub fn set_check(&mut self, check: Check) {
        self.document.check = Some(check);
    }

    /// The images in which something was changed or tried.
    pub fn touched(&self) -> BTreeSet<&Repository> {
        let tried = |item: &&Item| matches!(item.outcome, Some(Outcome::Done | Outcome::WasGone | Outcome::Failed));
        self.document
            .items
            .iter()
            .filter(tried)
            .map(|item| &item.image)
            .collect()
    }

    /// The manifests of this image that a row holds after everything that was done: its own, or that of what was set
    /// aside. What has changed, or has failed, is not counted: it may hold anything.
    pub fn held<'a>(&self, holding: &'a Holding) -> BTreeSet<&'a Digest> {
        let is_uncertain = |item: &&Item| match (item.action, item.outcome) {
            (Action::Delete, Some(Outcome::Done)) => true,
            (_, outcome) => matches!(outcome, Some(Outcome::WasGone | Outcome::Changed | Outcome::Failed)),
        };
        let items = self
            .document
            .items
            .iter()
            .filter(|item| item.image == holding.repository);
        let uncertain: BTreeSet<_> = items.filter(is_uncertain).map(|item| item.name.as_str()).collect();
        let rows = holding
            .rows
            .iter()
            .filter(|row| !uncertain.contains(row.version.as_str()));
        rows.map(|row| &row.digest).collect()
    }

    pub fn print_plan(&self, format: Option<DocumentFormat>, system: &mut System<'_>) -> Result<(), CommandError> {
        if let Some(format) = format {
            return document::print(KIND, &self.document, format, system);
        }
        let now = Timestamp::now();
        let rows: Vec<[String; 7]> = self.document.items.iter().map(|item| item.cells(now)).collect();
        if rows.is_empty() {
            system.output.info("there are no images");
        } else {
            let heading = ["IMAGE", "TAG", "DIGEST", "AGE", "FREES", "PLAN", "WHY"];
            let tone = |at, cell: &str| match cell {
                "set aside" | "delete" if at == 5 => Tone::Doubtful,
                _ => Tone::Plain,
            };
            system.output.toned_table(&heading, &rows, tone)?;
            system.output.line("")?;
        }
        system.output.line(self.summary())?;
        if self.document.clusters.is_empty() {
            system.output.warn(
                "no cluster was looked into: tags that a cluster runs or could roll back to may be among those that go; \
                 name each cluster with --context",
            );
        }
        Ok(())
    }

    fn summary(&self) -> String {
        let of = |action| {
            let items = self.document.items.iter();
            let items = items.filter(move |item| item.action == action && item.outcome.is_none());
            items.fold((0_usize, 0_u64), |(count, bytes), item| {
                (count + 1, bytes.saturating_add(item.frees))
            })
        };
        let (aside, later) = of(Action::SetAside);
        let (deleted, now) = of(Action::Delete);
        let (kept, _) = of(Action::Keep);
        let mut parts = vec![format!("{kept} stay")];
        if aside > 0 {
            parts.push(format!(
                "{aside} are set aside for {}, and free up to {} after that",
                self.document.rules.grace,
                size::show(later)
            ));
        }
        if deleted > 0 {
            parts.push(format!(
                "{deleted} are deleted for good, which frees up to {}",
                size::show(now)
            ));
        }
        if deleted > 0 && self.document.rules.grace.0.is_zero() {
            parts.push("there is no way back".to_owned());
        }
        parts.join("; ")
    }

    /// Writes the plan to a file.
    pub fn save(&self, path: &Path, system: &mut System<'_>) -> Result<Exit, CommandError> {
        let text = document::with_head(KIND, &self.document, DocumentFormat::Json)?;
        replace::named(path, text.as_bytes()).map_err(|cause| {
            CommandError::failed(format_args!("{}: {cause}", path.display())).hints(replace::hint(&cause))
        })?;
        let command =
            CommandLine::new("kubectl regcred images prune --apply").value("FILE", path.display().to_string());
        system
            .output
            .info(format_args!("the plan is in {}; nothing was changed", path.display()));
        system.output.info(format_args!("hint: {command}"));
        Ok(Exit::Done)
    }

    /// The document, or the summary of what was done; and the exit code.
    pub fn finish(&self, format: Option<DocumentFormat>, system: &mut System<'_>) -> Result<Exit, CommandError> {
        let bad = |item: &&Item| {
            matches!(
                item.outcome,
                Some(Outcome::Changed | Outcome::Failed | Outcome::NotTried)
            )
        };
        let is_bad = self.document.items.iter().any(|item| bad(&item))
            || self
                .document
                .check
                .as_ref()
                .is_some_and(|check| !check.missing.is_empty() || check.unclear > 0);
        let exit = if is_bad { Exit::Failed } else { Exit::Done };
        if let Some(format) = format {
            document::print(KIND, &self.document, format, system)?;
            return Ok(exit);
        }
        for item in self.document.items.iter().filter(bad) {
            let why = item.error.as_deref().unwrap_or("something before it failed");
            system
                .output
                .info(format_args!("{}:{} was left: {why}", item.image, item.name));
        }
        let Some(check) = &self.document.check else {
            return Ok(exit);
        };
        let count = |outcome| {
            let items = self.document.items.iter();
            items.filter(|item| item.outcome == Some(outcome)).count()
        };
        let mut parts = vec![format!("{} done", count(Outcome::Done))];
        for (outcome, what) in [
            (Outcome::WasGone, "were gone already"),
            (Outcome::Changed, "have changed and were left"),
            (Outcome::Failed, "failed"),
            (Outcome::NotTried, "were not tried after that"),
        ] {
            let count = count(outcome);
            if count > 0 {
                parts.push(format!("{count} {what}"));
            }
        }
        system.output.line(parts.join(", "))?;
        check.print(system)?;
        Ok(exit)
    }
}

impl Check {
    fn print(&self, system: &mut System<'_>) -> Result<(), CommandError> {
        if self.missing.is_empty() && self.unclear == 0 {
            system.output.line(format_args!(
                "asked for the {} manifests that stay again: all are there",
                self.asked
            ))?;
            return Ok(());
        }
        for missing in &self.missing {
            system.output.warn(format_args!("{missing} is not there any more"));
        }
        system.output.line(format_args!(
            "asked for the {} manifests that stay again: {} are missing, {} could not be asked for",
            self.asked,
            self.missing.len(),
            self.unclear
        ))?;
        Ok(())
    }
}

impl Item {
    fn refuse(&mut self, action: Action, why: String) {
        self.action = action;
        self.outcome = Some(Outcome::Changed);
        self.error = Some(why);
    }

    fn cells(&self, now: Timestamp) -> [String; 7] {
        let age = self.pushed.map(|pushed| now.duration_since(pushed));
        let age = age.map(|age| duration::show(Duration::try_from(age).unwrap_or_default()));
        let name = match self.name.as_str() {
            digest if digest.contains(':') => "<none>",
            tag => tag,
        };
        [
            self.image.to_string(),
            name.to_owned(),
            short(&self.digest).to_owned(),
            age.unwrap_or_else(|| "-".to_owned()),
            if self.frees > 0 {
                size::show(self.frees)
            } else {
                "-".to_owned()
            },
            match (self.outcome, self.action) {
                (Some(_), _) | (None, Action::Keep) => "keep",
                (None, Action::SetAside) => "set aside",
                (None, Action::Delete) => "delete",
            }
            .to_owned(),
            self.error.clone().unwrap_or_else(|| self.reason.clone()),
        ]
    }
}
