//! A private D-Bus session bus, and processes that do not outlive their test.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use regcred::sys::env::Env;
use tempfile::TempDir;
use zbus::DynamicType;
use zbus::message::Message;

use super::background::Process;
use super::part::until;

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
        self.process().signal(name);
    }

    pub fn process(&self) -> Process {
        Process(self.0.id())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A call on the bus at this address.
pub fn call_at<B>(
    address: &str,
    service: &str,
    path: &str,
    interface: &str,
    method: &str,
    body: &B,
) -> zbus::Result<Message>
where
    B: serde::Serialize + DynamicType,
{
    zbus::block_on(async {
        let connection = zbus::connection::Builder::address(address).build().await?;
        connection
            .call_method(Some(service), path, Some(interface), method, body)
            .await
    })
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
        self.try_call(service, path, interface, method, body).unwrap()
    }

    /// The same, where the service may answer with an error or end before it answers.
    pub fn try_call<B>(
        &self,
        service: &str,
        path: &str,
        interface: &str,
        method: &str,
        body: &B,
    ) -> zbus::Result<Message>
    where
        B: serde::Serialize + DynamicType,
    {
        call_at(&self.address(), service, path, interface, method, body)
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
