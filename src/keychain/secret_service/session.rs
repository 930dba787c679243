//! The Secret Service's own calls (freedesktop.org Secret Service API, draft 0.2), each in as few round trips as it can.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use serde::de::DeserializeOwned;
use zbus::{ObjectPath, OwnedObjectPath, OwnedVariant, Type, Variant, as_variant};
use zeroize::Zeroizing;

use super::attributes::{Attributes, name_of};
use super::bus;
use super::calls::{COLLECTION, DEFAULT_PATH, ITEM, PROPERTIES, body, call, is_default_locked, is_locked, on, service};
use super::memory::{self, Memory};
use super::service::Service;
use crate::keychain::Error;
use crate::keychain::error::printable;

/// What is stored is JSON, and text is the only type that every service shows as it is.
const CONTENT_TYPE: &str = "text/plain";

/// The specification's `Secret`, `(oayays)`: session, parameters (none in a plain one), value, content type.
type Wrapped<'a> = (OwnedObjectPath, &'a [u8], &'a [u8], &'a str);

/// A conversation with the Secret Service, without encryption of its own.
///
/// The Diffie-Hellman session that the specification offers besides costs 8 ms and guards nothing here: the bytes go
/// through a unix socket that only this user, the bus and the service can read.
pub(super) struct Session<'a> {
    pub(super) service: Service<'a>,
    memory: &'a Memory,
    /// The bus and the process on it that answer.
    instance: String,
    /// Whether secrets will be read or written: listing and deleting need no session at the service.
    secrets: bool,
    path: Option<OwnedObjectPath>,
}

/// What a search found.
struct Found {
    open: Vec<OwnedObjectPath>,
    locked: Vec<OwnedObjectPath>,
    is_default_locked: bool,
}

impl<'a> Session<'a> {
    pub(super) fn new(service: Service<'a>, memory: &'a Memory) -> Self {
        Self {
            service,
            memory,
            instance: String::new(),
            secrets: false,
            path: None,
        }
    }

    /// Opens a session with the first search, for the secrets of what is found.
    pub(super) fn for_secrets(&mut self) -> &mut Self {
        self.secrets = true;
        self
    }

    /// The items that carry all of `attributes`, unlocked.
    pub(super) async fn find(&mut self, attributes: &Attributes) -> Result<Vec<OwnedObjectPath>, Error> {
        let mut found = self.look(attributes).await?;
        if !found.locked.is_empty() {
            self.service.unlock(&found.locked).await?;
            found.open.append(&mut found.locked);
        }
        Ok(found.open)
    }

    /// The items that carry all of `attributes`, unlocked as far as it takes to read their attributes.
    ///
    /// KeePassXC calls an item locked until a person lets this process have its secret, and shows the rest all the same.
    async fn find_shown(&mut self, attributes: &Attributes) -> Result<Vec<OwnedObjectPath>, Error> {
        let mut found = self.look(attributes).await?;
        if !found.locked.is_empty() && found.is_default_locked {
            self.service.unlock(&found.locked).await?;
        }
        found.open.append(&mut found.locked);
        Ok(found.open)
    }

    /// The items that carry all of `attributes`.
    ///
    /// Where nothing is found and the default collection is locked, it is unlocked first: not every service knows what
    /// is in a locked one, and "locked" must never be taken for "not there".
    async fn look(&mut self, attributes: &Attributes) -> Result<Found, Error> {
        let found = self.search(attributes).await?;
        if found.open.is_empty() && found.locked.is_empty() && found.is_default_locked {
            self.service.unlock_default().await?;
            return self.search(attributes).await;
        }
        Ok(found)
    }

    /// [`Session::find`], of which only the first counts.
    pub(super) async fn find_newest_first(&mut self, attributes: &Attributes) -> Result<Vec<OwnedObjectPath>, Error> {
        let found = self.find(attributes).await?;
        if found.len() > 1 {
            self.newest_first(found).await
        } else {
            Ok(found)
        }
    }

