//! The output of `sync`: a line for each Secret, as kubectl prints them, or one document; then a summary.

use std::collections::BTreeSet;

use serde::Serialize;

use super::after::AfterResult;
use super::one::Done;
use crate::cluster::{Outcome, Target};
use crate::commands::args::{DocumentFormat, DryRunArg, OutputFormat};
use crate::commands::shared::document;
use crate::commands::shared::kept::Kept;
use crate::commands::shared::targets::Found;
use crate::commands::system::System;
use crate::error::{CommandError, Exit};
use crate::model::{ActionsSecret, Hint, Registry, count};

mod after;

/// The most registries that one line names.
const MAX_NAMED: usize = 5;

/// The result for one target.
pub(in crate::commands) struct Row<'a> {
    pub(in crate::commands) context: &'a str,
    pub(in crate::commands) target: &'a Target,
    pub(in crate::commands) result: Result<Done, CommandError>,
}

/// The document of `-o json|yaml`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SyncResult {
    dry_run: &'static str,
    items: Vec<Item>,
}

/// The result for one target in the document. Without a namespace, it is a cluster that could not be connected to or, without
/// a context too, a credential that was replaced meanwhile.
#[derive(Default, Serialize)]
pub(in crate::commands) struct Item {
    context: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    /// A secret of Actions, which is in no cluster.
    #[serde(rename = "actionsSecret", skip_serializing_if = "Option::is_none")]
    actions_secret: Option<String>,
    action: &'static str,
    changes: Vec<String>,
    notes: Vec<String>,
    /// What the Secret holds, if it was not written because that is no token of ours.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    holds: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hints: Vec<Hint>,
    #[serde(flatten)]
    after: AfterResult,
}

impl Item {
    fn of(context: &str, target: &Target) -> Self {
        Self {
            // The in-cluster configuration has no context.
            context: Some(context.to_owned()).filter(|name| !name.is_empty()),
            namespace: Some(target.namespace.to_string()),
            secret: Some(target.secret.to_string()),
            ..Self::default()
        }
    }

    fn failed(self, error: &CommandError) -> Self {
        Self {
            action: "failed",
            error: Some(error.to_string()),
            hints: error.next().to_vec(),
            ..self
        }
    }
}

/// Why a target is not finished.
#[derive(Clone, Copy)]
pub(in crate::commands) enum Unfinished {
    /// It was not started.
    NotTried,
    /// It was interrupted: the Secret holds either the old credential or the new one.
    CutOff,
}

/// The result of a pass over the Secrets.
pub(in crate::commands) struct PassResult {
    /// How many failed completely or partly.
    pub(in crate::commands) failed: usize,
    /// Whether some were not tried.
    pub(in crate::commands) is_incomplete: bool,
    /// The Secrets that hold no token of ours, with their contexts.
    pub(in crate::commands) left_alone: Vec<(String, Target)>,
    /// The items of the document.
    pub(in crate::commands) items: Vec<Item>,
}

/// Counts the results, and collects the items of the document.
pub(in crate::commands) struct Report {
    output: Option<OutputFormat>,
    dry_run: DryRunArg,
    /// Whether each line names its context, because there are several.
    names_context: bool,
    only_changes: bool,
    is_rotation: bool,
    left_alone: Vec<(String, Target)>,
    items: Vec<Item>,
    /// The hints that were already printed, without the namespace of a Role.
    hints: BTreeSet<String>,
    /// The number of Roles that were not printed because they differ from a printed one only in their namespace.
    roles_left_out: usize,
    created: usize,
    configured: usize,
    unchanged: usize,
    failed: usize,
    not_tried: usize,
    cut_off: usize,
    contexts_not_begun: usize,
    not_followed: usize,
    left_out: usize,
    /// Those that hold a token of this user for another use.
    for_other_uses: usize,
}

impl Report {
    pub(in crate::commands) fn new(output: Option<OutputFormat>, dry_run: DryRunArg, names_context: bool) -> Self {
        Self {
            output,
            dry_run,
            names_context,
            only_changes: false,
            is_rotation: false,
            left_alone: Vec::new(),
            items: Vec::new(),
            hints: BTreeSet::new(),
            roles_left_out: 0,
            created: 0,
            configured: 0,
            unchanged: 0,
            for_other_uses: 0,
            failed: 0,
            not_tried: 0,
            cut_off: 0,
            contexts_not_begun: 0,
            not_followed: 0,
            left_out: 0,
        }
    }

