//! Keychain errors and their hints.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use super::ConfigError;
use super::item::Name;
use crate::model::{CommandLine, Hint};
use crate::sys::private::NotPrivate;

/// Longest quotation of foreign text in a message, in characters.
const MAX_FOREIGN_TEXT: usize = 200;
/// The reason given when there is no session bus.
pub const NO_BUS: &str = "no D-Bus session bus was found";
/// The reason given when there is no Secret Service on the bus.
pub const NO_SERVICE: &str = "no secret service is on the D-Bus session bus";

/// Why a keychain operation failed.
///
/// None of these means "no such credential": that is a value, `None` or `false`.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// Neither `DBUS_SESSION_BUS_ADDRESS` nor a socket in the runtime folder leads to a session bus.
    #[error("there is no keychain here: {NO_BUS}")]
    NoBus,
    /// `XDG_RUNTIME_DIR` names a folder that is not private to this user, as after a plain `su`.
    #[error("there is no keychain here: XDG_RUNTIME_DIR names {}, which is not used: {why}", path.display())]
    ForeignRuntimeFolder { path: PathBuf, why: NotPrivate },
    /// Another user runs the bus at this address and would receive the tokens.
    #[error("the D-Bus session bus at {address} is not used: it belongs to another user (uid {owner})")]
    ForeignBus { address: String, owner: u32 },
    /// `DBUS_SESSION_BUS_ADDRESS` has an address of another kind: `tcp:`, `autolaunch:`.
    #[error("the D-Bus session bus address names no unix socket: {0}")]
    BusAddress(String),
    /// Nothing answers at the address.
    #[error("the D-Bus session bus cannot be reached at {address}: {cause}")]
    BusUnreachable { address: String, cause: String },
    /// No program on the bus, nor one that it could start, is a Secret Service.
    #[error("there is no keychain here: {NO_SERVICE}")]
    NoService,
    /// The Secret Service has no default collection to store an item in.
    #[error("the secret service has no default keyring")]
    NoCollection,
    /// The item is locked, and there is no screen to ask for the keyring's password on.
    #[error("the keyring is locked")]
    Locked,
    /// The user declined the prompt to unlock the keyring or to change an item.
    #[error("the keyring's prompt was dismissed")]
    PromptDismissed,
    #[error("nobody answered the keyring's prompt within {} s", .0.as_secs())]
    PromptUnanswered(Duration),
    /// macOS: over SSH, in tmux or under launchd, a locked keychain or an item of another program's cannot ask.
    #[error("macOS's keychain is locked or wants to ask, and this session cannot show a dialogue")]
    NoInteraction,
    /// macOS: the prompt was dismissed, or the password was wrong.
    #[error("permission to use the keychain's item was not given")]
    NotPermitted,
    /// macOS: as for a service's user, who never logs in.
    #[error("there is no keychain here: this user has no login keychain")]
    NoLoginKeychain,
    /// Windows: a session without the user's password, as over SSH with a key.
    #[error("there is no keychain here: this logon session has no Credential Manager")]
    NoLogonSession,
    /// The service exited during a call, and again during the retry.
    #[error("the secret service went away while it was asked")]
    Died,
    /// The service finds an item or a default keyring, and again and again says that it does not exist.
    #[error("the secret service names {0}, and says that it does not exist")]
    Vanished(&'static str),
    /// The service does not answer.
    #[error("the keychain did not answer within {} s", .0.as_secs_f32())]
    NoAnswer(Duration),
    #[error("the secret service denies access: {0}")]
    Denied(String),
    /// The service answered with an error that is none of the above.
    #[error("the secret service refused: {0}")]
    Refused(String),
    /// The service's answer is not what the Secret Service specification says.
    #[error("the secret service gave an answer that does not follow its specification: {0}")]
    Protocol(String),
    /// One of our items exists but cannot be read.
    #[error("the keychain's item for {0} cannot be read")]
    Damaged(String),
    /// A token cannot be replaced or forgotten while it is being rotated.
    #[error("the credential of {0} is being rotated")]
    Rotating(Name),
    /// The item has changed since it was read.
    #[error("another program changed the keychain's item for {0}")]
    Changed(String),
    /// The item that was read back differs from what was written.
    #[error("the keychain does not return what was stored in it for {0}")]
    NotKept(String),
    /// The platform limits the size of an item, Windows to 2560 bytes.
    #[error("the credential is too long for this keychain: it takes {0} bytes at most")]
    TooLong(u32),
    /// Another process holds the write lock.
    #[error("another program has been changing the keychain for {} s", .0.as_secs())]
    Busy(Duration),
    #[error("the lock file {} cannot be used: {cause}", path.display())]
    Lock {
        /// The file or its folder.
        path: PathBuf,
        cause: io::Error,
    },
    /// `config.toml`, which names the keychain, cannot be used.
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Vault(#[from] super::vault::Error),
    #[error("the system gives no random numbers: {0}")]
    Random(String),
    /// A keychain other than the Secret Service failed.
    #[error("the keychain failed: {0}")]
    Platform(String),
}

impl Error {
    /// What the user can do about it; each hint is an alternative.
    pub fn hints(&self) -> Vec<Hint> {
        let vault = || {
            let command = CommandLine::new("kubectl regcred keychain use vault");
            Hint::to("on a machine without a desktop, make a vault", command)
        };
        match self {
            Self::NoBus | Self::BusAddress(_) | Self::BusUnreachable { .. } | Self::NoService => vec![
                vault(),
                "in CI, let sync take the token from --token-env VAR or --token-stdin; \
                 on a desktop, start gnome-keyring, KWallet or KeePassXC"
                    .into(),
            ],
            Self::ForeignRuntimeFolder {
                why: NotPrivate::Mode(_),
                ..
            } => vec!["chmod 700 it".into()],
            Self::ForeignRuntimeFolder { .. } | Self::ForeignBus { .. } => vec![
                "become that user with a session of its own (su -, sudo -i, machinectl shell), \
                 or unset XDG_RUNTIME_DIR and DBUS_SESSION_BUS_ADDRESS"
                    .into(),
                vault(),
            ],
            Self::Locked | Self::PromptDismissed | Self::PromptUnanswered(_) => vec![
                "unlock the keyring, in Passwords and Keys (seahorse), in KeePassXC or by logging in to the desktop, \
                 and try again"
                    .into(),
                Hint::to(
                    "over SSH, where nobody sits at that desktop, use a vault",
                    CommandLine::new("kubectl regcred keychain use vault"),
                ),
            ],
            Self::NoInteraction => vec![
                Hint::to("unlock it for this session", CommandLine::new("security unlock-keychain")),
                Hint::to("over SSH or under launchd, use a vault", vault_with_key_file()),
                "if it is not locked, the item was made by another program or another build of regcred: on the desktop, \
                 kubectl regcred list asks, and \"Always Allow\" settles it"
                    .into(),
            ],
            Self::NoLoginKeychain | Self::NoLogonSession => vec![
                Hint::to("make a vault", vault_with_key_file()),
                "in CI, let sync take the token from --token-env VAR or --token-stdin".into(),
            ],
            Self::NoCollection => vec![
                "make a default keyring once, in Passwords and Keys (seahorse) or by logging in to the desktop, \
                 or open a database in KeePassXC"
                    .into(),
                vault(),
                "in CI, let sync take the token from --token-env VAR or --token-stdin".into(),
            ],
            Self::Rotating(name) => {
                let rotate = name.rotate_command();
                vec![format!("finish it with: {rotate} --resume; or go back with: {rotate} --abort").into()]
            }
            Self::TooLong(_) => vec![Hint::to("a vault takes longer ones", vault_with_key_file())],
            Self::Vault(error) => error.hint().into_iter().collect(),
            other => other.advice().map(Hint::from).into_iter().collect(),
        }
    }

    fn advice(&self) -> Option<&'static str> {
        Some(match self {
            Self::NotPermitted => {
                "try again and choose \"Always Allow\"; or delete the item kubectl-regcred in Keychain Access, and log in again"
            }
            Self::Died | Self::NoAnswer(_) | Self::Vanished(_) => "restart the keyring's daemon and try again",
            Self::Damaged(_) => "kubectl regcred logout and login again replace it",
            Self::Lock { .. } => "set XDG_RUNTIME_DIR or TMPDIR to a folder that you may write to",
            Self::Changed(_) => "see whether another regcred is at work, and try again",
            Self::NotKept(_) => "it is still where it was: see whether its program has room and rights to write",
            Self::Busy(_) => "see whether another regcred waits for an answer, and try again",
            Self::Config(error) => return error.hint(),
            _ => return None,
        })
    }
}

