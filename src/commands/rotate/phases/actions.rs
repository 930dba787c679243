//! The secrets of Actions that hold the token: written after the Secrets, and proved by the server's answer.

use std::collections::BTreeSet;

use crate::commands::rotate::report::Stop;
use crate::commands::rotate::session::Session;
use crate::commands::rotate::state::RotationState;
use crate::commands::shared::ledger_writer;
use crate::commands::shared::token_id::{actions_with_unknown, token_id};
use crate::error::CommandError;
use crate::keychain::Keychain;
use crate::ledger::{Ledger, Skipped, TokenId};
use crate::model::rotation::TokenVersion;
use crate::model::{ActionsSecret, CommandLine};
use crate::registry::{self, ActionsError};

/// The secrets of Actions that hold the token of this rotation.
pub(in crate::commands::rotate) fn find(
    state: &RotationState,
    ledger: &Ledger,
    skipped: &Skipped,
    keychain: &Keychain,
) -> Result<BTreeSet<ActionsSecret>, CommandError> {
    let Some(id) = token_id(keychain, state.name.usage, &state.old)? else {
        return Ok(BTreeSet::new());
    };
    let found = ledger.actions_with(&id).into_iter();
    Ok(found
        .filter(|secret| !skipped.actions.contains(*secret))
        .cloned()
        .collect())
}

/// Fails if the account may not write one of them: nothing is changed then.
pub(in crate::commands::rotate) async fn check_rights(
    state: &RotationState,
    session: &mut Session<'_, '_>,
) -> Result<(), Stop> {
    for secret in state.journal.actions.clone() {
        if !session.can_ask(state) {
            let error = CommandError::usage(format_args!(
                "the Actions secret {secret} holds the token, and writing it needs the password of an account that may"
            ));
            return Err(error
                .hint("give it with --password-stdin, and the account with --actions-account")
                .hint(format_args!("or leave it as it is: --skip-actions {secret}"))
                .into());
        }
        let at = state.name.registry.clone();
        let asked = secret.clone();
        let may = session
            .ask_for_actions(state, move |account, options, env| {
                registry::may_write_actions(&at, &asked, account, options, env)
            })
            .await?;
        may.map_err(|error| with_skip(error.into(), &secret))?;
    }
    Ok(())
}

/// Writes the token to each that does not have it.
pub(super) async fn write(
    state: &RotationState,
    session: &mut Session<'_, '_>,
    version: TokenVersion,
) -> Result<(), Stop> {
    let id = id(state, session, version)?;
    let token = state.credential(version)?.token;
    let mut failed = None;
    for secret in without(state, session, id.as_ref()) {
        if let Some(id) = &id {
            ledger_writer::update(session.system, |ledger, now| {
                ledger.will_write_actions(id, &secret, now);
            });
        }
        let (at, asked, token) = (state.name.registry.clone(), secret.clone(), token.clone());
        let written = session
            .ask_for_actions(state, move |account, options, env| {
                registry::write_actions(&at, &asked, &token, account, options, env)
            })
            .await?;
        match written {
            Ok(_) => {
                if let Some(id) = &id {
                    ledger_writer::update(session.system, |ledger, now| ledger.wrote_actions(id, &secret, now));
                }
                session
                    .system
                    .output
                    .info(format_args!("wrote the {version} token to the Actions secret {secret}"));
            }
            Err(error) => {
                let is_known = !matches!(error, ActionsError::Uncertain { .. });
                if let Some(id) = id.as_ref().filter(|_| is_known) {
                    ledger_writer::update(session.system, |ledger, _| ledger.did_not_write_actions(id, &secret));
                }
                // Another attempt would count as another wrong password.
                if matches!(error, ActionsError::Account(_) | ActionsError::Site(_)) {
                    return Err(CommandError::from(error).into());
                }
                let error = with_skip(error.into(), &secret);
                if let Some(before) = failed.replace(error) {
                    session.system.output.error(&before);
                }
            }
        }
        session.interrupted()?;
    }
    failed.map_or(Ok(()), |error| {
        Err(error
            .on(format_args!("not every Actions secret holds the {version} token"))
            .into())
    })
}

