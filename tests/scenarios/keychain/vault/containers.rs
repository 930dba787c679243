//! What a container leaves of the kernel's keyring, and what a vault's owner meets there.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use regcred::sys::env::Env;
use snapbox::{assert_data_eq, str};

use crate::helper::TOKEN;
use crate::support::container::{Container, Profile, installed};
use crate::support::parts::{DOCKER_CONTAINER, PODMAN_CONTAINER};
use crate::support::server::KernelKeys;
use crate::support::{HELPER, PLUGIN};

/// One call each, on keyrings that end with the process: what it is, and what it says where it is not refused.
const CALLS: [(&[&str], &str); 3] = [
    (&["show", "@p"], "Unable to dump key: Required key not available"),
    (&["add", "user", "regcred-test", "nothing", "@p"], ""),
    (
        &["request", "user", "regcred-test-no-such-key"],
        "request_key: Required key not available",
    ),
];

scenario!(docker_refuses_keyrings, needs(DOCKER_CONTAINER, "keyctl"));
fn docker_refuses_keyrings() {
    refused(
        Profile::Docker,
        [
            "Unable to dump key: Operation not permitted",
            "add_key: Operation not permitted",
            "request_key: Operation not permitted",
        ],
    );
}

scenario!(podman_refuses_new_keys, needs(PODMAN_CONTAINER, "keyctl"));
fn podman_refuses_new_keys() {
    refused(
        Profile::Podman,
        [
            CALLS[0].1,
            "add_key: Function not implemented",
            "request_key: Function not implemented",
        ],
    );
}

fn refused(profile: Profile, inside: [&str; 3]) {
    let keyctl = installed("keyctl");
    let container = Container::start(profile);
    for ((args, outside), inside) in CALLS.into_iter().zip(inside) {
        let says = |output: Output| String::from_utf8(output.stderr).unwrap().trim().to_owned();
        assert_eq!(
            says(Command::new(&keyctl).args(args).output().unwrap()),
            outside,
            "outside: {args:?}"
        );
        let output = container.run(&keyctl, args, b"", &Env::default(), &[]);
        assert_eq!(says(output), inside, "inside: {args:?}");
    }
}

/// A home with a vault in it that has a credential, unlocked outside.
struct Home {
    folder: tempfile::TempDir,
    /// More than `HOME`.
    variables: Vec<(&'static str, OsString)>,
    _kernel_keys: KernelKeys,
}

impl Home {
    /// The vault opens with the key of `key`, a file to be made, or else with a passphrase.
    fn with_vault(key: Option<&str>) -> Self {
        let home = Self {
            folder: tempfile::tempdir().unwrap(),
            variables: Vec::new(),
            _kernel_keys: KernelKeys::take(),
        };
        let key = key.map(|name| home.folder.path().join(name).display().to_string());
        let mut args = vec!["keychain", "use", "vault"];
        match &key {
            Some(key) => args.extend(["--key-file", key]),
            None => args.push("--passphrase-stdin"),
        }
        let _ = home.outside(PLUGIN, &args, "a passphrase\n", 0);
        let stored = format!(r#"{{"ServerURL":"gitea.example.com","Username":"admin","Secret":"{TOKEN}"}}"#);
        let _ = home.outside(HELPER, &["store"], &stored, 0);
        home
    }

    fn env(&self) -> Env {
        let home = ("HOME", self.folder.path().as_os_str().to_owned());
        self.variables.iter().cloned().chain([home]).collect()
    }

    fn outside(&self, program: &str, args: &[&str], stdin: &str, code: i32) -> String {
        let mut command = Command::new(program);
        command.args(args).env_clear().envs(self.env().iter());
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // It may have ended without reading.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        self.said(&child.wait_with_output().unwrap(), code)
    }

    fn inside(&self, container: &Container, program: &str, args: &[&str], stdin: &str, code: i32) -> String {
        let shared = [self.folder.path()];
        let output = container.run(Path::new(program), args, stdin.as_bytes(), &self.env(), &shared);
        self.said(&output, code)
    }

    /// stdout, then stderr.
    fn said(&self, output: &Output, code: i32) -> String {
        let text = String::from_utf8([&*output.stdout, &output.stderr].concat()).unwrap();
        assert_eq!(output.status.code(), Some(code), "{text}");
        text.replace(self.folder.path().to_str().unwrap(), "~")
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        // The key is in the kernel, and does not go with the folder.
        let _ = Command::new(PLUGIN)
            .args(["keychain", "lock"])
            .env_clear()
            .envs(self.env().iter())
            .output();
    }
}

scenario!(docker_says_what_a_vault_needs_there, needs(DOCKER_CONTAINER));
fn docker_says_what_a_vault_needs_there() {
    let container = Container::start(Profile::Docker);
    let home = Home::with_vault(None);
    let get = |home: &Home, code| home.inside(&container, HELPER, &["get"], "gitea.example.com", code);
    assert_data_eq!(
        get(&home, 1),
        str![[r#"
the vault is locked: this process may not use the kernel's keyring
docker-credential-gitea: the vault is locked: this process may not use the kernel's keyring; hint: most containers have none: set REGCRED_VAULT_KEY_FILE to a file with the vault's key, or create one: kubectl regcred keychain use vault --key-file FILE

"#]]
    );
    assert_data_eq!(
        home.inside(
            &container,
            PLUGIN,
            &["keychain", "unlock", "--passphrase-stdin"],
            "a passphrase\n",
            1
        ),
        str![[r#"
error: the vault is locked: this process may not use the kernel's keyring
hint: most containers have none: set REGCRED_VAULT_KEY_FILE to a file with the vault's key, or create one: kubectl regcred keychain use vault --key-file FILE

"#]]
    );

    // What it names as the way out is one, wherever the key is there.
    let mut home = Home::with_vault(Some("key"));
    let mounted = home.folder.path().join("mounted-key");
    std::fs::rename(home.folder.path().join("key"), &mounted).unwrap();
    home.variables.push(("REGCRED_VAULT_KEY_FILE", mounted.into()));
    assert!(get(&home, 0).contains(TOKEN));
}

scenario!(podman_reads_the_key_of_outside, needs(PODMAN_CONTAINER));
fn podman_reads_the_key_of_outside() {
    let container = Container::start(Profile::Podman);
    let home = Home::with_vault(None);
    let get = |code| home.inside(&container, HELPER, &["get"], "gitea.example.com", code);
    let unlock = ["keychain", "unlock", "--passphrase-stdin"];
    assert!(get(0).contains(TOKEN));
    let _ = home.inside(&container, PLUGIN, &["keychain", "lock"], "", 0);
    assert_data_eq!(
        get(1),
        str![[r#"
the vault is locked: there is no kernel keyring here
docker-credential-gitea: the vault is locked: there is no kernel keyring here; hint: most containers have none: set REGCRED_VAULT_KEY_FILE to a file with the vault's key, or create one: kubectl regcred keychain use vault --key-file FILE

"#]]
    );
    assert_data_eq!(
        home.inside(&container, PLUGIN, &unlock, "a passphrase\n", 1),
        str![[r#"
error: there is no kernel keyring here
hint: most containers have none: set REGCRED_VAULT_KEY_FILE to a file with the vault's key, or create one: kubectl regcred keychain use vault --key-file FILE

"#]]
    );
    let _ = home.outside(PLUGIN, &unlock, "a passphrase\n", 0);
    assert!(get(0).contains(TOKEN));
}