    /// Reports which Secrets of a context are left out.
    pub(in crate::commands) fn found(&mut self, found: &Found, system: &mut System<'_>) {
        self.left_out += found.of_others + found.terminating;
        if let Some(nothing) = &found.nothing {
            system.output.warn(nothing);
        }
        if found.of_others > 0 {
            let unknown: Vec<&str> = found.unknown.iter().map(Registry::as_str).take(MAX_NAMED).collect();
            let unknown = match unknown.as_slice() {
                [] => String::new(),
                some => format!(" that the keychain has no credential of ({})", some.join(", ")),
            };
            system.output.info(format_args!(
                "left out: {} of another registry{unknown}",
                count::show(found.of_others, "Secret")
            ));
        }
        if found.terminating > 0 {
            system.output.info(format_args!(
                "left out: {} that {} being deleted",
                count::show(found.terminating, "namespace"),
                if found.terminating == 1 { "is" } else { "are" }
            ));
        }
    }

    /// Reports one target as soon as it is finished.
    pub(in crate::commands) fn row(&mut self, row: Row<'_>, system: &mut System<'_>) -> Result<(), CommandError> {
        match row.result {
            Ok(done) => {
                match done.outcome {
                    Outcome::Created => self.created += 1,
                    Outcome::Configured => self.configured += 1,
                    Outcome::Unchanged => self.unchanged += 1,
                    Outcome::LeftAlone if done.is_for_other_use && !self.is_rotation => self.for_other_uses += 1,
                    Outcome::LeftAlone => self.left_alone.push((row.context.to_owned(), row.target.clone())),
                }
                self.done(row.context, row.target, done, system)
            }
            Err(error) => {
                self.failed += 1;
                self.items.push(Item::of(row.context, row.target).failed(&error));
                self.report_error(row.context, &error, system);
                Ok(())
            }
        }
    }

    /// Reports one secret of Actions.
    pub(in crate::commands) fn actions(
        &mut self,
        secret: &ActionsSecret,
        result: Result<Outcome, CommandError>,
        system: &mut System<'_>,
    ) -> Result<(), CommandError> {
        let item = Item {
            actions_secret: Some(secret.to_string()),
            ..Item::default()
        };
        let outcome = match result {
            Ok(outcome) => outcome,
            Err(error) => {
                self.failed += 1;
                self.items.push(item.failed(&error));
                self.report_error("", &error.on(secret), system);
                return Ok(());
            }
        };
        match outcome {
            Outcome::Created => self.created += 1,
            Outcome::Configured => self.configured += 1,
            Outcome::Unchanged | Outcome::LeftAlone => self.unchanged += 1,
        }
        let action = outcome.as_str();
        match self.output {
            Some(OutputFormat::Json | OutputFormat::Yaml) => self.items.push(Item { action, ..item }),
            Some(OutputFormat::Name) => system.output.line(format_args!("actions-secret/{secret}"))?,
            None => {
                let dry_run = if self.dry_run == DryRunArg::None {
                    ""
                } else {
                    " (dry run)"
                };
                system
                    .output
                    .line(format_args!("actions-secret/{secret} {action}{dry_run}"))?;
            }
        }
        Ok(())
    }

    fn done(
        &mut self,
        context_name: &str,
        target: &Target,
        done: Done,
        system: &mut System<'_>,
    ) -> Result<(), CommandError> {
        let place = format!("secret/{} in namespace {}", target.secret, target.namespace);
        for note in &done.notes {
            system.output.warn(format_args!("{place}: {note}"));
        }
        self.report_left_alone(context_name, &place, &done, system);
        match self.output {
            _ if done.outcome == Outcome::LeftAlone => {}
            Some(OutputFormat::Name) => system.output.line(format_args!("secret/{}", target.secret))?,
            Some(OutputFormat::Json | OutputFormat::Yaml) => {}
            None if self.only_changes && done.outcome == Outcome::Unchanged => {}
            None => {
                system.output.line(format_args!(
                    "secret/{} {} {}",
                    target.secret,
                    done.outcome.as_str(),
                    self.place(&target.namespace, context_name)
                ))?;
                // A dry run shows what would change.
                if self.dry_run != DryRunArg::None {
                    for change in &done.changes {
                        system.output.line(format_args!("  {change}"))?;
                    }
                }
            }
        }
        self.after(context_name, target, &done.after, system)?;
        if matches!(self.output, Some(OutputFormat::Json | OutputFormat::Yaml)) {
            self.items.push(Item {
                action: done.outcome.as_str(),
                changes: done.changes,
                notes: done.notes,
                hints: match done.left_alone.as_slice() {
                    [] => Vec::new(),
                    _ => vec![by_name(target).into()],
                },
                holds: done.left_alone,
                after: done.after,
                ..Item::of(context_name, target)
            });
        }
        Ok(())
    }

