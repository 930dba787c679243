//! A cache of item attributes: reading those of a hundred items takes gnome-keyring 10 ms, and docker asks for the list
//! at every build.
//!
//! A file in the runtime folder holds the attributes by object path. It contains no secret and does not outlive the
//! session. It can be incomplete but not out of date: attributes of our items do not change (a different user is a new
//! item), and an entry is valid only for one process of the service, which numbers its items upwards.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use zbus::OwnedObjectPath;

use super::attributes::Attributes;
use crate::sys::env::Env;
use crate::sys::{runtime_folder, whole_file};

/// More than the attributes of thousands of items, in octets.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// With fewer items than this, asking the service is faster than the cache.
pub(super) const MANY: usize = 16;

pub(super) type Items = HashMap<String, Attributes>;

#[derive(Serialize, Deserialize)]
struct Content {
    /// The bus and the service process that the paths belong to.
    service: String,
    items: Items,
}

/// The cache file, if there is a folder for it.
pub(super) struct Cache(Option<PathBuf>);

impl Cache {
    pub(super) fn new(env: &Env) -> Self {
        let folder = runtime_folder::usable(env).next();
        Self(folder.map(|folder| folder.join("kubectl-regcred.items")))
    }

    /// The cached items of `service`. An unreadable file counts as empty.
    pub(super) fn load(&self, service: &str) -> Items {
        let read = || {
            let text = whole_file::read(self.0.as_ref()?, MAX_FILE).ok()??;
            let content: Content = serde_json::from_slice(&text).ok()?;
            (content.service == service).then_some(content.items)
        };
        read().unwrap_or_default()
    }

    /// Replaces the cache with `items`. If that fails, the next list is only slower.
    pub(super) fn save(&self, service: &str, items: Items) {
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

/// Only numbered paths are cached: a service with other names might reuse one.
fn is_numbered(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit())
}

/// The attributes of `items` from `known`, in the order of `items`.
pub(super) fn in_order(items: &[OwnedObjectPath], known: &Items) -> Vec<Attributes> {
    items
        .iter()
        .map(|item| known.get(item.as_str()).cloned().unwrap_or_default())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::private;

    #[test]
    fn the_cache_is_for_one_service_and_numbered_items() {
        let folder = private::test_folder();
        let cache = Cache::new(&Env::from_iter([("XDG_RUNTIME_DIR", folder.path())]));
        assert!(cache.load("a").is_empty());
        let attributes = Attributes::from([("registry".to_owned(), "gitea.example.com".to_owned())]);
        let items = ["/login/12", "/login/label", "/login/"].map(|path| (path.to_owned(), attributes.clone()));
        cache.save("a", Items::from(items));
        assert_eq!(cache.load("a").keys().collect::<Vec<_>>(), ["/login/12"]);
        assert!(cache.load("b").is_empty());
        std::fs::write(folder.path().join("kubectl-regcred.items"), "[").unwrap();
        assert!(cache.load("a").is_empty());
        Cache(None).save("a", Items::new());
    }
}
