//! Backoff after write conflicts.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// The longest pause.
const LONGEST: Duration = Duration::from_millis(500);

/// Pauses that double, up to half a second, each of them cut by chance to between a half and the whole: two writers that met once
/// do not meet again at every try.
pub struct Backoff {
    next: Duration,
}

impl Backoff {
    /// The first pause is about `first`.
    pub fn new(first: Duration) -> Self {
        Self { next: first }
    }

    pub async fn pause(&mut self) {
        let pause = jittered(self.next);
        self.next = (self.next * 2).min(LONGEST);
        tokio::time::sleep(pause).await;
    }
}

/// A pause cut by chance to between a half and the whole.
pub fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.5 + 0.5 * chance())
}

/// From 0 to 1, and different each time: the standard library seeds its hash maps so.
fn chance() -> f64 {
    let [byte, ..] = RandomState::new().hash_one(()).to_le_bytes();
    f64::from(byte) / 255.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_a_part_of_one_and_varies() {
        let drawn: Vec<_> = (0..64).map(|_| chance()).collect();
        assert!(drawn.iter().all(|part| (0.0..=1.0).contains(part)));
        assert!(drawn.iter().any(|part| (part - drawn[0]).abs() > 0.01));
    }
}
