//! The operations of the Secret Service API (freedesktop.org, draft 0.2), each in as few round trips as possible.

use std::cmp::Reverse;
use std::collections::{HashMap, HashSet};

use serde::de::DeserializeOwned;
use zbus::{ObjectPath, OwnedObjectPath, OwnedVariant, Type, Variant, as_variant};
use zeroize::Zeroizing;

use super::attributes::{Attributes, has_all, name_of};
use super::bus;
use super::cache::{self, Cache};
use super::calls::{COLLECTION, DEFAULT_PATH, ITEM, PROPERTIES, body, call, is_default_locked, is_locked, on, service};
use super::service::Service;
use crate::keychain::Error;
use crate::keychain::error::printable;

/// The secret is JSON, but plain text is the only type that every service displays unchanged.
const CONTENT_TYPE: &str = "text/plain";

/// The specification's `Secret`, `(oayays)`: session, parameters (none in a plain one), value, content type.
type Wrapped<'a> = (OwnedObjectPath, &'a [u8], &'a [u8], &'a str);

/// A session with the Secret Service, without encryption.
///
/// The specification's Diffie-Hellman session costs 8 ms and protects nothing here: the bytes go through a unix socket
/// that only this user, the bus and the service can read.
pub(super) struct Session<'a> {
    pub(super) service: Service<'a>,
    cache: &'a Cache,
    /// Identifies the service process that answers.
    instance: String,
    /// Whether secrets will be read or written; listing and deleting need no session.
    secrets: bool,
    path: Option<OwnedObjectPath>,
}

/// The result of a search.
struct SearchResult {
    open: Vec<OwnedObjectPath>,
    locked: Vec<OwnedObjectPath>,
    is_default_locked: bool,
}

impl<'a> Session<'a> {
    pub(super) fn new(service: Service<'a>, cache: &'a Cache) -> Self {
        Self {
            service,
            cache,
            instance: String::new(),
            secrets: false,
            path: None,
        }
    }

    /// Makes the first search open a session, so that secrets can be read and written.
    pub(super) fn for_secrets(&mut self) -> &mut Self {
        self.secrets = true;
        self
    }

    /// The items that have all of `attributes`, unlocked.
    pub(super) async fn find(&mut self, attributes: &Attributes) -> Result<Vec<OwnedObjectPath>, Error> {
        let mut found = self.search_unlocked(attributes).await?;
        if !found.locked.is_empty() {
            self.service.unlock(&found.locked).await?;
            found.open.append(&mut found.locked);
        }
        Ok(found.open)
    }

    /// The items that have all of `attributes`, unlocked only if that is needed to read their attributes.
    ///
    /// KeePassXC reports an item as locked until the user allows this process to read its secret, but shows the
    /// attributes anyway.
    async fn find_shown(&mut self, attributes: &Attributes) -> Result<Vec<OwnedObjectPath>, Error> {
        let mut found = self.search_unlocked(attributes).await?;
        if !found.locked.is_empty() && found.is_default_locked {
            self.service.unlock(&found.locked).await?;
        }
        found.open.append(&mut found.locked);
        Ok(found.open)
    }

    /// Searches for the items that have all of `attributes`.
    ///
    /// If nothing is found and the default collection is locked, it is unlocked and searched again: some services
    /// cannot search a locked collection, and "locked" must never be reported as "not found".
    async fn search_unlocked(&mut self, attributes: &Attributes) -> Result<SearchResult, Error> {
        let found = self.search(attributes).await?;
        if found.open.is_empty() && found.locked.is_empty() && found.is_default_locked {
            self.service.unlock_default().await?;
            return self.search(attributes).await;
        }
        Ok(found)
    }

    /// [`Session::find`], sorted so that the newest item comes first.
    pub(super) async fn find_newest_first(&mut self, attributes: &Attributes) -> Result<Vec<OwnedObjectPath>, Error> {
        let found = self.find(attributes).await?;
        if found.len() > 1 {
            self.newest_first(found).await
        } else {
            Ok(found)
        }
    }

