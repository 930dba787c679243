//! Linux without a kernel keyring: what is moved between the Secret Service and a vault.

use snapbox::str;

use super::WITHOUT_KERNEL_KEYRING;
use crate::support::elsewhere::Elsewhere;
use crate::support::parts::GNOME_KEYRING;

scenario!(
    from_the_secret_service_to_a_vault_and_back,
    on(WITHOUT_KERNEL_KEYRING),
    needs(GNOME_KEYRING)
);
fn from_the_secret_service_to_a_vault_and_back(elsewhere: Elsewhere) {
    let elsewhere = elsewhere.with_keyring();
    let token = elsewhere.gitea.add_token("admin", "write:package");
    elsewhere
        .regcred_with("login [REGISTRY] -u admin --token-stdin", &token)
        .done();
    elsewhere.regcred("keychain status").says(str![[r#"
exit 0
--- stdout
in use           secret-service, the default on this system
vault            none
key file         none
kernel keyring   not available: this system has no kernel keyring, so the vault opens with a key file
secret-service   open, holds 1 credential
--- stderr

"#]]);
    let elsewhere = elsewhere.with_vault();
    elsewhere.regcred("keychain migrate").says(str![[r#"
exit 0
--- stdout
credential/[REGISTRY] for docker moved
--- stderr
moved 1 credential from the Secret Service into the vault

"#]]);
    assert!(elsewhere.helper("get", "[REGISTRY]").done().contains(&token));
    elsewhere.regcred("keychain use secret-service").says(str![[r#"
exit 0
--- stdout
--- stderr
docker and kubectl regcred use the Secret Service from now on
hint: the vault holds 1 credential: kubectl regcred keychain migrate

"#]]);
    elsewhere.regcred("keychain migrate").says(str![[r#"
exit 0
--- stdout
credential/[REGISTRY] for docker moved
--- stderr
moved 1 credential from the vault into the Secret Service
the vault is empty, and its file was not deleted: [HOME]/.local/share/regcred/vault.age
hint: if you do not need it again: kubectl regcred keychain lock; rm [HOME]/.local/share/regcred/vault.age

"#]]);
    assert!(elsewhere.helper("get", "[REGISTRY]").done().contains(&token));
}
