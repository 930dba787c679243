//! Moving that is killed before each system call that changes something, which is also after the one before.

use std::process::Stdio;

use regcred::keychain::{Name, StoreName, StoredItem};
use regcred::model::Use;

use super::fixture::Session;
use crate::support::PLUGIN;
use crate::support::keyring::Keyring;
use crate::support::parts::{GNOME_KEYRING, STRACE};

/// To the bus, to the vault's file, and for the locks.
const CHANGES: [&str; 6] = ["sendmsg", "write", "fsync", "rename", "unlink", "flock"];

const REGISTRY: &str = "gitea.example.com";

scenario!(killed_on_the_way_into_the_vault, needs(GNOME_KEYRING, STRACE));
fn killed_on_the_way_into_the_vault() {
    killed(StoreName::Vault);
}

scenario!(killed_on_the_way_out_of_the_vault, needs(GNOME_KEYRING, STRACE));
fn killed_on_the_way_out_of_the_vault() {
    killed(StoreName::System);
}

#[allow(clippy::print_stderr, reason = "how much was tried is worth knowing")]
fn killed(to: StoreName) {
    let session = Session::of(Keyring::start());
    session.regcred(&format!("keychain use {to}")).done();
    let mut killed = Vec::new();
    for change in CHANGES {
        let runs = (1..200).take_while(|when| kill_at(&session, to, change, *when)).count();
        assert!(runs > 0, "{change} is not among what it does");
        killed.push(format!("{change} {runs}"));
    }
    eprintln!("migrate to {to}: killed by SIGKILL before {}", killed.join(", "));
}

/// Kills it at one call, and sees that nothing is lost and that doing it again ends it. `false` where it came to its end
/// before that call.
fn kill_at(session: &Session, to: StoreName, change: &str, when: u32) -> bool {
    let step = format!("{change} {when}");
    let (source, target) = (session.keychain(to.other()), session.keychain(to));
    let name = Name::login(&REGISTRY.parse().unwrap(), Use::Cluster);
    // With a rotation in it: every octet has to come along.
    let kept = session.rotating(to.other(), REGISTRY, Use::Cluster);
    let mut strace = session.command("strace");
    strace
        .args(["-f", "-qq", "-o", "/dev/null", "-e"])
        .arg(format!("trace={change}"))
        .arg("-e")
        .arg(format!("inject={change}:signal=KILL:when={when}"))
        .arg(PLUGIN)
        .args(["keychain", "migrate"])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let status = strace.status().unwrap();
    let is_killed = !status.success();
    // By the signal, which strace takes over.
    assert!([Some(0), None].contains(&status.code()), "{step}: {status}");
    let (left, moved) = (source.item(&name).unwrap(), target.item(&name).unwrap());
    let is_kept = |found: &Option<StoredItem>| found.as_ref() == Some(&kept);
    assert!(is_kept(&left) || is_kept(&moved), "{step}: it is nowhere");
    assert!(left.is_none() || is_kept(&left), "{step}");
    assert!(moved.is_none() || is_kept(&moved), "{step}");
    let again = session.regcred("keychain migrate");
    assert_eq!(again.code, 0, "{step}: {again}");
    assert!(is_kept(&target.item(&name).unwrap()), "{step}");
    assert_eq!(source.item(&name).unwrap(), None, "{step}");
    let folder = session.vault().parent().unwrap().to_owned();
    let mut files: Vec<_> = folder
        .read_dir()
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    files.sort();
    assert_eq!(
        files,
        ["vault.age", "vault.lock"],
        "{step}: nothing is left lying about"
    );
    session.forget(to, &name, &kept);
    is_killed
}
