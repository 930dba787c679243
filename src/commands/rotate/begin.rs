//! What has to be known before a rotation begins: that the token is nobody else's, where the Secrets are, the new token.

use super::engine::{Engine, Subject};
use super::journal::Place;
use super::report::Stop;
use super::secrets::Unknown;
use crate::cli::{DryRunArg, RotateArgs};
use crate::commands::system::System;
use crate::commands::targets::{self, Batch, Find, Scope, Supply};
use crate::commands::token_source::{self, Given};
use crate::error::CommandError;
use crate::keychain::{Keychain, Name};
use crate::model::rotation::Which;
use crate::model::{CommandLine, Credential, Registry, Token, Use};

/// Refuses tokens that stand in two places: revoking one would take it from the other as well.
pub(super) fn refuse_shared(
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
            "give {other} a token of its own first, with {}; or leave the old token alive with --keep-old",
            CommandLine::new("kubectl regcred login")
                .value("REGISTRY", registry.as_str())
                .option("--use", "USE", other.as_str())
        )));
    }
    Ok(())
}

/// The contexts, with what is known of their Secrets without asking.
pub(super) fn places(
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
    pub(super) async fn find(&mut self, no_secrets: bool) -> Result<(), Stop> {
        let supply = self.supply(Which::Old)?;
        for at in 0..self.subject.journal.places.len() {
            let interrupt = self.interrupt.clone();
            if let Err(unknown) = interrupt.or(self.resolve(at, &supply)).await? {
                self.unknown.insert(at, unknown);
            }
        }
        let is_lacking = |unknown: &Unknown| matches!(unknown, Unknown::Lacking(_));
        let lacking = self.unknown.values().any(is_lacking);
        if lacking || (!no_secrets && self.unknown.len() == self.subject.journal.places.len()) {
            return Err(self.nothing_begun().into());
        }
        let context_is_open = |(at, place): (usize, &Place)| place.context.is_none() && self.unknown.contains_key(&at);
        if self.subject.journal.places.iter().enumerate().any(context_is_open) {
            return Err(self.nothing_begun().into());
        }
        if !no_secrets && self.subject.journal.count() == 0 && self.unknown.is_empty() {
            return Err(
                CommandError::failed("no Secret was found that holds the token: nothing was begun")
                    .hint("name namespaces with -n, or say -A; --no-secrets changes the keychain alone")
                    .into(),
            );
        }
        Ok(())
    }

    fn nothing_begun(&mut self) -> CommandError {
        let errors: Vec<CommandError> = self
            .unknown
            .iter()
            .flat_map(|(at, unknown)| {
                let context = self.subject.journal.places[*at].context.clone();
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
    pub(super) fn obtain(&mut self, args: &RotateArgs, given: Given) -> Result<(), CommandError> {
        let registry: Registry = self.subject.name.registry.clone();
        let token = match given.token {
            Some(token) => token,
            None if self.subject.journal.mints => {
                self.subject.journal.username = Some(self.subject.username.to_string());
                if args.dry_run.mode == DryRunArg::None {
                    self.account = Some(self.account()?);
                }
                return Ok(());
            }
            // A plan needs none.
            None if args.dry_run.mode != DryRunArg::None => return Ok(()),
            None => {
                let Subject {
                    name, old, username, ..
                } = &self.subject;
                let token = token_source::ask(&registry, username, self.system)?;
                refuse_shared(args, &self.keychain, name, old, Some(&token))?;
                token
            }
        };
        self.subject.new = Some(Credential {
            registry,
            username: self.subject.username.clone(),
            token,
        });
        Ok(())
    }
}
