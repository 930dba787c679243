//! Deleting a Personal Access Token at its Gitea.

mod errand;
mod error;

use std::collections::BTreeSet;

use http::StatusCode;
use serde::Deserialize;

pub use error::RevokeError;

use super::account;
use super::http::{Auth, Reply};
use super::site::Site;
use super::{Account, Options, ReachError, SiteError, VerifyError};
use crate::model::{Credential, Token};
use crate::sys::env::Env;

/// How much of a token Gitea shows in its lists (`token_last_eight`).
const SHOWN_TAIL: usize = 8;
/// As many tokens as a page of the list can hold, by Gitea's default `MAX_RESPONSE_ITEMS`.
const PAGE_SIZE: usize = 50;
/// More pages than any account has: an end to a list that has none.
const MAX_PAGES: usize = 200;

/// How a token came to an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Revoked {
    /// It was deleted, and the server has confirmed that it no longer knows it.
    Now,
    /// The server did not know it any more.
    Before,
}

/// One token of a list.
#[derive(Deserialize)]
struct Listed {
    id: i64,
    token_last_eight: Option<String>,
}

/// What a server knows about a token.
enum Standing {
    Accepted,
    Unknown,
    /// It said neither.
    Unclear,
    /// It did not see the token.
    Unseen,
}

/// Deletes `credential`'s token: by itself where the server is a Gitea 1.27 or newer, else with `account`'s password.
///
/// Where the token can delete itself, or is unknown already, the password is not sent. Without an `account`, a server
/// that needs one is [`RevokeError::NeedsPassword`]. A token is looked for by its last eight characters in the whole
/// list and deleted by its id, only if it is the only one that ends so. What was deleted is asked about once more.
///
/// That takes several requests, and a one-time code may be good for one: it then makes a token for this errand, which is
/// deleted at its end.
pub fn revoke(
    credential: &Credential,
    account: Option<&Account>,
    options: &Options,
    env: &Env,
) -> Result<Revoked, RevokeError> {
    if credential.username.is_identity_token() {
        return Err(RevokeError::IdentityToken);
    }
    if !credential.token.expose().is_ascii() {
        return Err(RevokeError::Password);
    }
    let site = Site::find(credential, options, env)?;
    let asked = Asked {
        site: &site,
        credential,
    };
    if let Some(done) = asked.by_itself()? {
        return Ok(done);
    }
    // An older server. Whether it still knows the token at all needs no password.
    match asked.standing()? {
        Standing::Unknown => return Ok(Revoked::Before),
        Standing::Unseen if account.is_none() => return Err(asked.not_seen()),
        _ => {}
    }
    let Some(account) = account else {
        return Err(RevokeError::NeedsPassword {
            registry: asked.registry(),
            page: site.page(),
        });
    };
    let of_account = Credential {
        registry: credential.registry.clone(),
        username: account.username.clone(),
        token: account.password.clone(),
    };
    // A client of its own: what a server says is cleaned of the password as well.
    let site = Site::find(&of_account, options, env)?;
    if account.code.is_some() && site.may_use_codes_up() {
        return asked.by_errand(&site, account, options, env);
    }
    asked.by_password(&site, &of_account, account)
}

struct Asked<'a> {
    site: &'a Site<'a>,
    credential: &'a Credential,
}

