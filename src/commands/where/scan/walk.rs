//! Walks folders and reads the files in them. Symbolic links are not followed, and nothing is opened but files.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use zeroize::Zeroizing;

use super::found::{Copy, Event, Extent, Unread};
use super::kind::Kind;
use crate::commands::shared::copies::{Encoding, Found, Reading};
use crate::commands::shared::env_file;
use crate::model::CommandLine;

/// How often progress is told.
const PROGRESS: Duration = Duration::from_millis(100);
/// The longest file that says where a repository is.
const MAX_POINTER: u64 = 4096;

/// A search through folders.
pub(super) struct Walk<'a> {
    pub(super) reading: Reading<'a>,
    pub(super) tell: &'a dyn Fn(Event),
    /// Where git objects are, or something that leads to them.
    pub(super) repositories: BTreeSet<PathBuf>,
    pub(super) extent: Extent,
    told: Instant,
}

/// A folder that is to be walked, and the device that it is on.
struct Folder {
    path: PathBuf,
    device: Option<u64>,
}

impl<'a> Walk<'a> {
    pub(super) fn new(reading: Reading<'a>, tell: &'a dyn Fn(Event)) -> Self {
        Self {
            reading,
            tell,
            repositories: BTreeSet::new(),
            extent: Extent::default(),
            told: Instant::now(),
        }
    }

    /// Searches everything below these. Ends early with [`io::ErrorKind::Interrupted`].
    pub(super) fn all(&mut self, named: &[PathBuf]) -> io::Result<()> {
        let mut roots: Vec<PathBuf> = Vec::new();
        for path in named {
            match fs::canonicalize(path) {
                Ok(root) => roots.push(root),
                Err(error) => self.unread(path, &error),
            }
        }
        roots.sort();
        // Each file once: after sorting, a folder stands before what is in it.
        let mut outer: Vec<PathBuf> = Vec::new();
        for root in roots {
            if !outer.iter().any(|known| root.starts_with(known)) {
                outer.push(root);
            }
        }
        for root in outer {
            self.below(&root)?;
        }
        Ok(())
    }

    fn below(&mut self, root: &Path) -> io::Result<()> {
        let is_folder = match fs::metadata(root) {
            Ok(data) => data.is_dir(),
            Err(error) => {
                self.unread(root, &error);
                return Ok(());
            }
        };
        if !is_folder {
            return self.file(root);
        }
        if is_of_the_kernel(root) {
            self.unread(root, &"the kernel makes what is in it; there are no files");
            return Ok(());
        }
        let mut folders = vec![Folder {
            path: root.to_owned(),
            device: device(root),
        }];
        while let Some(folder) = folders.pop() {
            self.reading.go_on()?;
            if let Err(error) = self.folder(&folder, &mut folders)? {
                self.unread(&folder.path, &error);
            }
        }
        Ok(())
    }

    /// Reads what is in a folder; its folders are added to `folders`. The outer error is an interruption.
    fn folder(&mut self, folder: &Folder, folders: &mut Vec<Folder>) -> io::Result<io::Result<()>> {
        let entries = match fs::read_dir(&folder.path) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Ok(())),
            Err(error) => return Ok(Err(error)),
        };
        let is_repository = is_repository(&folder.path);
        if is_repository {
            self.repositories.insert(folder.path.clone());
        }
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return Ok(Err(error)),
            };
            let path = entry.path();
            // Of the entry itself: a link is neither.
            let kind = match entry.file_type() {
                Ok(kind) => kind,
                Err(error) => {
                    self.unread(&path, &error);
                    continue;
                }
            };
            if kind.is_dir() {
                // git itself reads the objects.
                if is_repository && entry.file_name() == "objects" {
                    continue;
                }
                let device = device(&path);
                if device != folder.device && is_of_the_kernel(&path) {
                    continue;
                }
                folders.push(Folder { path, device });
            } else if kind.is_file() {
                if entry.file_name() == ".git" {
                    self.pointer(&path);
                }
                self.file(&path)?;
            }
        }
        Ok(Ok(()))
    }

    /// A file in the place of the folder `.git`: its repository is elsewhere.
    fn pointer(&mut self, path: &Path) {
        let mut text = String::new();
        let read = open(path).and_then(|file| file.take(MAX_POINTER).read_to_string(&mut text));
        if read.is_ok()
            && text.starts_with("gitdir: ")
            && let Some(folder) = path.parent()
        {
            self.repositories.insert(folder.to_owned());
        }
    }

    fn file(&mut self, path: &Path) -> io::Result<()> {
        let searched = open(path).and_then(|mut file| self.reading.search(&mut file, None));
        let searched = match searched {
            Ok(searched) => searched,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            // It was deleted since, or is a link or a pipe since.
            Err(error) if error.kind() == io::ErrorKind::NotFound || is_no_file(path) => return Ok(()),
            Err(error) => {
                self.unread(path, &error);
                return Ok(());
            }
        };
        self.extent.files += 1;
        let is_text = searched.is_text;
        for found in searched.found {
            let lines = if is_text {
                lines(path, &found.offsets)
            } else {
                Vec::new()
            };
            let kind = Kind::of(path);
            let removal = match kind {
                Kind::EnvFile => self.removal(path, &found),
                _ => None,
            };
            (self.tell)(Event::Copy(Box::new(Copy {
                file: path.to_owned(),
                kind,
                found,
                lines,
                object: None,
                removal,
            })));
        }
        self.progress();
        Ok(())
    }

    /// What takes the token out of a file of variables, where its only place is `REGISTRY_TOKEN`.
    fn removal(&mut self, path: &Path, found: &Found) -> Option<CommandLine> {
        if found.count != 1 || found.encoding != Encoding::Plain {
            return None;
        }
        env_file::removal(path, |token| {
            let there = self.reading.search(&mut token.expose().as_bytes(), None);
            there.is_ok_and(|there| there.found.iter().any(|there| there.which == found.which))
        })
    }

    pub(super) fn unread(&self, file: &Path, reason: &dyn std::fmt::Display) {
        (self.tell)(Event::Unread(Unread {
            file: file.to_owned(),
            reason: reason.to_string(),
        }));
    }

    /// How much was searched.
    pub(super) fn extent(&self) -> Extent {
        Extent {
            octets: self.reading.octets,
            ..self.extent
        }
    }

    pub(super) fn progress(&mut self) {
        if self.told.elapsed() >= PROGRESS {
            self.told = Instant::now();
            (self.tell)(Event::At(self.extent()));
        }
    }
}

