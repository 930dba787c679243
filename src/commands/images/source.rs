//! The credential with which images are read and changed.

use super::args::ImageRegistryArgs;
use crate::commands::args::RegistryConnectionArgs;
use crate::commands::shared::{choose, token_source};
use crate::commands::system::System;
use crate::error::CommandError;
use crate::model::{CommandLine, Credential, Use};
use crate::registry::{self, Images};

/// The given credential, or else the keychain's: that of this workstation, which may also delete, before that of clusters.
pub(super) fn credential(args: &ImageRegistryArgs, system: &mut System<'_>) -> Result<Credential, CommandError> {
    let given = token_source::given(&args.token, args.registry.clone(), args.username.clone(), system)?;
    let given = match token_source::complete(given)? {
        Ok(credential) => return Ok(credential),
        Err(given) => given,
    };
    let keychain = system.keychain()?;
    let items = if given.registry.is_some() {
        Vec::new()
    } else {
        keychain.list()?
    };
    let registry = choose::registry(given.registry, &items, "name one with --registry REGISTRY", system)?;
    let usage = keychain.get(&registry, Use::Docker)?.map(|_| Use::Docker);
    let (credential, _) = choose::credential(&keychain, &registry, usage, given.username.as_ref())?;
    Ok(credential)
}

/// Finds the registry's interfaces.
pub(super) fn open<'a>(
    credential: &'a Credential,
    args: &ImageRegistryArgs,
    system: &mut System<'_>,
) -> Result<Images<'a>, CommandError> {
    let options = args.connection.options(RegistryConnectionArgs::TIMEOUT);
    let env = &system.env;
    let images = system
        .output
        .waiting(format_args!("asking {}", credential.registry), || {
            Images::open(credential, &options, env)
        });
    Ok(images?)
}

/// Fails for a registry that cannot be changed from here.
pub(super) fn ensure_can_change(credential: &Credential, images: &Images<'_>) -> Result<(), CommandError> {
    if images.is_gitea() {
        return Ok(());
    }
    Err(CommandError::failed(format_args!(
        "{} is no Gitea: its images can be listed, and not changed from here",
        credential.registry
    )))
}

/// Fails for a token that may not delete images, before anything is touched.
pub(super) fn ensure_may_change(
    credential: &Credential,
    args: &ImageRegistryArgs,
    system: &mut System<'_>,
) -> Result<(), CommandError> {
    let options = args.connection.options(RegistryConnectionArgs::TIMEOUT);
    let env = &system.env;
    let verified = system
        .output
        .waiting(format_args!("asking {}", credential.registry), || {
            registry::verify(credential, &options, env)
        })?;
    match &verified.scopes {
        Some(scopes) if !scopes.may_push() => Err(CommandError::failed(format_args!(
            "the token of {} for {} may not delete images: its scopes are {scopes}",
            credential.username, credential.registry
        ))
        .hint("deleting needs the scope write:package")
        .hint(
            CommandLine::new("kubectl regcred login")
                .value("REGISTRY", credential.registry.as_str())
                .option("-u", "USER", credential.username.as_str())
                .words("--mint --scopes write:package"),
        )),
        _ => Ok(()),
    }
}
