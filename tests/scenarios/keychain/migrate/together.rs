//! Moving while other programs are at work in both keychains.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use regcred::keychain::StoreName;

use super::fixture::Session;
use crate::helper::{NOT_FOUND, ask, entry, success};
use crate::support::HELPER;
use crate::support::keyring::Keyring;
use crate::support::parts::GNOME_KEYRING;

const ITEMS: usize = 24;

fn registry(number: usize) -> String {
    format!("registry-{number}.example.com")
}

fn fill(session: &Session) {
    for number in 0..ITEMS {
        session.put(
            StoreName::System,
            &registry(number),
            "admin",
            &format!("token-{number}"),
        );
    }
}

scenario!(docker_asks_and_stores_all_the_while, needs(GNOME_KEYRING));
/// What docker was given once it is always given again; what it stores, in the one keychain or still in the other, is
/// there in the end.
fn docker_asks_and_stores_all_the_while() {
    let session = Session::of(Keyring::start());
    fill(&session);
    session.regcred("keychain use vault").done();
    let elsewhere = session.config_for(StoreName::System);
    let is_over = AtomicBool::new(false);
    let going = || !is_over.load(Ordering::SeqCst);
    let (asked, late) = std::thread::scope(|scope| {
        let asking = scope.spawn(|| {
            let mut found = BTreeSet::new();
            let mut asked = 0;
            // Once more after it is over, for all of them.
            loop {
                let is_last = !going();
                for number in 0..ITEMS {
                    let (stdout, _, code) = ask(session.command(HELPER), "get", &registry(number));
                    asked += 1;
                    if code == 0 {
                        assert!(stdout.contains(&format!("\"token-{number}\"")), "{stdout}");
                        found.insert(number);
                    } else {
                        assert_eq!(stdout.trim(), NOT_FOUND);
                        assert!(!found.contains(&number), "registry-{number} was there, and is lost");
                    }
                }
                if is_last {
                    assert_eq!(found.len(), ITEMS);
                    return asked;
                }
            }
        });
        let here = scope.spawn(|| {
            let mut number = 0;
            while going() {
                let stored = entry(&format!("here-{number}.example.com"), "admin", "here");
                assert_eq!(ask(session.command(HELPER), "store", &stored), success());
                number += 1;
            }
            number
        });
        // A login that began before the other keychain was chosen, again and again to the same registry.
        let late = scope.spawn(|| {
            let mut number = 0;
            while going() {
                let mut helper = session.command(HELPER);
                helper.env("XDG_CONFIG_HOME", &elsewhere);
                let stored = entry("late.example.com", "admin", &format!("late-{number}"));
                assert_eq!(ask(helper, "store", &stored), success());
                number += 1;
            }
            number
        });
        let both = [session.start("keychain migrate"), session.start("keychain migrate")];
        let ended = both.map(|child| session.ended(child));
        is_over.store(true, Ordering::SeqCst);
        for ran in ended {
            // The late login can be in both by now.
            let others = ran.stderr.lines().filter(|line| line.starts_with("error: "));
            let others: Vec<_> = others.filter(|line| !line.contains("late.example.com")).collect();
            assert!(others.is_empty(), "{ran}");
        }
        let here = here.join().unwrap();
        for number in 0..here {
            let token = session.token(StoreName::Vault, &format!("here-{number}.example.com"));
            assert_eq!(token.as_deref(), Some("here"), "{number} of {here}");
        }
        (asking.join().unwrap(), late.join().unwrap())
    });
    assert!(asked >= ITEMS);
    for number in 0..ITEMS {
        assert_eq!(session.token(StoreName::System, &registry(number)), None);
    }
    if late > 0 {
        let last = Some(format!("late-{}", late - 1));
        let tokens = [StoreName::System, StoreName::Vault].map(|store| session.token(store, "late.example.com"));
        assert!(tokens.contains(&last), "{tokens:?} without {last:?}");
    }
}

scenario!(two_in_opposite_directions, needs(GNOME_KEYRING));
/// Two sessions that do not agree which keychain is in use.
fn two_in_opposite_directions() {
    let session = Session::of(Keyring::start());
    fill(&session);
    let children = [StoreName::Vault, StoreName::System, StoreName::Vault, StoreName::System]
        .map(|store| session.start_for(store, "keychain migrate"));
    for child in children {
        let ran = session.ended(child);
        assert_eq!(ran.code, 0, "{ran}");
    }
    for number in 0..ITEMS {
        let tokens = [StoreName::System, StoreName::Vault].map(|store| session.token(store, &registry(number)));
        let found: Vec<_> = tokens.into_iter().flatten().collect();
        assert_eq!(found, [format!("token-{number}")], "in one of them");
    }
}
