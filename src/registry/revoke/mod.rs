//! Deletes a Personal Access Token at its Gitea.

mod error;

use http::StatusCode;

pub use error::RevokeError;

use super::account;
use super::account_tokens::{self, AccountTokensError};
use super::http::{Auth, Reply};
use super::mint::MintError;
use super::site::Site;
use super::temporary_token::TemporaryToken;
use super::{Account, Options, SiteError};
use crate::model::Credential;
use crate::sys::env::Env;

/// The result of revoking.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// It was deleted, and the server no longer accepts it.
    Now,
    /// The server did not know it.
    Before,
}

/// The server's answer about a token.
enum TokenStatus {
    Accepted,
    Unknown,
    /// Neither of the above.
    Unclear,
    /// The server answered as if no token had been sent.
    Unseen,
}

/// Deletes `credential`'s token: with the token itself at Gitea 1.27 and newer, else with `account`'s password.
///
/// The password is not sent if the token can delete itself or is already unknown. If a password is needed but there is
/// no `account`, the result is [`RevokeError::NeedsPassword`]. The token is found by its last eight characters in the
/// whole list, and deleted by its id only if it is the only match. Afterwards the server is asked again whether it
/// still accepts the token.
///
/// This takes several requests, but a one-time code may be valid for only one. Then the code is used to create a
/// temporary token, which is deleted at the end.
pub fn revoke(
    credential: &Credential,
    account: Option<&Account>,
    options: &Options,
    env: &Env,
) -> Result<Revoked, RevokeError> {
    if credential.username.is_identity_token() {
        return Err(RevokeError::IdentityToken);
    }
    if credential.token.as_bearer().is_none() {
        return Err(RevokeError::Password);
    }
    let site = Site::find(credential, options, env)?;
    let revocation = Revocation {
        site: &site,
        credential,
    };
    if let Some(done) = revocation.with_token_itself()? {
        return Ok(done);
    }
    // An older server. Checking whether it still knows the token needs no password.
    match revocation.token_status()? {
        TokenStatus::Unknown => return revocation.unknown(),
        TokenStatus::Unseen if account.is_none() => return Err(revocation.not_seen()),
        _ => {}
    }
    let Some(account) = account else {
        return Err(RevokeError::NeedsPassword {
            registry: revocation.registry(),
            page: site.page(),
        });
    };
    let of_account = account.at(&credential.registry);
    // A new client, which also removes the password from server messages.
    let site = Site::find(&of_account, options, env)?;
    if account.has_single_use_code(&site) {
        return revocation.with_code(&site, account, options, env);
    }
    revocation.with_password(&site, &of_account, account)
}

struct Revocation<'a> {
    site: &'a Site<'a>,
    credential: &'a Credential,
}

