//! The key of an unlocked vault in the kernel's keyring, and why the kernel keeps none.

use std::fmt;
use std::time::SystemTime;

use thiserror::Error;
use zeroize::Zeroizing;

/// Room for an age identity (74 octets) and a time, in octets. A longer key is not ours.
pub(super) const MAX_PAYLOAD: usize = 256;

/// The key of an unlocked vault.
pub(super) struct UnlockedKey {
    /// The key, a single line.
    pub key: Zeroizing<String>,
    /// When it expires, if it does so before a reboot. For display only: the kernel keeps the actual timeout.
    pub until: Option<SystemTime>,
}

impl fmt::Debug for UnlockedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnlockedKey")
            .field("key", &"[redacted]")
            .field("until", &self.until)
            .finish()
    }
}

/// Why the kernel does not keep a key for this process.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum KernelKeyringError {
    /// `EPERM` or `EACCES`, from docker's default seccomp profile or a security module.
    #[error("this process may not use the kernel's keyring")]
    Forbidden,
    /// `ENOSYS`, from a kernel without keyrings, gVisor or podman's default seccomp profile.
    #[error("there is no kernel keyring here")]
    Absent,
    /// Not Linux, or a program that was built without it.
    #[error("this system has no kernel keyring, so the vault opens with a key file")]
    Unsupported,
    /// `EDQUOT`: see `/proc/sys/kernel/keys/maxkeys` and `maxbytes`.
    #[error("the kernel's keyring holds as many keys of this user as it may")]
    Quota,
    /// The key is not a single short line.
    #[error("the key does not fit into the kernel's keyring: it is not one line of at most {MAX_PAYLOAD} characters")]
    Unfit,
    /// Any other error.
    #[error("the kernel's keyring failed to {action}: {cause}")]
    Other {
        /// The failed operation.
        action: &'static str,
        cause: String,
    },
}

impl KernelKeyringError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::Forbidden | Self::Absent => {
                "most containers have none: set REGCRED_VAULT_KEY_FILE to a file with the vault's key, \
                 or create one: kubectl regcred keychain use vault --key-file FILE"
            }
            Self::Unsupported => {
                "set REGCRED_VAULT_KEY_FILE to a file with the vault's key, \
                 or create one: kubectl regcred keychain use vault --key-file FILE"
            }
            Self::Quota => {
                "see what fills it with: keyctl show @u; or set REGCRED_VAULT_KEY_FILE to a file with the vault's key"
            }
            Self::Other { .. } => "set REGCRED_VAULT_KEY_FILE to a file with the vault's key",
            Self::Unfit => return None,
        })
    }
}
