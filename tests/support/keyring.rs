//! The keychain as a real part: a Secret Service on a D-Bus session bus of its own, in folders of its own.

use std::cell::Cell;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use regcred::sys::env::Env;
use zbus::message::Message;
use zbus::{DynamicType, OwnedObjectPath, OwnedVariant, Variant};

use super::bus::call_at;
pub use super::bus::{PrivateBus, Running};
use super::keepassxc;
pub use super::part::until;

/// The programs that [`Keyring::start`] needs.
pub const PARTS: [&str; 2] = Product::GnomeKeyring.parts();

/// What unlocks the keyring.
pub const PASSWORD: &str = "keyring-password";

const SIGABRT: i32 = 6;
const SECRETS: &str = "org.freedesktop.secrets";
const DEFAULT: &str = "/org/freedesktop/secrets/aliases/default";

/// Which Secret Service it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Product {
    /// gnome-keyring, with its login keyring.
    GnomeKeyring,
    /// `KeePassXC`, with a database whose root group it exposes.
    KeePassXc,
}

impl Product {
    /// The programs that it needs.
    #[must_use]
    pub const fn parts(self) -> [&'static str; 2] {
        match self {
            Self::GnomeKeyring => ["dbus-daemon", "gnome-keyring-daemon"],
            Self::KeePassXc => ["dbus-daemon", "keepassxc"],
        }
    }
}

/// A Secret Service with an unlocked default keyring.
pub struct Keyring {
    // Dropped before its bus.
    daemon: Option<Running>,
    product: Product,
    bus: PrivateBus,
}

impl Keyring {
    /// Starts bus and gnome-keyring, and waits for both.
    pub fn start() -> Self {
        Self::start_product(Product::GnomeKeyring)
    }

    /// Starts bus and service, and waits for both.
    pub fn start_product(product: Product) -> Self {
        let mut keyring = Self {
            daemon: None,
            product,
            bus: PrivateBus::start(),
        };
        if product == Product::KeePassXc {
            keepassxc::set_up(&keyring.bus);
        }
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

    /// Starts the daemon: with its keyring unlocked, or as it starts when D-Bus starts it, with none unlocked.
    pub fn start_daemon(&mut self, password: Option<&str>) {
        let mut command = match self.product {
            Product::GnomeKeyring => {
                let mut command = self.bus.command("gnome-keyring-daemon");
                command.args(["--foreground", "--components=secrets"]);
                command.args(password.map(|_| "--unlock"));
                command
            }
            Product::KeePassXc => keepassxc::command(&self.bus, password.is_some()),
        };
        let mut daemon = Running::start(command.stdin(Stdio::piped()));
        let mut stdin = daemon.0.stdin.take().unwrap();
        std::io::Write::write_all(&mut stdin, password.unwrap_or_default().as_bytes()).unwrap();
        drop(stdin);
        self.daemon = Some(daemon);
        until("the keyring is on the bus", || self.bus.has(SECRETS));
        if password.is_some() {
            until("there is an unlocked default keyring", || {
                self.default_collection().as_str() != "/" && !self.is_locked()
            });
        }
    }

    /// Kills the daemon, as a crash would.
    pub fn kill_daemon(&mut self) {
        self.daemon = None;
        until("the keyring is off the bus", || !self.bus.has(SECRETS));
    }

    /// Ends the daemon, which has kept what it was given.
    pub fn stop_daemon(&mut self) {
        if self.product == Product::KeePassXc {
            keepassxc::lock(&self.bus);
            until("what is locked is saved", || self.is_locked());
        }
        self.kill_daemon();
    }

    /// Takes away all that the daemon keeps: the next one finds a new user.
    pub fn forget(&mut self) {
        self.kill_daemon();
        match self.product {
            Product::GnomeKeyring => std::fs::remove_dir_all(self.bus.folder().join("home/.local")).unwrap(),
            Product::KeePassXc => keepassxc::forget(&self.bus),
        }
    }

    /// Locks the default keyring.
    pub fn lock(&mut self) {
        match self.product {
            Product::GnomeKeyring => self.lock_gnome(),
            Product::KeePassXc => keepassxc::lock(&self.bus),
        }
        until("the keyring is locked", || self.is_locked());
    }

    /// Locks gnome-keyring's default keyring, from another thread and without waiting for it; it may end instead.
    pub fn locker(&self) -> impl FnOnce() + Send + 'static {
        let (address, collections) = (self.bus.address(), (vec![self.default_collection()],));
        let service = "org.freedesktop.Secret.Service";
        move || {
            let path = "/org/freedesktop/secrets";
            let _ended = call_at(&address, SECRETS, path, service, "Lock", &collections);
        }
    }

    /// Whether the daemon has ended by itself, or was killed.
    pub fn has_ended(&mut self) -> bool {
        let daemon = self.daemon.as_mut();
        daemon.is_none_or(|daemon| daemon.0.try_wait().unwrap().is_some())
    }

    /// Starts gnome-keyring anew where it does not live through being locked: 42.1 aborts now and then while clients come
    /// and go. Started without a password it is locked too.
    fn lock_gnome(&mut self) {
        let collections = (vec![self.default_collection()],);
        let (path, service) = ("/org/freedesktop/secrets", "org.freedesktop.Secret.Service");
        let lock = self.bus.try_call(SECRETS, path, service, "Lock", &collections);
        // The first call after it is the one that finds nobody there.
        let alias = lock.and_then(|_| self.bus.try_call(SECRETS, path, service, "ReadAlias", &("default",)));
        if alias.is_err() {
            let daemon = &mut self.daemon.as_mut().unwrap().0;
            until("gnome-keyring has ended", || daemon.try_wait().unwrap().is_some());
            self.kill_daemon();
            self.start_daemon(None);
        }
    }

    /// Unlocks the default keyring without a prompt.
    pub fn unlock(&self) {
        match self.product {
            Product::GnomeKeyring => self.unlock_gnome(),
            Product::KeePassXc => keepassxc::unlock(&self.bus),
        }
        until("the keyring is unlocked", || !self.is_locked());
    }

    fn unlock_gnome(&self) {
        let collection = self.default_collection();
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
    }

    fn is_locked(&self) -> bool {
        let parameters = ("org.freedesktop.Secret.Collection", "Locked");
        let properties = "org.freedesktop.DBus.Properties";
        let reply = self.bus.call(SECRETS, DEFAULT, properties, "Get", &parameters);
        let (locked,): (OwnedVariant,) = reply.body().deserialize().unwrap();
        bool::try_from(Variant::from(locked)).unwrap()
    }

    fn default_collection(&self) -> OwnedObjectPath {
        let reply = self.service("org.freedesktop.Secret.Service", "ReadAlias", &("default",));
        let (path,): (OwnedObjectPath,) = reply.body().deserialize().unwrap();
        path
    }

    fn service<B: serde::Serialize + DynamicType>(&self, interface: &str, method: &str, body: &B) -> Message {
        self.bus
            .call(SECRETS, "/org/freedesktop/secrets", interface, method, body)
    }
}

thread_local! {
    static HAS_ABORTED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a daemon of this thread's test ended by SIGABRT, which gnome-keyring 42.1 does now and then while clients come
/// and go: no program of ours did anything wrong. Asks once for each time.
pub fn has_aborted() -> bool {
    HAS_ABORTED.take()
}

impl Drop for Keyring {
    fn drop(&mut self) {
        let ended = self
            .daemon
            .as_mut()
            .and_then(|daemon| daemon.0.try_wait().ok().flatten());
        if ended.is_some_and(|status| status.signal() == Some(SIGABRT)) {
            HAS_ABORTED.set(true);
        }
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
