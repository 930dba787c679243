//! Durations as Go's tools write them: `90s`, `1h30m`.

use std::time::Duration;

/// Go's units that anybody types, in seconds.
pub const UNITS: [(&str, f64); 4] = [("ms", 0.001), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];

/// A sum of numbers, each with one of `units` behind it; `None` where it is something else.
pub fn parse(text: &str, units: &[(&str, f64)]) -> Option<Duration> {
    let mut rest = text;
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        let unit_end = rest[end..]
            .find(|c: char| c.is_ascii_digit())
            .map_or(rest.len(), |at| end + at);
        let (_, seconds) = units.iter().find(|(unit, _)| *unit == &rest[end..unit_end])?;
        total = total.checked_add(Duration::try_from_secs_f64(number * seconds).ok()?)?;
        rest = &rest[unit_end..];
    }
    Some(total).filter(|_| !text.is_empty())
}

/// The two largest units of it, as kubectl shows ages: `6d4h`, `12h`, `59m30s`, `0s`.
pub fn show(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3600 % 24, "h"),
        (seconds / 60 % 60, "m"),
        (seconds % 60, "s"),
    ];
    let Some(first) = parts.iter().position(|(number, _)| *number > 0) else {
        return "0s".to_owned();
    };
    let shown = parts.iter().skip(first).take(2).filter(|(number, _)| *number > 0);
    let shown: Vec<_> = shown.map(|(number, unit)| format!("{number}{unit}")).collect();
    shown.concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_shown_by_their_two_largest_units() {
        for (seconds, shown) in [
            (0, "0s"),
            (59, "59s"),
            (3599, "59m59s"),
            (3600, "1h"),
            (43_200, "12h"),
            (43_199, "11h59m"),
            (90_061, "1d1h"),
            (86_460, "1d"),
        ] {
            assert_eq!(show(Duration::from_secs(seconds)), shown);
        }
    }
}
