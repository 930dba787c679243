//! Verification at other registries: GHCR, Docker Hub, Harbor, Distribution.

use http::StatusCode;

use super::VerifyError;
use super::verified::{Flow, Verified};
use crate::registry::http::{Auth, Reply};
use crate::registry::origin::RealmFault;
use crate::registry::server::Server;
use crate::registry::session::{self, Session};

/// Exchanges the credential for a token, which `/v2/` must then accept.
pub(super) fn bearer(session: &Session, realm: &str, service: Option<&str>) -> Result<Verified, VerifyError> {
    let registry = session.registry();
    let at = session
        .client
        .realm(&session.credential.registry, realm)
        .map_err(|fault| {
            let realm = session.client.quote(realm);
            match fault {
                RealmFault::NotAnAddress => session.malformed("the realm is not a valid URL"),
                RealmFault::PlainHttp => VerifyError::RealmPlainHttp { registry, realm },
                RealmFault::Elsewhere => VerifyError::RealmElsewhere { registry, realm },
            }
        })?;
    let reply = session.exchange(&at, service)?;
    accepted(session, &reply)?;
    let token = session.exchanged(&reply)?;
    opens(session, &token)?;
    Ok(plain(Flow::Bearer))
}

/// Checks that the registry accepts a token from the exchange.
pub(super) fn opens(session: &Session, token: &str) -> Result<(), VerifyError> {
    let reply = session
        .client
        .get(&session.client.own("/v2/")?, &[], Auth::Bearer(token))?;
    session.passing(&reply)?;
    if reply.status.is_success() {
        return Ok(());
    }
    Err(VerifyError::ExchangeUseless {
        registry: session.registry(),
        status: reply.status.as_u16(),
        said: session.client.error_message(&reply),
    })
}

/// Checks that `/v2/` accepts the credential itself.
pub(super) fn basic(session: &Session) -> Result<Verified, VerifyError> {
    let to = session.client.own("/v2/")?;
    let reply = session.client.get(&to, &[], Auth::Basic(session.credential))?;
    session.passing(&reply)?;
    accepted(session, &reply)?;
    if !session::is_registry(&reply) {
        return Err(session.not_a_registry(&reply));
    }
    Ok(plain(Flow::Basic))
}

/// Only a 200 means success. GitHub answers 403 where others answer 401.
fn accepted(session: &Session, reply: &Reply) -> Result<(), VerifyError> {
    match reply.status {
        StatusCode::OK => Ok(()),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(VerifyError::Rejected {
            registry: session.registry(),
            said: session.client.error_message(reply),
            page: None,
        }),
        _ => Err(session.malformed("it neither accepts nor refuses the credential")),
    }
}

/// The result for a registry that gives no details.
pub(super) fn plain(flow: Flow) -> Verified {
    Verified {
        who: None,
        scopes: None,
        created: None,
        server: Server::Other,
        flow,
        notes: Vec::new(),
    }
}
