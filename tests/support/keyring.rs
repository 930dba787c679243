//! The keychain as a real part: gnome-keyring on a D-Bus session bus of its own, in folders of its own.

use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use regcred::env::Env;
use tempfile::TempDir;
use zbus::message::Message;
use zbus::{DynamicType, OwnedObjectPath, OwnedVariant, Variant};

/// The programs that [`Keyring`] needs.
pub const PARTS: [&str; 2] = ["dbus-daemon", "gnome-keyring-daemon"];

/// What unlocks the keyring.
pub const PASSWORD: &str = "keyring-password";

const SECRETS: &str = "org.freedesktop.secrets";
const LOGIN: &str = "/org/freedesktop/secrets/collection/login";

pub use super::part::until;

/// A child process that does not outlive its test.
#[derive(Debug)]
pub struct Running(pub Child);

impl Running {
    /// Starts `command` with nothing on its stdout and stderr.
    pub fn start(command: &mut Command) -> Self {
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }

    /// Sends a signal by its name, such as `STOP`.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill")
            .args(["-s", name, &self.0.id().to_string()])
            .status();
        assert!(status.unwrap().success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A D-Bus session bus that starts no services, with a home, a runtime folder and a temporary folder of its own.
pub struct PrivateBus {
    // Fields are dropped in order: first the process, then its folder.
    _daemon: Running,
    folder: TempDir,
}

impl PrivateBus {
    /// Starts the bus and waits for it.
    pub fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("regcred-").tempdir().unwrap();
        for name in ["home", "run", "tmp"] {
            let mut builder = std::fs::DirBuilder::new();
            std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
            builder.create(folder.path().join(name)).unwrap();
        }
        let socket = folder.path().join("run/bus");
        let config = folder.path().join("bus.conf");
        std::fs::write(
            &config,
            format!(
                "<busconfig><type>session</type><listen>unix:path={}</listen><auth>EXTERNAL</auth>\
                 <policy context='default'><allow send_destination='*' eavesdrop='true'/><allow eavesdrop='true'/>\
                 <allow own='*'/></policy></busconfig>",
                socket.display()
            ),
        )
        .unwrap();
        let mut daemon = Command::new("dbus-daemon");
        daemon.args(["--nofork", "--nopidfile", "--config-file"]).arg(&config);
        let daemon = Running::start(&mut daemon);
        until("the bus listens", || {
            std::os::unix::net::UnixStream::connect(&socket).is_ok()
        });
        Self {
            _daemon: daemon,
            folder,
        }
    }

    /// The folder that holds `home`, `run` and `tmp`.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The bus address.
    pub fn address(&self) -> String {
        format!("unix:path={}", self.folder.path().join("run/bus").display())
    }

    /// The environment of a session on this bus.
    pub fn env(&self) -> Env {
        let folder = |name: &str| self.folder.path().join(name).into_os_string();
        Env::from_iter([
            ("HOME", folder("home")),
            ("XDG_RUNTIME_DIR", folder("run")),
            ("TMPDIR", folder("tmp")),
            ("DBUS_SESSION_BUS_ADDRESS", self.address().into()),
            ("PATH", std::env::var_os("PATH").unwrap_or_default()),
        ])
    }

    /// A program in this session.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        command.env_clear().envs(self.env().iter());
        command
    }

    /// A call on this bus.
    ///
    /// # Panics
    /// Where it is answered with an error.
    pub fn call<B>(&self, service: &str, path: &str, interface: &str, method: &str, body: &B) -> Message
    where
        B: serde::Serialize + DynamicType,
    {
        zbus::block_on(async {
            let connection = zbus::connection::Builder::address(self.address().as_str());
            let connection = connection.build().await.unwrap();
            connection
                .call_method(Some(service), path, Some(interface), method, body)
                .await
                .unwrap()
        })
    }

    /// Whether somebody on the bus goes by `name`.
    pub fn has(&self, name: &str) -> bool {
        let reply = self.on_bus("NameHasOwner", &(name,));
        reply.body().deserialize::<(bool,)>().unwrap().0
    }

    /// How many connections the bus has, without the one that asks.
    pub fn connections(&self) -> usize {
        let (names,): (Vec<String>,) = self.on_bus("ListNames", &()).body().deserialize().unwrap();
        names.iter().filter(|name| name.starts_with(':')).count() - 1
    }

    fn on_bus<B: serde::Serialize + DynamicType>(&self, method: &str, body: &B) -> Message {
        let bus = "org.freedesktop.DBus";
        self.call(bus, "/org/freedesktop/DBus", bus, method, body)
    }
}

