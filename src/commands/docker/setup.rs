//! `kubectl regcred docker setup`: plaintext tokens go into the keychain, and docker and podman ask there.

use std::path::Path;

use super::args::SetupArgs;
use super::conflict::{place_of, places, settle, undecided};
use super::decide::{Case, Decision, is_same};
use super::sources::{self, Sources};
use super::{notes, report};
use crate::commands::args::LocalDryRunArg;
use crate::commands::shared::verify;
use crate::commands::system::System;
use crate::docker::program::{self, LinkPlan};
use crate::docker::{self, DesiredConfig, File, FilePlan, Files, HELPER, SetupRecord};
use crate::error::{CommandError, Exit};
use crate::keychain::{Keychain, Name};
use crate::model::{Credential, Registry, Use};
use crate::registry::{Verified, VerifyError};

/// How often a file is planned anew that others change all the time. A login takes docker some 100 ms.
const ATTEMPTS: usize = 20;

/// A credential that is where it should be, so that the files can follow.
struct Ready {
    name: Name,
    is_login: bool,
    /// What may go out of the files: what the keychain holds, and what was decided against.
    handled: Vec<Credential>,
}

pub(super) fn run(args: &SetupArgs, system: &mut System<'_>) -> Result<Exit, CommandError> {
    let is_dry = args.trial.dry_run == LocalDryRunArg::Client;
    let keychain = system.keychain()?;
    let mut memory = if is_dry {
        SetupRecord::read_only(&system.env)?
    } else {
        SetupRecord::open(&system.env)?
    };
    let sources = Sources::observe(&args.registries, args.default, &keychain, system)?;
    // First, and before anything is changed: docker fails on a helper that it does not find.
    link(args.trial.dry_run, system)?;
    let mut failures = sources.failures;
    let mut ready = Vec::new();
    for case in sources.cases {
        // Docker asks for what belongs to a login where it asks for the login, which comes first in this order.
        let follows = |ready: &Ready| ready.is_login && ready.name.registry == case.name.registry;
        if !case.is_login() && !ready.iter().any(follows) {
            continue;
        }
        match keep(&case, args, &keychain, system) {
            Ok(Some(handled)) => ready.push(Ready {
                is_login: case.is_login(),
                name: case.name,
                handled,
            }),
            Ok(None) => {}
            Err(error) => failures.push(error.on(case.title())),
        }
    }
    let default = args.default && !sources.keeps_default;
    for path in sources.files.editable() {
        if let Err(error) = follow(path, &sources.files, &ready, default, args, &mut memory, system) {
            failures.push(error);
        }
    }
    if ready.is_empty() && failures.is_empty() {
        system
            .output
            .info("there is no credential to set up for, in the keychain nor in docker's and podman's files");
        system.output.info("hint: kubectl regcred login REGISTRY -u USER");
    }
    let registries: Vec<(Registry, bool)> = ready
        .iter()
        .filter(|ready| ready.is_login)
        .map(|ready| (ready.name.registry.clone(), !ready.handled.is_empty()))
        .collect();
    notes::after_setup(&sources.files, &registries, default, is_dry, system)?;
    for failure in &failures {
        system.output.error(failure);
    }
    Ok(if failures.is_empty() { Exit::Done } else { Exit::Failed })
}

/// Sees that docker finds our helper.
fn link(dry_run: LocalDryRunArg, system: &mut System<'_>) -> Result<(), CommandError> {
    let failed = |error: program::ProgramError| CommandError::failed(&error).hint(error.hint());
    let plan = program::observe(&system.env).plan().map_err(failed)?;
    let LinkPlan::Link { at, .. } = &plan else {
        return Ok(());
    };
    if dry_run == LocalDryRunArg::None {
        plan.apply().map_err(failed)?;
    }
    let (at, suffix) = (at.display(), report::suffix(dry_run));
    system.output.line(format_args!("link {at} created{suffix}"))?;
    Ok(())
}