    /// Reports that a Secret, or one of its registries, was not written, and what it holds.
    fn report_left_alone(&self, context_name: &str, place: &str, done: &Done, system: &mut System<'_>) {
        let holds = done.left_alone.join("; ");
        if holds.is_empty() {
            return;
        }
        let of_context = match context_name {
            "" => String::new(),
            context if self.names_context => format!(" of context {context}"),
            _ => String::new(),
        };
        let why = if done.is_for_other_use {
            "is left as it is"
        } else if done.outcome != Outcome::LeftAlone {
            "is only partly refreshed, because nothing proves that the rest is yours"
        } else if self.is_rotation {
            "is left as it is: it does not hold the token that is rotated"
        } else {
            "is left as it is: it has the label of regcred, and nothing in it proves that it is yours"
        };
        system.output.warn(format_args!("{place}{of_context} {why}: {holds}"));
    }

    /// Reports a failure that concerns no single place: a cluster that could not be connected to, with its context.
    pub(in crate::commands) fn cluster_failed(
        &mut self,
        context_name: Option<&str>,
        error: &CommandError,
        system: &mut System<'_>,
    ) {
        self.failed += 1;
        let item = Item {
            context: context_name.map(str::to_owned),
            ..Item::default()
        };
        self.items.push(item.failed(error));
        self.report_error(context_name.unwrap_or_default(), error, system);
    }

    /// Reports credentials that were replaced while they were written.
    pub(in crate::commands) fn replaced_meanwhile(&mut self, kept: Kept, system: &mut System<'_>) {
        for error in kept.replaced_meanwhile(system) {
            self.cluster_failed(None, &error, system);
        }
    }

    /// Whether everything has succeeded so far.
    pub(in crate::commands) fn is_clean(&self) -> bool {
        self.failed + self.not_tried + self.cut_off + self.contexts_not_begun == 0
    }

    /// Records an unfinished target.
    pub(in crate::commands) fn left(&mut self, context_name: &str, target: &Target, left: Unfinished) {
        self.unfinished(Item::of(context_name, target), left);
    }

    /// Records an unfinished secret of Actions.
    pub(in crate::commands) fn actions_left(&mut self, secret: &ActionsSecret, left: Unfinished) {
        let item = Item {
            actions_secret: Some(secret.to_string()),
            ..Item::default()
        };
        self.unfinished(item, left);
    }

    fn unfinished(&mut self, item: Item, left: Unfinished) {
        let action = match left {
            Unfinished::NotTried => {
                self.not_tried += 1;
                "notTried"
            }
            Unfinished::CutOff => {
                self.cut_off += 1;
                "cutOff"
            }
        };
        self.items.push(Item { action, ..item });
    }

    /// Records rollouts that continue after Ctrl-C.
    pub(in crate::commands) fn not_followed(&mut self, count: usize) {
        self.not_followed += count;
    }

    /// Records a context whose targets were not listed.
    pub(in crate::commands) fn not_begun(&mut self, context_name: Option<&str>) {
        self.contexts_not_begun += 1;
        self.items.push(Item {
            context: context_name.map(str::to_owned),
            action: "notTried",
            ..Item::default()
        });
    }

    fn report_error(&mut self, context_name: &str, error: &CommandError, system: &mut System<'_>) {
        // If many namespaces lack the same permission, its Role is printed once.
        let mut first = error.clone().without_hints();
        for hint in error.next() {
            if self.hints.insert(without_namespace(hint)) {
                first = first.hint(hint.clone());
            } else if matches!(hint, Hint::Manifest { .. }) {
                self.roles_left_out += 1;
            }
        }
        if self.names_context && !context_name.is_empty() {
            first = first.on(format_args!("context {context_name}"));
        }
        system.output.error(&first);
    }

