//! `kubectl regcred login`: gets a token, verifies it at the registry, and stores it.

use clap::Args;

use super::args::{MintArgs, RegistryConnectionArgs, TokenArgs};
use super::shared::ledger_writer;
use super::shared::mint;
use super::shared::targets;
use super::shared::token_id::token_id;
use super::shared::token_source;
use super::shared::verify;
use super::system::System;
use crate::error::CommandError;
use crate::keychain::{Keychain, Name};
use crate::ledger::{Connection, KnownPath, KnownPathError, TokenAtServer};
use crate::model::{CommandLine, Credential, Registry, Use, Username};
use crate::registry::Verified;

mod from_docker;

/// `login`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  kubectl regcred login gitea.example.com -u admin
  pass gitea/pat | kubectl regcred login gitea.example.com -u admin --token-stdin
  kubectl regcred login --env-file deploy/registry.env
  kubectl regcred login gitea.example.com -u ci-reader --use cluster   # the token that Secrets get
  kubectl regcred login gitea.example.com -u team-bot --use team   # another account, for other Secrets
  kubectl regcred login gitea.example.com -u admin --mint   # makes one at Gitea; asks for the password
  kubectl regcred login gitea.example.com -u admin --mint --use cluster --token-name k3s
  kubectl regcred login gitea.example.com --from-docker   # takes over what docker or podman has
  kubectl regcred login gitea.lan:3000 -u admin --ca-file /etc/ssl/lan-ca.pem")]
pub struct LoginArgs {
    /// The registry, as in an image's name before the first slash
    pub registry: Option<Registry>,
    /// The user that the token belongs to
    #[arg(short, long, value_name = "NAME")]
    pub username: Option<Username>,
    /// What the token is for: this workstation (docker), Secrets (cluster), or a name of your own for another account or
    /// consumer
    #[arg(long = "use", value_name = "USE", default_value_t = Use::Docker)]
    pub usage: Use,
    /// Store the token without verifying it at the registry; makes no connection at all
    #[arg(hide_short_help = true, long, conflicts_with_all = ["ca_file", "plain_http", "mint"])]
    pub no_verify: bool,
    /// Where the token comes from.
    #[command(flatten)]
    pub token: TokenArgs,
    /// Take over docker's or podman's credential, from a file or another credential helper
    #[arg(long, conflicts_with_all = ["token_stdin", "token_env", "env_file", "mint"])]
    pub from_docker: bool,
    /// How to create the token.
    #[command(flatten)]
    pub mint: MintArgs,
    /// How to reach the registry.
    #[command(flatten)]
    pub connection: RegistryConnectionArgs,
}

pub(super) fn run(args: &LoginArgs, system: &mut System<'_>) -> Result<(), CommandError> {
    if args.from_docker {
        return take_over(args, system);
    }
    let given = token_source::given(&args.token, args.registry.clone(), args.username.clone(), system)?;
    // Before any prompt: fails here if the keychain cannot store the token.
    let keychain = system.keychain()?;
    let registry = if let Some(registry) = given.registry {
        registry
    } else {
        keychain.list()?;
        ask_registry(system)?
    };
    let before = keychain.replaceable(&Name::login(&registry, args.usage))?;
    let username = match given.username {
        Some(username) => username,
        None => ask_username(&registry, before.as_ref(), system)?,
    };
    let mut new = None;
    let token = match given.token {
        Some(token) => token,
        None if args.mint.mint => {
            let made = mint::mint(&args.mint, &registry, &username, args.usage, &args.connection, system)?;
            new.insert(made).minted.token.clone()
        }
        None => token_source::ask(&registry, &username, system)?,
    };
    let credential = Credential {
        registry,
        username,
        token,
    };
    store(args, &credential, before.as_ref(), &keychain, system).map_err(|error| match &new {
        Some(new) => new.undo(&credential, &args.connection, system, error),
        None => error,
    })?;
    if let Some(new) = &new
        && let Some(id) = token_id(&keychain, args.usage, &credential)?
    {
        let at_server = TokenAtServer::from(&new.minted);
        ledger_writer::update(system, |ledger, now| ledger.was_made(&id, at_server, now));
    }
    if let (Some(removal), Some(path)) = (given.left_in_file, &args.token.env_file) {
        system
            .output
            .info(format_args!("{} still holds the token in plain text", path.display()));
        system
            .output
            .info(format_args!("hint: if nothing else needs it there: {removal}"));
    }
    if let (Some(new), Some(_)) = (&new, &before) {
        system.output.info(format_args!(
            "the token that was stored before is still valid: delete it at {} when nothing uses it any more",
            new.minted.page
        ));
    }
    Ok(())
}

