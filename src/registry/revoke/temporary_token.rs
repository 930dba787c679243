//! Revoking with a one-time code that is valid for a single request (Gitea since 1.26).

use std::hash::{BuildHasher as _, RandomState};

use http::StatusCode;

use super::{Revocation, RevokeError, Revoked};
use crate::model::Credential;
use crate::registry::mint::{MintError, Minted, mint};
use crate::registry::site::Site;
use crate::registry::{Account, MintScopes, Options, TokenName};
use crate::sys::env::Env;

/// The scope for listing and deleting an account's tokens.
const SCOPE: &str = "write:user";

impl Revocation<'_> {
    /// Uses the code to create a temporary token, which replaces the password in the further requests and is deleted at
    /// the end. Its text is only in this process's memory, so nobody can use a token that a killed process leaves at
    /// the server.
    pub(super) fn with_temporary_token(
        &self,
        site: &Site,
        account: &Account,
        options: &Options,
        env: &Env,
    ) -> Result<Revoked, RevokeError> {
        let registry = &self.credential.registry;
        let name = name();
        let scopes: MintScopes = SCOPE.parse().expect("a scope");
        let Minted {
            token, id, name, page, ..
        } = match mint(registry, account, &name, &scopes, options, env) {
            Ok(minted) => minted,
            Err(MintError::Site(error)) => return Err(error.into()),
            Err(MintError::Account(error)) => {
                let page = site.page();
                return Err(RevokeError::Account { error, page });
            }
            Err(error) => return Err(self.unconfirmed(error.to_string())),
        };
        let temporary = Account {
            username: account.username.clone(),
            password: token.clone(),
            code: None,
        };
        let temporary_credential = Credential {
            registry: registry.clone(),
            username: account.username.clone(),
            token,
        };
        // Again a new client, which also removes this token from server messages.
        let site = Site::find(&temporary_credential, options, env)?;
        let revoked = self.with_password(&site, &temporary_credential, &temporary);
        let why = match self.delete(&site, &temporary_credential, &temporary, id) {
            Ok(reply) if reply.status == StatusCode::NO_CONTENT => return revoked,
            Ok(reply) => self.answer(&reply),
            Err(error) => error.to_string(),
        };
        let registry = self.registry();
        revoked.and(Err(RevokeError::LeftBehind {
            registry,
            name,
            why,
            page,
        }))
    }
}

/// A unique name.
fn name() -> TokenName {
    // std seeds hash maps randomly for each process.
    let unique = RandomState::new().hash_one(());
    format!("kubectl-regcred-revokes-{unique:016x}")
        .parse()
        .expect("a name")
}
