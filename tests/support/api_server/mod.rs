//! A double of the Kubernetes API server on loopback: namespaces and Secrets, over plain http or TLS.
//!
//! It does what the real one does with a Secret: server-side apply with field managers and conflicts, the resource
//! version as a precondition, immutable types and immutable Secrets, dry runs, and the same `Status` bodies. It
//! records what it is asked, and misbehaves when told to.

mod fields;
mod objects;
mod secrets;
mod status;

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::convert::Infallible;
use std::io::Read;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures_util::future::{Either, select};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;

use super::gate::Gate;
use super::tls::Authority;
use objects::CustomKind;
use secrets::Store;
use status::Answer;

/// The token of a user who may do everything.
pub const ADMIN_TOKEN: &str = "double-admin-token";
/// The token of `plain`, who may do nothing.
pub const PLAIN_TOKEN: &str = "double-plain-token";

/// A running double. It stops when this is dropped.
pub struct ApiServer {
    address: SocketAddr,
    /// Of who signed its certificate, where it speaks TLS.
    authority: Option<String>,
    state: Arc<Mutex<State>>,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// A request as it came in.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// `GET`, `PATCH` …
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query, decoded.
    pub query: BTreeMap<String, String>,
    /// The headers, by lower-case name.
    pub headers: BTreeMap<String, Vec<String>>,
    /// The HTTP status of the answer; 0 where there was none.
    pub status: u16,
    pub version: Version,
    /// The number of the connection that it came on.
    pub connection: usize,
}

/// How a webhook or a gateway quotes what it refuses: the request, and the Secrets of its namespace.
#[derive(Clone, Copy, Debug)]
pub enum Quotation {
    /// As it is.
    Whole,
    /// In base64.
    Base64,
    /// The documents in it, decoded.
    Document,
    /// As a text within a text.
    Escaped,
    /// Its first bytes.
    Cut(usize),
    /// As it is, in an answer that is no `Status`.
    ByGateway,
}

/// What the server does instead of its work.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// An answer with this HTTP status and, for 429 and 503, `Retry-After` with these seconds.
    Status(u16, Option<u32>),
    /// An answer with this HTTP status, content type and body, as something gives it that is no API server.
    Foreign(u16, &'static str, &'static str),
    /// A refusal with this HTTP status that quotes what is refused.
    Quote(u16, Quotation),
    /// No answer at all, with the connection open.
    Hang,
    /// The connection is closed without an answer.
    Cut,
    /// The request is not looked at, and HTTP/2 says so.
    Refuse,
    /// The request is served, and its answer is lost: the connection is closed, or a gateway answers with this HTTP status.
    Lose(Option<u16>),
}

/// What stands in the place of an answer: as it comes from a proxy, or from a server that is broken.
#[derive(Clone, Debug)]
pub enum Odd {
    /// HTTP status, content type, body.
    Answer(u16, &'static str, String),
    /// None at all, with the connection open.
    Silence,
    /// So many spaces, compressed to a thousandth.
    Expanding(usize),
}

/// What is answered to a list of all Secrets with this query; `None` for the truth.
type Lists = Box<dyn Fn(&BTreeMap<String, String>) -> Option<Odd> + Send>;

/// Somebody else's doing, right before the server looks at a write.
type Intruder = Box<dyn FnOnce(&mut Store) + Send>;

#[derive(Default)]
struct State {
    store: Store,
    recorded: Vec<Recorded>,
    faults: VecDeque<(Option<Fault>, u32)>,
    /// What happens to every request about a namespace, until it is lifted.
    faults_in: BTreeMap<String, Fault>,
    /// What happens to every write, until it is lifted.
    fault_of_writes: Option<Fault>,
    /// What happens to every watch, until it is lifted.
    fault_of_watches: Option<Fault>,
    /// What happens to every list of a kind, until it is lifted.
    faults_of: BTreeMap<String, Fault>,
    intruders: VecDeque<Intruder>,
    lists: Option<Lists>,
    /// Verb and namespace that the admin may not do all the same.
    forbidden: BTreeSet<(String, String)>,
    gate: Gate,
    /// After so many requests a connection takes no more.
    requests_of_connection: Option<usize>,
}

impl ApiServer {
    /// Starts one on a free port, on a thread of its own.
    #[must_use]
    pub fn start() -> Self {
        Self::listen(None, None)
    }

