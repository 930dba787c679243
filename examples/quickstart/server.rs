//! The second act: a server, where no desktop brings a keychain, and the vault is one.

use std::path::Path;

use regcred::keychain::Config;
use regcred::keychain::vault::Vault;

use crate::api_server::ApiServer;
use crate::{Machine, holds};

/// What somebody types who is asked for the vault's passphrase.
const PASSPHRASE: &str = "correct horse battery staple";

/// Its key goes with it, also where something fails on the way.
struct OwnVault(Vault);

impl Drop for OwnVault {
    fn drop(&mut self) {
        // Where the kernel keeps no keys, there is none to take out.
        let _ = self.0.lock();
    }
}

/// Says whether something was not as it should be.
pub fn second_act(cluster: &ApiServer, registry: &str, token: &str) -> bool {
    let home = tempfile::tempdir().unwrap();
    let mut me = server(home.path(), cluster);
    let vault = OwnVault(Vault::new(&me.env, &Config::default()).unwrap());
    println!("\n# On a server there is no desktop's keychain. The vault is an encrypted file, chosen by name.");
    let refused = vault.0.can_be_unlocked().err();
    if let Some(refused) = &refused {
        println!("# Its key rests in the kernel, which keeps none for this program, as in most containers:");
        println!("#   {refused}");
        println!("# So a key file opens it, as on an unattended machine.");
        let key_file = home.path().join("vault.key");
        let chosen = format!("kubectl regcred keychain use vault --key-file {}", key_file.display());
        me.kubectl_regcred(&chosen, "", 0);
    } else {
        let chosen = "cat passphrase | kubectl regcred keychain use vault --passphrase-stdin --for 10m";
        me.kubectl_regcred(chosen, PASSPHRASE, 0);
    }
    let login = format!("cat token | kubectl regcred login {registry} -u admin --token-stdin");
    me.kubectl_regcred(&login, token, 0);
    let got = me.helper(registry, "get", 0);
    me.expect("docker gets the token from the vault", got.contains(token));
    let file = std::fs::read(vault.0.path()).unwrap();
    let is_hidden = !file.windows(token.len()).any(|part| part == token.as_bytes());
    me.expect("the file shows no token", is_hidden);
    if refused.is_none() {
        // Not with `keychain lock`, which locks every vault of whoever tries this out.
        println!("\n# The machine restarts, and the kernel has forgotten the key.");
        me.expect("the key is gone", vault.0.lock().is_ok_and(|was_there| was_there));
        let said = me.helper(registry, "get", 1);
        me.expect(
            "docker is told what to do",
            said.contains("locked") && said.contains("kubectl regcred keychain unlock"),
        );
        let unlock = "cat passphrase | kubectl regcred keychain unlock --passphrase-stdin --for 10m";
        me.kubectl_regcred(unlock, PASSPHRASE, 0);
    }
    cluster.create_namespace("honeydue-server");
    me.kubectl_regcred("kubectl regcred sync -n honeydue-server", "", 0);
    me.expect(
        "kubelet could pull with the Secret",
        holds(cluster, "honeydue-server", token),
    );
    me.failed
}

/// A home with nothing in it but a kubeconfig.
fn server(home: &Path, cluster: &ApiServer) -> Machine {
    let kubeconfig = home.join("kubeconfig");
    std::fs::write(&kubeconfig, cluster.kubeconfig()).unwrap();
    Machine {
        env: [("HOME", home), ("KUBECONFIG", &kubeconfig)].into_iter().collect(),
        store: None,
        failed: false,
    }
}
