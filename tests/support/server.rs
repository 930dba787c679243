//! A machine without a desktop: somebody's home folder, and no session bus.

use std::fs::File;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex};
use std::thread::ThreadId;

use linux_keyutils::{Key, KeyError, KeyRing, KeyRingIdentifier};
use regcred::sys::env::Env;
use tempfile::TempDir;

/// What the header of a vault begins its own line with, before version and id.
const STANZA: &str = "-> kubectl-regcred/vault ";

/// A home and a temporary folder. The key of its vault goes with it.
pub struct Server(TempDir, #[allow(dead_code, reason = "held for its drop")] KernelKeys);

/// `keychain lock` takes every key of this user out of the kernel: one test at a time has any, in all runs of this user.
pub struct KernelKeys;

/// The thread whose test has them, how many of its servers there are, and what keeps other runs out.
struct Holder {
    thread: Option<ThreadId>,
    servers: usize,
    lock: Option<File>,
}

static HOLDER: Mutex<Holder> = Mutex::new(Holder {
    thread: None,
    servers: 0,
    lock: None,
});
static FREE: Condvar = Condvar::new();

/// What the runs of one user lock.
fn lock_file() -> File {
    let user = std::fs::metadata("/proc/self").unwrap().uid();
    let path = std::env::temp_dir().join(format!("regcred-tests-{user}.lock"));
    File::create(path).unwrap()
}

/// Whether the kernel has keys of vaults that are no test's: the tests would lock them.
#[must_use]
pub fn has_foreign_keys() -> bool {
    let lock = lock_file();
    // Otherwise they may be those of another run.
    lock.try_lock().is_ok() && is_a_vault_open()
}

/// Whether the kernel has the key of any vault of this user.
#[must_use]
pub fn is_a_vault_open() -> bool {
    let keys = std::fs::read_to_string("/proc/keys").unwrap_or_default();
    keys.lines().any(opens_a_vault)
}

/// Whether a line of `/proc/keys` is the key of an unlocked vault. The list shows a key that has expired for five minutes
/// more (`/proc/sys/kernel/keys/gc_delay`), and one that was taken out until the kernel gets round to it.
fn opens_a_vault(line: &str) -> bool {
    // number flags usage timeout permissions user group type description: length
    let columns: Vec<&str> = line.split_ascii_whitespace().collect();
    let [_, flags, _, timeout, _, _, _, _, name, ..] = columns[..] else {
        return false;
    };
    name.starts_with("kubectl-regcred:vault:") && timeout != "expd" && !flags.contains(['R', 'D', 'i'])
}

impl KernelKeys {
    /// Waits until no test of another thread has any.
    pub fn take() -> Self {
        let me = std::thread::current().id();
        let is_taken = |holder: &mut Holder| holder.thread.is_some_and(|other| other != me);
        let mut holder = FREE.wait_while(HOLDER.lock().unwrap(), is_taken).unwrap();
        if holder.lock.is_none() {
            let lock = lock_file();
            lock.lock().unwrap();
            holder.lock = Some(lock);
        }
        holder.thread = Some(me);
        holder.servers += 1;
        Self
    }
}

impl Drop for KernelKeys {
    fn drop(&mut self) {
        let mut holder = HOLDER.lock().unwrap();
        holder.servers -= 1;
        if holder.servers == 0 {
            holder.thread = None;
            holder.lock = None;
            FREE.notify_one();
        }
    }
}

impl Server {
    /// One on which nothing was done yet.
    pub fn start() -> Self {
        let keys = KernelKeys::take();
        let folder = tempfile::Builder::new().prefix("server-").tempdir().unwrap();
        for name in ["home", "tmp"] {
            std::fs::create_dir(folder.path().join(name)).unwrap();
        }
        Self(folder, keys)
    }

    /// The folder that holds everything of this server.
    pub fn folder(&self) -> &Path {
        self.0.path()
    }

    /// The environment of whoever works there, as ssh gives it: nothing of a session.
    pub fn env(&self) -> Env {
        let [home, tmp] = ["home", "tmp"].map(|name| self.folder().join(name));
        [("HOME", home), ("TMPDIR", tmp)].into_iter().collect()
    }

    /// The vault's file.
    pub fn vault(&self) -> PathBuf {
        self.folder().join("home/.local/share/regcred/vault.age")
    }

    /// Does to this vault what starting the machine anew does to all: its key is gone from the kernel's keyring. Says
    /// whether it was there.
    pub fn reboot(&self) -> bool {
        self.forget().unwrap()
    }

    fn forget(&self) -> Result<bool, KeyError> {
        self.id().map_or(Ok(false), |id| forget(&id))
    }

    /// What the vault is called in the kernel's keyring; its header says it.
    pub fn id(&self) -> Option<String> {
        // What is in its place may be a pipe: to open one is to wait.
        let vault = Some(self.vault()).filter(|path| path.is_file())?;
        let vault = std::fs::read(vault).ok()?;
        let text = String::from_utf8_lossy(&vault);
        let stanza = text.lines().find_map(|line| line.strip_prefix(STANZA))?;
        let (_, id) = stanza.split_once(' ').unwrap();
        Some(id.to_owned())
    }

    /// The text of the key that the kernel keeps for it, where it is unlocked.
    pub fn kernel_key(&self) -> Option<String> {
        let key = key(&self.id()?).unwrap()?;
        let mut payload = [0; 256];
        let length = key.read(&mut payload).unwrap();
        let text = std::str::from_utf8(&payload[..length]).unwrap();
        text.lines().next().map(str::to_owned)
    }
}

/// The key that the kernel keeps for the vault of this name.
fn key(id: &str) -> Result<Option<Key>, KeyError> {
    let user = KeyRing::from_special_id(KeyRingIdentifier::User, true)?;
    match user.search(&format!("kubectl-regcred:vault:{id}")) {
        Ok(key) => Ok(Some(key)),
        Err(KeyError::KeyDoesNotExist | KeyError::KeyExpired | KeyError::KeyRevoked) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Takes it out. Says whether it was there.
pub fn forget(id: &str) -> Result<bool, KeyError> {
    let Some(key) = key(id)? else { return Ok(false) };
    key.invalidate().map(|()| true)
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.forget();
    }
}
