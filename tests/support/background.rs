//! Programs that serve a test, in the background.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use super::part::until;

/// Runs a program until the standard input ends, which it does however this process ends. The file `$0` gets its number.
const KEEPER: &str = r#"exec 3<&0; "$@" </dev/null 3<&- & server=$!
trap 'kill -9 $server 2>/dev/null; wait $server' EXIT INT TERM; echo $server >"$0"; cat <&3 >/dev/null"#;

/// A program that runs until this is dropped, or this process ends. It gets no chance to clean up.
pub struct Background {
    keeper: Child,
    program: PathBuf,
    arguments: Vec<OsString>,
    log: PathBuf,
}

impl Background {
    /// Starts it; what it says goes to `log`.
    pub fn start(program: &Path, arguments: &[impl AsRef<OsStr>], log: &Path) -> Self {
        let arguments: Vec<OsString> = arguments.iter().map(|one| one.as_ref().to_owned()).collect();
        Self {
            keeper: keep(program, &arguments, log),
            program: program.to_owned(),
            arguments,
            log: log.to_owned(),
        }
    }

    /// Starts it anew, with the same arguments; the log begins anew too.
    pub fn restart(&mut self) {
        self.stop();
        self.keeper = keep(&self.program, &self.arguments, &self.log);
    }

    /// The number of its process.
    pub fn process(&self) -> Process {
        let file = number_beside(&self.log);
        let mut number = None;
        until("the program has a number", || {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            number = text.strip_suffix('\n').map(|text| text.parse().unwrap());
            number.is_some()
        });
        Process(number.unwrap())
    }

    fn stop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

fn keep(program: &Path, arguments: &[OsString], log: &Path) -> Child {
    let number = number_beside(log);
    let _ = std::fs::remove_file(&number);
    let log = File::create(log).unwrap();
    // What is set here would configure some of them: ETCD_…, GITEA_…, proxies.
    let kept = ["PATH", "HOME", "TMPDIR"].map(|name| (name, std::env::var_os(name)));
    let kept = kept.into_iter().filter_map(|(name, value)| Some((name, value?)));
    let keeper = Command::new("sh")
        .env_clear()
        .envs(kept)
        .args(["-c", KEEPER])
        .arg(number)
        .arg(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn();
    keeper.unwrap()
}

fn number_beside(log: &Path) -> PathBuf {
    log.with_extension("pid")
}

/// A program that runs, for what happens to it while a command talks to it.
#[derive(Clone, Copy, Debug)]
pub struct Process(pub u32);

impl Process {
    /// Sends it a signal by its name, such as `STOP`.
    pub fn signal(self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.0.to_string()]).status();
        assert!(status.unwrap().success(), "{name} to {}", self.0);
    }

    /// Kills it, and waits until it has closed everything. It gets no chance to clean up.
    pub fn kill(self) {
        self.signal("KILL");
        until("it is dead", || {
            let status = std::fs::read_to_string(format!("/proc/{}/stat", self.0)).unwrap_or_default();
            // The state stands behind the name, which is in brackets.
            status
                .rsplit(") ")
                .next()
                .is_none_or(|rest| rest.is_empty() || rest.starts_with('Z'))
        });
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop();
    }
}
