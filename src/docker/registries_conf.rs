//! `credential-helpers` of podman's `registries.conf`: the stores that podman uses, in order.
//!
//! See containers-registries.conf(5). The file is never written: it belongs to the administrator or the user.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::sys::whole_file;

/// Size limit in octets.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// The name of podman's own `auth.json` files in that list.
const FILES: &str = "containers-auth.json";

/// The stores that a `registries.conf` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub path: PathBuf,
    /// Helpers, and `containers-auth.json` for podman's own files.
    pub stores: Vec<String>,
}

#[derive(Deserialize)]
struct RegistriesConf {
    #[serde(rename = "credential-helpers", default)]
    helpers: Vec<String>,
}

impl Order {
    /// The helpers in it.
    pub fn helpers(&self) -> impl Iterator<Item = &str> {
        self.stores.iter().map(String::as_str).filter(|store| *store != FILES)
    }

    /// The helpers before podman's own files; `podman login` uses the first of them that works.
    pub fn before_files(&self) -> impl Iterator<Item = &str> {
        self.stores
            .iter()
            .map(String::as_str)
            .take_while(|store| *store != FILES)
    }
}

/// Reads the first of `files` that exists, and the drop-in folders, which override it.
///
/// Unreadable files are ignored: podman refuses to work with them and reports it itself.
pub(super) fn read(files: &[PathBuf]) -> Option<Order> {
    let main = files.iter().position(|file| file.is_file());
    let mut order = main.and_then(|main| of_file(&files[main]));
    // The user's drop-in folder is applied last; the system's counts only if the user has no file.
    let folders = &files[..main.map_or(files.len(), |main| main + 1)];
    for file in folders.iter().rev() {
        let mut additions: Vec<PathBuf> = std::fs::read_dir(file.with_extension("conf.d"))
            .map(|entries| entries.flatten().map(|entry| entry.path()).collect())
            .unwrap_or_default();
        additions.sort();
        for addition in additions
            .iter()
            .filter(|path| path.extension().is_some_and(|end| end == "conf"))
        {
            order = of_file(addition).or(order);
        }
    }
    order
}

fn of_file(path: &Path) -> Option<Order> {
    let text = whole_file::read(path, MAX_FILE).ok()??;
    Some(Order {
        path: path.to_owned(),
        stores: stores(&text)?,
    })
}

/// The stores that a file of this text names, if any.
pub fn stores(text: &[u8]) -> Option<Vec<String>> {
    let document: RegistriesConf = toml::from_str(std::str::from_utf8(text).ok()?).ok()?;
    Some(document.helpers).filter(|helpers| !helpers.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_users_file_and_drop_ins_take_precedence() {
        let folder = tempfile::tempdir().unwrap();
        let [own, system] = ["own", "system"].map(|name| folder.path().join(name).join("registries.conf"));
        let files = [folder.path().join("none"), own.clone(), system.clone()];
        let write = |file: &Path, text: &str| {
            std::fs::create_dir_all(file.parent().unwrap()).unwrap();
            std::fs::write(file, text).unwrap();
        };
        assert_eq!(read(&files), None);
        write(&system, "credential-helpers = [\"pass\"]\n");
        assert_eq!(read(&files).unwrap().stores, ["pass"]);
        write(
            &own,
            "# mine\ncredential-helpers = [\n 'containers-auth.json', \"gitea\"]\n[[registry]]\nlocation='a'\n",
        );
        let order = read(&files).unwrap();
        assert_eq!((order.path.as_path(), order.before_files().count()), (own.as_path(), 0));
        assert_eq!(order.helpers().collect::<Vec<_>>(), ["gitea"]);
        write(
            &own.with_extension("conf.d").join("9.conf"),
            "credential-helpers = ['gitea', 'containers-auth.json']",
        );
        write(
            &own.with_extension("conf.d").join("9.txt"),
            "credential-helpers = ['no']",
        );
        assert_eq!(read(&files).unwrap().before_files().collect::<Vec<_>>(), ["gitea"]);
        write(&own, "no toml");
        std::fs::remove_dir_all(own.with_extension("conf.d")).unwrap();
        assert_eq!(read(&files), None, "podman itself says what is wrong with it");
    }
}
