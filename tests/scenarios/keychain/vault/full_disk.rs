//! Where nothing can be written: the file that there was is there, and what is wrong is said.

use std::fs;

use super::{is_swept, store, token};
use crate::helper::entry;
use crate::support::parts::{KERNEL_KEYRING, MOUNTS};
use crate::support::vault::VaultHome;
use crate::support::{HELPER, PLUGIN};

/// Runs `mount`, a shell's text about the vault's folder `$1`, where nobody else sees it; then a program that writes.
/// The vault of `home` must be as it was, also in there.
fn refused(home: &VaultHome, mount: &str, program: &[&str], stdin: &str) -> (String, String) {
    let before = fs::read(home.file()).unwrap();
    let folder = home.file().parent().unwrap().to_owned();
    let script = format!(
        "cp -p \"$1/vault.age\" \"$2\" && {mount} && shift 2 && {{ \"$@\"; code=$?; }}; \
         cmp \"$0/vault.age\" \"$OLDPWD/copy\" || exit 99; ls -A \"$0\" >&2; exit $code"
    );
    let mut command = home.command("unshare");
    let copy = home.folder().join("tmp/copy");
    command
        .args(["--mount", "sh", "-c"])
        .arg(script)
        .arg(&folder)
        .arg(&folder)
        .arg(&copy);
    command.args(program).env("OLDPWD", home.folder().join("tmp"));
    let ran = home.run(&mut command, stdin);
    assert_eq!(ran.code, 1, "{ran}");
    assert_eq!(fs::read(home.file()).unwrap(), before);
    assert!(!ran.stderr.contains(".vault.age.regcred"), "no draft is left: {ran}");
    (ran.stdout, ran.stderr)
}

scenario!(no_space_left, needs(KERNEL_KEYRING, MOUNTS));
fn no_space_left() {
    let home = VaultHome::start();
    store(&home, "gitea.example.com", "first");
    let full = "mount -t tmpfs -o size=32k,mode=700 none \"$1\" && cp -p \"$2\" \"$1/vault.age\" && touch \"$1/vault.lock\" \
                && { head -c 100000 /dev/zero >\"$1/fill\" 2>/dev/null; true; }";
    let (stdout, stderr) = refused(
        &home,
        full,
        &[HELPER, "store"],
        &entry("new.example.com", "alice", "second"),
    );
    assert!(
        stdout.contains("vault.age cannot be written: No space left on device"),
        "{stdout}{stderr}"
    );
    let (_, stderr) = refused(&home, full, &[PLUGIN, "logout", "gitea.example.com"], "");
    assert!(
        stderr.contains("vault.age cannot be written: No space left on device"),
        "{stderr}"
    );
    assert_eq!(token(&home, "gitea.example.com").unwrap(), "first");
}

scenario!(a_read_only_folder, needs(KERNEL_KEYRING, MOUNTS));
fn a_read_only_folder() {
    let home = VaultHome::start();
    store(&home, "gitea.example.com", "first");
    let read_only = "mount --bind \"$1\" \"$1\" && mount -o remount,bind,ro \"$1\"";
    let (stdout, stderr) = refused(&home, read_only, &[HELPER, "erase"], "gitea.example.com");
    assert!(stdout.contains("cannot be used: Read-only file system"), "{stdout}");
    assert!(stderr.contains("hint: mount it writable, and try again"), "{stderr}");
    let (stdout, stderr) = refused(&home, read_only, &[HELPER, "get"], "unknown.example.com");
    assert_eq!(
        stdout, "credentials not found in native keychain\n",
        "reading goes on: {stderr}"
    );
    assert_eq!(token(&home, "gitea.example.com").unwrap(), "first");
}

scenario!(files_may_not_grow, needs(KERNEL_KEYRING, "prlimit"));
/// The kernel kills whoever writes more (`SIGXFSZ`): what is left of it is swept away by the next one.
fn files_may_not_grow() {
    let home = VaultHome::start();
    store(&home, "gitea.example.com", "first");
    let before = fs::read(home.file()).unwrap();
    let mut command = home.command("prlimit");
    command.args(["--fsize=100", "--core=0", HELPER, "store"]);
    let ran = home.run(&mut command, &entry("new.example.com", "alice", "second"));
    assert_ne!(ran.code, 0, "{ran}");
    assert_eq!(fs::read(home.file()).unwrap(), before);
    store(&home, "new.example.com", "second");
    assert!(is_swept(&home));
    assert_eq!(token(&home, "gitea.example.com").unwrap(), "first");
}
