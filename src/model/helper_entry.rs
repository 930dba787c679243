//! The messages between a client and a credential helper; we are either of the two.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use zeroize::Zeroize;

use super::go_json::is_field;

/// `errCredentialsNotFoundMessage` of docker-credential-helpers; clients compare it byte for byte.
pub const HELPER_NOT_FOUND: &str = "credentials not found in native keychain";

/// The object that `store` reads and `get` prints.
///
/// It has no `Debug`, because it contains the secret.
#[derive(Default)]
pub struct HelperEntry {
    /// The registry in any spelling.
    pub server: String,
    /// The user; `<token>` with an identity token.
    pub username: String,
    /// The token; zeroed on drop.
    pub secret: String,
}

impl HelperEntry {
    /// Parses the object at the start of `json` and ignores what follows. The error's text may quote the secret: report
    /// only its line and column.
    pub fn parse(json: &[u8]) -> Result<Self, serde_json::Error> {
        Self::deserialize(&mut serde_json::Deserializer::from_slice(json))
    }
}

impl Drop for HelperEntry {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

impl<'de> Deserialize<'de> for HelperEntry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntryVisitor)
    }
}

/// Parses as Go's decoder: the case of field names and unknown fields are ignored, `null` changes nothing, and the last
/// of duplicates is used.
struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = HelperEntry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<HelperEntry, A::Error> {
        let mut entry = HelperEntry::default();
        while let Some(key) = map.next_key::<String>()? {
            let field = if is_field(&key, "ServerURL") {
                &mut entry.server
            } else if is_field(&key, "Username") {
                &mut entry.username
            } else if is_field(&key, "Secret") {
                &mut entry.secret
            } else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            if let Some(mut value) = map.next_value::<Option<String>>()? {
                std::mem::swap(field, &mut value);
                value.zeroize();
            }
        }
        Ok(entry)
    }
}
