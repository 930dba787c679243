//! What a registry says about a credential that it accepts.

use std::fmt;

use crate::registry::scopes::Scopes;
use crate::registry::server::Server;

/// What a registry said about a credential that it accepts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The account that the token belongs to, where the server tells. Gitea ignores the user name that comes with a
    /// token, so this can differ from the credential's.
    pub who: Option<String>,
    /// What the token may do, where the server tells.
    pub scopes: Option<Scopes>,
    pub server: Server,
    pub flow: Flow,
    /// What a person should know although the credential works.
    pub notes: Vec<Note>,
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
