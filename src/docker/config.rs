//! The document of docker's `config.json` and podman's `auth.json`.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::value::RawValue;
use thiserror::Error;

use super::Entry;
use crate::model::go_json::is_field;
use crate::model::{JsonEdit, JsonEditError, Registry, printable};

/// The logins that docker and podman have stored in plain text.
pub(super) const AUTHS: &str = "auths";
/// The credential helpers by registry.
pub(super) const HELPERS: &str = "credHelpers";
/// The helper for all other registries.
pub(super) const STORE: &str = "credsStore";

/// JSON's white space.
const WHITE: [char; 4] = [' ', '\t', '\r', '\n'];
/// Longest quotation of a key in a message, in characters.
const MAX_KEY: usize = 100;

/// A `config.json` or `auth.json`, in which single members are read and changed.
///
/// Like Go's decoder, which docker and podman use, this accepts a text of only white space as an empty document, and
/// ignores the case of member names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    pub(super) json: JsonEdit,
    /// The white space, if the text was nothing else.
    pub(super) blank: Option<String>,
}

/// Why a document cannot be parsed or changed safely. The messages never quote values of the text.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConfigError {
    #[error("it is not UTF-8 text")]
    NotText,
    /// It begins with a byte order mark, on which docker fails too.
    #[error("it begins with a byte order mark, which docker and podman do not read either")]
    ByteOrderMark,
    /// docker passes over what follows; podman does not.
    #[error("something follows its first JSON value")]
    More,
    /// Not valid JSON, or not an object where one is needed.
    #[error(transparent)]
    Json(#[from] JsonEditError),
    /// A helper's name that is not a string, on which docker fails too.
    #[error("{0} is not a JSON string")]
    NotAString(String),
    /// A member that is there twice: Go merges both, so neither can be changed alone.
    #[error("\"{0}\" stands in it twice")]
    Twice(String),
}

impl Config {
    pub fn parse(bytes: &[u8]) -> Result<Self, ConfigError> {
        let text = std::str::from_utf8(bytes).map_err(|_| ConfigError::NotText)?;
        if text.starts_with('\u{feff}') {
            return Err(ConfigError::ByteOrderMark);
        }
        if text.trim_matches(WHITE).is_empty() {
            return Ok(Self {
                json: JsonEdit::parse("{}")?,
                blank: Some(text.to_owned()),
            });
        }
        let this = Self {
            json: JsonEdit::parse(text).map_err(|error| match first_value(text) {
                Some(_) => ConfigError::More,
                None => error.into(),
            })?,
            blank: None,
        };
        for field in [AUTHS, HELPERS, STORE] {
            let top = this.json.members(&[])?.into_iter().map(|(key, _)| key);
            let of_field: Vec<String> = top.filter(|key| is_field(key, field)).collect();
            if let [_, second, ..] = of_field.as_slice() {
                return Err(ConfigError::Twice(printable(second, MAX_KEY)));
            }
        }
        for field in [AUTHS, HELPERS] {
            let mut seen = BTreeSet::new();
            for (key, _) in this.json.members(&[&this.name(field)])? {
                if !seen.insert(key.clone()) {
                    return Err(ConfigError::Twice(printable(&key, MAX_KEY)));
                }
            }
        }
        this.string(&[&this.name(STORE)])?;
        let helpers = this.name(HELPERS);
        for (key, _) in this.json.members(&[&helpers])? {
            this.string(&[&helpers, &key])?;
        }
        Ok(this)
    }

    /// Reads the first value only, as docker does. What follows would be lost if this were written.
    pub(super) fn parse_first(bytes: &[u8]) -> Result<Self, ConfigError> {
        let text = std::str::from_utf8(bytes).map_err(|_| ConfigError::NotText)?;
        Self::parse(first_value(text).unwrap_or(text).as_bytes())
    }

    pub fn as_str(&self) -> &str {
        self.blank.as_deref().unwrap_or_else(|| self.json.as_str())
    }

