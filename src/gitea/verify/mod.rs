//! Whether a credential opens its registry, and what the registry says about it.

pub(super) mod api;
mod error;
pub(super) mod exchange;
pub(super) mod gitea;
mod standard;

use std::fmt;

use http::header::{LOCATION, RETRY_AFTER};
use http::{HeaderName, StatusCode};

pub use error::VerifyError;

use super::challenge::{self, SignIn};
use super::http::{Auth, Client, Deadline, Reply};
use super::{GiteaPath, Options, ReachError, Scopes};
use crate::env::Env;
use crate::model::Credential;

/// What a registry said about a credential that it accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The account that the token belongs to, where the server tells. Gitea ignores the user name that comes with a
    /// token, so this can differ from the credential's.
    pub who: Option<String>,
    /// What the token may do, where the server tells.
    pub scopes: Option<Scopes>,
    /// What kind of server it is.
    pub server: Server,
    /// How clients sign in there.
    pub flow: Flow,
    /// What a person should know although the credential works.
    pub notes: Vec<Note>,
}

/// What answers as the registry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Server {
    /// Gitea.
    Gitea {
        /// `1.27.1`, unless it tells its version only to those who are signed in.
        version: Option<String>,
    },
    /// Forgejo.
    Forgejo {
        /// `11.0.1+gitea-1.22.0`
        version: String,
    },
    /// Any other registry.
    Other,
}

/// How clients sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flow {
    /// They exchange the credential for a token (the distribution project's token authentication).
    Bearer,
    /// They send the credential with every request.
    Basic,
    /// They need not: the registry lets everybody in. Nothing was sent, so the credential is neither right nor wrong.
    Open,
}

/// Something odd about a registry that accepts the credential.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// The address that the registry tells clients to sign in at is not its own, so only this check avoided it.
    RealmElsewhere {
        /// What it tells them.
        realm: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RealmElsewhere { realm } => write!(
                f,
                "the registry sends clients to {realm} to sign in, which is not its own address: docker and kubelet may \
                 fail there; correct Gitea's ROOT_URL, and pass Host and X-Forwarded-Proto on in the reverse proxy"
            ),
        }
    }
}

/// Asks `credential`'s registry whether it accepts the credential.
///
/// The registry is first asked as nobody, so that a token goes only to something that is a registry and asks for one. A
/// Gitea is then asked about the token itself before it is tried as a password: Gitea tries what is no token of its own
/// as the account's password, and behind LDAP a few such attempts lock the account. One refusal therefore ends it.
pub fn verify(credential: &Credential, options: &Options, env: &Env) -> Result<Verified, VerifyError> {
    if credential.username.is_identity_token() {
        return Err(VerifyError::IdentityToken);
    }
    let (client, reply) = knock(credential, options, env)?;
    let session = Session { client, credential };
    match session.asked_for(&reply)? {
        None => Ok(Verified {
            who: None,
            scopes: None,
            server: Server::Other,
            flow: Flow::Open,
            notes: Vec::new(),
        }),
        Some(SignIn::Basic) => standard::basic(&session),
        Some(SignIn::Bearer { realm, service }) => match gitea::prefix(&realm, service.as_deref()) {
            Some(prefix) => gitea::verify(
                &session,
                &realm,
                options.gitea_path.as_ref().map_or(prefix, GiteaPath::as_str),
            ),
            None => standard::bearer(&session, &realm, service.as_deref()),
        },
    }
}

/// `GET /v2/` as nobody. A loopback registry is tried over https and then over http, as docker does.
pub(super) fn knock(credential: &Credential, options: &Options, env: &Env) -> Result<(Client, Reply), ReachError> {
    let registry = &credential.registry;
    let whole = Deadline::after(options.timeout);
    let attempt = |https: bool, deadline: Deadline| {
        let client = Client::new(registry, https, credential, options, env, deadline)?;
        let reply = client.get(&client.own("/v2/")?, &[], Auth::Nobody)?;
        Ok((client.with_deadline(whole), reply))
    };
    if options.plain_http || !registry.is_loopback() {
        return attempt(!options.plain_http, whole);
    }
    match attempt(true, whole.half()) {
        // Only what a server without TLS does to a greeting: a certificate that is refused stays refused.
        Err(
            ReachError::NotTls { .. }
            | ReachError::Refused { .. }
            | ReachError::Cut { .. }
            | ReachError::TimedOut { .. },
        ) => attempt(false, whole),
        other => other,
    }
}

/// The conversation with one registry about one credential.
pub(super) struct Session<'a> {
    pub(super) client: Client,
    pub(super) credential: &'a Credential,
}

impl Session<'_> {
    pub(super) fn registry(&self) -> String {
        self.credential.registry.to_string()
    }

    /// Reads the first answer: how to sign in, or `None` where nobody has to.
    pub(super) fn asked_for(&self, reply: &Reply) -> Result<Option<SignIn>, VerifyError> {
        let registry = self.registry();
        self.passing(reply)?;
        match reply.status {
            StatusCode::OK if is_registry(reply) => Ok(None),
            StatusCode::UNAUTHORIZED => {
                let offered = challenge::challenges(&reply.headers);
                match challenge::choose(&offered) {
                    Some(sign_in) => Ok(Some(sign_in)),
                    None if offered.is_empty() => Err(self.not_a_registry(reply)),
                    None => Err(VerifyError::UnknownSignIn {
                        registry,
                        schemes: self.client.quote(&challenge::schemes(&offered)),
                    }),
                }
            }
            StatusCode::FORBIDDEN => Err(VerifyError::Blocked {
                registry,
                said: self.client.said(reply),
            }),
            _ => Err(self.not_a_registry(reply)),
        }
    }

    /// Lets an answer pass that a registry gave, and not something that stands before it or failed in it.
    pub(super) fn passing(&self, reply: &Reply) -> Result<(), VerifyError> {
        let registry = self.registry();
        let quoted = |name: &HeaderName| reply.header(name).map(|text| self.client.quote(text));
        match reply.status {
            status if status.is_redirection() => Err(VerifyError::Redirected {
                registry,
                to: quoted(&LOCATION).unwrap_or_else(|| "nowhere".to_owned()),
            }),
            StatusCode::TOO_MANY_REQUESTS => Err(VerifyError::TooManyRequests {
                registry,
                retry_after: quoted(&RETRY_AFTER),
            }),
            status if status.is_server_error() => Err(VerifyError::ServerFailed {
                registry,
                status: status.as_u16(),
                said: self.client.said(reply),
            }),
            _ => Ok(()),
        }
    }

    fn not_a_registry(&self, reply: &Reply) -> VerifyError {
        VerifyError::NotARegistry {
            registry: self.registry(),
            status: reply.status.as_u16(),
            page: reply.is_html(),
        }
    }

    fn malformed(&self, what: &'static str) -> VerifyError {
        VerifyError::Malformed {
            registry: self.registry(),
            what,
        }
    }
}

/// Whether a 200 for `/v2/` comes from a registry, and not from a page that answers every address (a login page of a
/// hotel's network, a web application): registries send a header, an empty body or JSON.
fn is_registry(reply: &Reply) -> bool {
    reply.headers.contains_key("docker-distribution-api-version")
        || (!reply.is_html()
            && (reply.body.trim_ascii().is_empty()
                || serde_json::from_slice::<serde::de::IgnoredAny>(&reply.body).is_ok()))
}
