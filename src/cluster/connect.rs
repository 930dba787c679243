//! One client for one context, connected as kubectl would.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderValue, Uri, header};
use kube::client::ClientBuilder;
use kube::config::AuthInfo;
use kube::{Client, Config};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use secrecy::{ExposeSecret as _, SecretString};
use thiserror::Error;
use zeroize::Zeroizing;

use super::error::{Error, untrusted};
use super::kubeconfig::{KubeconfigError, Selection, select};
use super::names::Namespace;
use super::{exec, retry};
use crate::env::Env;
use crate::proxy::proxy_for;

/// How we name ourselves to the API server and its audit log.
const USER_AGENT: &str = concat!("kubectl-regcred/", env!("CARGO_PKG_VERSION"));
/// kubectl waits 30 s. A cluster on the other side of a dead VPN is told sooner with this.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Where a pod finds its ServiceAccount (kubernetes.io/docs/tasks/run-application/access-api-from-pod).
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// The flags that kubectl has for connecting, under kubectl's names.
#[derive(Clone, Debug, Default)]
pub struct ConnectOptions {
    /// `--kubeconfig`: this file alone, and it must be there.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`
    pub context: Option<String>,
    /// `--cluster`
    pub cluster: Option<String>,
    /// `--user`
    pub user: Option<String>,
    /// `--as`, `--as-group`, `--as-uid`
    pub impersonate: Impersonate,
    /// `--request-timeout`
    pub request_timeout: RequestTimeout,
}

/// Whom to act as.
#[derive(Clone, Debug, Default)]
pub struct Impersonate {
    /// `--as`
    pub user: Option<String>,
    /// `--as-group`
    pub groups: Vec<String>,
    /// `--as-uid`
    pub uid: Option<String>,
}

/// How long one request may take, as kubectl's `--request-timeout`: `0`, whole seconds, or a duration such as `1m30s`.
///
/// Without the flag kubectl waits for ever; here it is a minute, because no request of ours lasts longer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestTimeout(Option<Duration>);

/// A text that is no duration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a timeout is 0 (none), a number of seconds, or a duration such as 5s, 1m30s or 2h")]
pub struct RequestTimeoutError;

impl Default for RequestTimeout {
    fn default() -> Self {
        Self(Some(Duration::from_secs(60)))
    }
}

impl RequestTimeout {
    /// The time, if it is limited.
    #[must_use]
    pub fn limit(self) -> Option<Duration> {
        self.0
    }
}

impl FromStr for RequestTimeout {
    type Err = RequestTimeoutError;

    fn from_str(text: &str) -> Result<Self, RequestTimeoutError> {
        let total = if let Ok(seconds) = text.parse::<u32>() {
            Duration::from_secs(seconds.into())
        } else {
            let mut rest = text;
            let mut total = Duration::ZERO;
            while !rest.is_empty() {
                let end = rest
                    .find(|c: char| !c.is_ascii_digit() && c != '.')
                    .ok_or(RequestTimeoutError)?;
                let number: f64 = rest[..end].parse().map_err(|_| RequestTimeoutError)?;
                let unit_end = rest[end..]
                    .find(|c: char| c.is_ascii_digit())
                    .map_or(rest.len(), |at| end + at);
                let unit = match &rest[end..unit_end] {
                    "ms" => 0.001,
                    "s" => 1.0,
                    "m" => 60.0,
                    "h" => 3600.0,
                    _ => return Err(RequestTimeoutError),
                };
                let part = Duration::try_from_secs_f64(number * unit).map_err(|_| RequestTimeoutError)?;
                total = total.checked_add(part).ok_or(RequestTimeoutError)?;
                rest = &rest[unit_end..];
            }
            if text.is_empty() {
                return Err(RequestTimeoutError);
            }
            total
        };
        Ok(Self(Some(total).filter(|total| !total.is_zero())))
    }
}

/// A connection to the cluster of one context. Cheap to clone; all clones share the connections.
#[derive(Clone)]
pub struct Cluster {
    context: String,
    namespace: Namespace,
    server: String,
    client: Client,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cluster")
            .field("context", &self.context)
            .field("server", &self.server)
            .finish_non_exhaustive()
    }
}

