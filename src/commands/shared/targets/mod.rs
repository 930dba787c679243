//! The Secrets that a command writes and the credential for each, from the flags, a file or the cluster.

use std::rc::Rc;

use super::choose;
use super::token_source;
use crate::commands::args::TargetArgs;
use crate::commands::sync::SyncArgs;
use crate::commands::system::System;
use crate::error::CommandError;
use crate::keychain::Keychain;
use crate::model::{OwnTokens, Registry, Use};
use scope::{Asked, Source};

mod file;
mod find;
#[cfg(fuzzing)]
pub(in crate::commands) mod fuzzing;
mod inspect;
mod list_file;
mod scope;
mod spec_file;
mod yaml;

pub(in crate::commands) use file::ensure_no_place;
pub(in crate::commands) use find::{Find, Found, find};
pub(in crate::commands) use inspect::{ListedSecret, inspect};
pub(in crate::commands) use scope::{
    ActionsJob, Batch, Job, Scope, Selected, Supplies, Supply, contexts, each_once, for_kubelet, with_registry,
};

/// What the command line selects.
pub(in crate::commands) fn from_args(args: &SyncArgs, system: &mut System<'_>) -> Result<Selected, CommandError> {
    let asked = Asked {
        targets: &args.targets,
        contexts: &args.cluster.contexts,
        source: Source::Sync(args),
    };
    if let Some(path) = &args.targets.scope.file {
        return file::selected(path, &asked, system);
    }
    let scope = if args.targets.scope.all_namespaces {
        Scope::Managed(supplies(args, system)?)
    } else {
        asked.scope(args.targets.secret.clone(), candidates(args, system)?)
    };
    Ok(asked.in_contexts(&scope).into())
}

/// The Secrets for a single credential. Those for other registries are not selected.
pub(in crate::commands) fn of_one(
    targets: &TargetArgs,
    contexts: &[String],
    supply: &Rc<Supply>,
    system: &mut System<'_>,
) -> Result<Vec<Batch>, CommandError> {
    let asked = Asked {
        targets,
        contexts,
        source: Source::Only(supply),
    };
    if let Some(path) = &targets.scope.file {
        return Ok(file::selected(path, &asked, system)?.batches);
    }
    let scope = if targets.scope.all_namespaces {
        Scope::Managed(Supplies::Only(vec![supply.clone()]))
    } else {
        asked.scope(targets.secret.clone(), vec![supply.clone()])
    };
    Ok(asked.in_contexts(&scope))
}

/// The given credential, or else the keychain's. If the keychain has several registries, the user chooses one at a
/// terminal; without a terminal, such as in cron, each Secret's content decides.
fn candidates(args: &SyncArgs, system: &mut System<'_>) -> Result<Vec<Rc<Supply>>, CommandError> {
    let registry = match given(args, system)? {
        Ok(supply) => return Ok(vec![supply]),
        Err(registry) => registry,
    };
    let keychain = system.keychain()?;
    let items = if registry.is_some() {
        Vec::new()
    } else {
        keychain.list()?
    };
    let mut known: Vec<&Registry> = items.iter().map(|item| &item.registry).collect();
    known.dedup();
    // A manifest is printed without a cluster, so there is no content that could decide.
    if known.len() > 1 && system.person.is_none() && args.manifest_format().is_none() {
        let mut candidates = Vec::new();
        for registry in known {
            for supply in from_keychain(&keychain, registry, args)? {
                candidates.push(proved(&supply, &keychain)?);
            }
        }
        return Ok(candidates);
    }
    let registry = choose::registry(registry, &items, "name one with --registry REGISTRY", system)?;
    let mut supplies = from_keychain(&keychain, &registry, args)?;
    for supply in &supplies {
        system.output.detail(format_args!(
            "taking the keychain's credential of {} at {registry} for {}",
            supply.credential.username, supply.usage
        ));
    }
    if args.manifest_format().is_some() && supplies.len() > 1 {
        supplies.truncate(1);
    }
    // One for a use of the user's own is for Secrets that show that.
    if supplies.len() > 1 {
        for supply in supplies.iter_mut().filter(|supply| supply.usage.name().is_some()) {
            *supply = proved(supply, &keychain)?;
        }
    }
    Ok(supplies)
}

