//! The `dockerconfigjson` document: what a pull Secret holds, as kubelet reads it.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde_json::json;
use thiserror::Error;
use zeroize::Zeroizing;

use super::auth_entry::{AuthEntry, EntryError, Field, decode};
use super::go_json::{is_field, unquote};
use super::json_edit::{members, removals};
use super::pull::takes;
use super::{Credential, JsonEdit, JsonEditError, Registry, Token};

const AUTHS: &str = "auths";
const HEADERS: &str = "HttpHeaders";
/// Entries that are named at most where they break kubelet, which gives up on the first.
const MAX_PROBLEMS: usize = 10;

/// What kubelet would log in with, or what it fails on.
pub type Login = Result<Option<(String, Token)>, &'static str>;

/// A `dockerconfigjson` document: `{"auths": {KEY: {"username", "password", "auth", …}}}`.
///
/// It is read as Go reads it: names in any case, several `auths` put together, of an entry that stands there twice the
/// last one, and what is not UTF-8 as U+FFFD. [`DockerConfig::set`] changes the entries of one registry; entries of others
/// and unknown fields keep every byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DockerConfig {
    json: JsonEdit,
    /// Every byte of it is in `json`. Otherwise it was no UTF-8, and cannot be changed without loss.
    is_text: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DockerConfigError {
    #[error("it is not text")]
    NotText,
    /// No JSON, or `auths` or an entry to be changed is no object.
    #[error(transparent)]
    Json(#[from] JsonEditError),
}

/// An entry that keeps kubelet from using *any* pull Secret of the pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryProblem {
    /// The entry's key; text from a server.
    pub key: String,
    pub what: &'static str,
}

impl fmt::Display for EntryProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.what)
    }
}

/// An entry, where it stands.
struct Found<'a> {
    key: String,
    raw: &'a str,
    place: Range<usize>,
    /// A `null` in place of a later `auths` took it back, for Go.
    is_gone: bool,
}

/// The keys that are still looked for, each with the host of the images that it is for.
struct Missing {
    keys: Vec<(String, String)>,
}

impl Missing {
    fn new(registry: &Registry) -> Self {
        let (name, written) = (registry.as_str(), registry.as_written());
        let mut keys = vec![(name.to_owned(), registry.config_key().to_owned())];
        if written != name {
            keys.push((written.to_string(), written.into_owned()));
        }
        Self { keys }
    }

    fn found(&mut self, entry: &Found<'_>) {
        self.keys.retain(|(host, _)| entry.is_gone || !takes(&entry.key, host));
    }
}

impl Default for DockerConfig {
    fn default() -> Self {
        Self {
            json: JsonEdit::parse(r#"{"auths":{}}"#).expect("a constant"),
            is_text: true,
        }
    }
}

impl DockerConfig {
    /// Reads the value of `.dockerconfigjson`.
    pub fn parse(bytes: &[u8]) -> Result<Self, DockerConfigError> {
        let text = String::from_utf8_lossy(bytes);
        let this = Self {
            // The API server takes `null` for an object, and so does kubelet.
            json: JsonEdit::parse(if text.trim() == "null" { "{}" } else { &text })?,
            is_text: matches!(text, Cow::Borrowed(_)),
        };
        drop_zeroed(text);
        this.found()?;
        Ok(this)
    }

