//! `kubectl regcred rotate`: a new token everywhere, and nothing without one that works at any moment of it.
//!
//! [`crate::model::rotation`] says what is done in which order; here it is done.

use super::choose;
use super::system::System;
use super::token_source;
use crate::cli::{DryRunArg, RotateArgs};
use crate::cluster;
use crate::error::{CommandError, Exit};
use crate::keychain::{Kept, Keychain, Name};
use crate::model::CommandLine;
use crate::model::rotation::{Way, Which};

mod begin;
mod dry_run;
mod engine;
mod journal;
mod read_back;
mod registry;
mod report;
mod secrets;

use begin::{places, refuse_shared};
use engine::{Engine, Subject};
use journal::Journal;
use report::Stop;

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
    let (old, usage) = choose::credential(&keychain, &registry, args.usage, None)?;
    let name = Name::login(&registry, usage);
    let kept = kept(&keychain, &name)?;
    if let Some(rotation) = &kept.rotation {
        return Err(report::pending(&name, rotation.phase));
    }
    let token = given.token.as_ref();
    refuse_shared(args, &keychain, &name, &old, token)?;
    let mut journal = Journal::new(args)?;
    if args.mint {
        let token_name = registry::token_name(args.token_name.as_ref(), usage, &system.env)?;
        journal.token_name = Some(token_name.to_string());
    }
    journal.places = places(args, &old, usage, system)?;
    let username = given.username.clone().unwrap_or_else(|| old.username.clone());
    cluster::block_on(async {
        let subject = Subject {
            name,
            kept,
            journal,
            old,
            new: None,
            username,
        };
        let mut engine = Engine::new(subject, keychain, Way::Forward, args, system)?;
        let ended = match engine.find(args.no_secrets).await {
            Ok(()) => {
                engine.obtain(args, given)?;
                match args.dry_run.mode {
                    DryRunArg::None => engine.run(Way::Forward).await,
                    dry_run => engine.dry_run(dry_run).await,
                }
            }
            // Nothing was begun that a document could be about.
            Err(Stop::Error(error)) => return Err(error),
            Err(Stop::Interrupted) => Err(Stop::Interrupted),
        };
        engine.finish(args, ended)
    })?
}

/// Goes on with one that is pending, in one of the two directions.
fn go_on(args: &RotateArgs, way: Way, system: &mut System<'_>) -> Result<Exit, CommandError> {
    let keychain = system.keychain()?;
    let Some((name, kept)) = find_pending(args, &keychain)? else {
        // Whoever repeats it has what was asked for.
        system.output.say("no rotation is pending");
        return Ok(Exit::Done);
    };
    let Some(rotation) = kept.rotation.clone() else {
        return Ok(Exit::Done);
    };
    let mut journal = Journal::parse(&rotation.journal)?;
    journal.update(args)?;
    let (old, new) = match rotation.phase.current() {
        Which::Old => (kept.current.clone(), rotation.other),
        Which::New => (
            rotation.other.unwrap_or_else(|| kept.current.clone()),
            Some(kept.current.clone()),
        ),
    };
    let username = match (&new, journal.username.as_ref().and_then(|name| name.parse().ok())) {
        (Some(new), _) => new.username.clone(),
        (None, Some(username)) => username,
        (None, None) => old.username.clone(),
    };
    cluster::block_on(async {
        let subject = Subject {
            name,
            kept,
            journal,
            old,
            new,
            username,
        };
        let mut engine = Engine::new(subject, keychain, way, args, system)?;
        let ended = engine.run(way).await;
        engine.finish(args, ended)
    })?
}

/// The item with its rotation, which has to be there.
fn kept(keychain: &Keychain, name: &Name) -> Result<Kept, CommandError> {
    let kept = keychain.kept(name)?;
    kept.ok_or_else(|| CommandError::failed(format_args!("the keychain holds no credential of {}", name.registry)))
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

impl Engine<'_, '_> {
    /// Says how it ended, and what to do where it did not.
    fn finish(self, args: &RotateArgs, ended: Result<(), Stop>) -> Result<Exit, CommandError> {
        let (name, phase) = (self.subject.name.clone(), self.phase());
        let was_interrupted = matches!(ended, Err(Stop::Interrupted));
        let error = match ended {
            Ok(()) if self.result.turned => Some(CommandError::failed(
                "the old token is revoked already: there was no way back, and the rotation is finished",
            )),
            Ok(()) => None,
            Err(Stop::Interrupted) => Some(CommandError::failed("interrupted")),
            Err(Stop::Error(error)) => Some(error),
        };
        let error = match (error, phase) {
            (Some(error), Some(phase)) => {
                self.system.output.say(report::standing(phase));
                Some(error.hints(report::ways_out(&name, phase)))
            }
            (error, _) => error,
        };
        if error.is_none() && args.dry_run.mode == DryRunArg::None {
            let is_back = self.result.way == Way::Back || self.result.went_back();
            let what = if is_back { "went back to the old" } else { "rotated the" };
            let of = format!("token of {} for {}", name.registry, name.usage);
            self.system.output.say(format_args!("{what} {of}"));
        }
        if let Some(format) = args.output {
            let current = match phase {
                Some(phase) => phase.current(),
                None if self.subject.new.as_ref() == Some(&self.subject.kept.current) => Which::New,
                None => Which::Old,
            };
            self.result
                .print(&name, phase, current, error.as_ref(), format, self.system)?;
        }
        match error {
            None => Ok(Exit::Done),
            Some(error) if was_interrupted => {
                self.system.output.error(&error);
                Ok(Exit::Interrupted)
            }
            Some(error) => Err(error),
        }
    }
}
