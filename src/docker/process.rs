//! Runs a credential helper with a time limit.

use std::io::{self, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use crate::sys::env::Env;
use crate::sys::secret_buffer;

/// Longest answer in octets; enough for a `list` of thousands or a token of tens of kilobytes.
const MAX_ANSWER: usize = 1024 * 1024;
/// Enough for nearly every answer, in octets.
const USUAL_ANSWER: usize = 4 * 1024;

/// Why a program did not answer.
pub(super) enum RunError {
    Start(io::Error),
    TimedOut,
    TooLong,
}

/// Runs one action and waits for it, at most for `limit`.
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
        // Its own child processes may go on; we cannot know them.
        let _ = child.kill();
        let _ = child.wait();
    }
    outcome
}

fn answer(child: &mut Child, input: String, end: Instant) -> Result<(ExitStatus, Zeroizing<Vec<u8>>), RunError> {
    let (done, answered) = mpsc::channel();
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    // In a thread, because reading a pipe has no time limit. It ends when all holders have closed the pipe.
    std::thread::spawn(move || {
        // Ignored: a helper that has already ended reports the reason on its stdout.
        let _ = stdin.map(|mut stdin| stdin.write_all(input.as_bytes()));
        let answer = stdout.map(|mut stdout| secret_buffer::read(&mut stdout, USUAL_ANSWER, MAX_ANSWER));
        // What cannot be read is no answer.
        let _ = done.send(
            answer
                .and_then(Result::ok)
                .unwrap_or_else(|| Some(Zeroizing::default())),
        );
    });
    let left = || end.saturating_duration_since(Instant::now());
    let bytes = answered.recv_timeout(left()).map_err(|_| RunError::TimedOut)?;
    let bytes = bytes.ok_or(RunError::TooLong)?;
    // It has closed its stdout, so it has ended or will soon.
    loop {
        match child.try_wait() {
            Ok(Some(status)) => return Ok((status, bytes)),
            Ok(None) if !left().is_zero() => std::thread::sleep(Duration::from_millis(1)),
            Ok(None) => return Err(RunError::TimedOut),
            Err(cause) => return Err(RunError::Start(cause)),
        }
    }
}
