//! `--request-timeout`, as kubectl has it.

use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use crate::model::duration;

/// How long one request may take, as kubectl's `--request-timeout`: `0`, whole seconds, or a duration such as `1m30s`.
///
/// Without the flag kubectl waits for ever; here it is a minute, because no request of ours lasts longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestTimeout(Option<Duration>);

/// A text that is no duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a timeout is 0 (none), a number of seconds, or a duration such as 5s, 1m30s or 2h")]
pub struct RequestTimeoutError;

impl Default for RequestTimeout {
    fn default() -> Self {
        Self(Some(Duration::from_secs(60)))
    }
}

impl RequestTimeout {
    /// The time, if it is limited.
    #[must_use]
    pub fn limit(self) -> Option<Duration> {
        self.0
    }
}

impl FromStr for RequestTimeout {
    type Err = RequestTimeoutError;

    fn from_str(text: &str) -> Result<Self, RequestTimeoutError> {
        let total = if let Ok(seconds) = text.parse::<u32>() {
            Duration::from_secs(seconds.into())
        } else {
            duration::parse(text, &duration::UNITS).ok_or(RequestTimeoutError)?
        };
        Ok(Self(Some(total).filter(|total| !total.is_zero())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_kubectls() {
        for (text, seconds) in [
            ("5", 5.0),
            ("5s", 5.0),
            ("1m", 60.0),
            ("1m30s", 90.0),
            ("1.5h", 5400.0),
            ("250ms", 0.25),
        ] {
            let limit = text.parse::<RequestTimeout>().unwrap().limit().unwrap();
            assert!((limit.as_secs_f64() - seconds).abs() < 1e-9, "{text}");
        }
        for text in ["0", "0s"] {
            assert_eq!(text.parse::<RequestTimeout>().unwrap().limit(), None);
        }
        for text in [
            "",
            "s",
            "5x",
            "-5",
            "1m30",
            "1..5s",
            "99999999999999999999h",
            "5 s",
            "inf",
        ] {
            assert_eq!(text.parse::<RequestTimeout>(), Err(RequestTimeoutError), "{text}");
        }
    }
}
