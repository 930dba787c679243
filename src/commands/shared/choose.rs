//! Chooses the credential if the command line does not name it.

use crate::commands::system::System;
use crate::error::CommandError;
use crate::keychain::{CredentialInfo, Keychain};
use crate::model::{CommandLine, Credential, Registry, Use, Username};

/// The given registry, the only one in the keychain, or the one that the user chooses at a terminal.
pub(in crate::commands) fn registry(
    wanted: Option<Registry>,
    items: &[CredentialInfo],
    how: &str,
    system: &System<'_>,
) -> Result<Registry, CommandError> {
    if let Some(registry) = wanted {
        return Ok(registry);
    }
    let mut known: Vec<&Registry> = items.iter().map(|item| &item.registry).collect();
    known.dedup();
    if known.is_empty() {
        return Err(
            CommandError::failed("the keychain holds no credential").hint("kubectl regcred login REGISTRY -u USER")
        );
    }
    among(&known, "the keychain holds several registries:", how, system)
}

/// The only registry, or the one that the user chooses at a terminal. `several` begins the error that lists them.
pub(in crate::commands) fn among(
    known: &[&Registry],
    several: &str,
    how: &str,
    system: &System<'_>,
) -> Result<Registry, CommandError> {
    match (known, &system.person) {
        ([only], _) => Ok((*only).clone()),
        (_, Some(person)) => {
            let names: Vec<String> = known.iter().map(ToString::to_string).collect();
            let at = person.choice("Which registry", &names)?;
            known
                .get(at)
                .map(|registry| (*registry).clone())
                .ok_or_else(|| CommandError::usage("there is no such choice"))
        }
        (_, None) => {
            let names: Vec<&str> = known.iter().map(|registry| registry.as_str()).collect();
            Err(CommandError::usage(format_args!("{several} {}", names.join(", "))).hint(how))
        }
    }
}

/// The keychain's credential for clusters: the one for the use `cluster` if there is one, else the one for `docker`.
pub(in crate::commands) fn credential(
    keychain: &Keychain,
    registry: &Registry,
    usage: Option<Use>,
    username: Option<&Username>,
) -> Result<(Credential, Use), CommandError> {
    let uses = usage.map_or(vec![Use::Cluster, Use::Docker], |usage| vec![usage]);
    for usage in uses {
        let Some(credential) = keychain.get(registry, usage)? else {
            continue;
        };
        return match username {
            Some(name) if *name != credential.username => Err(CommandError::failed(format_args!(
                "the keychain's credential of {registry} for {usage} belongs to {}, not to {name}",
                credential.username
            ))
            .hint("leave -u out, or log in as that user first")),
            _ => Ok((credential, usage)),
        };
    }
    let kind = usage.map_or(String::new(), |usage| format!(" for the use {usage}"));
    let mut login = CommandLine::new("kubectl regcred login")
        .value("REGISTRY", registry.as_str())
        .words("-u USER");
    if usage == Some(Use::Cluster) {
        login = login.words("--use cluster");
    }
    Err(CommandError::failed(format_args!("the keychain holds no credential of {registry}{kind}")).hint(login))
}
