//! Several requests with a one-time code that is good for one (Gitea since 1.26).

use std::hash::{BuildHasher as _, RandomState};

use http::StatusCode;

use super::{Asked, RevokeError, Revoked};
use crate::model::Credential;
use crate::registry::mint::{MintError, Minted, mint};
use crate::registry::site::Site;
use crate::registry::{Account, MintScopes, Options, TokenName};
use crate::sys::env::Env;

/// What lists and deletes an account's tokens.
const SCOPE: &str = "write:user";

impl Asked<'_> {
    /// With the code makes a token that may do this in the password's place, and deletes it in the end. Its text is in
    /// this process's memory alone: what a kill leaves at the server opens nothing for anybody.
    pub(super) fn by_errand(
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
        let errand = Account {
            username: account.username.clone(),
            password: token.clone(),
            code: None,
        };
        let of_errand = Credential {
            registry: registry.clone(),
            username: account.username.clone(),
            token,
        };
        // A client of its own, again: what a server says is cleaned of this token too.
        let site = Site::find(&of_errand, options, env)?;
        let revoked = self.by_password(&site, &of_errand, &errand);
        let why = match self.delete(&site, &of_errand, &errand, id) {
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

/// What nothing else is called.
fn name() -> TokenName {
    // Two processes get different keys for their hash maps.
    let unique = RandomState::new().hash_one(());
    format!("kubectl-regcred-revokes-{unique:016x}")
        .parse()
        .expect("a name")
}
