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

/// Where a `registries.conf` can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistriesConfFiles {
    /// `$CONTAINERS_REGISTRIES_CONF`, which podman then reads in place of the others.
    pub named: Option<PathBuf>,
    /// The user's, if there is a home folder.
    pub own: Option<PathBuf>,
    pub system: PathBuf,
}

/// Reads the file that counts, and the drop-in folders, which override it. The one that is named by the environment has no such
/// folder of its own; a user's own file hides the system's folder.
///
/// Unreadable files are ignored: podman refuses to work with them and reports it itself.
pub(super) fn read(files: &RegistriesConfFiles) -> Option<Order> {
    let RegistriesConfFiles { named, own, system } = files;
    let own_alone = own.as_ref().filter(|own| named.is_none() && own.exists());
    let main = named.as_ref().or(own_alone).unwrap_or(system);
    let mut order = of_file(main);
    // The user's drop-in folder is applied last.
    let folders = own_alone.is_none().then_some(system).into_iter().chain(own);
    for file in folders {
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
        let [own, system, named] =
            ["own", "system", "named"].map(|name| folder.path().join(name).join("registries.conf"));
        let files = RegistriesConfFiles {
            named: None,
            own: Some(own.clone()),
            system: system.clone(),
        };
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
        let drop_in = |file: &Path| file.with_extension("conf.d").join("1.conf");
        write(&drop_in(&system), "credential-helpers = ['system']");
        write(&drop_in(&named), "credential-helpers = ['not read']");
        assert_eq!(read(&files).unwrap().stores[0], "gitea", "a user's file hides it");
        let with_named = RegistriesConfFiles {
            named: Some(named.clone()),
            ..files.clone()
        };
        assert_eq!(
            read(&with_named).unwrap().stores[0],
            "gitea",
            "the user's folder counts"
        );
        std::fs::remove_dir_all(own.with_extension("conf.d")).unwrap();
        assert_eq!(read(&with_named).unwrap().stores, ["system"]);
        std::fs::remove_dir_all(system.with_extension("conf.d")).unwrap();
        assert_eq!(read(&with_named), None, "podman says that it is missing");
        write(&named, "credential-helpers = ['named']");
        assert_eq!(read(&with_named).unwrap().stores, ["named"]);
        assert_eq!(read(&files).unwrap().path, own);
        write(&own, "no toml");
        assert_eq!(read(&files), None, "podman itself says what is wrong with it");
    }
}
