//! A `BuildKit` of the test's own, with which buildx builds what docker's engine cannot: indexes for several platforms with
//! attestations. It runs without a network and without a file system driver.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use tempfile::TempDir;

use super::daemon::Daemon;
use super::engine::is_root;
use super::part::{missing, program, until};
use super::world::World;

/// A shell that needs no libraries (Debian's busybox-static): what the scanner of the test runs on.
const BUSYBOX: &str = "/bin/busybox";

/// A running `BuildKit`; it and its cache go when this is dropped.
pub struct Buildkit {
    daemon: Daemon,
    folder: TempDir,
}

/// What is missing for one: programs, or the right to mount.
#[must_use]
pub fn missing_buildkit() -> Vec<&'static str> {
    let mut lacks = missing(&["buildkitd", "buildx", "runc"]);
    // Debian's other busybox needs a loader of programs, whose name is in its first page.
    let needs_loader = |file: Vec<u8>| file.windows(9).take(4096).any(|part| part == b"/ld-linux");
    if std::fs::read(BUSYBOX).map_or(true, needs_loader) {
        lacks.push("busybox-static");
    }
    if !is_root() {
        lacks.push("root, which BuildKit runs as");
    }
    lacks
}

impl Buildkit {
    /// Starts it, and waits until it answers. It speaks plain http to this world's registry.
    ///
    /// # Panics
    /// Where it ends instead; its log is in the message.
    #[must_use]
    pub fn start(world: &World) -> Self {
        // A socket's path is short.
        let folder = tempfile::Builder::new().prefix("buildkit-").tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        let config = format!(
            "[registry.\"{}\"]\n  http = true\n  insecure = true\n",
            world.registry()
        );
        std::fs::write(at("buildkitd.toml"), config).unwrap();
        let log = File::create(at("log")).unwrap();
        let daemon = Command::new(program("buildkitd").unwrap())
            .arg("--root")
            .arg(at("data"))
            .arg("--config")
            .arg(at("buildkitd.toml"))
            .arg("--addr")
            .arg(format!("unix://{}", at("socket").display()))
            .args([
                "--oci-worker=true",
                "--containerd-worker=false",
                "--oci-worker-snapshotter=native",
            ])
            .args(["--oci-worker-net=host", "--oci-worker-gc=false"])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", folder.path())
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .unwrap();
        let mut this = Self {
            daemon: Daemon(daemon),
            folder,
        };
        until("BuildKit is ready", || {
            let log = std::fs::read_to_string(this.folder.path().join("log")).unwrap();
            assert!(!this.daemon.has_ended(), "buildkitd ended: {log}");
            log.contains("running server on")
        });
        this
    }

    /// `docker buildx` of somebody who is logged in as this user, with these arguments.
    ///
    /// # Panics
    /// Where it fails.
    pub fn buildx(&self, world: &World, docker: &Path, arguments: &[&str]) {
        let mut buildx = world.command(program("buildx").unwrap());
        buildx
            .env("DOCKER_CONFIG", docker)
            .env("BUILDX_CONFIG", self.folder.path().join("buildx"))
            .args(arguments);
        let ran = world.run(&mut buildx, "");
        assert_eq!(ran.code, 0, "buildx {arguments:?}: {ran}\n{}", self.log());
    }

    /// buildx knows it by this name from now on.
    pub fn introduce(&self, world: &World, docker: &Path, name: &str) {
        let socket = format!("unix://{}", self.folder.path().join("socket").display());
        self.buildx(
            world,
            docker,
            &["create", "--name", name, "--driver", "remote", &socket],
        );
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

/// What an image is built from that scans others for what they are made of, as `BuildKit` calls it: for each it writes the
/// same statement.
#[must_use]
pub fn scanner(folder: &Path) -> PathBuf {
    let folder = folder.join("scanner");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::copy(BUSYBOX, folder.join("sh")).unwrap();
    let statement = r#"{"_type":"https://in-toto.io/Statement/v0.1","predicateType":"https://spdx.dev/Document","predicate":{"SPDXID":"SPDXRef-DOCUMENT","spdxVersion":"SPDX-2.3","name":"test"}}"#;
    let script = format!("#!/sh\nprintf '%s' '{statement}' >\"$BUILDKIT_SCAN_DESTINATION/sbom.spdx.json\"\n");
    std::fs::write(folder.join("scan"), script).unwrap();
    let file = "FROM scratch\nCOPY --chmod=755 sh scan /\nENTRYPOINT [\"/sh\", \"-e\", \"/scan\"]\n";
    std::fs::write(folder.join("Dockerfile"), file).unwrap();
    folder
}
