//! Turns a failed request to the API server into an error that names its cause.

use std::sync::{Mutex, PoisonError};

use http_body_util::LengthLimitError;
use kube::core::Status;

use super::answer::{Foreign, ForeignBody, Malformed};
use super::retry::TimedOut;
use crate::cluster::error::{Error, Forbidden};
use crate::cluster::resource::Object;
use crate::cluster::untrusted::untrusted;
use crate::model::{Namespace, Redaction};
use crate::tls::Fault;

/// The user name that the API server gives to requests without a credential.
const ANONYMOUS: &str = "system:anonymous";

/// What the error of a request needs to know of it.
pub struct Call<'a> {
    pub server: Server<'a>,
    pub object: Object,
}

/// The server, as messages name it.
#[derive(Clone, Copy)]
pub struct Server<'a> {
    pub url: &'a str,
    pub context: &'a str,
    /// Secrets that are removed from everything that the server says.
    pub secrets: &'a Mutex<Redaction>,
}

impl Call<'_> {
    /// The error of a request, by its cause.
    pub fn error(&self, error: kube::Error) -> Error {
        match error {
            kube::Error::Api(status) => self.api(&status),
            kube::Error::BuildRequest(error) => self.unsent(&error),
            kube::Error::HttpError(error) => self.unsent(&error),
            error => self.server.unanswered(&error),
        }
    }

    /// A request that could not be built, and so was not sent: a bug of ours.
    fn unsent(&self, why: &dyn std::error::Error) -> Error {
        Error::Request {
            object: self.object.clone(),
            why: self.server.quote(&why.to_string()),
        }
    }

    fn api(&self, status: &Status) -> Error {
        let kind = status.details.as_ref().map_or("", |details| details.kind.as_str());
        let mut causes = status.details.iter().flat_map(|details| &details.causes);
        let denied = || Error::Denied {
            object: self.object.clone(),
            message: self.server.quote(&status.message),
        };
        match status.code {
            // With the status that its author chose.
            _ if is_of_a_rule(&status.message) => denied(),
            403 if causes.any(|cause| cause.reason == "NamespaceTerminating") => Error::NamespaceTerminating {
                namespace: self.namespace(),
            },
            403 => match denial(&status.message, &self.object) {
                Some(denial) if denial.user.as_deref() == Some(ANONYMOUS) => Error::Anonymous {
                    server: self.server.url.to_owned(),
                    context: self.server.context.to_owned(),
                },
                Some(denial) => Error::Forbidden(Box::new(Forbidden {
                    verb: denial.verb,
                    resource: self.object.resource,
                    name: self.object.name.clone(),
                    namespace: self.object.namespace.clone(),
                    user: denial.user,
                    access: None,
                })),
                None => denied(),
            },
            422 => Error::Invalid {
                object: self.object.clone(),
                message: self.server.quote(&status.message),
            },
            404 if kind == "namespaces" => Error::NamespaceNotFound {
                namespace: self.namespace(),
            },
            _ => self.server.answered(status),
        }
    }

    /// Only what is in one is ever refused for its sake.
    fn namespace(&self) -> Namespace {
        self.object.namespace.clone().unwrap_or_else(Namespace::of_default)
    }
}