/// Opens a file, and nothing else, without waiting.
fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use nix::fcntl::OFlag;
        let flags = OFlag::O_NONBLOCK | OFlag::O_NOFOLLOW;
        std::os::unix::fs::OpenOptionsExt::custom_flags(&mut options, flags.bits());
    }
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    Ok(file)
}

fn is_no_file(path: &Path) -> bool {
    !fs::symlink_metadata(path).is_ok_and(|data| data.is_file())
}

/// The lines of these places, each once; none where the file cannot be read again.
fn lines(path: &Path, offsets: &[u64]) -> Vec<u64> {
    let Ok(mut file) = open(path) else { return Vec::new() };
    let mut buffer = Zeroizing::new(vec![0; 64 * 1024]);
    let (mut lines, mut line, mut base) = (Vec::new(), 1, 0);
    let mut offsets = offsets.iter().copied().peekable();
    while offsets.peek().is_some() {
        let count = match file.read(&mut buffer) {
            Ok(0) | Err(_) => break,
            Ok(count) => count,
        };
        for (at, octet) in (base..).zip(&buffer[..count]) {
            while offsets.next_if(|offset| *offset <= at).is_some() {
                if lines.last() != Some(&line) {
                    lines.push(line);
                }
            }
            line += u64::from(*octet == b'\n');
        }
        base += count as u64;
    }
    lines
}

/// Whether git would take this folder for a repository.
fn is_repository(folder: &Path) -> bool {
    let is_folder = |name: &str| folder.join(name).is_dir();
    is_folder("objects") && is_folder("refs") && fs::symlink_metadata(folder.join("HEAD")).is_ok()
}

#[cfg(unix)]
fn device(path: &Path) -> Option<u64> {
    let data = fs::symlink_metadata(path).ok()?;
    Some(std::os::unix::fs::MetadataExt::dev(&data))
}

#[cfg(not(unix))]
fn device(_: &Path) -> Option<u64> {
    None
}

/// Whether a folder is of a file system whose files are made when they are read: `/proc`, `/sys`.
#[cfg(target_os = "linux")]
fn is_of_the_kernel(path: &Path) -> bool {
    use nix::sys::statfs;
    const KINDS: [statfs::FsType; 10] = [
        statfs::PROC_SUPER_MAGIC,
        statfs::SYSFS_MAGIC,
        statfs::DEBUGFS_MAGIC,
        statfs::TRACEFS_MAGIC,
        statfs::SECURITYFS_MAGIC,
        statfs::SELINUX_MAGIC,
        statfs::CGROUP_SUPER_MAGIC,
        statfs::CGROUP2_SUPER_MAGIC,
        statfs::DEVPTS_SUPER_MAGIC,
        statfs::BPF_FS_MAGIC,
    ];
    statfs::statfs(path).is_ok_and(|found| KINDS.contains(&found.filesystem_type()))
}

#[cfg(not(target_os = "linux"))]
fn is_of_the_kernel(_: &Path) -> bool {
    false
}