    /// Reads the value of `.dockercfg`, the older form of the document, which is the `auths` object alone.
    pub fn parse_legacy(bytes: &[u8]) -> Result<Self, DockerConfigError> {
        let text = String::from_utf8_lossy(bytes);
        let is_text = matches!(text, Cow::Borrowed(_));
        let whole = Zeroizing::new(format!(r#"{{"auths":{}}}"#, text.trim()));
        if text.trim() != "null" {
            // By itself: what is put between braces could end one object and begin another.
            JsonEdit::parse(&text)?;
        }
        drop_zeroed(text);
        let json = JsonEdit::parse(&whole)?;
        let this = Self { json, is_text };
        this.found()?;
        Ok(this)
    }

    pub fn as_str(&self) -> &str {
        self.json.as_str()
    }

    /// The keys of `auths`, in order.
    pub fn keys(&self) -> Vec<String> {
        self.entries().into_iter().map(|entry| entry.key).collect()
    }

    /// Every entry that kubelet finds: its key, and what it reads from it. Of a key that is there twice, the last counts.
    pub fn logins(&self) -> Vec<(String, Login)> {
        let entries = self.entries().into_iter().filter(|entry| !entry.is_gone);
        entries.map(|entry| (entry.key, login(entry.raw))).collect()
    }

    /// Whether kubelet can decode what stands beside the entries: it reads `HttpHeaders`, and fails on another type of it.
    pub fn has_readable_headers(&self) -> bool {
        let text = self.as_str();
        let is_readable = |place: Range<usize>| {
            &text[place.clone()] == "null"
                || members(text, place).ok().flatten().is_some_and(|members| {
                    let mut values = members.iter().map(|member| &text[member.value.clone()]);
                    values.all(|value| value == "null" || value.starts_with('"'))
                })
        };
        let mut headers = self.json.top().unwrap_or_default().into_iter();
        headers.all(|member| !is_field(&member.key, HEADERS) || is_readable(member.value))
    }

    /// The user and token that kubelet would take from the registry's first entry, where there is a usable one.
    pub fn login(&self, registry: &Registry) -> Option<(String, Token)> {
        let mut logins = self.logins().into_iter();
        logins.find(|(key, _)| registry.is_named_by(key))?.1.ok()?
    }

    /// What kubelet would log in with by each entry of the registry; `None` for an entry with no usable login.
    pub fn logins_of(&self, registry: &Registry) -> Vec<Option<(String, Token)>> {
        let own = self.logins().into_iter().filter(|(key, _)| registry.is_named_by(key));
        own.map(|(_, login)| login.ok().flatten()).collect()
    }

    /// Whether every entry of the registry holds exactly this credential, and there is one that kubelet takes.
    pub fn holds(&self, credential: &Credential) -> bool {
        let mut missing = Missing::new(&credential.registry);
        for entry in self.entries() {
            if credential.registry.is_named_by(&entry.key) {
                missing.found(&entry);
                if !is_exactly(entry.raw, credential) {
                    return false;
                }
            }
        }
        missing.keys.is_empty()
    }

    /// Whether any entry holds this token, whatever it is for, and whether anybody would read it from there.
    pub fn mentions(&self, token: &Token) -> bool {
        let is_it = |raw: &str| {
            unquote(raw).map(Zeroizing::new).is_some_and(|text| {
                *text == token.expose() || decode(&text).is_ok_and(|pair| *pair.password == token.expose())
            })
        };
        self.entries().into_iter().any(|entry| {
            let members = members(entry.raw, 0..entry.raw.len())
                .ok()
                .flatten()
                .unwrap_or_default();
            members.into_iter().any(|member| is_it(&entry.raw[member.value]))
        })
    }

    /// Writes the credential into every entry of its registry, or adds one.
    ///
    /// A registry can stand there under several spellings (`host`, `https://host/v2/`). kubelet tries them all, so a
    /// spelling that kept the old token would go on failing logins; hence all of them are written, also one that a second
    /// of the same key hides. Some spellings (`host:443`, `host/v2`) name the registry to docker only: where there is no
    /// other, one for kubelet is added; and one of `host:443` too, where the registry was written so, for images that are.
    ///
    /// However many there are, the document is read once and written once.
    pub fn set(&mut self, credential: &Credential) -> Result<(), DockerConfigError> {
        if !self.is_text {
            return Err(DockerConfigError::NotText);
        }
        let mut missing = Missing::new(&credential.registry);
        let mut edits = Vec::new();
        for entry in self.found()? {
            if credential.registry.is_named_by(&entry.key) {
                missing.found(&entry);
                if !is_exactly(entry.raw, credential) {
                    edits.push((entry.place, rewritten(entry.raw, credential)?));
                }
            }
        }
        self.json.replace_all(&edits);
        // Several are put together, and the last one has the last word.
        let auths = self
            .json
            .top()?
            .into_iter()
            .rfind(|member| is_field(&member.key, AUTHS));
        let auths = auths.map_or_else(|| AUTHS.to_owned(), |member| member.key);
        for (_, key) in missing.keys {
            self.json.set(&[&auths, &key], &rewritten("null", credential)?)?;
        }
        Ok(())
    }

    /// Takes out every entry of the registry, under all its spellings, also one that a second of the same key hides. Says
    /// whether there was one.
    pub fn remove(&mut self, registry: &Registry) -> Result<bool, DockerConfigError> {
        if !self.is_text {
            return Err(DockerConfigError::NotText);
        }
        let text = self.as_str();
        let mut edits = Vec::new();
        for auths in self.json.top()? {
            if !is_field(&auths.key, AUTHS) || &text[auths.value.clone()] == "null" {
                continue;
            }
            let open = auths.value.start;
            let entries = members(text, auths.value)?.ok_or_else(|| JsonEditError::NotAnObject(AUTHS.to_owned()))?;
            edits.extend(removals(text, open, &entries, |key, _| registry.is_named_by(key)));
        }
        self.json.replace_all(&edits);
        Ok(!edits.is_empty())
    }

    /// Entries on which kubelet fails for every pull Secret of a pod, at most ten of them.
    pub fn problems(&self) -> Vec<EntryProblem> {
        let problem = |entry: Found<'_>| login(entry.raw).err().map(|what| EntryProblem { key: entry.key, what });
        self.entries()
            .into_iter()
            .filter_map(problem)
            .take(MAX_PROBLEMS)
            .collect()
    }

    fn entries(&self) -> Vec<Found<'_>> {
        // `parse` and `set` keep `auths` an object.
        self.found().unwrap_or_default()
    }

    /// The entries of every member that Go takes for `auths`.
    fn found(&self) -> Result<Vec<Found<'_>>, JsonEditError> {
        let text = self.as_str();
        let mut found: Vec<Found<'_>> = Vec::new();
        let mut gone = 0;
        for auths in self.json.top()? {
            if !is_field(&auths.key, AUTHS) {
                continue;
            }
            if &text[auths.value.clone()] == "null" {
                gone = found.len();
                continue;
            }
            let entries = members(text, auths.value)?.ok_or_else(|| JsonEditError::NotAnObject(AUTHS.to_owned()))?;
            found.extend(entries.into_iter().map(|entry| Found {
                key: entry.key,
                raw: &text[entry.value.clone()],
                place: entry.value,
                is_gone: false,
            }));
        }
        found[..gone].iter_mut().for_each(|entry| entry.is_gone = true);
        Ok(found)
    }
}

/// A copy that was made because the bytes are no UTF-8 can hold tokens.
fn drop_zeroed(text: Cow<'_, str>) {
    if let Cow::Owned(text) = text {
        drop(Zeroizing::new(text));
    }
}

/// What kubelet reads from one entry.
fn login(raw: &str) -> Login {
    let pair = AuthEntry::read(raw).and_then(|entry| {
        // docker has forgotten it, kubelet has not.
        entry.text(Field::Email)?;
        entry.login()
    });
    let pair = pair.map_err(|error| match error {
        EntryError::NotAnObject | EntryError::WrongType => {
            "a field of its entry is not of the type that kubelet expects"
        }
        other => other.as_str(),
    })?;
    Ok(pair.into_login().filter(|(username, _)| !username.is_empty()))
}

/// Whether an entry holds this credential and no other, under any name that somebody would read.
fn is_exactly(raw: &str, credential: &Credential) -> bool {
    let (username, token) = (credential.username.as_str(), credential.token.expose());
    if !login(raw).is_ok_and(|login| login.is_some_and(|(user, held)| user == username && held.expose() == token)) {
        return false;
    }
    let Ok(Some(members)) = members(raw, 0..raw.len()) else {
        return false;
    };
    let mut seen = [false; Field::ALL.len()];
    members.iter().all(|member| {
        let Some(field) = Field::of(&member.key) else {
            return true;
        };
        let text = Zeroizing::new(unquote(&raw[member.value.clone()]).unwrap_or_default());
        let is_right = match field {
            // `login` has looked at it.
            Field::Auth | Field::Email => true,
            Field::Username => *text == username,
            Field::Password => *text == token,
            Field::IdentityToken | Field::RegistryToken => text.is_empty(),
        };
        let is_first = !std::mem::replace(&mut seen[field as usize], true);
        is_right && (field == Field::Email || is_first && member.key == field.as_str())
    })
}

/// An entry with this credential in place of its own. What else is in it stays.
fn rewritten(raw: &str, credential: &Credential) -> Result<Zeroizing<String>, JsonEditError> {
    let username = json!(credential.username.as_str()).to_string();
    let password = Zeroizing::new(json!(credential.token.expose()).to_string());
    let auth = Zeroizing::new(format!("\"{}\"", credential.basic().as_str()));
    let Ok(mut entry) = JsonEdit::parse(raw) else {
        // `null`, or something on which kubelet fails.
        return Ok(Zeroizing::new(format!(
            r#"{{"username":{username},"password":{},"auth":{}}}"#,
            password.as_str(),
            auth.as_str()
        )));
    };
    let mut seen = [false; Field::ALL.len()];
    entry.remove_where(&[], |name, value| match Field::of(name) {
        None => false,
        Some(Field::Email) => value != "null" && !value.starts_with('"'),
        // Tokens of an older login, which kubelet ignores and which would otherwise stay here for ever.
        Some(Field::IdentityToken | Field::RegistryToken) => true,
        // Programs that are not written in Go know one name only.
        Some(field) => name != field.as_str() || std::mem::replace(&mut seen[field as usize], true),
    })?;
    for (field, value) in [
        (Field::Username, username.as_str()),
        (Field::Password, password.as_str()),
        (Field::Auth, auth.as_str()),
    ] {
        entry.set(&[field.as_str()], value)?;
    }
    Ok(Zeroizing::new(entry.as_str().to_owned()))
}

#[cfg(test)]
mod tests;
