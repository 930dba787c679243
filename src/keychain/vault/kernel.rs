//! Keeps an unlocked vault's key in the kernel's keyring of this user (keyrings(7), user-keyring(7)).
//!
//! The key stays there until it is removed, its timeout expires or the machine reboots. It needs no running process, is
//! never swapped out, and every process of this user finds it: a login shell, a cron job, a daemon's child.
//!
//! **Possession.** The kernel gives more rights to a process that *possesses* a key, which means that it can reach it
//! from its own thread, process or session keyring. A process without a PAM session does not possess the keys in its
//! user's keyring. A key is therefore created in the calling thread's keyring, where we possess it, and linked into the
//! user's keyring only after its permissions and timeout are set. So it is never visible without a timeout, and a new
//! key replaces the old one in one step.
//!
//! **User namespaces.** Rootless podman and buildah call credential helpers in a user namespace, which has its own user
//! keyring. A key from outside can still be reached there by its serial number if its permissions allow its owner,
//! because owners are compared across namespaces. So the owner may view, read and search, which lets [`get`] and
//! [`remove`] reach keys across the namespace border in both directions. A key that [`put`] adds inside a namespace is
//! gone with the namespace's last process. The price: a container whose root is this user could read the key too, if it
//! may call keyctl(2) and guesses the 31-bit serial number; the key is useless without the vault's file.

use std::fmt::Write as _;
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use linux_keyutils::{Key, KeyError, KeyPermissionsBuilder, KeyRing, KeyRingIdentifier, KeySerialId, Permission};
use zeroize::Zeroizing;

use super::kernel_key::{KernelKeyringError, MAX_PAYLOAD, UnlockedKey};

#[cfg(test)]
mod tests;

/// Prefix of our keys' descriptions.
const PREFIX: &str = "kubectl-regcred";

/// Lists the keys that this user may view, in all keyrings: `proc_keys(5)`.
const KEYS: &str = "/proc/keys";

/// Timeout of a probe key, in case we are killed before we remove it.
const PROBE_SECONDS: u32 = 60;

impl UnlockedKey {
    /// The key, and if it expires, a second line with the time in seconds since 1970.
    fn payload(&self) -> Zeroizing<String> {
        // Allocated at full size: the memory that a growing string leaves behind is not zeroed.
        let mut payload = Zeroizing::new(String::with_capacity(self.key.len() + MAX_PAYLOAD));
        payload.push_str(&self.key);
        if let Some(until) = self.until.and_then(|until| until.duration_since(UNIX_EPOCH).ok()) {
            // Writing to a string does not fail.
            let _ = write!(payload, "\n{}", until.as_secs());
        }
        payload
    }

    fn parse(payload: &[u8]) -> Option<Self> {
        if payload.len() > MAX_PAYLOAD {
            return None;
        }
        let mut lines = str::from_utf8(payload).ok()?.split('\n');
        let key = lines.next().filter(|key| !key.is_empty())?;
        let until = match lines.next() {
            Some(seconds) => Some(UNIX_EPOCH.checked_add(Duration::from_secs(seconds.parse().ok()?))?),
            None => None,
        };
        lines.next().is_none().then(|| Self {
            key: Zeroizing::new(key.to_owned()),
            until,
        })
    }
}

/// The key of the vault `id`, if it is unlocked.
///
/// Takes three system calls if it is. `None` also for an expired key and for a key that is not in [`put`]'s format.
pub(super) fn get(id: &str) -> Result<Option<UnlockedKey>, KernelKeyringError> {
    let description = description(id);
    if let Some(key) = search(&description)?
        && let Some(held) = read(key)?
    {
        return Ok(Some(held));
    }
    for key in visible_keys(&description) {
        if let Some(held) = read(key)? {
            return Ok(Some(held));
        }
    }
    Ok(None)
}

/// Keeps `key` for the vault `id`, replacing an earlier one. The lifetime is rounded up to whole seconds. Returns when
/// the key expires.
pub(super) fn put(id: &str, key: &str, lifetime: Option<Duration>) -> Result<Option<SystemTime>, KernelKeyringError> {
    let lifetime = lifetime.map(seconds);
    let held = UnlockedKey {
        key: Zeroizing::new(key.to_owned()),
        until: lifetime.and_then(deadline),
    };
    let payload = held.payload();
    if UnlockedKey::parse(payload.as_bytes()).is_none_or(|parsed| parsed.key != held.key) {
        return Err(KernelKeyringError::Unfit);
    }
    keep(&description(id), payload.as_bytes(), lifetime)?;
    Ok(held.until)
}

/// Removes the key of the vault `id` from all of this user's keyrings. Returns whether there was one.
pub(super) fn remove(id: &str) -> Result<bool, KernelKeyringError> {
    let description = description(id);
    let own = search(&description)?;
    let mut was_there = false;
    for key in own.into_iter().chain(visible_keys(&description)) {
        // Invalidating takes effect at once, in every keyring that links the key.
        was_there |= absent_as_none("remove a key", key.invalidate())?.is_some();
    }
    Ok(was_there)
}

/// Removes the keys of all vaults of this user, including those of deleted or replaced vaults. Returns whether there
/// was one.
///
/// Finds them only if `/proc/keys` can be read, which it cannot in some containers.
pub(super) fn remove_all() -> Result<bool, KernelKeyringError> {
    let prefix = description("");
    let mut was_there = false;
    for key in listed(|name| name.starts_with(&prefix)) {
        was_there |= absent_as_none("remove a key", key.invalidate())?.is_some();
    }
    Ok(was_there)
}

