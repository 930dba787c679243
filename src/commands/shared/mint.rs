//! Creates a token at Gitea with the account's password.

use k8s_openapi::jiff::Timestamp;

use super::password;
use crate::commands::args::{MintArgs, RegistryConnectionArgs};
use crate::commands::system::System;
use crate::error::CommandError;
use crate::model::{Credential, Registry, Use, Username};
use crate::registry::{self, Account, MintError, MintScopes, Minted, TokenName};
use crate::sys::env::Env;
use crate::sys::host;

/// A token that was just created and is not stored yet.
pub(in crate::commands) struct New {
    pub(in crate::commands) minted: Minted,
    /// The account that it was created with, whose password can delete it again.
    pub(in crate::commands) account: Account,
}

/// Prompts for the account's password, and creates a token for `usage`.
pub(in crate::commands) fn mint(
    args: &MintArgs,
    registry: &Registry,
    username: &Username,
    usage: Use,
    connection: &RegistryConnectionArgs,
    system: &mut System<'_>,
) -> Result<New, CommandError> {
    let scopes = args.scopes.clone().unwrap_or_else(|| MintScopes::for_use(usage));
    let name = match &args.token_name {
        Some(name) => name.clone(),
        None => name(usage, &system.env)?,
    };
    let mut account = password::account(registry, username, args.password_stdin, system)?;
    let options = connection.options(RegistryConnectionArgs::TIMEOUT);
    let minted = password::with_code(&mut account, registry, system, MintError::wants_code, |account, env| {
        registry::mint(registry, account, &name, &scopes, &options, env)
    })?;
    system.output.info(format_args!(
        "made the token {} of {username} at {registry}",
        minted.name
    ));
    Ok(New { minted, account })
}

impl New {
    /// Deletes the token, because it could not be stored: a lost token should not stay valid.
    pub(in crate::commands) fn undo(
        &self,
        credential: &Credential,
        connection: &RegistryConnectionArgs,
        system: &System<'_>,
        error: CommandError,
    ) -> CommandError {
        let name = &self.minted.name;
        match registry::revoke(
            credential,
            Some(&self.account),
            &connection.options(RegistryConnectionArgs::TIMEOUT),
            &system.env,
        ) {
            Ok(_) => error.hint(format_args!(
                "the token {name}, which was created for this, was deleted again"
            )),
            Err(_) => error.hint(format_args!(
                "the token {name}, which was created for this, could not be stored: delete it at {}",
                self.minted.page
            )),
        }
    }
}

/// A unique name with the host and the time: names are unique in an account, and Gitea before 1.24 shows no dates in the
/// list of tokens.
pub(in crate::commands) fn name(usage: Use, env: &Env) -> Result<TokenName, CommandError> {
    let host = host::name(env).map(|host| format!("@{host}")).unwrap_or_default();
    let when = Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    format!("kubectl-regcred{host}-{usage}-{when}")
        .parse()
        .map_err(CommandError::failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_the_host_and_the_use() {
        let name = name(Use::Cluster, &Env::default()).unwrap().to_string();
        let (who, when) = name.rsplit_once('-').unwrap();
        assert!(
            who.starts_with("kubectl-regcred") && who.ends_with("-cluster"),
            "{name}"
        );
        assert!(when.len() == 16 && when.ends_with('Z'), "{name}");
    }
}
