//! `kubectl regcred login`: gets a token, proves it to the registry, keeps it.

use std::time::Duration;

use super::system::System;
use super::token_source;
use crate::cli::{LoginArgs, RegistryConnectionArgs};
use crate::error::CommandError;
use crate::gitea::{self, Flow, Verified};
use crate::keychain::Item;
use crate::model::{Credential, Registry, Use, Username};

/// A registry that has not answered one request by then is called silent.
const TIMEOUT: Duration = Duration::from_secs(20);

pub(super) fn run(args: LoginArgs, system: &mut System<'_>) -> Result<(), CommandError> {
    let given = token_source::given(&args.token, args.registry, args.username, system)?;
    // Before anybody is asked for anything: a keychain that cannot keep the answer ends it here.
    let keychain = system.keychain()?;
    let stored = keychain.list()?;
    let registry = match given.registry {
        Some(registry) => registry,
        None => ask_registry(system)?,
    };
    let before = stored
        .iter()
        .find(|item| item.registry == registry && item.usage == args.usage);
    let username = match given.username {
        Some(username) => username,
        None => ask_username(&registry, before, system)?,
    };
    let token = match given.token {
        Some(token) => token,
        None => token_source::ask(&registry, &username, system)?,
    };
    let credential = Credential {
        registry,
        username,
        token,
    };
    if args.no_verify {
        system
            .output
            .say(format_args!("not verified at {}", credential.registry));
    } else {
        let verified = verify(&credential, &args.connection, system).map_err(|error| match before {
            Some(item) => error.hint(format_args!(
                "the credential of {} that was stored before is still there",
                item.username
            )),
            None => error,
        })?;
        report(&verified, &credential, args.usage, system);
    }
    keychain.put(args.usage, &credential)?;
    let replaced = match before {
        Some(item) if item.username != credential.username => format!(", in place of {}", item.username),
        _ => String::new(),
    };
    system.output.say(format_args!(
        "logged in to {} as {} for {}{replaced}",
        credential.registry, credential.username, args.usage
    ));
    Ok(())
}

fn ask_registry(system: &System<'_>) -> Result<Registry, CommandError> {
    let Some(person) = &system.person else {
        return Err(CommandError::usage("no registry was named").hint("kubectl regcred login REGISTRY -u USER"));
    };
    person.word("Registry")?.parse().map_err(CommandError::usage)
}

fn ask_username(registry: &Registry, before: Option<&Item>, system: &System<'_>) -> Result<Username, CommandError> {
    if let Some(person) = &system.person {
        return person
            .word(&format!("User at {registry}"))?
            .parse()
            .map_err(CommandError::usage);
    }
    // In a script, logging in again with a new token means the same user.
    before.map(|item| item.username.clone()).ok_or_else(|| {
        CommandError::usage("no user was named").hint(format_args!("kubectl regcred login {registry} -u USER"))
    })
}

fn verify(
    credential: &Credential,
    connection: &RegistryConnectionArgs,
    system: &System<'_>,
) -> Result<Verified, CommandError> {
    Ok(gitea::verify(credential, &connection.options(TIMEOUT), &system.env)?)
}

/// Says whose token it is and what it may do, and warns where that is more or less than its use needs.
fn report(verified: &Verified, credential: &Credential, usage: Use, system: &mut System<'_>) {
    let output = &mut system.output;
    if verified.flow == Flow::Open {
        output.warn(format_args!(
            "{} asks nobody for a login, so the token could not be verified",
            credential.registry
        ));
        return;
    }
    let who = verified
        .who
        .as_deref()
        .map_or(String::new(), |who| format!(", the token of {who}"));
    let scopes = verified
        .scopes
        .as_ref()
        .map_or(String::new(), |scopes| format!(", scopes {scopes}"));
    output.say(format_args!("verified at {}{who}{scopes}", credential.registry));
    if let Some(who) = verified
        .who
        .as_deref()
        .filter(|who| !who.eq_ignore_ascii_case(credential.username.as_str()))
    {
        output.warn(format_args!(
            "the token belongs to {who}; the registry ignores the user name {}",
            credential.username
        ));
    }
    if let Some(scopes) = &verified.scopes {
        if scopes.reaches_beyond_packages() {
            output.warn("the token may do more than read and write packages");
        } else if usage == Use::Cluster && scopes.may_push() {
            output.warn("the token may push; for clusters a token with read:package is enough");
        } else if usage == Use::Docker && !scopes.may_push() {
            output.say("it may pull, not push: pushing needs the scope write:package");
        }
    }
}
