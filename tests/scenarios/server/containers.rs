//! The vault in a container of docker's, where the kernel's keyring is refused: a key file does everything instead.

use std::path::{Path, PathBuf};

use regcred::sys::env::Env;
use snapbox::{assert_data_eq, str};

use crate::support::container::{Container, Profile};
use crate::support::parts::DOCKER_CONTAINER;
use crate::support::server::Server;
use crate::support::{HELPER, PLUGIN};

const ENTRY: &str = r#"{"ServerURL":"gitea.example.com","Username":"admin","Secret":"s3cret-t0ken"}"#;

/// A server's home in a container.
struct Inside {
    server: Server,
    container: Container,
    /// What the variable names, once there is a key file.
    key_file: Option<PathBuf>,
}

scenario!(a_key_file_does_it_all, needs(DOCKER_CONTAINER));
fn a_key_file_does_it_all() {
    let mut inside = Inside {
        server: Server::start(),
        container: Container::start(Profile::Docker),
        key_file: None,
    };
    // Nobody chooses a passphrase in vain.
    assert_data_eq!(
        inside.run(PLUGIN, "keychain use vault --passphrase-stdin", "correct horse"),
        str![[r#"
exit 1
error: this process may not use the kernel's keyring
hint: most containers have none: set REGCRED_VAULT_KEY_FILE to a file with the vault's key, or create one: kubectl regcred keychain use vault --key-file FILE

"#]]
    );
    assert!(!inside.server.vault().exists());

    let path = inside.server.folder().join("home/vault.key");
    assert_data_eq!(
        inside.run(PLUGIN, &format!("keychain use vault --key-file {}", path.display()), ""),
        str![[r#"
exit 0
created a key file: [FOLDER]/home/vault.key
hint: keep a copy of it elsewhere: the vault cannot be opened without it
created a vault, an encrypted file: [FOLDER]/home/.local/share/regcred/vault.age
the vault is open to everyone who can read [FOLDER]/home/vault.key (--key-file)
docker and kubectl regcred use the vault from now on

"#]]
    );
    // From now on the variable alone names it.
    let config = inside.server.folder().join("home/.config/regcred/config.toml");
    std::fs::write(&config, "keychain = \"vault\"\n").unwrap();
    inside.key_file = Some(path);
    let run = |program, line, stdin| inside.run(program, line, stdin);
    assert_eq!(run(HELPER, "store", ENTRY), "exit 0\n");
    assert_eq!(run(HELPER, "get", "gitea.example.com"), format!("exit 0\n{ENTRY}\n"));
    assert_data_eq!(
        run(
            PLUGIN,
            "login zot.example.com -u robot --token-stdin --no-verify",
            "other-t0ken"
        ),
        str![[r#"
exit 0
not verified at zot.example.com
logged in to zot.example.com as robot for docker

"#]]
    );
    assert_data_eq!(
        run(PLUGIN, "list", ""),
        str![[r#"
exit 0
REGISTRY            USERNAME   USE      AGE
gitea.example.com   admin      docker   <1h
zot.example.com     robot      docker   <1h

"#]]
    );
    assert_data_eq!(
        run(PLUGIN, "keychain unlock", ""),
        str![[r#"
exit 0
the vault is open to everyone who can read [FOLDER]/home/vault.key (REGCRED_VAULT_KEY_FILE)

"#]]
    );
    assert_data_eq!(
        run(PLUGIN, "logout zot.example.com", ""),
        str![[r#"
exit 0
forgot the credential of zot.example.com for docker

"#]]
    );
    assert_eq!(run(HELPER, "erase", "gitea.example.com"), "exit 0\n");
    assert_eq!(
        run(HELPER, "get", "gitea.example.com"),
        "exit 1\ncredentials not found in native keychain\n"
    );
}

impl Inside {
    /// How it ended and what it printed, stdout before stderr.
    fn run(&self, program: &str, line: &str, stdin: &str) -> String {
        let args: Vec<&str> = line.split_whitespace().collect();
        let named = self.key_file.as_deref().map(|path| ("REGCRED_VAULT_KEY_FILE", path));
        let named: Env = named.into_iter().collect();
        let own = self.server.env();
        let env: Env = own.iter().chain(named.iter()).collect();
        let folder = self.server.folder();
        let output = self
            .container
            .run(Path::new(program), &args, stdin.as_bytes(), &env, &[folder]);
        let text = |bytes| String::from_utf8_lossy(bytes).replace(folder.to_str().unwrap(), "[FOLDER]");
        let code = output.status.code().unwrap();
        format!("exit {code}\n{}{}", text(&output.stdout), text(&output.stderr))
    }
}
