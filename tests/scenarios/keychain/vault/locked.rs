//! How long a vault is open, and to whom.

use std::fs;
use std::process::Command;

use super::{store, token};
use crate::helper::entry;
use crate::support::HELPER;
use crate::support::part::until;
use crate::support::parts::KERNEL_KEYRING;
use crate::support::scenario::Part;
use crate::support::server::is_a_vault_open;
use crate::support::vault::{PASSPHRASE, VaultHome};
use crate::support::world::Ran;

const NAME: &str = "gitea.example.com";

/// As rootless podman runs its helpers.
const NAMESPACE: [&str; 2] = ["--user", "--map-root-user"];

const USER_NAMESPACE: Part = Part::new(|| {
    let works = Command::new("unshare").args(NAMESPACE).arg("true").output();
    match works {
        Ok(output) if output.status.success() => vec![],
        _ => vec!["unshare --user"],
    }
});

fn is_locked(ran: &Ran) -> bool {
    ran.stdout.starts_with("the vault is locked") && ran.code == 1
}

scenario!(choosing_it_unlocks_it_where_that_is_asked_for, needs(KERNEL_KEYRING));
fn choosing_it_unlocks_it_where_that_is_asked_for() {
    let home = VaultHome::start();
    let choose = |flags: &str, passphrase: &str| home.regcred(&format!("keychain use vault {flags}"), passphrase);
    home.lock();
    let ran = choose("", "");
    assert!(
        ran.stderr.starts_with("the vault is locked\n") && ran.code == 0,
        "{ran}"
    );
    let ran = choose("--passphrase-stdin --for 12h", "wrong\n");
    assert!(
        ran.stderr.contains("error: this is not the vault's passphrase\n") && ran.code == 1,
        "{ran}"
    );
    let ran = choose("--passphrase-stdin --for 12h", PASSPHRASE);
    assert!(
        ran.stderr.ends_with("\nthe vault is unlocked for 12h\n") && ran.code == 0,
        "{ran}"
    );
}

scenario!(its_time_is_up, needs(KERNEL_KEYRING));
fn its_time_is_up() {
    let home = VaultHome::start();
    store(&home, NAME, "first");
    let ran = home.regcred("keychain unlock --for 12h", "");
    assert_eq!(
        (ran.stderr.as_str(), ran.code),
        ("the vault is unlocked for 12h\n", 0),
        "{ran}"
    );
    // An open one asks nobody again.
    assert!(is_a_vault_open());
    home.regcred("keychain unlock --for 1s", "").done();
    until("its time is up", || is_locked(&home.helper("get", NAME)));
    // The kernel lists the key for some minutes more: nobody's vault is open for that.
    assert!(!is_a_vault_open());
    let ran = home.regcred("keychain lock", "");
    assert_eq!(ran.stderr, "the vault was locked already\n", "{ran}");
    home.regcred("keychain unlock --for 1h --passphrase-stdin", PASSPHRASE)
        .done();
    assert!(home.helper("get", NAME).done().contains("first"));
}

scenario!(a_limit_is_never_lost_silently, needs(KERNEL_KEYRING));
fn a_limit_is_never_lost_silently() {
    let home = VaultHome::start();
    let said = |line: &str| home.regcred(line, "").stderr;
    assert_eq!(said("keychain unlock --for 1m"), "the vault is unlocked for 1m\n");
    assert_eq!(said("keychain unlock --for 1d"), "the vault is unlocked for 1d\n");
    assert_eq!(
        said("keychain unlock"),
        "the vault is unlocked until this machine is rebooted\n\
         it was unlocked for 1d: this limit was removed; --for sets another one\n"
    );
    assert_eq!(
        said("keychain unlock"),
        "the vault is unlocked until this machine is rebooted\n"
    );
}

scenario!(every_key_of_this_user_goes, needs(KERNEL_KEYRING));
/// Also where the file is gone, or is that of another vault by now.
fn every_key_of_this_user_goes() {
    let home = VaultHome::start();
    let first = home.id().unwrap();
    let is_open = || fs::read_to_string("/proc/keys").unwrap().contains(&first);
    assert!(is_open());
    fs::remove_file(home.file()).unwrap();
    let ran = home.regcred("keychain lock", "");
    assert_eq!(
        (ran.stderr.as_str(), ran.code),
        ("the vault's key was removed from the kernel's keyring\n", 0),
        "{ran}"
    );
    // The kernel takes what nothing holds any more off its list in its own time.
    until("the key is gone", || !is_open());
    let ran = home.regcred("keychain lock", "");
    assert!(ran.code == 1 && ran.stderr.contains("there is no vault"), "{ran}");

    let (one, other) = (VaultHome::start(), VaultHome::start());
    let first = one.id().unwrap();
    let is_open = || fs::read_to_string("/proc/keys").unwrap().contains(&first);
    fs::copy(other.file(), one.file()).unwrap();
    assert!(is_open());
    assert_eq!(one.regcred("keychain lock", "").stderr, "the vault is locked\n");
    until("the key is gone", || !is_open());
    assert!(is_locked(&other.helper("get", NAME)));
}

scenario!(a_wrong_passphrase, needs(KERNEL_KEYRING));
fn a_wrong_passphrase() {
    let home = VaultHome::start();
    home.lock();
    let ran = home.regcred("keychain unlock --passphrase-stdin", "correct horse battery stable");
    assert_eq!(ran.code, 1, "{ran}");
    assert!(
        ran.stderr.contains("error: this is not the vault's passphrase"),
        "{ran}"
    );
    assert!(is_locked(&home.helper("get", NAME)));
    let change = "keychain passphrase --passphrase-stdin";
    let ran = home.regcred(change, "correct horse battery stable\nanother correct horse");
    assert!(
        ran.code == 1 && ran.stderr.contains("this is not the vault's passphrase"),
        "{ran}"
    );
    home.unlock();
}

