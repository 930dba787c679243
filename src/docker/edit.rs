//! The changes of `docker setup` and `docker remove` to a document, and what has to be remembered to undo them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::config::{AUTHS, HELPERS, STORE};
use super::entry::is_secret;
use super::{Config, ConfigError, HELPER};
use crate::model::{JsonEdit, Registry};

/// The desired settings of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DesiredConfig {
    /// Keys of `credHelpers` that should name our helper; docker and podman use different keys for Docker Hub.
    pub helpers: Vec<String>,
    /// Whether `credsStore` should name our helper too.
    pub default: bool,
    /// The store that docker detects by itself, which it no longer does once the document names a helper.
    pub detected: Option<String>,
    /// Keys of `auths` whose credential has been moved to the keychain.
    pub moved: Vec<String>,
}

/// The earlier settings that our changes replaced. Contains no secrets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct FileRecord {
    /// What was there before the document.
    #[serde(skip_serializing_if = "is_default")]
    pub document: Replaced,
    /// How many of the file's parent folders we created.
    #[serde(skip_serializing_if = "is_default")]
    pub folders: usize,
    /// What was there before the object `credHelpers`.
    #[serde(skip_serializing_if = "is_default")]
    pub helpers: Replaced,
    /// The values in `credHelpers`, as JSON, that our helper's name replaced.
    #[serde(skip_serializing_if = "is_default")]
    pub replaced: BTreeMap<String, String>,
    /// The same for `credsStore`.
    #[serde(skip_serializing_if = "is_default")]
    pub store: Option<Store>,
}

/// Our change of `credsStore`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Store {
    pub wrote: String,
    /// The value before, as JSON; `None` if there was none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub before: Option<String>,
}

/// What was there before an object that we created.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Replaced {
    /// The object itself: we did not create it.
    #[default]
    Itself,
    /// Nothing: no file, no member.
    Nothing,
    /// A file with only white space, or `null`.
    Blank,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// `credHelpers` names our helper for this key, replacing the given helper if there was one.
    Helper(String, Option<String>),
    /// `credsStore` names our helper, replacing the given helper if there was one.
    Default(Option<String>),
    /// `credsStore` names the helper that docker has detected by itself until now.
    Detected(String),
    /// The credential of this entry of `auths` is removed.
    Moved(String),
    /// Our helper is removed from `credHelpers` for this key, and the given earlier helper restored if there was one.
    HelperGone(String, Option<String>),
    /// The first helper, which we set, is removed from `credsStore`, and the second restored if there was one.
    StoreGone(String, Option<String>),
}

impl Config {
    /// Applies the desired settings, and notes in `remembered` what they replace.
    pub fn set_up(&mut self, wanted: &DesiredConfig, remembered: &mut FileRecord) -> Result<Vec<Change>, ConfigError> {
        if !self.names_us() {
            // Somebody has removed our settings since, so what we remember is obsolete.
            *remembered = FileRecord::default();
        }
        let mut changes = Vec::new();
        let ends_detection = self.lets_docker_detect() && !wanted.helpers.is_empty() && !wanted.default;
        if let Some(store) = wanted.detected.as_ref().filter(|_| ends_detection) {
            self.set_store(store, remembered)?;
            changes.push(Change::Detected(store.clone()));
        }
        for key in &wanted.helpers {
            let before = self.string(&[&self.name(HELPERS), key])?;
            if before.as_deref() == Some(HELPER) {
                continue;
            }
            match self.json.get(&[&self.name(HELPERS), key]) {
                Some(raw) => remembered.replaced.insert(key.clone(), raw.to_owned()),
                None => remembered.replaced.remove(key),
            };
            self.set_helper(key, remembered)?;
            changes.push(Change::Helper(key.clone(), before.filter(|name| !name.is_empty())));
        }
        if wanted.default && self.default_helper().as_deref() != Some(HELPER) {
            let before = self.default_helper();
            self.set_store(HELPER, remembered)?;
            changes.push(Change::Default(before));
        }
        for key in &wanted.moved {
            if self.empty(key)? {
                changes.push(Change::Moved(key.clone()));
            }
        }
        Ok(changes)
    }