    /// The attributes of the items that have all of `attributes`; of several with the same name, those of the newest.
    pub(super) async fn list(&mut self, attributes: &Attributes) -> Result<Vec<Attributes>, Error> {
        let items = self.find_shown(attributes).await?;
        let found = self.attributes(&items, attributes).await?;
        let mut names = HashSet::with_capacity(found.len());
        if found.iter().all(|attributes| names.insert(name_of(attributes))) {
            return Ok(found);
        }
        let items = self.newest_first(items).await?;
        let mut found = self.attributes(&items, attributes).await?;
        let mut names = HashSet::new();
        found.retain(|attributes| names.insert(name_of(attributes)));
        Ok(found)
    }

    async fn newest_first(&mut self, items: Vec<OwnedObjectPath>) -> Result<Vec<OwnedObjectPath>, Error> {
        let modified: Vec<u64> = self.properties(&items, "Modified").await?;
        let mut dated: Vec<_> = modified.into_iter().zip(items).collect();
        // Times are in seconds, so equal times are ordered by path: services number their items.
        dated.sort_by_key(|(time, path)| Reverse((*time, path.as_str().len(), path.to_string())));
        Ok(dated.into_iter().map(|(_, path)| path).collect())
    }

    async fn search(&mut self, attributes: &Attributes) -> Result<SearchResult, Error> {
        let search = service("SearchItems", &(attributes,))?;
        let mut calls = vec![search.clone(), is_default_locked()?];
        if self.secrets && self.path.is_none() {
            calls.push(service("OpenSession", &("plain", Variant::from("")))?);
        }
        let mut others = self.service.bus.exchange_except_first(&calls).await?;
        if calls.len() == 3 {
            let open = others.pop().ok_or(Error::Died)??;
            let (_, path): (OwnedVariant, OwnedObjectPath) = body(&open)?;
            self.path = Some(path);
        }
        let mut default = others.pop().map_or(Ok(None), is_locked)?;
        if default.is_none() {
            // A call on a missing object is answered out of order. This call is answered in order, after the search.
            self.service.no_default().await?;
        }
        let reply = match self.service.bus.take_answer(&search) {
            Some(reply) => reply,
            None if default == Some(false) => self.service.bus.wait_for(&search, self.service.limits.call).await?,
            // Services answer in the order of the calls, but KeePassXC does not answer a search until the user has
            // opened or unlocked a database.
            None => {
                let reply = self.service.await_user(&search, default).await?;
                if self.service.is_default_locked().await? {
                    return Err(Error::PromptDismissed);
                }
                default = Some(false);
                reply
            }
        }?;
        self.instance = self.service.bus.sender(&reply);
        let (open, locked) = body(&reply)?;
        Ok(SearchResult {
            open,
            locked,
            is_default_locked: default == Some(true),
        })
    }

    pub(super) async fn secret(&mut self, item: &ObjectPath<'_>) -> Result<Zeroizing<Vec<u8>>, Error> {
        let session = self.path.clone().ok_or(Error::Died)?;
        match self.service.bus.call(on(item, ITEM, "GetSecret", &(session,))?).await? {
            Ok(reply) => {
                let ((_, _, value, _),): ((OwnedObjectPath, Vec<u8>, Vec<u8>, String),) = body(&reply)?;
                Ok(Zeroizing::new(value))
            }
            Err(refusal) => Err(of_item(refusal)),
        }
    }

    pub(super) async fn has(&mut self, item: &OwnedObjectPath, attributes: &Attributes) -> Result<bool, Error> {
        let found: Vec<Attributes> = self.properties(std::slice::from_ref(item), "Attributes").await?;
        Ok(has_all(&found[0], attributes))
    }

