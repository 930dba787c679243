//! How a scenario is run: with its time, and once more where gnome-keyring aborted under it.

use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::time::Instant;

use libtest_mimic::{Failed, Trial};

use super::keyring;
use super::part::parts_are_required;

/// Adds how long it lived to the file that `REGCRED_TEST_TIMES` names: `SECONDS NAME`.
struct Timed(String, Instant);

impl Drop for Timed {
    fn drop(&mut self) {
        let Some(file) = std::env::var_os("REGCRED_TEST_TIMES") else {
            return;
        };
        let line = format!("{:.3} {}\n", self.1.elapsed().as_secs_f64(), self.0);
        let file = std::fs::OpenOptions::new().create(true).append(true).open(file);
        let _ = file.and_then(|mut file| file.write_all(line.as_bytes()));
    }
}

/// A test on real parts, of which `missing` names those that are not here. It is tried once more where gnome-keyring
/// aborted under it.
pub fn trial_with(name: &str, missing: &[&str], test: impl Fn() + Send + 'static) -> Trial {
    if missing.is_empty() {
        let named = name.to_owned();
        return Trial::test(name, move || {
            let _timed = Timed(named, Instant::now());
            let _earlier = keyring::has_aborted();
            // Nothing of a failed attempt is used again.
            match catch_unwind(AssertUnwindSafe(&test)) {
                Err(_) if keyring::has_aborted() => test(),
                Err(panic) => resume_unwind(panic),
                Ok(()) => {}
            }
            Ok(())
        });
    }
    let message = format!("missing: {}", missing.join(", "));
    Trial::test(name, move || Err(Failed::from(message))).with_ignored_flag(!parts_are_required())
}
