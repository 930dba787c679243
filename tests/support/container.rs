//! Programs of this machine in a container, under the system calls that an engine's default profile leaves them.
//!
//! What a container engine refuses is a seccomp profile, in a format that docker's and podman's share. Docker's engine
//! runs both here: podman's own runtime does not start where cgroups are of two versions or limits cannot be raised.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use regcred::sys::env::Env;
use serde_json::{Value, json};

use super::engine::{Engine, missing_engine};
use super::part::{missing, program};

/// Where Debian keeps what podman and buildah run with; the package comes with them.
const PODMAN: &str = "/usr/share/containers/seccomp.json";
/// Where this machine's programs find their libraries.
const SYSTEM: [&str; 3] = ["/usr", "/lib", "/lib64"];

/// Which system calls are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Profile {
    /// What docker's engine has built in: `keyctl`, `add_key` and `request_key` answer `EPERM`.
    Docker,
    /// What podman and buildah take: `keyctl` works, `add_key` and `request_key` answer `ENOSYS`.
    Podman,
}

/// An engine that runs programs of this machine in containers, without an image and a network, and the images it is given.
pub struct Container {
    engine: Engine,
    config: tempfile::TempDir,
    profile: Profile,
}

/// What is missing for one.
#[must_use]
pub fn missing_container(profile: Profile) -> Vec<&'static str> {
    let mut lacks = missing_engine();
    lacks.extend(missing(&["docker", "runc"]));
    if profile == Profile::Podman && !Path::new(PODMAN).is_file() {
        lacks.push("podman's seccomp profile");
    }
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap_or_default();
    let writable = mounts.lines().any(|line| {
        let mut words = line.split(' ').skip(2);
        let kind = words.next().unwrap_or_default();
        kind.starts_with("cgroup") && words.next().is_some_and(|options| options.starts_with("rw"))
    });
    if !writable {
        lacks.push("cgroups, which this container may not write");
    }
    lacks
}

impl Container {
    /// Starts the engine, and checks that it has profiles at all.
    #[must_use]
    pub fn start(profile: Profile) -> Self {
        let this = Self {
            engine: Engine::start(),
            config: tempfile::tempdir().unwrap(),
            profile,
        };
        let info = this.docker(&["info", "--format", "{{.SecurityOptions}}"], b"");
        assert!(
            info.contains("name=seccomp"),
            "the engine filters no system calls: {info}"
        );
        // Two empty blocks end a tar archive (POSIX.1, pax interchange format): all there is is mounted.
        this.docker(&["import", "-", "nothing"], &[0; 1024]);
        this
    }

    /// Runs a program of this machine with this environment alone. It sees the system's libraries, itself, and the
    /// folders of `shared`, each where it is outside; these it may write.
    pub fn run(&self, program: &Path, args: &[&str], stdin: &[u8], env: &Env, shared: &[&Path]) -> Output {
        let mut command = self.command(&["run", "--rm", "--interactive", "--network=none"]);
        if self.profile == Profile::Podman {
            command.arg(format!("--security-opt=seccomp={}", self.podmans_profile().display()));
        }
        let mount = |path: &Path, mode| format!("--mount=type=bind,source={0},target={0}{mode}", path.display());
        let system = SYSTEM.iter().map(Path::new).filter(|path| path.exists());
        command.args(system.chain([program]).map(|path| mount(path, ",readonly")));
        command.args(shared.iter().map(|path| mount(path, "")));
        for (name, value) in env.iter() {
            let (name, value) = (name.to_str().unwrap(), value.to_str().unwrap());
            command.arg(format!("--env={name}={value}"));
        }
        output(command.arg("nothing").arg(program).args(args), stdin)
    }

    /// Gives the engine the images of an archive.
    pub fn load(&self, archive: &Path) {
        self.docker(&["load", "--input", archive.to_str().unwrap()], b"");
    }

    /// Runs a program of one of its images, in this machine's network. The values of the variables are in no argument.
    pub fn run_image(&self, image: &str, options: &[&str], argv: &[String], variables: &[(String, String)]) -> Output {
        let (program, words) = argv.split_first().unwrap();
        let mut command = self.command(&["run", "--rm", "--network=host", "--cap-drop=ALL"]);
        command
            .args(variables.iter().map(|(name, _)| format!("--env={name}")))
            .envs(variables.iter().cloned())
            .args(options)
            .args(["--entrypoint", program, image])
            .args(words);
        output(&mut command, b"")
    }

    /// Podman's profile as docker's engine reads it: 20.10 does not know its `defaultErrnoRet`, so that is said for the
    /// calls that matter here.
    fn podmans_profile(&self) -> PathBuf {
        let mut profile: Value = serde_json::from_slice(&std::fs::read(PODMAN).unwrap()).unwrap();
        let (action, errno) = (profile["defaultAction"].clone(), profile["defaultErrnoRet"].clone());
        let rules = profile["syscalls"].as_array_mut().unwrap();
        let named = |call: &&str| {
            rules
                .iter()
                .any(|rule| rule["names"].as_array().unwrap().contains(&json!(call)))
        };
        let unnamed: Vec<&str> = ["keyctl", "add_key", "request_key"]
            .into_iter()
            .filter(|call| !named(call))
            .collect();
        if !unnamed.is_empty() {
            rules.push(json!({"names": unnamed, "action": action, "errnoRet": errno}));
        }
        let file = self.config.path().join("podman.json");
        std::fs::write(&file, profile.to_string()).unwrap();
        file
    }

    fn docker(&self, args: &[&str], stdin: &[u8]) -> String {
        let output = output(&mut self.command(args), stdin);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "docker {args:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(program("docker").unwrap());
        command
            .args(args)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("DOCKER_HOST", self.engine.host())
            .env("HOME", self.config.path());
        command
    }
}

/// A program of this machine by its name, where the kernel finds it and not a link to it.
///
/// # Panics
/// Where there is none.
#[must_use]
pub fn installed(name: &str) -> PathBuf {
    program(name).unwrap().canonicalize().unwrap()
}

/// Runs a command to its end, with this on its standard input.
pub fn output(command: &mut Command, stdin: &[u8]) -> Output {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // It may have ended without reading.
    let _ = child.stdin.take().unwrap().write_all(stdin);
    child.wait_with_output().unwrap()
}
