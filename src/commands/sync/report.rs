//! What `sync` says: a line a Secret as kubectl prints them, or one document; then a summary.

use serde::Serialize;

use crate::cli::{DocumentFormat, DryRunArg, OutputFormat, SyncArgs};
use crate::cluster::{Action, Outcome, Synced, Target};
use crate::commands::document;
use crate::commands::system::System;
use crate::error::{CommandError, Exit};

/// What became of one target.
pub(super) struct Row<'a> {
    pub(super) context: &'a str,
    pub(super) target: &'a Target,
    pub(super) result: &'a Result<Synced, CommandError>,
}

/// The document of `-o json|yaml`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SyncResult {
    dry_run: &'static str,
    items: Vec<Item>,
}

/// One target in it; without a namespace, a cluster that there is no connection to.
#[derive(Default, Serialize)]
struct Item {
    context: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespace: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<String>,
    action: &'static str,
    changes: Vec<String>,
    notes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hints: Vec<String>,
}

impl Item {
    fn of(context: &str, target: &Target) -> Self {
        Self {
            // In a pod there is no context.
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

/// Counts, and collects what a document needs.
pub(super) struct Report {
    output: Option<OutputFormat>,
    dry_run: DryRunArg,
    /// With several contexts, every line names its own.
    names_context: bool,
    items: Vec<Item>,
    created: usize,
    configured: usize,
    unchanged: usize,
    failed: usize,
    not_tried: usize,
}

impl Report {
    pub(super) fn new(args: &SyncArgs) -> Self {
        Self {
            output: args.output,
            dry_run: args.dry_run,
            names_context: args.cluster.contexts.len() > 1,
            items: Vec::new(),
            created: 0,
            configured: 0,
            unchanged: 0,
            failed: 0,
            not_tried: 0,
        }
    }

    /// Reports one target as soon as it is done.
    pub(super) fn row(&mut self, row: &Row<'_>, system: &mut System<'_>) -> Result<(), CommandError> {
        match row.result {
            Ok(synced) => {
                match synced.outcome {
                    Outcome::Created => self.created += 1,
                    Outcome::Configured => self.configured += 1,
                    Outcome::Unchanged => self.unchanged += 1,
                }
                self.done(row.context, row.target, synced, system)
            }
            Err(error) => {
                self.failed += 1;
                self.items.push(Item::of(row.context, row.target).failed(error));
                self.say_error(row.context, error.clone(), system);
                Ok(())
            }
        }
    }

    fn done(
        &mut self,
        context_name: &str,
        target: &Target,
        synced: &Synced,
        system: &mut System<'_>,
    ) -> Result<(), CommandError> {
        let place = format!("secret/{} in namespace {}", target.secret, target.namespace);
        for note in &synced.plan.notes {
            system.output.warn(format_args!("{place}: {note}"));
        }
        let changes: Vec<String> = match &synced.plan.action {
            Action::Configure { changes } => changes.iter().map(ToString::to_string).collect(),
            Action::Create | Action::Unchanged => Vec::new(),
        };
        match self.output {
            Some(OutputFormat::Name) => system.output.line(format_args!("secret/{}", target.secret))?,
            Some(OutputFormat::Json | OutputFormat::Yaml) => self.items.push(Item {
                action: synced.outcome.as_str(),
                changes,
                notes: synced.plan.notes.iter().map(ToString::to_string).collect(),
                ..Item::of(context_name, target)
            }),
            None => {
                let of_context = if self.names_context {
                    format!(" of context {context_name}")
                } else {
                    String::new()
                };
                let suffix = match self.dry_run {
                    DryRunArg::None => "",
                    DryRunArg::Client => " (dry run)",
                    DryRunArg::Server => " (server dry run)",
                };
                system.output.line(format_args!(
                    "secret/{} {} in namespace {}{of_context}{suffix}",
                    target.secret,
                    synced.outcome.as_str(),
                    target.namespace
                ))?;
                // A dry run is a question about what would change.
                if self.dry_run != DryRunArg::None {
                    for change in changes {
                        system.output.line(format_args!("  {change}"))?;
                    }
                }
            }
        }
        Ok(())
    }

    /// A cluster that there is no connection to.
    pub(super) fn cluster_failed(&mut self, context_name: Option<&str>, error: CommandError, system: &mut System<'_>) {
        self.failed += 1;
        let item = Item {
            context: context_name.map(str::to_owned),
            ..Item::default()
        };
        self.items.push(item.failed(&error));
        self.say_error(context_name.unwrap_or_default(), error, system);
    }

    /// Targets of a cluster that turned out to be out of reach.
    pub(super) fn not_tried(&mut self, count: usize) {
        self.not_tried += count;
    }

    fn say_error(&self, context_name: &str, error: CommandError, system: &mut System<'_>) {
        if self.names_context {
            system.output.error(&error.on(format_args!("context {context_name}")));
        } else {
            system.output.error(&error);
        }
    }

    /// Prints the document or the summary, and decides the exit code.
    pub(super) fn finish(self, system: &mut System<'_>) -> Result<Exit, CommandError> {
        let format = match self.output {
            Some(OutputFormat::Json) => Some(DocumentFormat::Json),
            Some(OutputFormat::Yaml) => Some(DocumentFormat::Yaml),
            Some(OutputFormat::Name) | None => None,
        };
        if let Some(format) = format {
            let dry_run = match self.dry_run {
                DryRunArg::None => "none",
                DryRunArg::Client => "client",
                DryRunArg::Server => "server",
            };
            document::print(
                "SyncResult",
                &SyncResult {
                    dry_run,
                    items: self.items,
                },
                format,
                system,
            )?;
        }
        let counts = [
            (self.created, "created"),
            (self.configured, "configured"),
            (self.unchanged, "unchanged"),
            (self.failed, "failed"),
            (self.not_tried, "not tried"),
        ];
        if counts.iter().map(|(count, _)| count).sum::<usize>() > 1 {
            let parts: Vec<String> = counts
                .iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, what)| format!("{count} {what}"))
                .collect();
            system.output.say(parts.join(", "));
        }
        Ok(if self.failed + self.not_tried > 0 {
            Exit::Failed
        } else {
            Exit::Done
        })
    }
}
