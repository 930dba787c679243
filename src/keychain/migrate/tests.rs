use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use keyring_core::api::{CredentialApi, CredentialStoreApi};
use keyring_core::{CredentialStore, Entry, Result as CoreResult, sample};

use super::*;
use crate::model::{Registry, Token, Use};

const LOGIN: &str = "docker gitea.example.com";
const TOKEN: &str = r#"{"username":"admin","token":"t"}"#;
const OTHER: &str = r#"{"username":"admin","token":"u"}"#;
const DATED: &str = r#"{"username":"admin","token":"t","since":1}"#;
const DATED_LATER: &str = r#"{"username":"admin","token":"t","since":2}"#;
const ROTATING: &str =
    r#"{"username":"admin","token":"\u007bt","rotation":{"phase":"minting","journal":{ "later" : 1 }}}"#;

fn migration() -> Migration {
    let keychain = || Keychain::with_store(sample::Store::new().unwrap());
    Migration {
        from: keychain(),
        to: keychain(),
    }
}

fn put<'a>(keychain: &Keychain, account: &str, secret: impl Into<Option<&'a str>>) {
    if let Some(secret) = secret.into() {
        let entry = keychain.store.build(SERVICE, account, None).unwrap();
        entry.set_password(secret).unwrap();
    }
}

fn text(keychain: &Keychain, account: &str) -> Option<String> {
    let entry = keychain.store.build(SERVICE, account, None).unwrap();
    entry.get_password().ok()
}

fn name(account: &str) -> Name {
    Name::of_account(account).unwrap()
}

/// The content of both keychains under a name.
fn both(migration: &Migration, account: &str) -> (Option<String>, Option<String>) {
    (text(&migration.from, account), text(&migration.to, account))
}

/// The expected content.
fn owned<'a>(text: impl Into<Option<&'a str>>) -> Option<String> {
    text.into().map(str::to_owned)
}

#[test]
fn everything_is_moved_unchanged() {
    let migration = migration();
    let accounts = [
        LOGIN,
        "cluster gitea.example.com",
        "docker docker.io",
        "docker docker.io/access-token",
    ];
    for (account, secret) in accounts.iter().zip([ROTATING, TOKEN, TOKEN, OTHER]) {
        put(&migration.from, account, secret);
    }
    let found = migration.find().unwrap();
    assert_eq!((found.names.len(), found.unknown), (4, 0));
    for name in &found.names {
        assert_eq!(migration.plan(name).unwrap(), Action::Move);
    }
    assert_eq!(text(&migration.from, LOGIN), owned(ROTATING), "a plan changes nothing");
    for name in &found.names {
        assert_eq!(migration.apply(name).unwrap(), Action::Move);
        assert_eq!(migration.apply(name).unwrap(), Action::Nothing, "again");
    }
    for (account, secret) in accounts.iter().zip([ROTATING, TOKEN, TOKEN, OTHER]) {
        assert_eq!(both(&migration, account), (None, owned(secret)), "{account}");
    }
    assert_eq!(migration.find().unwrap(), Inventory::default());
}

#[test]
fn identical_items_are_finished_and_different_ones_stay() {
    for (from, to, action) in [
        (TOKEN, Some(TOKEN), Action::Finish),
        (TOKEN, Some(DATED), Action::Finish),
        (DATED, Some(DATED_LATER), Action::Finish),
        (TOKEN, Some(OTHER), Action::Conflict),
        // The same token with a pending rotation.
        (ROTATING, Some(TOKEN), Action::Conflict),
        (TOKEN, Some("later"), Action::Conflict),
        ("later", None, Action::Damaged),
        ("{}", Some(TOKEN), Action::Damaged),
    ] {
        let migration = migration();
        put(&migration.from, LOGIN, from);
        put(&migration.to, LOGIN, to);
        assert_eq!(migration.plan(&name(LOGIN)).unwrap(), action, "{from} {to:?}");
        assert_eq!(migration.apply(&name(LOGIN)).unwrap(), action, "{from} {to:?}");
        let left = if action == Action::Finish { None } else { owned(from) };
        assert_eq!(both(&migration, LOGIN), (left, to.map(str::to_owned)), "{from} {to:?}");
    }
}

