//! What differs on Linux on arm64: an emulator of processors passes no call for the kernel's keyring on (`ENOSYS`).

use snapbox::str;

use super::{ON_ARM64, words};
use crate::support::elsewhere::Elsewhere;

scenario!(an_emulator_has_no_kernel_keyring, on(ON_ARM64));
fn an_emulator_has_no_kernel_keyring(elsewhere: &Elsewhere) {
    // Nobody chooses a passphrase in vain.
    elsewhere
        .regcred_with("keychain use vault --passphrase-stdin", "correct horse")
        .says(str![[r#"
exit 1
--- stdout
--- stderr
error: there is no kernel keyring here
hint: most containers have none: set REGCRED_VAULT_KEY_FILE to a file with the vault's key, or create one: kubectl regcred keychain use vault --key-file FILE

"#]]);
    let status = elsewhere.regcred("keychain status");
    let lines: Vec<String> = status.stdout.lines().map(words).collect();
    let line = "kernel keyring not available: there is no kernel keyring here";
    assert!(lines.iter().any(|said| said == line), "{status}");
}
