//! The exchange of a credential for a registry's own token (the Distribution project's token authentication).

use http::StatusCode;
use serde::Deserialize;
use zeroize::Zeroizing;

use super::VerifyError;
use super::challenge;
use super::http::{Auth, Reply};
use super::origin::Endpoint;
use super::session::Session;

/// The answer of a token server; the specification allows either name.
#[derive(Deserialize)]
struct Answer {
    token: Option<Zeroizing<String>>,
    access_token: Option<Zeroizing<String>>,
}

impl Session<'_> {
    /// The token server. For a Gitea with a wrong `ROOT_URL`, the registry's own address is used.
    pub(super) fn token_server(&self, realm: &str, service: Option<&str>) -> Result<Endpoint, VerifyError> {
        match self.client.realm(&self.credential.registry, realm) {
            Ok(at) => Ok(at),
            Err(_) if challenge::gitea_prefix(realm, service).is_some() => {
                Ok(self.client.own(challenge::GITEA_TOKEN_PATH)?)
            }
            Err(_) => Err(VerifyError::RealmElsewhere {
                registry: self.registry(),
                realm: self.client.quote(realm),
            }),
        }
    }

    /// Asks for a token without a scope, which proves that the credential is accepted, whatever images there are.
    pub(super) fn exchange(&self, at: &Endpoint, service: Option<&str>) -> Result<Reply, VerifyError> {
        self.exchange_for(at, service, None)
    }

    /// Asks for a token with a scope such as `repository:owner/image:pull`.
    pub(super) fn exchange_for(
        &self,
        at: &Endpoint,
        service: Option<&str>,
        scope: Option<&str>,
    ) -> Result<Reply, VerifyError> {
        let mut query = Vec::new();
        query.extend(service.map(|service| ("service", service)));
        query.extend(scope.map(|scope| ("scope", scope)));
        query.extend([
            ("account", self.credential.username.as_str()),
            ("client_id", "kubectl-regcred"),
        ]);
        let reply = self.client.get(at, &query, Auth::Basic(self.credential))?;
        self.passing(&reply)?;
        Ok(reply)
    }

    /// A token server's answer, unless it refuses the credential.
    pub(super) fn unrefused(&self, reply: Reply, is_gitea: bool) -> Result<Reply, VerifyError> {
        self.refusal(&reply, is_gitea).map_or(Ok(reply), Err)
    }

    /// Why a token server refused the credential, if it did.
    pub(super) fn refusal(&self, reply: &Reply, is_gitea: bool) -> Option<VerifyError> {
        match reply.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if is_gitea => Some(self.rejected_or_no_package_scope()),
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Some(VerifyError::Rejected {
                registry: self.registry(),
                said: self.client.error_message(reply),
                page: None,
            }),
            _ => None,
        }
    }

    /// Whether a token server accepts the credential, but not for the scope that was asked for, as GHCR does. Gitea has no
    /// scopes of images: its 403 is about the credential.
    pub(super) fn withholds(reply: &Reply, is_gitea: bool) -> bool {
        !is_gitea && reply.status == StatusCode::FORBIDDEN
    }

    /// Reads the token from a successful answer.
    pub(super) fn exchanged(&self, reply: &Reply) -> Result<Zeroizing<String>, VerifyError> {
        if reply.is_html() {
            return Err(self.malformed("a web page where a token should be"));
        }
        let answer: Answer =
            serde_json::from_slice(&reply.body).map_err(|_| self.malformed("no JSON where a token should be"))?;
        let token = answer.token.or(answer.access_token).filter(|token| !token.is_empty());
        let token = token.ok_or_else(|| self.malformed("no token in the answer of the token server"))?;
        if token.chars().any(|c| !c.is_ascii_graphic()) {
            return Err(self.malformed("the token in the answer of the token server is none"));
        }
        Ok(token)
    }
}
