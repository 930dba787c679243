//! A small disk at a folder of a test's, which is full or read-only when the test says so. It is in a mount namespace of
//! its own, which takes root; programs enter it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

/// Mounts it over `$1` with what was in there, and keeps it until the standard input ends.
const HOLD: &str = r#"cd / && mkdir -p "$2" && cp -a "$1/." "$2" && mount -t tmpfs -o size=256k,mode=700 none "$1" &&
cp -a "$2/." "$1" && rm -r "$2" && echo mounted && exec cat >/dev/null"#;
/// What fills it.
const FILL: &str = "fill";

/// It is there until this is dropped.
pub struct Disk {
    holder: Child,
    folder: PathBuf,
}

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    Full,
    ReadOnly,
}

impl Wrong {
    pub const BOTH: [Self; 2] = [Self::Full, Self::ReadOnly];

    /// What the system says of it.
    pub fn says(self) -> &'static str {
        match self {
            Self::Full => "No space left on device",
            Self::ReadOnly => "Read-only file system",
        }
    }
}

impl Disk {
    /// One over this folder, which is made if there is none.
    pub fn over(folder: &Path) -> Self {
        fs::create_dir_all(folder).unwrap();
        let copy = tempfile::tempdir().unwrap();
        let mut holder = Command::new("unshare")
            .args(["--mount", "sh", "-c", HOLD, "hold"])
            .args([folder, &copy.path().join("copy")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(holder.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, "mounted\n");
        Self {
            holder,
            folder: folder.to_owned(),
        }
    }

    /// `nsenter`, with which a command line begins that is to see it.
    pub fn enter(&self) -> [String; 4] {
        let namespace = format!("--mount=/proc/{}/ns/mnt", self.holder.id());
        let folder = format!("--wd={}", self.folder.display());
        ["nsenter".to_owned(), namespace, folder, "--".to_owned()]
    }

    /// Makes it wrong, from another thread too.
    pub fn breaker(&self, how: Wrong) -> impl FnOnce() + Send + 'static {
        let (fill, enter) = (self.seen(&self.folder.join(FILL)), self.enter());
        let folder = self.folder.clone();
        move || match how {
            Wrong::ReadOnly => remount(&enter, "remount,ro", &folder),
            Wrong::Full => {
                let mut fill = fs::File::create(fill).unwrap();
                while fill.write_all(&[b'x'; 4096]).is_ok() {}
                while fill.write_all(b"x").is_ok() {}
            }
        }
    }

    /// Makes it well again.
    pub fn mend(&self, how: Wrong) {
        match how {
            Wrong::ReadOnly => remount(&self.enter(), "remount,rw", &self.folder),
            Wrong::Full => fs::remove_file(self.seen(&self.folder.join(FILL))).unwrap(),
        }
    }

    /// All its files, by their paths in its folder.
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let root = self.seen(&self.folder);
        let mut files = BTreeMap::new();
        let mut folders = vec![root.clone()];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(&root).unwrap().to_owned();
                if path.is_dir() {
                    folders.push(path);
                } else if name != Path::new(FILL) {
                    files.insert(name, fs::read(path).unwrap());
                }
            }
        }
        files
    }

    /// A file of it, as a program sees it that does not enter.
    pub fn seen(&self, path: &Path) -> PathBuf {
        let inside = path.strip_prefix("/").unwrap();
        Path::new("/proc")
            .join(self.holder.id().to_string())
            .join("root")
            .join(inside)
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}

fn remount(enter: &[String], options: &str, folder: &Path) {
    let mut command = Command::new(&enter[0]);
    command.args(&enter[1..]).args(["mount", "-o", options]).arg(folder);
    assert!(command.status().unwrap().success(), "{options}");
}