scenario!(a_restart_and_another_passphrase, needs(KERNEL_KEYRING));
fn a_restart_and_another_passphrase() {
    const NEW: &str = "another correct horse";
    let home = VaultHome::start();
    store(&home, NAME, "first");
    let before = (home.key_text(), fs::read(home.file()).unwrap());
    home.reboot();
    assert!(is_locked(&home.helper("get", NAME)));
    home.unlock();
    assert_eq!(token(&home, NAME).unwrap(), "first");
    let ran = home.regcred(
        "keychain passphrase --passphrase-stdin",
        &format!("{PASSPHRASE}\n{NEW}\n"),
    );
    assert_eq!(ran.code, 0, "{ran}");
    assert!(is_locked(&home.helper("get", NAME)));
    let ran = home.regcred("keychain unlock --passphrase-stdin", PASSPHRASE);
    assert!(ran.stderr.contains("this is not the vault's passphrase"), "{ran}");
    home.regcred("keychain unlock --passphrase-stdin", NEW).done();
    assert_eq!(token(&home, NAME).unwrap(), "first");
    assert_ne!(home.key_text(), before.0, "another key, for whoever had the old one");
    // A copy from before opens with what opened it then, and with nothing else.
    let now = fs::read(home.file()).unwrap();
    fs::write(home.file(), &before.1).unwrap();
    assert!(is_locked(&home.helper("get", NAME)));
    let ran = home.regcred("keychain unlock --passphrase-stdin", NEW);
    assert!(ran.stderr.contains("this is not the vault's passphrase"), "{ran}");
    fs::write(home.file(), now).unwrap();
    assert_eq!(token(&home, NAME).unwrap(), "first");
}

fn inside(home: &VaultHome, outer: &[&str], action: &str, stdin: &str) -> Ran {
    let mut command = home.command(outer[0]);
    command.args(&outer[1..]).args([HELPER, action]);
    home.run(&mut command, stdin)
}

scenario!(a_user_namespace, needs(KERNEL_KEYRING, USER_NAMESPACE));
fn a_user_namespace() {
    let home = VaultHome::start();
    let namespace = [&["unshare"][..], &NAMESPACE].concat();
    let ran = inside(&home, &namespace, "store", &entry(NAME, "alice", "first"));
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str(), ran.code), ("", "", 0));
    assert_eq!(token(&home, NAME).unwrap(), "first");
    assert!(inside(&home, &namespace, "get", NAME).done().contains("first"));
    home.lock();
    assert!(is_locked(&inside(&home, &namespace, "get", NAME)));
}

scenario!(a_session_of_its_own, needs(KERNEL_KEYRING, "keyctl"));
/// As a daemon's child, or what `su` starts: its session does not lead to its user's keyring.
fn a_session_of_its_own() {
    let home = VaultHome::start();
    store(&home, NAME, "first");
    let session = ["keyctl", "session", "-"];
    assert!(inside(&home, &session, "get", NAME).done().contains("first"));
    // What is unlocked in it is unlocked outside, and locked in it, locked.
    let in_session = |line: &str, stdin| {
        let mut command = home.command(session[0]);
        command
            .args(&session[1..])
            .arg(crate::support::PLUGIN)
            .args(line.split_whitespace());
        home.run(&mut command, stdin).done()
    };
    in_session("keychain lock", "");
    assert!(is_locked(&home.helper("get", NAME)));
    in_session("keychain unlock --passphrase-stdin", PASSPHRASE);
    assert!(home.helper("get", NAME).done().contains("first"));
}

scenario!(folders_by_their_variables, needs(KERNEL_KEYRING));
fn folders_by_their_variables() {
    let mut home = VaultHome::empty();
    let elsewhere = home.folder().join("home/elsewhere");
    let configuration = home.folder().join("home/configuration");
    let line = format!("keychain use vault --key-file {}", home.key_file().display());
    home.variables
        .insert("XDG_DATA_HOME".to_owned(), elsewhere.clone().into());
    home.variables
        .insert("XDG_CONFIG_HOME".to_owned(), configuration.clone().into());
    home.regcred(&line, "").done();
    assert!(elsewhere.join("regcred/vault.age").is_file());
    assert!(configuration.join("regcred/config.toml").is_file());
    assert!(!home.file().exists() && !home.config_file().exists());
    store(&home, NAME, "first");
    // Relative ones do not count.
    home.variables.insert("XDG_DATA_HOME".to_owned(), "elsewhere".into());
    let ran = home.helper("get", NAME);
    assert!(
        ran.stdout
            .contains("there is no vault at [FOLDER]/home/.local/share/regcred/vault.age"),
        "{ran}"
    );
    // Where no variable says whose home it is, as in a unit of systemd without `User=`, the system's list of users does.
    home.variables.remove("XDG_DATA_HOME");
    home.variables.insert("HOME".to_owned(), "".into());
    let known = Command::new("sh")
        .args(["-c", "eval echo ~$(id -un)"])
        .output()
        .unwrap();
    let known = String::from_utf8(known.stdout).unwrap();
    let ran = home.helper("get", NAME);
    let says = format!(
        "there is no vault at {}/.local/share/regcred/vault.age",
        known.trim_end()
    );
    assert!(ran.stdout.contains(&says), "{says}{ran}");
}
