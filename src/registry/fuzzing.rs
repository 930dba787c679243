//! What fuzzing asks of parsers that are private (tests/fuzz); compiled for nothing else.

use http::header::WWW_AUTHENTICATE;
use http::{HeaderMap, HeaderValue};

use super::challenge::{self, SignIn};
use super::jwt::Claims;
use super::origin::Origin;
use crate::model::Registry;

/// How to sign in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    Basic,
    Bearer {
        realm: String,
        service: Option<String>,
        /// The path that Gitea runs below, if the challenge is Gitea's.
        gitea: Option<String>,
    },
}

/// The choice among the challenges of these headers. Headers that HTTP does not allow are left out.
pub fn chosen(fields: &[&[u8]]) -> Option<Chosen> {
    let mut headers = HeaderMap::new();
    for value in fields.iter().filter_map(|field| HeaderValue::from_bytes(field).ok()) {
        headers.append(WWW_AUTHENTICATE, value);
    }
    Some(match challenge::choose(&challenge::challenges(&headers))? {
        SignIn::Basic => Chosen::Basic,
        SignIn::Bearer { realm, service } => Chosen::Bearer {
            gitea: challenge::gitea_prefix(&realm, service.as_deref()).map(str::to_owned),
            realm,
            service,
        },
    })
}

/// Scheme, host and port of the URL that a token would be sent to, if it may be sent to this realm.
pub fn realm(registry: &Registry, https: bool, realm: &str) -> Option<(String, String, Option<u16>)> {
    let endpoint = Origin::of_registry(registry, https).realm(registry, realm).ok()?;
    let uri = endpoint.uri();
    Some((uri.scheme_str()?.to_owned(), uri.host()?.to_owned(), uri.port_u16()))
}

/// User and scope in the payload of a JWT.
pub fn claims(token: &str) -> Option<(Option<i64>, Option<String>)> {
    Claims::of(token).map(|claims| (claims.user, claims.scope))
}
