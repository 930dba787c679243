//! `kubectl regcred rotate`: a new token everywhere, and nothing without one that works at any moment of it.
//!
//! [`phases`] are what it does, in their order, to one [`RotationState`](state::RotationState); `--resume` and `--abort`
//! run the same ones.

use super::shared::choose;
use super::shared::targets::Supply;
use super::shared::token_source;
use super::system::System;
use crate::cluster;
use crate::commands::args::DryRunArg;
use crate::error::{CommandError, Exit};
use crate::keychain::{Kept, Keychain, Name};
use crate::model::CommandLine;
use crate::model::rotation::Way;

mod args;
mod dry_run;
mod journal;
mod pass;
mod phases;
mod places;
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
        (true, _) => go_on(args, Way::Forward, system),
        (_, true) => go_on(args, Way::Back, system),
        _ => begin(args, system),
    }
}

/// Begins one.
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
    let kept = keychain.kept(&name)?;
    let kept = kept
        .ok_or_else(|| CommandError::failed(format_args!("the keychain holds no credential of {}", name.registry)))?;
    if let Some(rotation) = &kept.rotation {
        return Err(report::pending(&name, rotation.phase));
    }
    let old = kept.current.clone();
    obtain::refuse_shared(args, &keychain, &name, &old, given.token.as_ref())?;
    let mut journal = Journal::new(args)?;
    if args.mint {
        journal.token_name = Some(obtain::token_name(args.token_name.as_ref(), usage, &system.env)?);
    }
    let supply = Supply::new(old, usage)?;
    journal.places = places::of_args(args, &supply, system)?;
    journal.leave_out_given_up();
    let username = given.username.clone().unwrap_or_else(|| kept.current.username.clone());
    cluster::block_on(async {
        let mut state = RotationState::new(name, kept, username, journal);
        let mut session = Session::new(keychain, Way::Forward, args, system)?;
        let ended = match places::find(&mut state, &mut session, args.no_secrets).await {
            Ok(()) => {
                obtain::given_or_asked(&mut state, &mut session, args, given)?;
                match args.dry_run.mode {
                    DryRunArg::None => phases::run(&mut state, &mut session, Way::Forward).await,
                    dry_run => dry_run::run(&mut state, &mut session, dry_run).await,
                }
            }
            // Nothing was begun that a document could be about.
            Err(Stop::Error(error)) => return Err(error),
            Err(Stop::Interrupted) => Err(Stop::Interrupted),
        };
        finish(&state, session, args, ended)
    })?
}

/// Goes on with one that is pending, in one of the two directions.
fn go_on(args: &RotateArgs, way: Way, system: &mut System<'_>) -> Result<Exit, CommandError> {
    let keychain = system.keychain()?;
    let Some((name, kept)) = find_pending(args, &keychain)? else {
        // Repeating it is a success.
        system.output.say("no rotation is pending");
        return Ok(Exit::Done);
    };
    let Some(mut state) = RotationState::pending(name, kept)? else {
        return Ok(Exit::Done);
    };
    state.journal.update(args)?;
    cluster::block_on(async {
        let mut session = Session::new(keychain, way, args, system)?;
        let ended = phases::run(&mut state, &mut session, way).await;
        finish(&state, session, args, ended)
    })?
}

/// The pending rotation that is meant: the only one, or the one that is named.
fn find_pending(args: &RotateArgs, keychain: &Keychain) -> Result<Option<(Name, Kept)>, CommandError> {
    let mut pending = Vec::new();
    for item in keychain.list()? {
        let is_meant = args.registry.as_ref().is_none_or(|registry| *registry == item.registry)
            && args.usage.is_none_or(|usage| usage == item.usage);
        if !is_meant {
            continue;
        }
        let name = Name::login(&item.registry, item.usage);
        if let Some(kept) = keychain.kept(&name)?.filter(|kept| kept.rotation.is_some()) {
            pending.push((name, kept));
        }
    }
    if pending.len() < 2 {
        return Ok(pending.pop());
    }
    let first = pending[0].0.clone();
    let names: Vec<String> = pending
        .iter()
        .map(|(name, _)| format!("{} --use {}", name.registry, name.usage))
        .collect();
    Err(
        CommandError::usage(format_args!("several rotations are pending: {}", names.join(", "))).hint(
            CommandLine::new("kubectl regcred rotate")
                .value("REGISTRY", first.registry.as_str())
                .option("--use", "USE", first.usage.as_str())
                .words("--resume"),
        ),
    )
}

/// Says how it ended, and what to do where it did not.
fn finish(
    state: &RotationState,
    session: Session<'_, '_>,
    args: &RotateArgs,
    ended: Result<(), Stop>,
) -> Result<Exit, CommandError> {
    let (name, phase) = (&state.name, state.phase());
    let Session { report, system, .. } = session;
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
            system.output.say(report::standing(phase));
            Some(error.hints(report::ways_out(name, phase)))
        }
        (error, _) => error,
    };
    if error.is_none() && args.dry_run.mode == DryRunArg::None {
        let is_back = report.way == Way::Back || report.went_back();
        let what = if is_back { "went back to the old" } else { "rotated the" };
        let of = format!("token of {} for {}", name.registry, name.usage);
        system.output.say(format_args!("{what} {of}"));
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
