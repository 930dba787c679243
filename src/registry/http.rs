//! The HTTP client for one registry: with limits on size and time, without redirects, and sending a token only to an
//! [`Endpoint`].

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode};
use ureq::config::Config;
use ureq::unversioned::transport::{ConnectProxyConnector, Connector as _, SocksConnector, TcpConnector};
use ureq::{Agent, AsSendBody, Body, Proxy};
use zeroize::Zeroizing;

use super::lookup::Lookup;
use super::one_time_code::OneTimeCode;
use super::origin::{Endpoint, Origin, RealmFault};
use super::tls::TlsConnector;
use super::{Options, ReachError, proxy};
use crate::model::{Credential, Redaction, Registry, Token, printable};
use crate::sys::env::Env;
use crate::sys::secret_buffer;
use crate::tls::{self, Trust};

/// Size limit of an answer in bytes; the largest that is needed, a page of packages, is far smaller.
const MAX_BODY: u64 = 1 << 20;
/// How much of an answer is usual that does not say its size, in bytes.
const CHUNKED: u64 = 4 << 10;
/// Longest quotation of a server, in characters.
const MAX_QUOTE: usize = 200;
/// Gitea's and Forgejo's header for the code of the second factor.
const OTP_HEADER: HeaderName = HeaderName::from_static("x-gitea-otp");

/// The authentication of a request.
#[derive(Clone, Copy)]
pub(super) enum Auth<'a> {
    /// No credentials.
    Anonymous,
    /// User and token (RFC 7617).
    Basic(&'a Credential),
    /// User and password, with the code of the second factor if one was given.
    Password(&'a Credential, Option<&'a OneTimeCode>),
    /// A token (RFC 6750): the PAT at Gitea's API, the exchanged token at a registry.
    Bearer(&'a str),
}

/// A time limit: for several requests together, or for each.
#[derive(Clone, Copy)]
pub(super) struct Deadline {
    /// `None`: each request has the whole time.
    end: Option<Instant>,
    allowed: Duration,
}

/// The connections to one registry.
pub(super) struct Client {
    agent: Agent,
    origin: Origin,
    place: String,
    deadline: Deadline,
    secrets: Redaction,
}

/// A complete answer.
pub(super) struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Zeroizing<Vec<u8>>,
}

impl Deadline {
    pub fn after(allowed: Duration) -> Self {
        Self {
            end: Some(Instant::now() + allowed),
            allowed,
        }
    }

    /// For work of any length, such as reading thousands of manifests.
    pub fn of_each(allowed: Duration) -> Self {
        Self { end: None, allowed }
    }

    /// Half of the remaining time, for an attempt that may be followed by another.
    pub fn half(self) -> Self {
        Self {
            end: Some(Instant::now() + self.left() / 2),
            allowed: self.allowed,
        }
    }

    fn left(self) -> Duration {
        self.end
            .map_or(self.allowed, |end| end.saturating_duration_since(Instant::now()))
    }
}

impl Client {
    /// A client for `registry`. The secrets of `credential` are removed from all server messages.
    pub fn new(
        registry: &Registry,
        https: bool,
        credential: &Credential,
        options: &Options,
        env: &Env,
        deadline: Deadline,
    ) -> Result<Self, ReachError> {
        let origin = Origin::of_registry(registry, https);
        let place = origin.to_string();
        let root = origin
            .endpoint("/")
            .ok_or_else(|| ReachError::Address { place: place.clone() })?;
        let proxy = proxy::proxy_for(registry, root.uri(), env)?;
        let tls = tls::client(&trust(options)?, None).map_err(|error| ReachError::of_tls(&error, place.clone()))?;
        let connector = ().chain(SocksConnector::default());
        let connector = connector.chain(ConnectProxyConnector::default());
        let connector = connector.chain(TcpConnector::default());
        let connector = connector.chain(TlsConnector(Arc::new(tls)));
        let place = match &proxy {
            Some(proxy) => format!("{origin} (through the proxy {}:{})", proxy.host(), proxy.port()),
            None => origin.to_string(),
        };
        let lookup = Lookup {
            // A loopback name may be reached over plain http, so it must resolve to a loopback address.
            loopback_only: registry.is_loopback(),
        };
        let mut secrets = Redaction::default();
        secrets.add_credential(credential);
        Ok(Self {
            agent: Agent::with_parts(config(proxy), connector, lookup),
            origin,
            place,
            deadline,
            secrets,
        })
    }