#[test]
fn parts_of_one_login_stay_together() {
    use Action::{Conflict, Damaged, Finish, Move, Nothing, Stay};

    let accounts = ["docker docker.io", "docker docker.io/access-token"];
    for (from, to, actions) in [
        ([Some(TOKEN), Some(TOKEN)], [None, None], [Move, Move]),
        ([Some(TOKEN), Some(TOKEN)], [Some(OTHER), None], [Conflict, Stay]),
        ([Some(TOKEN), Some(TOKEN)], [None, Some(OTHER)], [Stay, Conflict]),
        ([Some(TOKEN), Some(TOKEN)], [Some(TOKEN), Some(OTHER)], [Stay, Conflict]),
        // A logout deletes the damaged part and must find no other.
        ([Some(TOKEN), Some("later")], [None, None], [Move, Damaged]),
        ([Some("later"), Some(TOKEN)], [None, None], [Damaged, Stay]),
        // An interrupted run has moved the login.
        ([None, Some(TOKEN)], [Some(TOKEN), None], [Nothing, Move]),
        ([Some(TOKEN), Some(TOKEN)], [Some(TOKEN), None], [Finish, Move]),
    ] {
        let migration = migration();
        for (account, (from, to)) in accounts.iter().zip(from.into_iter().zip(to)) {
            put(&migration.from, account, from);
            put(&migration.to, account, to);
        }
        let planned = accounts.map(|account| migration.plan(&name(account)).unwrap());
        assert_eq!(planned, actions, "{from:?} {to:?}");
        let done = accounts.map(|account| migration.apply(&name(account)).unwrap());
        assert_eq!(done, actions, "{from:?} {to:?}");
        for ((account, action), (from, to)) in accounts.iter().zip(actions).zip(from.into_iter().zip(to)) {
            let before = (from.map(str::to_owned), to.map(str::to_owned));
            let after = match action {
                Move | Finish => (None, from.map(str::to_owned)),
                _ => before,
            };
            assert_eq!(both(&migration, account), after, "{account} of {from:?} {to:?}");
        }
    }
}

#[test]
fn concurrent_changes_are_not_lost() {
    let secret = |text: &str| Secret::parse(text.into()).unwrap();
    let registry: Registry = "gitea.example.com".parse().unwrap();
    let name = Name::login(&registry, Use::Docker);

    // In the source: the new one is moved.
    let migration = migration();
    put(&migration.from, LOGIN, OTHER);
    migration.carry(&name, secret(TOKEN)).unwrap();
    assert_eq!(both(&migration, LOGIN), (None, owned(OTHER)));

    // In the target: both stay.
    put(&migration.from, LOGIN, TOKEN);
    let error = migration.carry(&name, secret(TOKEN)).unwrap_err();
    assert!(matches!(error, Error::Changed(_)), "{error}");
    assert_eq!(both(&migration, LOGIN), (owned(TOKEN), owned(OTHER)));
}

#[test]
fn items_of_a_later_version_are_counted_and_stay() {
    let migration = migration();
    put(&migration.from, "vault gitea.example.com", TOKEN);
    let entry = migration.from.store.build("other", LOGIN, None).unwrap();
    entry.set_password("theirs").unwrap();
    let found = migration.find().unwrap();
    assert_eq!((found.names.len(), found.unknown), (0, 1));
}

#[test]
fn an_unverified_copy_is_not_removed_from_the_source() {
    let migration = Migration {
        to: Keychain::with_store(Arc::new(Garbles(sample::Store::new().unwrap()))),
        ..migration()
    };
    put(&migration.from, LOGIN, TOKEN);
    let error = migration.apply(&name(LOGIN)).unwrap_err();
    assert!(matches!(error, Error::NotKept(_)), "{error}");
    assert!(!format!("{error} {error:?}").contains("\"t\""));
    assert_eq!(both(&migration, LOGIN), (owned(TOKEN), None));
}

