//! A small HTTP server on loopback, which can misbehave in every way that servers and what stands before them do.
//!
//! It runs on a thread of its own, so that synchronous callers can use it, and stops when it is dropped.

use std::future::pending;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::future::{BoxFuture, select};
use http::header::AUTHORIZATION;
use http::{HeaderMap, Method, Response};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

/// A request, as a handler gets it.
#[derive(Clone, Debug)]
pub struct Request {
    pub method: Method,
    /// As it was sent, nothing decoded.
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

/// Who a request says it comes from.
#[derive(Clone, PartialEq, Eq)]
pub enum Shown {
    Nothing,
    Basic {
        user: String,
        password: String,
    },
    Bearer(String),
    /// Gitea's own `Authorization: token`.
    Token(String),
    Other,
}

/// What a server answers.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    pub manner: Manner,
}

/// How it answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    Properly,
    /// Never.
    Hang,
    /// Not at all: the connection is closed.
    HangUp,
    /// The head and half of the body, and then nothing more.
    HangInBody,
    /// The head and half of the body, and then the connection is closed.
    Cut,
    /// A body without an end.
    Endless,
}

/// A request as it is remembered: never with the secret in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub method: String,
    pub path: String,
    /// `none`, `basic`, `bearer`, `token` or `other`.
    pub auth: &'static str,
}

/// Answers requests.
pub type Handler = Arc<dyn Fn(Request) -> BoxFuture<'static, Answer> + Send + Sync>;

type Memory = Arc<Mutex<Vec<(Seen, Vec<u8>)>>>;

/// A running server.
pub struct Server {
    address: SocketAddr,
    memory: Memory,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Clone)]
enum Kind {
    Http(Handler, Option<TlsAcceptor>),
    Raw(Bytes),
    Tunnel(SocketAddr),
}

impl Request {
    #[must_use]
    pub fn shown(&self) -> Shown {
        let Some(value) = self.headers.get(AUTHORIZATION) else {
            return Shown::Nothing;
        };
        let value = value.to_str().unwrap_or_default();
        let (scheme, rest) = value.split_once(' ').unwrap_or((value, ""));
        match scheme.to_ascii_lowercase().as_str() {
            "bearer" => Shown::Bearer(rest.to_owned()),
            "token" => Shown::Token(rest.to_owned()),
            "basic" => {
                let pair = STANDARD.decode(rest).unwrap_or_default();
                let pair = String::from_utf8_lossy(&pair).into_owned();
                match pair.split_once(':') {
                    Some((user, password)) => Shown::Basic {
                        user: user.to_owned(),
                        password: password.to_owned(),
                    },
                    None => Shown::Other,
                }
            }
            _ => Shown::Other,
        }
    }

    /// One parameter of the query. Enough for what the tests send: nothing but `%XX` of ASCII is decoded.
    #[must_use]
    pub fn parameter(&self, name: &str) -> Option<String> {
        let pairs = self.query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .into_iter()
            .find(|(key, _)| *key == name)
            .map(|(_, value)| decoded(value))
    }

    fn seen(&self) -> Seen {
        Seen {
            method: self.method.to_string(),
            path: self.path.clone(),
            auth: match self.shown() {
                Shown::Nothing => "none",
                Shown::Basic { .. } => "basic",
                Shown::Bearer(_) => "bearer",
                Shown::Token(_) => "token",
                Shown::Other => "other",
            },
        }
    }

    fn raw(&self) -> Vec<u8> {
        let mut raw = format!("{} {}?{}\n", self.method, self.path, self.query).into_bytes();
        for (name, value) in &self.headers {
            raw.extend_from_slice(name.as_str().as_bytes());
            raw.extend_from_slice(b": ");
            raw.extend_from_slice(value.as_bytes());
            raw.push(b'\n');
        }
        raw.extend_from_slice(&self.body);
        raw
    }
}

/// `%XX` undone.
#[must_use]
pub fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex
            .filter(|_| first == b'%')
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

impl Answer {
    #[must_use]
    pub fn new(status: u16, kind: &str, body: impl Into<Bytes>) -> Self {
        let kind = (!kind.is_empty()).then(|| ("content-type".to_owned(), kind.to_owned()));
        Self {
            status,
            headers: kind.into_iter().collect(),
            body: body.into(),
            manner: Manner::Properly,
        }
    }

