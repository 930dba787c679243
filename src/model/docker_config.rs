//! The `dockerconfigjson` document of a pull Secret, as kubelet reads it.

use std::borrow::Cow;
use std::fmt;
use std::ops::Range;

use serde_json::json;
use thiserror::Error;
use zeroize::Zeroizing;

use super::auth_entry::{AuthEntry, EntryError, Field, decode};
use super::go_json::{is_field, unquote};
use super::json_edit::{members, removals, trimmed};
use super::pull::takes;
use super::{Credential, JsonEdit, JsonEditError, Registry, Token};

const AUTHS: &str = "auths";
const HEADERS: &str = "HttpHeaders";
/// The most invalid entries that are reported.
const MAX_PROBLEMS: usize = 10;

/// The login that kubelet would use, if any, or why it fails on the entry.
pub type Login = Result<Option<(String, Token)>, &'static str>;

/// A `dockerconfigjson` document: `{"auths": {KEY: {"username", "password", "auth", …}}}`.
///
/// It is parsed as in Go: the case of names is ignored, several `auths` are merged, the last of duplicate entries is
/// used, and invalid UTF-8 becomes U+FFFD. [`DockerConfig::set`] changes the entries of one registry; entries of others
/// and unknown fields are kept byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DockerConfig {
    json: JsonEdit,
    /// Whether the text was valid UTF-8. Otherwise it cannot be changed without loss.
    is_text: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DockerConfigError {
    #[error("it is not text")]
    NotText,
    /// Not valid JSON, or `auths` or an entry to be changed is not an object.
    #[error(transparent)]
    Json(#[from] JsonEditError),
}

/// An entry because of which kubelet cannot use *any* pull Secret of the pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EntryProblem {
    /// The entry's key; untrusted text.
    pub key: String,
    pub what: &'static str,
}

impl fmt::Display for EntryProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.what)
    }
}

/// An entry and its position in the text.
struct PlacedEntry<'a> {
    key: String,
    raw: &'a str,
    place: Range<usize>,
    /// Whether a later `"auths": null` discards it, as in Go.
    is_gone: bool,
}

/// The keys that have not been found yet, each with the host of the images that it is for.
struct MissingKeys {
    keys: Vec<(String, String)>,
}

impl MissingKeys {
    fn new(registry: &Registry) -> Self {
        let (name, written) = (registry.as_str(), registry.as_written());
        let mut keys = vec![(name.to_owned(), registry.config_key().to_owned())];
        if written != name {
            keys.push((written.to_string(), written.into_owned()));
        }
        Self { keys }
    }