    /// Sets another time limit.
    pub fn with_deadline(mut self, deadline: Deadline) -> Self {
        self.deadline = deadline;
        self
    }

    /// A URL on the registry's own origin.
    pub fn own(&self, path: &str) -> Result<Endpoint, ReachError> {
        let place = || self.place.clone();
        self.origin
            .endpoint(path)
            .ok_or_else(|| ReachError::Address { place: place() })
    }

    /// The token server in `realm`, if a token may be sent there.
    pub fn realm(&self, registry: &Registry, realm: &str) -> Result<Endpoint, RealmFault> {
        self.origin.realm(registry, realm)
    }

    /// Scheme, host and port, as in a browser's address bar.
    pub fn origin(&self) -> String {
        self.origin.to_string()
    }

    /// `GET`, without retries or redirects.
    pub fn get(&self, to: &Endpoint, query: &[(&str, &str)], auth: Auth<'_>) -> Result<Reply, ReachError> {
        let mut request = self.agent.get(to.uri().clone()).header(ACCEPT, "application/json");
        request = request.query_pairs(query.iter().copied());
        for (name, value) in auth.headers().map_err(|error| self.explain(error))? {
            request = request.header(name, value);
        }
        let left = self.left()?;
        let request = request.config().timeout_global(Some(left)).build();
        self.read(request.call(), MAX_BODY)
    }

    /// `GET` of one of these media types, of at most this size in bytes.
    pub fn fetch(&self, to: &Endpoint, accept: &'static str, auth: Auth<'_>, limit: u64) -> Result<Reply, ReachError> {
        let request = self.accepting(Method::GET, to, accept, auth)?;
        self.run_up_to(request.body(()), limit)
    }

    /// `HEAD` for one of these media types.
    pub fn head(&self, to: &Endpoint, accept: &'static str, auth: Auth<'_>) -> Result<Reply, ReachError> {
        self.run(self.accepting(Method::HEAD, to, accept, auth)?.body(()))
    }

    /// `PUT` of a body of this media type. After a failure it is unknown whether the server has processed the request.
    pub fn put(&self, to: &Endpoint, auth: Auth<'_>, kind: &str, body: &[u8]) -> Result<Reply, ReachError> {
        let request = self.request(Method::PUT, to, auth)?.header(CONTENT_TYPE, kind);
        self.run(request.body(body))
    }

    /// `POST` of a JSON document. After a failure it is unknown whether the server has processed the request.
    pub fn post(&self, to: &Endpoint, auth: Auth<'_>, document: &serde_json::Value) -> Result<Reply, ReachError> {
        let request = self.request(Method::POST, to, auth)?;
        let request = request.header(CONTENT_TYPE, "application/json");
        self.run(request.body(document.to_string()))
    }

    /// Redacts another secret in server messages.
    pub fn keep_out_of_messages(&mut self, token: &Token) {
        self.secrets.add(token.expose());
    }

    /// `DELETE`. After a failure it is unknown whether the server has processed the request.
    pub fn delete(&self, to: &Endpoint, auth: Auth<'_>) -> Result<Reply, ReachError> {
        self.run(self.request(Method::DELETE, to, auth)?.body(()))
    }

    fn request(&self, method: Method, to: &Endpoint, auth: Auth<'_>) -> Result<http::request::Builder, ReachError> {
        self.accepting(method, to, "application/json", auth)
    }

    fn accepting(
        &self,
        method: Method,
        to: &Endpoint,
        accept: &'static str,
        auth: Auth<'_>,
    ) -> Result<http::request::Builder, ReachError> {
        let mut request = Request::builder().method(method).uri(to.uri().clone());
        request = request.header(ACCEPT, accept);
        for (name, value) in auth.headers().map_err(|error| self.explain(error))? {
            request = request.header(name, value);
        }
        Ok(request)
    }

    fn run<B: AsSendBody>(&self, request: http::Result<Request<B>>) -> Result<Reply, ReachError> {
        self.run_up_to(request, MAX_BODY)
    }

