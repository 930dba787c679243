//! An account with its password, and why Gitea rejects it.

use http::StatusCode;
use thiserror::Error;

use super::api::{LACKS_SCOPE, OWN_SCOPES};
use super::http::{Auth, Reply};
use super::one_time_code::OneTimeCode;
use super::scopes::Scopes;
use super::site::Site;
use crate::model::{Credential, Registry, Token, Username};

/// The credentials that Gitea needs to create and delete tokens: those of the account itself, not one of its tokens.
///
/// The password is asked for when needed and never stored. Its memory is zeroed like a token's.
#[derive(Clone, Debug)]
pub struct Account {
    /// The account's login name. The e-mail address would sign in too, but API paths need the name.
    pub username: Username,
    /// The password, verbatim: leading and trailing white space is part of it.
    pub password: Token,
    /// The code of the second factor, if the account has one.
    pub code: Option<OneTimeCode>,
}

impl Account {
    /// Its name and password at this registry.
    pub(super) fn at(&self, registry: &Registry) -> Credential {
        Credential {
            registry: registry.clone(),
            username: self.username.clone(),
            token: self.password.clone(),
        }
    }

    /// The authentication of a request; `credential` is the account's name and password.
    pub(super) fn auth<'a>(&'a self, credential: &'a Credential) -> Auth<'a> {
        Auth::Password(credential, self.code.as_ref())
    }

    /// Whether a request at the site may use up its one-time code.
    pub(super) fn has_single_use_code(&self, site: &Site) -> bool {
        self.code.is_some() && site.may_use_codes_up()
    }
}

/// Why Gitea rejects an account's password. Nothing is retried.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AccountError {
    /// Up to 1.24 and in Forgejo: the password is wrong, or there is no such account.
    #[error("{registry} does not accept the password that was given for {username}")]
    WrongPassword { registry: String, username: Username },
    /// Since 1.25 Gitea gives the same answer for a wrong password, a missing or wrong code, and an account without a
    /// password.
    #[error(
        "{registry} does not let {username} in, and does not say why: the password{} is wrong, or the account {}",
        if *with_code { " or the one-time code" } else { "" },
        if *with_code { "has no password of its own" } else { "has a second factor, or no password of its own" }
    )]
    PasswordOrCode {
        registry: String,
        username: Username,
        /// Whether a code was sent.
        with_code: bool,
    },
    /// The password is right, but the account has a second factor.
    #[error("{registry} wants the one-time code of {username} beside the password")]
    CodeWanted { registry: String, username: Username },
    /// The password is right, but the code is wrong or expired.
    #[error("{registry} does not accept the one-time code that was given for {username}")]
    CodeWrong { registry: String, username: Username },
    /// An account with a security key cannot sign in with a password alone.
    #[error("{username} has a security key at {registry}, which then takes no password from programs")]
    SecurityKey {
        registry: String,
        username: Username,
        /// The page to create and delete tokens by hand.
        page: String,
    },
    /// The account signs in through another service (OAuth2 or SAML).
    #[error("{username} signs in to {registry} through another service, and has no password there")]
    SignsInElsewhere {
        registry: String,
        username: Username,
        /// The page to create and delete tokens by hand.
        page: String,
    },
    /// Password authentication is disabled for the API, or the password did not arrive.
    #[error("{registry} answered as if no password had been sent")]
    NotSeen {
        registry: String,
        /// The page to create and delete tokens by hand.
        page: String,
    },
    /// The account has to change its password first.
    #[error("{registry} wants {username} to change the password first")]
    MustChangePassword {
        registry: String,
        username: Username,
        page: String,
    },
    /// The account is disabled or not activated.
    #[error("{registry} does not let {username} sign in: {said}")]
    Prohibited {
        registry: String,
        username: Username,
        said: String,
    },
    #[error("{registry} has no account {username}")]
    NoSuchAccount { registry: String, username: Username },
    /// A token without the necessary scope was given as the password.
    #[error(
        "what was given as the password is a token that may not make or delete tokens{}",
        scopes.as_ref().map(|scopes| format!(": its scopes are {scopes}")).unwrap_or_default()
    )]
    TokenAsPassword {
        /// The token's scopes, if the server tells them.
        scopes: Option<Scopes>,
    },
    #[error("{registry} refuses (status {status}){}", said.as_ref().map(|said| format!(": {said}")).unwrap_or_default())]
    Refused {
        registry: String,
        status: u16,
        said: Option<String>,
    },
}

