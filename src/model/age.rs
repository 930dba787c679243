//! How old a token is, and how old it may get.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use super::duration;

const HOUR: u64 = 3_600;
const DAY: u64 = 24 * HOUR;
/// Up to this age it is shown in hours.
const IN_HOURS: u64 = 2 * DAY;
const WEEK: f64 = 604_800.0;

/// The age that a token may reach: `90d`, `12h`, `2w`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct MaxAge(Duration);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an age is a number with a unit, such as 90d, 12w or 36h")]
pub struct MaxAgeError;

impl MaxAge {
    pub fn duration(self) -> Duration {
        self.0
    }
}

impl FromStr for MaxAge {
    type Err = MaxAgeError;

    fn from_str(text: &str) -> Result<Self, MaxAgeError> {
        let units = [&duration::UNITS[..], &[("d", 86_400.0), ("w", WEEK)]].concat();
        let whole = duration::parse(text, &units).map(|age| Duration::from_secs(age.as_secs()));
        whole.filter(|age| !age.is_zero()).map(Self).ok_or(MaxAgeError)
    }
}

impl fmt::Display for MaxAge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&duration::show(self.0))
    }
}

/// Shows an age in days, as tokens live for months: `92d`, `30h`, `<1h`.
pub fn show(age: Duration) -> String {
    match age.as_secs() {
        seconds if seconds < HOUR => "<1h".to_owned(),
        seconds if seconds < IN_HOURS => format!("{}h", seconds / HOUR),
        seconds => format!("{}d", seconds / DAY),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_age_is_a_number_with_a_unit() {
        for (text, seconds, shown) in [
            ("90d", 90 * DAY, "90d"),
            ("12w", 84 * DAY, "84d"),
            ("36h", 36 * HOUR, "1d12h"),
            ("1d12h", 36 * HOUR, "1d12h"),
            ("30s", 30, "30s"),
        ] {
            let age: MaxAge = text.parse().unwrap();
            assert_eq!((age.duration().as_secs(), age.to_string().as_str()), (seconds, shown));
        }
        for text in ["", "90", "0d", "500ms", "-1d", "3 months", "1y"] {
            assert_eq!(text.parse::<MaxAge>(), Err(MaxAgeError), "{text}");
        }
    }

    #[test]
    fn ages_are_shown_in_days() {
        for (seconds, shown) in [
            (0, "<1h"),
            (HOUR, "1h"),
            (47 * HOUR, "47h"),
            (2 * DAY, "2d"),
            (92 * DAY + HOUR, "92d"),
        ] {
            assert_eq!(show(Duration::from_secs(seconds)), shown);
        }
    }
}
