//! SIGKILL before each system call that changes something: there is the old vault or the new one, and it opens.

use std::fs;

use super::{is_swept, names, store, token};
use crate::helper::entry;
use crate::support::keyring::files_with;
use crate::support::part::is_in_sample;
use crate::support::parts::{KERNEL_KEYRING, STRACE};
use crate::support::vault::{PASSPHRASE, VaultHome};
use crate::support::world::Ran;
use crate::support::{HELPER, PLUGIN};

const NAME: &str = "gitea.example.com";
const OTHER_PASSPHRASE: &str = "another correct horse";

/// Runs `attempt` with each of `calls` (a sample of them, in the usual run) that it makes as its last one, and then `after`.
/// Killed before each of them is also killed after the one before.
#[allow(clippy::print_stderr, reason = "how much was tried is worth knowing")]
fn at_every_change(name: &str, calls: &[&str], mut attempt: impl FnMut(&[String]) -> Ran, mut after: impl FnMut(&str)) {
    let mut killed = Vec::new();
    for call in calls {
        let mut runs = 0;
        for when in (1..100).filter(|when| is_in_sample(when - 1)) {
            let strace = [
                "-f",
                "-qq",
                "-o",
                "/dev/null",
                "-e",
                &format!("trace={call}"),
                "-e",
                &format!("inject={call}:signal=KILL:when={when}"),
            ];
            let ran = attempt(&strace.map(str::to_owned));
            after(&format!("{call} {when}"));
            if ran.code == 0 {
                break;
            }
            assert_eq!(ran.code, -1, "{call} {when}: {ran}");
            runs += 1;
        }
        assert!(runs > 0, "{call} is not among what it does");
        killed.push(format!("{call} {runs}"));
    }
    eprintln!("vault/killed/{name}: before {}", killed.join(", "));
}

fn nothing_leaks(home: &VaultHome, step: &str, secrets: &[&str]) {
    for secret in secrets {
        let files = files_with(home.folder(), secret);
        assert!(files.is_empty(), "{step}: {files:?}");
    }
}

const OF_A_WRITE: [&str; 7] = ["write", "fsync", "rename", "unlink", "flock", "utimensat", "keyctl"];
/// Of the plugin: without what comes before the passphrase, which takes its time.
const OF_A_CHANGE: [&str; 5] = ["write", "fsync", "rename", "unlink", "flock"];
const OF_A_NEW_ONE: [&str; 5] = ["mkdir", "fsync", "linkat", "unlink", "add_key"];
const WITH_A_KEY_FILE: [&str; 6] = ["mkdir", "write", "fsync", "linkat", "unlink", "flock"];

scenario!(docker_login, needs(KERNEL_KEYRING, STRACE));
fn docker_login() {
    let home = VaultHome::start();
    store(&home, "other.example.com", "other-token");
    let key = home.key_text();
    let (mut old, mut new) = ("token-of-before".to_owned(), "token-of-later".to_owned());
    store(&home, NAME, &old);
    let attempts = std::cell::RefCell::new((&mut old, &mut new));
    at_every_change(
        "docker_login",
        &OF_A_WRITE,
        |strace| {
            let new = attempts.borrow().1.clone();
            let mut command = home.command("strace");
            command.args(strace).arg(HELPER).arg("store");
            home.run(&mut command, &entry(NAME, "alice", &new))
        },
        |step| {
            let (old, new) = &mut *attempts.borrow_mut();
            let found = token(&home, NAME).unwrap();
            assert!(found == **old || found == **new, "{step}: {found}");
            assert_eq!(token(&home, "other.example.com").unwrap(), "other-token", "{step}");
            nothing_leaks(&home, step, &[old, new, &key]);
            store(&home, "sweeper.example.com", step);
            assert!(is_swept(&home), "{step}");
            if found == **new {
                std::mem::swap(*old, *new);
            }
        },
    );
}

