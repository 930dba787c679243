//! The result of a successful verification.

use std::fmt;

use k8s_openapi::jiff::Timestamp;

use crate::registry::scopes::Scopes;
use crate::registry::server::Server;

/// What a registry has told about an accepted credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The token's account, if the server tells it. Gitea ignores the user name that is sent with a token, so this can
    /// differ from the credential's.
    pub who: Option<String>,
    /// The token's scopes, if the server tells them.
    pub scopes: Option<Scopes>,
    /// When the token was made, if the server tells it: Gitea since 1.27.
    pub created: Option<Timestamp>,
    pub server: Server,
    pub flow: Flow,
    /// What the user should know although the credential works.
    pub notes: Vec<Note>,
}

/// How clients sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Flow {
    /// By exchanging the credential for a token (the Distribution project's token authentication).
    Bearer,
    /// By sending the credential with each request.
    Basic,
    /// Not at all: the registry is open. The credential was not sent, so it is not verified.
    Open,
}

/// A problem with a registry that accepts the credential.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// The realm of the registry is not its own address. This check has used the registry's own address instead.
    RealmElsewhere {
        /// The address in the challenge.
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
