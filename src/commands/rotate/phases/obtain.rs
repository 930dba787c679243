//! The phase *obtain*: the new token is given, prompted for, or minted at Gitea.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};

use crate::commands::args::DryRunArg;
use crate::commands::rotate::args::RotateArgs;
use crate::commands::rotate::report::Stop;
use crate::commands::rotate::session::Session;
use crate::commands::rotate::state::RotationState;
use crate::commands::shared::token_id::token_id;
use crate::commands::shared::token_source::Given;
use crate::commands::shared::{ledger_writer, mint, stored_twice, token_source};
use crate::error::CommandError;
use crate::keychain::{Keychain, Name};
use crate::ledger::TokenAtServer;
use crate::model::rotation::Phase;
use crate::model::{Credential, Token, Use};
use crate::registry::{self, MintError, MintScopes, RevokeError, TokenName, Verified, VerifyError};
use crate::sys::env::Env;

/// Refuses tokens that are stored twice, because revoking the token would break the other use.
pub(in crate::commands::rotate) fn refuse_shared(
    args: &RotateArgs,
    keychain: &Keychain,
    name: &Name,
    old: &Credential,
    new: Option<&Token>,
) -> Result<(), CommandError> {
    if new == Some(&old.token) {
        return Err(CommandError::failed(format_args!(
            "this is the token that is stored already: a rotation needs a different one"
        ))
        .hint("create a new one, or use --mint"));
    }
    if args.keep_old {
        return Ok(());
    }
    stored_twice::refuse(keychain, name, &old.token)
}

/// Gets the new token, or the password to create it with, before anything is changed.
pub(in crate::commands::rotate) async fn given_or_asked(
    state: &mut RotationState,
    session: &mut Session<'_, '_>,
    args: &RotateArgs,
    given: Given,
) -> Result<(), Stop> {
    let registry = state.name.registry.clone();
    let token = match given.token {
        Some(token) => token,
        None if state.journal.mints => {
            take_over(state, session, args).await?;
            state.journal.username = Some(state.username.clone());
            if args.dry_run.mode == DryRunArg::None {
                session.prepare_account(state)?;
            }
            return Ok(());
        }
        // A dry run needs neither.
        None if args.dry_run.mode != DryRunArg::None => return Ok(()),
        None => {
            let token = token_source::ask(&registry, &state.username, session.system)?;
            refuse_shared(args, &session.keychain, &state.name, &state.old, Some(&token))?;
            token
        }
    };
    state.new = Some(Credential {
        registry,
        username: state.username.clone(),
        token,
    });
    Ok(())
}

/// What the new token has of the old one unless flags say it: the account that the registry tells, and the scopes for a use
/// of which only its consumer knows what it needs.
async fn take_over(state: &mut RotationState, session: &mut Session<'_, '_>, args: &RotateArgs) -> Result<(), Stop> {
    let wants_scopes = state.journal.scopes.is_none() && state.name.usage.name().is_some();
    if args.username.is_some() && !wants_scopes {
        return Ok(());
    }
    let verified = session.ask_about_old(state).await?;
    if let (Some(owner), None) = (&session.owner, &args.username) {
        state.username.clone_from(owner);
    }
    if wants_scopes {
        state.journal.scopes = Some(scopes(state, verified)?);
    }
    Ok(())
}

/// The scopes of the old token.
fn scopes(state: &RotationState, verified: Result<Verified, VerifyError>) -> Result<MintScopes, CommandError> {
    let unknown = |why: &dyn fmt::Display| {
        CommandError::failed(format_args!(
            "the scopes that the new token for {} needs are not known: {why}",
            state.name.usage
        ))
        .hint("name them with --scopes")
    };
    let verified = verified.map_err(|error| unknown(&error))?;
    let scopes = verified
        .scopes
        .ok_or_else(|| unknown(&"the server does not tell those of the old one"))?;
    scopes.to_string().parse().map_err(|error| unknown(&error))
}

/// A unique name for the token that is about to be created. After an interruption, a token of this name is deleted. The
/// time alone is not unique: the old token may have been created in the same second.
pub(in crate::commands::rotate) fn token_name(
    prefix: Option<&TokenName>,
    usage: Use,
    env: &Env,
) -> Result<TokenName, CommandError> {
    let name = mint::name(usage, env)?;
    let (usual, time) = name.as_str().rsplit_once('-').unwrap_or((name.as_str(), ""));
    let prefix = prefix.map_or(usual, TokenName::as_str);
    // A process has random keys for its hash maps.
    let unique = RandomState::new().hash_one(()) >> 32;
    format!("{prefix}-{time}-{unique:08x}")
        .parse()
        .map_err(CommandError::usage)
}