impl From<Error> for keyring_core::Error {
    /// Errors of our own stores pass through keyring-core in a box.
    fn from(error: Error) -> Self {
        match error {
            Error::Locked | Error::PromptDismissed | Error::PromptUnanswered(_) | Error::Denied(_) => {
                Self::NoStorageAccess(Box::new(error))
            }
            other => Self::PlatformFailure(Box::new(other)),
        }
    }
}

impl From<keyring_core::Error> for Error {
    fn from(error: keyring_core::Error) -> Self {
        use keyring_core::Error as E;
        match error {
            E::PlatformFailure(cause) => match cause.downcast::<Self>() {
                Ok(ours) => *ours,
                Err(other) => of_system(other.as_ref()),
            },
            E::NoStorageAccess(cause) => match cause.downcast::<Self>() {
                Ok(ours) => *ours,
                // keyring's store for Windows has this for a single code: ERROR_NO_SUCH_LOGON_SESSION.
                Err(_) if cfg!(windows) => Self::NoLogonSession,
                Err(other) => of_system(other.as_ref()),
            },
            E::TooLong(_, limit) => Self::TooLong(limit),
            // Not shown as keyring-core would: these variants contain the secret's bytes.
            E::BadEncoding(_) | E::BadDataFormat(..) => Self::Platform("an item is not of its format".to_owned()),
            E::Ambiguous(_) => Self::Platform("it holds several items of one name".to_owned()),
            other => Self::Platform(printable(&other.to_string())),
        }
    }
}

