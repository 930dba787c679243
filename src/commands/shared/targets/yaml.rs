//! Parses YAML files with errors that have a line and a column. No value is quoted in an error: it could be a token.

use std::fmt::{self, Display};
use std::str::FromStr;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{Error, Location, Spanned};

use crate::error::CommandError;
use crate::model::printable;

/// The longest key or parser message that is shown, in characters.
const MAX_SHOWN: usize = 120;
/// The most values in a file and their deepest nesting. An alias counts as the values that it refers to.
const MAX_VALUES: usize = 250_000;
const MAX_DEPTH: usize = 64;
/// The share of letters in which a key may differ to count as a misspelling.
const MAX_SLIP: f64 = 0.4;

/// How a file is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Our own format: duplicate keys are an error.
    Strict,
    /// Another tool's format: of duplicate keys the last one counts, as in Python.
    Lenient,
}

/// Parses one document.
pub(super) fn parse<T: DeserializeOwned>(text: &str, reading: Reading) -> Result<T, CommandError> {
    let options = serde_saphyr::options! {
        // A snippet would show the content of the file.
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_nodes: MAX_VALUES,
            max_depth: MAX_DEPTH,
        },
        // All our values are text, so scalars are not converted.
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        duplicate_keys: match reading {
            Reading::Strict => DuplicateKeyPolicy::Error,
            Reading::Lenient => DuplicateKeyPolicy::LastWins,
        },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| explained(&error))
}

/// A key in another tool's file, which may be of any scalar type.
pub(super) struct AnyKey(pub(super) Option<String>);

impl<'de> Deserialize<'de> for AnyKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyVisitor;
        impl<'de> Visitor<'de> for AnyVisitor {
            type Value = AnyKey;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key")
            }

            fn visit_str<E>(self, text: &str) -> Result<AnyKey, E> {
                Ok(AnyKey(Some(text.to_owned())))
            }

            fn visit_unit<E>(self) -> Result<AnyKey, E> {
                Ok(AnyKey(None))
            }

            fn visit_none<E>(self) -> Result<AnyKey, E> {
                Ok(AnyKey(None))
            }

            fn visit_bool<E>(self, _: bool) -> Result<AnyKey, E> {
                Ok(AnyKey(None))
            }

            fn visit_i64<E>(self, _: i64) -> Result<AnyKey, E> {
                Ok(AnyKey(None))
            }

            fn visit_u64<E>(self, _: u64) -> Result<AnyKey, E> {
                Ok(AnyKey(None))
            }

            fn visit_f64<E>(self, _: f64) -> Result<AnyKey, E> {
                Ok(AnyKey(None))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<AnyKey, A::Error> {
                IgnoredAny.visit_seq(seq).map(|_| AnyKey(None))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<AnyKey, A::Error> {
                IgnoredAny.visit_map(map).map(|_| AnyKey(None))
            }
        }
        deserializer.deserialize_any(AnyVisitor)
    }
}

/// Parses a value; an error has its line and column.
pub(super) fn value<T: FromStr<Err: Display>>(key: &str, text: &Spanned<String>) -> Result<T, CommandError> {
    text.value
        .parse()
        .map_err(|error| at(&text.referenced, format_args!("{key}: {error}")))
}

/// An error with a line and a column.
pub(super) fn at(place: &Location, what: impl Display) -> CommandError {
    let error = CommandError::failed(what);
    // Both count from 1; 0 means that the parser does not know them.
    if place.line() == 0 {
        return error;
    }
    error.on(format_args!("line {} column {}", place.line(), place.column()))
}

fn explained(error: &Error) -> CommandError {
    let what = match error {
        Error::SerdeUnknownField { field, expected, .. } => {
            let unknown = format!("unknown key `{}`", printable(field, MAX_SHOWN));
            match nearest(field, expected) {
                Some(known) => format!("{unknown}: did you mean `{known}`?"),
                None => format!("{unknown}: the known keys are {}", expected.join(", ")),
            }
        }
        Error::SerdeMissingField { field, .. } => format!("`{field}` is missing"),
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("the key `{}` is duplicated", printable(key, MAX_SHOWN))
        }
        Error::SerdeInvalidType { expected, .. } => format!("expected {}", printable(expected, MAX_SHOWN)),
        Error::Unexpected { expected, .. } => format!("expected {expected}"),
        Error::NullIntoString { .. } => "there is no value".to_owned(),
        Error::Budget { .. } => format!(
            "the file is too large: the limit is {MAX_VALUES} values, including keys, and {MAX_DEPTH} levels of nesting"
        ),
        Error::Eof { .. } => "the file ends too early".to_owned(),
        Error::MultipleDocuments { .. } => "more than one document".to_owned(),
        Error::ExternalMessage { msg, .. } => format!("not YAML: {}", printable(msg, MAX_SHOWN)),
        _ => "not allowed here".to_owned(),
    };
    match error.location() {
        Some(place) => at(&place, what),
        None => CommandError::failed(what),
    }
}

/// The known key that begins like this, or else the one that is most similar.
fn nearest<'a>(key: &str, known: &[&'a str]) -> Option<&'a str> {
    let mut longer = known.iter().filter(|other| key.len() > 2 && other.starts_with(key));
    if let (Some(only), None) = (longer.next(), longer.next()) {
        return Some(only);
    }
    let distance = |other: &str| strsim::damerau_levenshtein(&key.to_lowercase().replace('_', "-"), other);
    let (best, letters) = known
        .iter()
        .map(|other| (*other, distance(other)))
        .min_by_key(|(_, letters)| *letters)?;
    let length = u32::try_from(best.len().max(key.len())).ok()?;
    (f64::from(u32::try_from(letters).ok()?) <= f64::from(length) * MAX_SLIP).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_key_is_similar_enough_to_be_a_misspelling() {
        let known = ["registry", "username", "token-env", "secrets"];
        for (key, near) in [
            ("registyr", Some("registry")),
            ("Registry", Some("registry")),
            ("token_env", Some("token-env")),
            ("tokenEnv", Some("token-env")),
            ("secret", Some("secrets")),
            ("user", Some("username")),
            ("us", None),
            ("x", None),
            ("password", None),
        ] {
            assert_eq!(nearest(key, &known), near, "{key}");
        }
    }

    #[test]
    fn no_value_is_quoted() {
        for text in [
            "- s3cret",
            "{a: [s3cret",
            "\"s3cret",
            "a: &s3cret",
            "s3cret",
            "a: !!int s3cret",
            "a: *s3cret",
        ] {
            let error = parse::<std::collections::BTreeMap<String, Vec<u8>>>(text, Reading::Strict).unwrap_err();
            assert!(!error.to_string().contains("s3cret"), "{text}: {error}");
            assert!(error.to_string().starts_with("line 1 column "), "{text}: {error}");
        }
    }
}
