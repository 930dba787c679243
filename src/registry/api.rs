//! Asks Gitea's API about a token. The API never tries a token in the `Authorization` header as a password.

use http::StatusCode;
use k8s_openapi::jiff::Timestamp;
use serde::Deserialize;

use super::VerifyError;
use super::http::{Auth, Reply};
use super::scopes::Scopes;
use super::server::Server;
use super::session::Session;
use crate::model::printable;

/// Longest version or login name that is shown.
const MAX_NAME: usize = 60;
/// The API's answers to a request without credentials.
const ANONYMOUS: [&str; 2] = ["token is required", "Only signed in user is allowed to call APIs."];
/// The start of the API's message for a missing scope.
pub(super) const LACKS_SCOPE: &str = "token does not have";
/// Precedes the token's own scopes in that message, since Gitea 1.23.
pub(super) const OWN_SCOPES: &str = "token scope=";

/// Gitea's API, found without sending a token, because on a host with several applications `/api/v1` can belong to
/// another one.
pub(super) struct Api {
    /// Prefix of its paths.
    pub base: String,
    pub server: Server,
}

/// What the API has told about a token.
#[derive(Default)]
pub(super) struct TokenInfo {
    /// The API accepts it.
    pub alive: bool,
    /// The API answered as if no token had been sent.
    unseen: bool,
    pub who: Option<String>,
    pub scopes: Option<Scopes>,
    pub created: Option<Timestamp>,
}

#[derive(Deserialize)]
struct Version {
    version: String,
}

#[derive(Deserialize)]
struct OwnToken {
    scopes: Option<Vec<String>>,
    // Not `last_used_at`, which is the time of this request.
    created_at: Option<String>,
    user: Account,
}

#[derive(Deserialize)]
struct Account {
    id: i64,
    login: String,
}

#[derive(Deserialize)]
struct SearchResult {
    data: Vec<Account>,
}