impl Cluster {
    /// Reads the kubeconfig, runs its credential plugin if it has one, and makes the client. Sends nothing yet.
    pub async fn connect(env: &Env, options: &ConnectOptions) -> Result<Self, Error> {
        let mut selection = match select(env, options)? {
            Some(selection) => selection,
            None => in_cluster(env, SERVICE_ACCOUNT.as_ref()).ok_or(KubeconfigError::None)?,
        };
        exec::resolve(&mut selection.user, &selection.cluster, env).await?;
        impersonate(&mut selection.user, &options.impersonate)?;
        let limit = options.request_timeout.limit();
        let server = server_url(&selection.cluster)?;
        let proxy = proxy_for(&server, selection.cluster.proxy_url.as_deref(), env)?;

        let mut config = Config::new(server.clone());
        config.default_namespace = selection.namespace.to_string();
        config.root_cert = authorities(&selection.cluster)?;
        config.accept_invalid_certs = selection.cluster.insecure_skip_tls_verify.unwrap_or(false);
        config.tls_server_name = selection
            .cluster
            .tls_server_name
            .clone()
            .filter(|name| !name.is_empty());
        config.proxy_url = proxy;
        config.auth_info = credentials(selection.user)?;
        config.connect_timeout = Some(limit.map_or(CONNECT_TIMEOUT, |limit| limit.min(CONNECT_TIMEOUT)));
        // For a body that stops half way: the policy's limit ends with the response's head.
        config.read_timeout = limit;
        config.reset_reader_on_write = true;
        config.default_retry = false;
        config
            .headers
            .push((header::USER_AGENT, HeaderValue::from_static(USER_AGENT)));

        let client = ClientBuilder::try_from(config)
            .map_err(|error| unusable(&error))?
            .build();
        let policy = retry::Policy {
            timeout: limit,
            ..retry::Policy::default()
        };
        Ok(Self {
            context: selection.context,
            namespace: selection.namespace,
            // Without a user name and password, should somebody have put them there.
            server: format!(
                "{}://{}{}",
                server.scheme_str().unwrap_or("https"),
                server.host().unwrap_or_default(),
                server.port().map_or_else(String::new, |port| format!(":{port}"))
            ),
            client: retry::client(client, policy),
        })
    }

    /// The context's name; empty in a pod and where only `--cluster` was given.
    #[must_use]
    pub fn context(&self) -> &str {
        &self.context
    }

    /// The context's namespace.
    #[must_use]
    pub fn namespace(&self) -> &Namespace {
        &self.namespace
    }

    /// The API server's URL, for messages.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// The client.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }
}

/// What a pod's ServiceAccount leads to.
fn in_cluster(env: &Env, folder: &std::path::Path) -> Option<Selection> {
    let (host, port) = (env.var("KUBERNETES_SERVICE_HOST")?, env.var("KUBERNETES_SERVICE_PORT")?);
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    let file = |name: &str| Some(folder.join(name).to_str()?.to_owned());
    let token = file("token")?;
    std::fs::metadata(&token).ok()?;
    let namespace = std::fs::read_to_string(folder.join("namespace")).ok();
    Some(Selection {
        context: String::new(),
        namespace: namespace
            .and_then(|name| name.trim().parse().ok())
            .unwrap_or_else(Namespace::of_default),
        cluster: kube::config::Cluster {
            server: Some(format!("https://{host}:{port}")),
            certificate_authority: file("ca.crt"),
            ..Default::default()
        },
        user: AuthInfo {
            token_file: Some(token),
            ..Default::default()
        },
    })
}

