//! A token for the length of one task, where a one-time code is good for a single request (Gitea since 1.26).

use std::hash::{BuildHasher as _, RandomState};

use http::StatusCode;

use super::mint::{MintError, Minted, mint};
use super::site::Site;
use super::{Account, MintScopes, Options, ReachError, TokenName};
use crate::model::{Credential, Registry};
use crate::sys::env::Env;

/// The scope for listing and deleting an account's tokens.
const SCOPE: &str = "write:user";

/// The account, signed in with the temporary token in place of the password.
pub(super) struct Temporary<'a> {
    pub(super) site: &'a Site<'a>,
    pub(super) credential: &'a Credential,
    pub(super) account: &'a Account,
    /// The temporary token's own.
    pub(super) id: i64,
}

/// A temporary token that could not be deleted.
#[derive(Debug)]
pub(super) struct LeftBehind {
    pub(super) name: TokenName,
    pub(super) why: String,
    pub(super) page: String,
}

/// Uses the account's one-time code to create a temporary token, with which `work` is done, and which is deleted at the end.
/// Its text is only in this process's memory, so nobody can use a token that a killed process leaves at the server.
///
/// Returns what `work` returned, and what became of the token. `what` is done with it: a word of its name.
pub(super) fn with_temporary_token<T>(
    registry: &Registry,
    account: &Account,
    what: &str,
    options: &Options,
    env: &Env,
    work: impl FnOnce(&Temporary<'_>) -> T,
) -> Result<(T, Result<(), LeftBehind>), MintError> {
    let scopes: MintScopes = SCOPE.parse().expect("a scope");
    let Minted {
        token, id, name, page, ..
    } = mint(registry, account, &name(what), &scopes, options, env)?;
    let credential = Credential {
        registry: registry.clone(),
        username: account.username.clone(),
        token: token.clone(),
    };
    let account = Account {
        username: account.username.clone(),
        password: token,
        code: None,
    };
    // Again a new client, which also removes this token from server messages.
    let site = Site::find(&credential, options, env)?;
    let temporary = Temporary {
        site: &site,
        credential: &credential,
        account: &account,
        id,
    };
    let done = work(&temporary);
    let deleted = temporary.delete().map_err(|why| LeftBehind { name, why, page });
    Ok((done, deleted))
}

impl Temporary<'_> {
    /// Deletes the temporary token itself, or says why not.
    fn delete(&self) -> Result<(), String> {
        let client = &self.site.session.client;
        let path = format!("{}/{}", self.site.tokens_of(&self.account.username), self.id);
        let deleted = client
            .own(&path)
            .and_then(|to| client.delete(&to, self.account.auth(self.credential)));
        let reply = deleted.map_err(|error: ReachError| error.to_string())?;
        self.site.passing(&reply).map_err(|error| error.to_string())?;
        if reply.status == StatusCode::NO_CONTENT {
            return Ok(());
        }
        let said = client.error_message(&reply).map(|said| format!(": {said}"));
        Err(format!("status {}{}", reply.status.as_u16(), said.unwrap_or_default()))
    }
}

/// A unique name.
fn name(what: &str) -> TokenName {
    // std seeds hash maps randomly for each process.
    let unique = RandomState::new().hash_one(());
    format!("kubectl-regcred-{what}-{unique:016x}").parse().expect("a name")
}
