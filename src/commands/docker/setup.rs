//! `kubectl regcred docker setup`: moves plaintext tokens into the keychain, and makes docker and podman use it.

use std::path::Path;

use super::args::SetupArgs;
use super::conflict::{place_of, places, settle, undecided};
use super::decide::{Case, Decision, is_same};
use super::sources::{self, Names, Sources};
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

/// How often a file is planned again if other programs change it in between. A `docker login` takes about 100 ms.
const ATTEMPTS: usize = 20;

/// A credential that is in the keychain, so that the files can be changed.
struct Ready {
    name: Name,
    is_login: bool,
    /// The credentials that may be removed from the files: those in the keychain and those that were rejected.
    handled: Vec<Credential>,
}

/// What the files are to say.
struct Setting<'a> {
    files: &'a Files,
    names: &'a Names,
    ready: &'a [Ready],
    default: bool,
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
    // First of all, because docker fails if it does not find the helper.
    link(args.trial.dry_run, system)?;
    let mut failures = sources.failures;
    let mut ready = Vec::new();
    let mut is_open = false;
    for case in sources.cases {
        // docker gets the extra tokens of a login from the same helper as the login, which comes first in this order.
        let follows = |ready: &Ready| ready.is_login && ready.name.registry == case.name.registry;
        if !case.is_login() && !ready.iter().any(follows) {
            continue;
        }
        match settle_case(&case, args, &keychain, system) {
            Ok(Some(handled)) => ready.push(Ready {
                is_login: case.is_login(),
                name: case.name,
                handled,
            }),
            Ok(None) => is_open = true,
            Err(error) => failures.push(error.on(case.title())),
        }
    }
    let default = args.default && !sources.keeps_default;
    let setting = Setting {
        files: &sources.files,
        names: &sources.names,
        ready: &ready,
        default,
    };
    let is_readable = |path: &&Path| !sources.unreadable.iter().any(|known| known == path);
    for path in sources.files.editable().filter(is_readable) {
        if let Err(error) = change_file(path, &setting, args, &mut memory, system) {
            failures.push(error);
        }
    }
    if ready.is_empty() && failures.is_empty() && !is_open {
        system
            .output
            .info("there is no credential to set up, neither in the keychain nor in docker's and podman's files");
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

/// Makes sure that docker finds our helper.
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

/// Makes sure that the keychain holds the right credential for one registry. Returns what may be removed from the files;
/// `None` if a dry run cannot know it.
fn settle_case(
    case: &Case,
    args: &SetupArgs,
    keychain: &Keychain,
    system: &mut System<'_>,
) -> Result<Option<Vec<Credential>>, CommandError> {
    let is_dry = args.trial.dry_run == LocalDryRunArg::Client;
    let handled = case.distinct().into_iter().cloned().collect();
    let mut verified = None;
    let decision = match (case.decide(), args.keep) {
        (Decision::Open, Some(keep)) => case.keep(keep),
        (decision, _) => decision,
    };
    let decision = match decision {
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
                "its credential is being rotated, and a different one is in {}, which was not changed",
                places(case)
            ))
            .hint(format_args!(
                "finish it with: {} --resume; then set up again",
                case.name.rotate_command()
            )));
        }
        Decision::Open => return Err(undecided(case)),
    }
    Ok(Some(handled))
}

/// Stores the credential in the keychain and reads it back, before it is removed anywhere else.
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
        "the keychain does not return what was stored in it, so nothing was removed from the files",
    ))
}

/// Changes one file, and plans again if another program has changed it in between.
fn change_file(
    path: &Path,
    setting: &Setting<'_>,
    args: &SetupArgs,
    memory: &mut SetupRecord,
    system: &mut System<'_>,
) -> Result<(), CommandError> {
    for _ in 0..ATTEMPTS {
        let file = File::read(path)?;
        let wanted = wanted(&file, setting, system);
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

/// The desired configuration of one file, computed from its current content so that new entries are kept.
fn wanted(file: &File, setting: &Setting<'_>, system: &System<'_>) -> DesiredConfig {
    let Setting {
        files,
        names,
        ready,
        default,
    } = *setting;
    let is_docker = file.path == files.docker;
    let is_primary = file.path == files.podman_primary;
    // podman also reads docker's file, but no credsStore; and it creates its own file when it writes.
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
        // One that names another helper is somebody's own wish.
        let is_free = |key: &&String| !named.iter().any(|(known, helper)| known == *key && helper != HELPER);
        let others = names.get(&name.registry).into_iter().flatten();
        let others = others.filter(|_| is_docker && !default || is_podmans);
        wanted.helpers.extend(others.filter(is_free).cloned());
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
