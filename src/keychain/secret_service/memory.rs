//! What items there were: reading the attributes of a hundred items keeps gnome-keyring busy for 10 ms, and docker asks
//! for the list at every build.
//!
//! A file in the runtime folder keeps the attributes by object path: no secret, and nothing that outlives the session.
//! It is never out of date, only incomplete: attributes of our items do not change (another user makes another item),
//! and what was seen counts for one process of the service only, which numbers its items upwards.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use zbus::OwnedObjectPath;

use super::attributes::Attributes;
use crate::sys::env::Env;
use crate::sys::{user, whole_file};

/// More than the attributes of thousands of items, in octets.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// Fewer items are asked for sooner than a file is kept.
pub(super) const MANY: usize = 16;

pub(super) type Items = HashMap<String, Attributes>;

#[derive(Serialize, Deserialize)]
struct Content {
    /// The bus and the process on it that the paths belong to.
    service: String,
    items: Items,
}

/// The file, where there is a place for it.
pub(super) struct Memory(Option<PathBuf>);

impl Memory {
    pub(super) fn new(env: &Env) -> Self {
        let folder = user::runtime_folders(env).next();
        Self(folder.map(|folder| folder.join("kubectl-regcred.items")))
    }

    /// What is known of the items of `service`. A file that cannot be read is one that knows nothing.
    pub(super) fn recall(&self, service: &str) -> Items {
        let read = || {
            let text = whole_file::read(self.0.as_ref()?, MAX_FILE).ok()??;
            let content: Content = serde_json::from_slice(&text).ok()?;
            (content.service == service).then_some(content.items)
        };
        read().unwrap_or_default()
    }

    /// Keeps `items` and nothing else. Where that fails, the next list is as slow as this one was.
    pub(super) fn keep(&self, service: &str, items: Items) {
        let items = items.into_iter().filter(|(path, _)| is_numbered(path)).collect();
        let service = service.to_owned();
        let write = || {
            let path = self.0.as_ref()?;
            let text = serde_json::to_vec(&Content { service, items }).ok()?;
            let mut file = tempfile::NamedTempFile::new_in(path.parent()?).ok()?;
            file.write_all(&text).ok()?;
            file.persist(path).ok()
        };
        let _ = write();
    }
}

/// A service that gives its items other names may give one a second time.
fn is_numbered(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit())
}

/// `items` in order, as `known` has them.
pub(super) fn in_order(items: &[OwnedObjectPath], known: &Items) -> Vec<Attributes> {
    items
        .iter()
        .map(|item| known.get(item.as_str()).cloned().unwrap_or_default())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_counts_for_one_service_and_numbered_items() {
        let folder = user::private_test_folder();
        let memory = Memory::new(&Env::from_iter([("XDG_RUNTIME_DIR", folder.path())]));
        assert!(memory.recall("a").is_empty());
        let attributes = Attributes::from([("registry".to_owned(), "gitea.example.com".to_owned())]);
        let items = ["/login/12", "/login/label", "/login/"].map(|path| (path.to_owned(), attributes.clone()));
        memory.keep("a", Items::from(items));
        assert_eq!(memory.recall("a").keys().collect::<Vec<_>>(), ["/login/12"]);
        assert!(memory.recall("b").is_empty());
        std::fs::write(folder.path().join("kubectl-regcred.items"), "[").unwrap();
        assert!(memory.recall("a").is_empty());
        Memory(None).keep("a", Items::new());
    }
}