    pub(super) async fn change(&mut self, item: &ObjectPath<'_>, secret: &[u8]) -> Result<(), Error> {
        let set = on(item, ITEM, "SetSecret", &(self.wrap(secret)?,))?;
        self.service.bus.call(set).await?.map_err(of_item)?;
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
            Err(refusal) if refusal.is_gone() => {
                self.service.no_default().await?;
                Err(Error::NoCollection)
            }
            Err(refusal) => Err(refusal.into()),
        }
    }

    /// Deletes items.
    pub(super) async fn delete(&mut self, items: &[OwnedObjectPath]) -> Result<(), Error> {
        let calls: Result<Vec<_>, _> = items.iter().map(|item| on(item, ITEM, "Delete", &())).collect();
        for reply in self.service.bus.exchange(&calls?).await? {
            match reply {
                Ok(reply) => {
                    let (prompt,): (OwnedObjectPath,) = body(&reply)?;
                    self.service.confirm(&prompt).await?;
                }
                Err(refusal) => return Err(of_item(refusal)),
            }
        }
        Ok(())
    }

    /// The attributes of each of the items that a search for `wanted` has found, in order.
    async fn attributes(&mut self, items: &[OwnedObjectPath], wanted: &Attributes) -> Result<Vec<Attributes>, Error> {
        if items.len() < cache::MANY {
            return self.shown(items, wanted).await;
        }
        let mut known = self.cache.load(&self.instance);
        let is_unknown =
            |item: &&OwnedObjectPath| !known.get(item.as_str()).is_some_and(|known| has_all(known, wanted));
        let unknown: Vec<_> = items.iter().filter(is_unknown).cloned().collect();
        if !unknown.is_empty() {
            let found = self.shown(&unknown, wanted).await?;
            known.extend(unknown.iter().map(ToString::to_string).zip(found));
            let items: HashSet<&str> = items.iter().map(|item| item.as_str()).collect();
            known.retain(|path, _| items.contains(path.as_str()));
            self.cache.save(&self.instance, known.clone());
        }
        Ok(cache::in_order(items, &known))
    }

    /// The attributes as the service shows them. An item that hides those that it was found by is locked: left out, it
    /// would be reported as "not found".
    async fn shown(&mut self, items: &[OwnedObjectPath], wanted: &Attributes) -> Result<Vec<Attributes>, Error> {
        let found: Vec<Attributes> = self.properties(items, "Attributes").await?;
        let pairs = items.iter().zip(&found);
        let hidden: Vec<_> = pairs
            .filter(|(_, attributes)| !has_all(attributes, wanted))
            .map(|(item, _)| item.clone())
            .collect();
        if hidden.is_empty() {
            return Ok(found);
        }
        self.service.unlock(&hidden).await?;
        let found: Vec<Attributes> = self.properties(items, "Attributes").await?;
        if found.iter().all(|attributes| has_all(attributes, wanted)) {
            Ok(found)
        } else {
            let what = "an item was found by attributes that it does not have".to_owned();
            Err(Error::Protocol(what))
        }
    }

    /// One property of each item, in order. All calls are sent before the first answer is read.
    async fn properties<T>(&mut self, items: &[OwnedObjectPath], property: &str) -> Result<Vec<T>, Error>
    where
        T: DeserializeOwned + Type,
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
                Err(refusal) => return Err(of_item(refusal)),
            });
        }
        Ok(values)
    }

    fn wrap<'s>(&self, secret: &'s [u8]) -> Result<Wrapped<'s>, Error> {
        let session = self.path.clone().ok_or(Error::Died)?;
        Ok((session, &[], secret, CONTENT_TYPE))
    }
}

/// The error of a call on an item that a search has found.
///
/// Whether the item is gone is for the next search to say: [`Error::Vanished`] starts over. gnome-keyring has said so of
/// objects that it had.
fn of_item(refusal: bus::Refusal) -> Error {
    if refusal.is_gone() {
        Error::Vanished("an item")
    } else {
        refusal.into()
    }
}
