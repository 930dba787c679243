//! A docker engine of the test's own: Debian's `dockerd`, without a network bridge, on a socket in a folder.

use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::daemon::Daemon;
use super::part::{missing, program, until};

/// A running engine; it and its images go when this is dropped.
pub struct Engine {
    daemon: Daemon,
    folder: TempDir,
}

/// Whether this process may mount, and what else root may.
#[must_use]
pub fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

/// What is missing for one: programs, or the right to mount.
#[must_use]
pub fn missing_engine() -> Vec<&'static str> {
    let mut lacks = missing(&["dockerd", "containerd"]);
    if !is_root() {
        lacks.push("root, which an engine runs as");
    }
    lacks
}

impl Engine {
    /// Starts it and waits until it answers.
    ///
    /// # Panics
    /// Where it ends instead; its log is in the message.
    #[must_use]
    pub fn start() -> Self {
        // A socket's path is short.
        let folder = tempfile::Builder::new().prefix("engine-").tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let log = File::create(at("log")).unwrap();
        let daemon = Command::new(program("dockerd").unwrap())
            .arg("--data-root")
            .arg(at("data"))
            .arg("--exec-root")
            .arg(at("exec"))
            .arg("--pidfile")
            .arg(at("pid"))
            .arg("--host")
            .arg(format!("unix://{}", at("socket").display()))
            // Nothing of this machine's network is touched, and no file system driver is needed.
            .args(["--iptables=false", "--bridge=none", "--storage-driver=vfs"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut engine = Self {
            daemon: Daemon(daemon),
            folder,
        };
        until("the engine is ready", || {
            let log = std::fs::read_to_string(engine.folder.path().join("log")).unwrap();
            assert!(!engine.daemon.has_ended(), "dockerd ended: {log}");
            log.contains("API listen on")
        });
        engine
    }

    /// What `DOCKER_HOST` is set to.
    #[must_use]
    pub fn host(&self) -> String {
        format!("unix://{}", self.path().join("socket").display())
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }
}
