//! The HTTP client of one cluster. kube's own builder can neither follow Go's TLS rules nor log in to a SOCKS proxy.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri};
use hyper_rustls::{FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder};
use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connection, HttpConnector};
use hyper_util::rt::{TokioExecutor, TokioTimer};
use kube::client::{Body, ConfigExt as _};
use kube::{Client, Config};
use percent_encoding::percent_decode_str;
use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use tower::{BoxError, Service, ServiceBuilder};
use tower_http::decompression::DecompressionLayer;
use zeroize::Zeroizing;

use crate::cluster::error::Error;

/// The longest head of a response, in bytes, and how much is read at once: a server that sends interim responses without
/// end gets no more before a time limit is looked at.
const MAX_HEAD: u32 = 64 * 1024;

/// How much of the answers to all requests at once, and of one, waits to be read on a connection of HTTP/2, in octets: as
/// much as 27 Mbit/s bring in the 150 ms of a far cluster.
const WINDOWS: [u32; 2] = [2 << 20, 512 << 10];
/// After how long a silence a connection of HTTP/2 with open requests is asked whether it is there, and for how long it may
/// not answer. They are kubectl's (k8s.io/apimachinery's `util/net`), and end a request on a dead connection.
const SILENCE: Duration = Duration::from_secs(30);
const PING: Duration = Duration::from_secs(15);

/// What is spoken with a server that offers a choice, which takes TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Http {
    One,
    /// All requests on one connection. HTTP/1 with a server that cannot.
    Two,
}

/// The client for `config`, with its proxy and this TLS configuration.
pub fn client(config: &Config, tls: &ClientConfig, http: Http) -> Result<Client, Error> {
    let mut tcp = HttpConnector::new();
    tcp.enforce_http(false);
    let Some(proxy) = &config.proxy_url else {
        return over(tcp, config, tls, http);
    };
    match proxy.scheme_str() {
        Some("socks5") => {
            // As in Go, the proxy resolves the host's name: it may know names that this machine does not.
            let socks = SocksV5::new(proxy.clone(), tcp);
            match login(proxy) {
                Some((user, password)) => over(socks.with_auth(user, password), config, tls, http),
                None => over(socks, config, tls, http),
            }
        }
        Some("https") => over(tunnel(proxy, https(tcp, tls, None, Http::One)), config, tls, http),
        _ => over(tunnel(proxy, tcp), config, tls, http),
    }
}

fn tunnel<C>(proxy: &Uri, connector: C) -> Tunnel<C> {
    let tunnel = Tunnel::new(proxy.clone(), connector);
    let header = login(proxy).and_then(|(user, password)| {
        let login = Zeroizing::new(format!("{user}:{password}"));
        let basic = Zeroizing::new(format!("Basic {}", STANDARD.encode(login.as_bytes())));
        HeaderValue::from_str(&basic).ok()
    });
    match header {
        Some(mut header) => {
            header.set_sensitive(true);
            tunnel.with_auth(header)
        }
        None => tunnel,
    }
}

/// The user and password in a proxy's address, if they are valid UTF-8 after percent-decoding.
fn login(proxy: &Uri) -> Option<(String, String)> {
    let (login, _) = proxy.authority()?.as_str().rsplit_once('@')?;
    let (user, password) = login.split_once(':').unwrap_or((login, ""));
    let decoded = |text| Some(percent_decode_str(text).decode_utf8().ok()?.into_owned());
    Some((decoded(user)?, decoded(password)?))
}

fn https<C>(connector: C, tls: &ClientConfig, name: Option<ServerName<'static>>, http: Http) -> HttpsConnector<C> {
    let builder = HttpsConnectorBuilder::new()
        .with_tls_config(tls.clone())
        .https_or_http();
    let builder = match name {
        Some(name) => builder.with_server_name_resolver(FixedServerNameResolver::new(name)),
        None => builder,
    };
    match http {
        Http::One => builder.enable_http1().wrap_connector(connector),
        Http::Two => builder.enable_all_versions().wrap_connector(connector),
    }
}

fn over<C>(connector: C, config: &Config, tls: &ClientConfig, http: Http) -> Result<Client, Error>
where
    C: Service<Uri> + Clone + Send + Sync + 'static,
    C::Response: hyper::rt::Read + hyper::rt::Write + Connection + Send + Unpin + 'static,
    C::Future: Send + 'static,
    C::Error: Into<BoxError>,
{
    let name = config.tls_server_name.clone().map(ServerName::try_from).transpose();
    let name = name.map_err(|_| Error::Config {
        part: "cluster",
        what: "its tls-server-name can be no host's name".to_owned(),
    })?;
    let mut connector = TimeoutConnector::new(https(connector, tls, name, http));
    connector.set_connect_timeout(config.connect_timeout);
    connector.set_read_timeout(config.read_timeout);
    connector.set_reset_reader_on_write(config.reset_reader_on_write);
    let within_limit = |time: Duration| config.read_timeout.map_or(time, |limit| time.min(limit / 2));
    let client: legacy::Client<_, Body> = legacy::Client::builder(TokioExecutor::new())
        .timer(TokioTimer::new())
        .http1_max_buf_size(MAX_HEAD as usize)
        .http2_max_header_list_size(MAX_HEAD)
        .http2_initial_connection_window_size(WINDOWS[0])
        .http2_initial_stream_window_size(WINDOWS[1])
        .http2_keep_alive_interval(within_limit(SILENCE))
        .http2_keep_alive_timeout(within_limit(PING))
        .build(connector);
    let unusable = |what: &str| {
        let what = what.to_owned();
        move |_| Error::Config { part: "user", what }
    };
    let authorization = config
        .auth_layer()
        .map_err(unusable("its token or password cannot be sent in a header"))?;
    let headers = config
        .extra_headers_layer()
        .map_err(unusable("a name to act as cannot be sent in a header"))?;
    let service = ServiceBuilder::new()
        // The API server compresses lists of more than 128 KiB.
        .layer(DecompressionLayer::new())
        .layer(config.base_uri_layer())
        .option_layer(authorization)
        .layer(headers)
        .map_err(BoxError::from)
        .service(client);
    Ok(Client::new(service, config.default_namespace.clone()))
}