impl Asked<'_> {
    fn registry(&self) -> String {
        self.credential.registry.to_string()
    }

    fn not_seen(&self) -> RevokeError {
        RevokeError::NotSeen {
            registry: self.registry(),
            page: self.site.page(),
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

    /// `DELETE /token`, since Gitea 1.27. `None`: the server is older.
    fn by_itself(&self) -> Result<Option<Revoked>, RevokeError> {
        let client = &self.site.session.client;
        let to = client.own(&self.site.path("/token")).map_err(reach)?;
        let reply = client
            .delete(&to, self.bearer())
            .map_err(|error| self.unconfirmed(error.to_string()))?;
        self.site.passing(&reply)?;
        match reply.status {
            StatusCode::NO_CONTENT => self.confirmed(false).map(Some),
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Ok(None),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if self.site.session.means_nobody(&reply) => {
                Err(self.not_seen())
            }
            StatusCode::UNAUTHORIZED => Ok(Some(Revoked::Before)),
            _ => Err(self.unconfirmed(self.answer(&reply))),
        }
    }

    /// `GET /user` with the token in the header, where it is never tried as a password.
    fn standing(&self) -> Result<Standing, RevokeError> {
        let client = &self.site.session.client;
        let to = client.own(&self.site.path("/user")).map_err(reach)?;
        let reply = client.get(&to, &[], self.bearer()).map_err(reach)?;
        self.site.passing(&reply)?;
        Ok(match reply.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if self.site.session.means_nobody(&reply) => {
                Standing::Unseen
            }
            StatusCode::UNAUTHORIZED => Standing::Unknown,
            // 403: known, and without the scope that this asks for.
            StatusCode::OK | StatusCode::FORBIDDEN => Standing::Accepted,
            _ => Standing::Unclear,
        })
    }

    /// Asks about a token that was just deleted. `unseen`: whether an answer as to nobody may stand for it.
    fn confirmed(&self, unseen: bool) -> Result<Revoked, RevokeError> {
        match self.standing() {
            Ok(Standing::Unknown) => Ok(Revoked::Now),
            Ok(Standing::Unseen) if unseen => Ok(Revoked::Now),
            Ok(Standing::Unseen) => Err(self.not_seen()),
            Ok(Standing::Accepted) => Err(RevokeError::StillAccepted {
                registry: self.registry(),
                page: self.site.page(),
            }),
            Ok(Standing::Unclear) => Err(self.unconfirmed("it makes no sense of a question about it".to_owned())),
            Err(error) => Err(self.unconfirmed(error.to_string())),
        }
    }

    /// Looks for the token in the account's list, and deletes it by its id.
    fn by_password(&self, site: &Site, of_account: &Credential, account: &Account) -> Result<Revoked, RevokeError> {
        let tail = tail(&self.credential.token);
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        for page in 1..=MAX_PAGES {
            let before = seen.len();
            for listed in Self::page_of_tokens(site, of_account, account, page)? {
                let alike = tail.is_some() && listed.token_last_eight.as_deref() == tail;
                if seen.insert(listed.id) && alike {
                    found.push(listed.id);
                }
            }
            if seen.len() == before {
                break;
            }
        }
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
            // Gitea 1.19 takes whoever shows an unknown token for nobody.
            StatusCode::NO_CONTENT => self.confirmed(true),
            _ => Err(RevokeError::Account {
                error: account::judge(site, account, &reply),
                page: site.page(),
            }),
        }
    }

    /// `DELETE` of one of the account's tokens.
    fn delete(&self, site: &Site, of_account: &Credential, account: &Account, id: i64) -> Result<Reply, RevokeError> {
        let path = format!("{}/{id}", site.tokens_of(&account.username));
        let to = site.session.client.own(&path).map_err(reach)?;
        let reply = site
            .session
            .client
            .delete(&to, account.auth(of_account))
            .map_err(|error| self.unconfirmed(error.to_string()))?;
        site.passing(&reply)?;
        Ok(reply)
    }

    /// Pages are asked for by number: the links in an answer lead to the server's own idea of its address.
    fn page_of_tokens(
        site: &Site,
        of_account: &Credential,
        account: &Account,
        page: usize,
    ) -> Result<Vec<Listed>, RevokeError> {
        let client = &site.session.client;
        let to = client.own(&site.tokens_of(&account.username)).map_err(reach)?;
        let (page, limit) = (page.to_string(), PAGE_SIZE.to_string());
        let query = [("page", page.as_str()), ("limit", limit.as_str())];
        let reply = client.get(&to, &query, account.auth(of_account)).map_err(reach)?;
        site.passing(&reply)?;
        if reply.status != StatusCode::OK {
            return Err(RevokeError::Account {
                error: account::judge(site, account, &reply),
                page: site.page(),
            });
        }
        serde_json::from_slice(&reply.body).map_err(|_| RevokeError::Unconfirmed {
            registry: site.session.registry(),
            why: "its list of tokens is none".to_owned(),
            page: site.page(),
        })
    }

    fn answer(&self, reply: &Reply) -> String {
        let said = self.site.session.client.said(reply).map(|said| format!(": {said}"));
        format!("status {}{}", reply.status.as_u16(), said.unwrap_or_default())
    }
}

fn reach(error: ReachError) -> RevokeError {
    SiteError::from(VerifyError::from(error)).into()
}

/// The end of the token that lists show.
fn tail(token: &Token) -> Option<&str> {
    let text = token.expose();
    text.get(text.len().checked_sub(SHOWN_TAIL)?..)
}
