//! A vault that is cut short, changed, somebody else's or no vault: each says what it is, and stays as it is.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;

use super::{store, token};
use crate::keychain::secret_service::every_action_fails;
use crate::support::HELPER;
use crate::support::parts::KERNEL_KEYRING;
use crate::support::vault::{PASSPHRASE, VaultHome};

/// Helper and plugin say `what`, the plugin with `hint`, and no verb changes the file or asks for its passphrase twice.
fn is_refused(home: &VaultHome, case: &str, what: &str, hint: &str) {
    every_action_fails(|| home.command(HELPER), what);
    let verbs = [
        ("list", ""),
        ("keychain unlock --passphrase-stdin", PASSPHRASE),
        ("keychain use vault --passphrase-stdin", PASSPHRASE),
        (
            "keychain passphrase --passphrase-stdin",
            "correct horse battery staple\nanother passphrase",
        ),
        ("keychain lock", ""),
    ];
    for (line, stdin) in verbs {
        let ran = home.regcred(line, stdin);
        assert_eq!((ran.stdout.as_str(), ran.code), ("", 1), "{case}: {line}: {ran}");
        let says = ran.stderr.contains(what) && ran.stderr.contains(hint);
        assert!(says, "{case}: {line}: {ran}");
    }
}

/// The first place of `text` in the file.
fn place(bytes: &[u8], text: &str) -> usize {
    bytes
        .windows(text.len())
        .position(|window| window == text.as_bytes())
        .unwrap()
}

const KEPT: &str = "it is left as it is";

scenario!(every_region_of_the_file, needs(KERNEL_KEYRING));
fn every_region_of_the_file() {
    let home = VaultHome::start();
    store(&home, "gitea.example.com", "first");
    let whole = fs::read(home.file()).unwrap();
    let (recipient, ours) = (place(&whole, "-> X25519"), place(&whole, "-> kubectl-regcred"));
    let (mac, payload) = (
        place(&whole, "\n---"),
        place(&whole, "\n---") + 1 + "--- ".len() + 43 + 1,
    );
    let wrapped = ours + place(&whole[ours..], "\n") + 1;
    let changed = |at: usize| {
        let mut bytes = whole.clone();
        // Another digit of base64, where it is one.
        bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        bytes
    };
    let text = |from: &str, to: &str| {
        let at = place(&whole, from);
        [&whole[..at], to.as_bytes(), &whole[at + from.len()..]].concat()
    };
    let cases: [(&str, Vec<u8>, &str, &str); 15] = [
        ("empty", vec![], "it is cut short", KEPT),
        ("magic", changed(0), "it is not an age file", KEPT),
        ("a later age", text("org/v1", "org/v2"), "another version of age", KEPT),
        (
            "a later vault",
            text("vault 1 ", "vault 2 "),
            "is of format 2",
            "kubectl krew upgrade",
        ),
        ("recipient", changed(recipient + 60), "is damaged", KEPT),
        (
            "no recipient",
            [&whole[..recipient], &whole[ours..]].concat(),
            "is damaged",
            KEPT,
        ),
        ("wrapped key", changed(wrapped + 100), "is damaged", KEPT),
        ("mac", changed(mac + 10), "is damaged", KEPT),
        ("nonce", changed(payload + 3), "its content was changed", KEPT),
        ("payload", changed(payload + 40), "its content was changed", KEPT),
        ("tag", changed(whole.len() - 1), "its content was changed", KEPT),
        (
            "cut in the header",
            whole[..recipient + 20].to_vec(),
            "it is cut short",
            KEPT,
        ),
        (
            "cut in the nonce",
            whole[..payload + 5].to_vec(),
            "it is cut short",
            KEPT,
        ),
        (
            "cut in the payload",
            whole[..whole.len() - 1].to_vec(),
            "is damaged",
            KEPT,
        ),
        ("longer", [&whole[..], b"x"].concat(), "is damaged", KEPT),
    ];
    for (case, bytes, what, hint) in cases {
        fs::write(home.file(), &bytes).unwrap();
        every_action_fails(|| home.command(HELPER), what);
        let ran = home.regcred("list", "");
        assert!(
            ran.code == 1 && ran.stderr.contains(what) && ran.stderr.contains(hint),
            "{case}: {ran}"
        );
        let ran = home.regcred("keychain use vault --passphrase-stdin", PASSPHRASE);
        assert!(
            ran.code == 1 && ran.stderr.contains(what) && ran.stderr.contains(hint),
            "{case}: {ran}"
        );
        assert_eq!(fs::read(home.file()).unwrap(), bytes, "{case}: it stays as it is");
    }
    fs::write(home.file(), &whole).unwrap();
    assert_eq!(
        token(&home, "gitea.example.com").unwrap(),
        "first",
        "put back, it opens"
    );
}

