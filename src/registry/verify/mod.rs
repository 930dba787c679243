//! Verifies a credential at its registry.

mod error;
mod gitea;
mod standard;
mod verified;

pub use error::VerifyError;
pub use verified::{Flow, Note, Verified};

use super::Options;
use super::challenge::{self, SignIn};
use super::server::Server;
use super::session::Session;
use super::site::GiteaPath;
use crate::model::Credential;
use crate::sys::env::Env;

/// Asks `credential`'s registry whether it accepts the credential.
///
/// The registry is first asked without credentials, so that a token is sent only to a registry that asks for one. A
/// Gitea is then asked about the token itself: in other requests Gitea tries an unknown token as the account's
/// password, and behind LDAP a few such attempts lock the account. For the same reason nothing is tried after a
/// refusal.
pub fn verify(credential: &Credential, options: &Options, env: &Env) -> Result<Verified, VerifyError> {
    if credential.username.is_identity_token() {
        return Err(VerifyError::IdentityToken);
    }
    let (session, reply) = Session::begin(credential, options, env)?;
    match session.sign_in(&reply)? {
        None => Ok(Verified {
            who: None,
            scopes: None,
            created: None,
            server: Server::Other,
            flow: Flow::Open,
            notes: Vec::new(),
        }),
        Some(SignIn::Basic) => standard::basic(&session),
        Some(SignIn::Bearer { realm, service }) => match challenge::gitea_prefix(&realm, service.as_deref()) {
            Some(prefix) => gitea::verify(
                &session,
                &realm,
                options.gitea_path.as_ref().map_or(prefix, GiteaPath::as_str),
            ),
            None => standard::bearer(&session, &realm, service.as_deref()),
        },
    }
}
