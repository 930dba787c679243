//! Programs that serve a test, in the background.

use std::ffi::OsStr;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Runs a program until the standard input ends, which it does however this process ends.
const KEEPER: &str = r#"exec 3<&0; "$@" </dev/null 3<&- & server=$!
trap 'kill -9 $server 2>/dev/null' EXIT INT TERM; cat <&3 >/dev/null"#;

/// A program that runs until this is dropped, or this process ends. It gets no chance to clean up.
pub struct Background(Child);

impl Background {
    /// Starts it; what it says goes to `log`.
    pub fn start(program: &Path, arguments: &[impl AsRef<OsStr>], log: &Path) -> Self {
        let log = File::create(log).unwrap();
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn();
        Self(keeper.unwrap())
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
