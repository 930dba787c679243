//! Real parts: a test that needs one is reported as ignored where it is missing, never as passed.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use libtest_mimic::{Failed, Trial};

/// Set by `tests/run.sh` in CI: a missing part is then a failure.
const REQUIRE: &str = "REGCRED_TEST_REQUIRE_PARTS";

/// A program on `PATH`.
#[must_use]
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// A test that needs nothing but this process.
pub fn trial(name: &str, test: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        test();
        Ok(())
    })
}

/// A test on real parts, of which `missing` names those that are not here.
pub fn trial_with(name: &str, missing: &[&str], test: impl FnOnce() + Send + 'static) -> Trial {
    if missing.is_empty() {
        return trial(name, test);
    }
    let message = format!("missing: {}", missing.join(", "));
    let required = std::env::var_os(REQUIRE).is_some();
    Trial::test(name, move || Err(Failed::from(message))).with_ignored_flag(!required)
}

/// Those of `programs` that are not on `PATH`.
#[must_use]
pub fn missing<'a>(programs: &[&'a str]) -> Vec<&'a str> {
    programs
        .iter()
        .copied()
        .filter(|name| program(name).is_none())
        .collect()
}

/// How long a part may take to come up or go down, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until `condition` holds.
///
/// # Panics
/// Where it does not come to hold.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "{what}: not after {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(5));
    }
}