    fn found(&mut self, entry: &PlacedEntry<'_>) {
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
            // The API server accepts `null` as an object, and so does kubelet.
            json: JsonEdit::parse(if is_null(&text) { "{}" } else { &text })?,
            is_text: matches!(text, Cow::Borrowed(_)),
        };
        drop_zeroed(text);
        this.found()?;
        Ok(this)
    }

    /// Parses the value of `.dockercfg`, the older format, which is only the `auths` object.
    pub fn parse_legacy(bytes: &[u8]) -> Result<Self, DockerConfigError> {
        let text = String::from_utf8_lossy(bytes);
        let is_text = matches!(text, Cow::Borrowed(_));
        let whole = Zeroizing::new(format!(r#"{{"auths":{}}}"#, &text[trimmed(&text)]));
        if !is_null(&text) {
            // Parsed by itself first: text that is put between braces could end one object and begin another.
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

    /// All entries that kubelet finds, with their logins. The last of duplicate keys is used.
    pub fn logins(&self) -> Vec<(String, Login)> {
        let entries = self.entries().into_iter().filter(|entry| !entry.is_gone);
        entries.map(|entry| (entry.key, login(entry.raw))).collect()
    }

    /// Whether kubelet can decode `HttpHeaders`: it fails if the member has the wrong type.
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

    /// The user and token from the registry's first entry, if it is usable by kubelet.
    pub fn login(&self, registry: &Registry) -> Option<(String, Token)> {
        let mut logins = self.logins().into_iter();
        logins.find(|(key, _)| registry.is_named_by(key))?.1.ok()?
    }

    /// The login of each entry of the registry; `None` for an entry without a usable login.
    pub fn logins_of(&self, registry: &Registry) -> Vec<Option<(String, Token)>> {
        let own = self.logins().into_iter().filter(|(key, _)| registry.is_named_by(key));
        own.map(|(_, login)| login.ok().flatten()).collect()
    }

    /// Whether all entries of the registry hold exactly this credential, and kubelet uses at least one of them.
    pub fn holds(&self, credential: &Credential) -> bool {
        let mut missing = MissingKeys::new(&credential.registry);
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

    /// Whether any entry contains this token: see [`DockerConfig::tokens`].
    pub fn mentions(&self, token: &Token) -> bool {
        self.tokens().contains(token)
    }

    /// Everything in the entries that may be a token, even for another registry or in a field that nobody reads.
    pub fn tokens(&self) -> Vec<Token> {
        let mut tokens = Vec::new();
        for entry in self.entries() {
            let members = members(entry.raw, 0..entry.raw.len());
            for member in members.ok().flatten().unwrap_or_default() {
                let Some(text) = unquote(&entry.raw[member.value]) else {
                    continue;
                };
                let text = Token::verbatim(text);
                if let Ok(pair) = decode(text.expose()) {
                    tokens.push(Token::verbatim(pair.password.to_string()));
                }
                tokens.push(text);
            }
        }
        tokens
    }

    /// Writes the credential into every entry of its registry, or adds one.
    ///
    /// A registry can have entries in several spellings (`host`, `https://host/v2/`). kubelet tries them all, and an
    /// entry with the old token would cause failed logins; so all are written, including duplicates. Some spellings
    /// (`host:443`, `host/v2`) work only for docker; if there is no other, an entry for kubelet is added. If the
    /// registry was written as `host:443`, an entry with that key is added too, for images named like that.
    ///
    /// The document is parsed and written only once, whatever the number of entries.
    pub fn set(&mut self, credential: &Credential) -> Result<(), DockerConfigError> {
        if !self.is_text {
            return Err(DockerConfigError::NotText);
        }
        let mut missing = MissingKeys::new(&credential.registry);
        let mut edits = Vec::new();
        let mut others_are_gone = false;
        for entry in self.found()? {
            if credential.registry.is_named_by(&entry.key) {
                missing.found(&entry);
                if !is_exactly(entry.raw, credential) {
                    edits.push((entry.place, rewritten(entry.raw, credential)?));
                }
            } else {
                others_are_gone |= entry.is_gone;
            }
        }
        self.json.replace_all(&edits);
        // Go merges several `auths`, and the last one takes precedence.
        let auths = self
            .json
            .top()?
            .into_iter()
            .rfind(|member| is_field(&member.key, AUTHS));
        let auths = match auths {
            None => AUTHS.to_owned(),
            Some(last) => {
                if others_are_gone && &self.as_str()[last.value] == "null" {
                    // An object in its place would bring back entries of others that it discards.
                    self.json.add(&last.key, "{}")?;
                }
                last.key
            }
        };
        for (_, key) in missing.keys {
            self.json.set(&[&auths, &key], &rewritten("null", credential)?)?;
        }
        Ok(())
    }

    /// Removes all entries of the registry in all spellings, including duplicates. Returns whether there was one.
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

    /// The entries because of which kubelet fails for all pull Secrets of a pod, at most ten.
    pub fn problems(&self) -> Vec<EntryProblem> {
        let problem = |entry: PlacedEntry<'_>| login(entry.raw).err().map(|what| EntryProblem { key: entry.key, what });
        self.entries()
            .into_iter()
            .filter_map(problem)
            .take(MAX_PROBLEMS)
            .collect()
    }

    fn entries(&self) -> Vec<PlacedEntry<'_>> {
        // Cannot fail: `parse` and `set` ensure that `auths` is an object.
        self.found().unwrap_or_default()
    }

    /// The entries of all members that Go reads as `auths`.
    fn found(&self) -> Result<Vec<PlacedEntry<'_>>, JsonEditError> {
        let text = self.as_str();
        let mut found: Vec<PlacedEntry<'_>> = Vec::new();
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
            found.extend(entries.into_iter().map(|entry| PlacedEntry {
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

fn is_null(text: &str) -> bool {
    &text[trimmed(text)] == "null"
}

/// Zeroes a copy that was made because of invalid UTF-8, since it can contain tokens.
fn drop_zeroed(text: Cow<'_, str>) {
    if let Cow::Owned(text) = text {
        drop(Zeroizing::new(text));
    }
}

/// The login that kubelet reads from an entry.
fn login(raw: &str) -> Login {
    let pair = AuthEntry::read(raw).and_then(|entry| {
        // docker no longer reads this field, but kubelet does.
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

/// Whether an entry holds this credential and no other in any field that a client reads.
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
            // Checked by `login` above.
            Field::Auth | Field::Email => true,
            Field::Username => *text == username,
            Field::Password => *text == token,
            Field::IdentityToken | Field::RegistryToken => text.is_empty(),
        };
        let is_first = !std::mem::replace(&mut seen[field as usize], true);
        is_right && (field == Field::Email || is_first && member.key == field.as_str())
    })
}

/// The entry with its credential replaced. Other members are kept.
fn rewritten(raw: &str, credential: &Credential) -> Result<Zeroizing<String>, JsonEditError> {
    let username = json!(credential.username.as_str()).to_string();
    let password = Zeroizing::new(json!(credential.token.expose()).to_string());
    let auth = Zeroizing::new(format!("\"{}\"", credential.basic().as_str()));
    let Ok(mut entry) = JsonEdit::parse(raw) else {
        // `null`, or an entry on which kubelet fails.
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
        // Tokens of an earlier login, which kubelet ignores and which would otherwise stay forever.
        Some(Field::IdentityToken | Field::RegistryToken) => true,
        // Programs that are not written in Go recognise only this spelling.
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
