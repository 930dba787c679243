//! The session bus: its address, and calls with a time limit.

use std::collections::HashMap;
use std::future::Future;
use std::io;
use std::num::{NonZeroU32, NonZeroUsize};
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixStream;
use std::pin::Pin;
use std::time::Duration;

use futures_util::StreamExt as _;
use nix::sys::socket::{self, AddressFamily, SockFlag, SockType, UnixAddr, sockopt};
use nix::sys::time::TimeVal;
use zbus::address::transport::{Transport, Unix, UnixSocket};
use zbus::message::{Message, Type};
use zbus::{Address, DynamicType, MessageStream};

use crate::keychain::Error;
use crate::keychain::error::printable;
use crate::sys::env::Env;
use crate::sys::{runtime_folder, user};

/// Calls in flight at once. A bus with the default limits refuses more than 128.
const WINDOW: usize = 120;
/// Incoming messages to buffer: the answers to a full window and some signals.
const QUEUE: NonZeroUsize = NonZeroUsize::new(WINDOW + 8).expect("a constant");

/// Signals to keep for later; a prompt sends one. Replies that nobody asked for are dropped beyond a window of them.
const SIGNALS: usize = 32;

/// Prefix of the bus's own error names.
const BUS_ERROR: &str = "org.freedesktop.DBus.Error.";
/// Prefix of the Secret Service's error names.
const SECRET_ERROR: &str = "org.freedesktop.Secret.Error.";

/// The addresses of the session bus, found as the D-Bus reference library does, but without autolaunch, which needs X11
/// and starts a second bus without a keyring. A runtime folder is used only if it is this user's.
pub(super) fn addresses(env: &Env) -> Result<Vec<Address>, Error> {
    if let Some(text) = env.var("DBUS_SESSION_BUS_ADDRESS") {
        let found: Vec<Address> = text
            .split(';')
            .filter_map(|address| address.parse().ok())
            .filter(|address: &Address| matches!(address.transport(), Transport::Unix(_)))
            .collect();
        return if found.is_empty() {
            Err(Error::BusAddress(printable(text)))
        } else {
            Ok(found)
        };
    }
    runtime_folder::usable(env)
        .map(|folder| folder.join("bus"))
        .find(|socket| socket.exists())
        .map(|socket| {
            let unix = Unix::new(UnixSocket::File(socket));
            vec![Transport::Unix(unix).into()]
        })
        .ok_or_else(|| match runtime_folder::not_private(env) {
            Some((path, why)) => Error::ForeignRuntimeFolder { path, why },
            None => Error::NoBus,
        })
}

/// Connects to a bus only if this user owns it: another user's bus must not receive a token.
///
/// If zbus connected itself, it would not give us the peer's user id.
fn connect(address: &Address, limit: Duration) -> Result<UnixStream, Error> {
    let shown = || printable(&address.to_string());
    let failed = |cause: io::Error| Error::BusUnreachable {
        address: shown(),
        cause: cause.to_string(),
    };
    let (stream, owner) = connect_to(address, limit).map_err(failed)?;
    if user::id() != Some(owner) {
        return Err(Error::ForeignBus {
            address: shown(),
            owner,
        });
    }
    Ok(stream)
}

/// The connection, and the id of the user whose process listens there (`SO_PEERCRED`, unix(7)).
fn connect_to(address: &Address, limit: Duration) -> io::Result<(UnixStream, u32)> {
    let Transport::Unix(unix) = address.transport() else {
        return Err(io::ErrorKind::Unsupported.into());
    };
    let to = match unix.path() {
        UnixSocket::File(path) => UnixAddr::new(path.as_path())?,
        UnixSocket::Abstract(name) => UnixAddr::new_abstract(name.as_bytes())?,
        // Addresses for servers to listen on.
        _ => return Err(io::ErrorKind::Unsupported.into()),
    };
    let socket = socket::socket(AddressFamily::Unix, SockType::Stream, SockFlag::SOCK_CLOEXEC, None)?;
    // Connecting blocks while the bus's queue is full; limit that like any other answer.
    let limit = TimeVal::new(
        limit.as_secs().try_into().unwrap_or(i64::MAX),
        limit.subsec_micros().into(),
    );
    socket::setsockopt(&socket, sockopt::SendTimeout, &limit)?;
    socket::connect(socket.as_raw_fd(), &to)?;
    let owner = socket::getsockopt(&socket, sockopt::PeerCredentials)?.uid();
    let stream = UnixStream::from(socket);
    stream.set_write_timeout(None)?;
    Ok((stream, owner))
}

/// An error reply from a service, or from the bus on its behalf.
#[derive(Debug)]
pub(super) struct Refusal {
    name: String,
    text: String,
}

