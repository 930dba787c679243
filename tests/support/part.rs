//! Real parts: a test that needs one is reported as ignored where it is missing, never as passed.

use std::hash::{BuildHasher as _, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::{Duration, Instant};

/// Set by `tests/run.sh` in CI: a missing part is then a failure.
const REQUIRE: &str = "REGCRED_TEST_REQUIRE_PARTS";

/// A program that `tests/parts/clients.sh` made, or one on `PATH`.
#[must_use]
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    clients()
        .into_iter()
        .chain(std::env::split_paths(&path))
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// Where the clients are that no package holds: in the folder that `tests/run.sh` names, or in the cache.
fn clients() -> Option<PathBuf> {
    let named = std::env::var_os("REGCRED_TEST_CLIENTS").map(PathBuf::from);
    named.or_else(|| Some(cache()?.join("regcred/parts/clients")))
}

/// The user's cache, where parts are that were built once.
pub fn cache() -> Option<PathBuf> {
    let named = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    named.or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))
}

/// Whether everything has to be here, in the version that CI has.
#[must_use]
pub fn parts_are_required() -> bool {
    std::env::var_os(REQUIRE).is_some()
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

/// `ptrace`, where strace is here and the container forbids what it needs.
#[must_use]
pub fn ptrace() -> Vec<&'static str> {
    let works = Command::new("strace").args(["-o", "/dev/null", "true"]).output();
    match works {
        Ok(output) if !output.status.success() => vec!["ptrace"],
        _ => Vec::new(),
    }
}

/// Makes every trial of a series that the usual run takes a sample of: minutes of kills at every point.
const EXHAUSTIVE: &str = "REGCRED_TEST_EXHAUSTIVE";

/// Whether this run makes every trial of a series.
#[must_use]
pub fn is_exhaustive() -> bool {
    std::env::var_os(EXHAUSTIVE).is_some()
}

/// Whether the trial of this number in a series is made: each fifth one, or every one in the exhaustive run.
#[must_use]
pub fn is_in_sample(number: usize) -> bool {
    number.is_multiple_of(5) || is_exhaustive()
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

/// Loopback ports that were free a moment ago, and that this process gives nobody else.
///
/// They are below those that the kernel gives to connections that are made (`ip_local_port_range`), of which there are
/// thousands before a server that is told its port has come to listening there, or is started anew.
#[must_use]
pub fn free_ports<const N: usize>() -> [u16; N] {
    const FIRST: u16 = 12_000;
    const COUNT: u16 = 20_000;
    static NEXT: OnceLock<AtomicU16> = OnceLock::new();
    // Another process's tests begin elsewhere.
    let next = NEXT.get_or_init(|| {
        let start = RandomState::new().hash_one(FIRST) % u64::from(COUNT);
        AtomicU16::new(u16::try_from(start).unwrap())
    });
    std::array::from_fn(|_| {
        let mut candidates = (0..COUNT).map(|_| FIRST + next.fetch_add(1, Ordering::Relaxed) % COUNT);
        let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
        candidates.find(is_free).unwrap()
    })
}
