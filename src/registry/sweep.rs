//! Deletes a token of which only the name is known, because the process that created it was killed before the answer
//! arrived.

use http::StatusCode;

use super::account;
use super::site::{Site, segment};
use super::{Account, Options, RevokeError, SiteError, TokenName};
use crate::model::Registry;
use crate::sys::env::Env;

/// Deletes `account`'s token of this name at `registry`'s Gitea. Returns whether there was one.
///
/// The name must be unique, because Gitea deletes any token of that name. Gitea cannot mistake a [`TokenName`] for the
/// id of another token.
pub fn sweep(
    registry: &Registry,
    account: &Account,
    name: &TokenName,
    options: &Options,
    env: &Env,
) -> Result<bool, RevokeError> {
    let credential = account.at(registry);
    let site = Site::find(&credential, options, env)?;
    let unconfirmed = |why: String| RevokeError::Unconfirmed {
        registry: registry.to_string(),
        why,
        page: site.page(),
    };
    let client = &site.session.client;
    let path = format!("{}/{}", site.tokens_of(&account.username), segment(name.as_str()));
    let to = client.own(&path).map_err(SiteError::from)?;
    let reply = client
        .delete(&to, account.auth(&credential))
        .map_err(|error| unconfirmed(error.to_string()))?;
    site.passing(&reply)?;
    match reply.status {
        StatusCode::NO_CONTENT => Ok(true),
        StatusCode::NOT_FOUND => Ok(false),
        _ => Err(RevokeError::Account {
            error: account::explain_refusal(&site, account, &reply),
            page: site.page(),
        }),
    }
}
