//! What a machine without a desktop says: with nothing, with a vault in each of its states, and beside a keyring.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use regcred::keychain::{Keychain, StoreName};
use regcred::model::Use;
use snapbox::{assert_data_eq, str};

use crate::helper::{TOKEN, credential};
use crate::support::fake_secrets::{Behaviour, FakeSecrets};
use crate::support::keyring::Keyring;
use crate::support::parts::{GNOME_KEYRING, KERNEL_KEYRING};
use crate::support::scenario::Part;
use crate::support::server::KernelKeys;
use crate::support::world::Ran;
use crate::support::{HELPER, PLUGIN};

const PASSPHRASE: &str = "correct horse battery staple";
/// Should a trial end half-way, the kernel forgets the key by itself.
const USE: &str = "keychain use vault --passphrase-stdin --for 10m";

/// Where logind has made this user a bus, there is no machine without one.
const NO_SESSION_BUS: Part = Part::new(|| {
    let user = fs::metadata("/proc/self").unwrap().uid();
    let socket = format!("/run/user/{user}/bus");
    if Path::new(&socket).exists() {
        vec!["a machine without a session bus"]
    } else {
        vec![]
    }
});

/// A user's folders on a server.
struct Server {
    folder: tempfile::TempDir,
    variables: BTreeMap<&'static str, OsString>,
    _kernel_keys: KernelKeys,
}

impl Server {
    fn new() -> Self {
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o700);
        let folder = tempfile::Builder::new().permissions(mode).tempdir().unwrap();
        let variables = [
            ("HOME", folder.path().into()),
            ("XDG_RUNTIME_DIR", folder.path().into()),
        ];
        Self {
            folder,
            variables: variables.into(),
            _kernel_keys: KernelKeys::take(),
        }
    }

    fn with_vault() -> Self {
        let this = Self::new();
        this.run(USE, PASSPHRASE).done();
        this
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .env_clear()
            .envs(&self.variables)
            .current_dir(self.folder.path());
        command
    }

    fn start(&self, mut command: Command, stdin: &str) -> Ran {
        let pipes = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = pipes.spawn().unwrap();
        // It may have ended without reading.
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        let folder = self.folder.path().display().to_string();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&folder, "[HOME]");
        Ran {
            stdout: text(&output.stdout),
            stderr: text(&output.stderr),
            code: output.status.code().unwrap_or(-1),
        }
    }

    fn run(&self, line: &str, stdin: &str) -> Ran {
        let mut command = self.command(PLUGIN);
        command.args(line.split_whitespace());
        self.start(command, stdin)
    }

    fn says(&self, line: &str) -> String {
        self.run(line, "").to_string()
    }

    /// `keychain status`, one word or text of its document.
    fn document(&self) -> serde_json::Value {
        serde_json::from_str(&self.run("keychain status -o json", "").stdout).unwrap()
    }

    fn file(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    fn vault(&self) -> PathBuf {
        self.file(".local/share/regcred/vault.age")
    }
}

