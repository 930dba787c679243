//! What setting up and taking out change in a document, and what has to be remembered for the way back.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::config::{AUTHS, HELPERS, STORE};
use super::entry::is_secret;
use super::{Config, ConfigError, HELPER};
use crate::model::{JsonEdit, Registry};

/// What a document should come to say.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Keys of `credHelpers` that our helper is asked for: docker and podman have different ones for Docker Hub.
    pub helpers: Vec<String>,
    /// Whether it is asked about all others too.
    pub default: bool,
    /// The store that docker would have found by itself, and no longer looks for once the document names a helper.
    pub detected: Option<String>,
    /// Keys of `auths` whose credential is in the keychain now.
    pub moved: Vec<String>,
}

/// What a document said before, as far as it cannot be seen any more. No secrets in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Remembered {
    /// What stood in place of the document.
    #[serde(skip_serializing_if = "is_default")]
    pub document: Stood,
    /// How many of the folders above the file were made for it.
    #[serde(skip_serializing_if = "is_default")]
    pub folders: usize,
    /// What stood in place of the object `credHelpers`.
    #[serde(skip_serializing_if = "is_default")]
    pub helpers: Stood,
    /// The values, as JSON, that our helper's name replaced in `credHelpers`.
    #[serde(skip_serializing_if = "is_default")]
    pub replaced: BTreeMap<String, String>,
    /// The same for `credsStore`.
    #[serde(skip_serializing_if = "is_default")]
    pub store: Option<Store>,
}

/// What we did to `credsStore`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Store {
    pub wrote: String,
    /// The value before, as JSON; `None` where there was none.
    #[serde(default, skip_serializing_if = "is_default")]
    pub before: Option<String>,
}

/// What stood in place of an object that we made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Stood {
    /// We did not make it.
    #[default]
    Itself,
    /// Nothing: no file, no member.
    Nothing,
    /// A file without anything but white space in it; `null`.
    Blank,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// `credHelpers` names our helper for this key, in place of another one if there was one.
    Helper(String, Option<String>),
    /// `credsStore` names our helper, in place of another one if there was one.
    Default(Option<String>),
    /// `credsStore` names the helper that docker found by itself until now.
    Detected(String),
    /// The credential of this entry of `auths` is out of the document.
    Moved(String),
    /// Our helper's name is out of `credHelpers`, and another one is back if there was one.
    HelperGone(String, Option<String>),
    /// A name that we wrote is out of `credsStore`, and another one is back if there was one.
    StoreGone(String, Option<String>),
}

impl Config {
    /// Makes the document say what is wanted, and notes in `remembered` what that hides.
    pub fn set_up(&mut self, wanted: &Wanted, remembered: &mut Remembered) -> Result<Vec<Change>, ConfigError> {
        if !self.names_us() {
            // What is remembered is about values that somebody has taken out since.
            *remembered = Remembered::default();
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

    /// Takes our helper's name out, for these registries or everywhere, and puts back what it replaced.
    ///
    /// Every value that names our helper goes, also one that somebody else wrote: without the helper, docker would fail
    /// on it. What has another value by now stays.
    pub fn take_out(
        &mut self,
        only: Option<&[Registry]>,
        remembered: &mut Remembered,
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
        // What docker found by itself was written for the sake of our entries in `credHelpers`.
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
                Stood::Itself => {}
                Stood::Nothing => self.put_back(&[&self.name(HELPERS)], None)?,
                Stood::Blank => self.put_back(&[&self.name(HELPERS)], Some("null"))?,
            }
            remembered.helpers = Stood::Itself;
        }
        if !self.names_us() {
            if remembered.document == Stood::Blank && self.blank.is_none() && self.is_empty() {
                // What we wrote there stands before it.
                self.blank = self.json.as_str().rsplit_once('}').map(|(_, blank)| blank.to_owned());
                self.json = JsonEdit::parse("{}")?;
            }
            // Whether the file goes with the last member is for [`FilePlan`](super::FilePlan).
            *remembered = Remembered {
                document: remembered.document,
                ..Remembered::default()
            };
        }
        Ok(changes)
    }

    /// Whether there is no member in the document.
    pub fn is_empty(&self) -> bool {
        self.blank.is_some() || self.json.members(&[]).is_ok_and(|members| members.is_empty())
    }

    /// Whether our helper is named anywhere, for a registry or for all.
    pub fn names_us(&self) -> bool {
        self.default_helper().as_deref() == Some(HELPER) || self.helpers().iter().any(|(_, helper)| helper == HELPER)
    }

    fn set_store(&mut self, name: &str, remembered: &mut Remembered) -> Result<(), ConfigError> {
        self.string(&[&self.name(STORE)])?;
        let found = self.json.get(&[&self.name(STORE)]).map(str::to_owned);
        // The store that docker found by itself was ours to write: what counts is what stood there before that.
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

    fn set_helper(&mut self, key: &str, remembered: &mut Remembered) -> Result<(), ConfigError> {
        let value = json!(HELPER).to_string();
        let stood = match self.json.get(&[&self.name(HELPERS)]) {
            Some("null") => Stood::Blank,
            Some(_) => {
                if !self.helpers().iter().any(|(_, helper)| helper == HELPER) {
                    remembered.helpers = Stood::Itself;
                }
                return Ok(self.json.set(&[&self.name(HELPERS), key], &value)?);
            }
            None => Stood::Nothing,
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
    fn put(&mut self, member: &'static str, value: &str, remembered: &mut Remembered) -> Result<(), ConfigError> {
        let Some(blank) = self.blank.take() else {
            return Ok(self.json.set(&[&self.name(member)], value)?);
        };
        if remembered.document == Stood::Itself {
            remembered.document = Stood::Blank;
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

    /// Takes the credential out of an entry, and leaves the entry, as docker does after a login through a helper.
    fn empty(&mut self, key: &str) -> Result<bool, ConfigError> {
        let path = [&*self.name(AUTHS), key];
        if self.json.get(&path).is_none_or(|raw| raw == "null") {
            return Ok(false);
        }
        Ok(self.json.remove_where(&path, |name, _| is_secret(name))?)
    }

    /// The white space before the document's members, where they stand on lines of their own.
    fn indent(&self) -> Option<String> {
        let text = self.json.as_str().trim_start().strip_prefix('{')?;
        let lead = &text[..text.find('"')?];
        let (_, indent) = lead.rsplit_once('\n')?;
        Some(indent.to_owned())
    }
}

#[cfg(test)]
mod tests;