    /// One that speaks these protocols over TLS: `h2`, `http/1.1`.
    #[must_use]
    pub fn start_tls(protocols: &[&str]) -> Self {
        let authority = Authority::new();
        let acceptor = authority.server_of(&["127.0.0.1"], protocols);
        Self::listen(Some(authority.pem().to_owned()), Some(acceptor))
    }

    fn listen(authority: Option<String>, acceptor: Option<TlsAcceptor>) -> Self {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        lock(&state).store.create_namespace("default");
        let (stop, stopped) = tokio::sync::oneshot::channel();
        let shared = Arc::clone(&state);
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                let accepting = std::pin::pin!(accept(listener, acceptor, shared));
                select(accepting, stopped).await;
            });
        });
        Self {
            address,
            authority,
            state,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        let scheme = if self.authority.is_some() { "https" } else { "http" };
        format!("{scheme}://{}", self.address)
    }

    /// A kubeconfig for the user who may do everything, with the context `double`.
    #[must_use]
    pub fn kubeconfig(&self) -> String {
        self.kubeconfig_for(&format!("{{token: {ADMIN_TOKEN}}}"))
    }

    /// A kubeconfig with this user, a line of YAML.
    #[must_use]
    pub fn kubeconfig_for(&self, user: &str) -> String {
        let authority = self.authority.as_ref().map_or_else(String::new, |pem| {
            format!(", certificate-authority-data: {}", STANDARD.encode(pem))
        });
        format!(
            "apiVersion: v1
kind: Config
clusters:
- {{name: double, cluster: {{server: '{}'{authority}}}}}
contexts:
- {{name: double, context: {{cluster: double, user: user, namespace: ''}}}}
current-context: double
users:
- name: user
  user: {user}
",
            self.url()
        )
    }

    /// Makes a namespace.
    pub fn create_namespace(&self, name: &str) {
        lock(&self.state).store.create_namespace(name);
    }

    /// Puts a label on a namespace.
    pub fn label_namespace(&self, name: &str, key: &str, value: &str) {
        lock(&self.state).store.label_namespace(name, key, value);
    }

    /// Starts the deletion of a namespace, which then takes nothing new.
    pub fn terminate_namespace(&self, name: &str) {
        lock(&self.state).store.terminate_namespace(name);
    }

    /// Puts a Secret there exactly as given, with a new uid and resource version.
    pub fn put_secret(&self, namespace: &str, secret: &Value) {
        lock(&self.state).store.put(namespace, secret);
    }

    /// Changes a Secret as a client without server-side apply would.
    pub fn update_secret(&self, namespace: &str, name: &str, manager: &str, change: impl FnOnce(&mut Value)) {
        lock(&self.state).store.update(namespace, name, manager, change);
    }

    /// The Secret as it is stored.
    #[must_use]
    pub fn secret(&self, namespace: &str, name: &str) -> Option<Value> {
        lock(&self.state).store.get(namespace, name).cloned()
    }

    /// Puts an object of another kind there, with a new uid and resource version.
    pub fn put_object(&self, resource: &str, namespace: &str, object: &Value) {
        lock(&self.state).store.put_object(resource, namespace, object);
    }

    /// An object of another kind as it is stored.
    #[must_use]
    pub fn object(&self, resource: &str, namespace: &str, name: &str) -> Option<Value> {
        lock(&self.state).store.object(resource, namespace, name).cloned()
    }

    /// Serves a kind of custom resource.
    pub fn define(&self, group: &str, version: &str, plural: &str, kind: &str) {
        let kind = CustomKind {
            group: group.to_owned(),
            version: version.to_owned(),
            plural: plural.to_owned(),
            kind: kind.to_owned(),
        };
        lock(&self.state).store.kinds.push(kind);
    }

    /// Takes an object away.
    pub fn remove_object(&self, resource: &str, namespace: &str, name: &str) {
        let mut state = lock(&self.state);
        if resource == "secrets" {
            state.store.remove(namespace, name);
        } else {
            state.store.remove_object(resource, namespace, name);
        }
    }

    /// What was asked so far.
    #[must_use]
    pub fn recorded(&self) -> Vec<Recorded> {
        lock(&self.state).recorded.clone()
    }

    /// Does this instead of its work, for so many requests.
    pub fn fail(&self, fault: Fault, times: u32) {
        self.fail_after(0, fault, times);
    }

    /// The same, after so many requests that are served well.
    pub fn fail_after(&self, well: u32, fault: Fault, times: u32) {
        let steps = [(None, well), (Some(fault), times)];
        lock(&self.state)
            .faults
            .extend(steps.into_iter().filter(|(_, times)| *times > 0));
    }

    /// Does this instead of its work for every request about the objects of a namespace.
    pub fn fail_in(&self, namespace: &str, fault: Fault) {
        lock(&self.state).faults_in.insert(namespace.to_owned(), fault);
    }

    /// Answers lists of the Secrets of all namespaces like this.
    pub fn answer_lists(&self, lists: impl Fn(&BTreeMap<String, String>) -> Option<Odd> + Send + 'static) {
        lock(&self.state).lists = Some(Box::new(lists));
    }

    /// Does this instead of its work for every write.
    pub fn fail_writes(&self, fault: Fault) {
        lock(&self.state).fault_of_writes = Some(fault);
    }

    /// Does this instead of its work for every watch.
    pub fn fail_watches(&self, fault: Fault) {
        lock(&self.state).fault_of_watches = Some(fault);
    }

    /// Does this instead of its work for every list of these objects.
    pub fn fail_lists_of(&self, resource: &str, fault: Fault) {
        lock(&self.state).faults_of.insert(resource.to_owned(), fault);
    }

    /// Is well again, in every namespace.
    pub fn recover(&self) {
        let mut state = lock(&self.state);
        state.faults_in.clear();
        state.lists = None;
        state.faults_of.clear();
        state.fault_of_writes = None;
        state.fault_of_watches = None;
        state.faults.clear();
    }

    /// Lets somebody else in right before the next write; several queue up, one a write.
    pub fn before_next_write(&self, intruder: impl FnOnce(&mut Store) + Send + 'static) {
        lock(&self.state).intruders.push_back(Box::new(intruder));
    }

    /// Every write crosses this gate.
    pub fn set_gate(&self, gate: &Gate) {
        lock(&self.state).gate = gate.clone();
    }

    /// Takes [`ApiServer::forbid`] back.
    pub fn allow(&self, verb: &str, namespace: &str) {
        lock(&self.state)
            .forbidden
            .remove(&(verb.to_owned(), namespace.to_owned()));
    }

    /// Ends each connection after so many requests, as `kube-apiserver --goaway-chance` does: what has begun is answered.
    pub fn end_connections_after(&self, requests: usize) {
        lock(&self.state).requests_of_connection = Some(requests);
    }

    /// Forbids a verb in a namespace, or with a resource after it (`list secrets`) only that, even to the user who may do
    /// everything. In the namespace without a name, what is asked of all at once.
    pub fn forbid(&self, verb: &str, namespace: &str) {
        lock(&self.state)
            .forbidden
            .insert((verb.to_owned(), namespace.to_owned()));
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

async fn accept(listener: tokio::net::TcpListener, acceptor: Option<TlsAcceptor>, state: Arc<Mutex<State>>) {
    let mut number = 0;
    while let Ok((stream, _)) = listener.accept().await {
        number += 1;
        let (state, acceptor) = (Arc::clone(&state), acceptor.clone());
        tokio::spawn(async move {
            match acceptor {
                Some(acceptor) => {
                    // Nobody is asked who breaks the handshake off.
                    if let Ok(stream) = acceptor.accept(stream).await {
                        converse(stream, number, state).await;
                    }
                }
                None => converse(stream, number, state).await,
            }
        });
    }
}

/// Serves a connection until its end.
async fn converse(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    connection: usize,
    state: Arc<Mutex<State>>,
) {
    let (asked, mut asking) = tokio::sync::mpsc::unbounded_channel();
    let last = lock(&state).requests_of_connection;
    let service = service_fn(move |request| {
        let _ = asked.send(());
        serve(Arc::clone(&state), connection, request)
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    let mut serving = std::pin::pin!(builder.serve_connection(TokioIo::new(stream), service));
    let mut requests = 0;
    loop {
        // A client that goes away is no business of ours.
        let Either::Right(_) = select(serving.as_mut(), std::pin::pin!(asking.recv())).await else {
            return;
        };
        requests += 1;
        if last == Some(requests) {
            serving.as_mut().graceful_shutdown();
        }
    }
}

/// A cut connection: hyper closes it when a service fails. With HTTP/2 it resets the stream, for the reason in its source.
#[derive(Debug)]
struct Cut(Option<h2::Error>);

impl std::fmt::Display for Cut {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("cut")
    }
}

impl std::error::Error for Cut {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.as_ref().map(|error| error as _)
    }
}

impl State {
    /// How the answer to this request is to be wrong.
    fn next_fault(&mut self, recorded: &Recorded) -> Option<Fault> {
        let fault = match self.faults.front_mut() {
            Some((fault, times)) => {
                let fault = *fault;
                *times -= 1;
                if *times == 0 {
                    self.faults.pop_front();
                }
                fault
            }
            None => None,
        };
        let namespace = recorded.path.strip_prefix("/api/v1/namespaces/");
        let namespace = namespace.and_then(|rest| Some(rest.split_once('/')?.0));
        let in_namespace = || self.faults_in.get(namespace?).copied();
        let of_writes = || self.fault_of_writes.filter(|_| recorded.method != "GET");
        let of_watches = || self.fault_of_watches.filter(|_| recorded.query.contains_key("watch"));
        let last = recorded.path.rsplit('/').next().filter(|_| recorded.method == "GET");
        let of_kind = || self.faults_of.get(last?).copied();
        fault
            .or_else(in_namespace)
            .or_else(of_writes)
            .or_else(of_watches)
            .or_else(of_kind)
    }
}

async fn serve(
    state: Arc<Mutex<State>>,
    connection: usize,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Cut> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.map_err(|_| Cut(None))?.to_bytes();
    let mut recorded = Recorded {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: query(parts.uri.query().unwrap_or_default()),
        headers: BTreeMap::new(),
        status: 0,
        version: parts.version,
        connection,
    };
    for (name, value) in &parts.headers {
        let values = recorded.headers.entry(name.to_string()).or_default();
        values.push(String::from_utf8_lossy(value.as_bytes()).into_owned());
    }
    let (at, fault) = {
        let mut state = lock(&state);
        state.recorded.push(recorded.clone());
        (state.recorded.len() - 1, state.next_fault(&recorded))
    };
    let gate = lock(&state).gate.clone();
    let is_write = parts.method != Method::GET;
    let what = |when: &str| format!("{when} {} {}", recorded.method, recorded.path);
    let passes = if is_write {
        gate.pass(|| what("before")).await
    } else {
        gate.glance(&format!("{} {}", recorded.method, recorded.path)).await
    };
    if !passes {
        // An answer that nobody tries again after.
        return Ok(dead());
    }
    if recorded.path == "/api/v1/secrets" && !is_write {
        let odd = lock(&state).lists.as_ref().and_then(|lists| lists(&recorded.query));
        match odd {
            Some(Odd::Silence) => return std::future::pending().await,
            Some(Odd::Expanding(size)) => {
                let response = Response::builder()
                    .header("content-type", "application/json")
                    .header("content-encoding", "gzip");
                let body = gzip(std::io::repeat(b' ').take(size as u64));
                return Ok(response.body(Full::new(body)).unwrap());
            }
            Some(Odd::Answer(code, kind, body)) => {
                lock(&state).recorded[at].status = code;
                let response = Response::builder().status(code).header("content-type", kind);
                return Ok(response.body(Full::new(Bytes::from(body))).unwrap());
            }
            None => {}
        }
    }
    let mut retry_after = None;
    let answer = match fault {
        Some(Fault::Hang) => return std::future::pending().await,
        Some(Fault::Cut) => return Err(Cut(None)),
        Some(Fault::Refuse) => return Err(Cut(Some(h2::Reason::REFUSED_STREAM.into()))),
        Some(Fault::Quote(code, quotation)) => match quoting(&state, &recorded, &body, code, quotation) {
            Ok(answer) => answer,
            Err(response) => return Ok(*response),
        },
        Some(Fault::Foreign(code, content_type, body)) => {
            lock(&state).recorded[at].status = code;
            let response = Response::builder().status(code).header("content-type", content_type);
            return Ok(response.body(Full::new(Bytes::from(body))).unwrap());
        }
        Some(Fault::Status(code, after)) => {
            retry_after = after;
            Answer::failure(
                code,
                "ServiceUnavailable",
                "the double was told to misbehave",
                Value::Null,
            )
        }
        Some(Fault::Lose(gateways)) => serve_unheard(&state, &recorded, &body, gateways)?,
        None => handle(&mut lock(&state), &recorded, &body),
    };
    lock(&state).recorded[at].status = answer.code;
    if is_write && !gate.pass(|| what("after")).await {
        return Ok(dead());
    }
    let mut response = Response::builder()
        .status(answer.code)
        .header("content-type", "application/json");
    if let Some(seconds) = retry_after {
        response = response.header("retry-after", seconds);
    }
    let mut body = Bytes::from(answer.body.to_string());
    let encodings = recorded.headers.get("accept-encoding");
    if body.len() > COMPRESSED && encodings.is_some_and(|names| names.iter().any(|name| name.contains("gzip"))) {
        body = gzip(&body[..]);
        response = response.header("content-encoding", "gzip");
    }
    let response = response.body(Full::new(body));
    Ok::<_, Infallible>(response.unwrap()).map_err(|never| match never {})
}

/// Serves a request whose answer is lost, and gives what comes in its place.
fn serve_unheard(
    state: &Arc<Mutex<State>>,
    recorded: &Recorded,
    body: &Bytes,
    gateways: Option<u16>,
) -> Result<Answer, Cut> {
    handle(&mut lock(state), recorded, body);
    let code = gateways.ok_or(Cut(None))?;
    Ok(Answer::failure(
        code,
        "Timeout",
        "the answer did not arrive",
        Value::Null,
    ))
}

/// From how many octets on an answer is compressed: `k8s.io/apiserver`'s `defaultGzipThresholdBytes`.
const COMPRESSED: usize = 128 * 1024;

fn gzip(from: impl Read) -> Bytes {
    let mut compressed = Vec::new();
    let level = flate2::Compression::fast();
    flate2::read::GzEncoder::new(from, level)
        .read_to_end(&mut compressed)
        .unwrap();
    compressed.into()
}

/// A refusal that quotes the request; from a gateway, it is no answer of an API server.
fn quoting(
    state: &Arc<Mutex<State>>,
    recorded: &Recorded,
    body: &Bytes,
    code: u16,
    quotation: Quotation,
) -> Result<Answer, Box<Response<Full<Bytes>>>> {
    let mut path = recorded
        .path
        .split('/')
        .skip_while(|part| *part != "namespaces")
        .skip(1);
    let namespace = path.next().unwrap_or_default();
    let text = quote(
        &String::from_utf8_lossy(body),
        &lock(state).store.in_namespace(namespace),
        quotation,
    );
    if matches!(quotation, Quotation::ByGateway) {
        let response = Response::builder().status(code).header("content-type", "text/plain");
        return Err(Box::new(
            response
                .body(Full::new(Bytes::from(format!("gateway: {text}"))))
                .unwrap(),
        ));
    }
    let reason = if code == 409 { "Conflict" } else { "Forbidden" };
    let text = format!("admission webhook \"policy.example.com\" denied the request: {text}");
    let cause = json!({"reason": "FieldValueInvalid", "field": "data", "message": text});
    Ok(Answer::failure(
        code,
        reason,
        &text,
        json!({"name": text, "causes": [cause]}),
    ))
}

/// What a refusal says of a request and of the Secrets that there are.
fn quote(request: &str, secrets: &[Value], quotation: Quotation) -> String {
    let whole = format!("{request} {}", json!(secrets));
    match quotation {
        Quotation::Whole | Quotation::ByGateway => whole,
        Quotation::Base64 => STANDARD.encode(whole),
        Quotation::Escaped => json!(whole).to_string(),
        Quotation::Cut(length) => whole.chars().take(length).collect(),
        Quotation::Document => {
            let request: Value = serde_json::from_str(request).unwrap_or_default();
            let encoded = secrets
                .iter()
                .chain([&request])
                .filter_map(|secret| secret["data"][".dockerconfigjson"].as_str());
            let documents = encoded.filter_map(|text| STANDARD.decode(text).ok());
            documents
                .map(|document| String::from_utf8_lossy(&document).into_owned())
                .collect()
        }
    }
}

fn dead() -> Response<Full<Bytes>> {
    let body = Answer::failure(500, "InternalError", "the gate is closed", Value::Null).body;
    let response = Response::builder()
        .status(500)
        .header("content-type", "application/json");
    response.body(Full::new(Bytes::from(body.to_string()))).unwrap()
}

fn handle(state: &mut State, request: &Recorded, body: &[u8]) -> Answer {
    let header = |name: &str| {
        request
            .headers
            .get(name)
            .and_then(|values| values.first())
            .map_or("", String::as_str)
    };
    let user = match header("authorization").strip_prefix("Bearer ") {
        Some(ADMIN_TOKEN) => "admin",
        Some(PLAIN_TOKEN) => "plain",
        _ => return Answer::failure(401, "Unauthorized", "Unauthorized", Value::Null),
    };
    let method = request.method.parse::<Method>().unwrap();
    let path: Vec<&str> = request.path.trim_matches('/').split('/').collect();
    let (resource, namespace, name) = match path.as_slice() {
        ["version"] => return Answer::success(200, json!({"major": "1", "minor": "37", "gitVersion": "v1.37.0"})),
        ["apis"] => return Answer::success(200, state.store.groups()),
        ["apis", group, version] => return Answer::success(200, state.store.resources(group, version)),
        ["api", "v1", "namespaces"] => ("namespaces", "", ""),
        ["api", "v1", "namespaces", name] => ("namespaces", "", *name),
        ["api", "v1", resource] | ["apis", _, _, resource] => (*resource, "", ""),
        ["api", "v1", "namespaces", namespace, "secrets"] => ("secrets", *namespace, ""),
        ["api", "v1", "namespaces", namespace, "secrets", name] => ("secrets", *namespace, *name),
        ["api", "v1", "namespaces", namespace, resource] | ["apis", _, _, "namespaces", namespace, resource] => {
            (*resource, *namespace, "")
        }
        ["api", "v1", "namespaces", namespace, resource, name]
        | ["apis", _, _, "namespaces", namespace, resource, name] => (*resource, *namespace, *name),
        _ => {
            return Answer::failure(
                404,
                "NotFound",
                "the server could not find the requested resource",
                Value::Null,
            );
        }
    };
    let verb = match method {
        Method::GET if name.is_empty() => "list",
        Method::GET => "get",
        Method::POST => "create",
        Method::PUT => "update",
        Method::DELETE => "delete",
        _ => "patch",
    };
    let may = |state: &State, verb: &str| {
        let is_forbidden = |what: String| state.forbidden.contains(&(what, namespace.to_owned()));
        user == "admin" && !is_forbidden(verb.to_owned()) && !is_forbidden(format!("{verb} {resource}"))
    };
    if !may(state, verb) {
        return Answer::forbidden(user, verb, resource, namespace, name);
    }
    if !matches!(verb, "get" | "list")
        && let Some(intruder) = state.intruders.pop_front()
    {
        intruder(&mut state.store);
    }
    if resource == "secrets" && verb == "patch" && state.store.get(namespace, name).is_none() && !may(state, "create") {
        return Answer::forbidden(user, "create", resource, namespace, name);
    }
    let answer = match resource {
        "namespaces" => state.store.serve_namespaces(&method, name, &request.query, body),
        "secrets" => state
            .store
            .serve_secrets(&method, namespace, name, &request.query, header("content-type"), body),
        _ => state
            .store
            .serve_objects(&method, (resource, namespace, name), &request.query, body),
    };
    let answer = answer.paged(&request.query);
    if header("accept").contains("as=PartialObjectMetadata") {
        answer.metadata_only()
    } else {
        answer
    }
}

/// The pairs of a query, percent-decoded.
fn query(text: &str) -> BTreeMap<String, String> {
    let decoded = |text: &str| {
        let mut bytes = Vec::new();
        let mut rest = text.as_bytes();
        while let [first, tail @ ..] = rest {
            let hex = |digits: &[u8]| u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok();
            match (first, tail.get(..2).and_then(hex)) {
                (b'%', Some(byte)) => {
                    bytes.push(byte);
                    rest = &tail[2..];
                }
                (b'+', _) => {
                    bytes.push(b' ');
                    rest = tail;
                }
                _ => {
                    bytes.push(*first);
                    rest = tail;
                }
            }
        }
        String::from_utf8_lossy(&bytes).into_owned()
    };
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (decoded(name), decoded(value)))
        .collect()
}