/// The keychain's credential of a registry that the flags name, or else the one for clusters and those for uses of the
/// user's own.
fn from_keychain(keychain: &Keychain, registry: &Registry, args: &SyncArgs) -> Result<Vec<Rc<Supply>>, CommandError> {
    let username = args.username.as_ref();
    let Some(usage) = args.usage else {
        let found = choose::credentials(keychain, registry, username)?.into_iter();
        return found
            .map(|(credential, usage)| Supply::of_keychain(credential, usage, keychain))
            .collect();
    };
    let (credential, usage) = choose::credential(keychain, registry, Some(usage), username)?;
    let supply = Supply::of_keychain(credential, usage, keychain)?;
    Ok(vec![if args.take_over {
        supply.over_other_uses()
    } else {
        supply
    }])
}

/// The same for Secrets that hold a token for the same use alone.
fn proved(supply: &Rc<Supply>, keychain: &Keychain) -> Result<Rc<Supply>, CommandError> {
    Ok(supply.replacing(keychain.own_tokens_of(&supply.credential.registry, supply.usage)?))
}

/// The same for Secrets whose annotations name their registries, so that no registry has to be chosen.
///
/// Annotations are not trusted: a Secret must hold a token of ours to be written, unless `--trust-labels` is given. If the
/// token is given on the command line, as in CI, the keychain is not read, and only that token counts as ours.
fn supplies(args: &SyncArgs, system: &mut System<'_>) -> Result<Supplies, CommandError> {
    let registry = match given(args, system)? {
        Ok(supply) if args.trust_labels => return Ok(Supplies::Only(vec![supply])),
        Ok(supply) => {
            let own = OwnTokens::only(vec![supply.credential.token.clone()]);
            return Ok(Supplies::Only(vec![supply.replacing(own)]));
        }
        Err(registry) => registry,
    };
    let keychain = system.keychain()?;
    let of = |registry: &Registry| {
        let supplies = from_keychain(&keychain, registry, args)?;
        if args.trust_labels {
            return Ok(supplies);
        }
        supplies.iter().map(|supply| proved(supply, &keychain)).collect()
    };
    if let Some(registry) = registry {
        return Ok(Supplies::Only(of(&registry)?));
    }
    let mut registries: Vec<Registry> = keychain.list()?.into_iter().map(|item| item.registry).collect();
    registries.dedup();
    match registries.as_slice() {
        [] => {
            Err(CommandError::failed("the keychain holds no credential").hint("kubectl regcred login REGISTRY -u USER"))
        }
        [only] => Ok(Supplies::Only(of(only)?)),
        several => Ok(Supplies::Keychain(
            several
                .iter()
                .map(|registry| (registry.clone(), of(registry)))
                .collect(),
        )),
    }
}

/// The credential from the token flags or, without a token, the registry of the flags.
fn given(args: &SyncArgs, system: &mut System<'_>) -> Result<Result<Rc<Supply>, Option<Registry>>, CommandError> {
    let given = token_source::given(&args.token, args.registry.clone(), args.username.clone(), system)?;
    Ok(match token_source::complete(given)? {
        // A token that is given to sync is for the cluster, whatever its scopes are.
        Ok(credential) => Ok(Supply::new(credential, args.usage.unwrap_or(Use::Cluster))?),
        Err(given) => Err(given.registry),
    })
}

#[cfg(test)]
pub(in crate::commands) mod tests {
    use super::*;
    use crate::model::{Credential, Token};

    pub(in crate::commands) fn test_supply(registry: &str) -> Rc<Supply> {
        let credential = Credential {
            registry: registry.parse().unwrap(),
            username: "admin".parse().unwrap(),
            token: Token::parse("s3cret").unwrap(),
        };
        Supply::new(credential, Use::Cluster).unwrap()
    }

    #[test]
    fn an_identity_token_is_refused() {
        let mut credential = test_supply("gitea.example.com").credential.clone();
        credential.username = "<token>".parse().unwrap();
        let error = Supply::new(credential, Use::Cluster).unwrap_err();
        assert!(error.to_string().contains("identity token"), "{error}");
        assert!(
            error.next()[0].to_string().contains("login gitea.example.com"),
            "{error:?}"
        );
    }

    #[test]
    fn names_keep_their_order_without_duplicates() {
        assert_eq!(each_once(&["b", "a", "b", "c", "a"]), ["b", "a", "c"]);
    }
}