    /// Omits unchanged Secrets: after a first pass, all of them are unchanged.
    pub(in crate::commands) fn of_changes(mut self) -> Self {
        self.only_changes = true;
        self
    }

    /// Words the messages for a rotation, which writes only Secrets that hold the token that is rotated.
    pub(in crate::commands) fn of_rotation(mut self) -> Self {
        self.is_rotation = true;
        self
    }

    /// Prints the document or the summary, and returns the exit code.
    pub(in crate::commands) fn finish(
        mut self,
        was_interrupted: bool,
        system: &mut System<'_>,
    ) -> Result<Exit, CommandError> {
        let format = match self.output {
            Some(OutputFormat::Json) => Some(DocumentFormat::Json),
            Some(OutputFormat::Yaml) => Some(DocumentFormat::Yaml),
            Some(OutputFormat::Name) | None => None,
        };
        system.output.end_progress();
        if let Some(format) = format {
            let result = SyncResult {
                dry_run: self.dry_run.as_str(),
                items: std::mem::take(&mut self.items),
            };
            document::print("SyncResult", &result, format, system)?;
        }
        let is_nothing_ours = self.created + self.configured + self.unchanged == 0;
        let ended = self.end(system);
        match ended.left_alone.as_slice() {
            [] => {}
            [(_, target)] => system.output.info(format_args!("hint: {}", by_name(target))),
            _ => system.output.info(
                "hint: those that are yours can be named in the place of -A: -n NAMESPACE --secret NAME; \
                 --trust-labels writes whatever has the label",
            ),
        }
        // A Secret that somebody else has labelled must not make the run fail, unless nothing else was refreshed.
        if is_nothing_ours && !ended.left_alone.is_empty() && ended.failed == 0 && !ended.is_incomplete {
            return Err(CommandError::failed(
                "no Secret with the label of regcred holds a token that proves it to be yours: nothing was written",
            ));
        }
        Ok(if was_interrupted && ended.is_incomplete {
            system
                .output
                .info("hint: run it again; finished Secrets are not written again");
            Exit::Interrupted
        } else if ended.is_incomplete || ended.failed > 0 {
            Exit::Failed
        } else {
            Exit::Done
        })
    }

    /// Prints the summary for a command that continues after it.
    pub(in crate::commands) fn end(self, system: &mut System<'_>) -> PassResult {
        system.output.end_progress();
        match self.roles_left_out {
            0 => {}
            1 => system
                .output
                .info("hint: 1 more namespace needs that Role; -o json has it"),
            more => system.output.info(format_args!(
                "hint: {more} more namespaces need that Role; -o json has each"
            )),
        }
        self.summary(system);
        PassResult {
            failed: self.failed,
            is_incomplete: self.not_tried + self.cut_off + self.contexts_not_begun + self.not_followed > 0,
            left_alone: self.left_alone,
            items: self.items,
        }
    }

    fn summary(&self, system: &mut System<'_>) {
        let contexts = match self.contexts_not_begun {
            1 => "context not begun",
            _ => "contexts not begun",
        };
        let counts = [
            (self.created, "created"),
            (self.configured, "configured"),
            (self.unchanged, "unchanged"),
            (self.failed, "failed"),
            (self.not_tried, "not tried"),
            (self.cut_off, "cut off"),
            (self.contexts_not_begun, contexts),
            (self.not_followed, "not followed"),
            (self.left_alone.len(), "left as they are"),
            (self.for_other_uses, "for other uses"),
            (self.left_out, "left out"),
        ];
        let total: usize = counts.iter().map(|(count, _)| count).sum();
        if total > 1 || self.contexts_not_begun + self.cut_off > 0 {
            let parts = counts.iter().filter(|(count, _)| *count > 0);
            let parts: Vec<String> = parts.map(|(count, what)| format!("{count} {what}")).collect();
            system.output.info(parts.join(", "));
        }
    }
}

/// The hint for writing a Secret that does not hold a token of ours.
fn by_name(target: &Target) -> String {
    format!(
        "if it is yours, name it instead of using -A: -n {} --secret {}",
        target.namespace, target.secret
    )
}

/// A Role's text without the line with its namespace.
fn without_namespace(hint: &Hint) -> String {
    let text = hint.to_string();
    let lines = text.lines().filter(|line| !line.starts_with("  namespace: "));
    lines.collect::<Vec<_>>().join("\n")
}
