//! `keychain migrate`: moves every credential from the other keychain into the one in use.

use super::args::MigrateArgs;
use super::describe;
use crate::commands::args::LocalDryRunArg;
use crate::commands::system::System;
use crate::error::{CommandError, Exit};
use crate::keychain::migrate::{Action, Inventory, Migration};
use crate::keychain::vault::{self, Vault};
use crate::keychain::{Config, Error, Name, Part, StoreName};
use crate::model::{CommandLine, count};

pub(super) fn run(args: &MigrateArgs, system: &mut System<'_>) -> Result<Exit, CommandError> {
    let to = in_use(system)?;
    let from = to.other();
    let migration = match Migration::into_store(&system.env, to) {
        // Only the other keychain may be missing.
        Err(error) if to != StoreName::Vault && is_no_vault(&error) => {
            return Ok(nothing("there is no vault", Some(error), to, system));
        }
        opened => opened?,
    };
    let found = match migration.find() {
        Err(error) if is_no_service(&error) => {
            return Ok(nothing("there is no Secret Service here", Some(error), to, system));
        }
        Err(error) => return Err(CommandError::from(error).on(describe::store(from))),
        Ok(found) if found == Inventory::default() => {
            let why = format!("{} holds no credential", describe::store(from));
            return Ok(nothing(&why, None, to, system));
        }
        Ok(found) => found,
    };
    let mut run = Run {
        migration,
        from,
        to,
        is_dry: args.trial.dry_run == LocalDryRunArg::Client,
        moved: 0,
    };
    let failures = run.all(&found, system);
    run.summarise(&found, system);
    for failure in &failures {
        system.output.error(failure);
    }
    if !failures.is_empty() {
        return Ok(Exit::Failed);
    }
    run.left_over(system)?;
    Ok(Exit::Done)
}

fn in_use(system: &System<'_>) -> Result<StoreName, CommandError> {
    Ok(Config::read(&system.env)?.store.unwrap_or(StoreName::System))
}

/// Whether no vault was ever created.
fn is_no_vault(error: &Error) -> bool {
    matches!(error, Error::Vault(vault::Error::Missing(_) | vault::Error::NoHome))
}

/// Whether this system has no Secret Service. One that does not answer is a different error.
fn is_no_service(error: &Error) -> bool {
    matches!(error, Error::NoBus | Error::NoService)
}

fn nothing(why: &str, cause: Option<Error>, to: StoreName, system: &mut System<'_>) -> Exit {
    let to = describe::store(to);
    system
        .output
        .info(format_args!("{why}: there is nothing to move into {to}"));
    if let Some(cause) = cause {
        system.output.detail(cause);
    }
    Exit::Done
}

/// A migration with its progress.
struct Run {
    migration: Migration,
    from: StoreName,
    to: StoreName,
    is_dry: bool,
    /// The number of credentials that were moved, or would be in a dry run.
    moved: usize,
}

impl Run {
    /// Moves each item. It continues if an item cannot be moved, and stops if a keychain fails.
    fn all(&mut self, found: &Inventory, system: &mut System<'_>) -> Vec<CommandError> {
        let mut failures = Vec::new();
        for (number, name) in found.names.iter().enumerate() {
            let (done, all) = (number + 1, found.names.len());
            system.output.progress(format_args!("{done}/{all} {}", name.registry));
            match self.one(name, system) {
                Ok(None) => {}
                Ok(Some(failure)) => failures.push(failure),
                Err(error) => {
                    failures.push(error);
                    break;
                }
            }
        }
        system.output.end_progress();
        for registry in found.earlier.iter().filter(|_| !self.is_dry) {
            if let Err(error) = self.migration.take_earlier(registry) {
                let what = format!("the fingerprints of earlier tokens of {registry}");
                failures.push(CommandError::from(error).on(what));
            }
        }
        if found.unknown > 0 {
            let unknown = CommandError::failed(format_args!(
                "{} also holds items that this version of regcred does not know ({}); they were not moved",
                describe::store(self.from),
                found.unknown
            ));
            failures.push(unknown.hint("kubectl krew upgrade regcred"));
        }
        failures
    }

