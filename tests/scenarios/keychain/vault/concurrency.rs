//! Many at a time: what one of them has stored, no other one takes away.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use regcred::keychain::Keychain;

use super::{is_swept, store, token};
use crate::helper::{entry, start};
use crate::support::bus::Running;
use crate::support::part::is_exhaustive;
use crate::support::parts::KERNEL_KEYRING;
use crate::support::vault::{PASSPHRASE, VaultHome};
use crate::support::{HELPER, PLUGIN};

fn writers() -> usize {
    if is_exhaustive() { 200 } else { 40 }
}

fn name(number: usize) -> String {
    format!("registry-{number}.example.com")
}

scenario!(many_writers_at_once, needs(KERNEL_KEYRING));
/// Each is another registry's login. Whoever reads meanwhile sees all that was there, and more each time.
fn many_writers_at_once() {
    let home = VaultHome::start();
    store(&home, "first.example.com", "first");
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let children: Vec<_> = (0..writers())
            .map(|number| {
                let mut child = start(home.command(HELPER), "store");
                let stored = entry(&name(number), "alice", &format!("token-{number}"));
                child.stdin.take().unwrap().write_all(stored.as_bytes()).unwrap();
                child
            })
            .collect();
        let readers: Vec<_> = (0..2)
            .map(|_| {
                scope.spawn(|| {
                    let mut before = 1;
                    while !is_over.load(Ordering::Relaxed) {
                        let ran = home.helper("list", "");
                        assert!(ran.code == 0 && ran.stderr.is_empty(), "{ran}");
                        let seen: BTreeMap<String, String> = serde_json::from_str(&ran.stdout).unwrap();
                        assert!(seen.len() >= before, "{} after {before}", seen.len());
                        before = seen.len();
                    }
                })
            })
            .collect();
        let ended: Vec<_> = children.into_iter().map(Child::wait_with_output).collect();
        // Before anything can fail: the readers would not end.
        is_over.store(true, Ordering::Relaxed);
        for output in ended {
            let output = output.unwrap();
            let said = String::from_utf8_lossy(&output.stdout).into_owned();
            assert!(output.status.success() && output.stderr.is_empty(), "{said}");
        }
        for reader in readers {
            reader.join().unwrap();
        }
    });
    assert_eq!(
        Keychain::open(&home.env()).unwrap().list().unwrap().len(),
        writers() + 1
    );
    for number in 0..writers() {
        assert_eq!(token(&home, &name(number)), Some(format!("token-{number}")));
    }
}

scenario!(a_writer_that_hangs_is_not_waited_for, needs(KERNEL_KEYRING));
/// What a daemon that hangs is to a Secret Service. Reading goes on all the same.
fn a_writer_that_hangs_is_not_waited_for() {
    let home = VaultHome::start();
    store(&home, "gitea.example.com", "first");
    let lock = File::open(home.file().with_file_name("vault.lock")).unwrap();
    lock.lock().unwrap();
    let writing = start(home.command(HELPER), "erase");
    let mut writing = Running(writing);
    let mut stdin = writing.0.stdin.take().unwrap();
    stdin.write_all(b"gitea.example.com").unwrap();
    drop(stdin);
    assert!(home.helper("get", "gitea.example.com").done().contains("first"));
    assert!(writing.0.try_wait().unwrap().is_none(), "it waits");
    writing.0.wait().unwrap();
    let mut said = String::new();
    writing.0.stdout.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said, "another program has been changing the keychain for 8 s\n");
    drop(lock);
    assert_eq!(token(&home, "gitea.example.com").unwrap(), "first");
}

scenario!(another_passphrase_while_others_write, needs(KERNEL_KEYRING));
/// Whatever was stored before the key became another one is there after it; whoever comes later is told that it is
/// locked.
fn another_passphrase_while_others_write() {
    const NEW: &str = "another correct horse";
    let home = VaultHome::start();
    store(&home, &name(0), "token-0");
    let stored = std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for number in 1.. {
                let stored = entry(&name(number), "alice", &format!("token-{number}"));
                let ran = home.helper("store", &stored);
                if ran.code != 0 {
                    assert!(ran.stdout.starts_with("the vault is locked"), "{ran}");
                    return number;
                }
            }
            unreachable!("it was never locked")
        });
        let line = "keychain passphrase --passphrase-stdin";
        let changed = home.regcred(line, &format!("{PASSPHRASE}\n{NEW}\n"));
        // The writer ends only once it is locked.
        let _ = home.regcred("keychain lock", "");
        let stored = writer.join().unwrap();
        changed.done();
        stored
    });
    home.regcred("keychain unlock --passphrase-stdin", NEW).done();
    home.id();
    for number in 0..stored {
        assert_eq!(token(&home, &name(number)), Some(format!("token-{number}")));
    }
    assert_eq!(token(&home, &name(stored)), None);
}

scenario!(two_that_make_it_at_once, needs(KERNEL_KEYRING));
/// One of them makes it; the others say that it is there, and what is kept is what that one's passphrase opens.
fn two_that_make_it_at_once() {
    let home = VaultHome::empty();
    let line = ["keychain", "use", "vault", "--passphrase-stdin"];
    let makers: Vec<_> = (0..3)
        .map(|number| {
            let passphrase = format!("{PASSPHRASE} {number}");
            let mut command = home.command(PLUGIN);
            command
                .args(line)
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::piped());
            let mut child = command.spawn().unwrap();
            // One that came late enough to find a vault does not ask.
            let _ = child.stdin.take().unwrap().write_all(passphrase.as_bytes());
            (passphrase, child)
        })
        .collect();
    let mut made = Vec::new();
    for (passphrase, child) in makers {
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        if said.contains("created a vault") {
            made.push(passphrase);
        } else if !output.status.success() {
            assert!(said.contains("there is a vault already at "), "{said}");
        }
    }
    home.id();
    assert_eq!(made.len(), 1, "one of them made it");
    home.lock();
    home.regcred("keychain unlock --passphrase-stdin", &made[0]).done();
    store(&home, "gitea.example.com", "first");
    assert!(is_swept(&home));
}