impl Session<'_> {
    /// Looks for the API of Gitea or Forgejo below the path in the realm, then at the root.
    pub(super) fn find_api(&self, prefix: &str) -> Option<Api> {
        let mut prefixes = vec![prefix];
        if !prefix.is_empty() {
            prefixes.push("");
        }
        let found = prefixes.into_iter().find_map(|prefix| {
            let base = format!("{prefix}/api/v1");
            let reply = self.ask(&format!("{base}/version"), &[], Auth::Anonymous)?;
            let server = match reply.status {
                StatusCode::OK => Server::of_version(&self.client.quote(&read::<Version>(&reply)?.version)),
                // With REQUIRE_SIGNIN_VIEW, the version needs a login too.
                StatusCode::FORBIDDEN if self.is_anonymous_answer(&reply) => Server::Gitea { version: None },
                _ => return None,
            };
            server.is_gitea().then_some((prefix, Api { base, server }))
        });
        let (below, api) = found.map_or((prefix, None), |(below, api)| (below, Some(api)));
        self.set_below(below);
        api
    }

    /// `GET /token`, since Gitea 1.27: the token's owner, scopes and age; needs no scope. Older versions answer 404, but up to
    /// 1.25 they check the credential first.
    pub(super) fn ask_about_token(&self, api: &Api, known: &mut TokenInfo) -> Result<(), VerifyError> {
        let Some(token) = self.credential.token.as_bearer() else {
            return Ok(());
        };
        let to = self.client.own(&format!("{}/token", api.base))?;
        let reply = self.client.get(&to, &[], Auth::Bearer(token))?;
        if !reply.status.is_redirection() {
            self.passing(&reply)?;
        }
        match reply.status {
            StatusCode::OK => {
                let own: OwnToken =
                    read(&reply).ok_or_else(|| self.malformed("no JSON where its API describes the token"))?;
                known.alive = true;
                known.who = self.name(&own.user.login);
                known.created = own.created_at.as_deref().and_then(time);
                let scopes = own.scopes.unwrap_or_default().join(",");
                known.scopes = Scopes::parse(&self.client.without_secrets(&scopes));
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if self.is_anonymous_answer(&reply) => known.unseen = true,
            StatusCode::UNAUTHORIZED => return Err(self.rejected(self.client.error_message(&reply))),
            StatusCode::FORBIDDEN => return Err(self.why_forbidden(&reply)),
            _ => {}
        }
        Ok(())
    }

    /// Distinguishes the causes of a refused token exchange with `GET /user`.
    pub(super) fn why_refused(&self, api: Option<&Api>, known: &TokenInfo) -> VerifyError {
        let registry = self.registry();
        if known.unseen {
            return VerifyError::NotSeen { registry };
        }
        let Some(reply) = api.and_then(|api| self.ask_as_owner(api)) else {
            return self.rejected_or_no_package_scope();
        };
        match reply.status {
            StatusCode::OK => self.no_package_scope(None),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if self.is_anonymous_answer(&reply) => {
                VerifyError::NotSeen { registry }
            }
            StatusCode::UNAUTHORIZED => self.rejected(self.client.error_message(&reply)),
            StatusCode::FORBIDDEN => self.why_forbidden(&reply),
            _ => self.rejected_or_no_package_scope(),
        }
    }

    /// Explains a 403 for a token that the API knows.
    fn why_forbidden(&self, reply: &Reply) -> VerifyError {
        let registry = self.registry();
        let said = self.client.error_message(reply);
        let Some(lacks) = said.as_deref().filter(|said| said.starts_with(LACKS_SCOPE)) else {
            return VerifyError::AccountRefused { registry, said };
        };
        let scopes = lacks.split_once(OWN_SCOPES).and_then(|(_, own)| Scopes::parse(own));
        if scopes.as_ref().is_some_and(Scopes::may_pull) {
            // Its scopes suffice, so the registry refused because it did not receive the token.
            return VerifyError::NotSeen { registry };
        }
        self.no_package_scope(scopes)
    }

    /// Explains an exchange that succeeded for an anonymous user: either the token did not arrive, or it is wrong and
    /// the server is a Gitea 1.17.
    pub(super) fn why_ghost(&self, api: Option<&Api>, known: &TokenInfo) -> VerifyError {
        let registry = self.registry();
        if known.alive || known.unseen {
            return VerifyError::NotSeen { registry };
        }
        match api.and_then(|api| self.ask_as_owner(api)) {
            Some(reply) if reply.status == StatusCode::UNAUTHORIZED && !self.is_anonymous_answer(&reply) => {
                self.rejected(self.client.error_message(&reply))
            }
            _ => VerifyError::NotSeen { registry },
        }
    }

    /// Fails if the scopes are known and give no access to packages.
    pub(super) fn may_pull(&self, scopes: Option<&Scopes>) -> Result<(), VerifyError> {
        match scopes {
            Some(scopes) if !scopes.may_pull() => Err(self.no_package_scope(Some(scopes.clone()))),
            _ => Ok(()),
        }
    }

    /// Looks up the name of the account with the id `user`: with the token if its scopes allow that, else by an
    /// anonymous search. The name is only displayed, so failures are ignored.
    pub(super) fn ask_for_owner(&self, api: &Api, user: i64, known: &mut TokenInfo) {
        if known.scopes.as_ref().is_none_or(Scopes::may_read_user) {
            let account = self.ask_as_owner(api).and_then(|reply| read::<Account>(&reply));
            known.who = account
                .filter(|account| account.id == user)
                .and_then(|account| self.name(&account.login));
        }
        if known.who.is_none() {
            let query = [("uid", user.to_string())];
            let query: Vec<(&str, &str)> = query.iter().map(|(key, value)| (*key, value.as_str())).collect();
            let reply = self.ask(&format!("{}/users/search", api.base), &query, Auth::Anonymous);
            let found = reply
                .and_then(|reply| read::<SearchResult>(&reply))
                .map_or(Vec::new(), |found| found.data);
            let account = found.into_iter().find(|account| account.id == user);
            known.who = account.and_then(|account| self.name(&account.login));
        }
    }

    /// The error for a wrong token, with the server's message.
    pub(super) fn rejected(&self, said: Option<String>) -> VerifyError {
        VerifyError::Rejected {
            registry: self.registry(),
            said,
            page: Some(self.page()),
        }
    }

    fn no_package_scope(&self, scopes: Option<Scopes>) -> VerifyError {
        VerifyError::NoPackageScope {
            registry: self.registry(),
            scopes,
            page: self.page(),
        }
    }

    /// The error for a token that Gitea's registry refuses without a reason.
    pub(super) fn rejected_or_no_package_scope(&self) -> VerifyError {
        VerifyError::RejectedOrNoPackageScope {
            registry: self.registry(),
            page: self.page(),
        }
    }

    fn ask_as_owner(&self, api: &Api) -> Option<Reply> {
        let token = self.credential.token.as_bearer()?;
        self.ask(&format!("{}/user", api.base), &[], Auth::Bearer(token))
    }

    /// An optional request: any failure is `None`.
    fn ask(&self, path: &str, query: &[(&str, &str)], auth: Auth<'_>) -> Option<Reply> {
        let to = self.client.own(path).ok()?;
        self.client.get(&to, query, auth).ok()
    }

    pub(super) fn is_anonymous_answer(&self, reply: &Reply) -> bool {
        self.client
            .error_message(reply)
            .is_some_and(|said| ANONYMOUS.contains(&said.as_str()))
    }

    fn name(&self, text: &str) -> Option<String> {
        Some(printable(&self.client.quote(text), MAX_NAME)).filter(|name| !name.is_empty())
    }
}

/// A time as the API writes it. The zero of Go's times means none.
pub(super) fn time(text: &str) -> Option<Timestamp> {
    text.parse().ok().filter(|time: &Timestamp| time.as_second() > 0)
}

fn read<T: serde::de::DeserializeOwned>(reply: &Reply) -> Option<T> {
    serde_json::from_slice(&reply.body).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zero_of_gos_times_is_none() {
        let second = |text| time(text).map(Timestamp::as_second);
        assert_eq!(second("2026-01-01T01:00:00+01:00"), Some(1_767_225_600));
        for text in ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "", "yesterday"] {
            assert_eq!(second(text), None, "{text}");
        }
    }
}
