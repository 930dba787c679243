//! Why a credential could not be verified.

use thiserror::Error;

use crate::registry::{ReachError, Scopes};

/// Why a registry does not accept a credential, or could not be asked.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum VerifyError {
    #[error(transparent)]
    Reach(#[from] ReachError),
    /// The user name is `<token>`.
    #[error("this is an identity token of docker's own login, which nobody else can verify")]
    IdentityToken,
    #[error("{registry} is not a container registry: it answered GET /v2/ with {status}{}", if *page { " and a web page" } else { "" })]
    NotARegistry { registry: String, status: u16, page: bool },
    /// It uses an unknown authentication scheme.
    #[error("{registry} asks for an authentication scheme that registries do not use: {schemes}")]
    UnknownSignIn { registry: String, schemes: String },
    /// It redirects.
    #[error("{registry} redirects to {to}, where no credential is sent")]
    Redirected { registry: String, to: String },
    /// Rate limit.
    #[error("{registry} takes no more requests for now")]
    TooManyRequests {
        registry: String,
        retry_after: Option<String>,
    },
    #[error("{registry} failed with status {status}{}", colon(said.as_ref()))]
    ServerFailed {
        registry: String,
        /// The HTTP status, 500 to 599.
        status: u16,
        said: Option<String>,
    },
    /// It answers 403 to a request without credentials.
    #[error("{registry} refuses every request from here (403){}", colon(said.as_ref()))]
    Blocked { registry: String, said: Option<String> },
    /// Its token server is on another origin.
    #[error("{registry} asks for the token at {realm}, which is not its own address: nothing was sent there")]
    RealmElsewhere { registry: String, realm: String },
    /// Its token server is reached without TLS.
    #[error("{registry} asks for the token over plain http, at {realm}: nothing was sent there")]
    RealmPlainHttp { registry: String, realm: String },
    /// Its answer is invalid.
    #[error("{registry} gave an invalid answer: {what}")]
    Malformed { registry: String, what: &'static str },
    /// The token is wrong or no longer valid.
    #[error("{registry} does not accept the token{}", colon(said.as_ref()))]
    Rejected {
        registry: String,
        said: Option<String>,
        /// Where tokens are made, at a Gitea.
        page: Option<String>,
    },
    /// The token is valid but gives no access to packages.
    #[error("the token is valid, but has no access to packages{}", scopes.as_ref().map(|scopes| format!(": its scopes are {scopes}")).unwrap_or_default())]
    NoPackageScope {
        registry: String,
        scopes: Option<Scopes>,
        /// Where tokens are made.
        page: String,
    },
    /// One of the two above; the server does not tell which.
    #[error("{registry} does not accept the token: it is wrong, or has no access to packages")]
    RejectedOrNoPackageScope {
        registry: String,
        /// Where tokens are made.
        page: String,
    },
    /// The registry answered as to an anonymous request.
    #[error("{registry} answered as if no token had been sent")]
    NotSeen { registry: String },
    /// Gitea knows the token but refuses its owner.
    #[error("{registry} knows the token, but refuses its account{}", colon(said.as_ref()))]
    AccountRefused { registry: String, said: Option<String> },
    /// Gitea's API accepts the token, but its registry does not.
    #[error("{registry} knows the token, but its registry does not accept it (status {status}){}", colon(said.as_ref()))]
    SignInRefused {
        registry: String,
        status: u16,
        said: Option<String>,
    },
    /// The registry does not accept the token from the exchange.
    #[error("{registry} exchanged the token for one that it then refused (status {status}){}", colon(said.as_ref()))]
    ExchangeUseless {
        registry: String,
        status: u16,
        said: Option<String>,
    },
}

fn colon(said: Option<&String>) -> String {
    said.map(|said| format!(": {said}")).unwrap_or_default()
}

impl VerifyError {
    /// Whether the registry has rejected the token for pulling, so that another attempt is pointless.
    pub fn is_refusal(&self) -> bool {
        matches!(
            self,
            Self::Rejected { .. } | Self::NoPackageScope { .. } | Self::RejectedOrNoPackageScope { .. }
        )
    }

    /// Whether nobody can pull with the token as it is: it is refused, or its account is, or the registry does not take
    /// what its own token server gives for it.
    pub fn is_dead(&self) -> bool {
        let is_barred = matches!(
            self,
            Self::AccountRefused { .. }
                | Self::SignInRefused { .. }
                | Self::ExchangeUseless { .. }
                | Self::IdentityToken
        );
        is_barred || self.is_refusal()
    }

    pub fn hint(&self) -> Option<String> {
        let new_token = |page: &str| format!("make a token with read:package or write:package at {page}");
        Some(match self {
            Self::Reach(error) => return error.hint(),
            Self::IdentityToken => "use a personal access token or a password".to_owned(),
            Self::NotARegistry { status: 404, page, .. } if !page => {
                "check the name and the port; a Gitea must have packages enabled, and its reverse proxy must pass /v2 on"
                    .to_owned()
            }
            Self::NotARegistry { .. } | Self::UnknownSignIn { .. } | Self::Blocked { .. } => {
                "check the name and the port, and whether a sign-in page, a proxy or a firewall stands before it"
                    .to_owned()
            }
            Self::Redirected { .. } => "use the name of the registry that it redirects to, without --plain-http if that is https".to_owned(),
            Self::TooManyRequests { retry_after, .. } => match retry_after {
                Some(when) => format!("wait before the next attempt; the server says Retry-After: {when}"),
                None => "wait before the next attempt".to_owned(),
            },
            Self::ServerFailed { .. } => "this is a problem of the server: try again later, or look at its log".to_owned(),
            Self::RealmElsewhere { .. } => {
                "if it is your own registry, correct the realm in its configuration, or the Host header that its reverse proxy passes on"
                    .to_owned()
            }
            Self::RealmPlainHttp { .. } => {
                "if it is your own registry, let its reverse proxy pass on X-Forwarded-Proto: https".to_owned()
            }
            Self::Malformed { .. } => "check that no proxy changes the answers on the way".to_owned(),
            Self::Rejected { page: Some(page), .. } => {
                format!("{}; an account's password is no token", new_token(page))
            }
            Self::Rejected { .. } => "check the user name and the token, and whether the token has expired".to_owned(),
            Self::NoPackageScope { page, .. } | Self::RejectedOrNoPackageScope { page, .. } => new_token(page),
            Self::NotSeen { .. } => {
                "let the reverse proxy pass on the Authorization header; Gitea 1.17 also answers so to a wrong token".to_owned()
            }
            Self::AccountRefused { .. } => "the account must be active and allowed to sign in: ask the server's administrator".to_owned(),
            Self::SignInRefused { .. } => {
                "check the reverse proxy: it must pass /v2/token and the Authorization header on unchanged".to_owned()
            }
            Self::ExchangeUseless { .. } => "the registry and its token server do not fit together: ask its administrator".to_owned(),
        })
    }
}