impl AccountError {
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::WrongPassword { .. } => {
                "give the account's own password, with the account's login name".to_owned()
            }
            Self::PasswordOrCode { with_code: false, .. } => {
                "check the password; an account with a second factor needs its one-time code as well: at the prompt, or as \
                 the second line of --password-stdin"
                    .to_owned()
            }
            Self::PasswordOrCode { with_code: true, .. } | Self::CodeWrong { .. } => {
                "wait for a new code, which is good for 30 seconds and only once; check this machine's clock".to_owned()
            }
            Self::CodeWanted { .. } => {
                "give it at the prompt, or as the second line of --password-stdin".to_owned()
            }
            Self::SecurityKey { page, .. } | Self::SignsInElsewhere { page, .. } => by_hand(page),
            Self::NotSeen { page, .. } => format!(
                "either ENABLE_BASIC_AUTHENTICATION=false switches passwords off, or a reverse proxy removes the \
                 Authorization header; {}",
                by_hand(page)
            ),
            Self::MustChangePassword { page, .. } => format!("change it at {page}"),
            Self::Prohibited { .. } => "ask the server's administrator".to_owned(),
            Self::NoSuchAccount { .. } => "give the account's login name, not its e-mail address".to_owned(),
            Self::TokenAsPassword { .. } => "give the account's password".to_owned(),
            Self::Refused { .. } => return None,
        })
    }

    /// Whether its hint names the page to do it by hand.
    pub(super) fn names_its_page(&self) -> bool {
        matches!(
            self,
            Self::SecurityKey { .. } | Self::SignsInElsewhere { .. } | Self::NotSeen { .. }
        )
    }

    /// Whether a one-time code, which was not given, could help. The user has to decide about a second try, because a
    /// wrong password would then count twice.
    pub fn wants_code(&self) -> bool {
        matches!(
            self,
            Self::CodeWanted { .. } | Self::PasswordOrCode { with_code: false, .. }
        )
    }

    /// Whether the given one-time code was refused. It may have been used up by an earlier request.
    pub fn refuses_code(&self) -> bool {
        matches!(
            self,
            Self::CodeWrong { .. } | Self::PasswordOrCode { with_code: true, .. }
        )
    }
}

/// The hint for what only the user can do.
pub(super) fn by_hand(page: &str) -> String {
    format!("tokens are made and deleted by hand at {page}")
}

/// Interprets the answers to a rejected password, of all versions of the API.
pub(super) fn explain_refusal(site: &Site, account: &Account, reply: &Reply) -> AccountError {
    let registry = site.session.registry();
    let username = account.username.clone();
    let page = site.page();
    let said = site.session.client.error_message(reply);
    let text = said.as_deref().unwrap_or_default();
    let starts = |beginning: &str| {
        text.get(..beginning.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(beginning))
    };
    let with_code = account.code.is_some();
    if let Some(closed) = explain_closed(site, &username, reply) {
        return closed;
    }
    match reply.status {
        _ if site.session.is_anonymous_answer(reply) || text == "auth required" => {
            AccountError::NotSeen { registry, page }
        }
        // Up to 1.20.5 a missing code is a bare 401 in plain text; Forgejo has answered with 400.
        StatusCode::UNAUTHORIZED | StatusCode::BAD_REQUEST
            if starts("invalid provided OTP") || text == "Unauthorized" =>
        {
            if with_code {
                AccountError::CodeWrong { registry, username }
            } else {
                AccountError::CodeWanted { registry, username }
            }
        }
        StatusCode::UNAUTHORIZED if starts("basic authorization is not allowed while webauthn") => {
            AccountError::SecurityKey {
                registry,
                username,
                page,
            }
        }
        StatusCode::UNAUTHORIZED if starts("login source is unknown") => AccountError::SignsInElsewhere {
            registry,
            username,
            page,
        },
        StatusCode::UNAUTHORIZED if starts("invalid username, password or token") => AccountError::PasswordOrCode {
            registry,
            username,
            with_code,
        },
        StatusCode::UNAUTHORIZED if starts("user is not allowed login") => AccountError::Prohibited {
            registry,
            username,
            said: text.to_owned(),
        },
        StatusCode::UNAUTHORIZED => AccountError::WrongPassword { registry, username },
        // An account asking about itself gets these two answers only if the server did not see its credentials; the
        // second if anonymous users may not see the account.
        StatusCode::FORBIDDEN if starts("doer should be the site admin or be same as") => {
            AccountError::NotSeen { registry, page }
        }
        StatusCode::NOT_FOUND if text == "Visit Project" => AccountError::NotSeen { registry, page },
        StatusCode::FORBIDDEN if starts(LACKS_SCOPE) => AccountError::TokenAsPassword {
            scopes: text.split_once(OWN_SCOPES).and_then(|(_, own)| Scopes::parse(own)),
        },
        StatusCode::NOT_FOUND => AccountError::NoSuchAccount { registry, username },
        status => AccountError::Refused {
            registry,
            status: status.as_u16(),
            said,
        },
    }
}

/// Interprets the answer about an account that may not sign in at present, whatever it shows; `None` if it is another.
pub(super) fn explain_closed(site: &Site, username: &Username, reply: &Reply) -> Option<AccountError> {
    let said = site
        .session
        .client
        .error_message(reply)
        .filter(|_| reply.status == StatusCode::FORBIDDEN)?;
    let registry = site.session.registry();
    let username = username.clone();
    let starts = |beginning: &str| {
        said.get(..beginning.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(beginning))
    };
    if starts("you must change your password") {
        let page = site.page_of("/user/settings/change_password");
        Some(AccountError::MustChangePassword {
            registry,
            username,
            page,
        })
    } else if starts("this account is ") {
        Some(AccountError::Prohibited {
            registry,
            username,
            said,
        })
    } else {
        None
    }
}
