//! The `dockerconfigjson` document: what a pull Secret holds, as kubelet reads it.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde_json::json;
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

use super::pull::{PullSecret, pull};
use super::{Credential, JsonEdit, JsonEditError, Registry, Token};

/// kubelet takes `auth` padded or not, and Go's decoder does not look at the last bits.
const AUTH: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// What kubelet would log in with, or what it fails on.
pub type Login = Result<Option<(String, Token)>, &'static str>;

/// A `dockerconfigjson` document: `{"auths": {KEY: {"username", "password", "auth", …}}}`.
///
/// [`DockerConfig::set`] changes the entries of one registry; entries of others and unknown fields keep every byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DockerConfig(JsonEdit);

/// Why a document cannot be one.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DockerConfigError {
    /// The bytes are not UTF-8.
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
    /// What is wrong with it.
    pub what: &'static str,
}

impl fmt::Display for EntryProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.key, self.what)
    }
}

/// The fields that kubelet reads, with the types that it insists on.
#[derive(Default, Deserialize)]
struct Entry<'a> {
    #[serde(borrow, default)]
    username: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    password: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    #[allow(dead_code, reason = "kubelet fails on another type of it")]
    email: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    auth: Option<Cow<'a, str>>,
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        for field in [&mut self.password, &mut self.auth] {
            if let Some(Cow::Owned(text)) = field {
                text.zeroize();
            }
        }
    }
}

