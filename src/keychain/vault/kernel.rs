//! Where an unlocked vault's key rests: the kernel's keyring of this user (keyrings(7), user-keyring(7)).
//!
//! The key is there until it is removed, its time is up, or the machine restarts. No process has to stay for it, it is
//! never swapped out, and whatever runs as this user finds it: a login shell, a cron job, a daemon's child.
//!
//! **Possession.** The kernel gives more to whoever *possesses* a key, which is who reaches it from a keyring of his
//! own thread, process or session; a process without a PAM session does not possess what is in its user's keyring. A
//! key is therefore made in a keyring of the calling thread, where its maker possesses it, and shows in the user's
//! keyring only when it has its permissions and its time: there is no moment at which it is there without an end, and
//! a new key takes the place of the old one in one step.
//!
//! **User namespaces.** Rootless podman and buildah call credential helpers in a user namespace, and that has a user
//! keyring of its own. By its serial number a key is found there all the same, where its permissions give it to its
//! owner: a key's owner is compared across namespaces. So the owner may view, read and search, which lets [`get`] and
//! [`remove`] reach from within a namespace the key of outside, and the other way round. What [`put`] keeps inside a
//! namespace goes with its last process. The price is that a container whose root is this user could read the key too,
//! where it may call keyctl(2) and guesses the number of 31 bits; the key is of no use without the vault's file.

use std::fmt::{self, Write as _};
use std::fs;
use std::hash::{BuildHasher as _, RandomState};
use std::io;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use linux_keyutils::{Key, KeyError, KeyPermissionsBuilder, KeyRing, KeyRingIdentifier, KeySerialId, Permission};
use thiserror::Error;
use zeroize::Zeroizing;

#[cfg(test)]
mod tests;

/// What the descriptions of our keys begin with.
const PREFIX: &str = "kubectl-regcred";

/// The keys that this user may see, in whatever keyring they are: `proc_keys(5)`.
const KEYS: &str = "/proc/keys";

/// Room for an age identity (74 octets) and a time. A key of more is none of ours.
const MAX_PAYLOAD: usize = 256;

/// When a probe goes that its maker did not live to remove.
const PROBE_SECONDS: u32 = 60;

/// The key of an unlocked vault.
pub(super) struct Held {
    /// The key, one line.
    pub key: Zeroizing<String>,
    /// When the kernel lets go of it, where it does before a restart. To be shown: it is the kernel that counts.
    pub until: Option<SystemTime>,
}

impl Held {
    /// The key, and in a second line the time in seconds since 1970 where there is one.
    fn payload(&self) -> Zeroizing<String> {
        // It must not have to grow: what it grew out of would not be zeroed.
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

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Held")
            .field("key", &"[redacted]")
            .field("until", &self.until)
            .finish()
    }
}

/// Why the kernel keeps no key for this process.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum Refused {
    /// `EPERM` or `EACCES`, as docker's default seccomp profile answers, or a security module.
    #[error("this process may not use the kernel's keyring")]
    Forbidden,
    /// `ENOSYS`: a kernel without keyrings, gVisor, podman's default seccomp profile.
    #[error("there is no kernel keyring here")]
    Absent,
    /// `EDQUOT`: see `/proc/sys/kernel/keys/maxkeys` and `maxbytes`.
    #[error("the kernel's keyring holds as many keys of this user as it may")]
    Quota,
    /// What is to be kept is not one short line.
    #[error("the key does not fit into the kernel's keyring: it is not one line of at most {MAX_PAYLOAD} characters")]
    Unfit,
    /// The kernel answered with an error that is none of the above.
    #[error("the kernel's keyring failed to {action}: {cause}")]
    Other {
        /// What it was asked to do.
        action: &'static str,
        cause: String,
    },
}