#[test]
fn two_in_opposite_directions_take_their_locks_in_one_order() {
    let folder = tempfile::tempdir().unwrap();
    let locks = ["a", "b"].map(|file| WriteLock::at(folder.path().join(file)));
    let keychain = |lock: &WriteLock| Keychain {
        lock: Some(lock.clone()),
        ..Keychain::with_store(sample::Store::new().unwrap())
    };
    let [a, b] = locks.each_ref().map(keychain);
    let there = Migration {
        from: a.clone(),
        to: b.clone(),
    };
    let back = Migration { from: b, to: a };
    assert_eq!(there.locks(), locks.each_ref());
    assert_eq!(back.locks(), there.locks());
    let held = there.lock().unwrap();
    assert_eq!(held.len(), 2);
}

/// A keychain that stores something else than it is given, as `KeePassXC` does with placeholders.
#[derive(Debug)]
struct Garbles(Arc<CredentialStore>);

struct Garbled(Entry);

impl CredentialStoreApi for Garbles {
    fn vendor(&self) -> String {
        self.0.vendor()
    }

    fn id(&self) -> String {
        self.0.id()
    }

    fn build(&self, service: &str, user: &str, modifiers: Option<&HashMap<&str, &str>>) -> CoreResult<Entry> {
        let entry = self.0.build(service, user, modifiers)?;
        Ok(Entry::new_with_credential(Arc::new(Garbled(entry))))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl CredentialApi for Garbled {
    fn set_secret(&self, secret: &[u8]) -> CoreResult<()> {
        let text = String::from_utf8_lossy(secret).replace("\"t\"", "\"\"");
        self.0.set_password(&text)
    }

    fn get_secret(&self) -> CoreResult<Vec<u8>> {
        self.0.get_secret()
    }

    fn delete_credential(&self) -> CoreResult<()> {
        self.0.delete_credential()
    }

    fn get_credential(&self) -> CoreResult<Option<Arc<keyring_core::Credential>>> {
        Ok(None)
    }

    fn get_specifiers(&self) -> Option<(String, String)> {
        self.0.get_specifiers()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[test]
fn fingerprints_are_moved_and_merged() {
    let migration = migration();
    let registry: Registry = "gitea.example.com".parse().unwrap();
    let token = |text: &str| Token::parse(text).unwrap();
    for (keychain, remembered) in [(&migration.from, "one"), (&migration.to, "two")] {
        keychain
            .remember(&Name::login(&registry, Use::Docker), &[token(remembered)])
            .unwrap();
    }
    let found = migration.find().unwrap();
    assert_eq!((found.earlier.len(), found.names.len(), found.unknown), (1, 0, 0));
    migration.take_earlier(&registry).unwrap();
    // As after a killed run.
    migration.take_earlier(&registry).unwrap();
    assert_eq!(migration.find().unwrap(), Inventory::default());
    let own = migration.to.own_tokens(&registry).unwrap();
    assert!(own.has(&token("one")) && own.has(&token("two")) && !own.has(&token("three")));
}

#[test]
fn the_ledgers_fingerprints_of_a_token_stay_known() {
    let registry: Registry = "gitea.example.com".parse().unwrap();
    let token = Token::verbatim("t".to_owned());
    let migration = migration();
    // Used, and logged out of again: a key with one fingerprint.
    put(&migration.to, LOGIN, OTHER);
    assert!(migration.to.delete(&registry, Use::Docker).unwrap());
    // In use, and never changed: a key without any.
    put(&migration.from, LOGIN, TOKEN);
    let noted = migration.from.fingerprints(&registry, &token).unwrap();
    // A conflict: the login stays.
    put(&migration.to, LOGIN, OTHER);
    assert_eq!(migration.apply(&name(LOGIN)).unwrap(), Action::Conflict);
    migration.take_earlier(&registry).unwrap();
    assert_eq!(migration.from.fingerprints(&registry, &token).unwrap(), noted);
    assert!(migration.to.delete(&registry, Use::Docker).unwrap());
    assert_eq!(migration.apply(&name(LOGIN)).unwrap(), Action::Move);
    migration.take_earlier(&registry).unwrap();
    assert_eq!(migration.find().unwrap(), Inventory::default());
    let known = migration.to.fingerprints(&registry, &token).unwrap();
    assert!(known.len() == 2 && known.contains(&noted[0]));
    let own = migration.to.own_fingerprints(&registry).unwrap();
    assert!(known.iter().all(|fingerprint| own.contains(fingerprint)));
    assert_eq!(own.len(), 3, "and the one that was logged out of");
}