    #[must_use]
    pub fn empty(status: u16) -> Self {
        Self::new(status, "", "")
    }

    #[must_use]
    pub fn json(status: u16, body: &serde_json::Value) -> Self {
        Self::new(status, "application/json;charset=utf-8", format!("{body}\n"))
    }

    /// As Go's `http.Error` writes it.
    #[must_use]
    pub fn text(status: u16, body: &str) -> Self {
        Self::new(status, "text/plain; charset=utf-8", format!("{body}\n")).with("x-content-type-options", "nosniff")
    }

    #[must_use]
    pub fn html(status: u16, body: &str) -> Self {
        Self::new(status, "text/html; charset=utf-8", body.to_owned())
    }

    /// None: the connection is closed.
    #[must_use]
    pub fn none() -> Self {
        Self::empty(502).in_manner(Manner::HangUp)
    }

    #[must_use]
    pub fn redirect(to: &str) -> Self {
        Self::empty(307).with("location", to)
    }

    #[must_use]
    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    #[must_use]
    pub fn in_manner(mut self, manner: Manner) -> Self {
        self.manner = manner;
        self
    }
}

impl Server {
    /// Plain http on 127.0.0.1.
    pub fn start(handler: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::serve(at_once(handler), None)
    }

    /// https on 127.0.0.1.
    pub fn start_tls(tls: TlsAcceptor, handler: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::serve(at_once(handler), Some(tls))
    }

    /// Any handler, with or without TLS.
    #[must_use]
    pub fn serve(handler: Handler, tls: Option<TlsAcceptor>) -> Self {
        Self::run(IpAddr::V4(Ipv4Addr::LOCALHOST), Kind::Http(handler, tls))
    }

    /// Plain http on another loopback address.
    pub fn start_on(ip: IpAddr, handler: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Self {
        Self::run(ip, Kind::Http(at_once(handler), None))
    }

    /// Something that answers whatever it gets with `bytes` and hangs up.
    #[must_use]
    pub fn raw(bytes: &'static [u8]) -> Self {
        Self::run(IpAddr::V4(Ipv4Addr::LOCALHOST), Kind::Raw(Bytes::from_static(bytes)))
    }

    /// An HTTP proxy whose every tunnel ends at `target`, whatever name was asked for.
    #[must_use]
    pub fn tunnel(target: SocketAddr) -> Self {
        Self::run(IpAddr::V4(Ipv4Addr::LOCALHOST), Kind::Tunnel(target))
    }

    fn run(ip: IpAddr, kind: Kind) -> Self {
        let listener = std::net::TcpListener::bind((ip, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let memory = Memory::default();
        let (stop, stopped) = oneshot::channel();
        let remembered = memory.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                select(std::pin::pin!(accept(listener, kind, remembered)), stopped).await;
            });
        });
        Self {
            address,
            memory,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `host:port`, as a registry is named.
    #[must_use]
    pub fn registry(&self) -> String {
        self.address.to_string()
    }

    /// Every request so far.
    #[must_use]
    pub fn seen(&self) -> Vec<Seen> {
        let memory = self.memory.lock().unwrap();
        memory.iter().map(|(seen, _)| seen.clone()).collect()
    }

    /// How many requests came with something that says who asks.
    #[must_use]
    pub fn with_credential(&self) -> usize {
        self.seen().iter().filter(|seen| seen.auth != "none").count()
    }

    /// Whether a secret arrived in any request, as it is or in base64 after `user:`.
    #[must_use]
    pub fn received(&self, secret: &str) -> bool {
        let memory = self.memory.lock().unwrap();
        memory.iter().any(|(_, raw)| {
            let text = String::from_utf8_lossy(raw);
            let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || "+/=".contains(c)));
            let hidden = |word: &str| {
                let plain = STANDARD.decode(word).unwrap_or_default();
                String::from_utf8_lossy(&plain).contains(secret)
            };
            text.contains(secret) || words.into_iter().any(hidden)
        })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn at_once(handler: impl Fn(&Request) -> Answer + Send + Sync + 'static) -> Handler {
    Arc::new(move |request| {
        let answer = handler(&request);
        Box::pin(async move { answer })
    })
}

async fn accept(listener: TcpListener, kind: Kind, memory: Memory) {
    while let Ok((stream, _)) = listener.accept().await {
        let (kind, memory) = (kind.clone(), memory.clone());
        tokio::spawn(async move {
            match kind {
                Kind::Http(handler, None) => converse(stream, handler, memory).await,
                Kind::Http(handler, Some(tls)) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        converse(stream, handler, memory).await;
                    }
                }
                Kind::Raw(bytes) => blurt(stream, &bytes, &memory).await,
                Kind::Tunnel(target) => tunnel(stream, target, &memory).await,
            }
        });
    }
}

