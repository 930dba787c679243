//! Numbers of things, for people.

use std::fmt::Display;

/// `1 Secret`, `2 Secrets`
pub fn show(count: impl Copy + Display + PartialEq + From<u8>, noun: &str) -> String {
    format!("{count} {}", self::noun(count, noun))
}

/// The noun as it stands after the number.
pub fn noun<N: Copy + PartialEq + From<u8>>(count: N, noun: &str) -> String {
    match noun.strip_suffix('y') {
        _ if count == N::from(1) => noun.to_owned(),
        Some(stem) => format!("{stem}ies"),
        None => format!("{noun}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_is_singular_and_everything_else_plural() {
        assert_eq!(
            [0_usize, 1, 2].map(|count| show(count, "Secret")),
            ["0 Secrets", "1 Secret", "2 Secrets"]
        );
        assert_eq!(
            [1_u64, 3].map(|count| noun(count, "registry")),
            ["registry", "registries"]
        );
    }
}
