//! Since when the keychain has had each token: a member of the item's secret and, where the store has attributes, one of
//! those, so that listing reads no secret.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::item::{ROTATION, Secret};
use crate::model::{Registry, Token};

/// The member, and the attribute: seconds since 1970.
pub(super) const SINCE: &str = "since";
/// The path of the same for the second token of a rotation.
const OF_OTHER: [&str; 2] = [ROTATION, SINCE];

impl Secret {
    /// Since when the current token is kept; `None` for one that an earlier version of this program stored.
    pub(super) fn since(&self) -> Option<SystemTime> {
        parse(self.0.get(&[SINCE])?)
    }

    /// Notes since when its tokens are kept. One that was there `before` keeps its time.
    pub(super) fn date(&mut self, before: Option<&Self>, registry: &Registry, now: SystemTime) {
        let known: Vec<_> = before.map_or_else(Vec::new, |before| {
            let tokens = before.with_paths(registry).into_iter();
            tokens
                .map(|(token, path)| (token, before.0.get(path).and_then(parse)))
                .collect()
        });
        for (token, path) in self.with_paths(registry) {
            let since = match known.iter().find(|(other, _)| *other == token) {
                Some((_, since)) => *since,
                None => Some(now),
            };
            match since.and_then(seconds) {
                Some(seconds) => self.0.set(path, &seconds.to_string()).map(drop),
                None => self.0.remove(path).map(drop),
            }
            .expect("the document is an object");
        }
    }

    /// Whether both hold the same, whenever each keychain got it.
    pub(super) fn agrees_with(&self, other: &Self) -> bool {
        let undated = |secret: &Self| {
            let mut secret = secret.clone();
            for path in [&[SINCE][..], &OF_OTHER[..]] {
                // Without a rotation there is no second path.
                let _ = secret.0.remove(path);
            }
            secret
        };
        undated(self) == undated(other)
    }

    /// Its tokens, with the path of the member that says since when each is kept.
    fn with_paths(&self, registry: &Registry) -> Vec<(Token, &'static [&'static str])> {
        let other = self.rotation(registry).ok().flatten().and_then(|found| found.other);
        let current = self.credential(registry).map(|found| (found.token, &[SINCE][..]));
        current
            .into_iter()
            .chain(other.map(|found| (found.token, &OF_OTHER[..])))
            .collect()
    }
}

/// As the member and the attribute have it.
pub(super) fn seconds(since: SystemTime) -> Option<u64> {
    Some(since.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

pub(super) fn parse(text: &str) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::from_secs(text.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keychain::{Keychain, Name, Rotation, StoredItem};
    use crate::model::rotation::Phase;
    use crate::model::{Credential, Use};

    fn registry() -> Registry {
        "gitea.example.com".parse().unwrap()
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn secret(text: &str) -> Secret {
        Secret::parse(text.as_bytes().to_vec()).unwrap()
    }

    #[test]
    fn a_token_keeps_its_time_wherever_it_is_in_the_item() {
        let mut first = secret(r#"{"username":"a","token":"one"}"#);
        first.date(None, &registry(), at(100));
        assert_eq!(first.since(), Some(at(100)));

        let rotating = r#"{"username":"a","token":"one","rotation":{"phase":"writing","username":"a","token":"two","journal":{}}}"#;
        let mut writing = secret(rotating);
        writing.date(Some(&first), &registry(), at(200));
        assert_eq!(writing.since(), Some(at(100)));

        let promoted = rotating
            .replace("one", "x")
            .replace("two", "one")
            .replace("\"x\"", "\"two\"");
        let mut promoted = secret(&promoted.replace("writing", "promoted"));
        promoted.date(Some(&writing), &registry(), at(300));
        assert_eq!(promoted.since(), Some(at(200)));

        let mut back = secret(r#"{"username":"b","token":"one"}"#);
        back.date(Some(&promoted), &registry(), at(400));
        assert_eq!(back.since(), Some(at(100)));
    }

    #[test]
    fn what_an_earlier_version_stored_has_no_time() {
        let before = secret(r#"{"username":"a","token":"one"}"#);
        let mut after = secret(r#"{"username":"b","token":"one","since":7}"#);
        after.date(Some(&before), &registry(), at(100));
        assert_eq!(after.since(), None);
        for since in ["\"x\"", "-1", "18446744073709551616", "1.5"] {
            let text = format!(r#"{{"username":"a","token":"one","since":{since}}}"#);
            assert_eq!(secret(&text).since(), None, "{since}");
        }
    }

    #[test]
    fn the_list_says_since_when_a_token_is_kept() {
        let keychain = Keychain::with_store(keyring_core::sample::Store::new().unwrap());
        let credential = |token: &str| Credential {
            registry: registry(),
            username: "a".parse().unwrap(),
            token: Token::verbatim(token.to_owned()),
        };
        let before = seconds(SystemTime::now())
            .and_then(|now| parse(&now.to_string()))
            .unwrap();
        keychain.put(Use::Docker, &credential("one")).unwrap();
        let since = keychain.list().unwrap()[0].since.unwrap();
        assert!(since >= before && since <= SystemTime::now());

        let name = Name::login(&registry(), Use::Docker);
        let item = StoredItem {
            current: credential("one"),
            rotation: None,
        };
        let rotating = StoredItem {
            rotation: Some(Rotation {
                phase: Phase::Writing,
                other: Some(credential("two")),
                journal: "{}".to_owned(),
            }),
            ..item.clone()
        };
        keychain.replace(&name, &item, &rotating).unwrap();
        assert_eq!(
            keychain.item(&name).unwrap(),
            Some(rotating),
            "the time is in nobody's way"
        );
        assert_eq!(keychain.list().unwrap()[0].since, Some(since));
    }
}