impl Default for DockerConfig {
    fn default() -> Self {
        Self(JsonEdit::parse(r#"{"auths":{}}"#).expect("a constant"))
    }
}

impl DockerConfig {
    /// Reads the value of `.dockerconfigjson`.
    pub fn parse(bytes: &[u8]) -> Result<Self, DockerConfigError> {
        let text = std::str::from_utf8(bytes).map_err(|_| DockerConfigError::NotText)?;
        let json = JsonEdit::parse(text)?;
        json.members(&["auths"])?;
        Ok(Self(json))
    }

    /// Reads the value of `.dockercfg`, the older form of the document, which is the `auths` object alone.
    pub fn parse_legacy(bytes: &[u8]) -> Result<Self, DockerConfigError> {
        let text = std::str::from_utf8(bytes).map_err(|_| DockerConfigError::NotText)?;
        let auths = JsonEdit::parse(text)?;
        let whole = Zeroizing::new(format!(r#"{{"auths":{}}}"#, auths.as_str().trim()));
        Self::parse(whole.as_bytes())
    }

    /// The document's text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.as_str()
    }

    /// The keys of `auths`, in order.
    #[must_use]
    pub fn keys(&self) -> Vec<String> {
        self.entries().into_iter().map(|(key, _)| key).collect()
    }

    /// Every entry: its key, and what kubelet reads from it.
    #[must_use]
    pub fn logins(&self) -> Vec<(String, Login)> {
        self.entries()
            .into_iter()
            .map(|(key, raw)| {
                let login = login(raw);
                (key, login)
            })
            .collect()
    }

    /// Whether kubelet can decode what stands beside the entries: it reads `HttpHeaders`, and fails on another type of it.
    #[must_use]
    pub fn has_readable_headers(&self) -> bool {
        let headers = self.0.get(&["HttpHeaders"]).unwrap_or("null");
        serde_json::from_str::<Option<HashMap<Cow<'_, str>, Option<Cow<'_, str>>>>>(headers).is_ok()
    }

    /// The user and token that kubelet would take from the registry's first entry, where there is a usable one.
    #[must_use]
    pub fn login(&self, registry: &Registry) -> Option<(String, Token)> {
        self.entries()
            .iter()
            .find(|(key, _)| registry.is_named_by(key))
            .and_then(|(_, raw)| login(raw).ok()?)
    }

    /// Whether every entry of the registry holds exactly this credential, and there is one that kubelet takes.
    #[must_use]
    pub fn holds(&self, credential: &Credential) -> bool {
        let mut found = false;
        for (key, raw) in self.entries() {
            if credential.registry.is_named_by(&key) {
                found |= is_taken(&key, &credential.registry);
                let same = |(user, token): &(String, Token)| {
                    user == credential.username.as_str() && *token == credential.token
                };
                if !login(raw).ok().flatten().is_some_and(|login| same(&login)) {
                    return false;
                }
            }
        }
        found
    }

    /// Whether any entry holds this token, whatever it is for.
    #[must_use]
    pub fn mentions(&self, token: &Token) -> bool {
        let entries = self.entries();
        let mut logins = entries.iter().filter_map(|(_, raw)| login(raw).ok().flatten());
        logins.any(|(_, held)| held == *token)
    }

    /// Writes the credential into every entry of its registry, or adds one.
    ///
    /// A registry can stand there under several spellings (`host`, `https://host/v2/`). kubelet tries them all, so a
    /// spelling that kept the old token would go on failing logins; hence all of them are written. Some spellings
    /// (`host:443`, `host/v2`) name the registry to docker only: where there is no other, one for kubelet is added.
    pub fn set(&mut self, credential: &Credential) -> Result<(), DockerConfigError> {
        let mut keys: Vec<_> = self
            .keys()
            .into_iter()
            .filter(|key| credential.registry.is_named_by(key))
            .collect();
        if !keys.iter().any(|key| is_taken(key, &credential.registry)) {
            keys.push(credential.registry.config_key().to_owned());
        }
        let username = json!(credential.username.as_str()).to_string();
        let password = Zeroizing::new(json!(credential.token.expose()).to_string());
        let auth = Zeroizing::new(format!("\"{}\"", credential.basic().as_str()));
        for key in keys {
            let path = |field| ["auths", key.as_str(), field];
            if self.0.get(&path("")[..2]).is_none() {
                let entry = Zeroizing::new(format!(
                    r#"{{"username":{username},"password":{},"auth":{}}}"#,
                    password.as_str(),
                    auth.as_str()
                ));
                self.0.set(&path("")[..2], &entry)?;
                continue;
            }
            self.0.set(&path("username"), &username)?;
            self.0.set(&path("password"), &password)?;
            self.0.set(&path("auth"), &auth)?;
            // Tokens of an older login, which kubelet ignores and which would otherwise stay here for ever.
            self.0.remove(&path("identitytoken"))?;
            self.0.remove(&path("registrytoken"))?;
        }
        Ok(())
    }

    /// Entries on which kubelet fails for every pull Secret of a pod (it gives up on the first such entry).
    #[must_use]
    pub fn problems(&self) -> Vec<EntryProblem> {
        self.entries()
            .into_iter()
            .filter_map(|(key, raw)| login(raw).err().map(|what| EntryProblem { key, what }))
            .collect()
    }

    fn entries(&self) -> Vec<(String, &str)> {
        // `parse` and `set` keep `auths` an object.
        self.0.members(&["auths"]).unwrap_or_default()
    }
}

/// Whether kubelet takes an entry of this key for the registry's images.
fn is_taken(key: &str, registry: &Registry) -> bool {
    let image = format!("{registry}/owner/image");
    !pull(&image, &[PullSecret::Entries(vec![key])]).entries().is_empty()
}

/// What kubelet reads from one entry: `auth` wins over `username` and `password`.
fn login(raw: &str) -> Login {
    const WRONG_TYPE: &str = "a field of its entry is not of the type that kubelet expects";
    if !raw.starts_with('{') && raw != "null" {
        // serde would fill a struct from an array too.
        return Err(WRONG_TYPE);
    }
    let entry: Option<Entry<'_>> = serde_json::from_str(raw).map_err(|_| WRONG_TYPE)?;
    let mut entry = entry.unwrap_or_default();
    if let Some(auth) = entry.auth.as_deref().filter(|auth| !auth.is_empty()) {
        // `base64` without `-w0` breaks lines, and Go's decoder passes over line breaks.
        let auth = Zeroizing::new(auth.replace(['\r', '\n'], ""));
        let decoded = Zeroizing::new(AUTH.decode(auth.as_str()).map_err(|_| "its `auth` is not base64")?);
        let text = std::str::from_utf8(&decoded).map_err(|_| "its `auth` is not base64 of text")?;
        let (user, token) = text
            .split_once(':')
            .ok_or("its `auth` has no colon between user and password")?;
        return Ok(Some((user.to_owned(), Token::verbatim(token.to_owned()))));
    }
    let user = entry
        .username
        .take()
        .map(Cow::into_owned)
        .filter(|user| !user.is_empty());
    Ok(user.zip(
        entry
            .password
            .take()
            .map(|password| Token::verbatim(password.into_owned())),
    ))
}

#[cfg(test)]
mod tests;
