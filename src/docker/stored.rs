//! Credentials that docker and podman have stored, in their files and in other credential helpers.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::PathBuf;

use super::Workstation;
use super::other_helper::{AskError, HelperName, OtherHelper};
use crate::model::{Credential, Registry};
use crate::sys::env::Env;

/// `docker-credential-secretservice` 0.9 and later lists labels instead of servers.
const LABEL: &str = "Registry credentials for ";

/// Where a credential is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoredIn {
    /// In plain text in this file.
    File(PathBuf),
    /// In this credential helper.
    Helper(HelperName),
}

impl fmt::Display for StoredIn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Helper(name) => f.write_str(&name.program()),
        }
    }
}

/// A credential that docker or podman has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stored {
    pub credential: Credential,
    /// All places that have it; docker uses the first.
    pub places: Vec<StoredIn>,
}

/// A result, and the helpers that did not answer.
#[derive(Debug)]
pub struct Lookup<T> {
    pub found: T,
    /// The errors of the helpers that did not answer.
    pub failed: Vec<AskError>,
}

impl Workstation {
    /// The registries for which docker or podman has a credential outside of regcred's keychain.
    ///
    /// Helpers are asked only for their list, not for a secret.
    pub fn registries(&self, env: &Env) -> Lookup<BTreeSet<Registry>> {
        let mut registries = BTreeSet::new();
        let mut failed = Vec::new();
        for file in self.files() {
            let entries = file.config.entries();
            registries.extend(entries.iter().filter_map(|entry| Some(entry.credential()?.registry)));
        }
        let all: BTreeMap<HelperName, BTreeSet<Registry>> = self.helpers_for(|_| true);
        for (name, named) in all {
            match OtherHelper::find(&name, env).and_then(|helper| helper.list()) {
                Ok(list) => {
                    let listed: BTreeSet<Registry> = list.keys().filter_map(|server| registry_of(server)).collect();
                    let whole = self.asks_about_all(&name);
                    registries.extend(listed.into_iter().filter(|registry| whole || named.contains(registry)));
                }
                Err(AskError::Ourselves(_)) => {}
                // Cloud providers' helpers have no `list`; they have credentials for the registries that they are
                // configured for.
                Err(AskError::Failed { .. }) if !named.is_empty() => registries.extend(named),
                Err(error) => failed.push(error),
            }
        }
        Lookup {
            found: registries,
            failed,
        }
    }

    /// The credentials of docker and podman for `registry`, the one that docker uses first. Asks each helper once.
    pub fn stored(&self, registry: &Registry, env: &Env) -> Lookup<Vec<Stored>> {
        let mut found: Vec<Stored> = Vec::new();
        let mut failed = Vec::new();
        let mut add = |credential: Credential, place: StoredIn| match found
            .iter_mut()
            .find(|stored| stored.credential == credential)
        {
            Some(stored) if stored.places.contains(&place) => {}
            Some(stored) => stored.places.push(place),
            None => found.push(Stored {
                credential,
                places: vec![place],
            }),
        };
        for name in self.helpers_for(|named| named == registry).into_keys() {
            match ask(&name, registry, env) {
                Ok(Some(credential)) => add(credential, StoredIn::Helper(name)),
                Ok(None) | Err(AskError::Ourselves(_)) => {}
                Err(error) => failed.push(error),
            }
        }
        for file in self.files() {
            for credential in file.config.entries().iter().filter_map(super::Entry::credential) {
                if credential.registry == *registry && !credential.token.expose().is_empty() {
                    add(credential, StoredIn::File(file.path.clone()));
                }
            }
        }
        Lookup { found, failed }
    }

    /// The helpers that are asked about the registries that `meant` accepts, each with the registries that it is
    /// configured for explicitly.
    fn helpers_for(&self, meant: impl Fn(&Registry) -> bool) -> BTreeMap<HelperName, BTreeSet<Registry>> {
        let mut helpers: BTreeMap<HelperName, BTreeSet<Registry>> = BTreeMap::new();
        let named = self.files().flat_map(|file| file.config.helpers());
        for (key, helper) in named {
            if let (Some(registry), Ok(name)) = (registry_of(&key).filter(&meant), helper.parse()) {
                helpers.entry(name).or_default().insert(registry);
            }
        }
        for name in self.for_all() {
            helpers.entry(name).or_default();
        }
        helpers
    }

    /// The helpers that are asked about every registry.
    fn for_all(&self) -> impl Iterator<Item = HelperName> {
        let docker = self.docker.as_ref().map(|file| &file.config);
        let detected = self
            .detected
            .clone()
            .filter(|_| docker.is_some_and(super::Config::lets_docker_detect));
        let default = docker.and_then(super::Config::default_helper);
        let ordered = self.order.iter().flat_map(super::Order::helpers);
        let named = default.into_iter().chain(ordered.map(str::to_owned));
        named.filter_map(|name| name.parse().ok()).chain(detected)
    }

    fn asks_about_all(&self, name: &HelperName) -> bool {
        self.for_all().any(|helper| helper == *name)
    }
}

/// The registry that a helper's key names; `None` for a path below one.
pub fn registry_of(server: &str) -> Option<Registry> {
    let server = server.strip_prefix(LABEL).unwrap_or(server);
    let registry: Registry = server.parse().ok()?;
    registry.is_named_by(server).then_some(registry)
}

/// Whether a helper's key is a path below Docker Hub's key, as docker's browser login stores tokens.
pub fn is_below_hub(server: &str) -> bool {
    let server = server.strip_prefix(LABEL).unwrap_or(server);
    server
        .parse::<Registry>()
        .is_ok_and(|registry| registry.is_docker_hub())
}

/// The credential of another helper for one registry.
///
/// Helpers compare servers literally, so docker's own key is tried first, then the helper's spelling from its list.
pub fn ask(name: &HelperName, registry: &Registry, env: &Env) -> Result<Option<Credential>, AskError> {
    let helper = OtherHelper::find(name, env)?;
    let mut login = helper.get(registry.config_key())?;
    if login.is_none() {
        // Errors are ignored: not every helper has `list`, and `get` has already answered.
        let list = helper.list().unwrap_or_default();
        let mut keys = list.keys().map(|key| key.strip_prefix(LABEL).unwrap_or(key));
        let other = keys.find(|key| *key != registry.config_key() && registry.is_named_by(key));
        login = other.map(|key| helper.get(key)).transpose()?.flatten();
    }
    Ok(login
        .filter(|login| !login.token.expose().is_empty())
        .map(|login| Credential {
            registry: registry.clone(),
            username: login.username,
            token: login.token,
        }))
}
