//! One client for one context, connected as kubectl would.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{HeaderValue, header};
use kube::{Client, Config};
use tokio::sync::OnceCell;

use super::call::{Call, Server};
use super::kubeconfig::{KubeconfigError, select};
use super::options::ConnectOptions;
use super::server::{in_cluster, server_url, trust};
use super::user::{credentials, identity, impersonate, without_tls};
use super::{exec, retry, transport};
use crate::cluster::error::Error;
use crate::cluster::resource::Object;
use crate::cluster::untrusted::untrusted;
use crate::model::{ClusterId, Namespace, Redaction};
use crate::sys::env::Env;
use crate::sys::proxy::{is_loopback, proxy_for};
use crate::tls;

/// Our name for the API server and its audit log.
const USER_AGENT: &str = concat!("kubectl-regcred/", env!("CARGO_PKG_VERSION"));
/// Shorter than kubectl's 30 s, so that a cluster behind a dead VPN is reported sooner.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Where a pod finds its ServiceAccount (kubernetes.io/docs/tasks/run-application/access-api-from-pod).
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// Whether this runs in a pod that has a ServiceAccount.
pub fn is_in_pod(env: &Env) -> bool {
    in_cluster(env, SERVICE_ACCOUNT.as_ref()).is_some()
}

/// A connection to the cluster of one context. Cheap to clone; all clones share the connections.
#[derive(Clone)]
pub struct Cluster {
    context: String,
    namespace: Namespace,
    server: String,
    client: Client,
    /// The cluster's id, once it was asked for.
    id: Arc<OnceCell<ClusterId>>,
    /// What was read and written, of all clones together.
    secrets: Arc<Mutex<Redaction>>,
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
    /// Reads the kubeconfig, runs its credential plugin, if any, and makes the client. Sends nothing yet.
    pub async fn connect(env: &Env, options: &ConnectOptions) -> Result<Self, Error> {
        let mut selection = if let Some(selection) = select(env, options)? {
            selection
        } else {
            let folder = options.service_account.as_deref();
            in_cluster(env, folder.unwrap_or(SERVICE_ACCOUNT.as_ref())).ok_or(KubeconfigError::None)?
        };
        let server = server_url(&selection.cluster)?;
        // clientcmd sends no credential without TLS. To this machine itself, through `kubectl proxy` or to a test's server,
        // ours does.
        if server.scheme_str() == Some("http") && !is_loopback(&server) {
            selection.user = without_tls(selection.user)?;
        }
        let caller = exec::Caller {
            context: &selection.context,
            is_unattended: options.is_unattended,
            limit: options.request_timeout.limit(),
        };
        exec::resolve(&mut selection.user, &selection.cluster, env, caller).await?;
        impersonate(&mut selection.user, &options.impersonate)?;
        let limit = options.request_timeout.limit();
        let proxy = proxy_for(&server, selection.cluster.proxy_url.as_deref(), env)?;

        let trust = trust(&selection.cluster)?;
        let identity = identity(&mut selection.user)?;
        let tls = tls::client(&trust, identity).map_err(|_| Error::Config {
            part: "cluster",
            what: "it names no certificate authority, and this system has none that can be read".to_owned(),
        })?;

        let mut config = Config::new(server.clone());
        config.default_namespace = selection.namespace.to_string();
        config.tls_server_name = selection
            .cluster
            .tls_server_name
            .clone()
            .filter(|name| !name.is_empty());
        config.proxy_url = proxy;
        config.auth_info = credentials(selection.user)?;
        let connect_timeout = limit.map_or(CONNECT_TIMEOUT, |limit| limit.min(CONNECT_TIMEOUT));
        config.connect_timeout = Some(connect_timeout);
        // For a watch whose connection is dead: the policy limits everything else as a whole.
        config.read_timeout = limit;
        config.reset_reader_on_write = true;
        config
            .headers
            .push((header::USER_AGENT, HeaderValue::from_static(USER_AGENT)));

        // As client-go does for whoever has a proxy that breaks HTTP/2.
        let http = match env.os("DISABLE_HTTP2") {
            Some(_) => transport::Http::One,
            None => transport::Http::Two,
        };
        let client = transport::client(&config, &tls, http)?;
        let policy = retry::Policy {
            timeout: limit,
            connect_timeout,
            ..retry::Policy::default()
        };
        Ok(Self {
            context: selection.context,
            namespace: selection.namespace,
            // A URL can contain a user name and a password.
            server: format!(
                "{}://{}{}{}",
                server.scheme_str().unwrap_or("https"),
                server.host().unwrap_or_default(),
                server.port().map_or_else(String::new, |port| format!(":{port}")),
                server.path().trim_end_matches('/')
            ),
            client: retry::client(client, policy),
            id: Arc::default(),
            secrets: Arc::default(),
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

    /// The context and the API server, for messages.
    #[must_use]
    pub fn place(&self) -> String {
        match self.context.as_str() {
            "" => self.server.clone(),
            context => format!("{} (context {})", self.server, untrusted(context)),
        }
    }

    /// The API server's URL, for messages.
    #[must_use]
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Secrets that are removed from what this cluster says.
    pub fn secrets(&self) -> MutexGuard<'_, Redaction> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// As messages name it.
    pub fn named(&self) -> Server<'_> {
        Server {
            url: &self.server,
            context: &self.context,
            secrets: &self.secrets,
        }
    }

    /// What the error of a request about this object needs to know.
    pub(in crate::cluster) fn call(&self, object: impl Into<Object>) -> Call<'_> {
        Call {
            server: self.named(),
            object: object.into(),
        }
    }

    /// Where [`Cluster::id`] keeps its answer.
    pub(in crate::cluster) fn known_id(&self) -> &OnceCell<ClusterId> {
        &self.id
    }

    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }
}
