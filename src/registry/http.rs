//! One HTTP client for one registry: bounded, without redirects, and with a token only where [`Endpoint`] allows.

use std::io::Read as _;
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
use crate::model::{Credential, Redaction, Registry, printable};
use crate::sys::env::Env;
use crate::sys::whole_file;
use crate::tls::{self, Authorities, Trust};

/// Largest answer that is read, in bytes. The largest that is needed, a page of packages, stays far below it.
const MAX_BODY: u64 = 1 << 20;
/// More than the bundle of every authority there is, in bytes.
const MAX_CA_FILE: u64 = 16 * 1024 * 1024;
/// Longest quotation of a server, in characters.
const MAX_QUOTE: usize = 200;
/// Where Gitea and Forgejo look for the code of an account's second factor.
const OTP_HEADER: HeaderName = HeaderName::from_static("x-gitea-otp");

/// How a request says who asks.
#[derive(Clone, Copy)]
pub(super) enum Auth<'a> {
    /// It does not.
    Nobody,
    /// User and token (RFC 7617).
    Basic(&'a Credential),
    /// User and password, with the code of the second factor if one was given.
    Password(&'a Credential, Option<&'a OneTimeCode>),
    /// A token alone (RFC 6750): the PAT at Gitea's API, the exchanged token at a registry.
    Bearer(&'a str),
}

/// When everything together must be done.
#[derive(Clone, Copy)]
pub(super) struct Deadline {
    end: Instant,
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

/// An answer, read to its end.
pub(super) struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Zeroizing<Vec<u8>>,
}

impl Deadline {
    pub fn after(allowed: Duration) -> Self {
        Self {
            end: Instant::now() + allowed,
            allowed,
        }
    }

    /// Half of what is left: for an attempt that another one follows.
    pub fn half(self) -> Self {
        Self {
            end: Instant::now() + self.left() / 2,
            allowed: self.allowed,
        }
    }

    fn left(self) -> Duration {
        self.end.saturating_duration_since(Instant::now())
    }
}

impl Client {
    /// A client for `registry`. `credential`'s secrets are taken out of everything that the server says.
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
            // Plain http is spoken to a loopback name without being asked, so the name must lead to loopback.
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

    /// The same connections with another time limit.
    pub fn with_deadline(mut self, deadline: Deadline) -> Self {
        self.deadline = deadline;
        self
    }

    /// An address on the registry itself.
    pub fn own(&self, path: &str) -> Result<Endpoint, ReachError> {
        let place = || self.place.clone();
        self.origin
            .endpoint(path)
            .ok_or_else(|| ReachError::Address { place: place() })
    }

    /// The token server that the registry names, if a token may go there.
    pub fn realm(&self, registry: &Registry, realm: &str) -> Result<Endpoint, RealmFault> {
        self.origin.realm(registry, realm)
    }

    /// Scheme, host and port, as a person writes them into a browser.
    pub fn origin(&self) -> String {
        self.origin.to_string()
    }

    /// `GET`, with nothing retried and no redirect followed.
    pub fn get(&self, to: &Endpoint, query: &[(&str, &str)], auth: Auth<'_>) -> Result<Reply, ReachError> {
        let mut request = self.agent.get(to.uri().clone()).header(ACCEPT, "application/json");
        request = request.query_pairs(query.iter().copied());
        for (name, value) in auth.headers().map_err(|error| self.explain(error))? {
            request = request.header(name, value);
        }
        let left = self.left()?;
        let request = request.config().timeout_global(Some(left)).build();
        self.read(request.call())
    }

    /// `HEAD` for one of these media types. There is never a body.
    pub fn head(&self, to: &Endpoint, accept: &'static str, auth: Auth<'_>) -> Result<Reply, ReachError> {
        let mut request = Request::builder().method(Method::HEAD).uri(to.uri().clone());
        request = request.header(ACCEPT, accept);
        for (name, value) in auth.headers().map_err(|error| self.explain(error))? {
            request = request.header(name, value);
        }
        self.run(request.body(()))
    }

    /// `POST` of a JSON document. Once it was sent, a failure does not say whether it was done.
    pub fn post(&self, to: &Endpoint, auth: Auth<'_>, document: &serde_json::Value) -> Result<Reply, ReachError> {
        let request = self.request(Method::POST, to, auth)?;
        let request = request.header(CONTENT_TYPE, "application/json");
        self.run(request.body(document.to_string()))
    }

    /// `DELETE`. Once it was sent, a failure does not say whether it was done.
    pub fn delete(&self, to: &Endpoint, auth: Auth<'_>) -> Result<Reply, ReachError> {
        self.run(self.request(Method::DELETE, to, auth)?.body(()))
    }

    fn request(&self, method: Method, to: &Endpoint, auth: Auth<'_>) -> Result<http::request::Builder, ReachError> {
        let mut request = Request::builder().method(method).uri(to.uri().clone());
        request = request.header(ACCEPT, "application/json");
        for (name, value) in auth.headers().map_err(|error| self.explain(error))? {
            request = request.header(name, value);
        }
        Ok(request)
    }

    fn run<B: AsSendBody>(&self, request: http::Result<Request<B>>) -> Result<Reply, ReachError> {
        let request = request.map_err(|error| self.explain(ureq::Error::Http(error)))?;
        let left = self.left()?;
        let request = self.agent.configure_request(request).timeout_global(Some(left)).build();
        self.read(self.agent.run(request))
    }

    fn left(&self) -> Result<Duration, ReachError> {
        let left = self.deadline.left();
        if left.is_zero() {
            return Err(self.explain(ureq::Error::Timeout(ureq::Timeout::Global)));
        }
        Ok(left)
    }

    fn read(&self, answer: Result<http::Response<Body>, ureq::Error>) -> Result<Reply, ReachError> {
        let (head, mut body) = answer.map_err(|error| self.explain(error))?.into_parts();
        // The buffer has its final size from the start: growing would leave copies of a token behind, unzeroed.
        let size = body.content_length().unwrap_or(0).min(MAX_BODY);
        let mut text = Zeroizing::new(Vec::with_capacity(usize::try_from(size).unwrap_or(0) + 1));
        body.with_config()
            .limit(MAX_BODY)
            .reader()
            .read_to_end(&mut text)
            .map_err(|error| self.explain(error.into()))?;
        Ok(Reply {
            status: head.status,
            headers: head.headers,
            body: text,
        })
    }

    fn explain(&self, error: ureq::Error) -> ReachError {
        ReachError::explain(error, &self.place, self.deadline.allowed)
    }

    /// `text` from the server, fit for a message: cut, in one line, and without our secrets.
    pub fn quote(&self, text: &str) -> String {
        printable(&self.without_secrets(text), MAX_QUOTE)
    }

    /// `text` from the server without our secrets, should it have sent one back.
    pub fn without_secrets(&self, text: &str) -> String {
        self.secrets.clean(text)
    }

    /// What the body of an answer says to a person, or nothing.
    pub fn said(&self, reply: &Reply) -> Option<String> {
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
            Self::Nobody => return Ok(Vec::new()),
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
    /// A header as text, if it is text.
    pub fn header(&self, name: &HeaderName) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Whether it is a page for a browser: a registry and Gitea's API never answer with one.
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

/// The CA file alone if there is one, else what the platform trusts.
fn trust(options: &Options) -> Result<Trust, ReachError> {
    let Some(path) = &options.ca_file else {
        return Ok(Trust::System);
    };
    let pem = whole_file::read_named(path, MAX_CA_FILE).map_err(|why| ReachError::CaFile {
        path: path.clone(),
        source: why.into(),
    })?;
    let authorities = Authorities::parse(&pem).map_err(|_| ReachError::CaFileContent { path: path.clone() })?;
    Ok(Trust::Only(Arc::new(authorities)))
}