scenario!(its_name_in_the_kernel, needs(KERNEL_KEYRING));
/// Of another name in the kernel it looks locked; with the key at hand, it is seen to be another one's work.
fn its_name_in_the_kernel() {
    let home = VaultHome::with_key_file();
    store(&home, "gitea.example.com", "first");
    let mut bytes = fs::read(home.file()).unwrap();
    let at = place(&bytes, "regcred/vault 1 ") + "regcred/vault 1 ".len();
    bytes[at] = if bytes[at] == b'0' { b'1' } else { b'0' };
    fs::write(home.file(), &bytes).unwrap();
    every_action_fails(|| home.command(HELPER), "is damaged: its header was changed");
    assert_eq!(fs::read(home.file()).unwrap(), bytes);
}

/// Puts something at a path.
type Make = fn(&Path);

scenario!(what_is_no_vault, needs(KERNEL_KEYRING));
fn what_is_no_vault() {
    let home = VaultHome::start();
    let make: [(&str, Make, &str); 3] = [
        ("folder", |path| fs::create_dir(path).unwrap(), "it is no file"),
        (
            "huge",
            |path| {
                File::create(path).unwrap().set_len(17 * 1024 * 1024).unwrap();
                fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
            },
            "it is larger than any vault",
        ),
        // To open a pipe is to wait for its other end.
        (
            "pipe",
            |path| {
                let made = std::process::Command::new("mkfifo").arg(path).status().unwrap();
                assert!(made.success());
            },
            "it is no file",
        ),
    ];
    for (case, make, what) in make {
        let _ = fs::remove_file(home.file()).or_else(|_| fs::remove_dir(home.file()));
        make(&home.file());
        let before = fs::symlink_metadata(home.file()).unwrap();
        is_refused(&home, case, what, KEPT);
        let after = fs::symlink_metadata(home.file()).unwrap();
        assert_eq!(before.modified().unwrap(), after.modified().unwrap(), "{case}");
        assert_eq!(before.file_type(), after.file_type(), "{case}");
    }
}

scenario!(open_to_others, needs(KERNEL_KEYRING));
fn open_to_others() {
    let home = VaultHome::start();
    store(&home, "gitea.example.com", "first");
    let whole = fs::read(home.file()).unwrap();
    for mode in [0o644, 0o640, 0o602] {
        fs::set_permissions(home.file(), fs::Permissions::from_mode(mode)).unwrap();
        let what = format!("is open to other users: its mode is {mode:04o}");
        is_refused(&home, "mode", &what, "chmod 600 it");
        assert_eq!(fs::read(home.file()).unwrap(), whole);
        let now = fs::metadata(home.file()).unwrap().permissions().mode();
        assert_eq!(now & 0o7777, mode, "nobody hides that it was open");
    }
    fs::set_permissions(home.file(), fs::Permissions::from_mode(0o600)).unwrap();
    // `keychain lock` took its key away, though it could not read whose.
    home.regcred("keychain unlock --passphrase-stdin", PASSPHRASE).done();
    assert_eq!(token(&home, "gitea.example.com").unwrap(), "first");
}

scenario!(somebody_elses, needs(KERNEL_KEYRING));
/// As `sudo` leaves one behind. Without root's rights there is nobody else to give it to.
fn somebody_elses() {
    let home = VaultHome::start();
    let whole = fs::read(home.file()).unwrap();
    if chown(home.file(), Some(12345), None).is_ok() {
        is_refused(&home, "owner", "belongs to another user (uid 12345)", "chown it");
        assert_eq!(fs::read(home.file()).unwrap(), whole);
    }
}

scenario!(a_link_stays_one, needs(KERNEL_KEYRING));
/// Into a folder that is synchronised, say. One that leads nowhere is not taken for a vault that was never made.
fn a_link_stays_one() {
    let home = VaultHome::start();
    let elsewhere = home.folder().join("home/synchronised.age");
    fs::rename(home.file(), &elsewhere).unwrap();
    symlink(&elsewhere, home.file()).unwrap();
    store(&home, "gitea.example.com", "first");
    assert!(fs::symlink_metadata(home.file()).unwrap().is_symlink());
    assert!(!fs::symlink_metadata(&elsewhere).unwrap().is_symlink());
    assert_eq!(token(&home, "gitea.example.com").unwrap(), "first");
    fs::rename(&elsewhere, home.folder().join("home/away.age")).unwrap();
    is_refused(&home, "dangling", "cannot be read: ", "it is a link");
    fs::rename(home.folder().join("home/away.age"), &elsewhere).unwrap();
    home.regcred("keychain unlock --passphrase-stdin", PASSPHRASE).done();
    assert_eq!(token(&home, "gitea.example.com").unwrap(), "first");
}
