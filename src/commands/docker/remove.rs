//! `kubectl regcred docker remove`: restores docker's and podman's files as they were before setup, without the tokens.

use std::path::Path;

use super::args::RemoveArgs;
use super::{report, sources};
use crate::commands::args::LocalDryRunArg;
use crate::commands::system::System;
use crate::docker::{self, Change, File, FilePlan, Files, HELPER, Order, SetupRecord, program};
use crate::error::{CommandError, Exit};

/// How often a file is planned again if other programs change it in between.
const ATTEMPTS: usize = 20;

pub(super) fn run(args: &RemoveArgs, system: &mut System<'_>) -> Result<Exit, CommandError> {
    let mut memory = match args.trial.dry_run {
        LocalDryRunArg::None => SetupRecord::open(&system.env)?,
        LocalDryRunArg::Client => SetupRecord::read_only(&system.env)?,
    };
    let files = sources::files(system)?;
    // Includes the files of another DOCKER_CONFIG with which setup was run.
    let paths = files.editable().map(Path::to_owned).chain(memory.targets());
    let mut failures = Vec::new();
    let mut taken = Vec::new();
    let (read, unreadable) = sources::read(paths);
    let mut is_named = !unreadable.is_empty();
    failures.extend(unreadable.into_iter().map(|(_, error)| CommandError::from(error)));
    for file in read {
        match take_out(&file, args, &mut memory, system) {
            Ok(changes) => taken.extend(changes),
            Err(error) => {
                is_named = true;
                failures.push(error);
            }
        }
    }
    // A helper that is still configured has to stay.
    if args.registries.is_empty() && !is_named {
        match files
            .order()
            .filter(|order| order.helpers().any(|helper| helper == HELPER))
        {
            Some(order) => keep_link(&order, system),
            None => unlink(args.trial.dry_run, system)?,
        }
    }
    notes(args, &files, &taken, system);
    for failure in &failures {
        system.output.error(failure);
    }
    Ok(if failures.is_empty() { Exit::Done } else { Exit::Failed })
}

fn take_out(
    file: &File,
    args: &RemoveArgs,
    memory: &mut SetupRecord,
    system: &mut System<'_>,
) -> Result<Vec<Change>, CommandError> {
    let only = (!args.registries.is_empty()).then_some(args.registries.as_slice());
    for _ in 0..ATTEMPTS {
        let plan = FilePlan::take_out(File::read(&file.path)?, only, memory)?;
        if args.trial.dry_run == LocalDryRunArg::None {
            match plan.apply(memory) {
                Err(docker::Error::Changed { .. }) => continue,
                done => done?,
            }
        }
        if plan.file.exists() {
            report::file(&plan, args.trial.dry_run, system)?;
        }
        if args.trial.dry_run == LocalDryRunArg::Client {
            report::difference(&plan, system)?;
        }
        return Ok(plan.changes);
    }
    Err(docker::Error::Changed {
        path: file.path.clone(),
    }
    .into())
}

fn unlink(dry_run: LocalDryRunArg, system: &mut System<'_>) -> Result<(), CommandError> {
    let gone = match dry_run {
        LocalDryRunArg::Client => program::removable(&system.env),
        LocalDryRunArg::None => {
            program::remove(&system.env).map_err(|error| CommandError::failed(&error).hint(error.hint()))?
        }
    };
    if let Some(at) = gone {
        let (at, suffix) = (at.display(), report::suffix(dry_run));
        system.output.line(format_args!("link {at} removed{suffix}"))?;
    }
    Ok(())
}

/// Says why the link stays: podman and skopeo fail wherever `registries.conf` names a helper that is not on PATH.
fn keep_link(order: &Order, system: &mut System<'_>) {
    if program::removable(&system.env).is_none() {
        return;
    }
    let at = order.path.display();
    system.output.warn(format_args!(
        "{at} still names {HELPER}, so docker-credential-{HELPER} stays on PATH: without it every login of podman and skopeo \
         would fail"
    ));
    system.output.info(format_args!(
        "hint: take {HELPER} out of credential-helpers in {at}, and remove again"
    ));
}

fn notes(args: &RemoveArgs, files: &Files, taken: &[Change], system: &mut System<'_>) {
    let is_ours = |change: &Change| matches!(change, Change::HelperGone(..) | Change::StoreGone(..));
    let default = File::read(&files.docker).is_ok_and(|file| file.config.default_helper().as_deref() == Some(HELPER));
    if default && !args.registries.is_empty() {
        system.output.warn(format_args!(
            "credsStore in {} still names {HELPER}, for every registry",
            files.docker.display()
        ));
        system.output.info("hint: kubectl regcred docker remove");
    } else if taken.iter().any(is_ours) {
        system
            .output
            .info("the tokens stay in the keychain, where docker no longer asks for them");
        system.output.info(
            "hint: docker login REGISTRY gives docker one of its own; kubectl regcred docker setup goes back to the keychain",
        );
    }
}
