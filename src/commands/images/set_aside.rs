//! The names of what is set aside: a tag of ours in the same image keeps the manifest and its layers, until it is restored
//! or deleted for good. The name alone tells what it was and since when, so that every machine finds it again.

use k8s_openapi::jiff::civil::DateTime;
use k8s_openapi::jiff::{Timestamp, tz::TimeZone};

use crate::model::{Digest, Tag, Version};

/// Begins the name of a tag that is set aside: `regcred-trash.20261128101500.1.2.3`.
const OF_TAG: &str = "regcred-trash.";
/// Begins the name of a manifest without a tag: `regcred-trash-digest.20261128101500.<64 hexadecimal digits>`.
const OF_DIGEST: &str = "regcred-trash-digest.";
/// The time in these names, in UTC.
const TIME: &str = "%Y%m%d%H%M%S";
const TIME_LENGTH: usize = 14;

/// What a name of ours says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SetAside {
    /// What it was before.
    pub original: Version,
    /// Since when, by the clock of the machine that did it.
    pub since: Timestamp,
}

impl SetAside {
    /// Reads a tag; `None` for one that is not set aside.
    pub fn parse(tag: &Tag) -> Option<Self> {
        let (rest, is_digest) = match tag.as_str().strip_prefix(OF_DIGEST) {
            Some(rest) => (rest, true),
            None => (tag.as_str().strip_prefix(OF_TAG)?, false),
        };
        let (time, original) = rest.split_once('.')?;
        if time.len() != TIME_LENGTH {
            return None;
        }
        let since = DateTime::strptime(TIME, time).ok()?;
        Some(Self {
            since: since.to_zoned(TimeZone::UTC).ok()?.timestamp(),
            original: if is_digest {
                Version::Digest(format!("sha256:{original}").parse::<Digest>().ok()?)
            } else {
                Version::Tag(original.parse().ok()?)
            },
        })
    }

    /// The name for it; `None` if a tag cannot be that long.
    pub fn name(&self) -> Option<Tag> {
        let time = self.since.strftime(TIME);
        let name = match &self.original {
            Version::Tag(tag) => format!("{OF_TAG}{time}.{tag}"),
            Version::Digest(digest) => format!("{OF_DIGEST}{time}.{}", digest.as_str().strip_prefix("sha256:")?),
        };
        name.parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_back() {
        let since: Timestamp = "2026-11-28T10:15:00Z".parse().unwrap();
        let digest = Digest::of(b"manifest");
        for (original, name) in [
            (
                Version::Tag("1.2.3".parse().unwrap()),
                "regcred-trash.20261128101500.1.2.3".to_owned(),
            ),
            (
                Version::Tag("sha256-0a.sig".parse().unwrap()),
                "regcred-trash.20261128101500.sha256-0a.sig".to_owned(),
            ),
            (
                Version::Digest(digest.clone()),
                format!("regcred-trash-digest.20261128101500.{}", &digest.as_str()[7..]),
            ),
        ] {
            let aside = SetAside { original, since };
            let made = aside.name().unwrap();
            assert_eq!(made.as_str(), name);
            assert_eq!(made.as_str(), made.as_str().to_lowercase(), "Gitea would change it");
            assert_eq!(SetAside::parse(&made), Some(aside));
        }
    }

    #[test]
    fn a_name_that_would_be_too_long_is_none() {
        let of = |length: usize| SetAside {
            original: Version::Tag("a".repeat(length).parse().unwrap()),
            since: Timestamp::UNIX_EPOCH,
        };
        assert_eq!(of(99).name().unwrap().as_str().len(), 128);
        assert_eq!(of(100).name(), None);
    }

    #[test]
    fn other_tags_are_not_taken_for_ours() {
        for tag in [
            "1.2.3",
            "regcred-trash",
            "regcred-trash.1",
            "regcred-trash.20261128.1",
            "regcred-trash.20261328101500.1",
            "regcred-trash.20261128101500",
            "regcred-trash.20261128101500.",
            "regcred-trash.20261128101500..1",
            "regcred-trash-digest.20261128101500.1",
            "x-regcred-trash.20261128101500.1",
        ] {
            assert_eq!(SetAside::parse(&tag.parse().unwrap()), None, "{tag}");
        }
    }
}