    /// The spelling of the member that docker reads as this field; the field's own name if there is none.
    pub(super) fn name(&self, field: &'static str) -> Cow<'static, str> {
        let top = self.json.members(&[]).unwrap_or_default().into_iter();
        let mut names = top.map(|(key, _)| key);
        names
            .find(|key| is_field(key, field))
            .map_or(Cow::Borrowed(field), Cow::Owned)
    }

    /// The entries of `auths`, in order.
    pub fn entries(&self) -> Vec<Entry> {
        let members = self.json.members(&[&self.name(AUTHS)]).unwrap_or_default();
        members.into_iter().map(|(key, raw)| Entry::read(key, raw)).collect()
    }

    /// `credHelpers`: registry keys as docker spells them, each with its helper.
    pub fn helpers(&self) -> Vec<(String, String)> {
        let members = self.json.members(&[&self.name(HELPERS)]).unwrap_or_default();
        let helper = |raw| serde_json::from_str::<Option<String>>(raw).ok().flatten();
        let named = |(key, raw)| (key, helper(raw).unwrap_or_default());
        members.into_iter().map(named).collect()
    }

    /// `credsStore`, if it names a helper.
    pub fn default_helper(&self) -> Option<String> {
        let helper = self.string(&[&self.name(STORE)]).ok().flatten();
        helper.filter(|name| !name.is_empty())
    }

    /// The context that docker's commands use.
    pub(super) fn context(&self) -> Option<String> {
        self.string(&[&self.name("currentContext")]).ok().flatten()
    }

    /// The helper that docker asks for `registry` because of this document; `None` if it reads `auths`.
    ///
    /// Keys of `credHelpers` are compared verbatim. An empty helper name there means the file, even if there is a
    /// `credsStore`.
    pub fn helper_for(&self, registry: &Registry) -> Option<String> {
        self.helper_of_key(registry.config_key())
    }

    /// The same for a registry that docker asks for by this key.
    pub(super) fn helper_of_key(&self, key: &str) -> Option<String> {
        match self.string(&[&self.name(HELPERS), key]).ok().flatten() {
            Some(helper) => Some(helper).filter(|name| !name.is_empty()),
            None => self.default_helper(),
        }
    }

    /// Whether docker would detect a store by itself, because the document does not say where logins are.
    pub fn lets_docker_detect(&self) -> bool {
        self.default_helper().is_none() && self.entries().is_empty() && self.helpers().is_empty()
    }

    /// The string at `path`; `None` for `null` and for a missing member.
    pub(super) fn string(&self, path: &[&str]) -> Result<Option<String>, ConfigError> {
        match self.json.get(path) {
            None => Ok(None),
            Some(raw) => serde_json::from_str(raw)
                .map_err(|_| ConfigError::NotAString(printable(path.last().copied().unwrap_or_default(), MAX_KEY))),
        }
    }
}

/// The first JSON value of a text that goes on behind it.
fn first_value(text: &str) -> Option<&str> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<&RawValue>();
    values.next()?.ok()?;
    let (first, rest) = text.split_at_checked(values.byte_offset())?;
    (!rest.trim_matches(WHITE).is_empty()).then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Config {
        Config::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn the_helper_is_found_as_docker_finds_it() {
        let text = r#"{"credsStore":"pass","credHelpers":{"a.example.com":"gitea","b.example.com":"",
            "https://index.docker.io/v1/":"desktop"},"auths":{"a.example.com":{}}}"#;
        let config = config(text);
        for (registry, helper) in [
            ("a.example.com", Some("gitea")),
            ("b.example.com", None),
            ("docker.io", Some("desktop")),
            ("other.example.com", Some("pass")),
        ] {
            assert_eq!(
                config.helper_for(&registry.parse().unwrap()).as_deref(),
                helper,
                "{registry}"
            );
        }
        assert_eq!(config.helpers().len(), 3);
        assert_eq!(config.default_helper().as_deref(), Some("pass"));
        assert_eq!(config.as_str(), text);
    }

    #[test]
    fn the_case_of_names_is_ignored_as_in_docker() {
        let config = config(r#"{"CredSstore":"pass","CREDHELPERS":{"a":"gitea"},"Auths":{"b":{"Auth":"YTpi"}}}"#);
        assert_eq!(config.default_helper().as_deref(), Some("pass"));
        assert_eq!(config.helpers(), [("a".to_owned(), "gitea".to_owned())]);
        assert!(matches!(
            config.entries()[0].held,
            crate::docker::EntryContent::Login(..)
        ));
        assert!(!config.lets_docker_detect());
        for twice in [r#"{"auths":{},"Auths":{}}"#, r#"{"credsStore":"a","CredsStore":"b"}"#] {
            assert!(
                matches!(Config::parse(twice.as_bytes()), Err(ConfigError::Twice(_))),
                "{twice}"
            );
        }
    }

    #[test]
    fn docker_detects_a_store_if_nothing_is_configured() {
        for text in [
            "",
            " \n",
            "{}",
            r#"{"auths":{}, "credsStore":"", "psFormat":"x"}"#,
            r#"{"auths":null}"#,
        ] {
            assert!(config(text).lets_docker_detect(), "{text}");
            assert_eq!(config(text).as_str(), text);
        }
        for text in [
            r#"{"auths":{"a":{}}}"#,
            r#"{"credsStore":"x"}"#,
            r#"{"credHelpers":{"a":""}}"#,
        ] {
            assert!(!config(text).lets_docker_detect(), "{text}");
        }
    }

    #[test]
    fn docker_reads_the_first_value_only() {
        let login = r#" {"auths":{"a":{}}}"#;
        for rest in ["{}", "\n[", "s3cret", " \n"] {
            let read = Config::parse_first(format!("{login}{rest}").as_bytes()).unwrap();
            assert_eq!(read.entries().len(), 1, "{rest}");
        }
        for text in ["{", "[] {}", "{\"auths\":[]}x", "x {}"] {
            assert!(Config::parse_first(text.as_bytes()).is_err(), "{text}");
        }
    }

    #[test]
    fn what_docker_cannot_read_is_refused_without_quoting_it() {
        for (bytes, error) in [
            (&b"\xff\xfe{\0}\0"[..], ConfigError::NotText),
            ("\u{feff}{}".as_bytes(), ConfigError::ByteOrderMark),
            (br#"{"auths":{},"auths":{}}"#, ConfigError::Twice("auths".to_owned())),
            (br#"{"auths":{"r":{},"r":{}}}"#, ConfigError::Twice("r".to_owned())),
            (b"{} {}", ConfigError::More),
            (b"{}s3cret", ConfigError::More),
            (br#"{"credsStore":7}"#, ConfigError::NotAString("credsStore".to_owned())),
            (br#"{"credHelpers":{"a":{}}}"#, ConfigError::NotAString("a".to_owned())),
        ] {
            assert_eq!(Config::parse(bytes), Err(error));
        }
        for text in ["[]", "null", "{", r#"{"auths":[]}"#, "{s3cret}", "\u{a0}{}", "\x0c"] {
            let error = Config::parse(text.as_bytes()).unwrap_err();
            assert!(matches!(error, ConfigError::Json(_)), "{text}");
            assert!(!error.to_string().contains("s3cret"), "{text}");
        }
    }
}