/// Another unique name with the same beginning.
fn another_name(name: &TokenName, usage: Use, env: &Env) -> Result<TokenName, CommandError> {
    let beginning = name.as_str().rsplitn(3, '-').nth(2);
    let beginning = beginning.and_then(|beginning| beginning.parse().ok());
    token_name(beginning.as_ref(), usage, env)
}

/// The name of the new token, from the journal.
fn name(state: &RotationState) -> Result<TokenName, CommandError> {
    let name = state.journal.token_name.clone();
    name.ok_or_else(|| CommandError::failed("the journal of the pending rotation does not name the new token"))
}

/// Creates the new token. If Gitea definitely refuses, nothing was created, and the rotation ends.
pub(super) async fn mint(state: &mut RotationState, session: &mut Session<'_, '_>) -> Result<(), Stop> {
    let (registry, name) = (state.name.registry.clone(), name(state)?);
    let scopes = state.scopes_of_new();
    let at = registry.clone();
    let made = session
        .ask_as_account(
            state,
            [MintError::wants_code, MintError::refuses_code],
            move |account, options, env| registry::mint(&at, account, &name, &scopes, options, env),
        )
        .await?;
    let minted = match made {
        Ok(minted) => minted,
        Err(error @ MintError::Uncertain { .. }) => return Err(CommandError::from(error).into()),
        Err(error) => {
            if let Err(also) = state.end(&session.keychain) {
                session.system.output.error(&also);
            }
            return Err(CommandError::from(error).into());
        }
    };
    session.system.output.info(format_args!(
        "made the token {} of {} at {registry}",
        minted.name, state.username
    ));
    let at_server = TokenAtServer::from(&minted);
    let new = Credential {
        registry,
        username: state.username.clone(),
        token: minted.token,
    };
    if let Some(id) = token_id(&session.keychain, state.name.usage, &new).map_err(CommandError::from)? {
        ledger_writer::update(session.system, |ledger, now| ledger.was_made(&id, at_server, now));
    }
    state.new = Some(new);
    Ok(())
}

/// Deletes a token that an earlier, interrupted attempt may have created.
///
/// The prompt for the password leaves time for another process. So the rotation gets another name for its token first: if
/// that process has changed anything, storing it fails and nothing is deleted; and if it goes on from here, it finds the
/// new name, and what is deleted is not what it creates.
pub(super) async fn sweep(state: &mut RotationState, session: &mut Session<'_, '_>) -> Result<(), Stop> {
    session.prepare_account(state)?;
    let name = name(state)?;
    state.journal.token_name = Some(another_name(&name, state.name.usage, &session.system.env)?);
    state.journal.earlier_token_names.push(name);
    state.store(Phase::Minting, &session.keychain)?;
    while let Some(name) = state.journal.earlier_token_names.last().cloned() {
        let deleted = delete(state, session, name).await;
        let deleted_name = state.journal.earlier_token_names.pop();
        if let Err(stop) = deleted {
            // The new name was not used, and the next attempt need not look for it.
            state.journal.token_name = deleted_name;
            if let Err(also) = state.store(Phase::Minting, &session.keychain) {
                session.system.output.error(&also);
            }
            return Err(stop);
        }
    }
    Ok(())
}

/// Deletes the token of this name if there is one.
async fn delete(state: &RotationState, session: &mut Session<'_, '_>, name: TokenName) -> Result<(), Stop> {
    let registry = state.name.registry.clone();
    let swept = name.clone();
    let swept = session
        .ask_as_account(
            state,
            [RevokeError::wants_code, RevokeError::refuses_code],
            move |account, options, env| registry::sweep(&registry, account, &swept, options, env),
        )
        .await?;
    if swept.map_err(CommandError::from)? {
        session.system.output.info(format_args!(
            "deleted the token {name}, which was created before the interruption"
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_tokens_have_one_name() {
        let name = |prefix: Option<&TokenName>| token_name(prefix, Use::Cluster, &Env::default()).unwrap().to_string();
        assert_ne!(name(None), name(None));
        let mine: TokenName = "ci".parse().unwrap();
        assert!(name(Some(&mine)).starts_with("ci-2"), "{}", name(Some(&mine)));
        assert_ne!(name(Some(&mine)), name(Some(&mine)));
    }

    #[test]
    fn another_name_has_the_same_beginning() {
        for beginning in ["kubectl-regcred@laptop-cluster", "ci"] {
            let name: TokenName = format!("{beginning}-20261129T070000Z-0badcafe").parse().unwrap();
            let another = another_name(&name, Use::Cluster, &Env::default()).unwrap();
            assert!(another != name && another.as_str().starts_with(beginning), "{another}");
        }
    }
}
