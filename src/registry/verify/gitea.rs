//! Verification at Gitea and Forgejo, from 1.17 on. Answers differ by version, and a 200 alone proves nothing.

use http::StatusCode;
use http::header::CONTENT_TYPE;

use super::verified::{Flow, Note, Verified};
use super::{VerifyError, standard};
use crate::registry::api::{Api, TokenInfo};
use crate::registry::challenge::{GITEA_SERVICE, GITEA_TOKEN_PATH};
use crate::registry::http::Reply;
use crate::registry::jwt::Claims;
use crate::registry::scopes::Scopes;
use crate::registry::server::Server;
use crate::registry::session::Session;

pub(super) fn verify(session: &Session, realm: &str, prefix: &str) -> Result<Verified, VerifyError> {
    let client = &session.client;
    let mut notes = Vec::new();
    let at = if let Ok(at) = client.realm(&session.credential.registry, realm) {
        at
    } else {
        // docker would send the credential there. The registry's own address has the same exchange.
        let realm = client.quote(realm);
        notes.push(Note::RealmElsewhere { realm });
        client.own(GITEA_TOKEN_PATH)?
    };
    let api = session.find_api(prefix);
    let mut known = TokenInfo::default();
    if let Some(api) = &api {
        session.ask_about_token(api, &mut known)?;
        session.may_pull(known.scopes.as_ref())?;
    }
    let reply = session.exchange(&at, Some(GITEA_SERVICE))?;
    check_exchange(session, &reply, api.as_ref(), &known)?;
    let token = session.exchanged(&reply)?;
    let claims = Claims::of(&token);
    let Some(user) = claims.as_ref().and_then(|claims| claims.user) else {
        // Only something that merely looks like Gitea issues such a token, so it is verified like any other registry.
        if api.is_some() {
            return Err(session.malformed("the token of its registry names no user"));
        }
        standard::opens(session, &token)?;
        return Ok(Verified {
            notes,
            ..standard::plain(Flow::Bearer)
        });
    };
    if user <= 0 {
        return Err(session.why_ghost(api.as_ref(), &known));
    }
    // At Forgejo an empty scope means a password, which has all access.
    let scope = claims.and_then(|claims| claims.scope).unwrap_or_default();
    known.scopes = known.scopes.or_else(|| Scopes::parse(&client.without_secrets(&scope)));
    session.may_pull(known.scopes.as_ref())?;
    if let (Some(api), None) = (&api, &known.who) {
        session.ask_for_owner(api, user, &mut known);
    }
    Ok(Verified {
        who: known.who,
        scopes: known.scopes,
        created: known.created,
        server: api.map_or(Server::Gitea { version: None }, |api| api.server),
        flow: Flow::Bearer,
        notes,
    })
}

/// Checks the status of the exchange. A 200 passes, but proves nothing yet.
fn check_exchange(session: &Session, reply: &Reply, api: Option<&Api>, known: &TokenInfo) -> Result<(), VerifyError> {
    if reply.status == StatusCode::OK {
        return Ok(());
    }
    let registry = session.registry();
    let said = session.client.error_message(reply);
    let status = reply.status.as_u16();
    Err(match reply.status {
        _ if known.alive => VerifyError::SignInRefused { registry, status, said },
        // Up to 1.25 and in Forgejo, the answer to a wrong token is plain text. JSON means a missing scope, or a
        // missing token with REQUIRE_SIGNIN_VIEW; since 1.26 also a wrong token.
        StatusCode::UNAUTHORIZED if is_json(reply) => session.why_refused(api, known),
        StatusCode::UNAUTHORIZED => session.rejected(said),
        StatusCode::FORBIDDEN => VerifyError::AccountRefused { registry, said },
        _ => session.malformed("it neither accepts nor refuses the credential"),
    })
}

fn is_json(reply: &Reply) -> bool {
    reply
        .header(&CONTENT_TYPE)
        .is_some_and(|kind| kind.starts_with("application/json"))
}
