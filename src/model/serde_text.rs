//! serde of types that are one text: written with [`Display`](fmt::Display), read with [`FromStr`].
//!
//! `#[serde(with = "serde_text")]` for one, `serde_text::option` for one or none, `serde_text::each` for a collection.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serializer, de};

/// Writes the value as a string.
pub(crate) fn serialize<T: fmt::Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

/// Reads the value from a string.
pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err: fmt::Display>,
    D: Deserializer<'de>,
{
    String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
}

/// One or none.
pub(crate) mod option {
    use super::{Deserialize, Deserializer, FromStr, Serializer, de, fmt};

    #[allow(clippy::ref_option, reason = "serde calls it with the field")]
    pub(crate) fn serialize<T: fmt::Display, S: Serializer>(
        value: &Option<T>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => serializer.collect_str(value),
            None => serializer.serialize_none(),
        }
    }

    pub(crate) fn deserialize<'de, T, D>(deserializer: D) -> Result<Option<T>, D::Error>
    where
        T: FromStr<Err: fmt::Display>,
        D: Deserializer<'de>,
    {
        let text = Option::<String>::deserialize(deserializer)?;
        text.map(|text| text.parse().map_err(de::Error::custom)).transpose()
    }
}

/// A collection.
pub(crate) mod each {
    use super::{Deserialize, Deserializer, FromStr, Serializer, de, fmt};

    pub(crate) fn serialize<'a, C, S>(values: &'a C, serializer: S) -> Result<S::Ok, S::Error>
    where
        &'a C: IntoIterator<Item: fmt::Display>,
        S: Serializer,
    {
        serializer.collect_seq(values.into_iter().map(|value| value.to_string()))
    }

    pub(crate) fn deserialize<'de, C, D>(deserializer: D) -> Result<C, D::Error>
    where
        C: IntoIterator<Item: FromStr<Err: fmt::Display>> + FromIterator<C::Item>,
        D: Deserializer<'de>,
    {
        let texts = Vec::<String>::deserialize(deserializer)?.into_iter();
        texts.map(|text| text.parse().map_err(de::Error::custom)).collect()
    }
}
