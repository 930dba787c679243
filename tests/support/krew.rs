//! A real krew, and a release of this tree for it: archives on a server, and the index in git that names them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::http::{Answer, Server};
use super::part::{missing, program};
use super::{HELPER, PLUGIN};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// The version of this tree, as krew writes it.
pub const VERSION: &str = concat!("v", env!("CARGO_PKG_VERSION"));

/// krew's name for this machine.
pub const HERE: &str = if cfg!(target_arch = "aarch64") {
    "linux-arm64"
} else {
    "linux-amd64"
};

/// The folder with `kubectl-krew` and `validate-krew-manifest`: as `tests/run.sh` found it, or as it lies in the cache.
#[must_use]
pub fn programs() -> Option<PathBuf> {
    let named = std::env::var_os("REGCRED_TEST_KREW").map(PathBuf::from);
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")))
        .map(|cache| cache.join("regcred/parts/krew-0.5.0"));
    let has_all = |folder: &PathBuf| {
        ["kubectl-krew", "validate-krew-manifest"]
            .iter()
            .all(|name| folder.join(name).is_file())
    };
    named.into_iter().chain(cache).find(has_all)
}

/// What is missing for krew, and for packing archives for it.
#[must_use]
pub fn missing_parts() -> Vec<&'static str> {
    let krew = programs().is_none().then_some("krew (tests/parts/krew.sh)");
    missing(&["git", "tar", "gzip", "zip", "strip"])
        .into_iter()
        .chain(krew)
        .collect()
}

/// The archive of this machine's platform, where `REGCRED_TEST_DIST` names its folder.
#[must_use]
pub fn archive() -> Option<PathBuf> {
    let dist = PathBuf::from(std::env::var_os("REGCRED_TEST_DIST")?);
    Some(dist.join(format!("regcred-{VERSION}-{HERE}.tar.gz")))
}

/// What is missing for that.
#[must_use]
pub fn missing_archive() -> Vec<&'static str> {
    let is_there = archive().is_some_and(|archive| archive.is_file());
    if is_there {
        Vec::new()
    } else {
        vec!["this tree's archive (tests/release.sh)"]
    }
}

/// A script of `krew/`, which has to succeed. Returns what it printed.
pub fn script(name: &str, arguments: &[&Path]) -> String {
    let output = Command::new(Path::new(ROOT).join("krew").join(name))
        .args(arguments)
        .env("SOURCE_DATE_EPOCH", "1700000000")
        .output()
        .unwrap();
    assert!(output.status.success(), "{name} {arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// What a release leaves behind.
pub struct Release {
    server: Server,
    folder: tempfile::TempDir,
}

impl Release {
    /// Of the archive that `tests/release.sh` made, where `REGCRED_TEST_DIST` names its folder; otherwise of this test's
    /// own programs, packed in the same way.
    pub fn of_this_tree() -> Self {
        let this = Self::empty();
        if let Some(archive) = archive() {
            fs::copy(&archive, this.dist().join(archive.file_name().unwrap())).unwrap();
            return this;
        }
        let programs = this.folder.path().join("programs");
        fs::create_dir(&programs).unwrap();
        for program in [PLUGIN, HELPER] {
            let stripped = programs.join(Path::new(program).file_name().unwrap());
            let mut strip = Command::new("strip");
            assert!(strip.arg("-o").arg(stripped).arg(program).status().unwrap().success());
        }
        script("pack.sh", &[Path::new(HERE), &programs, &this.dist()]);
        this
    }

    /// Every file of a release, of all platforms; the programs are stand-ins.
    pub fn of_stand_ins() -> Self {
        let this = Self::empty();
        let built = this.folder.path().join("built");
        for target in targets() {
            let suffix = if target.contains("-windows-") { ".exe" } else { "" };
            fs::create_dir_all(built.join(&target)).unwrap();
            for name in ["kubectl-regcred", "docker-credential-gitea"] {
                fs::write(built.join(&target).join(format!("{name}{suffix}")), "#!/bin/sh\n").unwrap();
            }
        }
        script("collect.sh", &[Path::new(&this.address()), &built, &this.dist()]);
        this
    }

    fn empty() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dist = folder.path().join("dist");
        fs::create_dir(&dist).unwrap();
        let server = Server::start(move |request| {
            let Some(name) = request.path.strip_prefix(&format!("/releases/download/{VERSION}/")) else {
                return Answer::empty(404);
            };
            match fs::read(dist.join(name)) {
                Ok(archive) => Answer::new(200, "application/octet-stream", archive),
                Err(_) => Answer::empty(404),
            }
        });
        let this = Self { server, folder };
        let mut init = Command::new("git");
        init.args(["init", "--quiet", "--bare", "--initial-branch=main"]);
        assert!(init.arg(this.index()).status().unwrap().success());
        this
    }

    /// What stands for the repository's page.
    fn address(&self) -> String {
        format!("http://{}", self.server.registry())
    }

    /// The folder of the archives.
    pub fn dist(&self) -> PathBuf {
        self.folder.path().join("dist")
    }

    /// The repository that `kubectl krew index add` takes.
    pub fn index(&self) -> PathBuf {
        self.folder.path().join("index.git")
    }

    /// The manifest, in a file of its own. As another version where one is given: of the same archives.
    pub fn manifest(&self, version: Option<&str>) -> PathBuf {
        let mut text = script("render.sh", &[Path::new(&self.address()), &self.dist()]);
        if let Some(version) = version {
            text = text.replace(
                &format!("\n  version: {VERSION}\n"),
                &format!("\n  version: {version}\n"),
            );
        }
        let folder = self.folder.path().join(version.unwrap_or(VERSION));
        fs::create_dir_all(&folder).unwrap();
        let file = folder.join("regcred.yaml");
        fs::write(&file, text).unwrap();
        file
    }

    /// Puts a manifest into the index, as a release does.
    pub fn publish(&self, manifest: &Path) -> String {
        script("index.sh", &[&self.index(), manifest])
    }
}

/// The first column of `krew/platforms`.
pub fn platforms() -> Vec<String> {
    column(0)
}

/// The second one: the targets that they are built for.
pub fn targets() -> Vec<String> {
    column(1)
}

fn column(number: usize) -> Vec<String> {
    let table = fs::read_to_string(Path::new(ROOT).join("krew/platforms")).unwrap();
    let rows = table.lines();
    rows.map(|row| row.split_whitespace().nth(number).unwrap().to_owned())
        .collect()
}

/// `PATH` of somebody who has krew, kubectl and what the system holds: nothing of this build.
pub fn path(home: &Path) -> std::ffi::OsString {
    let kubectl = super::control_plane::programs().or_else(|| Some(program("kubectl")?.parent()?.to_owned()));
    let system = std::env::var_os("PATH").unwrap();
    let folders = [Some(home.join(".krew/bin")), programs(), kubectl]
        .into_iter()
        .flatten();
    std::env::join_paths(folders.chain(std::env::split_paths(&system))).unwrap()
}