scenario!(docker_logout, needs(KERNEL_KEYRING, STRACE));
fn docker_logout() {
    let home = VaultHome::start();
    store(&home, "other.example.com", "other-token");
    store(&home, NAME, "first");
    at_every_change(
        "docker_logout",
        &OF_A_WRITE,
        |strace| {
            let mut command = home.command("strace");
            command.args(strace).arg(HELPER).arg("erase");
            home.run(&mut command, NAME)
        },
        |step| {
            let found = token(&home, NAME);
            assert!(found.is_none_or(|found| found == "first"), "{step}");
            assert_eq!(token(&home, "other.example.com").unwrap(), "other-token", "{step}");
            store(&home, NAME, "first");
            store(&home, "sweeper.example.com", step);
            assert!(is_swept(&home), "{step}");
        },
    );
}

scenario!(another_passphrase, needs(KERNEL_KEYRING, STRACE));
fn another_passphrase() {
    let home = VaultHome::start();
    store(&home, NAME, "first");
    let now = std::cell::Cell::new((PASSPHRASE, OTHER_PASSPHRASE));
    at_every_change(
        "another_passphrase",
        &OF_A_CHANGE,
        |strace| {
            let (old, new) = now.get();
            let mut command = home.command("strace");
            command
                .args(strace)
                .arg(PLUGIN)
                .args(["keychain", "passphrase", "--passphrase-stdin"]);
            home.run(&mut command, &format!("{old}\n{new}\n"))
        },
        |step| {
            let (old, new) = now.get();
            home.id();
            let unlock = |passphrase| home.regcred("keychain unlock --passphrase-stdin", passphrase).code;
            if unlock(old) != 0 {
                assert_eq!(unlock(new), 0, "{step}");
                now.set((new, old));
            }
            assert_eq!(token(&home, NAME).unwrap(), "first", "{step}");
            nothing_leaks(&home, step, &[old, new, &home.key_text()]);
            store(&home, "sweeper.example.com", step);
            assert!(is_swept(&home), "{step}");
        },
    );
}

scenario!(a_new_vault_with_a_passphrase, needs(KERNEL_KEYRING, STRACE));
fn a_new_vault_with_a_passphrase() {
    a_new_vault("keychain use vault --passphrase-stdin", &OF_A_NEW_ONE);
}

scenario!(a_new_vault_with_a_key_file, needs(KERNEL_KEYRING, STRACE));
fn a_new_vault_with_a_key_file() {
    a_new_vault("keychain use vault --key-file home/vault.key", &WITH_A_KEY_FILE);
}

/// Killed, it was not chosen, or it was and opens. Whoever says it again gets what he wanted.
fn a_new_vault(line: &'static str, calls: &[&str]) {
    let has_key_file = line.contains("--key-file");
    let home = std::cell::RefCell::new(VaultHome::empty());
    at_every_change(
        line,
        calls,
        |strace| {
            home.replace(VaultHome::empty());
            let home = home.borrow();
            let mut command = home.command("strace");
            command.args(strace).arg(PLUGIN).args(line.split_whitespace());
            home.run(&mut command, PASSPHRASE)
        },
        |step| {
            let home = home.borrow();
            if home.config_file().exists() {
                assert!(home.file().exists(), "{step}: what was chosen is there");
            }
            home.id();
            home.regcred(line, PASSPHRASE).done();
            home.id();
            if !has_key_file {
                home.unlock();
            }
            let key = home.key_text();
            nothing_leaks(&home, step, &[PASSPHRASE]);
            let holders = files_with(home.folder(), &key);
            let expected = if has_key_file { vec![home.key_file()] } else { vec![] };
            assert_eq!(holders, expected, "{step}");
            store(&home, NAME, "first");
            assert_eq!(token(&home, NAME).unwrap(), "first", "{step}");
            assert!(is_swept(&home), "{step}");
            // Killed just after it has its name, it has another one, which the next change takes away.
            home.regcred("keychain use secret-service", "").done();
            home.regcred(line, PASSPHRASE).done();
            let config = names(home.config_file().parent().unwrap());
            assert_eq!(config, ["config.lock", "config.toml"], "{step}");
            let chosen = fs::read_to_string(home.config_file()).unwrap();
            assert!(chosen.contains("keychain = \"vault\""), "{step}: {chosen}");
        },
    );
}
