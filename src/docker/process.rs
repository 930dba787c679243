//! Runs a credential helper with a time limit.

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::sys::env::Env;

/// Longest answer, in octets: a `list` of thousands, a token of tens of kilobytes.
const MAX_ANSWER: usize = 1024 * 1024;

/// Why a program gave no answer.
pub(super) enum RunError {
    Start(io::Error),
    TimedOut,
    TooLong,
}

/// Runs one action to its end, which comes after `limit` at the latest.
///
/// Its stdin and stdout are pipes. It stays in our process group: a `pinentry` that it starts may need the terminal.
pub(super) fn run(
    path: &Path,
    action: &str,
    input: &str,
    stderr: Stdio,
    env: &Env,
    limit: Duration,
) -> Result<(ExitStatus, Zeroizing<Vec<u8>>), RunError> {
    let end = Instant::now() + limit;
    let mut child = Command::new(path)
        .arg(action)
        .env_clear()
        .envs(env.iter())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(stderr)
        .spawn()
        .map_err(RunError::Start)?;
    let outcome = answer(&mut child, input.to_owned(), end);
    if outcome.is_err() {
        // What it started itself and left behind may go on; there is no telling whose that is.
        let _ = child.kill();
        let _ = child.wait();
    }
    outcome
}

fn answer(child: &mut Child, input: String, end: Instant) -> Result<(ExitStatus, Zeroizing<Vec<u8>>), RunError> {
    let (done, answered) = mpsc::channel();
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    // A thread, because pipes have no time limit. It ends with the last one who holds them.
    std::thread::spawn(move || {
        // A helper that is gone already says why on its stdout.
        let _ = stdin.map(|mut stdin| stdin.write_all(input.as_bytes()));
        // Room for all of it at once: a buffer that grows leaves copies of a token behind.
        let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_ANSWER + 1));
        if let Some(stdout) = stdout {
            let _ = stdout.take(MAX_ANSWER as u64 + 1).read_to_end(&mut bytes);
        }
        let _ = done.send(bytes);
    });
    let left = || end.saturating_duration_since(Instant::now());
    let bytes = answered.recv_timeout(left()).map_err(|_| RunError::TimedOut)?;
    if bytes.len() > MAX_ANSWER {
        return Err(RunError::TooLong);
    }
    // It has closed its stdout, which nearly always means that it is gone.
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok((status, bytes)),
            Ok(None) if !left().is_zero() => std::thread::sleep(Duration::from_millis(1)),
            Ok(None) => return Err(RunError::TimedOut),
            Err(cause) => return Err(RunError::Start(cause)),
        }
    }
}
