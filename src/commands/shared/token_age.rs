//! How old a token is: by its server where that tells, else since when it is kept here.

use std::time::{Duration, SystemTime};

use k8s_openapi::jiff::Timestamp;

use crate::ledger::KnownToken;
use crate::model::{MaxAge, age};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::commands) struct TokenAge {
    /// When its server made it.
    created: Option<Timestamp>,
    /// Since when it is kept here: it is at least that old.
    kept: Option<Timestamp>,
}

impl TokenAge {
    /// With what the keychain knows.
    pub(in crate::commands) fn kept(since: Option<SystemTime>) -> Self {
        Self {
            created: None,
            kept: since.and_then(|since| Timestamp::try_from(since).ok()),
        }
    }

    /// The same, with what the ledger knows of this token.
    pub(in crate::commands) fn and_remembered(self, known: Option<&KnownToken>) -> Self {
        let remembered = known.map(|token| token.since);
        Self {
            created: self.created.or(known.and_then(|token| token.created)),
            kept: self.kept.into_iter().chain(remembered).min(),
        }
    }

    /// The same, with what the server says.
    pub(in crate::commands) fn and_created(self, created: Option<Timestamp>) -> Self {
        Self {
            created: created.or(self.created),
            ..self
        }
    }

    pub(in crate::commands) fn created(self) -> Option<Timestamp> {
        self.created
    }

    /// When it was made, or since when it is kept; `None` if nobody knows.
    pub(in crate::commands) fn since(self) -> Option<Timestamp> {
        self.created.or(self.kept)
    }

    /// A time of tomorrow is a clock that is wrong.
    pub(in crate::commands) fn age(self, now: Timestamp) -> Option<Duration> {
        let age = now.duration_since(self.since()?);
        Some(Duration::try_from(age).unwrap_or_default())
    }

    /// Whether it is older than that; `None` if nobody knows.
    pub(in crate::commands) fn exceeds(self, limit: MaxAge, now: Timestamp) -> Option<bool> {
        Some(self.age(now)? > limit.duration())
    }

    /// As a cell of a table.
    pub(in crate::commands) fn shown(self, now: Timestamp) -> String {
        self.age(now).map_or_else(|| "-".to_owned(), age::show)
    }

    /// In a sentence about it: `it is 92d old`.
    pub(in crate::commands) fn sentence(self, now: Timestamp) -> String {
        match (self.age(now), self.created) {
            (None, _) => "its age is not known".to_owned(),
            (Some(age), Some(_)) => format!("it is {} old", age::show(age)),
            (Some(age), None) => format!("it has been kept here for {}", age::show(age)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).unwrap()
    }

    fn kept(seconds: u64) -> TokenAge {
        TokenAge::kept(Some(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)))
    }

    #[test]
    fn the_server_knows_better_than_the_keychain() {
        let day = 86_400;
        let now = at(100 * day);
        let limit: MaxAge = "90d".parse().unwrap();
        let young = kept(50 * 86_400);
        assert_eq!(young.exceeds(limit, now), Some(false));
        assert_eq!(young.sentence(now), "it has been kept here for 50d");
        let old = young.and_created(Some(at(5 * day)));
        assert_eq!(old.exceeds(limit, now), Some(true));
        assert_eq!(old.sentence(now), "it is 95d old");
        assert_eq!(old.and_created(None), old);
        assert_eq!(
            young.and_created(Some(at(10 * day))).exceeds(limit, now),
            Some(false),
            "exactly 90 days"
        );
    }

    #[test]
    fn an_age_that_nobody_knows_is_none() {
        let unknown = TokenAge::default();
        assert_eq!(unknown.exceeds("90d".parse().unwrap(), at(0)), None);
        assert_eq!(
            (unknown.shown(at(0)).as_str(), unknown.sentence(at(0)).as_str()),
            ("-", "its age is not known")
        );
        assert_eq!(kept(100).shown(at(0)), "<1h", "a clock that is wrong");
    }
}