    /// Removes our helper's name, for these registries or everywhere, and restores what it replaced.
    ///
    /// Every value that names our helper is removed, even if somebody else wrote it, because docker would fail without
    /// the helper. Values that have been changed since are kept.
    pub fn take_out(
        &mut self,
        only: Option<&[Registry]>,
        remembered: &mut FileRecord,
    ) -> Result<Vec<Change>, ConfigError> {
        let mut changes = Vec::new();
        for (key, helper) in self.helpers() {
            let meant = only.is_none_or(|only| only.iter().any(|registry| registry.is_named_by(&key)));
            if helper != HELPER || !meant {
                continue;
            }
            let back = remembered.replaced.remove(&key);
            self.put_back(&[&self.name(HELPERS), &key], back.as_deref())?;
            let name = back.and_then(|_| self.string(&[&self.name(HELPERS), &key]).ok().flatten());
            let name = name.filter(|name| !name.is_empty());
            changes.push(Change::HelperGone(key, name));
        }
        let has_helpers = self.helpers().iter().any(|(_, helper)| helper == HELPER);
        let store = self.default_helper();
        let is_ours = store.as_deref() == Some(HELPER) && only.is_none();
        // We wrote the store that docker had detected only because of our entries in `credHelpers`.
        let detected = remembered
            .store
            .as_ref()
            .map(|store| store.wrote.as_str())
            .filter(|wrote| *wrote != HELPER);
        let is_detected = detected.is_some() && store.as_deref() == detected && !has_helpers;
        if let Some(wrote) = store.filter(|_| is_ours || is_detected) {
            let before = remembered.store.take().filter(|store| store.wrote == wrote);
            self.put_back(&[&self.name(STORE)], before.and_then(|store| store.before).as_deref())?;
            changes.push(Change::StoreGone(wrote, self.default_helper()));
        }
        if !changes.is_empty() && self.helpers().is_empty() {
            match remembered.helpers {
                Replaced::Itself => {}
                Replaced::Nothing => self.put_back(&[&self.name(HELPERS)], None)?,
                Replaced::Blank => self.put_back(&[&self.name(HELPERS)], Some("null"))?,
            }
            remembered.helpers = Replaced::Itself;
        }
        if !self.names_us() {
            if remembered.document == Replaced::Blank && self.blank.is_none() && self.is_empty() {
                // The white space follows what we wrote.
                self.blank = self.json.as_str().rsplit_once('}').map(|(_, blank)| blank.to_owned());
                self.json = JsonEdit::parse("{}")?;
            }
            // [`FilePlan`](super::FilePlan) decides whether the file is deleted too.
            *remembered = FileRecord {
                document: remembered.document,
                ..FileRecord::default()
            };
        }
        Ok(changes)
    }

    /// Whether the document has no members.
    pub fn is_empty(&self) -> bool {
        self.blank.is_some() || self.json.members(&[]).is_ok_and(|members| members.is_empty())
    }

    /// Whether the document names our helper, for one registry or for all.
    pub fn names_us(&self) -> bool {
        self.default_helper().as_deref() == Some(HELPER) || self.helpers().iter().any(|(_, helper)| helper == HELPER)
    }

    fn set_store(&mut self, name: &str, remembered: &mut FileRecord) -> Result<(), ConfigError> {
        self.string(&[&self.name(STORE)])?;
        let found = self.json.get(&[&self.name(STORE)]).map(str::to_owned);
        // If the current value is one that we wrote, the earlier value is the one to restore.
        let before = match remembered.store.take() {
            Some(store) if self.default_helper().as_ref() == Some(&store.wrote) => store.before,
            _ => found,
        };
        remembered.store = Some(Store {
            wrote: name.to_owned(),
            before,
        });
        self.put(STORE, &json!(name).to_string(), remembered)
    }

    fn set_helper(&mut self, key: &str, remembered: &mut FileRecord) -> Result<(), ConfigError> {
        let value = json!(HELPER).to_string();
        let stood = match self.json.get(&[&self.name(HELPERS)]) {
            Some("null") => Replaced::Blank,
            Some(_) => {
                if !self.helpers().iter().any(|(_, helper)| helper == HELPER) {
                    remembered.helpers = Replaced::Itself;
                }
                return Ok(self.json.set(&[&self.name(HELPERS), key], &value)?);
            }
            None => Replaced::Nothing,
        };
        remembered.helpers = stood;
        let indent = if self.blank.is_some() {
            Some("\t".to_owned())
        } else {
            self.indent()
        };
        let object = match indent {
            Some(indent) => format!("{{\n{indent}{indent}{}: {value}\n{indent}}}", json!(key)),
            None => format!("{{{}:{value}}}", json!(key)),
        };
        self.put(HELPERS, &object, remembered)
    }

    /// Sets a member of the document itself.
    fn put(&mut self, member: &'static str, value: &str, remembered: &mut FileRecord) -> Result<(), ConfigError> {
        let Some(blank) = self.blank.take() else {
            return Ok(self.json.set(&[&self.name(member)], value)?);
        };
        if remembered.document == Replaced::Itself {
            remembered.document = Replaced::Blank;
        }
        // As docker writes a new file.
        self.json = JsonEdit::parse(&format!("{{\n\t{}: {value}\n}}{blank}", json!(member)))?;
        Ok(())
    }

    fn put_back(&mut self, path: &[&str], value: Option<&str>) -> Result<(), ConfigError> {
        match value {
            Some(value) => self.json.set(path, value)?,
            None => {
                self.json.remove(path)?;
            }
        }
        Ok(())
    }

    /// Removes the credential from an entry but keeps the entry, as docker does after a login through a helper.
    fn empty(&mut self, key: &str) -> Result<bool, ConfigError> {
        let path = [&*self.name(AUTHS), key];
        if self.json.get(&path).is_none_or(|raw| raw == "null") {
            return Ok(false);
        }
        Ok(self.json.remove_where(&path, |name, _| is_secret(name))?)
    }

    /// The indentation of the document's members, if each is on its own line.
    fn indent(&self) -> Option<String> {
        let text = self.json.as_str().trim_start().strip_prefix('{')?;
        let lead = &text[..text.find('"')?];
        let (_, indent) = lead.rsplit_once('\n')?;
        Some(indent.to_owned())
    }
}

#[cfg(test)]
mod tests;
