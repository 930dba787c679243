//! One writer at a time: a Secret Service cannot replace an item by name, only search for it and then create or change
//! it.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::Error;
use crate::sys::env::Env;
use crate::sys::{file_lock, private, runtime_folder};

/// How long to wait for one other writer, which needs about 20 ms, or as long as a prompt is open. The helper's
/// watchdog waits longer, so that it does not fire while the queue is moving.
const PATIENCE: Duration = Duration::from_secs(8);

/// The file that writers lock; its content does not matter.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct WriteLock {
    folder: Folder,
    patience: Duration,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Folder {
    /// The user's runtime folder, which the system creates.
    Runtime(PathBuf),
    /// A folder of ours inside one that others can write to.
    Shared(PathBuf),
    /// The lock file itself, next to the file that it guards.
    Beside(PathBuf),
}

impl WriteLock {
    /// This user's lock: in the runtime folder, else in the folder for temporary files.
    pub(super) fn new(env: &Env) -> Self {
        let folder = match runtime_folder::usable(env).next() {
            Some(folder) => Folder::Runtime(folder),
            None => Folder::Shared(temporary_folder(env)),
        };
        Self {
            folder,
            patience: PATIENCE,
        }
    }

    /// A lock file at this path, in a folder of this user's own.
    pub(super) fn at(path: PathBuf) -> Self {
        Self {
            folder: Folder::Beside(path),
            patience: PATIENCE,
        }
    }

    /// Waits for the lock, which is held until the file is dropped.
    ///
    /// On a file system without locks (some network ones) nothing is locked, and that is not an error.
    pub(super) fn acquire(&self) -> Result<File, Error> {
        let path = match &self.folder {
            Folder::Beside(path) => path.clone(),
            Folder::Runtime(folder) => folder.join("kubectl-regcred.lock"),
            Folder::Shared(folder) => private_folder(folder)
                .map_err(|cause| Error::Lock {
                    path: folder.clone(),
                    cause,
                })?
                .join("lock"),
        };
        let failed = |cause| {
            let path = path.clone();
            match &self.folder {
                Folder::Beside(_) => super::vault::Error::Lock { path, cause }.into(),
                _ => Error::Lock { path, cause },
            }
        };
        let file = file_lock::open(&path).map_err(failed)?;
        match file_lock::wait(&file, self.patience) {
            Ok(true) => Ok(file),
            Ok(false) => Err(Error::Busy(self.patience)),
            Err(e) => Err(failed(e)),
        }
    }
}

#[cfg(unix)]
fn temporary_folder(env: &Env) -> PathBuf {
    use crate::sys::user;

    let temporary = env.path("TMPDIR").unwrap_or_else(|| "/tmp".into());
    // Without a user id, TMPDIR is the user's own folder, as on macOS.
    let user = user::id().map_or_else(String::new, |user| format!("-{user}"));
    temporary.join(format!("kubectl-regcred{user}"))
}

#[cfg(not(unix))]
fn temporary_folder(env: &Env) -> PathBuf {
    env.path("TEMP").unwrap_or_else(|| ".".into()).join("kubectl-regcred")
}

fn private_folder(folder: &Path) -> io::Result<&Path> {
    #[cfg_attr(not(unix), allow(unused_mut, reason = "Windows has no modes"))]
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    match builder.create(folder) {
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists => return Err(e),
        _ => {}
    }
    // In a folder like /tmp somebody else may have created it first.
    private::folder(folder)?;
    Ok(folder)
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_second_holder_is_refused() {
        let folder = private::test_folder();
        let lock = WriteLock {
            patience: Duration::from_millis(20),
            ..WriteLock::new(&Env::from_iter([("XDG_RUNTIME_DIR", folder.path())]))
        };
        let held = lock.acquire().unwrap();
        assert!(matches!(lock.acquire(), Err(Error::Busy(_))));
        drop(held);
        lock.acquire().unwrap();
        let mode = fs::metadata(folder.path().join("kubectl-regcred.lock"))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn a_shared_folder_must_be_private() {
        let folder = tempfile::tempdir().unwrap();
        let lock = WriteLock {
            folder: Folder::Shared(folder.path().join("regcred")),
            patience: PATIENCE,
        };
        lock.acquire().unwrap();
        fs::set_permissions(folder.path().join("regcred"), fs::Permissions::from_mode(0o777)).unwrap();
        assert!(matches!(lock.acquire(), Err(Error::Lock { .. })));
        let link = WriteLock {
            folder: Folder::Shared(folder.path().join("link")),
            patience: PATIENCE,
        };
        std::os::unix::fs::symlink(folder.path(), folder.path().join("link")).unwrap();
        assert!(matches!(link.acquire(), Err(Error::Lock { .. })));
    }
}