/// Fails if one of them is not known to hold the token: something else wrote it.
pub(super) fn check(
    state: &RotationState,
    session: &mut Session<'_, '_>,
    version: TokenVersion,
) -> Result<(), CommandError> {
    let Some(id) = id(state, session, version)? else {
        return Ok(());
    };
    match without(state, session, Some(&id)).pop() {
        None => Ok(()),
        Some(secret) => Err(CommandError::failed(format_args!(
            "the Actions secret {secret} was given another token meanwhile"
        ))
        .hint(state.name.rotate_command().words("--resume"))),
    }
}

/// Fails if one that is not part of this rotation holds the token that is revoked next.
pub(super) fn check_others(
    state: &RotationState,
    session: &mut Session<'_, '_>,
    ledger: &Ledger,
    version: TokenVersion,
) -> Result<(), CommandError> {
    let id = id(state, session, version)?;
    let mut skipped = state.journal.skipped.actions.clone();
    if let Some(known) = ledger.credential(&state.name.registry, state.name.usage) {
        skipped.extend(known.skipped.actions.iter().cloned());
    }
    let holders = id.iter().flat_map(|id| ledger.actions_with(id));
    let (given_up, others): (Vec<_>, Vec<_>) = holders.partition(|secret| skipped.contains(*secret));
    for secret in given_up {
        session.system.output.warn(format_args!(
            "the Actions secret {secret} was skipped: it holds the {version} token, which is revoked now"
        ));
    }
    let mut perhaps = actions_with_unknown(&session.keychain, &state.name.registry, ledger)?;
    perhaps.retain(|secret| !skipped.contains(*secret) && !others.contains(secret));
    if session.revoke_anyway {
        for secret in others {
            session.system.output.warn(format_args!(
                "the Actions secret {secret} holds the {version} token: its pipelines cannot log in any more"
            ));
        }
        for secret in perhaps {
            session.system.output.warn(format_args!(
                "the Actions secret {secret} may hold the {version} token: if it does, its pipelines cannot log in any more"
            ));
        }
        return Ok(());
    }
    let (first, why) = if let Some(first) = others.first() {
        (first, format!("it is also in the Actions secret {first}"))
    } else if let Some(first) = perhaps.first() {
        let why = format!(
            "it may be in the Actions secret {first}, which holds a token that this keychain does not recognise"
        );
        (first, why)
    } else {
        return Ok(());
    };
    let sync = CommandLine::new("kubectl regcred sync")
        .option("--registry", "REGISTRY", state.name.registry.as_str())
        .option("--use", "USE", state.name.usage.as_str())
        .option("--actions-secret", "PLACE", first.to_string());
    let error = CommandError::failed(format_args!("the {version} token is not revoked: {why}"));
    Err(with_skip(error.hint(sync), first))
}

/// Those of the rotation that are not known to hold this token.
fn without(state: &RotationState, session: &mut Session<'_, '_>, id: Option<&TokenId>) -> Vec<ActionsSecret> {
    let ledger = ledger_writer::read(session.system);
    let has = |secret: &&ActionsSecret| id.is_some_and(|id| ledger.has_actions(id, secret));
    let skipped = &state.journal.skipped.actions;
    let all = state.journal.actions.iter().filter(|secret| !skipped.contains(*secret));
    all.filter(|secret| !has(secret)).cloned().collect()
}

fn id(
    state: &RotationState,
    session: &Session<'_, '_>,
    version: TokenVersion,
) -> Result<Option<TokenId>, CommandError> {
    Ok(token_id(
        &session.keychain,
        state.name.usage,
        &state.credential(version)?,
    )?)
}

fn with_skip(error: CommandError, secret: &ActionsSecret) -> CommandError {
    error.hint(format_args!("or leave it as it is: --skip-actions {secret}"))
}