/// The same with a credential of docker or podman.
fn take_over(args: &LoginArgs, system: &mut System<'_>) -> Result<(), CommandError> {
    let keychain = system.keychain()?;
    let stored = |registry: &Registry| keychain.replaceable(&Name::login(registry, args.usage));
    let (taken, before) = if let Some(registry) = &args.registry {
        let before = stored(registry)?;
        let taken = from_docker::take(Some(registry.clone()), args.username.as_ref(), system)?;
        (taken, before)
    } else {
        keychain.list()?;
        let taken = from_docker::take(None, args.username.as_ref(), system)?;
        let before = stored(&taken.credential.registry)?;
        (taken, before)
    };
    store(args, &taken.credential, before.as_ref(), &keychain, system)?;
    taken.report(system);
    Ok(())
}

/// Verifies the credential, and stores it in the keychain.
fn store(
    args: &LoginArgs,
    credential: &Credential,
    before: Option<&Username>,
    keychain: &Keychain,
    system: &mut System<'_>,
) -> Result<(), CommandError> {
    if args.usage != Use::Docker {
        targets::for_kubelet(credential)?;
    }
    let mut known = None;
    if args.from_docker && credential.username.is_identity_token() {
        // The registry would count it as a failed login of a user `<token>`.
        system.output.info(format_args!(
            "not verified at {}: it is an OAuth2 identity token, which only docker's clients can use",
            credential.registry
        ));
    } else if args.no_verify {
        system
            .output
            .info(format_args!("not verified at {}", credential.registry));
    } else {
        let verified = verify::verify(credential, &args.connection, system).map_err(CommandError::from);
        let verified = verified.map_err(|error| match before {
            Some(user) => error.hint(format_args!(
                "the credential of {user} that was stored before was not changed"
            )),
            None => error,
        })?;
        verify::report(&verified, credential, args.usage, system);
        known = Some(verified);
    }
    keychain.put(args.usage, credential)?;
    record(args, credential, known.as_ref(), keychain, system)?;
    let replaced = match before {
        Some(user) if *user != credential.username => format!(", in place of {user}"),
        _ => String::new(),
    };
    system.output.info(format_args!(
        "logged in to {} as {} for {}{replaced}",
        credential.registry, credential.username, args.usage
    ));
    Ok(())
}

/// Records in the ledger which token is current, how its registry is reached, and the file that it was read from.
fn record(
    args: &LoginArgs,
    credential: &Credential,
    verified: Option<&Verified>,
    keychain: &Keychain,
    system: &mut System<'_>,
) -> Result<(), CommandError> {
    let Some(id) = token_id(keychain, args.usage, credential)? else {
        return Ok(());
    };
    let file = args.token.env_file.as_deref().filter(|path| path.is_file());
    let file = match file.map(|path| (path, KnownPath::new(path))) {
        Some((path, Err(why @ KnownPathError::NotText))) => {
            let path = path.display();
            system
                .output
                .warn(format_args!("that {path} holds the token is not remembered: {why}"));
            None
        }
        file => file.and_then(|(_, known)| known.ok()),
    };
    let ca_file = args.connection.ca_file.as_ref().filter(|_| !args.no_verify);
    if let Some(why) = ca_file.and_then(|file| KnownPath::new(file.path()).err()) {
        let why = CommandError::failed(format_args!("--ca-file is not remembered: {why}"));
        system
            .output
            .warn_of(&why.hint("sync, rotate and status need --ca-file FILE again"));
    }
    ledger_writer::update(system, |ledger, now| {
        ledger.is_current(&id, now);
        if !args.no_verify {
            ledger.credential_mut(&id.registry, id.usage).connection = Connection::from(&args.connection);
        }
        if verified.is_some() {
            ledger.proved(&id, now);
        }
        if let Some(created) = verified.and_then(|verified| verified.created) {
            ledger.was_created(&id, created);
        }
        if let Some(file) = file {
            ledger.was_in_file(&id, file, now);
        }
    });
    Ok(())
}

fn ask_registry(system: &System<'_>) -> Result<Registry, CommandError> {
    let Some(person) = &system.person else {
        return Err(CommandError::usage("no registry was named").hint("kubectl regcred login REGISTRY -u USER"));
    };
    person.word("Registry")?.parse().map_err(CommandError::usage)
}

fn ask_username(registry: &Registry, before: Option<&Username>, system: &System<'_>) -> Result<Username, CommandError> {
    if let Some(person) = &system.person {
        return person
            .word(&format!("User at {registry}"))?
            .parse()
            .map_err(CommandError::usage);
    }
    // A second login in a script, with a new token, is for the same user.
    before.cloned().ok_or_else(|| {
        CommandError::usage("no user was named").hint(
            CommandLine::new("kubectl regcred login")
                .value("REGISTRY", registry.as_str())
                .words("-u USER"),
        )
    })
}
