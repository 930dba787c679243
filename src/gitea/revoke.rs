//! Deleting a Personal Access Token at its Gitea.

use std::collections::BTreeSet;

use http::StatusCode;
use serde::Deserialize;
use thiserror::Error;

use super::account::{self, by_hand};
use super::http::{Auth, Reply};
use super::site::Site;
use super::{Account, AccountError, Options, ReachError, SiteError, VerifyError};
use crate::env::Env;
use crate::model::{Credential, Token, Username};

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

/// Why a token is still there, or may be.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RevokeError {
    /// There is no Gitea to ask.
    #[error(transparent)]
    Site(#[from] SiteError),
    /// Only the account itself can delete tokens there: before Gitea 1.27, and in Forgejo.
    #[error("{registry} lets no token delete itself: that takes the account's password, or the web page")]
    NeedsPassword {
        /// What was asked.
        registry: String,
        /// Where it is deleted by hand.
        page: String,
    },
    /// Gitea does not let the account in.
    #[error("{error}")]
    Account {
        /// Why not.
        error: AccountError,
        /// Where it is deleted by hand.
        page: String,
    },
    /// The server answered as it answers to people who show nothing.
    #[error("{registry} answered as if no token had been sent, so nothing is known about it")]
    NotSeen {
        /// What was asked.
        registry: String,
        /// Where it is deleted by hand.
        page: String,
    },
    /// The account has no such token.
    #[error("{username} has no such token at {registry}: it was deleted before, or belongs to another account")]
    NotListed {
        /// What was asked.
        registry: String,
        /// Whose tokens were looked through.
        username: Username,
        /// Where an account's tokens are seen.
        page: String,
    },
    /// Which one it is cannot be told.
    #[error("{username} has several tokens at {registry} that end alike: none was deleted")]
    Ambiguous {
        /// What was asked.
        registry: String,
        /// Whose tokens were looked through.
        username: Username,
        /// Where it is deleted by hand.
        page: String,
    },
    /// It was deleted, it was said, and it still works.
    #[error("{registry} said that the token is deleted, and still accepts it")]
    StillAccepted {
        /// What was asked.
        registry: String,
        /// Where it is deleted by hand.
        page: String,
    },
    /// Another answer, or none to a request that was sent.
    #[error("{registry} did not confirm that the token is deleted: {why}")]
    Unconfirmed {
        /// What was asked.
        registry: String,
        /// What it answered.
        why: String,
        /// Where it is deleted by hand.
        page: String,
    },
}

impl RevokeError {
    /// The page to delete the token at by hand, where there is one.
    #[must_use]
    pub fn page(&self) -> Option<&str> {
        match self {
            Self::Site(_) => None,
            Self::NeedsPassword { page, .. }
            | Self::Account { page, .. }
            | Self::NotSeen { page, .. }
            | Self::NotListed { page, .. }
            | Self::Ambiguous { page, .. }
            | Self::StillAccepted { page, .. }
            | Self::Unconfirmed { page, .. } => Some(page),
        }
    }

    /// The next thing to try.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Site(error) => error.hint(),
            Self::Account { error, page } => {
                let by_hand = by_hand(page);
                let hint = error.hint().filter(|hint| !hint.contains(&by_hand));
                Some(hint.map_or(by_hand.clone(), |hint| format!("{hint}; {by_hand}")))
            }
            other => other.page().map(|page| format!("delete it by hand at {page}")),
        }
    }

    /// Whether the account's password, which was not given, could help.
    #[must_use]
    pub fn wants_password(&self) -> bool {
        matches!(self, Self::NeedsPassword { .. })
    }

    /// Whether a one-time code, which was not given, could help: see [`AccountError::wants_code`].
    #[must_use]
    pub fn wants_code(&self) -> bool {
        matches!(self, Self::Account { error, .. } if error.wants_code())
    }
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
pub fn revoke(
    credential: &Credential,
    account: Option<&Account>,
    options: &Options,
    env: &Env,
) -> Result<Revoked, RevokeError> {
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
        let path = format!("{}/{id}", site.tokens_of(&account.username));
        let to = site.session.client.own(&path).map_err(reach)?;
        let reply = site
            .session
            .client
            .delete(&to, account.auth(of_account))
            .map_err(|error| self.unconfirmed(error.to_string()))?;
        site.passing(&reply)?;
        match reply.status {
            // Gitea 1.19 takes whoever shows an unknown token for nobody.
            StatusCode::NO_CONTENT => self.confirmed(true),
            _ => Err(RevokeError::Account {
                error: account::judge(site, account, &reply),
                page: site.page(),
            }),
        }
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