impl Refusal {
    fn of(message: &Message) -> Self {
        let header = message.header();
        Self {
            name: header.error_name().map_or_else(String::new, ToString::to_string),
            text: message
                .body()
                .deserialize::<&str>()
                .map_or_else(|_| String::new(), printable),
        }
    }

    fn bus_error(&self) -> Option<&str> {
        self.name.strip_prefix(BUS_ERROR)
    }

    /// The object of the call does not exist, or no longer. gnome-keyring reports it as "unknown method".
    pub(super) fn is_gone(&self) -> bool {
        self.name.strip_prefix(SECRET_ERROR) == Some("NoSuchObject")
            || matches!(
                self.bus_error(),
                Some("UnknownObject" | "UnknownMethod" | "UnknownInterface")
            )
    }

    pub(super) fn is_locked(&self) -> bool {
        self.name.strip_prefix(SECRET_ERROR) == Some("IsLocked")
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        if refusal.is_locked() {
            return Self::Locked;
        }
        match refusal.bus_error() {
            Some("ServiceUnknown" | "NameHasNoOwner") => Self::NoService,
            // The bus could not start a service that it has a service file for.
            Some(name) if name.starts_with("Spawn.") => Self::NoService,
            Some("NoReply" | "Disconnected") => Self::Died,
            Some("AccessDenied") => Self::Denied(refusal.text),
            _ => Self::Refused(printable(&format!("{} ({})", refusal.text, refusal.name))),
        }
    }
}

/// The reply to a call.
pub(super) type Reply = Result<Message, Refusal>;

pub(super) struct Bus {
    connection: zbus::Connection,
    /// All incoming messages, in order.
    incoming: MessageStream,
    /// Signals that arrived while waiting for replies.
    signals: Vec<Message>,
    /// Replies that nobody has taken yet, by the serial number of the call.
    answers: HashMap<NonZeroU32, Reply>,
    /// Time limit of one exchange.
    limit: Duration,
}

impl Bus {
    /// Connects to the first of `addresses` that answers.
    pub(super) async fn connect(addresses: &[Address], limit: Duration) -> Result<Self, Error> {
        let mut failure = Error::NoBus;
        for address in addresses {
            let stream = match connect(address, limit) {
                Ok(stream) => stream,
                Err(error) => {
                    failure = error;
                    continue;
                }
            };
            let building = zbus::connection::Builder::unix_stream(stream).max_queued(QUEUE).build();
            // The handshake ends with the bus's answer to `Hello`, so a program that is not a bus fails here.
            failure = match within(limit, building).await? {
                Ok(connection) => {
                    let incoming = MessageStream::from(&connection);
                    return Ok(Self {
                        connection,
                        incoming,
                        signals: Vec::new(),
                        answers: HashMap::new(),
                        limit,
                    });
                }
                Err(error) => Error::BusUnreachable {
                    address: printable(&address.to_string()),
                    cause: match error {
                        zbus::Error::Connection(cause, _) | zbus::Error::InputOutput(cause) => cause.to_string(),
                        other => printable(&other.to_string()),
                    },
                },
            };
        }
        Err(failure)
    }

    /// An identifier for the sender of `message` that is unique across programs and buses.
    pub(super) fn sender(&self, message: &Message) -> String {
        let header = message.header();
        let name = header.sender().map_or("", |name| name.as_str());
        format!("{} {name}", self.connection.server_guid())
    }

    /// Sends `calls` in as few writes as possible and waits for all answers, which are returned in the order of the
    /// calls.
    ///
    /// Every answer has to be awaited: gnome-keyring has aborted on `OpenSession` calls whose sender was gone.
    pub(super) async fn exchange(&mut self, calls: &[Message]) -> Result<Vec<Reply>, Error> {
        let limit = self.limit;
        let mut replies = Vec::with_capacity(calls.len());
        for calls in calls.chunks(WINDOW) {
            let exchange = async {
                self.send(calls).await?;
                for call in calls {
                    replies.push(self.reply(call).await?);
                }
                Ok::<(), Error>(())
            };
            within(limit, exchange).await??;
        }
        Ok(replies)
    }

    /// [`Bus::exchange`] without waiting for the answer to the first call, which may take longer.
    pub(super) async fn exchange_except_first(&mut self, calls: &[Message]) -> Result<Vec<Reply>, Error> {
        let limit = self.limit;
        let exchange = async {
            self.send(calls).await?;
            let mut replies = Vec::with_capacity(calls.len());
            for call in &calls[1..] {
                replies.push(self.reply(call).await?);
            }
            Ok(replies)
        };
        within(limit, exchange).await?
    }

    /// The answer to the first call of [`Bus::exchange_except_first`], if it has arrived.
    pub(super) fn take_answer(&mut self, call: &Message) -> Option<Reply> {
        self.answers.remove(&serial(call))
    }

