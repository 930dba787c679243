//! YAML files that people write: what is wrong, and where. Nothing of a value is quoted: it could be a token.

use std::fmt::{self, Display};
use std::str::FromStr;

use serde::Deserialize;
use serde::de::{DeserializeOwned, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};
use serde_saphyr::{Error, Location, Spanned};

use crate::error::CommandError;
use crate::model::printable;

/// Longest key, and longest text of the parser, that is shown, in characters.
const MAX_SHOWN: usize = 120;
/// Values that are read of one file, and how deep they may be nested. An alias counts as what it stands for.
const MAX_VALUES: usize = 250_000;
const MAX_DEPTH: usize = 64;
/// A key that differs in more letters than this share of it is another word, not a slip.
const MAX_SLIP: f64 = 0.4;

/// How a file is read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// Ours: a key that stands there twice is a mistake.
    Strict,
    /// Another tool's, which has its own opinion on what is in it: Python takes the last of two keys.
    Lenient,
}

/// Reads one document.
pub(super) fn parse<T: DeserializeOwned>(text: &str, reading: Reading) -> Result<T, CommandError> {
    let options = serde_saphyr::options! {
        // A snippet of the file would show what is in it.
        with_snippet: false,
        budget: serde_saphyr::budget! {
            max_nodes: MAX_VALUES,
            max_depth: MAX_DEPTH,
        },
        // Nothing of ours is a number.
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        duplicate_keys: match reading {
            Reading::Strict => DuplicateKeyPolicy::Error,
            Reading::Lenient => DuplicateKeyPolicy::LastWins,
        },
    };
    serde_saphyr::from_str_with_options(text, options).map_err(|error| explained(&error))
}

/// A key of a file that is another tool's: text, or anything else that YAML lets stand there.
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

/// A value that cannot be meant, at its place.
pub(super) fn value<T: FromStr<Err: Display>>(key: &str, text: &Spanned<String>) -> Result<T, CommandError> {
    text.value
        .parse()
        .map_err(|error| at(&text.referenced, format_args!("{key}: {error}")))
}

/// An error at a place of the file.
pub(super) fn at(place: &Location, what: impl Display) -> CommandError {
    let error = CommandError::failed(what);
    // Both count from 1; 0 is where the parser lost the place.
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
                None => format!("{unknown}: known here are {}", expected.join(", ")),
            }
        }
        Error::SerdeMissingField { field, .. } => format!("`{field}` is missing"),
        Error::DuplicateMappingKey { key: Some(key), .. } => {
            format!("the key `{}` stands there twice", printable(key, MAX_SHOWN))
        }
        Error::SerdeInvalidType { expected, .. } => format!("something else than {}", printable(expected, MAX_SHOWN)),
        Error::Unexpected { expected, .. } => format!("something else than {expected}"),
        Error::NullIntoString { .. } => "there is no value".to_owned(),
        Error::Budget { .. } => format!(
            "more than is read of one file: {MAX_VALUES} values, keys among them, nested in each other {MAX_DEPTH} times"
        ),
        Error::Eof { .. } => "the file ends too early".to_owned(),
        Error::MultipleDocuments { .. } => "more than one document".to_owned(),
        Error::ExternalMessage { msg, .. } => format!("not YAML: {}", printable(msg, MAX_SHOWN)),
        _ => "not what can stand here".to_owned(),
    };
    match error.location() {
        Some(place) => at(&place, what),
        None => CommandError::failed(what),
    }
}

/// The known key that was probably meant.
fn nearest<'a>(key: &str, known: &[&'a str]) -> Option<&'a str> {
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
    fn the_nearest_key_is_one_that_could_have_been_meant() {
        let known = ["registry", "username", "token-env", "secrets"];
        for (key, near) in [
            ("registyr", Some("registry")),
            ("Registry", Some("registry")),
            ("token_env", Some("token-env")),
            ("tokenEnv", Some("token-env")),
            ("secret", Some("secrets")),
            ("user", None),
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