fn server_url(cluster: &kube::config::Cluster) -> Result<Uri, Error> {
    let error = |what: &str| Error::Config {
        part: "cluster",
        what: what.to_owned(),
    };
    let text = cluster
        .server
        .as_deref()
        .filter(|server| !server.is_empty())
        .ok_or_else(|| error("it has no server"))?;
    let has_tls = cluster.certificate_authority.is_some()
        || cluster.certificate_authority_data.is_some()
        || cluster.insecure_skip_tls_verify == Some(true);
    let scheme = if has_tls { "https" } else { "http" };
    let text = if text.contains("://") {
        text.to_owned()
    } else {
        format!("{scheme}://{text}")
    };
    let uri: Uri = text.parse().map_err(|_| error("its server is not a URL"))?;
    match uri.scheme_str() {
        Some("http" | "https") if uri.host().is_some_and(|host| !host.is_empty()) => Ok(uri),
        _ => Err(error("its server is not an http or https URL")),
    }
}

/// The certificates of the cluster's CA; `None` leaves it to the operating system's.
fn authorities(cluster: &kube::config::Cluster) -> Result<Option<Vec<Vec<u8>>>, Error> {
    let error = |what: String| Error::Config {
        part: "certificate authority",
        what,
    };
    let data = cluster
        .certificate_authority_data
        .as_deref()
        .filter(|data| !data.is_empty());
    let file = cluster.certificate_authority.as_deref().filter(|file| !file.is_empty());
    if cluster.insecure_skip_tls_verify == Some(true) && (data.is_some() || file.is_some()) {
        return Err(error(
            "it stands beside insecure-skip-tls-verify, which contradicts it".to_owned(),
        ));
    }
    let pem = match (data, file) {
        (Some(data), _) => STANDARD
            .decode(data.trim())
            .map_err(|_| error("it is not base64".to_owned()))?,
        (None, Some(file)) => std::fs::read(file).map_err(|why| error(format!("{}: {why}", untrusted(file))))?,
        (None, None) => return Ok(None),
    };
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(&pem)
        .map(|certificate| certificate.map(|der| der.to_vec()))
        .collect::<Result<_, _>>()
        .map_err(|_| error("it is not PEM".to_owned()))?;
    if certificates.is_empty() {
        return Err(error("there is no certificate in it".to_owned()));
    }
    Ok(Some(certificates))
}

/// The user as kube has to see it, so that it does what client-go would.
fn credentials(mut user: AuthInfo) -> Result<AuthInfo, Error> {
    let error = |what: String| Error::Config { part: "user", what };
    // client-go: a token file that can be read and is not empty wins over the token beside it.
    if let Some(file) = user.token_file.take().filter(|file| !file.is_empty()) {
        let read = std::fs::read_to_string(&file).map(Zeroizing::new);
        let from_file = read
            .as_ref()
            .ok()
            .map(|text| text.trim())
            .filter(|text| !text.is_empty());
        match (from_file, &user.token) {
            (Some(token), _) => user.token = Some(SecretString::from(token)),
            (None, Some(_)) => {}
            (None, None) => {
                let why = read
                    .err()
                    .map_or_else(|| "it is empty".to_owned(), |why| why.to_string());
                return Err(error(format!("token file {}: {why}", untrusted(&file))));
            }
        }
    }
    user.token = user.token.filter(|token| !token.expose_secret().is_empty());
    user.username = user.username.filter(|name| !name.is_empty());
    if user.username.is_some() && user.token.is_some() {
        return Err(error("it has both a token and a user name with password".to_owned()));
    }
    if let Some(provider) = user.auth_provider.take() {
        // The only provider that client-go still has. Its token is not renewed here.
        let token = provider.config.get("id-token").filter(|_| provider.name == "oidc");
        let token = token.ok_or_else(|| {
            let name = untrusted(&provider.name);
            error(format!(
                "auth provider {name} is not supported; kubectl has moved to credential plugins"
            ))
        })?;
        user.token = Some(SecretString::from(token.as_str()));
    }
    for data in [
        &mut user.client_certificate_data,
        &mut user.client_certificate,
        &mut user.client_key,
    ] {
        *data = data.take().filter(|text| !text.is_empty());
    }
    Ok(user)
}