async fn converse(stream: impl AsyncRead + AsyncWrite + Unpin, handler: Handler, memory: Memory) {
    let service = service_fn(move |request| {
        let (handler, memory) = (handler.clone(), memory.clone());
        async move { respond(request, &handler, &memory).await }
    });
    let _ = hyper::server::conn::http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

type Body = UnsyncBoxBody<Bytes, std::io::Error>;

async fn respond(
    request: http::Request<Incoming>,
    handler: &Handler,
    memory: &Memory,
) -> Result<Response<Body>, std::io::Error> {
    let (head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map(http_body_util::Collected::to_bytes)
        .unwrap_or_default();
    let request = Request {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: head.uri.query().unwrap_or_default().to_owned(),
        headers: head.headers,
        body,
    };
    memory.lock().unwrap().push((request.seen(), request.raw()));
    let answer = handler(request).await;
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    let half = answer.body.slice(..answer.body.len() / 2);
    let body: Body = match answer.manner {
        Manner::Hang => pending().await,
        Manner::HangUp => return Err(std::io::ErrorKind::ConnectionAborted.into()),
        Manner::Properly => Full::new(answer.body).map_err(|never| match never {}).boxed_unsync(),
        Manner::HangInBody => {
            response = response.header("content-length", answer.body.len());
            then(half, pending())
        }
        Manner::Cut => {
            response = response.header("content-length", answer.body.len());
            then(half, async { Some(Err(std::io::Error::other("cut"))) })
        }
        Manner::Endless => {
            let chunk = Bytes::from(vec![b' '; 1 << 16]);
            StreamBody::new(futures_util::stream::repeat_with(move || {
                Ok(Frame::data(chunk.clone()))
            }))
            .boxed_unsync()
        }
    };
    Ok(response.body(body).unwrap())
}

fn then(
    first: Bytes,
    rest: impl Future<Output = Option<Result<Frame<Bytes>, std::io::Error>>> + Send + 'static,
) -> Body {
    let first = futures_util::stream::once(async { Ok(Frame::data(first)) });
    let rest = futures_util::stream::once(async {
        // The first half is to be on its way before the rest is decided.
        tokio::task::yield_now().await;
        rest.await
    });
    let rest = futures_util::StreamExt::filter_map(rest, |item| async { item });
    StreamBody::new(futures_util::StreamExt::chain(first, rest)).boxed_unsync()
}

async fn blurt(mut stream: TcpStream, bytes: &[u8], memory: &Memory) {
    let mut received = vec![0; 4096];
    let length = stream.read(&mut received).await.unwrap_or(0);
    received.truncate(length);
    remember(memory, "RAW", "", received);
    let _ = stream.write_all(bytes).await;
    let _ = stream.shutdown().await;
    // Closing with unread data would reset the connection before the bytes are read.
    let mut rest = [0; 4096];
    let drain = async { while stream.read(&mut rest).await.is_ok_and(|length| length > 0) {} };
    let _ = tokio::time::timeout(Duration::from_secs(5), drain).await;
}

async fn tunnel(mut stream: TcpStream, target: SocketAddr, memory: &Memory) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let text = String::from_utf8_lossy(&head).into_owned();
    let asked = text.split(' ').nth(1).unwrap_or_default().to_owned();
    remember(memory, "CONNECT", &asked, head);
    let Ok(mut target) = TcpStream::connect(target).await else {
        return;
    };
    if stream
        .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
        .await
        .is_ok()
    {
        let _ = copy_bidirectional(&mut stream, &mut target).await;
    }
}

fn remember(memory: &Memory, method: &str, path: &str, raw: Vec<u8>) {
    let shown = String::from_utf8_lossy(&raw)
        .to_ascii_lowercase()
        .contains("\r\nauthorization:");
    let seen = Seen {
        method: method.to_owned(),
        path: path.to_owned(),
        auth: if shown { "other" } else { "none" },
    };
    memory.lock().unwrap().push((seen, raw));
}
