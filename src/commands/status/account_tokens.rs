//! `--tokens`: the tokens that the accounts have at their Gitea, and which of them something here uses.

use super::actions_secrets::ActionsLists;
use super::args::StatusArgs;
use super::credentials::StoredCredentials;
use crate::cluster::survey::Survey;
use crate::commands::args::RegistryConnectionArgs;
use crate::commands::shared::connections::Connections;
use crate::commands::shared::password;
use crate::commands::system::System;
use crate::error::CommandError;
use crate::ledger::{KnownToken, Ledger, TokenAtServer};
use crate::model::{Credential, Registry, Token, Username};
use crate::registry::{self, AccountToken, AccountTokens, AccountTokensError};

/// What one account has.
pub(super) struct AccountListing {
    pub(super) registry: Registry,
    pub(super) username: Username,
    pub(super) tokens: Result<AccountTokens, CommandError>,
}

/// What accounts' passwords could tell.
#[derive(Default)]
pub(super) struct Told {
    pub(super) listings: Vec<AccountListing>,
    pub(super) actions: ActionsLists,
}

/// Asks each account of the keychain's credentials for its tokens, and for the secrets of Actions that it administers. This
/// comes before anything else asks the registries, because every use of a token is its last.
pub(super) fn list(
    args: &StatusArgs,
    credentials: &StoredCredentials,
    ledger: &Ledger,
    system: &mut System<'_>,
) -> Result<Told, CommandError> {
    let mut told = Told::default();
    if !args.tokens {
        return Ok(told);
    }
    let accounts = accounts(args, credentials)?;
    let connections = Connections::new(&args.connection, ledger, RegistryConnectionArgs::TIMEOUT);
    for (registry, username) in accounts {
        let options = connections.options(&registry);
        let mut account = password::account(&registry, &username, args.password_stdin, system)?;
        let wants_code = AccountTokensError::wants_code;
        let tokens = password::with_code(&mut account, &registry, system, wants_code, |account, env| {
            registry::account_tokens(&registry, account, &options, env)
        });
        // A code may be used up by now, and a refused password is not tried again.
        if tokens.is_ok() && account.code.is_none() {
            let env = &system.env;
            system.output.waiting(format_args!("asking {registry}"), || {
                told.actions.ask_as(&account, &registry, ledger, &options, env);
            });
        }
        told.listings.push(AccountListing {
            registry,
            username,
            tokens,
        });
    }
    Ok(told)
}

fn accounts(args: &StatusArgs, credentials: &StoredCredentials) -> Result<Vec<(Registry, Username)>, CommandError> {
    let held = credentials.held.iter().map(|held| &held.credential);
    let mut accounts: Vec<(Registry, Username)> = held
        .filter(|one| !one.username.is_identity_token())
        .map(|one| {
            let username = args.username.as_ref().unwrap_or(&one.username);
            (one.registry.clone(), username.clone())
        })
        .collect();
    accounts.sort();
    accounts.dedup();
    if accounts.len() > 1 && args.password_stdin {
        let names: Vec<String> = accounts
            .iter()
            .map(|(registry, username)| format!("{username} at {registry}"))
            .collect();
        return Err(CommandError::usage(format_args!(
            "there are several accounts, and standard input has one password: {}",
            names.join(", ")
        ))
        .hint("choose one with --registry and --username"));
    }
    Ok(accounts)
}

/// What uses tokens here.
pub(super) struct Users<'a> {
    pub(super) credentials: &'a StoredCredentials,
    pub(super) surveys: Vec<&'a Survey>,
    /// The registries, by their place in the surveys.
    pub(super) registries: &'a [Registry],
    pub(super) ledger: &'a Ledger,
    /// What docker and podman have outside of regcred's keychain.
    pub(super) in_docker: &'a [Credential],
}

impl Users<'_> {
    /// What uses it: a use of the keychain, `secrets`, `actions`, or `files`. Empty if nothing is known to. Two tokens can end alike:
    /// then both count as used.
    pub(super) fn of(&self, registry: &Registry, token: &AccountToken) -> Vec<String> {
        let held = self.credentials.held.iter();
        let held = held.filter(|held| held.credential.registry == *registry);
        let mut users: Vec<String> = held
            .filter(|held| {
                let other = held.rotation.as_ref().and_then(|rotation| rotation.other.as_ref());
                let mut tokens = std::iter::once(&held.credential).chain(other);
                tokens.any(|one| token.ends_like(&one.token))
            })
            .map(|held| held.usage.to_string())
            .collect();
        if self.is_in_secrets(registry, token) {
            users.push("secrets".to_owned());
        }
        if self.remembers(registry, token, |known| !known.actions.is_empty()) {
            users.push("actions".to_owned());
        }
        let is_it = |one: &Credential| one.registry == *registry && token.ends_like(&one.token);
        if self.in_docker.iter().any(is_it) || self.remembers(registry, token, |known| !known.files.is_empty()) {
            users.push("files".to_owned());
        }
        users
    }

    /// Whether a Secret holds it that was looked at, or that the ledger remembers.
    fn is_in_secrets(&self, registry: &Registry, token: &AccountToken) -> bool {
        let mut seen = self.surveys.iter().flat_map(|survey| &survey.other_tokens);
        let is_seen =
            seen.any(|other| self.registries.get(other.interest) == Some(registry) && token.ends_like(&other.token));
        is_seen || self.remembers(registry, token, |known| !known.secrets.is_empty())
    }

    /// Whether the ledger remembers that it is in such a place.
    fn remembers(&self, registry: &Registry, token: &AccountToken, has_place: fn(&KnownToken) -> bool) -> bool {
        let of_it = self.ledger.credentials.iter().filter(|one| one.registry == *registry);
        let is_it = |it: &TokenAtServer| it.id == token.id && it.name == token.name;
        let mut known = of_it.flat_map(|credential| &credential.tokens);
        known.any(|known| known.at_server.as_ref().is_some_and(is_it) && has_place(known))
    }
}

/// The token that ends like this one, if only one does.
pub(super) fn listed<'a>(
    listings: &'a [AccountListing],
    registry: &Registry,
    token: &Token,
) -> Option<&'a AccountToken> {
    let of_registry = listings.iter().filter(|listing| listing.registry == *registry);
    let known = of_registry.filter_map(|listing| listing.tokens.as_ref().ok());
    let mut alike = known.flat_map(|known| &known.tokens).filter(|one| one.ends_like(token));
    alike.next().filter(|_| alike.next().is_none())
}