    /// The attributes of the items that carry all of `attributes`; of several with one name, those of the newest.
    pub(super) async fn list(&mut self, attributes: &Attributes) -> Result<Vec<Attributes>, Error> {
        let items = self.find_shown(attributes).await?;
        let found = self.attributes(&items).await?;
        let mut names = HashSet::with_capacity(found.len());
        if found.iter().all(|attributes| names.insert(name_of(attributes))) {
            return Ok(found);
        }
        let items = self.newest_first(items).await?;
        let mut found = self.attributes(&items).await?;
        let mut names = HashSet::new();
        found.retain(|attributes| names.insert(name_of(attributes)));
        Ok(found)
    }

    async fn newest_first(&mut self, items: Vec<OwnedObjectPath>) -> Result<Vec<OwnedObjectPath>, Error> {
        let modified: Vec<u64> = self.properties(&items, "Modified").await?;
        let mut dated: Vec<_> = modified.into_iter().zip(items).collect();
        // Times are in seconds; services number their items.
        dated.sort_by_key(|(time, path)| Reverse((*time, path.as_str().len(), path.to_string())));
        Ok(dated.into_iter().map(|(_, path)| path).collect())
    }

    async fn search(&mut self, attributes: &Attributes) -> Result<Found, Error> {
        let search = service("SearchItems", &(attributes,))?;
        let mut calls = vec![search.clone(), is_default_locked()?];
        if self.secrets && self.path.is_none() {
            calls.push(service("OpenSession", &("plain", Variant::from("")))?);
        }
        let mut others = self.service.bus.exchange_late(&calls).await?;
        if calls.len() == 3 {
            let open = others.pop().ok_or(Error::Died)??;
            let (_, path): (OwnedVariant, OwnedObjectPath) = body(&open)?;
            self.path = Some(path);
        }
        let mut default = others.pop().map_or(Ok(None), is_locked)?;
        if default.is_none() {
            // Services have calls of objects that are not there answered out of turn. This one waits its turn.
            let _none = self.service.default_collection().await?;
        }
        let reply = match self.service.bus.answered(&search) {
            Some(reply) => reply,
            None if default == Some(false) => self.service.bus.late(&search, self.service.limits.call).await?,
            // Services answer in the order of the calls; KeePassXC no search before a person has opened or unlocked a
            // database.
            None => {
                let reply = self.service.await_person(&search, default).await?;
                if self.service.is_default_locked().await? {
                    return Err(Error::PromptDismissed);
                }
                default = Some(false);
                reply
            }
        }?;
        self.instance = self.service.bus.sender(&reply);
        let (open, locked) = body(&reply)?;
        Ok(Found {
            open,
            locked,
            is_default_locked: default == Some(true),
        })
    }

    /// The secret of an item; `None` where the item is gone by now.
    pub(super) async fn secret(&mut self, item: &ObjectPath<'_>) -> Result<Option<Zeroizing<Vec<u8>>>, Error> {
        let session = self.path.clone().ok_or(Error::Died)?;
        match self.service.bus.call(on(item, ITEM, "GetSecret", &(session,))?).await? {
            Ok(reply) => {
                let ((_, _, value, _),): ((OwnedObjectPath, Vec<u8>, Vec<u8>, String),) = body(&reply)?;
                Ok(Some(Zeroizing::new(value)))
            }
            Err(refusal) if refusal.is_gone() => Ok(None),
            Err(refusal) => Err(refusal.into()),
        }
    }

    pub(super) async fn has(&mut self, item: &OwnedObjectPath, attributes: &Attributes) -> Result<bool, Error> {
        let found: Vec<Attributes> = self.properties(std::slice::from_ref(item), "Attributes").await?;
        let has = |(key, value)| found[0].get(key) == Some(value);
        Ok(attributes.iter().all(has))
    }

    pub(super) async fn change(&mut self, item: &ObjectPath<'_>, secret: &[u8]) -> Result<(), Error> {
        let set = on(item, ITEM, "SetSecret", &(self.wrap(secret)?,))?;
        self.service.bus.call(set).await??;
        Ok(())
    }

