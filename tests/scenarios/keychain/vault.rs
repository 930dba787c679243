//! What only a file can suffer, and only a key in the kernel: the vault, as docker's helper and the plugin find it.
//!
//! What holds on every keychain runs on the vault as well: `helper/…/vault`, `keychain/every_store/…/vault`, `…/real_vault`.

mod age;
mod concurrency;
mod config;
mod containers;
mod damaged;
mod full_disk;
mod key_file;
mod killed;
mod locked;
mod without_kernel_keyring;

use std::fs;
use std::path::Path;

use regcred::keychain::Keychain;
use regcred::model::Use;

use crate::helper::{entry, registry};
use crate::support::vault::VaultHome;

/// Gives the vault a token for a registry, through docker's helper.
fn store(home: &VaultHome, name: &str, token: &str) {
    let ran = home.helper("store", &entry(name, "alice", token));
    assert_eq!(
        (ran.stdout.as_str(), ran.stderr.as_str(), ran.code),
        ("", "", 0),
        "{ran}"
    );
}

/// The token that it has for a registry.
fn token(home: &VaultHome, name: &str) -> Option<String> {
    let found = Keychain::open(&home.env()).unwrap().get(&registry(name), Use::Docker);
    found.unwrap().map(|found| found.token.expose().to_owned())
}

/// What is in a folder, sorted.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Whether nothing is beside the vault but its lock.
fn is_swept(home: &VaultHome) -> bool {
    names(home.file().parent().unwrap()) == ["vault.age", "vault.lock"]
}
