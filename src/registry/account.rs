//! An account and its password, and why Gitea does not let it in.

use http::StatusCode;
use thiserror::Error;

use super::api::{LACKS_SCOPE, OWN_SCOPES};
use super::http::{Auth, Reply};
use super::one_time_code::OneTimeCode;
use super::scopes::Scopes;
use super::site::Site;
use crate::model::{Credential, Token, Username};

/// What Gitea asks for where tokens are made and deleted: the account itself, not one of its tokens.
///
/// It is asked for when it is needed and never stored. The password's memory is zeroed like a token's.
#[derive(Clone, Debug)]
pub struct Account {
    /// The account's login name; not its e-mail address, which opens the account but does not name it in a path.
    pub username: Username,
    /// The password, taken verbatim: white space at its ends is part of it.
    pub password: Token,
    /// The code of the second factor, for an account that has one.
    pub code: Option<OneTimeCode>,
}

impl Account {
    /// How the account signs in: `credential` is made of its name and password.
    pub(super) fn auth<'a>(&'a self, credential: &'a Credential) -> Auth<'a> {
        Auth::Password(credential, self.code.as_ref())
    }
}

/// Why Gitea does not let an account in with its password. Nothing is tried a second time.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AccountError {
    /// Up to 1.24 and in Forgejo: the password is wrong, or there is no such account.
    #[error("{registry} does not accept the password that was given for {username}")]
    WrongPassword { registry: String, username: Username },
    /// Since 1.25 one answer stands for a wrong password, a missing or wrong code, and an account without a password.
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
    /// The password is right, and the account has a second factor.
    #[error("{registry} wants the one-time code of {username} beside the password")]
    CodeWanted { registry: String, username: Username },
    /// The password is right, and the code is not, or not any more.
    #[error("{registry} does not accept the one-time code that was given for {username}")]
    CodeWrong { registry: String, username: Username },
    /// Whoever has a security key can sign in only with it.
    #[error("{username} has a security key at {registry}, which then takes no password from programs")]
    SecurityKey {
        registry: String,
        username: Username,
        /// Where the account's tokens are made and deleted by hand.
        page: String,
    },
    /// The account signs in through another service (OAuth2 or SAML).
    #[error("{username} signs in to {registry} through another service, and has no password there")]
    SignsInElsewhere {
        registry: String,
        username: Username,
        /// Where the account's tokens are made and deleted by hand.
        page: String,
    },
    /// Passwords are switched off for programs, or the password did not arrive.
    #[error("{registry} answered as if no password had been sent")]
    NotSeen {
        registry: String,
        /// Where the account's tokens are made and deleted by hand.
        page: String,
    },
    /// The administrator wants a new password first.
    #[error("{registry} wants {username} to change the password first")]
    MustChangePassword {
        registry: String,
        username: Username,
        page: String,
    },
    /// The account is closed, or was never opened.
    #[error("{registry} does not let {username} sign in: {said}")]
    Prohibited {
        registry: String,
        username: Username,
        said: String,
    },
    #[error("{registry} has no account {username}")]
    NoSuchAccount { registry: String, username: Username },
    /// What was given as the password is a token, and one that may not do this.
    #[error(
        "what was given as the password is a token that may not make or delete tokens{}",
        scopes.as_ref().map(|scopes| format!(": its scopes are {scopes}")).unwrap_or_default()
    )]
    TokenAsPassword {
        /// What it may do, where the server tells.
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

    /// Whether its hint leads to the page where it is done by hand.
    pub(super) fn names_its_page(&self) -> bool {
        matches!(
            self,
            Self::SecurityKey { .. } | Self::SignsInElsewhere { .. } | Self::NotSeen { .. }
        )
    }

    /// Whether a one-time code, which was not given, could help. Trying again with one is for a person to decide:
    /// a wrong password counts twice then.
    pub fn wants_code(&self) -> bool {
        matches!(
            self,
            Self::CodeWanted { .. } | Self::PasswordOrCode { with_code: false, .. }
        )
    }

    /// Whether a one-time code was refused that was given: it may have been good for one request, and this was another.
    pub fn refuses_code(&self) -> bool {
        matches!(
            self,
            Self::CodeWrong { .. } | Self::PasswordOrCode { with_code: true, .. }
        )
    }
}

/// What to do where no program can.
pub(super) fn by_hand(page: &str) -> String {
    format!("tokens are made and deleted by hand at {page}")
}

/// What the API says, in all its generations, to a password that it does not take.
pub(super) fn judge(site: &Site, account: &Account, reply: &Reply) -> AccountError {
    let registry = site.session.registry();
    let username = account.username.clone();
    let page = site.page();
    let said = site.session.client.said(reply);
    let text = said.as_deref().unwrap_or_default();
    let starts = |beginning: &str| {
        text.get(..beginning.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(beginning))
    };
    let with_code = account.code.is_some();
    match reply.status {
        _ if site.session.means_nobody(reply) || text == "auth required" => AccountError::NotSeen { registry, page },
        // Up to 1.20.5 the missing code is a bare 401 in plain text; Forgejo has answered it with 400.
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
        // Asked about itself, an account is refused like this only if the server takes it for nobody; the second, where
        // nobody may see the account.
        StatusCode::FORBIDDEN if starts("doer should be the site admin or be same as") => {
            AccountError::NotSeen { registry, page }
        }
        StatusCode::NOT_FOUND if text == "Visit Project" => AccountError::NotSeen { registry, page },
        StatusCode::FORBIDDEN if starts(LACKS_SCOPE) => AccountError::TokenAsPassword {
            scopes: text.split_once(OWN_SCOPES).and_then(|(_, own)| Scopes::parse(own)),
        },
        StatusCode::FORBIDDEN if starts("you must change your password") => AccountError::MustChangePassword {
            registry,
            username,
            page: site.page_of("/user/settings/change_password"),
        },
        StatusCode::FORBIDDEN if starts("this account is ") => AccountError::Prohibited {
            registry,
            username,
            said: text.to_owned(),
        },
        StatusCode::NOT_FOUND => AccountError::NoSuchAccount { registry, username },
        status => AccountError::Refused {
            registry,
            status: status.as_u16(),
            said,
        },
    }
}