impl Server<'_> {
    /// A server's text for a message: without secrets, cut, on one line.
    pub fn quote(&self, text: &str) -> String {
        let secrets = self.secrets.lock().unwrap_or_else(PoisonError::into_inner);
        untrusted(&secrets.clean(text))
    }

    /// The error of a request that concerns no object and needs no permission.
    pub fn error(&self, error: &kube::Error) -> Error {
        match error {
            kube::Error::Api(status) => self.answered(status),
            error => self.unanswered(error),
        }
    }

    /// What a status means for any request.
    fn answered(&self, status: &Status) -> Error {
        self.refused(status.code).unwrap_or_else(|| Error::Server {
            server: self.url.to_owned(),
            status: status.code,
            message: self.quote(&status.message),
        })
    }

    /// The error for an HTTP status alone, whoever sent it.
    fn refused(&self, status: u16) -> Option<Error> {
        let server = self.url.to_owned();
        match status {
            401 => Some(Error::Unauthorized {
                server,
                context: self.context.to_owned(),
            }),
            429 | 503 | 504 => Some(Error::Busy { server, status }),
            _ => None,
        }
    }

    /// There was no answer, or it could not be read.
    fn unanswered(&self, error: &kube::Error) -> Error {
        let answer = |why: &str| Error::Answer {
            server: self.url.to_owned(),
            why: why.to_owned(),
        };
        match error {
            kube::Error::Service(cause) => match (cause.downcast_ref(), cause.downcast_ref()) {
                (Some(foreign), _) => self.not_kubernetes(foreign),
                (_, Some(Malformed(why))) => answer(why),
                _ => transport(self.url.to_owned(), error),
            },
            kube::Error::SerdeError(why) => answer(&format!(
                "not the expected JSON: line {} column {}",
                why.line(),
                why.column()
            )),
            kube::Error::FromUtf8(_) => answer("it is not text"),
            error => transport(self.url.to_owned(), error),
        }
    }

    /// The answer did not come from a Kubernetes API server.
    fn not_kubernetes(&self, foreign: &Foreign) -> Error {
        self.refused(foreign.status).unwrap_or_else(|| Error::NotKubernetes {
            server: self.url.to_owned(),
            asked: foreign.asked.clone(),
            status: foreign.status,
            said: match &foreign.body {
                ForeignBody::Empty => "nothing else".to_owned(),
                ForeignBody::Html => "an HTML page".to_owned(),
                ForeignBody::Text(text) => format!("the text {:?}", self.quote(text)),
            },
        })
    }
}

pub fn transport(server: String, error: &kube::Error) -> Error {
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

/// Whether an admission webhook or a `ValidatingAdmissionPolicy` says this, and not the API server of itself.
///
/// `k8s.io/apiserver`, `pkg/admission/plugin`: `webhook/errors/statuserror.go` and `policy/validating/dispatcher.go`.
fn is_of_a_rule(message: &str) -> bool {
    let reason = message.split_once(" is forbidden: ").map(|(_, reason)| reason);
    message.starts_with("admission webhook \"")
        || reason.is_some_and(|reason| reason.starts_with("ValidatingAdmissionPolicy '"))
}

/// What the authorizer denied.
#[derive(Debug, PartialEq, Eq)]
struct Denial {
    verb: String,
    /// The user it authenticated, if the name is safe to show as it is.
    user: Option<String>,
}

/// Reads `secrets "x" is forbidden: User "jane" cannot get resource "secrets" in API group "" in the namespace "y"`, to
/// which an authorizer may add its reason after a colon.
///
/// `None` for anything else, such as an admission webhook's message: its author could have a Role given to an
/// account of their choice. The form is that of `k8s.io/apiserver`'s `responsewriters/errors.go`, and is stable.
fn denial(message: &str, object: &Object) -> Option<Denial> {
    let (plural, group) = (object.resource.plural(), object.resource.group());
    let rest = message.strip_prefix(plural)?;
    let rest = match group {
        "" => rest,
        group => rest.strip_prefix('.')?.strip_prefix(group)?,
    };
    // A list that is limited to one name carries that name; a create carries none.
    let rest = match rest.strip_prefix(" \"") {
        Some(named) => named.split_once('"')?.1,
        None => rest,
    };
    let rest = rest.strip_prefix(" is forbidden: User \"")?;
    let (user, rest) = rest.split_once("\" cannot ")?;
    let (verb, rest) = rest.split_once(' ')?;
    let place = match &object.namespace {
        Some(namespace) => format!("in the namespace \"{namespace}\""),
        None => "at the cluster scope".to_owned(),
    };
    let rest = rest.strip_prefix(&format!("resource \"{plural}\" in API group \"{group}\" {place}"))?;
    let is_plain = !user.is_empty() && !user.contains(['"', '\\']) && untrusted(user) == user;
    let is_verb = !verb.is_empty() && verb.bytes().all(|byte| byte.is_ascii_lowercase());
    (is_verb && (rest.is_empty() || rest.starts_with(": "))).then(|| Denial {
        verb: verb.to_owned(),
        user: Some(user.to_owned()).filter(|_| is_plain),
    })
}

#[cfg(test)]
mod tests;