    /// Moves one item and prints the result. Returns the reason if it was not moved, and `Err` if the others would fail too.
    fn one(&mut self, name: &Name, system: &mut System<'_>) -> Result<Option<CommandError>, CommandError> {
        let done = if self.is_dry {
            self.migration.plan(name)
        } else {
            // If the user has chosen another keychain meanwhile, credentials moved now would not be found.
            if in_use(system)? != self.to {
                let error = CommandError::failed("another keychain was chosen in the meantime");
                return Err(error.hint("kubectl regcred keychain migrate"));
            }
            self.migration.apply(name)
        };
        let failure = match done {
            Ok(Action::Nothing) => return Ok(None),
            Ok(Action::Move | Action::Finish) => {
                self.moved += 1;
                self.line(name, "moved", system)?;
                self.detail(name, matches!(done, Ok(Action::Finish)), system);
                return Ok(None);
            }
            Ok(Action::Conflict) => {
                self.line(name, "in conflict", system)?;
                self.conflict(name)
            }
            Ok(Action::Stay) => {
                self.line(name, "left", system)?;
                CommandError::failed("it was not moved because another item of the same login was not")
            }
            Ok(Action::Damaged) => {
                self.line(name, "unreadable", system)?;
                self.damaged(name)
            }
            Err(error) if of_one_item(&error) => error.into(),
            Err(error) => return Err(error.into()),
        };
        Ok(Some(failure.on(title(name))))
    }

    fn line(&self, name: &Name, what: &str, system: &mut System<'_>) -> Result<(), CommandError> {
        let suffix = if self.is_dry { " (dry run)" } else { "" };
        system
            .output
            .line(format_args!("credential/{} {what}{suffix}", title(name)))?;
        Ok(())
    }

    fn detail(&self, name: &Name, was_copied: bool, system: &mut System<'_>) {
        let (from, to) = (describe::store(self.from), describe::store(self.to));
        let how = match (self.is_dry, was_copied) {
            (true, false) => format!("{to} has none"),
            (true, true) => format!("{to} has the same one already"),
            (false, false) => format!("written to {to}, read back, and removed from {from}"),
            (false, true) => format!("{to} had the same one already; removed from {from}"),
        };
        system.output.detail(format_args!("{}: {how}", title(name)));
    }

    /// The error if both keychains have different credentials. Only the user knows which one is right.
    fn conflict(&self, name: &Name) -> CommandError {
        let (from, to) = (describe::store(self.from), describe::store(self.to));
        let logout = logout(name);
        CommandError::failed(format_args!(
            "{from} and {to} hold different credentials; both are unchanged"
        ))
        .hint(format_args!("to use the one in {from}: {logout}; then migrate again"))
        .hint(format_args!(
            "to keep the one in {to}: {}",
            choose(self.from).then(&logout).then(&choose(self.to))
        ))
    }

    fn damaged(&self, name: &Name) -> CommandError {
        let logout = logout(name);
        let from = describe::store(self.from);
        CommandError::failed(format_args!("the item in {from} cannot be read and was not moved")).hint(format_args!(
            "to delete it: {}",
            choose(self.from).then(&logout).then(&choose(self.to))
        ))
    }

    fn summarise(&self, found: &Inventory, system: &mut System<'_>) {
        let (from, to) = (describe::store(self.from), describe::store(self.to));
        if found.names.is_empty() {
            return;
        }
        let all = count::show(found.names.len(), "credential");
        let what = if self.moved < found.names.len() {
            format!("{} of {all}", self.moved)
        } else {
            all
        };
        let verb = if self.is_dry { "would move" } else { "moved" };
        system.output.info(format_args!("{verb} {what} from {from} into {to}"));
    }

    /// Tells how to remove an empty vault that is no longer in use.
    fn left_over(&self, system: &mut System<'_>) -> Result<(), CommandError> {
        if self.is_dry || self.from != StoreName::Vault || self.migration.find()? != Inventory::default() {
            return Ok(());
        }
        let vault = Vault::new(&system.env, &Config::read(&system.env)?)?;
        let path = vault.path();
        system.output.info(format_args!(
            "the vault is empty, and its file was not deleted: {}",
            path.display()
        ));
        system.output.info(format_args!(
            "hint: if you do not need it again: kubectl regcred keychain lock; {}",
            CommandLine::new("rm").value("PATH", path.display().to_string())
        ));
        Ok(())
    }
}

fn logout(name: &Name) -> CommandLine {
    CommandLine::new("kubectl regcred logout")
        .value("REGISTRY", name.registry.as_str())
        .option("--use", "USE", name.usage.as_str())
}

fn choose(store: StoreName) -> CommandLine {
    CommandLine::new("kubectl regcred keychain use").value("KEYCHAIN", store.as_str())
}

/// Whether the error is about this item only.
fn of_one_item(error: &Error) -> bool {
    matches!(
        error,
        Error::Changed(_) | Error::NotKept(_) | Error::TooLong(_) | Error::Damaged(_)
    )
}

fn title(name: &Name) -> String {
    match name.part {
        Part::Login => format!("{} for {}", name.registry, name.usage),
        _ => format!("{} for {}", name.server(), name.usage),
    }
}
