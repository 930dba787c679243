//! A peer on TCP that keeps to no rule: it reads the head of a request, and then a trick does as it likes.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tokio_rustls::TlsAcceptor;

/// How often a peer that waits looks whether its test is over.
const TURN: Duration = Duration::from_millis(50);
/// More than any client may take of an answer without end, in octets.
pub const FLOOD: u64 = 100 << 20;

/// What is done with a request, whose head is given.
pub type Trick = Arc<dyn Fn(&str, &mut Peer<'_>) + Send + Sync>;

#[derive(Default)]
struct Shared {
    is_over: AtomicBool,
    /// The most octets that one connection took.
    taken: AtomicU64,
    heads: Mutex<Vec<String>>,
}

/// TCP, or TLS on it.
trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

/// A connection, as its trick sees it.
pub struct Peer<'a> {
    stream: Box<dyn Stream + 'a>,
    shared: &'a Shared,
    sent: u64,
}

/// A running peer.
pub struct RawServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Peer<'_> {
    /// Whether the client took all of it.
    pub fn send(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        let mut rest = bytes.as_ref();
        while !rest.is_empty() {
            match self.stream.write(rest) {
                Ok(0) => return false,
                Ok(length) => {
                    self.sent += length as u64;
                    self.shared.taken.fetch_max(self.sent, Ordering::SeqCst);
                    rest = &rest[length..];
                }
                Err(error) if is_waiting(&error) && !self.is_over() => {}
                Err(_) => return false,
            }
        }
        true
    }

    /// Sends it again and again, until the client has enough or took [`FLOOD`].
    pub fn flood(&mut self, bytes: impl AsRef<[u8]>) {
        let bytes = bytes.as_ref().repeat((1 << 16) / bytes.as_ref().len() + 1);
        while self.sent < FLOOD && self.send(&bytes) {}
    }

    /// Sends it byte by byte, again and again, until the client has enough.
    pub fn drip(&mut self, bytes: impl AsRef<[u8]>) {
        for byte in bytes.as_ref().iter().cycle() {
            if !self.send([*byte]) {
                return;
            }
            std::thread::sleep(TURN);
        }
    }

    /// Says nothing more, until the client has enough.
    pub fn hold(&mut self) {
        let mut rest = [0; 1024];
        loop {
            match self.stream.read(&mut rest) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if is_waiting(&error) && !self.is_over() => {}
                Err(_) => return,
            }
        }
    }

    fn is_over(&self) -> bool {
        self.shared.is_over.load(Ordering::SeqCst)
    }

    /// The head of the next request.
    fn head(&mut self) -> Option<String> {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.extend(self.receive(1)?);
        }
        Some(String::from_utf8_lossy(&head).into_owned())
    }

    /// The next so many bytes.
    pub fn receive(&mut self, count: usize) -> Option<Vec<u8>> {
        let mut bytes = vec![0; count];
        let mut filled = 0;
        while filled < count {
            match self.stream.read(&mut bytes[filled..]) {
                Ok(0) => return None,
                Ok(length) => filled += length,
                Err(error) if is_waiting(&error) && !self.is_over() => {}
                Err(_) => return None,
            }
        }
        Some(bytes)
    }
}

fn is_waiting(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}

impl RawServer {
    /// On 127.0.0.1. A connection is closed after its trick.
    pub fn start(trick: Trick) -> Self {
        Self::listen(None, trick)
    }

    /// The same, behind TLS.
    pub fn start_tls(tls: &TlsAcceptor, trick: Trick) -> Self {
        Self::listen(Some(Arc::clone(tls.config())), trick)
    }

    fn listen(tls: Option<Arc<ServerConfig>>, trick: Trick) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared::default());
        let of_thread = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            std::thread::scope(|scope| {
                for stream in listener.incoming() {
                    if of_thread.is_over.load(Ordering::SeqCst) {
                        return;
                    }
                    let Ok(stream) = stream else { continue };
                    stream.set_read_timeout(Some(TURN)).unwrap();
                    stream.set_write_timeout(Some(TURN)).unwrap();
                    let (shared, trick, tls) = (&of_thread, &trick, tls.clone());
                    scope.spawn(move || {
                        let over: Box<dyn Stream> = match tls {
                            Some(config) => Box::new(StreamOwned::new(ServerConnection::new(config).unwrap(), &stream)),
                            None => Box::new(&stream),
                        };
                        let mut peer = Peer {
                            stream: over,
                            shared,
                            sent: 0,
                        };
                        if let Some(head) = peer.head() {
                            shared.heads.lock().unwrap().push(head.clone());
                            trick(&head, &mut peer);
                        }
                        // What is unread would reset the connection before the answer is read.
                        let _ = stream.shutdown(std::net::Shutdown::Write);
                        peer.hold();
                    });
                }
            });
        });
        Self {
            address,
            shared,
            thread: Some(thread),
        }
    }

    /// `127.0.0.1:PORT`
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// The most octets that one connection took, those in the system's buffers too.
    pub fn taken(&self) -> u64 {
        self.shared.taken.load(Ordering::SeqCst)
    }

    /// The heads of all requests.
    pub fn heads(&self) -> Vec<String> {
        self.shared.heads.lock().unwrap().clone()
    }
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.shared.is_over.store(true, Ordering::SeqCst);
        let _woken = TcpStream::connect(self.address);
        let ended = self.thread.take().unwrap().join();
        assert!(ended.is_ok() || std::thread::panicking());
    }
}