impl Drop for Server {
    /// What is in the kernel's keyring is in no folder.
    fn drop(&mut self) {
        if self.vault().exists() {
            let mut lock = self.command(PLUGIN);
            let _ = lock
                .args(["keychain", "lock"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
        }
    }
}

scenario!(nothing, needs(NO_SESSION_BUS));
fn nothing() {
    let server = Server::new();
    assert_data_eq!(
        server.says("keychain status"),
        str![[r#"
exit 1
--- stdout
in use           secret-service, the default on this system
vault            none
key file         none
kernel keyring   available
secret-service   none: no D-Bus session bus was found
--- stderr
error: there is no keychain here: no D-Bus session bus was found
hint: on a machine without a desktop, make a vault: kubectl regcred keychain use vault
hint: in CI, let sync take the token from --token-env VAR or --token-stdin; on a desktop, start gnome-keyring, KWallet or KeePassXC

"#]]
    );
    assert!(
        fs::read_dir(server.folder.path()).unwrap().next().is_none(),
        "nothing is made by looking"
    );
    // Each says the same: what is missing, what to do on a server, what to do in CI.
    let login = server.run("login gitea.example.com -u admin --token-stdin", TOKEN);
    login.says(str![[r#"
exit 1
--- stdout
--- stderr
error: there is no keychain here: no D-Bus session bus was found
hint: on a machine without a desktop, make a vault: kubectl regcred keychain use vault
hint: in CI, let sync take the token from --token-env VAR or --token-stdin; on a desktop, start gnome-keyring, KWallet or KeePassXC

"#]]);
    for line in [
        "list",
        "sync -n honeydue --registry gitea.example.com",
        "docker setup",
        "rotate gitea.example.com",
    ] {
        let ran = server.run(line, "");
        assert_eq!((ran.stderr.as_str(), ran.code), (login.stderr.as_str(), 1), "{line}");
    }
    assert_data_eq!(
        server.says("docker status"),
        str![[r#"
exit 0
--- stdout
--- stderr
warning: there is no keychain here: no D-Bus session bus was found
hint: on a machine without a desktop, make a vault: kubectl regcred keychain use vault
hint: in CI, let sync take the token from --token-env VAR or --token-stdin; on a desktop, start gnome-keyring, KWallet or KeePassXC
neither docker nor podman has a login here

"#]]
    );
}

scenario!(in_each_state, needs(NO_SESSION_BUS, KERNEL_KEYRING));
fn in_each_state() {
    let server = Server::with_vault();
    let ran = server.run("keychain status", "");
    // How much of ten minutes is left depends on the machine.
    let left = ran.stdout.split("unlocked for ").nth(1).unwrap();
    let left = left.split(',').next().unwrap();
    assert_data_eq!(
        ran.to_string().replace(left, "[LEFT]"),
        str![[r#"
exit 0
--- stdout
in use           vault, chosen in [HOME]/.config/regcred/config.toml
vault            unlocked for [LEFT], holds 0 credentials
vault file       [HOME]/.local/share/regcred/vault.age
key file         none
kernel keyring   available
secret-service   none: no D-Bus session bus was found
--- stderr

"#]]
    );
    server.run("keychain lock", "").done();
    assert_data_eq!(
        server.says("keychain status"),
        str![[r#"
exit 1
--- stdout
in use           vault, chosen in [HOME]/.config/regcred/config.toml
vault            locked
vault file       [HOME]/.local/share/regcred/vault.age
key file         none
kernel keyring   available
secret-service   none: no D-Bus session bus was found
--- stderr
error: the vault is locked
hint: unlock it: kubectl regcred keychain unlock

"#]]
    );
    assert_data_eq!(
        server.says("keychain status -o json"),
        str![[r#"
exit 1
--- stdout
{
  "apiVersion": "regcred/v1",
  "kind": "KeychainStatus",
  "inUse": "vault",
  "chosenIn": "[HOME]/.config/regcred/config.toml",
  "answers": false,
  "keychains": [
    {
      "name": "vault",
      "state": "locked",
      "path": "[HOME]/.local/share/regcred/vault.age",
      "error": "the vault is locked"
    },
    {
      "name": "secret-service",
      "state": "absent",
      "error": "there is no keychain here: no D-Bus session bus was found"
    }
  ],
  "keyFile": null,
  "kernelKeyring": {
    "takesKeys": true
  },
  "hints": [
    "unlock it: kubectl regcred keychain unlock"
  ]
}
--- stderr

"#]]
    );
}

scenario!(out_of_use, needs(NO_SESSION_BUS, KERNEL_KEYRING));
fn out_of_use() {
    let server = Server::with_vault();
    server.run("keychain lock", "").done();
    // The choice is forgotten, the vault is not.
    fs::remove_file(server.file(".config/regcred/config.toml")).unwrap();
    assert_data_eq!(
        server.says("keychain status"),
        str![[r#"
exit 1
--- stdout
in use           secret-service, the default on this system
vault            locked
vault file       [HOME]/.local/share/regcred/vault.age
key file         none
kernel keyring   available
secret-service   none: no D-Bus session bus was found
--- stderr
error: there is no keychain here: no D-Bus session bus was found
hint: the vault is available: kubectl regcred keychain use vault
hint: in CI, let sync take the token from --token-env VAR or --token-stdin; on a desktop, start gnome-keyring, KWallet or KeePassXC

"#]]
    );
    server.run("keychain use vault", "").done();
    let aside = server.file("aside");
    fs::rename(server.vault(), &aside).unwrap();
    assert_data_eq!(
        server.says("keychain status"),
        str![[r#"
exit 1
--- stdout
in use           vault, chosen in [HOME]/.config/regcred/config.toml
vault            none
key file         none
kernel keyring   available
secret-service   none: no D-Bus session bus was found
--- stderr
error: there is no vault at [HOME]/.local/share/regcred/vault.age
hint: put a copy of it from a backup there, or make a new one: kubectl regcred keychain use vault

"#]]
    );
    fs::rename(aside, server.vault()).unwrap();
}

scenario!(a_wrong_line_in_the_configuration);
fn a_wrong_line_in_the_configuration() {
    let server = Server::new();
    fs::create_dir_all(server.file(".config/regcred")).unwrap();
    fs::write(
        server.file(".config/regcred/config.toml"),
        "# mine\nkeychain = \"valt\"\n",
    )
    .unwrap();
    let status = server.says("keychain status");
    assert_data_eq!(
        status.as_str(),
        str![[r#"
exit 1
--- stdout
--- stderr
error: [HOME]/.config/regcred/config.toml line 2: "valt" is not a keychain that regcred knows: choose "secret-service" or "vault"
hint: correct the line in an editor, or remove it: then the system's keychain is used

"#]]
    );
    assert_eq!(server.says("list"), status);
    let mut helper = server.command(HELPER);
    helper.arg("get");
    let ran = server.start(helper, "gitea.example.com");
    assert!(ran.stdout.contains("config.toml line 2: \"valt\""), "{ran}");
}

scenario!(key_files);
fn key_files() {
    let mut server = Server::new();
    let made = server.run("keychain use vault --key-file vault.key", "").done();
    assert_eq!(made, "");
    let found = |server: &Server| {
        let document = server.document();
        let vault = &document["keychains"][0];
        (
            document["keyFile"]["namedBy"].as_str().unwrap().to_owned(),
            format!(
                "{} by {}",
                vault["state"].as_str().unwrap(),
                vault["openedBy"].as_str().unwrap_or("nothing")
            ),
        )
    };
    let open = "open by keyFile".to_owned();
    assert_eq!(found(&server), ("config.toml".to_owned(), open.clone()));
    // As systemd passes it: in a folder that only the unit can look into.
    fs::create_dir(server.file("credentials")).unwrap();
    fs::copy(server.file("vault.key"), server.file("credentials/regcred-vault-key")).unwrap();
    let credentials = server.file("credentials").into();
    server.variables.insert("CREDENTIALS_DIRECTORY", credentials);
    assert_eq!(found(&server), ("CREDENTIALS_DIRECTORY".to_owned(), open));
    // Whoever names a file means it.
    server
        .variables
        .insert("REGCRED_VAULT_KEY_FILE", server.file("no.key").into());
    assert_eq!(
        found(&server),
        ("REGCRED_VAULT_KEY_FILE".to_owned(), "failed by nothing".to_owned())
    );
    let ran = server.run("keychain status", "");
    assert!(
        ran.stdout
            .contains("no.key, named by REGCRED_VAULT_KEY_FILE, which does not exist"),
        "{ran}"
    );
    // The key of another vault.
    fs::write(
        server.file("no.key"),
        fs::read_to_string(server.file("vault.key"))
            .unwrap()
            .replace("AGE-", "#"),
    )
    .unwrap();
    fs::set_permissions(server.file("no.key"), fs::Permissions::from_mode(0o600)).unwrap();
    let ran = server.run("keychain status", "");
    assert!(
        ran.stderr.contains("does not hold one key, a line AGE-SECRET-KEY-1…"),
        "{ran}"
    );
}

scenario!(a_file_that_cannot_be_used, needs(KERNEL_KEYRING));
fn a_file_that_cannot_be_used() {
    let server = Server::with_vault();
    let whole = fs::read(server.vault()).unwrap();
    fs::set_permissions(server.vault(), fs::Permissions::from_mode(0o644)).unwrap();
    let exposed = server.run("keychain status", "");
    assert!(
        exposed
            .stderr
            .contains("is open to other users: its mode is 0644\nhint: chmod 600 it"),
        "{exposed}"
    );
    fs::set_permissions(server.vault(), fs::Permissions::from_mode(0o600)).unwrap();
    let text = String::from_utf8_lossy(&whole);
    let later = text.find("kubectl-regcred/vault 1 ").unwrap() + "kubectl-regcred/vault ".len();
    let mut of_tomorrow = whole.clone();
    of_tomorrow[later] = b'2';
    for (bytes, says) in [
        (
            &whole[..whole.len() / 2],
            "is damaged: it is cut short\nhint: it is left as it is",
        ),
        (
            &of_tomorrow[..],
            "is of format 2, which this version of regcred does not know\nhint: it is left as it is: upgrade",
        ),
        (
            b"tokens",
            "is damaged: it is not an age file\nhint: it is left as it is",
        ),
    ] {
        fs::write(server.vault(), bytes).unwrap();
        for line in ["keychain status", "list", "keychain unlock"] {
            let ran = server.run(line, "");
            assert!(ran.stderr.contains(says) && ran.code == 1, "{line}: {ran}");
        }
        assert_eq!(server.document()["keychains"][0]["state"], "failed");
        assert_eq!(fs::read(server.vault()).unwrap(), bytes, "it is kept");
    }
    // For the key in the kernel's keyring.
    fs::write(server.vault(), whole).unwrap();
}

scenario!(locked_wherever_it_is_met, needs(KERNEL_KEYRING));
fn locked_wherever_it_is_met() {
    let server = Server::with_vault();
    let login = "login gitea.example.com -u admin --no-verify --token-stdin";
    server.run(login, TOKEN).done();
    assert_eq!(server.document()["keychains"][0]["credentials"], 1);
    assert!(
        server
            .run("__complete login g", "")
            .stdout
            .starts_with("gitea.example.com")
    );
    server.run("keychain lock", "").done();
    let locked = "error: the vault is locked\nhint: unlock it: kubectl regcred keychain unlock\n";
    for line in [
        login,
        "list",
        "sync -n honeydue --registry gitea.example.com",
        "logout gitea.example.com",
        "docker setup",
    ] {
        let ran = server.run(line, TOKEN);
        assert_eq!((ran.stderr.as_str(), ran.code), (locked, 1), "{line}");
    }
    let docker = server.run("docker status", "");
    assert!(
        docker.stderr.starts_with(&locked.replace("error:", "warning:")),
        "{docker}"
    );
    assert!(
        !docker.stderr.contains("nor has the keychain"),
        "nobody knows: {docker}"
    );
    assert_eq!(
        server.run("__complete login g", "").to_string(),
        "exit 0\n--- stdout\n:4\n--- stderr\n"
    );
    for action in ["get", "store", "erase", "list"] {
        let mut helper = server.command(HELPER);
        helper.arg(action);
        let stdin = match action {
            "store" => &crate::helper::entry("gitea.example.com", "admin", TOKEN),
            _ => "gitea.example.com",
        };
        let ran = server.start(helper, stdin);
        assert_eq!(
            ran.stdout, "the vault is locked; unlock it: kubectl regcred keychain unlock\n",
            "{action}"
        );
        assert_eq!(
            (ran.stderr.as_str(), ran.code),
            (
                "docker-credential-gitea: the vault is locked; hint: unlock it: kubectl regcred keychain unlock\n",
                1
            ),
            "{action}"
        );
    }
}

scenario!(before_a_bus_that_says_nothing, needs(KERNEL_KEYRING));
/// What is known without the bus is on the screen before it is asked.
fn before_a_bus_that_says_nothing() {
    let mut server = Server::with_vault();
    let socket = server.file("bus");
    let listener = UnixListener::bind(&socket).unwrap();
    let address = format!("unix:path={}", socket.display());
    server.variables.insert("DBUS_SESSION_BUS_ADDRESS", address.into());
    let mut status = server.command(PLUGIN);
    let mut status = status
        .args(["keychain", "status"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let _connection = listener.accept().unwrap();
    status.kill().unwrap();
    let mut shown = String::new();
    status.stdout.take().unwrap().read_to_string(&mut shown).unwrap();
    status.wait().unwrap();
    for row in [
        "in use           vault",
        "vault            unlocked",
        "kernel keyring   available",
    ] {
        assert!(shown.contains(row), "{row}: {shown}");
    }
    drop(listener);
    server.variables.remove("DBUS_SESSION_BUS_ADDRESS");
}

scenario!(nobody_is_prompted, needs("dbus-daemon"));
fn nobody_is_prompted() {
    let service = FakeSecrets::start(Behaviour::AsksFirst { unlocks: false });
    let mut server = Server::new();
    server
        .variables
        .insert("DBUS_SESSION_BUS_ADDRESS", service.bus().address().into());
    server.variables.insert("WAYLAND_DISPLAY", "wayland-0".into());
    let ran = server.run("keychain status", "");
    assert!(ran.stdout.contains("\nsecret-service   locked\n"), "{ran}");
    assert!(ran.stderr.contains("unlock the keyring"), "{ran}");
    assert_eq!(
        (service.calls(), ran.code),
        (["Get Collections", "Get Locked"].map(str::to_owned).to_vec(), 1)
    );
}

scenario!(gnome_keyring, needs(GNOME_KEYRING, KERNEL_KEYRING));
fn gnome_keyring() {
    let mut keyring = Keyring::start();
    let mut server = Server::new();
    server
        .variables
        .insert("DBUS_SESSION_BUS_ADDRESS", keyring.bus().address().into());
    let ran = server.run("keychain status", "");
    assert!(
        ran.stdout.ends_with("secret-service   open, holds 0 credentials\n"),
        "{ran}"
    );
    assert_eq!((ran.stderr.as_str(), ran.code), ("", 0));
    let desktop = Keychain::open_store(&keyring.env(), StoreName::System).unwrap();
    desktop.put(Use::Docker, &credential("alice", TOKEN)).unwrap();
    server.run(USE, PASSPHRASE).done();
    let ran = server.run("keychain status", "");
    assert!(
        ran.stdout.ends_with("secret-service   open, holds 1 credential\n"),
        "{ran}"
    );
    assert_eq!(
        (ran.stderr.as_str(), ran.code),
        (
            "hint: the Secret Service holds 1 credential: kubectl regcred keychain migrate\n",
            0
        )
    );
    keyring.lock();
    server.run("keychain lock", "").done();
    let document = server.document();
    let states = [0, 1].map(|at| document["keychains"][at]["state"].as_str().unwrap());
    assert_eq!(
        (states, document["answers"].as_bool()),
        (["locked", "locked"], Some(false))
    );
}
