//! A new token, made at Gitea with the account's password.

use std::fs;

use k8s_openapi::jiff::Timestamp;

use super::password;
use crate::commands::args::{MintArgs, RegistryConnectionArgs};
use crate::commands::system::System;
use crate::error::CommandError;
use crate::model::{Credential, Registry, Use, Username, printable};
use crate::registry::{self, Account, MintError, MintScopes, Minted, TokenName};
use crate::sys::env::Env;

/// Longest part of a token's name that is this machine's, in characters.
const MAX_HOST: usize = 64;

/// A token that was just made, which nothing but this value knows.
pub(in crate::commands) struct New {
    pub(in crate::commands) minted: Minted,
    /// The account that it was made with: by its password the token can be deleted again.
    pub(in crate::commands) account: Account,
}

/// Asks for the account's password and makes a token for `usage`.
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
    system.output.say(format_args!(
        "made the token {} of {username} at {registry}",
        minted.name
    ));
    Ok(New { minted, account })
}

impl New {
    /// Deletes it again, because it could not be kept: a token that nobody knows should not stay valid.
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
                "the token {name}, which was made for this, is deleted again"
            )),
            Err(_) => error.hint(format_args!(
                "the token {name}, which was made for this, is kept nowhere: delete it at {}",
                self.minted.page
            )),
        }
    }
}

/// A name that says where and when a token was made, and that no second run gives again: an account has no two tokens
/// of one name, and its list shows no dates before Gitea 1.24.
pub(in crate::commands) fn name(usage: Use, env: &Env) -> Result<TokenName, CommandError> {
    let host = host(env).map(|host| format!("@{host}")).unwrap_or_default();
    let when = Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    format!("kubectl-regcred{host}-{usage}-{when}")
        .parse()
        .map_err(CommandError::failed)
}

/// What this machine is called, where it can be known without a program or a look-up.
fn host(env: &Env) -> Option<String> {
    let kernels = fs::read_to_string("/proc/sys/kernel/hostname").ok();
    let name = kernels.or_else(|| {
        ["HOSTNAME", "HOST", "COMPUTERNAME"]
            .iter()
            .find_map(|name| env.var(name))
            .map(str::to_owned)
    })?;
    Some(printable(&name, MAX_HOST)).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_says_where_and_what_for() {
        let name = name(Use::Cluster, &Env::default()).unwrap().to_string();
        let (who, when) = name.rsplit_once('-').unwrap();
        assert!(
            who.starts_with("kubectl-regcred") && who.ends_with("-cluster"),
            "{name}"
        );
        assert!(when.len() == 16 && when.ends_with('Z'), "{name}");
    }
}