/// gnome-keyring with an unlocked login keyring.
pub struct Keyring {
    // Dropped before its bus.
    daemon: Option<Running>,
    bus: PrivateBus,
}

impl Keyring {
    /// Starts bus and daemon, and waits for both.
    pub fn start() -> Self {
        let mut keyring = Self {
            daemon: None,
            bus: PrivateBus::start(),
        };
        keyring.start_daemon(Some(PASSWORD));
        keyring
    }

    /// The bus that it is on.
    pub fn bus(&self) -> &PrivateBus {
        &self.bus
    }

    /// The environment of a session with this keyring, for child processes and for use in this process.
    pub fn env(&self) -> Env {
        self.bus.env()
    }

    /// A program in this session.
    pub fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        self.bus.command(program)
    }

    /// The daemon's process.
    pub fn daemon(&self) -> &Running {
        self.daemon.as_ref().unwrap()
    }

    /// Starts the daemon: with the login keyring unlocked, or as it starts when D-Bus starts it, with none unlocked.
    pub fn start_daemon(&mut self, password: Option<&str>) {
        let mut command = self.bus.command("gnome-keyring-daemon");
        command
            .args(["--foreground", "--components=secrets"])
            .stdin(Stdio::piped());
        if password.is_some() {
            command.arg("--unlock");
        }
        let mut daemon = Running::start(&mut command);
        let mut stdin = daemon.0.stdin.take().unwrap();
        std::io::Write::write_all(&mut stdin, password.unwrap_or_default().as_bytes()).unwrap();
        drop(stdin);
        self.daemon = Some(daemon);
        until("the keyring is on the bus", || self.bus.has(SECRETS));
        if password.is_some() {
            until("there is a default keyring", || self.default_collection() != "/");
        }
    }

    /// Kills the daemon, as a crash would.
    pub fn kill_daemon(&mut self) {
        self.daemon = None;
        until("the keyring is off the bus", || !self.bus.has(SECRETS));
    }

    /// Locks the login keyring.
    pub fn lock(&self) {
        let collection = OwnedObjectPath::try_from(LOGIN).unwrap();
        self.service("org.freedesktop.Secret.Service", "Lock", &(vec![collection],));
        assert!(self.is_locked());
    }

    /// Unlocks the login keyring without a prompt.
    pub fn unlock(&self) {
        zbus::block_on(async {
            let connection = zbus::connection::Builder::address(self.bus.address().as_str());
            let connection = connection.build().await.unwrap();
            let path = "/org/freedesktop/secrets";
            let session = connection
                .call_method(
                    Some(SECRETS),
                    path,
                    Some("org.freedesktop.Secret.Service"),
                    "OpenSession",
                    &("plain", Variant::from("")),
                )
                .await
                .unwrap();
            let (_, session): (OwnedVariant, OwnedObjectPath) = session.body().deserialize().unwrap();
            let collection = OwnedObjectPath::try_from(LOGIN).unwrap();
            let secret = (session, Vec::<u8>::new(), PASSWORD.as_bytes(), "text/plain");
            connection
                .call_method(
                    Some(SECRETS),
                    path,
                    Some("org.gnome.keyring.InternalUnsupportedGuiltRiddenInterface"),
                    "UnlockWithMasterPassword",
                    &(collection, secret),
                )
                .await
                .unwrap();
        });
        assert!(!self.is_locked());
    }

    fn is_locked(&self) -> bool {
        let parameters = ("org.freedesktop.Secret.Collection", "Locked");
        let properties = "org.freedesktop.DBus.Properties";
        let reply = self.bus.call(SECRETS, LOGIN, properties, "Get", &parameters);
        let (locked,): (OwnedVariant,) = reply.body().deserialize().unwrap();
        bool::try_from(Variant::from(locked)).unwrap()
    }

    fn default_collection(&self) -> String {
        let reply = self.service("org.freedesktop.Secret.Service", "ReadAlias", &("default",));
        let (path,): (OwnedObjectPath,) = reply.body().deserialize().unwrap();
        path.to_string()
    }

    fn service<B: serde::Serialize + DynamicType>(&self, interface: &str, method: &str, body: &B) -> Message {
        self.bus
            .call(SECRETS, "/org/freedesktop/secrets", interface, method, body)
    }
}

/// Files below `folder` that hold `text`.
pub fn files_with(folder: &Path, text: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            found.extend(files_with(&entry.path(), text));
        } else if kind.is_file() {
            let content = std::fs::read(entry.path()).unwrap();
            if content.windows(text.len()).any(|window| window == text.as_bytes()) {
                found.push(entry.path());
            }
        }
    }
    found
}
