//! What can go wrong between us and the API server, each with what to do next.

use std::time::Duration;

use http_body_util::LengthLimitError;
use kube::core::Status;
use thiserror::Error;

use super::connect::Cluster;
use super::exec::ExecError;
use super::kubeconfig::KubeconfigError;
use super::names::Namespace;
use super::plan::Refusal;
use super::pull_secret::Target;
use super::resource::{Object, Resource};
use super::retry::TimedOut;
use super::role::{Access, Feature, Scope, Subject};
use crate::model::printable;
use crate::proxy::ProxyError;

/// Longest text from a server that is worth showing, in characters.
const MAX_SHOWN: usize = 300;

/// Text that somebody else wrote, fit for one line of a terminal.
pub(super) fn untrusted(text: &str) -> String {
    printable(text, MAX_SHOWN)
}

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
        /// What is wrong.
        what: String,
    },
    /// No connection.
    #[error("cannot reach the API server {server}: {why}")]
    Unreachable {
        /// Its URL.
        server: String,
        /// What the system says.
        why: String,
    },
    /// A connection, but not to a server that the kubeconfig trusts.
    #[error("no trusted connection to the API server {server}: {why}")]
    Tls {
        /// Its URL.
        server: String,
        /// What the TLS library says.
        why: String,
    },
    /// No answer in time.
    #[error("the API server {server} did not answer within {} s", .after.as_secs_f32())]
    Timeout {
        /// Its URL.
        server: String,
        /// The time that it had.
        after: Duration,
    },
    /// 429, 503 or 504, again and again.
    #[error("the API server {server} is too busy or not ready (HTTP {status})")]
    Busy {
        /// Its URL.
        server: String,
        /// The last answer's HTTP status.
        status: u16,
    },
    /// 401: it does not know the user.
    #[error("the API server {server} does not accept the kubeconfig's credentials for context {context:?}")]
    Unauthorized {
        /// Its URL.
        server: String,
        /// The context.
        context: String,
    },
    /// 403 by authorization: the user may not.
    #[error(transparent)]
    Forbidden(Box<Forbidden>),
    /// 403 by anything else, such as a quota or an admission webhook.
    #[error("the API server refused the request about {object}: {message}")]
    Denied {
        /// What it was about.
        object: Object,
        /// The server's reason.
        message: String,
    },
    /// The namespace does not exist.
    #[error("namespace {namespace} not found")]
    NamespaceNotFound {
        /// Its name.
        namespace: Namespace,
    },
    /// The namespace is on its way out, and takes nothing new.
    #[error("namespace {namespace} is being deleted")]
    NamespaceTerminating {
        /// Its name.
        namespace: Namespace,
    },
    /// The Secret is there and not ours to write.
    #[error("{target}: {refusal}")]
    Refused {
        /// The Secret.
        target: Target,
        /// Why not.
        refusal: Refusal,
    },
    /// There is no such ServiceAccount.
    #[error("{object} not found")]
    NotFound {
        /// Which one.
        object: Object,
    },
    /// Somebody else wrote the object each time that we were about to.
    #[error("{object} was changed by somebody else {tries} times in a row while it was to be written: {message}")]
    Contended {
        /// Which one.
        object: Object,
        /// How often it was tried.
        tries: u32,
        /// The server's last reason.
        message: String,
    },
    /// Any other failure that the server reports.
    #[error("the API server {server} answered HTTP {status}: {message}")]
    Server {
        /// Its URL.
        server: String,
        /// The HTTP status.
        status: u16,
        /// The server's reason.
        message: String,
    },
    /// The answer is not what the API promises.
    #[error("the answer of the API server {server} cannot be read: {why}")]
    Answer {
        /// Its URL.
        server: String,
        /// What is wrong with it.
        why: String,
    },
}

/// What the user may not do, and the Role that would allow it.
#[derive(Debug, Error)]
#[error("{} may not {verb} {}{}", user.as_deref().unwrap_or("you"), .resource.plural(), in_namespace(.namespace.as_ref()))]
pub struct Forbidden {
    /// As RBAC has it: `get`, `create`, `patch` …
    pub verb: String,
    /// What it was about.
    pub resource: Resource,
    /// The object's name, where it is about one.
    pub name: Option<String>,
    /// `None` for what is not in a namespace.
    pub namespace: Option<Namespace>,
    /// Whom the server took us for, where it says so.
    pub user: Option<String>,
    /// All that the command does, where it said so: who has to ask for a Role should have to ask once.
    access: Option<Access>,
}