/// The error of the system's own keychain.
fn of_system(cause: &(dyn std::error::Error + Send + Sync + 'static)) -> Error {
    #[cfg(target_os = "macos")]
    if let Some(error) = cause
        .downcast_ref::<security_framework::base::Error>()
        .and_then(|error| of_macos(error.code()))
    {
        return error;
    }
    Error::Platform(printable(&cause.to_string()))
}

/// The error for an `OSStatus` of macOS's keychain; `None` if the system's own text says it best.
///
/// "No such item" (-25300) is not among them: keyring makes it a value.
#[cfg(any(target_os = "macos", test))]
fn of_macos(code: i32) -> Option<Error> {
    Some(match code {
        // errSecInteractionNotAllowed, errSecInteractionRequired
        -25308 | -25315 => Error::NoInteraction,
        // userCanceledErr, errSecAuthFailed
        -128 | -25293 => Error::NotPermitted,
        // errSecNotAvailable, errSecNoSuchKeychain, errSecInvalidKeychain, errSecNoDefaultKeychain
        -25291 | -25294 | -25295 | -25307 => Error::NoLoginKeychain,
        _ => return None,
    })
}

/// The command for systems whose vault has no other key.
fn vault_with_key_file() -> CommandLine {
    CommandLine::new("kubectl regcred keychain use vault --key-file FILE")
}

/// Foreign text for a message: one line of limited length.
pub(super) fn printable(text: &str) -> String {
    crate::model::printable(text, MAX_FOREIGN_TEXT)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_errors_come_back_out_of_keyring_core() {
        for error in [Error::Locked, Error::NoService, Error::Died] {
            let message = error.to_string();
            let back = Error::from(keyring_core::Error::from(error));
            assert_eq!(back.to_string(), message);
            assert!(!matches!(back, Error::Platform(_)));
        }
    }

    #[test]
    fn a_secret_in_an_error_of_keyring_core_is_not_shown() {
        let error = Error::from(keyring_core::Error::BadEncoding(b"s3cret".to_vec()));
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("s3cret") && !shown.contains("115"), "{shown}");
    }

    #[test]
    fn a_missing_keychain_hints_at_the_ways_without_one() {
        for error in [Error::NoBus, Error::NoService, Error::NoCollection] {
            let hint = format!("{:?}", error.hints());
            assert!(hint.contains("--token-env") && hint.contains("--token-stdin"), "{hint}");
            assert!(hint.contains("kubectl regcred keychain use vault"), "{hint}");
        }
    }

    #[test]
    fn foreign_text_is_one_short_line() {
        let text = printable(&format!("  a\nb\u{1b}[31m{}", "x".repeat(1000)));
        assert!(text.starts_with("a b [31m") && text.chars().count() <= MAX_FOREIGN_TEXT);
    }

    #[test]
    fn every_code_has_its_meaning() {
        for (code, expected) in [
            (
                -25308,
                Some("macOS's keychain is locked or wants to ask, and this session cannot show a dialogue"),
            ),
            (
                -25315,
                Some("macOS's keychain is locked or wants to ask, and this session cannot show a dialogue"),
            ),
            (-128, Some("permission to use the keychain's item was not given")),
            (-25293, Some("permission to use the keychain's item was not given")),
            (
                -25291,
                Some("there is no keychain here: this user has no login keychain"),
            ),
            (
                -25294,
                Some("there is no keychain here: this user has no login keychain"),
            ),
            (
                -25295,
                Some("there is no keychain here: this user has no login keychain"),
            ),
            (
                -25307,
                Some("there is no keychain here: this user has no login keychain"),
            ),
            // No such item, a full disk, a success: not ours to explain.
            (-25300, None),
            (-34, None),
            (0, None),
        ] {
            assert_eq!(
                of_macos(code).map(|error| error.to_string()).as_deref(),
                expected,
                "{code}"
            );
        }
    }

    #[test]
    fn a_session_without_dialogues_has_two_ways_out() {
        let hints = of_macos(-25308).unwrap().hints();
        let shown: Vec<_> = hints.iter().map(ToString::to_string).collect();
        assert!(shown[0].ends_with("security unlock-keychain"), "{shown:?}");
        assert!(
            shown[1].ends_with("kubectl regcred keychain use vault --key-file FILE"),
            "{shown:?}"
        );
    }
}
