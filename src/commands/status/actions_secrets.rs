//! Whether the servers still have the secrets of Actions that tokens were written to: their names can be listed by an account
//! that administers the place, with its password or with a token that may read there.

use std::collections::{BTreeMap, BTreeSet};

use super::credentials::StoredCredentials;
use super::tokens::Verdicts;
use crate::commands::shared::connections::Connections;
use crate::ledger::Ledger;
use crate::model::{ActionsScope, ActionsSecret, Credential, Registry};
use crate::registry::{self, Account, ActionsError, Options};
use crate::sys::env::Env;

/// The most places that are listed, because each takes a few requests.
const MAX_PLACES: usize = 50;

/// What a server has at a place.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Listed {
    Names(BTreeSet<String>),
    /// The repository itself is gone, says its own owner.
    NoPlace,
}

/// The places whose list could be read.
#[derive(Debug, Default)]
pub(super) struct ActionsLists(BTreeMap<(Registry, ActionsScope), Listed>);

/// What is known of one secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    There,
    Missing,
    /// Its repository or organisation is gone.
    NoPlace,
    Unknown,
}

impl ActionsLists {
    pub(super) fn standing(&self, registry: &Registry, secret: &ActionsSecret) -> Standing {
        match self.0.get(&(registry.clone(), secret.scope.clone())) {
            None => Standing::Unknown,
            Some(Listed::NoPlace) => Standing::NoPlace,
            Some(Listed::Names(names)) if names.contains(secret.name()) => Standing::There,
            Some(Listed::Names(_)) => Standing::Missing,
        }
    }

    /// Asks as an account whose password, or a token in its place, was given. What it may not list stays unknown.
    pub(super) fn ask_as(
        &mut self,
        account: &Account,
        registry: &Registry,
        ledger: &Ledger,
        options: &Options,
        env: &Env,
    ) {
        for scope in places(ledger).remove(registry).unwrap_or_default() {
            let key = (registry.clone(), scope.clone());
            if self.0.contains_key(&key) {
                continue;
            }
            let is_its_own = match &scope {
                ActionsScope::Repository { owner, .. } => owner.eq_ignore_ascii_case(account.username.as_str()),
                ActionsScope::Organisation(_) => false,
                // There is no list of them.
                ActionsScope::User(_) => continue,
            };
            match registry::list_actions(registry, &scope, account, options, env) {
                Ok(names) => {
                    self.0.insert(key, Listed::Names(names));
                }
                Err(ActionsError::NotFound { .. }) if is_its_own => {
                    self.0.insert(key, Listed::NoPlace);
                }
                Err(_) => {}
            }
        }
    }

    /// Asks with the tokens of the keychain that their registries accept, and whose scopes allow it.
    pub(super) async fn ask(
        self,
        ledger: &Ledger,
        credentials: &StoredCredentials,
        verdicts: &Verdicts,
        connections: &Connections,
        env: &Env,
    ) -> Self {
        let mut accounts: BTreeMap<Registry, Vec<Account>> = BTreeMap::new();
        for (registry, scopes) in &places(ledger) {
            let held = credentials.held.iter().map(|held| &held.credential);
            for credential in held.filter(|one| one.registry == *registry) {
                if may_list(credential, verdicts, scopes) {
                    accounts.entry(registry.clone()).or_default().push(Account {
                        username: credential.username.clone(),
                        password: credential.token.clone(),
                        code: None,
                    });
                }
            }
        }
        if accounts.is_empty() {
            return self;
        }
        let (ledger, connections, env) = (ledger.clone(), connections.clone(), env.clone());
        let asked = tokio::task::spawn_blocking(move || {
            let mut lists = self;
            for (registry, accounts) in accounts {
                let options = connections.options(&registry);
                for account in accounts {
                    lists.ask_as(&account, &registry, &ledger, &options, &env);
                }
            }
            lists
        });
        asked.await.unwrap_or_default()
    }
}

fn may_list(credential: &Credential, verdicts: &Verdicts, places: &BTreeSet<ActionsScope>) -> bool {
    let verdict = verdicts.of(credential);
    let scopes = verdict.verified().and_then(|verified| verified.scopes.as_ref());
    scopes.is_some_and(|scopes| places.iter().any(|place| scopes.may_list_actions(place)))
}

/// Where tokens are that were not replaced, by registry.
fn places(ledger: &Ledger) -> BTreeMap<Registry, BTreeSet<ActionsScope>> {
    let mut places: BTreeMap<Registry, BTreeSet<ActionsScope>> = BTreeMap::new();
    for known in &ledger.credentials {
        let tokens = known
            .tokens
            .iter()
            .filter(|token| token.replaced.is_none() && token.revoked.is_none());
        let written = tokens.flat_map(|token| &token.actions);
        let of_registry = places.entry(known.registry.clone()).or_default();
        for place in written.filter(|place| place.written.is_some()) {
            if of_registry.len() < MAX_PLACES {
                of_registry.insert(place.secret.scope.clone());
            }
        }
    }
    places
}
