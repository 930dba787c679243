//! The `dockerconfigjson` document: what a pull Secret holds, as kubelet reads it.

use std::borrow::Cow;
use std::fmt;

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde::Deserialize;
use serde_json::json;
use thiserror::Error;
use zeroize::{Zeroize, Zeroizing};

use super::{Credential, JsonEdit, JsonEditError, Registry, Token};

/// kubelet takes `auth` padded or not.
const AUTH: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

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

    /// The user and token that kubelet would take from the registry's first entry, where there is a usable one.
    #[must_use]
    pub fn login(&self, registry: &Registry) -> Option<(String, Token)> {
        self.entries()
            .iter()
            .find(|(key, _)| registry.is_named_by(key))
            .and_then(|(_, raw)| login(raw).ok()?)
    }

    /// Whether every entry of the registry holds exactly this credential, and there is one.
    #[must_use]
    pub fn holds(&self, credential: &Credential) -> bool {
        let mut found = false;
        for (key, raw) in self.entries() {
            if credential.registry.is_named_by(&key) {
                found = true;
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
    /// spelling that kept the old token would go on failing logins; hence all of them are written.
    pub fn set(&mut self, credential: &Credential) -> Result<(), DockerConfigError> {
        let mut keys: Vec<_> = self
            .keys()
            .into_iter()
            .filter(|key| credential.registry.is_named_by(key))
            .collect();
        if keys.is_empty() {
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

/// What kubelet reads from one entry: `auth` wins over `username` and `password`.
fn login(raw: &str) -> Result<Option<(String, Token)>, &'static str> {
    const WRONG_TYPE: &str = "a field of its entry is not of the type that kubelet expects";
    if !raw.starts_with('{') && raw != "null" {
        // serde would fill a struct from an array too.
        return Err(WRONG_TYPE);
    }
    let entry: Option<Entry<'_>> = serde_json::from_str(raw).map_err(|_| WRONG_TYPE)?;
    let mut entry = entry.unwrap_or_default();
    if let Some(auth) = entry.auth.as_deref().filter(|auth| !auth.is_empty()) {
        let decoded = Zeroizing::new(AUTH.decode(auth).map_err(|_| "its `auth` is not base64")?);
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
mod tests {
    use super::*;

    fn credential(token: &str) -> Credential {
        Credential {
            registry: "gitea.example.com".parse().unwrap(),
            username: "admin".parse().unwrap(),
            token: Token::parse(token).unwrap(),
        }
    }

    fn document(text: &str) -> DockerConfig {
        DockerConfig::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn a_new_document_is_what_kubectl_would_have_written() {
        let mut config = DockerConfig::default();
        config.set(&credential("new")).unwrap();
        assert_eq!(
            config.as_str(),
            r#"{"auths":{"gitea.example.com":{"username":"admin","password":"new","auth":"YWRtaW46bmV3"}}}"#
        );
        assert!(config.holds(&credential("new")) && !config.holds(&credential("old")));
        assert!(config.problems().is_empty());
    }

    #[test]
    fn other_registries_and_unknown_fields_keep_every_byte() {
        let mut config = document(
            "{ \"HttpHeaders\" : {\"X\":\"\\u00e9\"},\n\"auths\": { \"ghcr.io\\/org\" : {\"auth\": \"YTpi\" , \"x\":1.0e0},\n \"https://gitea.example.com/v2/\": {\"auth\":\"YWRtaW46b2xk\", \"email\":\"a@b\", \"identitytoken\":\"t\"} } }\n",
        );
        assert_eq!(
            config.login(&"gitea.example.com".parse().unwrap()).unwrap().1.expose(),
            "old"
        );
        config.set(&credential("new")).unwrap();
        assert_eq!(
            config.as_str(),
            "{ \"HttpHeaders\" : {\"X\":\"\\u00e9\"},\n\"auths\": { \"ghcr.io\\/org\" : {\"auth\": \"YTpi\" , \"x\":1.0e0},\n \"https://gitea.example.com/v2/\": {\"auth\":\"YWRtaW46bmV3\", \"email\":\"a@b\", \"username\":\"admin\", \"password\":\"new\"} } }\n"
        );
        let again = config.clone();
        config.set(&credential("new")).unwrap();
        assert_eq!(config, again, "setting twice changes nothing");
    }

    #[test]
    fn every_spelling_of_the_registry_is_written_and_paths_below_it_are_not() {
        let mut config = document(
            r#"{"auths":{"gitea.example.com":{"auth":"YTpi"},"https://gitea.example.com":null,"gitea.example.com/org":{"auth":"YTpi"}}}"#,
        );
        assert!(!config.holds(&credential("new")));
        config.set(&credential("new")).unwrap();
        assert!(config.holds(&credential("new")));
        assert!(
            config
                .as_str()
                .ends_with(r#""gitea.example.com/org":{"auth":"YTpi"}}}"#),
            "{}",
            config.as_str()
        );
    }

    #[test]
    fn entries_that_break_kubelet_are_named() {
        let config = document(
            r#"{"auths":{"a":{"auth":1},"b":{"auth":"?"},"c":{"auth":"YWI="},"d":{"auth":"YTpi"},"e":{"auth":"YTpiYw"},"f":{},"g":[],"h":{"username":"u","password":"p"}}}"#,
        );
        let keys: Vec<_> = config.problems().into_iter().map(|problem| problem.key).collect();
        assert_eq!(keys, ["a", "b", "c", "g"]);
    }

    #[test]
    fn docker_hub_has_its_own_key() {
        let mut config = DockerConfig::default();
        let hub = Credential {
            registry: "docker.io".parse().unwrap(),
            ..credential("t")
        };
        config.set(&hub).unwrap();
        assert_eq!(config.keys(), ["https://index.docker.io/v1/"]);
    }

    #[test]
    fn what_is_no_document_is_refused() {
        for text in ["", "[]", "nonsense", r#"{"auths":[]}"#, r#"{"auths":"x"}"#] {
            assert!(DockerConfig::parse(text.as_bytes()).is_err(), "{text}");
        }
        assert_eq!(DockerConfig::parse(&[0xff]), Err(DockerConfigError::NotText));
        assert!(document("{}").keys().is_empty() && document(r#"{"auths":null}"#).keys().is_empty());
    }
}
