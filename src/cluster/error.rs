//! Errors of working with a cluster, with their hints.

use std::time::Duration;

use thiserror::Error;

use super::client::exec::ExecError;
use super::client::kubeconfig::KubeconfigError;
use super::rbac::{Access, Scope, Subject, role_for_verb};
use super::resource::{Object, Resource};
use super::secret::plan::Refusal;
use crate::model::{CommandLine, Hint, Namespace, Target};
use crate::sys::proxy::{ProxyError, is_loopback};
use crate::tls::{self, IdentityError};

/// Why something could not be done in a cluster.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum Error {
    /// The kubeconfig leads to no cluster.
    #[error(transparent)]
    Kubeconfig(#[from] KubeconfigError),
    /// The credential plugin gave no credential.
    #[error(transparent)]
    Exec(#[from] ExecError),
    /// The proxy cannot be used.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// The cluster or user of the kubeconfig cannot be used.
    #[error("the kubeconfig's {part} cannot be used: {what}")]
    Config {
        /// `cluster` or `user`, or what of them.
        part: &'static str,
        what: String,
    },
    /// The user's client certificate cannot be used.
    #[error("the kubeconfig's user cannot be used: {0}")]
    Identity(#[from] IdentityError),
    /// No connection.
    #[error("cannot reach the API server {server}: {why}")]
    Unreachable {
        server: String,
        /// What the system says.
        why: String,
    },
    /// A connection, but not to a server that the kubeconfig trusts.
    #[error("no trusted connection to the API server {server}: {fault}")]
    Tls { server: String, fault: tls::Fault },
    /// No answer in time.
    #[error("the API server {server} did not answer within {} s", .after.as_secs_f32())]
    Timeout {
        server: String,
        /// The time that it had.
        after: Duration,
    },
    /// 429, 503 or 504, again and again.
    #[error("the API server {server} is too busy or not ready (HTTP {status})")]
    Busy {
        server: String,
        /// The last answer's HTTP status.
        status: u16,
    },
    /// 401: it does not know the user.
    #[error("the API server {server} does not accept the kubeconfig's credentials for context {context:?}")]
    Unauthorized { server: String, context: String },
    /// 403 because the context gives no credential.
    #[error("context {context:?} gives no credential: to the API server {server} we are system:anonymous")]
    Anonymous { server: String, context: String },
    /// 403 by authorization: the user may not.
    #[error(transparent)]
    Forbidden(Box<Forbidden>),
    /// 403 by anything else, such as a quota, and any status by a policy or an admission webhook.
    #[error("the API server refused the request about {object}: {message}")]
    Denied {
        object: Object,
        /// The server's reason.
        message: String,
    },
    /// 422: the object is none that the API takes, or not as a change of what is there.
    #[error("the API server does not take {object}: {message}")]
    Invalid {
        object: Object,
        /// The server's reason.
        message: String,
    },
    /// The namespace does not exist.
    #[error("namespace {namespace} not found")]
    NamespaceNotFound { namespace: Namespace },
    /// The namespace is on its way out, and takes nothing new.
    #[error("namespace {namespace} is being deleted")]
    NamespaceTerminating { namespace: Namespace },
    /// The Secret is there and not ours to write.
    #[error("{target}: {refusal}")]
    Refused { target: Target, refusal: Refusal },
    /// There is no such ServiceAccount.
    #[error("{object} not found")]
    NotFound { object: Object },
    /// Another client wrote the object before each of our attempts.
    #[error("{object} was changed by somebody else {tries} times in a row while it was to be written: {message}")]
    Contended {
        object: Object,
        /// How often it was tried.
        tries: u32,
        /// The server's last reason.
        message: String,
    },
    /// The response is not from a Kubernetes API server, but from a proxy, an ingress or a login page.
    #[error("{server} did not answer as a Kubernetes API server: {asked} gave HTTP {status} and {said}")]
    NotKubernetes {
        /// The URL that the kubeconfig leads to.
        server: String,
        /// Method and path of the request.
        asked: String,
        status: u16,
        /// A description of the response's body.
        said: String,
    },
    /// The request could not be made: a fault of ours.
    #[error("the request about {object} cannot be made: {why}")]
    Request {
        /// What it was to be about.
        object: Object,
        why: String,
    },
    /// Any other failure that the server reports.
    #[error("the API server {server} answered HTTP {status}: {message}")]
    Server {
        server: String,
        status: u16,
        /// The server's reason.
        message: String,
    },
    /// The answer is not what the API promises.
    #[error("the answer of the API server {server} cannot be read: {why}")]
    Answer { server: String, why: String },
}

/// What the user may not do, and the Role that would allow it.
#[derive(Debug, Error)]
#[error("{} may not {verb} {}{}", user.as_deref().unwrap_or("you"), .resource.plural(), in_namespace(.namespace.as_ref()))]
pub struct Forbidden {
    /// As RBAC has it: `get`, `create`, `patch` …
    pub verb: String,
    pub resource: Resource,
    /// The object's name, where it is about one.
    pub name: Option<String>,
    /// `None` for what is not in a namespace.
    pub namespace: Option<Namespace>,
    /// The user that the server authenticated us as, if it says so.
    pub user: Option<String>,
    /// Everything that the command does with this object, if it is known, so that one Role is enough.
    pub(super) access: Option<Access>,
}

impl Forbidden {
    /// YAML of the Role, to be applied by somebody who may; of a ClusterRole for what is not in a namespace. `None` where
    /// the server names a verb that we never use.
    #[must_use]
    pub fn role(&self) -> Option<String> {
        let is_everywhere = self.access.as_ref().is_some_and(|access| access.is_everywhere);
        let scope = match &self.namespace {
            Some(namespace) if !is_everywhere => Scope::Namespace(Some(namespace.clone())),
            _ => Scope::Cluster,
        };
        let subjects: Vec<_> = self.user.iter().map(|user| Subject::of_user(user)).collect();
        if let Some(access) = &self.access {
            return Some(access.role(&scope, &subjects));
        }
        role_for_verb(&self.verb, self.resource, self.name.as_deref(), &scope, &subjects)
    }
}

/// What to do about an API server's TLS.
fn tls_hint(fault: &tls::Fault) -> Option<&'static str> {
    Some(match fault {
        tls::Fault::UnknownAuthority => "does the kubeconfig's certificate-authority belong to this cluster?",
        tls::Fault::WrongName { .. } => {
            "use a name that the certificate is for as the kubeconfig's server, or give it as tls-server-name"
        }
        tls::Fault::NoName => {
            "issue the API server's certificate with a subjectAltName: a common name is not looked at"
        }
        tls::Fault::Expired => "renew the API server's certificate; if it is new, check this machine's clock",
        tls::Fault::NotYetValid => "check this machine's clock",
        tls::Fault::NotTls => "is that the API server's port? A server without TLS wants http:// in the kubeconfig",
        tls::Fault::Other(reason) => return reason.hint(),
    })
}

fn in_namespace(namespace: Option<&Namespace>) -> String {
    namespace.map_or_else(String::new, |namespace| format!(" in namespace {namespace}"))
}

impl Error {
    /// The hints.
    #[must_use]
    pub fn hint(&self) -> Option<Hint> {
        Some(match self {
            Self::Kubeconfig(error) => error.hint().into(),
            Self::Exec(error) => return error.hint().map(Hint::from),
            Self::Unreachable { .. } => {
                "is the cluster up, and is the VPN or tunnel to it? `kubectl cluster-info`".into()
            }
            Self::Identity(error) => error.hint().into(),
            Self::Tls { fault, .. } => tls_hint(fault)?.into(),
            Self::Timeout { .. } => "give it more time with --request-timeout".into(),
            Self::Busy { .. } => "try again in a moment".into(),
            Self::Unauthorized { server, .. } | Self::Anonymous { server, .. } if is_without_tls(server) => {
                "without TLS neither kubectl nor this program sends a credential: the kubeconfig has to name the server's \
                 https:// address"
                    .into()
            }
            Self::Unauthorized { .. } => {
                "log in to the cluster again; `kubectl auth whoami` says who you are to it".into()
            }
            Self::Anonymous { .. } => "the context's user needs a token, a client certificate or a credential plugin; \
                                       Kubernetes takes no password: `kubectl config view --minify` shows it"
                .into(),
            Self::Forbidden(_) => "somebody who may has to apply the Role below".into(),
            Self::NotFound { object } => {
                let get = CommandLine::new("kubectl get").words(object.resource.plural());
                match &object.namespace {
                    Some(namespace) => get.option("-n", "NAMESPACE", namespace.as_str()),
                    None => get,
                }
                .into()
            }
            Self::NamespaceNotFound { namespace } => CommandLine::new("kubectl create namespace")
                .value("NAMESPACE", namespace.as_str())
                .into(),
            Self::NamespaceTerminating { namespace } => {
                let wait =
                    CommandLine::new("kubectl wait --for=delete namespace").value("NAMESPACE", namespace.as_str());
                Hint::to("wait for it", wait)
            }
            Self::Refused { refusal, .. } => refusal.hint().into(),
            Self::Contended { object, .. } => {
                let get = CommandLine::new("kubectl get").words(object.resource.plural());
                let get = match &object.namespace {
                    Some(namespace) => get.option("-n", "NAMESPACE", namespace.as_str()),
                    None => get,
                };
                Hint::to(
                    "find out what else writes it",
                    get.words("-o yaml --show-managed-fields"),
                )
            }
            Self::NotKubernetes { .. } => {
                "is that the cluster's whole URL? `kubectl config view --minify` shows it; a proxy, an ingress or a \
                 load balancer may answer in the API server's place: `kubectl get --raw /version` asks it as well"
                    .into()
            }
            Self::Config { .. } => "`kubectl config view --minify` shows it".into(),
            Self::Denied { .. } => "a rule of the cluster decided so (a quota, a policy or an admission webhook), and no Role \
                                    changes it: ask who runs the cluster"
                .into(),
            Self::Invalid { object, .. } => {
                let describe = CommandLine::new("kubectl describe").words(object.resource.plural());
                let describe = match &object.namespace {
                    Some(namespace) => describe.option("-n", "NAMESPACE", namespace.as_str()),
                    None => describe,
                };
                let describe = match &object.name {
                    Some(name) => describe.foreign("NAME", name),
                    None => describe,
                };
                Hint::to("the message says which field is wrong; this shows what is there", describe)
            }
            Self::Server { .. } => {
                "try again; `kubectl get --raw '/readyz?verbose'` says whether the API server is well".into()
            }
            Self::Answer { .. } => {
                "does a proxy or a load balancer change it on the way? `kubectl get --raw /version` asks as well".into()
            }
            Self::Proxy(_) | Self::Request { .. } => return None,
        })
    }

    /// Whether no other request to the cluster would get past it either.
    #[must_use]
    pub(super) fn is_fatal(&self) -> bool {
        self.is_about_the_cluster() || matches!(self, Self::Timeout { .. } | Self::Busy { .. })
    }

    /// The same, and where it is about a missing permission, with a Role for all of this.
    #[must_use]
    pub fn for_access(mut self, access: &Access) -> Self {
        if let Self::Forbidden(forbidden) = &mut self {
            forbidden.access = Some(access.clone());
        }
        self
    }

    /// The same, unless the caller has already described what it does.
    pub(super) fn for_access_at_least(self, access: &Access) -> Self {
        match &self {
            Self::Forbidden(forbidden) if forbidden.access.is_none() => self.for_access(access),
            _ => self,
        }
    }

    /// Whether the whole cluster is unreachable, so that its other targets would fail too.
    #[must_use]
    pub fn is_about_the_cluster(&self) -> bool {
        matches!(
            self,
            Self::Kubeconfig(_)
                | Self::Exec(_)
                | Self::Proxy(_)
                | Self::Config { .. }
                | Self::Identity(_)
                | Self::Unreachable { .. }
                | Self::Tls { .. }
                | Self::Unauthorized { .. }
                | Self::Anonymous { .. }
                // A wrong path is wrong for all; what else a gateway refuses may be one request alone.
                | Self::NotKubernetes { status: 404, .. }
        )
    }
}

/// Whether what [`super::Cluster`] sends to this server would meet a network unencrypted.
fn is_without_tls(server: &str) -> bool {
    let server: Result<http::Uri, _> = server.parse();
    server.is_ok_and(|server| server.scheme_str() == Some("http") && !is_loopback(&server))
}
