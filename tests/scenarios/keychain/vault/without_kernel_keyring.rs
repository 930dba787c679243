//! The programs that were built without the kernel's keyring, at a vault that others have made: only a key file opens it.

use std::fs;
use std::path::PathBuf;

use snapbox::str;

use super::{store, token};
use crate::keychain::secret_service::every_action_fails;
use crate::support::elsewhere::System;
use crate::support::parts::KERNEL_KEYRING;
use crate::support::scenario::Part;
use crate::support::vault::{PASSPHRASE, VaultHome};
use crate::support::world::Ran;

const PROGRAMS: Part = Part::new(|| System::WithoutKernelKeyring.missing());
const NAME: &str = "gitea.example.com";

fn program(name: &str) -> PathBuf {
    System::WithoutKernelKeyring.program(name).unwrap()
}

fn regcred(home: &VaultHome, line: &str, stdin: &str) -> Ran {
    let line = line.replace("[FOLDER]", home.folder().to_str().unwrap());
    home.run(
        home.command(program("kubectl-regcred")).args(line.split_whitespace()),
        stdin,
    )
}

fn get(home: &VaultHome) -> Ran {
    home.run(home.command(program("docker-credential-gitea")).arg("get"), NAME)
}

scenario!(a_passphrase_does_not_open_it, needs(PROGRAMS, KERNEL_KEYRING));
fn a_passphrase_does_not_open_it() {
    let home = VaultHome::start();
    store(&home, NAME, "first");
    get(&home).says(str![[r#"
exit 1
--- stdout
the vault is locked: this system has no kernel keyring, so the vault opens with a key file
--- stderr
docker-credential-gitea: the vault is locked: this system has no kernel keyring, so the vault opens with a key file; hint: set REGCRED_VAULT_KEY_FILE to a file with the vault's key, or create one: kubectl regcred keychain use vault --key-file FILE

"#]]);
    regcred(&home, "keychain status", "").says(str![[r#"
exit 1
--- stdout
in use           vault, chosen in [FOLDER]/home/.config/regcred/config.toml
vault            locked: this system has no kernel keyring, so the vault opens with a key file
vault file       [FOLDER]/home/.local/share/regcred/vault.age
key file         none
kernel keyring   not available: this system has no kernel keyring, so the vault opens with a key file
secret-service   none: no D-Bus session bus was found
--- stderr
error: the vault is locked: this system has no kernel keyring, so the vault opens with a key file
hint: set REGCRED_VAULT_KEY_FILE to a file with the vault's key, or create one: kubectl regcred keychain use vault --key-file FILE

"#]]);
    regcred(&home, "keychain unlock --passphrase-stdin", PASSPHRASE).says(str![[r#"
exit 1
--- stdout
--- stderr
error: the vault is locked: this system has no kernel keyring, so the vault opens with a key file
hint: set REGCRED_VAULT_KEY_FILE to a file with the vault's key, or create one: kubectl regcred keychain use vault --key-file FILE

"#]]);
    // What the hint names.
    let line = "keychain use vault --passphrase-stdin --key-file [FOLDER]/home/vault.key";
    regcred(&home, line, PASSPHRASE).says(str![[r#"
exit 0
--- stdout
--- stderr
created a key file: [FOLDER]/home/vault.key
hint: whoever can read it can open the vault without the passphrase
the vault is open to everyone who can read [FOLDER]/home/vault.key (--key-file)
docker and kubectl regcred use the vault from now on

"#]]);
    assert!(get(&home).done().contains("first"));
    regcred(&home, "keychain unlock", "").says(str![[r#"
exit 0
--- stdout
--- stderr
the vault is open to everyone who can read [FOLDER]/home/vault.key (config.toml)

"#]]);
    let said = regcred(&home, "keychain unlock --key-file [FOLDER]/home/vault.key", "");
    said.says(str![[r#"
exit 1
--- stdout
--- stderr
error: this system has no kernel keyring, so the vault opens with a key file
hint: set REGCRED_VAULT_KEY_FILE to a file with the vault's key, or create one: kubectl regcred keychain use vault --key-file FILE

"#]]);
    // The key is the same.
    home.unlock();
    fs::remove_file(home.key_file()).unwrap();
    assert_eq!(token(&home, NAME).unwrap(), "first");
}

scenario!(its_key_file_is_lost, needs(PROGRAMS, KERNEL_KEYRING));
/// It has a passphrase besides, with which another key file is made.
fn its_key_file_is_lost() {
    let home = VaultHome::with_key_file();
    store(&home, NAME, "first");
    regcred(&home, "keychain passphrase --passphrase-stdin", PASSPHRASE).done();
    assert!(get(&home).done().contains("first"));
    fs::remove_file(home.key_file()).unwrap();
    get(&home).says(str![[r#"
exit 1
--- stdout
the vault is locked: its key file [FOLDER]/home/vault.key cannot be read: No such file or directory (os error 2)
--- stderr
docker-credential-gitea: the vault is locked: its key file [FOLDER]/home/vault.key cannot be read: No such file or directory (os error 2); hint: bring the key file back, or make another one with the vault's passphrase: kubectl regcred keychain use vault --key-file FILE

"#]]);
    every_action_fails(
        || home.command(program("docker-credential-gitea")),
        "the vault is locked: its key file",
    );
    regcred(&home, "keychain unlock --passphrase-stdin", PASSPHRASE).says(str![[r#"
exit 1
--- stdout
--- stderr
error: the vault is locked: its key file [FOLDER]/home/vault.key cannot be read: No such file or directory (os error 2)
hint: bring the key file back, or make another one with the vault's passphrase: kubectl regcred keychain use vault --key-file FILE

"#]]);
    let line = "keychain use vault --passphrase-stdin --key-file [FOLDER]/home/another.key";
    regcred(&home, line, PASSPHRASE).done();
    assert!(get(&home).done().contains("first"));
}