impl Revocation<'_> {
    fn registry(&self) -> String {
        self.credential.registry.to_string()
    }

    fn not_seen(&self) -> RevokeError {
        RevokeError::NotSeen {
            registry: self.registry(),
            page: self.site.page(),
        }
    }

    /// The server knows no such token: it was deleted before, or it never was one.
    fn unknown(&self) -> Result<Revoked, RevokeError> {
        if is_access_token(self.credential.token.expose()) {
            Ok(Revoked::Before)
        } else {
            Err(RevokeError::Password)
        }
    }

    fn unconfirmed(&self, why: String) -> RevokeError {
        RevokeError::Unconfirmed {
            registry: self.registry(),
            why,
            page: self.site.page(),
        }
    }

    fn bearer(&self) -> Auth<'_> {
        Auth::Bearer(self.credential.token.expose())
    }

    /// `DELETE /token`, since Gitea 1.27. `None` if the server is older.
    fn with_token_itself(&self) -> Result<Option<Revoked>, RevokeError> {
        let client = &self.site.session.client;
        let to = client.own(&self.site.path("/token")).map_err(SiteError::from)?;
        let reply = client
            .delete(&to, self.bearer())
            .map_err(|error| self.unconfirmed(error.to_string()))?;
        self.site.passing(&reply)?;
        match reply.status {
            StatusCode::NO_CONTENT => self.confirmed(false).map(Some),
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Ok(None),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if self.site.session.is_anonymous_answer(&reply) => {
                Err(self.not_seen())
            }
            StatusCode::UNAUTHORIZED => self.unknown().map(Some),
            _ => {
                let closed = account::explain_closed(self.site, &self.credential.username, &reply);
                Err(closed.map_or_else(
                    || self.unconfirmed(self.answer(&reply)),
                    |error| RevokeError::Account {
                        error,
                        page: self.site.page(),
                    },
                ))
            }
        }
    }

    /// `GET /user` with the token in the header, so that it is never tried as a password.
    fn token_status(&self) -> Result<TokenStatus, RevokeError> {
        let client = &self.site.session.client;
        let to = client.own(&self.site.path("/user")).map_err(SiteError::from)?;
        let reply = client.get(&to, &[], self.bearer()).map_err(SiteError::from)?;
        self.site.passing(&reply)?;
        Ok(match reply.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if self.site.session.is_anonymous_answer(&reply) => {
                TokenStatus::Unseen
            }
            StatusCode::UNAUTHORIZED => TokenStatus::Unknown,
            // 403: a known token without the scope for this request.
            StatusCode::OK | StatusCode::FORBIDDEN => TokenStatus::Accepted,
            _ => TokenStatus::Unclear,
        })
    }

    /// Checks that a deleted token is no longer accepted. `unseen`: whether an answer as to an anonymous request
    /// confirms that too.
    fn confirmed(&self, unseen: bool) -> Result<Revoked, RevokeError> {
        match self.token_status() {
            Ok(TokenStatus::Unknown) => Ok(Revoked::Now),
            Ok(TokenStatus::Unseen) if unseen => Ok(Revoked::Now),
            Ok(TokenStatus::Unseen) => Err(self.not_seen()),
            Ok(TokenStatus::Accepted) => Err(RevokeError::StillAccepted {
                registry: self.registry(),
                page: self.site.page(),
            }),
            Ok(TokenStatus::Unclear) => Err(self.unconfirmed("its answer about the token is unclear".to_owned())),
            Err(error) => Err(self.unconfirmed(error.to_string())),
        }
    }

    /// Finds the token in the account's list and deletes it by its id.
    fn with_password(&self, site: &Site, of_account: &Credential, account: &Account) -> Result<Revoked, RevokeError> {
        let listed = account_tokens::list(site, of_account, account)?.into_iter();
        let alike = listed.filter(|listed| listed.ends_like(&self.credential.token));
        let found: Vec<i64> = alike.map(|listed| listed.id).collect();
        let registry = self.registry();
        let username = account.username.clone();
        let [id] = found.as_slice() else {
            let page = site.page();
            return Err(if found.is_empty() {
                RevokeError::NotListed {
                    registry,
                    username,
                    page,
                }
            } else {
                RevokeError::Ambiguous {
                    registry,
                    username,
                    page,
                }
            });
        };
        let reply = self.delete(site, of_account, account, *id)?;
        match reply.status {
            // Gitea 1.19 treats an unknown token as an anonymous request.
            StatusCode::NO_CONTENT => self.confirmed(true),
            _ => Err(RevokeError::Account {
                error: account::explain_refusal(site, account, &reply),
                page: site.page(),
            }),
        }
    }

    /// The same where a one-time code is good for a single request.
    fn with_code(&self, site: &Site, account: &Account, options: &Options, env: &Env) -> Result<Revoked, RevokeError> {
        let registry = &self.credential.registry;
        let made = TemporaryToken::make(registry, account, "revokes", &[], options, env);
        let temporary = made.map_err(|error| match error {
            MintError::Site(error) => error.into(),
            MintError::Account(error) => RevokeError::Account {
                error,
                page: site.page(),
            },
            error => self.unconfirmed(error.to_string()),
        })?;
        let credential = temporary.credential();
        // Again a new client, which also removes this token from server messages.
        let revoked = Site::find(&credential, options, env)
            .map_err(RevokeError::from)
            .and_then(|site| self.with_password(&site, &credential, temporary.account()));
        let deleted = temporary.delete();
        let revoked = revoked?;
        deleted?;
        Ok(revoked)
    }

    /// Deletes one of the account's tokens.
    fn delete(&self, site: &Site, of_account: &Credential, account: &Account, id: i64) -> Result<Reply, RevokeError> {
        let path = format!("{}/{id}", site.tokens_of(&account.username));
        let to = site.session.client.own(&path).map_err(SiteError::from)?;
        let reply = site
            .session
            .client
            .delete(&to, account.auth(of_account))
            .map_err(|error| self.unconfirmed(error.to_string()))?;
        site.passing(&reply)?;
        Ok(reply)
    }

    fn answer(&self, reply: &Reply) -> String {
        let said = self
            .site
            .session
            .client
            .error_message(reply)
            .map(|said| format!(": {said}"));
        format!("status {}{}", reply.status.as_u16(), said.unwrap_or_default())
    }
}

/// Whether it has the form of an access token: all versions of Gitea and Forgejo make them of 20 random octets. Whether
/// another text is the account's password is not asked: a wrong one would count as a failed login.
fn is_access_token(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

impl From<AccountTokensError> for RevokeError {
    fn from(error: AccountTokensError) -> Self {
        match error {
            AccountTokensError::Site(error) => Self::Site(error),
            AccountTokensError::Account { error, page } => Self::Account { error, page },
            AccountTokensError::Malformed { registry, page } => Self::Unconfirmed {
                registry,
                why: "its list of tokens is not valid or not complete".to_owned(),
                page,
            },
            AccountTokensError::NoTemporary { registry, why, page } => Self::Unconfirmed { registry, why, page },
            AccountTokensError::LeftBehind(left) => Self::LeftBehind(left),
        }
    }
}
