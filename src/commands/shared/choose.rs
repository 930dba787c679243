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

/// The keychain's credential for clusters: the one for the use `cluster` if there is one, else the one for `docker`, else the
/// only one.
pub(in crate::commands) fn credential(
    keychain: &Keychain,
    registry: &Registry,
    usage: Option<Use>,
    username: Option<&Username>,
) -> Result<(Credential, Use), CommandError> {
    let usage = match usage {
        Some(usage) => usage,
        None => match for_clusters(&keychain.uses(registry)?) {
            Some(usage) => usage,
            None => return Err(none_of(keychain, registry, None)?),
        },
    };
    let Some(credential) = keychain.get(registry, usage)? else {
        return Err(none_of(keychain, registry, Some(usage))?);
    };
    match username {
        Some(name) if *name != credential.username => Err(CommandError::failed(format_args!(
            "the keychain's credential of {registry} for {usage} belongs to {}, not to {name}",
            credential.username
        ))
        .hint("leave -u out, or log in as that user first")),
        _ => Ok((credential, usage)),
    }
}

/// The use of the credential that Secrets get if nothing names another.
fn for_clusters(uses: &[Use]) -> Option<Use> {
    let usual = [Use::Cluster, Use::Docker]
        .into_iter()
        .find(|usage| uses.contains(usage));
    match uses {
        [only] => Some(*only),
        _ => usual,
    }
}

/// The keychain's credentials for Secrets that nothing else tells apart: the one for clusters, as far as there is one, and
/// then those for uses of the user's own. With a user, only those of that user.
pub(in crate::commands) fn credentials(
    keychain: &Keychain,
    registry: &Registry,
    username: Option<&Username>,
) -> Result<Vec<(Credential, Use)>, CommandError> {
    let uses = keychain.uses(registry)?;
    let first = for_clusters(&uses);
    let named = uses
        .into_iter()
        .filter(|usage| usage.name().is_some() && Some(*usage) != first);
    let mut found = Vec::new();
    for usage in first.into_iter().chain(named) {
        found.extend(keychain.get(registry, usage)?.map(|credential| (credential, usage)));
    }
    if found.is_empty() {
        return Err(none_of(keychain, registry, None)?);
    }
    let Some(username) = username else {
        return Ok(found);
    };
    let usage = found[0].1;
    found.retain(|(credential, _)| credential.username == *username);
    if found.is_empty() {
        // It says whose the first one is.
        return credential(keychain, registry, Some(usage), Some(username)).map(|only| vec![only]);
    }
    Ok(found)
}

fn none_of(keychain: &Keychain, registry: &Registry, usage: Option<Use>) -> Result<CommandError, CommandError> {
    let kind = usage.map_or(String::new(), |usage| format!(" for the use {usage}"));
    let error = CommandError::failed(format_args!("the keychain holds no credential of {registry}{kind}"));
    let uses = keychain.uses(registry)?;
    if let (None, [_, ..]) = (usage, uses.as_slice()) {
        let names: Vec<String> = uses.iter().map(ToString::to_string).collect();
        return Ok(error.hint(format_args!("name its use: --use {}", names.join(" or --use "))));
    }
    let login = CommandLine::new("kubectl regcred login")
        .value("REGISTRY", registry.as_str())
        .words("-u USER");
    Ok(error.hint(match usage {
        None | Some(Use::Docker) => login,
        Some(usage) => login.option("--use", "USE", usage.as_str()),
    }))
}
