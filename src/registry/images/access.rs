//! How requests below `/v2/` are authorised: openly, with the credential itself, or with a token for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use http::StatusCode;
use zeroize::Zeroizing;

use super::ImagesError;
use crate::model::Repository;
use crate::registry::challenge::{self, SignIn};
use crate::registry::http::{Auth, Client, Reply};
use crate::registry::origin::Endpoint;
use crate::registry::session::Session;
use crate::registry::{ReachError, VerifyError};

pub(super) enum Access {
    Open,
    Basic,
    Token(Exchange),
}

/// What the credential was exchanged for, by scope.
pub(super) struct Exchange {
    realm: Endpoint,
    service: Option<String>,
    /// Gitea's tokens are for everything.
    is_gitea: bool,
    answers: Mutex<BTreeMap<String, Answer>>,
}

/// What the token server gave.
enum Answer {
    Token(Arc<Zeroizing<String>>),
    Refused(Reply),
}

impl Access {
    pub fn new(session: &Session<'_>, sign_in: Option<SignIn>) -> Result<Self, ImagesError> {
        Ok(match sign_in {
            None => Self::Open,
            Some(SignIn::Basic) => Self::Basic,
            Some(SignIn::Bearer { realm, service }) => Self::Token(Exchange {
                is_gitea: challenge::gitea_prefix(&realm, service.as_deref()).is_some(),
                realm: session.token_server(&realm, service.as_deref())?,
                service,
                answers: Mutex::default(),
            }),
        })
    }

    pub fn send(
        &self,
        session: &Session<'_>,
        repository: &Repository,
        request: &dyn Fn(&Client, Auth<'_>) -> Result<Reply, ReachError>,
    ) -> Result<Reply, ImagesError> {
        let send = |auth: Auth<'_>| request(&session.client, auth).map_err(|error| VerifyError::from(error).into());
        match self {
            Self::Open => send(Auth::Anonymous),
            Self::Basic => send(Auth::Basic(session.credential)),
            Self::Token(exchange) => {
                let scope = exchange.scope(repository);
                if let Some(token) = exchange.known(&scope) {
                    let reply = send(Auth::Bearer(&token))?;
                    if reply.status != StatusCode::UNAUTHORIZED {
                        return Ok(reply);
                    }
                    exchange.forget(&scope, &token);
                }
                send(Auth::Bearer(&exchange.token(session, repository, &scope)?))
            }
        }
    }
}

impl Exchange {
    fn scope(&self, repository: &Repository) -> String {
        if self.is_gitea {
            String::new()
        } else {
            format!("repository:{repository}:pull")
        }
    }

    fn answers(&self) -> MutexGuard<'_, BTreeMap<String, Answer>> {
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self, scope: &str) -> Option<Arc<Zeroizing<String>>> {
        match self.answers().get(scope)? {
            Answer::Token(token) => Some(token.clone()),
            Answer::Refused(_) => None,
        }
    }

    /// Another thread may have a newer one already.
    fn forget(&self, scope: &str, token: &Arc<Zeroizing<String>>) {
        let mut answers = self.answers();
        if let Some(Answer::Token(known)) = answers.get(scope)
            && Arc::ptr_eq(known, token)
        {
            answers.remove(scope);
        }
    }

    /// One exchange at a time, and none after a refusal: a refused credential must not be tried several times, which may lock
    /// the account.
    fn token(
        &self,
        session: &Session<'_>,
        repository: &Repository,
        scope: &str,
    ) -> Result<Arc<Zeroizing<String>>, ImagesError> {
        let mut answers = self.answers();
        match answers.get(scope) {
            Some(Answer::Token(token)) => return Ok(token.clone()),
            Some(Answer::Refused(reply)) => {
                if let Some(refusal) = self.refusal(session, repository, reply) {
                    return Err(refusal);
                }
            }
            None => {}
        }
        let scope_wanted = Some(scope).filter(|scope| !scope.is_empty());
        let reply = session.exchange_for(&self.realm, self.service.as_deref(), scope_wanted)?;
        if let Some(refusal) = self.refusal(session, repository, &reply) {
            answers.insert(scope.to_owned(), Answer::Refused(reply));
            return Err(refusal);
        }
        let token = Arc::new(session.exchanged(&reply)?);
        answers.insert(scope.to_owned(), Answer::Token(token.clone()));
        Ok(token)
    }

    /// Why the token server gave no token for this repository, if it did not.
    fn refusal(&self, session: &Session<'_>, repository: &Repository, reply: &Reply) -> Option<ImagesError> {
        if Session::withholds(reply, self.is_gitea) {
            return Some(ImagesError::Refused {
                registry: session.registry(),
                what: format!("a token to pull {repository}"),
                said: session.client.error_message(reply),
            });
        }
        session.refusal(reply, self.is_gitea).map(ImagesError::from)
    }
}
