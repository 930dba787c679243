//! `kubectl regcred logout`: deletes a credential from the keychain; `--revoke` deletes the token at Gitea first.

use clap::Args;

use super::args::RegistryConnectionArgs;
use super::shared::choose;
use super::shared::password;
use super::system::System;
use crate::error::CommandError;
use crate::keychain::{Keychain, Name};
use crate::model::{CommandLine, Credential, Registry, Use, Username};
use crate::registry::{self, Account, RevokeError, Revoked};

/// `logout`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubectl regcred logout gitea.example.com
  kubectl regcred logout gitea.example.com --use cluster
  kubectl regcred logout gitea.example.com --revoke   # deletes the token at Gitea first")]
pub struct LogoutArgs {
    /// The registry; may be left out if the keychain has only one
    pub registry: Option<Registry>,
    /// Forget only the token for this use
    #[arg(long = "use", value_name = "docker|cluster")]
    pub usage: Option<Use>,
    /// Delete the token at Gitea first, and forget it only if that succeeds. Before Gitea 1.27 this needs the account's password
    #[arg(long)]
    pub revoke: bool,
    /// Read the account's password from standard input; a second line is the one-time code
    #[arg(hide_short_help = true, long, requires = "revoke")]
    pub password_stdin: bool,
    /// The account that the token belongs to [default: the user it was stored with]
    #[arg(hide_short_help = true, short, long, value_name = "NAME", requires = "revoke")]
    pub username: Option<Username>,
    /// How to reach the registry.
    #[command(flatten)]
    pub connection: RegistryConnectionArgs,
}

pub(super) fn run(args: &LogoutArgs, system: &mut System<'_>) -> Result<(), CommandError> {
    let keychain = system.keychain()?;
    let items = match args.registry {
        Some(_) => Vec::new(),
        None => keychain.list()?,
    };
    let registry = choose::registry(args.registry.clone(), &items, "kubectl regcred logout REGISTRY", system)?;
    let uses = args.usage.map_or(vec![Use::Docker, Use::Cluster], |usage| vec![usage]);
    // Checked before anything is revoked: during a rotation, Secrets can hold either token.
    for usage in &uses {
        keychain.ensure_not_rotating(&Name::login(&registry, *usage))?;
    }
    // An item is deleted only after its token was revoked: a token that is not stored any more could not be revoked.
    let (uses, failed) = if args.revoke {
        revoke_all(args, &keychain, &registry, &uses, system)?
    } else {
        (uses, None)
    };
    let mut forgotten = Vec::new();
    for usage in uses {
        if keychain.delete(&registry, usage)? {
            forgotten.push(usage.as_str());
        }
    }
    // As in `docker logout`, it is a success if there is nothing to delete.
    match forgotten.as_slice() {
        [] if failed.is_some() => {}
        [] => system.output.info(format_args!("not logged in to {registry}")),
        uses => system.output.info(format_args!(
            "forgot the credential of {registry} for {}",
            uses.join(" and ")
        )),
    }
    failed.map_or(Ok(()), Err)
}

/// Revokes the tokens for `uses`. Returns the uses whose tokens are revoked, and the last failure if there was one.
fn revoke_all(
    args: &LogoutArgs,
    keychain: &Keychain,
    registry: &Registry,
    uses: &[Use],
    system: &mut System<'_>,
) -> Result<(Vec<Use>, Option<CommandError>), CommandError> {
    let mut credentials = Vec::new();
    for usage in [Use::Docker, Use::Cluster] {
        if let Some(credential) = keychain.get(registry, usage)? {
            credentials.push((usage, credential));
        }
    }
    shared(&credentials, uses, registry)?;
    let mut account = None;
    let mut gone = Vec::new();
    let mut failed = None;
    for (usage, credential) in credentials.into_iter().filter(|(usage, _)| uses.contains(usage)) {
        match revoke(args, &credential, &mut account, system) {
            Ok(Revoked::Now) => {
                system
                    .output
                    .info(format_args!("revoked the token of {registry} for {usage}"));
                gone.push(usage);
            }
            Ok(Revoked::Before) => {
                system
                    .output
                    .info(format_args!("the token of {registry} for {usage} was already revoked"));
                gone.push(usage);
            }
            Err(error) => {
                let error = error.hint(format_args!(
                    "the keychain still holds the token for {usage}; without --revoke, logout deletes it and it stays valid"
                ));
                if let Some(earlier) = failed.replace(error) {
                    system.output.error(&earlier);
                }
            }
        }
    }
    Ok((gone, failed))
}

/// Refuses to revoke a token that the keychain also holds for another use.
fn shared(credentials: &[(Use, Credential)], uses: &[Use], registry: &Registry) -> Result<(), CommandError> {
    let (ended, kept): (Vec<_>, Vec<_>) = credentials.iter().partition(|(usage, _)| uses.contains(usage));
    let is_shared = |(_, kept): &&(Use, Credential)| ended.iter().any(|(_, ended)| ended.token == kept.token);
    match kept.into_iter().find(is_shared) {
        Some((usage, _)) => Err(CommandError::failed(format_args!(
            "the same token is also stored for {usage}, which would stop working"
        ))
        .hint(
            CommandLine::new("kubectl regcred logout")
                .value("REGISTRY", registry.as_str())
                .words("--revoke"),
        )),
        None => Ok(()),
    }
}

/// Revokes one token: authenticated by the token itself or, if that is refused, by the password, which is prompted for at
/// most once.
fn revoke(
    args: &LogoutArgs,
    credential: &Credential,
    account: &mut Option<Account>,
    system: &mut System<'_>,
) -> Result<Revoked, CommandError> {
    let options = args.connection.options(RegistryConnectionArgs::TIMEOUT);
    let env = &system.env;
    let asked = system
        .output
        .waiting(format_args!("asking {}", credential.registry), || {
            registry::revoke(credential, None, &options, env)
        });
    let error = match asked {
        Ok(done) => return Ok(done),
        Err(error) => error,
    };
    if !error.wants_password() || (system.person.is_none() && !args.password_stdin) {
        let wants = error.wants_password();
        let error = CommandError::from(error);
        return Err(if wants {
            error.hint("or give the account's password with --password-stdin")
        } else {
            error
        });
    }
    if account.is_none() {
        let username = args.username.as_ref().unwrap_or(&credential.username);
        *account = Some(password::account(
            &credential.registry,
            username,
            args.password_stdin,
            system,
        )?);
    }
    let Some(account) = account else {
        return Err(error.into());
    };
    let registry = &credential.registry;
    password::with_code(account, registry, system, RevokeError::wants_code, |account, env| {
        registry::revoke(credential, Some(account), &options, env)
    })
}
