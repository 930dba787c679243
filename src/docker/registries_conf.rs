//! `credential-helpers` of podman's `registries.conf`: which stores it goes through, in this order.
//!
//! containers-registries.conf(5). Only read: it is the administrator's or the person's own file.

use std::path::{Path, PathBuf};

use serde::Deserialize;

use crate::sys::whole_file;

/// More than any such file has, in octets.
const MAX_FILE: u64 = 4 * 1024 * 1024;

/// What podman calls its own `auth.json` files in that list.
const FILES: &str = "containers-auth.json";

/// The stores that podman goes through, where a `registries.conf` names them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    pub path: PathBuf,
    /// Helpers, and `containers-auth.json` for the files.
    pub stores: Vec<String>,
}

#[derive(Deserialize)]
struct Document {
    #[serde(rename = "credential-helpers", default)]
    helpers: Vec<String>,
}

impl Order {
    /// The helpers in it.
    pub fn helpers(&self) -> impl Iterator<Item = &str> {
        self.stores.iter().map(String::as_str).filter(|store| *store != FILES)
    }

    /// Those that come before the files; `podman login` goes to the first of them that takes it.
    pub fn before_files(&self) -> impl Iterator<Item = &str> {
        self.stores
            .iter()
            .map(String::as_str)
            .take_while(|store| *store != FILES)
    }
}

/// Reads the first of `files` that is there, and what the folders of additions beside them say after it.
///
/// What cannot be read or understood is podman's to complain about: without it, podman does nothing at all.
pub(super) fn read(files: &[PathBuf]) -> Option<Order> {
    let main = files.iter().position(|file| file.is_file());
    let mut order = main.and_then(|main| of_file(&files[main]));
    // The person's own folder counts last; the system's only where the person has no file.
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
    let document: Document = toml::from_str(std::str::from_utf8(&text).ok()?).ok()?;
    (!document.helpers.is_empty()).then(|| Order {
        path: path.to_owned(),
        stores: document.helpers,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_persons_file_wins_and_additions_win_over_it() {
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
