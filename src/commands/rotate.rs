//! `kubectl regcred rotate`: a new token everywhere, and nothing without one that works at any moment of it.
//!
//! [`crate::model::rotation`] says what is done in which order; here it is done.

use std::collections::BTreeMap;

use super::apply::Interrupt;
use super::choose;
use super::system::System;
use super::targets::{self, Batch, Find, Scope, Supply};
use super::token_source::{self, Given};
use crate::cli::{DryRunArg, RotateArgs};
use crate::cluster;
use crate::error::{CommandError, Exit};
use crate::keychain::{Kept, Keychain, Name};
use crate::model::rotation::{Way, Which};
use crate::model::{Credential, Registry, Token, Use};

mod dry_run;
mod engine;
mod journal;
mod registry;
mod report;
mod secrets;

use engine::Engine;
use journal::{Journal, Place};
use report::{Result as Outcome, Stop};

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
    let mut journal = Journal::new(args);
    if args.mint {
        let token_name = registry::token_name(args.token_name.as_ref(), usage, &system.env)?;
        journal.token_name = Some(token_name.to_string());
    }
    journal.places = places(args, &old, usage, system)?;
    let username = given.username.clone().unwrap_or_else(|| old.username.clone());
    cluster::block_on(async {
        let mut engine = Engine {
            keychain,
            name,
            kept,
            journal,
            old,
            new: None,
            username,
            account: None,
            password_stdin: args.password_stdin,
            clusters: Vec::new(),
            unknown: BTreeMap::new(),
            timeout: args.cluster.request_timeout.unwrap_or_default(),
            interrupt: Interrupt::listen(system.handles_interrupts)?,
            result: Outcome::new(Way::Forward, args.dry_run, args.output),
            system,
        };
        engine.find(args.no_secrets).await?;
        engine.obtain(args, given)?;
        let ended = match args.dry_run {
            DryRunArg::None => engine.run(Way::Forward).await,
            dry_run => engine.dry_run(dry_run).await,
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
    journal.update(args);
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
        let mut engine = Engine {
            keychain,
            name,
            kept,
            journal,
            old,
            new,
            username,
            account: None,
            password_stdin: args.password_stdin,
            clusters: Vec::new(),
            unknown: BTreeMap::new(),
            timeout: args.cluster.request_timeout.unwrap_or_default(),
            interrupt: Interrupt::listen(system.handles_interrupts)?,
            result: Outcome::new(way, DryRunArg::None, args.output),
            system,
        };
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
    let names: Vec<String> = pending
        .iter()
        .map(|(name, _)| format!("{} --use {}", name.registry, name.usage))
        .collect();
    Err(
        CommandError::usage(format_args!("several rotations are pending: {}", names.join(", ")))
            .hint(format_args!("kubectl regcred rotate {} --resume", names[0])),
    )
}

/// Refuses tokens that stand in two places: revoking one would take it from the other as well.
fn refuse_shared(
    args: &RotateArgs,
    keychain: &Keychain,
    name: &Name,
    old: &Credential,
    new: Option<&Token>,
) -> Result<(), CommandError> {
    if new == Some(&old.token) {
        return Err(CommandError::failed(format_args!(
            "that is the token that is stored already: it cannot take its own place"
        ))
        .hint("make a new one, or let --mint make it"));
    }
    let other = match name.usage {
        Use::Docker => Use::Cluster,
        Use::Cluster => Use::Docker,
    };
    let Some(held) = keychain.get(&name.registry, other)? else {
        return Ok(());
    };
    if held.token == old.token && !args.keep_old {
        let registry = &name.registry;
        return Err(CommandError::failed(format_args!(
            "the same token is kept for {other} too, which would lose it when it is revoked"
        ))
        .hint(format_args!(
            "give {other} a token of its own first, with kubectl regcred login {registry} --use {other}; or leave the \
             old token alive with --keep-old"
        )));
    }
    Ok(())
}

/// The contexts, with what is known of their Secrets without asking.
fn places(
    args: &RotateArgs,
    old: &Credential,
    usage: Use,
    system: &mut System<'_>,
) -> Result<Vec<Place>, CommandError> {
    if args.no_secrets {
        return Ok(Vec::new());
    }
    let supply = Supply::new(old.clone(), usage)?;
    let batches = targets::of_one(&args.targets, &args.cluster.contexts, &supply, system)?;
    let place = |Batch { context, scope }| {
        let mut place = Place {
            context,
            find: Find::of(&scope),
            ..Place::default()
        };
        if let Scope::Jobs(jobs) = scope {
            place.list(&jobs);
        }
        place
    };
    Ok(batches.into_iter().map(place).collect())
}

impl Engine<'_, '_> {
    /// Finds the Secrets, before anybody is asked for a token. A cluster that is away does not keep the others from
    /// getting the new token; but without any, or with Secrets that cannot be written, nothing is begun.
    async fn find(&mut self, no_secrets: bool) -> Result<(), CommandError> {
        let supply = self.supply(Which::Old)?;
        for at in 0..self.journal.places.len() {
            if let Err(unknown) = self.resolve(at, &supply).await {
                self.unknown.insert(at, unknown);
            }
        }
        let is_lacking = |unknown: &secrets::Unknown| matches!(unknown, secrets::Unknown::Lacking(_));
        let lacking = self.unknown.values().any(is_lacking);
        if lacking || (!no_secrets && self.unknown.len() == self.journal.places.len()) {
            return Err(self.nothing_begun());
        }
        let context_is_open = |(at, place): (usize, &Place)| place.context.is_none() && self.unknown.contains_key(&at);
        if self.journal.places.iter().enumerate().any(context_is_open) {
            return Err(self.nothing_begun());
        }
        if !no_secrets && self.journal.count() == 0 && self.unknown.is_empty() {
            return Err(
                CommandError::failed("no Secret was found that would get the new token: nothing was begun")
                    .hint("name namespaces with -n; --no-secrets changes the keychain alone"),
            );
        }
        Ok(())
    }

    fn nothing_begun(&mut self) -> CommandError {
        let errors: Vec<CommandError> = self
            .unknown
            .iter()
            .flat_map(|(at, unknown)| {
                let context = self.journal.places[*at].context.clone();
                let of_context = move |error: &CommandError| match &context {
                    Some(context) => error.clone().on(format_args!("context {context}")),
                    None => error.clone(),
                };
                unknown.errors().into_iter().map(of_context)
            })
            .collect();
        let mut errors = errors.into_iter();
        let Some(first) = errors.next() else {
            return CommandError::failed("nothing was begun");
        };
        for error in errors {
            self.system.output.error(&error);
        }
        first.hint("nothing was begun")
    }

    /// Gets the new token, or the password to make it with.
    fn obtain(&mut self, args: &RotateArgs, given: Given) -> Result<(), CommandError> {
        let registry: Registry = self.name.registry.clone();
        let token = match given.token {
            Some(token) => token,
            None if self.journal.mints => {
                self.journal.username = Some(self.username.to_string());
                if args.dry_run == DryRunArg::None {
                    self.account = Some(self.account()?);
                }
                return Ok(());
            }
            // A plan needs none.
            None if args.dry_run != DryRunArg::None => return Ok(()),
            None => {
                let token = token_source::ask(&registry, &self.username, self.system)?;
                refuse_shared(args, &self.keychain, &self.name, &self.old, Some(&token))?;
                token
            }
        };
        self.new = Some(Credential {
            registry,
            username: self.username.clone(),
            token,
        });
        Ok(())
    }

    /// Says how it ended, and what to do where it did not.
    fn finish(self, args: &RotateArgs, ended: Result<(), Stop>) -> Result<Exit, CommandError> {
        let (name, phase) = (self.name.clone(), self.phase());
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
        if error.is_none() && args.dry_run == DryRunArg::None {
            let is_back = self.result.way == Way::Back || self.result.went_back();
            let what = if is_back { "went back to the old" } else { "rotated the" };
            let of = format!("token of {} for {}", name.registry, name.usage);
            self.system.output.say(format_args!("{what} {of}"));
        }
        if let Some(format) = args.output {
            let current = match phase {
                Some(phase) => phase.current(),
                None if self.new.as_ref() == Some(&self.kept.current) => Which::New,
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