impl Forbidden {
    /// YAML of the Role, to be applied by somebody who may; of a ClusterRole for what is not in a namespace.
    #[must_use]
    pub fn role(&self) -> String {
        let access = self.access.clone().unwrap_or_else(|| Access {
            features: [Feature::Secrets].into(),
            secret: self.name.as_deref().and_then(|name| name.parse().ok()),
            ..Access::default()
        });
        let scope = match &self.namespace {
            Some(namespace) if !access.is_everywhere() => Scope::Namespace(Some(namespace.clone())),
            _ => Scope::Cluster,
        };
        let subjects: Vec<_> = self.user.iter().map(|user| Subject::of_user(user)).collect();
        access.role(&scope, &subjects)
    }
}

fn in_namespace(namespace: Option<&Namespace>) -> String {
    namespace.map_or_else(String::new, |namespace| format!(" in namespace {namespace}"))
}

impl Error {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Kubeconfig(error) => return error.hint(),
            Self::Exec(error) => return error.hint(),
            Self::Unreachable { .. } => {
                "is the cluster up, and is the VPN or tunnel to it? `kubectl cluster-info`".into()
            }
            Self::Tls { why, .. } if why.contains("CaUsedAsEndEntity") => {
                "its certificate is a self-signed CA certificate: give the server one that is signed by it".into()
            }
            Self::Tls { .. } => "does the kubeconfig's certificate-authority belong to this cluster?".into(),
            Self::Timeout { .. } => "give it more time with --request-timeout".into(),
            Self::Busy { .. } => "try again in a moment".into(),
            Self::Unauthorized { .. } => {
                "log in to the cluster again; `kubectl auth whoami` says who you are to it".into()
            }
            Self::Forbidden(_) => "somebody who may has to apply the Role below".into(),
            Self::NotFound { object } => format!(
                "kubectl get {}{}",
                object.resource.plural(),
                object
                    .namespace
                    .as_ref()
                    .map_or_else(String::new, |namespace| format!(" -n {namespace}"))
            ),
            Self::NamespaceNotFound { namespace } => format!("kubectl create namespace {namespace}"),
            Self::NamespaceTerminating { namespace } => {
                format!("wait for it: kubectl wait --for=delete namespace/{namespace}")
            }
            Self::Refused { refusal, .. } => return Some(refusal.hint()),
            Self::Contended { object, .. } => format!(
                "find out what else writes it: kubectl get {} -o yaml --show-managed-fields",
                object.resource.singular()
            ),
            Self::Proxy(_) | Self::Config { .. } | Self::Denied { .. } | Self::Server { .. } | Self::Answer { .. } => {
                return None;
            }
        })
    }

    /// Somebody else wrote the object each time; `message` is what the server said last.
    pub(super) fn contended(object: Object, tries: u32, message: &str) -> Self {
        Self::Contended {
            object,
            tries,
            message: untrusted(message),
        }
    }

    /// The same, and where it is about a missing permission, with a Role for all that the command does.
    #[must_use]
    pub fn for_access(mut self, access: &Access) -> Self {
        if let Self::Forbidden(forbidden) = &mut self {
            forbidden.access = Some(access.clone());
        }
        self
    }

    /// Whether the whole cluster is out of reach, so that its other targets would fare no better.
    #[must_use]
    pub fn is_about_the_cluster(&self) -> bool {
        matches!(
            self,
            Self::Kubeconfig(_)
                | Self::Exec(_)
                | Self::Proxy(_)
                | Self::Config { .. }
                | Self::Unreachable { .. }
                | Self::Tls { .. }
                | Self::Unauthorized { .. }
        )
    }
}

/// What was asked of the server, for the error that it may come to.
pub(super) struct Call<'a> {
    pub server: &'a str,
    pub context: &'a str,
    pub object: Object,
}

impl<'a> Call<'a> {
    pub(super) fn new(cluster: &'a Cluster, object: Object) -> Self {
        Self {
            server: cluster.server(),
            context: cluster.context(),
            object,
        }
    }

