//! What clients of a credential helper send.

use std::fmt;
use std::io::Read;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};
use zeroize::{Zeroize, Zeroizing};

use super::{Failure, NO_SERVER};

/// Longest input. Tokens of some registries have tens of kilobytes; docker's own helpers stop at 64.
const MAX_INPUT: u64 = 1024 * 1024;

/// The object that `store` reads.
#[derive(Default)]
pub(super) struct Entry {
    pub(super) server: String,
    pub(super) username: String,
    pub(super) secret: String,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.secret.zeroize();
    }
}

impl<'de> Deserialize<'de> for Entry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EntryVisitor)
    }
}

/// Reads as Go's decoder does, which docker's clients are tested against: the case of field names does not matter,
/// unknown fields are passed over, `null` changes nothing, the last of several wins.
struct EntryVisitor;

impl<'de> Visitor<'de> for EntryVisitor {
    type Value = Entry;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Entry, A::Error> {
        let mut entry = Entry::default();
        while let Some(key) = map.next_key::<String>()? {
            let field = match key.to_ascii_lowercase().as_str() {
                "serverurl" => &mut entry.server,
                "username" => &mut entry.username,
                "secret" => &mut entry.secret,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            if let Some(mut value) = map.next_value::<Option<String>>()? {
                std::mem::swap(field, &mut value);
                value.zeroize();
            }
        }
        Ok(entry)
    }
}

/// The server that `get` and `erase` are about.
pub(super) fn server(stdin: &mut dyn Read) -> Result<String, Failure> {
    let bytes = all(stdin)?;
    // What is no text names no registry, and no registry is nothing to be found or erased.
    let server = String::from_utf8_lossy(&bytes).trim().to_owned();
    if server.is_empty() {
        return Err(Failure::Protocol(NO_SERVER));
    }
    Ok(server)
}

/// What `store` is to keep.
pub(super) fn entry(stdin: &mut dyn Read) -> Result<Entry, Failure> {
    let bytes = all(stdin)?;
    // What follows the object is left alone. serde_json's message would quote a secret that is a number.
    Entry::deserialize(&mut serde_json::Deserializer::from_slice(&bytes)).map_err(|error| {
        Failure::Input(format!(
            "the input is not the JSON object that docker sends: line {} column {}",
            error.line(),
            error.column()
        ))
    })
}

fn all(stdin: &mut dyn Read) -> Result<Zeroizing<Vec<u8>>, Failure> {
    // Enough for nearly everything, so that no growth leaves a copy of a token behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(16 * 1024));
    let read = stdin.take(MAX_INPUT + 1).read_to_end(&mut bytes);
    match read {
        Ok(length) if length as u64 <= MAX_INPUT => Ok(bytes),
        Ok(_) => Err(Failure::Input(format!("the input is longer than {MAX_INPUT} bytes"))),
        Err(error) => Err(Failure::Input(format!("the input cannot be read: {error}"))),
    }
}