    fn run_up_to<B: AsSendBody>(&self, request: http::Result<Request<B>>, limit: u64) -> Result<Reply, ReachError> {
        let request = request.map_err(|error| self.explain(ureq::Error::Http(error)))?;
        let left = self.left()?;
        let request = self.agent.configure_request(request).timeout_global(Some(left)).build();
        self.read(self.agent.run(request), limit)
    }

    fn left(&self) -> Result<Duration, ReachError> {
        let left = self.deadline.left();
        if left.is_zero() {
            return Err(self.explain(ureq::Error::Timeout(ureq::Timeout::Global)));
        }
        Ok(left)
    }

    fn read(&self, answer: Result<http::Response<Body>, ureq::Error>, limit: u64) -> Result<Reply, ReachError> {
        let (head, mut body) = answer.map_err(|error| self.explain(error))?.into_parts();
        let expected = body.content_length().unwrap_or(CHUNKED);
        let [expected, max] = [expected, limit].map(|octets| usize::try_from(octets).unwrap_or(usize::MAX));
        let text = secret_buffer::read(&mut body.as_reader(), expected, max);
        let text = text.map_err(|error| self.explain(error.into()))?;
        Ok(Reply {
            status: head.status,
            headers: head.headers,
            body: text.ok_or_else(|| self.explain(ureq::Error::BodyExceedsLimit(limit)))?,
        })
    }

    fn explain(&self, error: ureq::Error) -> ReachError {
        ReachError::explain(error, &self.place, self.deadline.allowed)
    }

    /// Text from the server for a message: one short line without our secrets.
    pub fn quote(&self, text: &str) -> String {
        printable(&self.without_secrets(text), MAX_QUOTE)
    }

    /// Text from the server with our secrets removed, in case it echoes one.
    pub fn without_secrets(&self, text: &str) -> String {
        self.secrets.clean(text)
    }

    /// The error message in an answer's body, if there is one.
    pub fn error_message(&self, reply: &Reply) -> Option<String> {
        let text = match serde_json::from_slice::<serde_json::Value>(&reply.body) {
            Ok(json) => [
                "/message",
                "/errors/0/message",
                "/details",
                "/error_description",
                "/error",
            ]
            .iter()
            .find_map(|place| json.pointer(place)?.as_str().map(str::to_owned))?,
            Err(_) if reply.is_html() => return None,
            Err(_) => String::from_utf8_lossy(&reply.body).into_owned(),
        };
        Some(self.quote(&text)).filter(|text| !text.is_empty())
    }
}

impl Auth<'_> {
    fn headers(self) -> Result<Vec<(HeaderName, HeaderValue)>, ureq::Error> {
        let sensitive = |text: &str| {
            let mut value =
                HeaderValue::from_bytes(text.as_bytes()).map_err(|error| ureq::Error::Http(error.into()))?;
            value.set_sensitive(true);
            Ok::<_, ureq::Error>(value)
        };
        let (text, code) = match self {
            Self::Anonymous => return Ok(Vec::new()),
            Self::Basic(credential) => (basic(credential), None),
            Self::Password(credential, code) => (basic(credential), code),
            Self::Bearer(token) => (Zeroizing::new(format!("Bearer {token}")), None),
        };
        let mut headers = vec![(AUTHORIZATION, sensitive(&text)?)];
        if let Some(code) = code {
            headers.push((OTP_HEADER, sensitive(code.expose())?));
        }
        Ok(headers)
    }
}

fn basic(credential: &Credential) -> Zeroizing<String> {
    Zeroizing::new(format!("Basic {}", credential.basic().as_str()))
}

impl Reply {
    /// A header's value, if it is text.
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether the answer is an HTML page, which registries and Gitea's API never send.
    pub fn is_html(&self) -> bool {
        let declared = self.header(&CONTENT_TYPE).unwrap_or_default();
        declared.to_ascii_lowercase().contains("html") || self.body.trim_ascii_start().starts_with(b"<")
    }
}

fn config(proxy: Option<Proxy>) -> Config {
    Agent::config_builder()
        .user_agent(concat!("kubectl-regcred/", env!("CARGO_PKG_VERSION")))
        .proxy(proxy)
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .build()
}

/// Trusts only the CA file if there is one, else the platform's authorities.
fn trust(options: &Options) -> Result<Trust, ReachError> {
    Ok(match &options.ca_file {
        None => Trust::System,
        Some(file) => Trust::Only(file.authorities()?),
    })
}