impl Refused {
    /// What to do about it, where there is something to do.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Forbidden | Self::Absent => {
                "containers mostly have none: let REGCRED_VAULT_KEY_FILE name a file with the vault's key, \
                 or make one: kubectl regcred keychain use vault --key-file FILE"
            }
            Self::Quota => {
                "see what fills it with: keyctl show @u; or let REGCRED_VAULT_KEY_FILE name a file with the vault's key"
            }
            Self::Other { .. } => "let REGCRED_VAULT_KEY_FILE name a file with the vault's key",
            Self::Unfit => return None,
        })
    }

    fn new(action: &'static str, cause: KeyError) -> Self {
        let cause = match cause {
            KeyError::AccessDenied | KeyError::PermissionDenied => return Self::Forbidden,
            KeyError::QuotaExceeded => return Self::Quota,
            KeyError::OperationNotSupported => return Self::Absent,
            KeyError::Unknown(number) => io::Error::from_raw_os_error(number),
            other => io::Error::other(other.to_string()),
        };
        match cause.kind() {
            io::ErrorKind::Unsupported => Self::Absent,
            _ => Self::Other {
                action,
                cause: cause.to_string(),
            },
        }
    }
}

/// The key of the vault `id`, where it is unlocked.
///
/// Three calls where it is. `None` as well for one whose time is up and for one that is not as [`put`] makes it.
pub(super) fn get(id: &str) -> Result<Option<Held>, Refused> {
    let description = description(id);
    if let Some(key) = search(&description)?
        && let Some(held) = read(key)?
    {
        return Ok(Some(held));
    }
    for key in in_sight(&description) {
        if let Some(held) = read(key)? {
            return Ok(Some(held));
        }
    }
    Ok(None)
}

/// Keeps `key` for the vault `id`, in place of the one there was, for whole seconds: what is begun counts. Says when
/// the kernel lets go of it.
pub(super) fn put(id: &str, key: &str, lifetime: Option<Duration>) -> Result<Option<SystemTime>, Refused> {
    let lifetime = lifetime.map(seconds);
    let held = Held {
        key: Zeroizing::new(key.to_owned()),
        until: lifetime.and_then(deadline),
    };
    let payload = held.payload();
    if Held::parse(payload.as_bytes()).is_none_or(|parsed| parsed.key != held.key) {
        return Err(Refused::Unfit);
    }
    keep(&description(id), payload.as_bytes(), lifetime)?;
    Ok(held.until)
}

/// Takes the key of the vault `id` out, wherever this user has it. Says whether there was one.
pub(super) fn remove(id: &str) -> Result<bool, Refused> {
    let description = description(id);
    let own = search(&description)?;
    let mut was_there = false;
    for key in own.into_iter().chain(in_sight(&description)) {
        // Invalid at once and for everybody, in whatever keyrings it is.
        was_there |= present("remove a key", key.invalidate())?.is_some();
    }
    Ok(was_there)
}

/// Takes every vault's key of this user out, also of a vault that is gone or has another id by now. Says whether there
/// was one.
///
/// Only where the kernel lists the keys: `/proc` can be hidden from a container.
pub(super) fn remove_all() -> Result<bool, Refused> {
    let prefix = description("");
    let mut was_there = false;
    for key in listed(|name| name.starts_with(&prefix)) {
        was_there |= present("remove a key", key.invalidate())?.is_some();
    }
    Ok(was_there)
}

/// Whether the kernel keeps keys for this process at all. Nothing stays.
pub(super) fn probe() -> Result<(), Refused> {
    let name = RandomState::new().hash_one(std::process::id());
    let description = format!("{PREFIX}:probe:{name:016x}");
    let key = keep(&description, b"probe", Some(PROBE_SECONDS))?;
    let found = search(&description);
    present("remove a key", key.invalidate())?;
    match found? {
        Some(_) => Ok(()),
        None => Err(Refused::new("find a key", KeyError::KeyDoesNotExist)),
    }
}

fn description(id: &str) -> String {
    format!("{PREFIX}:vault:{id}")
}

/// The kernel counts whole seconds in 32 bits, and takes none at all for a key that stays.
fn seconds(lifetime: Duration) -> u32 {
    let begun = u64::from(lifetime.subsec_nanos() > 0);
    u32::try_from(lifetime.as_secs().saturating_add(begun)).map_or(u32::MAX, |seconds| seconds.max(1))
}