    pub(super) async fn create(&mut self, label: &str, attributes: &Attributes, secret: &[u8]) -> Result<(), Error> {
        let properties = HashMap::from([
            ("org.freedesktop.Secret.Item.Label", Variant::from(label)),
            (
                "org.freedesktop.Secret.Item.Attributes",
                Variant::from(attributes.clone()),
            ),
        ]);
        let parameters = (properties, self.wrap(secret)?, true);
        let create = call(DEFAULT_PATH, COLLECTION, "CreateItem", &parameters)?;
        let mut reply = self.service.bus.call(create.clone()).await?;
        if reply.as_ref().is_err_and(bus::Refusal::is_locked) {
            self.service.unlock_default().await?;
            reply = self
                .service
                .bus
                .call(call(DEFAULT_PATH, COLLECTION, "CreateItem", &parameters)?)
                .await?;
        }
        match reply {
            Ok(reply) => {
                let (_, prompt): (OwnedObjectPath, OwnedObjectPath) = body(&reply)?;
                self.service.confirm(&prompt).await
            }
            Err(refusal) if refusal.is_gone() => Err(Error::NoCollection),
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// Deletes items; one that is gone already counts as deleted.
    pub(super) async fn delete(&mut self, items: &[OwnedObjectPath]) -> Result<(), Error> {
        let calls: Result<Vec<_>, _> = items.iter().map(|item| on(item, ITEM, "Delete", &())).collect();
        for reply in self.service.bus.exchange(&calls?).await? {
            match reply {
                Ok(reply) => {
                    let (prompt,): (OwnedObjectPath,) = body(&reply)?;
                    self.service.confirm(&prompt).await?;
                }
                Err(refusal) if refusal.is_gone() => {}
                Err(refusal) => return Err(refusal.into()),
            }
        }
        Ok(())
    }

    /// The attributes of every item, in order.
    async fn attributes(&mut self, items: &[OwnedObjectPath]) -> Result<Vec<Attributes>, Error> {
        if items.len() < memory::MANY {
            return self.properties(items, "Attributes").await;
        }
        let mut known = self.memory.recall(&self.instance);
        let is_unknown = |item: &&OwnedObjectPath| !known.contains_key(item.as_str());
        let unknown: Vec<_> = items.iter().filter(is_unknown).cloned().collect();
        if !unknown.is_empty() {
            let found = self.properties(&unknown, "Attributes").await?;
            known.extend(unknown.iter().map(ToString::to_string).zip(found));
            known.retain(|path, attributes| !attributes.is_empty() && items.iter().any(|item| item.as_str() == path));
            self.memory.keep(&self.instance, known.clone());
        }
        Ok(memory::in_order(items, &known))
    }

    /// One property of every item, in order: all calls are on their way before the first answer is read.
    async fn properties<T>(&mut self, items: &[OwnedObjectPath], property: &str) -> Result<Vec<T>, Error>
    where
        T: DeserializeOwned + Type + Default,
    {
        let calls: Result<Vec<_>, _> = items
            .iter()
            .map(|item| on(item, PROPERTIES, "Get", &(ITEM, property)))
            .collect();
        let mut values = Vec::with_capacity(items.len());
        for reply in self.service.bus.exchange(&calls?).await? {
            values.push(match reply {
                Ok(reply) => {
                    let reply = reply.body();
                    let value: Result<(as_variant::Deserialize<'_, T>,), _> = reply.deserialize();
                    value
                        .map_err(|error| Error::Protocol(printable(&error.to_string())))?
                        .0
                        .0
                }
                Err(refusal) if refusal.is_gone() => T::default(),
                Err(refusal) => return Err(refusal.into()),
            });
        }
        Ok(values)
    }

    fn wrap<'s>(&self, secret: &'s [u8]) -> Result<Wrapped<'s>, Error> {
        let session = self.path.clone().ok_or(Error::Died)?;
        Ok((session, &[], secret, CONTENT_TYPE))
    }
}