/// Sees that the keychain holds the right credential of one registry. Returns what may go out of the files then, and
/// nothing where a dry run cannot know.
fn keep(
    case: &Case,
    args: &SetupArgs,
    keychain: &Keychain,
    system: &mut System<'_>,
) -> Result<Option<Vec<Credential>>, CommandError> {
    let is_dry = args.trial.dry_run == LocalDryRunArg::Client;
    let handled = case.distinct().into_iter().cloned().collect();
    let mut verified = None;
    let decision = match case.decide() {
        Decision::Open if is_dry => {
            system.output.info(format_args!(
                "{}: the credentials differ, so its registry would be asked which one it accepts (dry run): {}",
                case.title(),
                places(case)
            ));
            return Ok(None);
        }
        Decision::Open => settle(case, args, system)?,
        Decision::Store(credential) if !is_dry && !args.no_verify && case.is_login() => {
            verified = Some(verify::verify(&credential, &args.connection, system));
            Decision::Store(credential)
        }
        decision => decision,
    };
    match decision {
        Decision::Keep => {}
        Decision::Store(credential) => {
            if !is_dry {
                store(case, &credential, verified.as_ref(), args, keychain, system)?;
            }
            system.output.line(format_args!(
                "credential/{} stored ({}, from {}){}",
                case.title(),
                credential.username,
                place_of(case, &credential),
                report::suffix(args.trial.dry_run)
            ))?;
        }
        Decision::Rotating => {
            return Err(CommandError::failed(format_args!(
                "its credential is being rotated, and another one is in {}, which stays there",
                places(case)
            ))
            .hint("finish it with: kubectl regcred rotate --resume; then set up again"));
        }
        Decision::Open => return Err(undecided(case)),
    }
    Ok(Some(handled))
}

/// Puts the credential into the keychain and sees that it is there, before it goes anywhere else.
fn store(
    case: &Case,
    credential: &Credential,
    verified: Option<&Result<Verified, VerifyError>>,
    args: &SetupArgs,
    keychain: &Keychain,
    system: &mut System<'_>,
) -> Result<(), CommandError> {
    match verified {
        Some(Ok(verified)) => verify::report(verified, credential, Use::Docker, system),
        Some(Err(error)) => system.output.warn(format_args!(
            "{}: the credential of {} is moved although it could not be verified: {error}",
            credential.registry, credential.username
        )),
        None if args.no_verify && case.is_login() => system
            .output
            .info(format_args!("not verified at {}", credential.registry)),
        None => {}
    }
    keychain.write(&case.name, credential)?;
    if keychain.read(&case.name)?.as_ref() == Some(credential) {
        return Ok(());
    }
    Err(CommandError::failed(
        "the keychain does not give back what was put into it, so nothing is taken out of a file",
    ))
}

/// Changes one file, and plans it anew as long as others change it.
fn follow(
    path: &Path,
    files: &Files,
    ready: &[Ready],
    default: bool,
    args: &SetupArgs,
    memory: &mut SetupRecord,
    system: &mut System<'_>,
) -> Result<(), CommandError> {
    for _ in 0..ATTEMPTS {
        let file = File::read(path)?;
        let wanted = wanted(&file, files, ready, default, system);
        if wanted == DesiredConfig::default() && !file.exists() {
            return Ok(());
        }
        let plan = FilePlan::set_up(file, &wanted, memory)?;
        if args.trial.dry_run == LocalDryRunArg::Client {
            report::file(&plan, args.trial.dry_run, system)?;
            return report::difference(&plan, system);
        }
        match plan.apply(memory) {
            Err(docker::Error::Changed { .. }) => {}
            done => {
                done?;
                return report::file(&plan, args.trial.dry_run, system);
            }
        }
    }
    Err(docker::Error::Changed { path: path.to_owned() }.into())
}

/// What one file should say. Worked out from what is in it now: an entry that came in the meantime stays.
fn wanted(file: &File, files: &Files, ready: &[Ready], default: bool, system: &System<'_>) -> DesiredConfig {
    let is_docker = file.path == files.docker;
    let is_primary = file.path == files.podman_primary;
    // podman reads docker's file too, but no credsStore; and it makes a file of its own as soon as it writes.
    let is_podmans = if is_docker {
        is_primary || docker::has_podman(&system.env)
    } else {
        is_primary && file.exists()
    };
    let named = file.config.helpers();
    let mut wanted = DesiredConfig {
        default: default && is_docker,
        detected: is_docker.then(|| docker::detected_store(&system.env)).flatten(),
        ..DesiredConfig::default()
    };
    for Ready { name, .. } in ready.iter().filter(|ready| ready.is_login) {
        // docker calls Docker Hub by an address, podman (`findCredentialsInFile` of containers/image) by its name.
        let dockers = is_docker.then(|| (name.registry.config_key(), !default));
        for (key, is_needed) in dockers.into_iter().chain([(name.registry.as_str(), is_podmans)]) {
            let by_other = named.iter().any(|(known, helper)| known == key && helper != HELPER);
            if (is_needed || by_other) && !wanted.helpers.iter().any(|known| known == key) {
                wanted.helpers.push(key.to_owned());
            }
        }
    }
    for entry in file.config.entries() {
        let Some((name, credential)) = sources::item(&entry) else {
            continue;
        };
        let is_handled = ready
            .iter()
            .any(|ready| ready.name == name && ready.handled.iter().any(|known| is_same(known, &credential)));
        if is_handled {
            wanted.moved.push(entry.key);
        }
    }
    if wanted.helpers.is_empty() {
        wanted.detected = None;
    }
    wanted
}