/// When a key goes that is made now. The kernel counts by the wall clock, also while the machine sleeps.
fn deadline(seconds: u32) -> Option<SystemTime> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    UNIX_EPOCH.checked_add(Duration::from_secs(now.as_secs() + u64::from(seconds)))
}

/// Makes a key of this thread, and of the user when it is complete.
fn keep(description: &str, payload: &[u8], seconds: Option<u32>) -> Result<Key, Refused> {
    let own = ring(KeyRingIdentifier::Thread)?;
    let key = own
        .add_key(description, payload)
        .map_err(|cause| Refused::new("make a key", cause))?;
    let shared = share(key, seconds);
    // Whether shared or not, the thread is not to hold it on.
    let dropped = own
        .unlink_key(key)
        .map_err(|cause| Refused::new("let go of a key", cause));
    shared.and(dropped).map(|()| key)
}

fn share(key: Key, seconds: Option<u32>) -> Result<(), Refused> {
    let permissions = KeyPermissionsBuilder::builder()
        .posessor(Permission::ALL)
        .user(Permission::VIEW | Permission::READ | Permission::SEARCH)
        .build();
    key.set_perms(permissions)
        .map_err(|cause| Refused::new("set a key's permissions", cause))?;
    if let Some(seconds) = seconds {
        key.set_timeout(usize::try_from(seconds).unwrap_or(usize::MAX))
            .map_err(|cause| Refused::new("set a key's time", cause))?;
    }
    ring(KeyRingIdentifier::User)?
        .link_key(key)
        .map_err(|cause| Refused::new("keep a key", cause))
}

/// One of the caller's keyrings, which is made where there is none yet.
fn ring(which: KeyRingIdentifier) -> Result<KeyRing, Refused> {
    KeyRing::from_special_id(which, true).map_err(|cause| Refused::new("open a keyring", cause))
}

/// The key in the user's keyring.
fn search(description: &str) -> Result<Option<Key>, Refused> {
    present("find a key", ring(KeyRingIdentifier::User)?.search(description))
}

/// The user's keys of that description in all keyrings, also in those of other user namespaces.
///
/// The list is text, and another user could give a key of his own a description that reads like a line of it; but the
/// vault's id is random, and stands in nothing that others may read.
fn in_sight(description: &str) -> Vec<Key> {
    listed(|name| name == description)
}

/// The keys of this user whose description is one that is `wanted`.
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

/// The number of the key that a line of `/proc/keys` is about, if it is a wanted key of that user. Users are numbered as
/// in the namespace of whoever reads, wherever `/proc` was mounted.
fn serial(line: &str, user: u32, wanted: impl Fn(&str) -> bool) -> Option<KeySerialId> {
    // number flags usage timeout permissions user group type description: length
    let mut columns = line.split_ascii_whitespace();
    let serial = i32::from_str_radix(columns.next()?, 16).ok()?;
    let is_theirs = columns.nth(4)?.parse() == Ok(user);
    let is_named = columns.nth(1)? == "user" && wanted(columns.next()?.strip_suffix(':')?);
    (is_theirs && is_named).then(|| KeySerialId::new(serial))
}

fn read(key: Key) -> Result<Option<Held>, Refused> {
    let mut payload = Zeroizing::new([0; MAX_PAYLOAD]);
    let length = present("read a key", key.read(&mut *payload))?;
    // The length is the key's, also where that did not fit.
    Ok(length.and_then(|length| Held::parse(payload.get(..length)?)))
}

/// A key that is gone, or whose time is up, is one that there is not.
fn present<T>(action: &'static str, answer: Result<T, KeyError>) -> Result<Option<T>, Refused> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(KeyError::KeyDoesNotExist | KeyError::KeyExpired | KeyError::KeyRevoked | KeyError::KeyRejected) => {
            Ok(None)
        }
        Err(cause) => Err(Refused::new(action, cause)),
    }
}
