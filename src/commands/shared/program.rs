//! Runs a program for what it prints.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use crate::sys::env::Env;

/// Longest output that is read, in octets.
const MAX_OUTPUT: u64 = 4 * 1024 * 1024;

/// What a program prints, if it succeeds within `limit` and prints no more than any such program does. It has no terminal,
/// gets these variables besides the environment, and is killed when the time is over.
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
