//! A session with one registry for one credential, on which verifying, minting and revoking are built.

use std::sync::OnceLock;
use std::time::Duration;

use http::header::{LOCATION, RETRY_AFTER};
use http::{HeaderName, StatusCode};

use super::challenge::{self, SignIn};
use super::http::{Auth, Client, Deadline, Reply};
use super::{Options, ReachError, VerifyError};
use crate::model::Credential;
use crate::sys::env::Env;

/// `GET /v2/` without credentials. A loopback registry is tried over https and then over http, as docker does.
fn probe(credential: &Credential, options: &Options, env: &Env) -> Result<(Client, Reply), ReachError> {
    let registry = &credential.registry;
    let whole = Deadline::after(options.timeout);
    let attempt = |https: bool, deadline: Deadline| {
        let client = Client::new(registry, https, credential, options, env, deadline)?;
        let reply = client.get(&client.own("/v2/")?, &[], Auth::Anonymous)?;
        Ok((client.with_deadline(whole), reply))
    };
    if options.plain_http || !registry.is_loopback() {
        return attempt(!options.plain_http, whole);
    }
    match attempt(true, whole.half()) {
        // Fall back to http only for errors that a server without TLS causes, not for a rejected certificate.
        Err(
            ReachError::NotTls { .. }
            | ReachError::Refused { .. }
            | ReachError::Cut { .. }
            | ReachError::TimedOut { .. },
        ) => attempt(false, whole),
        other => other,
    }
}

/// A session with one registry for one credential.
pub(super) struct Session<'a> {
    pub(super) client: Client,
    pub(super) credential: &'a Credential,
    /// The path that Gitea is below, once it was looked for.
    below: OnceLock<String>,
}

impl<'a> Session<'a> {
    /// Asks the registry for its authentication scheme. No secret is sent.
    pub(super) fn begin(credential: &'a Credential, options: &Options, env: &Env) -> Result<(Self, Reply), ReachError> {
        let (client, reply) = probe(credential, options, env)?;
        let below = OnceLock::new();
        let session = Self {
            client,
            credential,
            below,
        };
        Ok((session, reply))
    }

    /// With this time limit for each further request.
    pub(super) fn with_time_for_each(self, allowed: Duration) -> Self {
        Self {
            client: self.client.with_deadline(Deadline::of_each(allowed)),
            ..self
        }
    }

    pub(super) fn registry(&self) -> String {
        self.credential.registry.to_string()
    }

    /// Gitea is below this path.
    pub(super) fn set_below(&self, path: &str) {
        // It does not move.
        let _ = self.below.set(path.to_owned());
    }

    /// Gitea's page on which tokens are made and deleted.
    pub(super) fn page(&self) -> String {
        self.page_of("/user/settings/applications")
    }

    /// The URL of a page of Gitea.
    pub(super) fn page_of(&self, path: &str) -> String {
        let below = self.below.get().map_or("", String::as_str);
        format!("{}{below}{path}", self.client.origin())
    }

    /// Reads the first answer: the authentication scheme, or `None` if the registry needs none.
    pub(super) fn sign_in(&self, reply: &Reply) -> Result<Option<SignIn>, VerifyError> {
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
                said: self.client.error_message(reply),
            }),
            _ => Err(self.not_a_registry(reply)),
        }
    }

    /// Fails for a redirect, a rate limit or a server error; the caller interprets any other answer.
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
                said: self.client.error_message(reply),
            }),
            _ => Ok(()),
        }
    }

    pub(super) fn not_a_registry(&self, reply: &Reply) -> VerifyError {
        VerifyError::NotARegistry {
            registry: self.registry(),
            status: reply.status.as_u16(),
            page: reply.is_html(),
        }
    }

    pub(super) fn malformed(&self, what: &'static str) -> VerifyError {
        VerifyError::Malformed {
            registry: self.registry(),
            what,
        }
    }
}

/// Whether a 200 for `/v2/` comes from a registry and not from something that answers every URL, such as a captive
/// portal or a web application: registries send a specific header, an empty body or JSON.
pub(super) fn is_registry(reply: &Reply) -> bool {
    reply.headers.contains_key("docker-distribution-api-version")
        || (!reply.is_html()
            && (reply.body.trim_ascii().is_empty()
                || serde_json::from_slice::<serde::de::IgnoredAny>(&reply.body).is_ok()))
}
