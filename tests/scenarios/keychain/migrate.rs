//! `keychain migrate` between real Secret Services and the vault: nothing is lost, whoever else is at work and whenever
//! it is killed.

mod fixture;
mod interrupted;
mod together;

use regcred::keychain::StoreName;
use regcred::model::Use;
use snapbox::str;

use crate::helper::{ask, entry};
use crate::support::HELPER;
use crate::support::keyring::Keyring;
use crate::support::parts::{GNOME_KEYRING, IN_GNOME_KEYRING, IN_KEEPASSXC};
use crate::support::store::{Kind, Store};
use fixture::Session;

scenario!(there_and_back, on(IN_GNOME_KEYRING, IN_KEEPASSXC));
fn there_and_back(kind: Kind) {
    let Store::Service(keyring) = kind.start() else {
        panic!("not the vault")
    };
    let session = Session::of(keyring);
    let before = session.fill(StoreName::System);
    let listed = session.regcred("list").done();
    session.regcred("keychain use vault").done();
    session.regcred("keychain migrate --dry-run=client").says(str![[r#"
exit 0
--- stdout
credential/docker.io for docker moved (dry run)
credential/https://index.docker.io/v1/access-token for docker moved (dry run)
credential/https://index.docker.io/v1/refresh-token for docker moved (dry run)
credential/gitea.example.com for docker moved (dry run)
credential/gitea.example.com for cluster moved (dry run)
credential/localhost:5000 for docker moved (dry run)
--- stderr
would move 6 credentials from the Secret Service into the vault

"#]]);
    assert_eq!(session.items(StoreName::System), before, "a dry run moves nothing");
    session.regcred("keychain migrate -v").says(str![[r#"
exit 0
--- stdout
credential/docker.io for docker moved
credential/https://index.docker.io/v1/access-token for docker moved
credential/https://index.docker.io/v1/refresh-token for docker moved
credential/gitea.example.com for docker moved
credential/gitea.example.com for cluster moved
credential/localhost:5000 for docker moved
--- stderr
docker.io for docker: written to the vault, read back, and removed from the Secret Service
https://index.docker.io/v1/access-token for docker: written to the vault, read back, and removed from the Secret Service
https://index.docker.io/v1/refresh-token for docker: written to the vault, read back, and removed from the Secret Service
gitea.example.com for docker: written to the vault, read back, and removed from the Secret Service
gitea.example.com for cluster: written to the vault, read back, and removed from the Secret Service
localhost:5000 for docker: written to the vault, read back, and removed from the Secret Service
moved 6 credentials from the Secret Service into the vault

"#]]);
    assert!(session.items(StoreName::System).is_empty());
    assert_eq!(session.items(StoreName::Vault), before);
    assert_eq!(session.regcred("list").done(), listed);
    let (got, _, _) = ask(session.command(HELPER), "get", "gitea.example.com");
    assert!(got.contains(r#""Secret":"{USERNAME}""#), "{got}");
    session.regcred("keychain migrate").says(str![[r#"
exit 0
--- stdout
--- stderr
the Secret Service holds no credential: there is nothing to move into the vault

"#]]);

    session.regcred("keychain use secret-service").done();
    session.regcred("keychain migrate").says(str![[r#"
exit 0
--- stdout
credential/docker.io for docker moved
credential/https://index.docker.io/v1/access-token for docker moved
credential/https://index.docker.io/v1/refresh-token for docker moved
credential/gitea.example.com for docker moved
credential/gitea.example.com for cluster moved
credential/localhost:5000 for docker moved
--- stderr
moved 6 credentials from the vault into the Secret Service
the vault is empty, and its file was not deleted: [FOLDER]/home/.local/share/regcred/vault.age
hint: if you do not need it again: kubectl regcred keychain lock; rm [FOLDER]/home/.local/share/regcred/vault.age

"#]]);
    assert_eq!(session.items(StoreName::System), before);
    assert!(session.items(StoreName::Vault).is_empty());
    assert_eq!(session.regcred("list").done(), listed);
    // As the hint says.
    std::fs::remove_file(session.vault()).unwrap();
    session.regcred("keychain migrate").says(str![[r#"
exit 0
--- stdout
--- stderr
there is no vault: there is nothing to move into the Secret Service

"#]]);
}

scenario!(
    what_differs_stays_in_both_until_a_person_has_decided,
    needs(GNOME_KEYRING)
);
fn what_differs_stays_in_both_until_a_person_has_decided() {
    let session = Session::of(Keyring::start());
    let put = |store, registry: &str, token: &str| session.put(store, registry, "admin", token);
    put(StoreName::System, "one.example.com", "desktop-1");
    put(StoreName::System, "two.example.com", "desktop-2");
    put(StoreName::System, "three.example.com", "desktop-3");
    put(StoreName::Vault, "one.example.com", "vault-1");
    put(StoreName::Vault, "two.example.com", "vault-2");
    session.regcred("keychain use vault").done();
    let ran = session.regcred("keychain migrate");
    ran.says(str![[r#"
exit 1
--- stdout
credential/one.example.com for docker in conflict
credential/three.example.com for docker moved
credential/two.example.com for docker in conflict
--- stderr
moved 1 of 3 credentials from the Secret Service into the vault
error: one.example.com for docker: the Secret Service and the vault hold different credentials; both are unchanged
hint: to use the one in the Secret Service: kubectl regcred logout one.example.com --use docker; then migrate again
hint: to keep the one in the vault: kubectl regcred keychain use secret-service && kubectl regcred logout one.example.com --use docker && kubectl regcred keychain use vault
error: two.example.com for docker: the Secret Service and the vault hold different credentials; both are unchanged
hint: to use the one in the Secret Service: kubectl regcred logout two.example.com --use docker; then migrate again
hint: to keep the one in the vault: kubectl regcred keychain use secret-service && kubectl regcred logout two.example.com --use docker && kubectl regcred keychain use vault

"#]]);
    assert_eq!(
        session.token(StoreName::Vault, "three.example.com").as_deref(),
        Some("desktop-3")
    );
    for (registry, number) in [("one.example.com", 1), ("two.example.com", 2)] {
        assert_eq!(
            session.token(StoreName::System, registry),
            Some(format!("desktop-{number}"))
        );
        assert_eq!(
            session.token(StoreName::Vault, registry),
            Some(format!("vault-{number}"))
        );
    }
    // The two ways that it names, as they stand there.
    let named: Vec<&str> = ran.stderr.lines().filter(|line| line.starts_with("hint: ")).collect();
    let logout = "kubectl regcred logout one.example.com --use docker";
    assert!(named[0].contains(logout), "{ran}");
    session.typed(logout);
    let keep = named[3].split_once(": ").and_then(|(_, rest)| rest.split_once(": "));
    let keep = keep.unwrap().1;
    assert!(keep.contains("two.example.com"), "{keep}");
    keep.split(" && ").for_each(|line| session.typed(line));
    session.regcred("keychain migrate").says(str![[r#"
exit 0
--- stdout
credential/one.example.com for docker moved
--- stderr
moved 1 credential from the Secret Service into the vault

"#]]);
    assert!(session.items(StoreName::System).is_empty());
    assert_eq!(
        session.token(StoreName::Vault, "one.example.com").as_deref(),
        Some("desktop-1")
    );
    assert_eq!(
        session.token(StoreName::Vault, "two.example.com").as_deref(),
        Some("vault-2")
    );
}

scenario!(what_cannot_be_read_stays_and_keeps_nothing_back, needs(GNOME_KEYRING));
fn what_cannot_be_read_stays_and_keeps_nothing_back() {
    let session = Session::of(Keyring::start());
    session.put(StoreName::System, "gitea.example.com", "admin", "token");
    session.put(StoreName::System, "other.example.com", "admin", "token");
    session.damage("gitea.example.com");
    session.regcred("keychain use vault").done();
    let ran = session.regcred("keychain migrate");
    ran.says(str![[r#"
exit 1
--- stdout
credential/gitea.example.com for docker unreadable
credential/other.example.com for docker moved
--- stderr
moved 1 of 2 credentials from the Secret Service into the vault
error: gitea.example.com for docker: the item in the Secret Service cannot be read and was not moved
hint: to delete it: kubectl regcred keychain use secret-service && kubectl regcred logout gitea.example.com --use docker && kubectl regcred keychain use vault

"#]]);
    assert_eq!(
        session.token(StoreName::Vault, "other.example.com").as_deref(),
        Some("token")
    );
    assert_eq!(session.token(StoreName::Vault, "gitea.example.com"), None);
    // As the hint says.
    let without = ran.stderr.rsplit_once("to delete it: ").unwrap().1;
    without.trim_end().split(" && ").for_each(|line| session.typed(line));
    assert_eq!(session.regcred("keychain migrate").code, 0);
}

scenario!(a_keychain_that_is_not_there_holds_nothing, needs(GNOME_KEYRING));
fn a_keychain_that_is_not_there_holds_nothing() {
    let mut session = Session::of(Keyring::start());
    std::fs::remove_file(session.vault()).unwrap();
    session.regcred("keychain migrate").says(str![[r#"
exit 0
--- stdout
--- stderr
there is no vault: there is nothing to move into the Secret Service

"#]]);
    session.regcred("keychain use vault").done();
    session.keyring.kill_daemon();
    session.regcred("keychain migrate").says(str![[r#"
exit 0
--- stdout
--- stderr
there is no Secret Service here: there is nothing to move into the vault

"#]]);
    session.without_bus = true;
    session.regcred("keychain migrate").says(str![[r#"
exit 0
--- stdout
--- stderr
there is no Secret Service here: there is nothing to move into the vault

"#]]);
    session.regcred("keychain migrate -v").says(str![[r#"
exit 0
--- stdout
--- stderr
there is no Secret Service here: there is nothing to move into the vault
there is no keychain here: no D-Bus session bus was found

"#]]);
    // The one in use has to be there.
    std::fs::remove_file(session.vault()).unwrap();
    session.regcred("keychain migrate").says(str![[r#"
exit 1
--- stdout
--- stderr
error: there is no vault at [FOLDER]/home/.local/share/regcred/vault.age
hint: put a copy of it from a backup there, or make a new one: kubectl regcred keychain use vault

"#]]);
}

scenario!(
    a_keychain_that_is_locked_is_not_taken_for_an_empty_one,
    needs(GNOME_KEYRING)
);
fn a_keychain_that_is_locked_is_not_taken_for_an_empty_one() {
    let mut session = Session::of(Keyring::start());
    session.put(StoreName::System, "gitea.example.com", "admin", "token");
    session.regcred("keychain use vault").done();
    session.keyring.lock();
    session.regcred("keychain migrate").says(str![[r#"
exit 1
--- stdout
--- stderr
error: the Secret Service: the keyring is locked
hint: unlock the keyring, in Passwords and Keys (seahorse), in KeePassXC or by logging in to the desktop, and try again
hint: over SSH, where nobody sits at that desktop, use a vault: kubectl regcred keychain use vault

"#]]);
    session.keyring.unlock();
    assert_eq!(session.regcred("keychain migrate").code, 0);
    session.regcred("keychain use secret-service").done();
    // Without its key it is locked.
    let config = session.home().join(".config/regcred/config.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, "keychain = \"secret-service\"\n").unwrap();
    session.regcred("keychain migrate").says(str![[r#"
exit 1
--- stdout
--- stderr
error: the vault: the vault is locked: it opens with a key file, and none was named
hint: set REGCRED_VAULT_KEY_FILE to its key file, or: kubectl regcred keychain unlock --key-file FILE

"#]]);
    std::fs::write(&config, text).unwrap();
    session.regcred("keychain migrate").done();
    let stored = entry("gitea.example.com", "admin", "token");
    assert_eq!(ask(session.command(HELPER), "store", &stored).2, 0);
    let items = session.items(StoreName::System);
    assert_eq!(items.keys().map(|name| name.usage).collect::<Vec<_>>(), [Use::Docker]);
}