fn impersonate(user: &mut AuthInfo, wanted: &Impersonate) -> Result<(), Error> {
    if let Some(name) = &wanted.user {
        user.impersonate = Some(name.clone());
    }
    if !wanted.groups.is_empty() {
        user.impersonate_groups = Some(wanted.groups.clone());
    }
    if let Some(uid) = &wanted.uid {
        user.impersonate_uid = Some(uid.clone());
    }
    let more = user.impersonate_groups.is_some() || user.impersonate_uid.is_some();
    if more && user.impersonate.as_deref().is_none_or(str::is_empty) {
        return Err(Error::Config {
            part: "user",
            what: "a group or uid to act as needs a user to act as (--as)".to_owned(),
        });
    }
    Ok(())
}

/// kube could not make a client. Its text is cut down to what holds no certificate.
fn unusable(error: &kube::Error) -> Error {
    let (part, what) = match error {
        kube::Error::RustlsTls(why) => ("certificates", why.to_string()),
        kube::Error::InferKubeconfig(why) => ("client certificate", why.to_string()),
        kube::Error::Auth(_) => ("user", "its token or password cannot be sent in a header".to_owned()),
        kube::Error::HttpError(_) => ("user", "a name to act as cannot be sent in a header".to_owned()),
        _ => ("cluster", "no client can be made for it".to_owned()),
    };
    Error::Config {
        part,
        what: untrusted(&what),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timeouts_are_kubectls() {
        for (text, seconds) in [
            ("5", 5.0),
            ("5s", 5.0),
            ("1m", 60.0),
            ("1m30s", 90.0),
            ("1.5h", 5400.0),
            ("250ms", 0.25),
        ] {
            let limit = text.parse::<RequestTimeout>().unwrap().limit().unwrap();
            assert!((limit.as_secs_f64() - seconds).abs() < 1e-9, "{text}");
        }
        for text in ["0", "0s"] {
            assert_eq!(text.parse::<RequestTimeout>().unwrap().limit(), None);
        }
        for text in [
            "",
            "s",
            "5x",
            "-5",
            "1m30",
            "1..5s",
            "99999999999999999999h",
            "5 s",
            "inf",
        ] {
            assert_eq!(text.parse::<RequestTimeout>(), Err(RequestTimeoutError), "{text}");
        }
    }

    #[test]
    fn a_token_file_wins_where_it_can_be_read() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("token");
        std::fs::write(&file, "from-file\n").unwrap();
        let user = |file: &str, token: Option<&str>| AuthInfo {
            token_file: Some(file.to_owned()),
            token: token.map(SecretString::from),
            ..Default::default()
        };
        let token = |user| credentials(user).map(|user| user.token.unwrap().expose_secret().to_owned());
        assert_eq!(
            token(user(file.to_str().unwrap(), Some("inline"))).unwrap(),
            "from-file"
        );
        assert_eq!(token(user("/nonexistent/token", Some("inline"))).unwrap(), "inline");
        assert!(
            token(user("/nonexistent/token", None))
                .unwrap_err()
                .to_string()
                .contains("/nonexistent/token")
        );
    }

    #[test]
    fn a_pod_is_connected_by_its_service_account() {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in [("token", "t"), ("ca.crt", "c"), ("namespace", "team\n")] {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let env: Env = [
            ("KUBERNETES_SERVICE_HOST", "fd00::1"),
            ("KUBERNETES_SERVICE_PORT", "443"),
        ]
        .into_iter()
        .collect();
        let selection = in_cluster(&env, folder.path()).unwrap();
        assert_eq!(selection.namespace.as_str(), "team");
        assert_eq!(selection.cluster.server.as_deref(), Some("https://[fd00::1]:443"));
        assert!(in_cluster(&Env::default(), folder.path()).is_none());
        assert!(in_cluster(&env, &folder.path().join("none")).is_none());
    }

    #[test]
    fn nothing_of_a_credential_is_quoted() {
        let cluster = |data: &str| kube::config::Cluster {
            certificate_authority_data: Some(data.to_owned()),
            ..Default::default()
        };
        for data in [
            "s3cret!",
            &STANDARD.encode("s3cret"),
            &STANDARD.encode("-----BEGIN CERTIFICATE-----\ns3cret!\n-----END CERTIFICATE-----"),
        ] {
            let error = authorities(&cluster(data)).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("s3cret"), "{error:?}");
        }
    }
}