    /// Waits up to `limit` for the answer to the first call of [`Bus::exchange_except_first`].
    pub(super) async fn wait_for(&mut self, call: &Message, limit: Duration) -> Result<Reply, Error> {
        within(limit, self.reply(call)).await?
    }

    async fn send(&self, calls: &[Message]) -> Result<(), Error> {
        self.connection.send_all(calls).await.map_err(|_| Error::Died)
    }

    /// The answer to a call that was sent.
    async fn reply(&mut self, call: &Message) -> Result<Reply, Error> {
        loop {
            if let Some(answer) = self.take_answer(call) {
                return Ok(answer);
            }
            let message = self.next().await?;
            let answered = message.header().reply_serial();
            match (message.message_type(), answered) {
                // A program on the bus can send as many as it likes.
                (Type::Signal, _) if self.signals.len() >= SIGNALS => {}
                (Type::Signal, _) => self.signals.push(message),
                (_, Some(_)) if self.answers.len() > WINDOW => {}
                (Type::Error, Some(serial)) => {
                    self.answers.insert(serial, Err(Refusal::of(&message)));
                }
                (Type::MethodReturn, Some(serial)) => {
                    self.answers.insert(serial, Ok(message));
                }
                _ => {}
            }
        }
    }

    pub(super) async fn call(&mut self, call: Message) -> Result<Reply, Error> {
        let mut replies = self.exchange(&[call]).await?;
        replies.pop().ok_or(Error::Died)
    }

    /// The next signal that `wanted` accepts, among those received and those that arrive within `limit`, if any.
    pub(super) async fn signal(
        &mut self,
        limit: Duration,
        wanted: impl Fn(&Message) -> bool,
    ) -> Result<Option<Message>, Error> {
        if let Some(at) = self.signals.iter().position(&wanted) {
            return Ok(Some(self.signals.swap_remove(at)));
        }
        let waiting = async {
            loop {
                let message = self.next().await?;
                if message.message_type() == Type::Signal && wanted(&message) {
                    return Ok(message);
                }
            }
        };
        match within(limit, waiting).await {
            Ok(message) => message.map(Some),
            Err(Error::NoAnswer(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn next(&mut self) -> Result<Message, Error> {
        match self.incoming.next().await {
            Some(Ok(message)) => Ok(message),
            // The bus closed the connection or sent an invalid message.
            Some(Err(_)) | None => Err(Error::Died),
        }
    }
}

fn serial(call: &Message) -> NonZeroU32 {
    call.primary_header().serial_num()
}

/// A call of `method` of `interface`. It fails only if a constant is wrong, such as an invalid path.
pub(super) fn call<B: serde::Serialize + DynamicType>(
    destination: &str,
    path: &str,
    interface: &str,
    method: &str,
    body: &B,
) -> Result<Message, Error> {
    Message::method_call(path, method)
        .destination(destination)
        .interface(interface)
        .build(body)
        .map_err(|error| Error::Protocol(printable(&error.to_string())))
}

/// Waits for `work`, at most for `limit`. The future is boxed because connecting alone takes many kilobytes.
async fn within<F: Future>(limit: Duration, work: F) -> Result<F::Output, Error> {
    let work: Pin<Box<F>> = Box::pin(work);
    let runtime = zruntime::SharedRuntime::current().map_err(|error| Error::Platform(error.to_string()))?;
    runtime.timeout(limit, work).await.map_err(|_| Error::NoAnswer(limit))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sys::private;

    fn found(value: &str) -> Result<Vec<String>, String> {
        addresses(&Env::from_iter([("DBUS_SESSION_BUS_ADDRESS", value)]))
            .map(|found| found.iter().map(ToString::to_string).collect())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn only_unix_sockets_are_used() {
        assert_eq!(
            found("unix:path=/run/user/1000/bus").unwrap(),
            ["unix:path=/run/user/1000/bus"]
        );
        assert_eq!(
            found("tcp:host=localhost,port=1;unix:path=/a;unix:abstract=b,guid=00112233445566778899aabbccddeeff")
                .unwrap(),
            ["unix:path=/a", "unix:abstract=b,guid=00112233445566778899aabbccddeeff"]
        );
        for value in ["tcp:host=localhost,port=1", "autolaunch:", "disabled:", "nonsense"] {
            assert!(found(value).unwrap_err().contains(value), "{value}");
        }
    }

    #[test]
    fn a_bus_is_found_in_the_runtime_folder() {
        let folder = private::test_folder();
        let env = Env::from_iter([("XDG_RUNTIME_DIR", folder.path())]);
        std::fs::write(folder.path().join("bus"), "").unwrap();
        let socket = folder.path().join("bus");
        assert_eq!(
            addresses(&env).unwrap()[0].to_string(),
            format!("unix:path={}", socket.display())
        );
    }
}