/// Checks that the kernel keeps keys for this process, with a temporary key.
pub(super) fn probe() -> Result<(), KernelKeyringError> {
    let name = RandomState::new().hash_one(std::process::id());
    let description = format!("{PREFIX}:probe:{name:016x}");
    let key = keep(&description, b"probe", Some(PROBE_SECONDS))?;
    let found = search(&description);
    absent_as_none("remove a key", key.invalidate())?;
    match found? {
        Some(_) => Ok(()),
        None => Err(refused("find a key", KeyError::KeyDoesNotExist)),
    }
}

fn description(id: &str) -> String {
    format!("{PREFIX}:vault:{id}")
}

/// The kernel takes whole seconds in 32 bits, and 0 would mean "no timeout".
fn seconds(lifetime: Duration) -> u32 {
    let begun = u64::from(lifetime.subsec_nanos() > 0);
    u32::try_from(lifetime.as_secs().saturating_add(begun)).map_or(u32::MAX, |seconds| seconds.max(1))
}

/// When a key that is created now expires. The kernel uses the wall clock, which also runs during suspend.
fn deadline(seconds: u32) -> Option<SystemTime> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    UNIX_EPOCH.checked_add(Duration::from_secs(now.as_secs() + u64::from(seconds)))
}

/// Creates a key in this thread's keyring and then links it into the user's.
fn keep(description: &str, payload: &[u8], seconds: Option<u32>) -> Result<Key, KernelKeyringError> {
    let own = ring(KeyRingIdentifier::Thread)?;
    let key = own
        .add_key(description, payload)
        .map_err(|cause| refused("make a key", cause))?;
    let shared = share(key, seconds);
    // In any case the thread's keyring must not keep it.
    let dropped = own.unlink_key(key).map_err(|cause| refused("let go of a key", cause));
    shared.and(dropped).map(|()| key)
}

fn share(key: Key, seconds: Option<u32>) -> Result<(), KernelKeyringError> {
    let permissions = KeyPermissionsBuilder::builder()
        .posessor(Permission::ALL)
        .user(Permission::VIEW | Permission::READ | Permission::SEARCH)
        .build();
    key.set_perms(permissions)
        .map_err(|cause| refused("set a key's permissions", cause))?;
    if let Some(seconds) = seconds {
        key.set_timeout(usize::try_from(seconds).unwrap_or(usize::MAX))
            .map_err(|cause| refused("set a key's time", cause))?;
    }
    ring(KeyRingIdentifier::User)?
        .link_key(key)
        .map_err(|cause| refused("keep a key", cause))
}

/// One of the caller's keyrings, created if it does not exist.
fn ring(which: KeyRingIdentifier) -> Result<KeyRing, KernelKeyringError> {
    KeyRing::from_special_id(which, true).map_err(|cause| refused("open a keyring", cause))
}

/// Finds a key in the user's keyring.
fn search(description: &str) -> Result<Option<Key>, KernelKeyringError> {
    absent_as_none("find a key", ring(KeyRingIdentifier::User)?.search(description))
}

/// The user's keys with that description in all keyrings, including those of other user namespaces.
///
/// Another user could create a key whose description looks like a line of the list, but would have to know the vault's
/// id, which is random and not readable by others.
fn visible_keys(description: &str) -> Vec<Key> {
    listed(|name| name == description)
}

/// The keys of this user whose description `wanted` accepts.
fn listed(wanted: impl Fn(&str) -> bool) -> Vec<Key> {
    let (Some(user), Ok(listing)) = (crate::sys::user::id(), fs::read(KEYS)) else {
        return Vec::new();
    };
    String::from_utf8_lossy(&listing)
        .lines()
        .filter_map(|line| serial(line, user, &wanted))
        .map(Key::from_id)
        .collect()
}

/// The serial number in a line of `/proc/keys`, if it is a wanted key of that user. User ids are shown as in the
/// reader's namespace, wherever `/proc` was mounted.
fn serial(line: &str, user: u32, wanted: impl Fn(&str) -> bool) -> Option<KeySerialId> {
    // number flags usage timeout permissions user group type description: length
    let mut columns = line.split_ascii_whitespace();
    let serial = i32::from_str_radix(columns.next()?, 16).ok()?;
    let is_theirs = columns.nth(4)?.parse() == Ok(user);
    let is_named = columns.nth(1)? == "user" && wanted(columns.next()?.strip_suffix(':')?);
    (is_theirs && is_named).then(|| KeySerialId::new(serial))
}

fn read(key: Key) -> Result<Option<UnlockedKey>, KernelKeyringError> {
    let mut payload = Zeroizing::new([0; MAX_PAYLOAD]);
    let length = absent_as_none("read a key", key.read(&mut *payload))?;
    // The length is that of the key, even if it did not fit into the buffer.
    Ok(length.and_then(|length| UnlockedKey::parse(payload.get(..length)?)))
}

/// A revoked or expired key counts as absent.
fn absent_as_none<T>(action: &'static str, answer: Result<T, KeyError>) -> Result<Option<T>, KernelKeyringError> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(KeyError::KeyDoesNotExist | KeyError::KeyExpired | KeyError::KeyRevoked | KeyError::KeyRejected) => {
            Ok(None)
        }
        Err(cause) => Err(refused(action, cause)),
    }
}

fn refused(action: &'static str, cause: KeyError) -> KernelKeyringError {
    let cause = match cause {
        KeyError::AccessDenied | KeyError::PermissionDenied => return KernelKeyringError::Forbidden,
        KeyError::QuotaExceeded => return KernelKeyringError::Quota,
        KeyError::OperationNotSupported => return KernelKeyringError::Absent,
        KeyError::Unknown(number) => io::Error::from_raw_os_error(number),
        other => io::Error::other(other.to_string()),
    };
    match cause.kind() {
        io::ErrorKind::Unsupported => KernelKeyringError::Absent,
        _ => KernelKeyringError::Other {
            action,
            cause: cause.to_string(),
        },
    }
}
