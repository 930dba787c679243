//! What the user wants to go, as flags say it.

use std::str::FromStr;

use k8s_openapi::jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::model::{Repository, Version, duration, serde_text};

/// Whoever pushed something this recently may not have deployed it yet.
pub const JUST_PUSHED: SignedDuration = SignedDuration::from_hours(2);
/// How long a pattern may be: longer than the longest tag.
const MAX_PATTERN: usize = 512;

/// Which tags may go, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Rules {
    /// How many tags of each image stay, newest first.
    pub keep: usize,
    #[serde(with = "serde_text::option", default, skip_serializing_if = "Option::is_none")]
    pub older_than: Option<Age>,
    #[serde(rename = "match", with = "serde_text::each", default)]
    pub matching: Vec<Pattern>,
    #[serde(with = "serde_text::each", default)]
    pub exclude: Vec<Pattern>,
    /// How long something is set aside before it is deleted; none deletes at once.
    #[serde(with = "serde_text")]
    pub grace: Age,
}

impl Rules {
    /// Whether the flags leave it out of this run.
    pub fn left_out(&self, repository: &Repository, version: &Version) -> Option<LeftOut> {
        if self.exclude.iter().any(|pattern| pattern.matches(repository, version)) {
            return Some(LeftOut::Excluded);
        }
        let is_meant =
            self.matching.is_empty() || self.matching.iter().any(|pattern| pattern.matches(repository, version));
        (!is_meant).then_some(LeftOut::NotMatched)
    }

    /// Whether something that was pushed then is too young to go.
    pub fn is_young(&self, pushed: Timestamp, now: Timestamp) -> bool {
        let oldest = self.older_than.map_or(SignedDuration::ZERO, |age| age.0);
        now.duration_since(pushed) < oldest
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftOut {
    Excluded,
    NotMatched,
}

/// A time span in days, hours, minutes and seconds: `30d`, `12h`, `0`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Age(pub SignedDuration);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a time span is a number with d, h, m or s after it, such as 30d or 12h; 0 is none")]
pub struct AgeError;

impl FromStr for Age {
    type Err = AgeError;

    fn from_str(text: &str) -> Result<Self, AgeError> {
        const UNITS: [(&str, f64); 4] = [("d", 86_400.0), ("h", 3600.0), ("m", 60.0), ("s", 1.0)];
        if text == "0" {
            return Ok(Self(SignedDuration::ZERO));
        }
        let parsed = duration::parse(text, &UNITS).ok_or(AgeError)?;
        SignedDuration::try_from(parsed).map(Self).map_err(|_| AgeError)
    }
}

impl std::fmt::Display for Age {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&duration::show(self.0.unsigned_abs()))
    }
}

/// A glob for a tag, `pr-*`, or for an image and its tag, `*/api:pr-*`: `*` is any text, `?` any character.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern(String);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a pattern is not empty, and has at most {MAX_PATTERN} characters")]
pub struct PatternError;

impl FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        if text.is_empty() || text.len() > MAX_PATTERN {
            return Err(PatternError);
        }
        Ok(Self(text.to_owned()))
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl Pattern {
    fn matches(&self, repository: &Repository, version: &Version) -> bool {
        // Gitea keeps tags in lower case.
        let glob = self.0.to_lowercase();
        if glob.contains(':') {
            let separator = if matches!(version, Version::Tag(_)) { ':' } else { '@' };
            return is_match(
                glob.as_bytes(),
                format!("{repository}{separator}{version}").to_lowercase().as_bytes(),
            );
        }
        is_match(glob.as_bytes(), version.as_str().to_lowercase().as_bytes())
    }
}

/// Only the last star is ever tried again, so that the number of steps is bounded.
fn is_match(glob: &[u8], text: &[u8]) -> bool {
    let (mut at, mut done) = (0, 0);
    // The position after the last star, and that in the text.
    let mut star = None;
    while done < text.len() {
        match glob.get(at) {
            Some(b'*') => {
                at += 1;
                star = Some((at, done));
            }
            Some(&byte) if byte == b'?' || byte == text[done] => {
                at += 1;
                done += 1;
            }
            _ => {
                let Some((behind, from)) = star else { return false };
                star = Some((behind, from + 1));
                (at, done) = (behind, from + 1);
            }
        }
    }
    glob[at..].iter().all(|byte| *byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_globs_of_a_tag_or_of_an_image_and_its_tag() {
        let repository: Repository = "admin/team/api".parse().unwrap();
        for (pattern, tag, is_meant) in [
            ("pr-*", "pr-17", true),
            ("PR-*", "pr-17", true),
            ("pr-?", "pr-17", false),
            ("pr-??", "pr-17", true),
            ("*17", "pr-17", true),
            ("*", "pr-17", true),
            ("p*-*7*", "pr-17", true),
            ("pr", "pr-17", false),
            ("pr-17", "pr-17", true),
            ("admin/*:pr-*", "pr-17", true),
            ("*/api:pr-*", "pr-17", true),
            ("*/web:pr-*", "pr-17", false),
            ("*a*a*a*a*a*a*a*a*b", &"a".repeat(100), false),
        ] {
            let version = Version::Tag(tag.parse().unwrap());
            let pattern: Pattern = pattern.parse().unwrap();
            assert_eq!(pattern.matches(&repository, &version), is_meant, "{pattern} {tag}");
        }
        assert_eq!("".parse::<Pattern>(), Err(PatternError));
    }

    #[test]
    fn time_spans_have_days() {
        for (text, seconds, shown) in [
            ("30d", 2_592_000, "30d"),
            ("1d12h", 129_600, "1d12h"),
            ("0", 0, "0s"),
            ("0s", 0, "0s"),
            ("90m", 5400, "1h30m"),
        ] {
            let age: Age = text.parse().unwrap();
            assert_eq!(age.0.as_secs(), seconds, "{text}");
            assert_eq!(age.to_string(), shown);
            assert_eq!(shown.parse(), Ok(age));
        }
        for text in ["", "30", "d", "-1d", "1w", "1 d", "99999999999999999999d"] {
            assert_eq!(text.parse::<Age>(), Err(AgeError), "{text}");
        }
    }
}
