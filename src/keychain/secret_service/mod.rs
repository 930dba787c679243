//! The Secret Service (gnome-keyring, KWallet, KeePassXC) as a keyring-core store.
//!
//! keyring's own store always encrypts its session with Diffie-Hellman, waits for prompts without end, and connects
//! before it is used; a credential helper runs for each image that is pulled. This one takes three round trips.

mod attributes;
mod bus;
mod calls;
mod memory;
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
use memory::Memory;
use service::Service;
use session::Session;

/// A store over the Secret Service of the session bus.
///
/// One item for each service and user; the user is `USE REGISTRY`, and people find the item by these two attributes.
/// A second one of the same name, which only a writer that does not take the keychain's lock can cause, is never read
/// when it is older, and is removed by the next write.
/// Each operation has its own connection: none outlives it, so none has to be kept alive or found dead.
#[derive(Clone)]
pub struct SecretService(Arc<Shared>);

struct Shared {
    env: Env,
    limits: Limits,
    /// Whether somebody could see a prompt.
    prompts: bool,
    memory: Memory,
}

impl SecretService {
    /// The service on the bus that `env` leads to. Nothing is connected yet.
    pub fn new(env: &Env) -> Self {
        Self::with_limits(env, Limits::default())
    }

    pub fn with_limits(env: &Env, limits: Limits) -> Self {
        Self(Arc::new(Shared {
            prompts: can_prompt(env),
            memory: Memory::new(env),
            env: env.clone(),
            limits,
        }))
    }

    /// Whether the default keyring is locked. It looks at no item, and nobody is asked for anything.
    pub fn is_locked(&self) -> Result<bool, Error> {
        self.run(async |session| session.service.is_locked().await)
    }

    /// Has a person unlock the default keyring, where it is locked: [`Error::Locked`] where there is no screen to ask on.
    /// Says whether it was locked.
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
            match self.attempt(&work).await {
                // gnome-keyring is known to abort now and then when many clients come and go; the bus starts it again.
                Err(Error::Died) => match self.attempt(&work).await {
                    Err(Error::NoService) => Err(Error::Died),
                    again => again,
                },
                first => first,
            }
        })
    }

    async fn attempt<T>(&self, work: &impl AsyncFn(&mut Session<'_>) -> Result<T, Error>) -> Result<T, Error> {
        let bus = Bus::connect(&bus::addresses(&self.0.env)?, self.0.limits.call).await?;
        let service = Service::new(bus, &self.0.limits, self.0.prompts);
        work(&mut Session::new(service, &self.0.memory)).await
    }

    fn entry(&self, name: Attributes, attributes: Attributes, found: bool) -> Entry {
        Entry::new_with_credential(Arc::new(Item {
            store: self.clone(),
            name,
            attributes,
            found,
        }))
    }
}

/// Whether there is a screen that a prompt could appear on.
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

    /// `modifiers` are attributes that the item is to have when its secret is set.
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

    /// Items with all the attributes of `spec`, read without their secrets.
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
struct Item {
    store: SecretService,
    name: Attributes,
    /// What a search found, or what the item is to have once its secret is set.
    attributes: Attributes,
    found: bool,
}

impl CredentialApi for Item {
    fn set_secret(&self, secret: &[u8]) -> CoreResult<()> {
        let [_, usage, registry] = NAME.map(|key| self.name.get(key).map_or("", String::as_str));
        let label = format!("Credential for {registry} ({usage})");
        Ok(self.store.run(async |session| {
            let items = session.for_secrets().find_newest_first(&self.name).await?;
            let mut outdated = items.as_slice();
            match items.split_first() {
                Some((newest, older)) if session.has(newest, &self.attributes).await? => {
                    session.change(newest, secret).await?;
                    outdated = older;
                }
                // Another user is another item; it takes the place of the one there was once it is there.
                _ => session.create(&label, &self.attributes, secret).await?,
            }
            session.delete(outdated).await
        })?)
    }

    fn get_secret(&self) -> CoreResult<Vec<u8>> {
        let secret = self.store.run(async |session| {
            match session.for_secrets().find_newest_first(&self.name).await?.first() {
                None => Ok(None),
                Some(newest) => session.secret(newest).await,
            }
        })?;
        // keyring-core takes no `Zeroizing`: its caller zeroes what it gets.
        secret
            .map(|mut secret| std::mem::take(&mut *secret))
            .ok_or(CoreError::NoEntry)
    }

    /// Of an item that a search found: as it was then.
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
        f.debug_tuple("Item").field(&self.name).finish()
    }
}
