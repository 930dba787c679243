//! Runs a program and reads its output.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use crate::sys::env::Env;

/// The longest output that is read, in octets.
const MAX_OUTPUT: u64 = 4 * 1024 * 1024;

/// The output of a program, if it succeeds within `limit` and its output is not too long. It runs without a terminal,
/// gets these variables in addition to the environment, and is killed at the time limit.
pub(in crate::commands) async fn printed(
    program: &Path,
    args: &[&OsStr],
    env: &Env,
    variables: &[(&str, &str)],
    limit: Duration,
) -> Option<String> {
    let mut command = Command::new(program);
    command
        .args(args)
        .env_clear()
        .envs(env.iter())
        .envs(variables.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let output = async {
        let mut child = command.spawn().ok()?;
        let mut text = String::new();
        let mut stdout = child.stdout.take()?.take(MAX_OUTPUT + 1);
        stdout.read_to_string(&mut text).await.ok()?;
        let is_whole = text.len() as u64 <= MAX_OUTPUT;
        (is_whole && child.wait().await.ok()?.success()).then_some(text)
    };
    tokio::time::timeout(limit, output).await.ok()?
}
