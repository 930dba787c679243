//! An in-memory keychain whose every write crosses a gate.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use keyring_core::api::{CredentialApi, CredentialStoreApi};
use keyring_core::{Credential, CredentialStore, Entry, Error, Result};

use super::gate::Gate;

/// The store.
#[derive(Debug)]
pub struct GatedStore {
    inner: Arc<CredentialStore>,
    gate: Gate,
}

/// One of its items.
struct Item {
    inner: Entry,
    gate: Gate,
}

impl GatedStore {
    /// An empty one.
    pub fn behind(gate: &Gate) -> Arc<CredentialStore> {
        Arc::new(Self {
            inner: keyring_core::sample::Store::new().unwrap(),
            gate: gate.clone(),
        })
    }

    fn gated(&self, inner: Entry) -> Entry {
        let gate = self.gate.clone();
        Entry::new_with_credential(Arc::new(Item { inner, gate }))
    }
}

fn dead() -> Error {
    Error::NoStorageAccess(Box::from("the gate is closed"))
}

impl Item {
    fn look(&self) -> Result<()> {
        self.gate.look().map_or(Ok(()), |_| Err(dead()))
    }

    fn change(&self, what: &str, change: impl FnOnce() -> Result<()>) -> Result<()> {
        let cross = |when: &str| self.gate.cross(|| format!("{when} keychain {what}"));
        cross("before").map_or(Ok(()), |_| Err(dead()))?;
        change()?;
        cross("after").map_or(Ok(()), |_| Err(dead()))
    }
}

impl CredentialApi for Item {
    fn set_secret(&self, secret: &[u8]) -> Result<()> {
        self.change("write", || self.inner.set_secret(secret))
    }

    fn get_secret(&self) -> Result<Vec<u8>> {
        self.look()?;
        self.inner.get_secret()
    }

    fn delete_credential(&self) -> Result<()> {
        self.change("delete", || self.inner.delete_credential())
    }

    fn get_credential(&self) -> Result<Option<Arc<Credential>>> {
        Ok(None)
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        self.inner.get_specifiers()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn debug_fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Item")
    }
}

impl CredentialStoreApi for GatedStore {
    fn vendor(&self) -> String {
        "regcred's tests".to_owned()
    }

    fn id(&self) -> String {
        self.inner.id()
    }

    fn build(&self, service: &str, user: &str, modifiers: Option<&HashMap<&str, &str>>) -> Result<Entry> {
        Ok(self.gated(self.inner.build(service, user, modifiers)?))
    }

    fn search(&self, spec: &HashMap<&str, &str>) -> Result<Vec<Entry>> {
        let found = self.inner.search(spec)?;
        Ok(found.into_iter().map(|entry| self.gated(entry)).collect())
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
