//! `KeePassXC` as a Secret Service that nobody sits before.
//!
//! Qt's "offscreen" platform stands for a screen. A database is made once for each run of the tests: that takes it half
//! a second of work against guessing.

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use super::bus::PrivateBus;
use super::keyring::PASSWORD;

const WINDOW: &str = "org.keepassxc.KeePassXC.MainWindow";

/// A database that exposes its root group: the group's number stands in it in base64 and in the usual way.
const DATABASE: &str = "<?xml version='1.0' encoding='UTF-8'?><KeePassFile><Meta><CustomData><Item>\
    <Key>FDO_SECRETS_EXPOSED_GROUP</Key><Value>{03218307-5776-4ea2-9df2-c0e2662f2c00}</Value></Item></CustomData></Meta>\
    <Root><Group><UUID>AyGDB1d2TqKd8sDiZi8sAA==</UUID><Name>Passwords</Name></Group></Root></KeePassFile>";

/// As people have it who let programs in: without being asked each time. It saves what it has when it is locked:
/// 2.7.4 has crashed saving in a second thread after every change while the next ones came in.
const CONFIG: &str = "[General]\nConfigVersion=2\nUpdateCheckMessageShown=true\n\
    AutoSaveAfterEveryChange=false\nAutoSaveOnExit=true\n[GUI]\nCheckForUpdates=false\n\
    [FdoSecrets]\nEnabled=true\nShowNotification=false\nConfirmDeleteItem=false\nConfirmAccessItem=false\n";

/// Its configuration and its database.
pub fn set_up(bus: &PrivateBus) {
    static MADE: OnceLock<Vec<u8>> = OnceLock::new();
    configure(bus, CONFIG);
    std::fs::write(database(bus), MADE.get_or_init(|| make_database(bus))).unwrap();
}

/// Has it ask before a program gets a secret, which is its default.
pub fn ask_first(bus: &PrivateBus) {
    configure(
        bus,
        &CONFIG.replace("ConfirmAccessItem=false", "ConfirmAccessItem=true"),
    );
}

fn configure(bus: &PrivateBus, config: &str) {
    let folder = bus.folder().join("home/.config/keepassxc");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("keepassxc.ini"), config).unwrap();
}

fn database(bus: &PrivateBus) -> PathBuf {
    bus.folder().join("home/passwords.kdbx")
}

fn make_database(bus: &PrivateBus) -> Vec<u8> {
    let (xml, file) = (bus.folder().join("tmp/database.xml"), bus.folder().join("tmp/new.kdbx"));
    std::fs::write(&xml, DATABASE).unwrap();
    let mut import = offscreen(bus, "keepassxc-cli");
    import
        .args(["import", "--quiet", "--set-password", "--decryption-time", "100"])
        .args([&xml, &file])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut import = import.spawn().unwrap();
    let twice = format!("{PASSWORD}\n{PASSWORD}\n");
    std::io::Write::write_all(&mut import.stdin.take().unwrap(), twice.as_bytes()).unwrap();
    assert!(import.wait().unwrap().success());
    std::fs::read(file).unwrap()
}

fn offscreen(bus: &PrivateBus, program: &str) -> Command {
    let mut command = bus.command(program);
    command.env("QT_QPA_PLATFORM", "offscreen");
    command
}

/// It, with the database if there is one.
pub fn command(bus: &PrivateBus, unlocked: bool) -> Command {
    // What one that was killed has left would keep the next one from starting.
    for name in ["keepassxc.lock", "keepassxc.socket"] {
        let _ = std::fs::remove_file(bus.folder().join("tmp").join(name));
    }
    let mut command = offscreen(bus, "keepassxc");
    command.args(unlocked.then_some("--pw-stdin"));
    command.args(Some(database(bus)).filter(|file| file.exists()));
    command
}

/// Takes the database and the memory of it away.
pub fn forget(bus: &PrivateBus) {
    std::fs::remove_file(database(bus)).unwrap();
    let _ = std::fs::remove_dir_all(bus.folder().join("home/.cache"));
}

/// Locks the database, which saves it.
pub fn lock(bus: &PrivateBus) {
    bus.call(WINDOW, "/keepassxc", WINDOW, "lockAllDatabases", &());
}

/// Unlocks the database.
pub fn unlock(bus: &PrivateBus) {
    let file = database(bus);
    bus.call(
        WINDOW,
        "/keepassxc",
        WINDOW,
        "openDatabase",
        &(file.to_str().unwrap(), PASSWORD),
    );
}
