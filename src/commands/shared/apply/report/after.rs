//! The lines for what was done after a Secret was written, as kubectl prints them.

use super::{Item, Report};
use crate::cluster::{Namespace, Progress, Target};
use crate::commands::args::{DryRunArg, OutputFormat};
use crate::commands::shared::apply::after::AfterResult;
use crate::commands::system::System;
use crate::error::CommandError;

impl Report {
    /// Prints the lines and the failures of one target.
    pub(super) fn after(
        &mut self,
        context_name: &str,
        target: &Target,
        after_result: &AfterResult,
        system: &mut System<'_>,
    ) -> Result<(), CommandError> {
        let namespace = &target.namespace;
        for account in &after_result.service_accounts {
            let what = format!("serviceaccount/{}", account.name);
            if let Some(warning) = &account.warning {
                system
                    .output
                    .warn(format_args!("{what} in namespace {namespace}: {warning}"));
            }
            self.line(&what, account.action, namespace, context_name, system)?;
        }
        if after_result.found_none {
            system.output.info(format_args!(
                "nothing to restart in namespace {namespace}: no workload uses it to pull"
            ));
        }
        for workload in &after_result.workloads {
            let what = &workload.name;
            let more = |text: &Option<String>| text.as_ref().map_or_else(String::new, |text| format!(": {text}"));
            if workload.restarted.is_some() {
                self.line(what, workload.action, namespace, context_name, system)?;
                if let Some(reason) = &workload.reason {
                    system
                        .output
                        .warn(format_args!("{what} in namespace {namespace}: {reason}"));
                }
            } else if workload.hint.is_none() {
                let reason = more(&workload.reason);
                system
                    .output
                    .info(format_args!("{what} in namespace {namespace} needs no restart{reason}"));
            } else {
                let (reason, hint) = (more(&workload.reason), more(&workload.hint));
                system.output.warn(format_args!(
                    "{what} in namespace {namespace} is not restarted{reason}{hint}"
                ));
            }
        }
        for pod in &after_result.pods {
            let what = format!("pod/{}", pod.name);
            if pod.action == "deleted" {
                self.line(&what, pod.action, namespace, context_name, system)?;
            } else {
                system.output.warn(format_args!(
                    "{what} in namespace {namespace} is not deleted: {}",
                    pod.reason
                ));
            }
        }
        for error in &after_result.errors {
            self.failure(context_name, error, system);
        }
        Ok(())
    }

    /// Reports one target of `--detach`.
    pub(in crate::commands) fn detached(
        &mut self,
        context_name: &str,
        target: &Target,
        after_result: AfterResult,
        system: &mut System<'_>,
    ) -> Result<(), CommandError> {
        for account in &after_result.service_accounts {
            match account.action {
                "unchanged" => self.unchanged += 1,
                _ => self.configured += 1,
            }
        }
        self.after(context_name, target, &after_result, system)?;
        let action = if after_result.errors.is_empty() {
            "detached"
        } else {
            "failed"
        };
        self.items.push(Item {
            action,
            after: after_result,
            ..Item::of(context_name, target)
        });
        Ok(())
    }

    /// Reports a failure after the Secret was written.
    pub(in crate::commands) fn failure(&mut self, context_name: &str, error: &CommandError, system: &mut System<'_>) {
        self.failed += 1;
        self.report_error(context_name, error, system);
    }

    /// Reports the progress of a rollout.
    pub(in crate::commands) fn rolled(
        &mut self,
        context_name: &str,
        namespace: &Namespace,
        workload: &str,
        progress: &Progress,
        system: &mut System<'_>,
    ) -> Result<(), CommandError> {
        let in_namespace = |item: &&mut Item| {
            item.context.as_deref().unwrap_or_default() == context_name
                && item.namespace.as_deref() == Some(namespace.as_str())
        };
        let rows = self
            .items
            .iter_mut()
            .filter(in_namespace)
            .flat_map(|item| &mut item.after.workloads);
        for row in rows.filter(|row| row.name == workload && row.restarted.is_some()) {
            row.rolled(progress);
        }
        if *progress == Progress::Done && self.output.is_none() {
            self.line(workload, "rolled out", namespace, context_name, system)?;
        }
        Ok(())
    }

    fn line(
        &self,
        what: &str,
        action: &str,
        namespace: &Namespace,
        context_name: &str,
        system: &mut System<'_>,
    ) -> Result<(), CommandError> {
        match self.output {
            Some(OutputFormat::Name) => system.output.line(what)?,
            Some(OutputFormat::Json | OutputFormat::Yaml) => {}
            None => {
                let place = self.place(namespace, context_name);
                system.output.line(format_args!("{what} {action} {place}"))?;
            }
        }
        Ok(())
    }

    /// The namespace and context of a line, and whether it was a dry run.
    pub(super) fn place(&self, namespace: &Namespace, context_name: &str) -> String {
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
        format!("in namespace {namespace}{of_context}{suffix}")
    }
}
