//! Texts that describe a keychain and the state of the vault.

use std::time::{Duration, SystemTime};

use crate::commands::system::System;
use crate::keychain::StoreName;
use crate::keychain::vault::{KeyState, VaultState};
use crate::model::duration;

const MINUTE: Duration = Duration::from_secs(60);
/// The time between unlocking and the message about it.
const MOMENT: Duration = Duration::from_secs(2);

/// The name of a keychain in a sentence.
pub(super) fn store(name: StoreName) -> &'static str {
    match name {
        StoreName::Vault => "the vault",
        StoreName::System if cfg!(target_os = "linux") => "the Secret Service",
        StoreName::System => "this system's keychain",
    }
}

/// Completes "the vault is …".
pub(super) fn state(state: &VaultState) -> String {
    match &state.key {
        KeyState::Locked => "locked".to_owned(),
        KeyState::Unlocked { until } => unlocked(*until),
        KeyState::InFile { path, named_by } => format!("open to everyone who can read {} ({named_by})", path.display()),
    }
}

/// Completes "the vault is …".
pub(super) fn unlocked(until: Option<SystemTime>) -> String {
    let left = until.map(|until| until.duration_since(SystemTime::now()).unwrap_or_default());
    match left {
        // Rounded up to minutes: right after `--for 12h` it is 12 hours, and after `--for 1m` a minute.
        Some(left) if left + MOMENT > MINUTE => {
            let minutes = left.as_secs().div_ceil(60);
            unlocked_for(Duration::from_secs(minutes * 60))
        }
        Some(left) => unlocked_for(left),
        None => "unlocked until this machine is rebooted".to_owned(),
    }
}

/// The same right after it was unlocked for this time.
pub(super) fn unlocked_for(lifetime: Duration) -> String {
    format!("unlocked for {}", duration::show(lifetime))
}

/// Prints whether the vault is open and, if not, the command that opens it.
pub(super) fn vault(state: &VaultState, system: &mut System<'_>) {
    system.output.info(format_args!("the vault is {}", self::state(state)));
    if let Some(hint) = next(state) {
        system.output.info(format_args!("hint: {hint}"));
    }
}

/// The command that opens the vault.
pub(super) fn next(state: &VaultState) -> Option<&'static str> {
    match (&state.key, state.has_passphrase) {
        (KeyState::Locked, true) => Some("kubectl regcred keychain unlock"),
        (KeyState::Locked, false) => Some("kubectl regcred keychain unlock --key-file FILE"),
        _ => None,
    }
}
