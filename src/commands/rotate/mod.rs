//! `kubectl regcred rotate`: replaces a token everywhere. At every moment, every place holds a token that works.
//!
//! The steps are in [`phases`], and all of them change one [`RotationState`](state::RotationState). `--resume` and
//! `--abort` run the same phases.

use super::shared::choose;
use super::shared::ledger_writer;
use super::shared::password;
use super::shared::targets::Supply;
use super::shared::token_source;
use super::system::System;
use crate::cluster;
use crate::commands::args::DryRunArg;
use crate::error::{CommandError, Exit};
use crate::keychain::{Keychain, Name};
use crate::ledger::Ledger;
use crate::model::printable;
use crate::model::rotation::Direction;

mod args;
mod contexts;
mod copies;
mod dry_run;
mod due;
mod journal;
mod lock;
mod pass;
mod phases;
mod report;
mod session;
mod state;

use journal::Journal;
use phases::obtain;
use report::Stop;
use session::Session;
use state::RotationState;

pub use args::RotateArgs;

pub(super) fn run(args: &RotateArgs, system: &mut System<'_>) -> Result<Exit, CommandError> {
    match (args.resume, args.abort) {
        (true, _) => resume(args, Direction::Forward, system),
        (_, true) => resume(args, Direction::Back, system),
        _ => begin(args, system),
    }
}

/// The longest path that is shown, in characters.
const MAX_PATH: usize = 300;

/// Begins a rotation.
fn begin(args: &RotateArgs, system: &mut System<'_>) -> Result<Exit, CommandError> {
    let given = token_source::given(&args.token, args.registry.clone(), args.username.clone(), system)?;
    let keychain = system.keychain()?;
    let items = match given.registry {
        Some(_) => Vec::new(),
        None => keychain.list()?,
    };
    let registry = choose::registry(
        given.registry.clone(),
        &items,
        "kubectl regcred rotate REGISTRY",
        system,
    )?;
    let (_, usage) = choose::credential(&keychain, &registry, args.usage, None)?;
    let name = Name::login(&registry, usage);
    let _held = match args.dry_run.mode {
        DryRunArg::None => lock::acquire(&name, system)?,
        // It changes nothing.
        DryRunArg::Client | DryRunArg::Server => None,
    };
    let item = keychain.item(&name)?;
    let item = item
        .ok_or_else(|| CommandError::failed(format_args!("the keychain holds no credential of {}", name.registry)))?;
    if let Some(rotation) = &item.rotation {
        return Err(report::pending(&name, rotation.phase));
    }
    let old = item.current.clone();
    if let Some(limit) = args.if_older
        && !due::is_due(limit, &name, &old, &keychain, args, system)?
    {
        return Ok(Exit::Done);
    }
    obtain::refuse_shared(args, &keychain, &name, &old, given.token.as_ref())?;
    let mut journal = Journal::new(args)?;
    if args.mint {
        journal.token_name = Some(obtain::token_name(args.token_name.as_ref(), usage, &system.env)?);
    }
    let supply = Supply::new(old, usage)?;
    journal.contexts = contexts::of_args(args, &supply, system)?;
    let has_actions = journal.is_everywhere || args.no_secrets;
    let ledger = if has_actions {
        ledger_writer::read(system)
    } else {
        Ledger::default()
    };
    let username = given.username.clone().unwrap_or_else(|| item.current.username.clone());
    cluster::block_on(async {
        let mut state = RotationState::new(name, item, username, journal);
        let mut session = Session::new(keychain, Direction::Forward, args, system)?;
        let skipped = state.not_written(&ledger, &session.keychain)?;
        state.journal.leave_out(&skipped);
        if has_actions {
            state.journal.actions = phases::actions::find(&state, &ledger, &skipped, &session.keychain)?;
        }
        let prepared = match contexts::find(&mut state, &mut session, args.no_secrets).await {
            Ok(()) => obtain::given_or_asked(&mut state, &mut session, args, given).await,
            stopped => stopped,
        };
        let prepared = match prepared {
            Ok(()) if args.dry_run.mode == DryRunArg::None => phases::actions::check_rights(&state, &mut session).await,
            prepared => prepared,
        };
        let ended = match prepared {
            Ok(()) => match args.dry_run.mode {
                DryRunArg::None => phases::run(&mut state, &mut session, Direction::Forward).await,
                dry_run => dry_run::run(&mut state, &mut session, dry_run).await,
            },
            // No rotation was begun, so there is no document to print.
            Err(Stop::Error(error)) => return Err(error),
            Err(Stop::Interrupted) => Err(Stop::Interrupted),
        };
        copies::find(&state, &mut session, args, &ended).await;
        finish(&state, session, args, ended)
    })?
}

