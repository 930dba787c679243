//! The Secret Service (gnome-keyring, KWallet, KeePassXC) as a keyring-core store.
//!
//! keyring's own store always encrypts its session with Diffie-Hellman, waits for prompts without a time limit, and
//! connects before it is used. A credential helper runs once per image pull; this store needs four round trips.

mod attributes;
mod bus;
mod cache;
mod calls;
mod service;
mod session;

pub use service::Limits;

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use keyring_core::api::{Credential, CredentialApi, CredentialStoreApi};
use keyring_core::{Entry, Error as CoreError, Result as CoreResult};

use super::Error;
use crate::sys::env::Env;
use attributes::{Attributes, NAME, name_of, owned};
use bus::Bus;
use cache::Cache;
use service::Service;
use session::Session;

/// How often an operation starts over because what its search found no longer exists.
const SEARCHES: u32 = 10;

/// A store over the Secret Service of the session bus.
///
/// There is one item for each service and user; the user is `USE REGISTRY`, shown as two attributes. A writer that does
/// not take the keychain's lock can cause a second item of the same name: the newest one is read, and the next write
/// removes the others. Each operation opens its own connection, so no connection has to be kept alive or checked.
#[derive(Clone)]
pub struct SecretService(Arc<Shared>);

struct Shared {
    env: Env,
    limits: Limits,
    /// Whether there is a screen for a prompt.
    prompts: bool,
    cache: Cache,
}

impl SecretService {
    /// The service on the session bus of `env`. Connects at the first operation.
    pub fn new(env: &Env) -> Self {
        Self::with_limits(env, Limits::default())
    }

    pub fn with_limits(env: &Env, limits: Limits) -> Self {
        Self(Arc::new(Shared {
            prompts: can_prompt(env),
            cache: Cache::new(env),
            env: env.clone(),
            limits,
        }))
    }

    /// Whether the default keyring is locked. Reads no item and shows no prompt.
    pub fn is_locked(&self) -> Result<bool, Error> {
        self.run(async |session| session.service.is_locked().await)
    }

    /// Prompts the user to unlock the default keyring if it is locked; [`Error::Locked`] if there is no screen for a
    /// prompt. Returns whether it was locked.
    pub fn unlock(&self) -> Result<bool, Error> {
        self.run(async |session| {
            let was_locked = session.service.is_locked().await?;
            if was_locked {
                session.service.unlock_default().await?;
            }
            Ok(was_locked)
        })
    }