    /// The error of a request, by its cause.
    pub(super) fn error(&self, error: kube::Error) -> Error {
        match error {
            kube::Error::Api(status) => self.api(&status),
            error => unanswered(self.server, &error),
        }
    }

    fn api(&self, status: &Status) -> Error {
        let message = untrusted(&status.message);
        let kind = status.details.as_ref().map_or("", |details| details.kind.as_str());
        let causes = status.details.iter().flat_map(|details| &details.causes);
        match status.code {
            403 if causes.into_iter().any(|cause| cause.reason == "NamespaceTerminating") => {
                Error::NamespaceTerminating {
                    namespace: self.namespace(),
                }
            }
            403 => match denied_verb(&status.message) {
                Some(verb) => Error::Forbidden(Box::new(Forbidden {
                    verb: verb.to_owned(),
                    resource: self.object.resource,
                    name: self.object.name.clone(),
                    namespace: self.object.namespace.clone(),
                    user: denied_user(&status.message),
                    access: None,
                })),
                None => Error::Denied {
                    object: self.object.clone(),
                    message,
                },
            },
            404 if kind == "namespaces" => Error::NamespaceNotFound {
                namespace: self.namespace(),
            },
            _ => answered(self.server, self.context, status),
        }
    }

    /// Only what is in one is ever refused for its sake.
    fn namespace(&self) -> Namespace {
        self.object.namespace.clone().unwrap_or_else(Namespace::of_default)
    }
}

/// The error of a request that is about no object, and that everybody may make.
pub(super) fn request_error(cluster: &Cluster, error: &kube::Error) -> Error {
    match error {
        kube::Error::Api(status) => answered(cluster.server(), cluster.context(), status),
        error => unanswered(cluster.server(), error),
    }
}

/// What a status means, whatever it was that was asked.
fn answered(server: &str, context: &str, status: &Status) -> Error {
    let server = server.to_owned();
    match status.code {
        401 => Error::Unauthorized {
            server,
            context: context.to_owned(),
        },
        status @ (429 | 503 | 504) => Error::Busy { server, status },
        code => Error::Server {
            server,
            status: code,
            message: untrusted(&status.message),
        },
    }
}

/// No answer, or none that can be read.
fn unanswered(server: &str, error: &kube::Error) -> Error {
    let server = server.to_owned();
    match error {
        kube::Error::SerdeError(why) => Error::Answer {
            server,
            why: format!("not the expected JSON: line {} column {}", why.line(), why.column()),
        },
        kube::Error::FromUtf8(_) => Error::Answer {
            server,
            why: "it is not text".to_owned(),
        },
        error => transport(server, error),
    }
}

pub(super) fn transport(server: String, error: &kube::Error) -> Error {
    let mut why = String::new();
    let mut tls = false;
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            let why = "it is too long".to_owned();
            return Error::Answer { server, why };
        }
        if let Some(TimedOut(after)) = error.downcast_ref() {
            return Error::Timeout { server, after: *after };
        }
        tls |= error.downcast_ref().is_some_and(is_handshake);
        why = error.to_string();
        cause = error.source();
    }
    let why = untrusted(&why);
    if tls {
        Error::Tls { server, why }
    } else {
        Error::Unreachable { server, why }
    }
}

/// tokio-rustls reports a failed handshake as invalid data, which hyper-rustls wraps in an error of its own: an
/// `io::Error` is not the `source` of the one around it.
fn is_handshake(error: &std::io::Error) -> bool {
    error.kind() == std::io::ErrorKind::InvalidData
        || error
            .get_ref()
            .and_then(|inner| inner.downcast_ref())
            .is_some_and(is_handshake)
}

/// The verb in RBAC's `User "x" cannot patch resource "secrets" in API group "" …`; `None` where the message is not
/// authorization's.
fn denied_verb(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once(" cannot ")?;
    let (verb, rest) = rest.split_once(' ')?;
    if !rest.starts_with("resource ") {
        return None;
    }
    Some(verb).filter(|verb| verb.bytes().all(|byte| byte.is_ascii_lowercase()))
}

fn denied_user(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("User \"")?;
    let (user, _) = rest.split_once('"')?;
    Some(untrusted(user)).filter(|user| !user.is_empty())
}

#[cfg(test)]
mod tests;