/// Continues the pending rotation in the given direction.
fn resume(args: &RotateArgs, direction: Direction, system: &mut System<'_>) -> Result<Exit, CommandError> {
    let keychain = system.keychain()?;
    let Some(name) = find_pending(args, &keychain)? else {
        return Ok(nothing_pending(system));
    };
    let _held = lock::acquire(&name, system)?;
    // Until it was locked, another process may have gone on with it.
    let item = keychain.item(&name)?;
    let pending = item.map(|item| RotationState::pending(name, item)).transpose()?;
    let Some(mut state) = pending.flatten() else {
        return Ok(nothing_pending(system));
    };
    state.journal.update(args)?;
    cluster::block_on(async {
        let mut session = Session::new(keychain, direction, args, system)?;
        let ended = phases::run(&mut state, &mut session, direction).await;
        copies::find(&state, &mut session, args, &ended).await;
        finish(&state, session, args, ended)
    })?
}

/// A repeated `--resume` or `--abort` succeeds.
fn nothing_pending(system: &mut System<'_>) -> Exit {
    system.output.info("no rotation is pending on this machine");
    Exit::Done
}

/// The pending rotation that the arguments select: the only one, or the one with the given registry and use.
fn find_pending(args: &RotateArgs, keychain: &Keychain) -> Result<Option<Name>, CommandError> {
    let mut pending = Vec::new();
    for item in keychain.list()? {
        let is_selected = args.registry.as_ref().is_none_or(|registry| *registry == item.registry)
            && args.usage.is_none_or(|usage| usage == item.usage);
        if !is_selected {
            continue;
        }
        let name = Name::login(&item.registry, item.usage);
        if keychain.item(&name)?.is_some_and(|item| item.rotation.is_some()) {
            pending.push(name);
        }
    }
    if pending.len() < 2 {
        return Ok(pending.pop());
    }
    let names: Vec<String> = pending
        .iter()
        .map(|name| format!("{} --use {}", name.registry, name.usage))
        .collect();
    Err(
        CommandError::usage(format_args!("several rotations are pending: {}", names.join(", "))).hint(
            pending[0]
                .rotate_command()
                .words(if args.abort { "--abort" } else { "--resume" }),
        ),
    )
}

/// Prints the result and, if the rotation is still pending, how to end it.
fn finish(
    state: &RotationState,
    session: Session<'_, '_>,
    args: &RotateArgs,
    ended: Result<(), Stop>,
) -> Result<Exit, CommandError> {
    // Of a rotation that another process has changed, this one knows no phase.
    let phase = state.phase().filter(|_| !state.was_overtaken(&session.keychain));
    let name = &state.name;
    let Session {
        report,
        system,
        temporary,
        ..
    } = session;
    password::delete_temporary(temporary, system);
    let was_interrupted = matches!(ended, Err(Stop::Interrupted));
    let error = match ended {
        Ok(()) if report.turned => Some(CommandError::failed(
            "the old token is revoked already: there was no way back, and the rotation is finished",
        )),
        Ok(()) => None,
        Err(Stop::Interrupted) => Some(CommandError::failed("interrupted")),
        Err(Stop::Error(error)) => Some(error),
    };
    let error = match (error, phase) {
        (Some(error), Some(phase)) => {
            system.output.info(report::describe_tokens(phase));
            Some(error.hints(report::ways_out(name, phase)))
        }
        (error, _) => error,
    };
    if error.is_none() && args.dry_run.mode == DryRunArg::None {
        let is_back = report.direction == Direction::Back || report.went_back();
        let what = if is_back { "went back to the old" } else { "rotated the" };
        let of = format!("token of {} for {}", name.registry, name.usage);
        system.output.info(format_args!("{what} {of}"));
        for copy in &report.copies {
            let (file, sentence) = (printable(&copy.path().display().to_string(), MAX_PATH), copy.sentence());
            system.output.warn(format_args!(
                "{file}: {sentence}, and that is the old token; applied, it puts that back"
            ));
            let line = copy.command(&name.registry);
            system.output.info(format_args!("hint: make it again: {line}"));
        }
    }
    if let Some(format) = args.output {
        report.print(name, phase, state.current(), error.as_ref(), format, system)?;
    }
    match error {
        None => Ok(Exit::Done),
        Some(error) if was_interrupted => {
            system.output.error(&error);
            Ok(Exit::Interrupted)
        }
        Some(error) => Err(error),
    }
}
