//! A token for the length of one task, where a one-time code is good for a single request (Gitea since 1.26).

use std::hash::{BuildHasher as _, RandomState};

use http::StatusCode;
use thiserror::Error;

use super::account::by_hand;
use super::mint::{MintError, Minted, mint};
use super::site::Site;
use super::{Account, MintScopes, Options, ReachError, TokenName};
use crate::model::{Credential, Registry};
use crate::sys::env::Env;

/// The scope for listing and deleting an account's tokens.
const SCOPE: &str = "write:user";

/// A token that stands in for an account's password and one-time code. Its text is only in this process's memory, so nobody
/// can use one that a killed process leaves at the server.
///
/// It is deleted when it is dropped; only [`TemporaryToken::delete`] tells whether that worked.
pub struct TemporaryToken {
    registry: Registry,
    /// With the token in place of the password.
    account: Account,
    id: i64,
    name: TokenName,
    page: String,
    options: Options,
    env: Env,
    is_deleted: bool,
}

/// A temporary token that could not be deleted.
#[derive(Debug, Error)]
#[error("the token {name} at {registry}, which was made for this command alone, is still there: {why}")]
pub struct LeftBehind {
    pub registry: Registry,
    pub name: TokenName,
    pub why: String,
    /// The page to see and delete the account's tokens by hand.
    pub page: String,
}

impl LeftBehind {
    pub fn hint(&self) -> String {
        by_hand(&self.page)
    }
}

impl TemporaryToken {
    /// Uses the account's one-time code to make one that can do what these scopes allow, and delete itself. `what` is done
    /// with it: a word of its name.
    ///
    /// # Errors
    /// If the server makes none.
    pub fn make(
        registry: &Registry,
        account: &Account,
        what: &str,
        scopes: &[&str],
        options: &Options,
        env: &Env,
    ) -> Result<Self, MintError> {
        let mut scopes = scopes.to_vec();
        if !scopes.contains(&SCOPE) {
            scopes.push(SCOPE);
        }
        let scopes: MintScopes = scopes.join(",").parse().expect("scopes");
        let Minted {
            token, id, name, page, ..
        } = mint(registry, account, &name(what), &scopes, options, env)?;
        Ok(Self {
            registry: registry.clone(),
            account: Account {
                username: account.username.clone(),
                password: token,
                code: None,
            },
            id,
            name,
            page,
            options: options.clone(),
            env: env.clone(),
            is_deleted: false,
        })
    }

    /// The account, signed in with the token in place of the password.
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Deletes it at the server.
    ///
    /// # Errors
    /// If the server did not confirm that.
    pub fn delete(mut self) -> Result<(), LeftBehind> {
        self.try_to_delete().map_err(|why| LeftBehind {
            registry: self.registry.clone(),
            name: self.name.clone(),
            why,
            page: self.page.clone(),
        })
    }

    /// Its id at the server.
    pub(super) fn id(&self) -> i64 {
        self.id
    }

    /// The account's name with the token.
    pub(super) fn credential(&self) -> Credential {
        self.account.at(&self.registry)
    }

    /// Tries it once. Returns why it may still be there.
    fn try_to_delete(&mut self) -> Result<(), String> {
        self.is_deleted = true;
        let credential = self.credential();
        let site = Site::find(&credential, &self.options, &self.env).map_err(|error| error.to_string())?;
        let client = &site.session.client;
        let path = format!("{}/{}", site.tokens_of(&self.account.username), self.id);
        let deleted = client
            .own(&path)
            .and_then(|to| client.delete(&to, self.account.auth(&credential)));
        let reply = deleted.map_err(|error: ReachError| error.to_string())?;
        site.passing(&reply).map_err(|error| error.to_string())?;
        if reply.status == StatusCode::NO_CONTENT {
            return Ok(());
        }
        let said = client.error_message(&reply).map(|said| format!(": {said}"));
        Err(format!("status {}{}", reply.status.as_u16(), said.unwrap_or_default()))
    }
}

impl Drop for TemporaryToken {
    fn drop(&mut self) {
        if !self.is_deleted {
            let _ = self.try_to_delete(); // whoever wants to know calls `delete`
        }
    }
}

/// A unique name.
fn name(what: &str) -> TokenName {
    // std seeds hash maps randomly for each process.
    let unique = RandomState::new().hash_one(());
    format!("kubectl-regcred-{what}-{unique:016x}").parse().expect("a name")
}
