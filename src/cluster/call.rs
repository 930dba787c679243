//! What a request to the API server came to, as an error by its cause.

use http_body_util::LengthLimitError;
use kube::core::Status;

use super::connect::Cluster;
use super::error::{Error, Forbidden, untrusted};
use super::names::Namespace;
use super::resource::Object;
use super::retry::TimedOut;
use crate::tls::Fault;

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
    let mut fault = None;
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            let why = "it is too long".to_owned();
            return Error::Answer { server, why };
        }
        if let Some(TimedOut(after)) = error.downcast_ref() {
            return Error::Timeout { server, after: *after };
        }
        fault = fault.or_else(|| error.downcast_ref().and_then(handshake_fault));
        why = error.to_string();
        cause = error.source();
    }
    if let Some(fault) = fault {
        return Error::Tls { server, fault };
    }
    let why = untrusted(&why);
    Error::Unreachable { server, why }
}

/// tokio-rustls puts rustls's error into an `io::Error`, which hyper-rustls wraps in one of its own: an `io::Error` is
/// not the `source` of the one around it.
fn handshake_fault(error: &std::io::Error) -> Option<Fault> {
    let inner = error.get_ref()?;
    match inner.downcast_ref::<rustls::Error>() {
        Some(error) => Some(Fault::from(error)),
        None => handshake_fault(inner.downcast_ref()?),
    }
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