    #[expect(clippy::needless_pass_by_value, reason = "closures, written where they are passed")]
    fn run<T>(&self, work: impl AsyncFn(&mut Session<'_>) -> Result<T, Error>) -> Result<T, Error> {
        zbus::block_on(async {
            let mut died = false;
            let mut vanished = 0;
            loop {
                match self.attempt(&work).await {
                    // gnome-keyring sometimes aborts when many clients connect and disconnect; the bus restarts it.
                    Err(Error::Died) if !died => died = true,
                    Err(Error::NoService) if died => return Err(Error::Died),
                    // What is really gone is not found again.
                    Err(Error::Vanished(_)) if vanished < SEARCHES => vanished += 1,
                    outcome => return outcome,
                }
            }
        })
    }

    async fn attempt<T>(&self, work: &impl AsyncFn(&mut Session<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let bus = Bus::connect(&bus::addresses(&self.0.env)?, self.0.limits.call).await?;
        let mut service = Service::new(bus, &self.0.limits, self.0.prompts);
        service.introduce().await?;
        work(&mut Session::new(service, &self.0.cache)).await
    }

    fn entry(&self, name: Attributes, attributes: Attributes, found: bool) -> Entry {
        Entry::new_with_credential(Arc::new(ServiceItem {
            store: self.clone(),
            name,
            attributes,
            found,
        }))
    }
}

/// Whether there is a screen for a prompt.
pub fn can_prompt(env: &Env) -> bool {
    env.os("DISPLAY").is_some() || env.os("WAYLAND_DISPLAY").is_some()
}

impl CredentialStoreApi for SecretService {
    fn vendor(&self) -> String {
        "Secret Service, https://crates.io/crates/regcred".to_owned()
    }

    fn id(&self) -> String {
        format!("session bus {:p}", Arc::as_ptr(&self.0))
    }

    /// `modifiers` are the attributes that the item gets when its secret is set.
    fn build(&self, service: &str, user: &str, modifiers: Option<&HashMap<&str, &str>>) -> CoreResult<Entry> {
        let Some((usage, registry)) = user.split_once(' ') else {
            return Err(CoreError::Invalid(
                "user".to_owned(),
                "is not `USE REGISTRY`".to_owned(),
            ));
        };
        let name = owned(NAME.into_iter().zip([service, usage, registry]));
        let mut attributes = owned(modifiers.into_iter().flatten().map(|(key, value)| (*key, *value)));
        attributes.extend(name.clone());
        Ok(self.entry(name, attributes, false))
    }

    /// Finds items with all attributes of `spec`, without reading their secrets.
    fn search(&self, spec: &HashMap<&str, &str>) -> CoreResult<Vec<Entry>> {
        let spec = owned(spec.iter().map(|(key, value)| (*key, *value)));
        let found = self.run(async |session| session.list(&spec).await)?;
        Ok(found
            .into_iter()
            .map(|attributes| self.entry(name_of(&attributes).into_iter().collect(), attributes, true))
            .collect())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn debug_fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretService")
    }
}

#[derive(Clone)]
struct ServiceItem {
    store: SecretService,
    name: Attributes,
    /// As found by a search, or as they will be once the secret is set.
    attributes: Attributes,
    found: bool,
}

impl CredentialApi for ServiceItem {
    fn set_secret(&self, secret: &[u8]) -> CoreResult<()> {
        let [_, usage, registry] = NAME.map(|key| self.name.get(key).map_or("", String::as_str));
        let label = format!("Credential for {registry} ({usage})");
        Ok(self.store.run(async |session| {
            let items = session.for_secrets().find_newest_first(&self.name).await?;
            if let Some((newest, older)) = items.split_first()
                && session.has(newest, &self.attributes).await?
            {
                session.change(newest, secret).await?;
                return session.delete(older).await;
            }
            // A different user means a new item; the old ones are deleted once it exists. If one was left behind that has
            // the same attributes, the service replaces it: that one is the new item then.
            let mut outdated = Vec::new();
            for item in items {
                if !session.has(&item, &self.attributes).await? {
                    outdated.push(item);
                }
            }
            session.create(&label, &self.attributes, secret).await?;
            session.delete(&outdated).await
        })?)
    }

    fn get_secret(&self) -> CoreResult<Vec<u8>> {
        let secret = self.store.run(async |session| {
            match session.for_secrets().find_newest_first(&self.name).await?.first() {
                None => Ok(None),
                Some(newest) => session.secret(newest).await.map(Some),
            }
        })?;
        // keyring-core takes no `Zeroizing`: its caller zeroes what it gets.
        secret
            .map(|mut secret| std::mem::take(&mut *secret))
            .ok_or(CoreError::NoEntry)
    }

    /// For an item from a search: the attributes at that time.
    fn get_attributes(&self) -> CoreResult<Attributes> {
        if self.found {
            return Ok(self.attributes.clone());
        }
        let mut found = self.store.run(async |session| session.list(&self.name).await)?;
        found.pop().ok_or(CoreError::NoEntry)
    }

    fn delete_credential(&self) -> CoreResult<()> {
        let existed = self.store.run(async |session| {
            let items = session.find(&self.name).await?;
            session.delete(&items).await?;
            Ok(!items.is_empty())
        })?;
        if existed { Ok(()) } else { Err(CoreError::NoEntry) }
    }

    fn get_credential(&self) -> CoreResult<Option<Arc<Credential>>> {
        let attributes = self.get_attributes()?;
        Ok(Some(Arc::new(Self {
            attributes,
            found: true,
            ..self.clone()
        })))
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        let [service, usage, registry] = NAME.map(|key| self.name.get(key));
        Some((service?.clone(), format!("{} {}", usage?, registry?)))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn debug_fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServiceItem").field(&self.name).finish()
    }
}
