//! Which Secrets a command is about, and what each should hold: from the flags, a file, or the cluster itself.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::choose;
use super::system::System;
use super::token_source;
use crate::cluster::{Namespace, SecretName, Selector, ServiceAccountName, Target, Wanted};
use crate::commands::args::TargetArgs;
use crate::commands::sync::SyncArgs;
use crate::error::CommandError;
use crate::keychain::Keychain;
use crate::model::{CommandLine, Credential, OwnTokens, Registry, Use};

mod file;
mod find;
mod list_file;
mod look;
mod spec_file;
mod yaml;

pub(super) use file::names_its_secrets;
pub(super) use find::{Find, Found, find};
pub(super) use look::{ListedSecret, look};

/// A credential that Secrets are to hold, shared by all of them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Supply {
    pub(super) credential: Credential,
    pub(super) usage: Use,
    /// What a Secret has to hold to get it, where no person named the Secret.
    pub(super) replaces: Option<OwnTokens>,
}

impl Supply {
    /// Refuses what kubelet could not use.
    pub(super) fn new(credential: Credential, usage: Use) -> Result<Rc<Self>, CommandError> {
        for_kubelet(&credential)?;
        Ok(Rc::new(Self {
            credential,
            usage,
            replaces: None,
        }))
    }

    /// The same for Secrets alone that hold one of these tokens.
    pub(super) fn replacing(self: &Rc<Self>, own: OwnTokens) -> Rc<Self> {
        Rc::new(Self {
            credential: self.credential.clone(),
            usage: self.usage,
            replaces: Some(own),
        })
    }
}

/// Refuses a credential that kubelet passes over: of an entry it reads user and password alone.
pub(super) fn for_kubelet(credential: &Credential) -> Result<(), CommandError> {
    if !credential.username.is_identity_token() {
        return Ok(());
    }
    Err(CommandError::failed(format_args!(
        "the credential of {} is an OAuth2 identity token, which kubelet cannot use",
        credential.registry
    ))
    .hint(
        CommandLine::new("kubectl regcred login")
            .value("REGISTRY", credential.registry.as_str())
            .words("-u USER --use cluster"),
    ))
}

/// One Secret, and all that is wanted of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Job {
    pub(super) target: Target,
    /// At least one, each of another registry.
    pub(super) supplies: Vec<Rc<Supply>>,
    /// Those that are to pull with it.
    pub(super) service_accounts: Vec<ServiceAccountName>,
    /// A person named the Secret and no registry: its content has to say which of the supplies it gets.
    pub(super) chosen_by_content: bool,
}

impl Job {
    pub(super) fn wanted(&self) -> Vec<Wanted<'_>> {
        self.supplies
            .iter()
            .map(|supply| Wanted {
                credential: &supply.credential,
                usage: supply.usage,
                replaces: supply.replaces.as_ref(),
            })
            .collect()
    }
}

/// The same in every namespace that is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    secret: SecretName,
    /// At least one. Of several, the Secret's content has to choose.
    supplies: Vec<Rc<Supply>>,
}

impl Template {
    fn in_namespace(&self, namespace: Namespace) -> Job {
        Job {
            target: Target {
                namespace,
                secret: self.secret.clone(),
            },
            supplies: self.supplies.clone(),
            service_accounts: Vec::new(),
            chosen_by_content: self.supplies.len() > 1,
        }
    }
}

/// What is to be done in one context.
#[derive(Debug)]
pub(super) struct Batch {
    /// `None`: the current one, or the cluster that this runs in.
    pub(super) context: Option<String>,
    pub(super) scope: Scope,
}

/// Which Secrets of a context.
#[derive(Clone, Debug)]
pub(super) enum Scope {
    /// Exactly these; no cluster has to be asked for them.
    Jobs(Vec<Job>),
    /// One in the context's own namespace.
    ContextNamespace(Template),
    /// One in each namespace with these labels.
    Labelled(Selector, Template),
    /// Those that are there and ours.
    Managed(Supplies),
}

/// What Secrets that are found can be given.
#[derive(Clone, Debug)]
pub(super) enum Supplies {
    /// This one registry is meant: Secrets of others are not.
    Only(Rc<Supply>),
    /// Whatever the keychain has, or why it has none.
    Keychain(BTreeMap<Registry, Result<Rc<Supply>, CommandError>>),
}

/// What the command line asks for, a batch for each context, in the order of the command line.
pub(super) fn from_args(args: &SyncArgs, system: &mut System<'_>) -> Result<Vec<Batch>, CommandError> {
    let asked = Asked {
        targets: &args.targets,
        contexts: &args.cluster.contexts,
        source: Source::Sync(args),
    };
    if let Some(path) = &args.targets.scope.file {
        return file::batches(path, &asked, system);
    }
    let scope = if args.targets.scope.all_namespaces {
        Scope::Managed(supplies(args, system)?)
    } else {
        asked.scope(args.targets.secret.clone(), candidates(args, system)?)
    };
    Ok(asked.in_contexts(&scope))
}

/// The same for Secrets that are all to hold this one credential. Those of other registries are not meant.
pub(super) fn of_one(
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
        return file::batches(path, &asked, system);
    }
    let scope = if targets.scope.all_namespaces {
        Scope::Managed(Supplies::Only(supply.clone()))
    } else {
        asked.scope(targets.secret.clone(), vec![supply.clone()])
    };
    Ok(asked.in_contexts(&scope))
}

/// What a command line asks for.
struct Asked<'a> {
    targets: &'a TargetArgs,
    contexts: &'a [String],
    source: Source<'a>,
}

/// Where the credentials come from.
enum Source<'a> {
    /// The flags of `sync`, the file that they name, or the keychain.
    Sync(&'a SyncArgs),
    /// There is only this one.
    Only(&'a Rc<Supply>),
}

impl Asked<'_> {
    /// The namespaces that the flags name.
    fn scope(&self, secret: SecretName, supplies: Vec<Rc<Supply>>) -> Scope {
        let template = Template { secret, supplies };
        if let Some(selector) = &self.targets.scope.selector {
            return Scope::Labelled(selector.clone(), template);
        }
        if self.targets.scope.namespaces.is_empty() {
            return Scope::ContextNamespace(template);
        }
        let namespaces = each_once(&self.targets.scope.namespaces).into_iter();
        Scope::Jobs(namespaces.map(|namespace| template.in_namespace(namespace)).collect())
    }

    fn in_contexts(&self, scope: &Scope) -> Vec<Batch> {
        let batch = |context| Batch {
            context,
            scope: scope.clone(),
        };
        contexts(self.contexts).into_iter().map(batch).collect()
    }
}

/// The command that says which registry a Secret is for.
pub(super) fn with_registry(target: &Target) -> CommandLine {
    CommandLine::new("kubectl regcred sync")
        .option("-n", "NAMESPACE", target.namespace.as_str())
        .option("--secret", "NAME", target.secret.as_str())
        .words("--registry REGISTRY")
}

/// The contexts of a command line; the current one where there is none.
pub(super) fn contexts(given: &[String]) -> Vec<Option<String>> {
    if given.is_empty() {
        return vec![None];
    }
    each_once(given).into_iter().map(Some).collect()
}

/// In the order that they were given.
pub(super) fn each_once<T: Clone + Ord>(given: &[T]) -> Vec<T> {
    let mut seen = BTreeSet::new();
    given.iter().filter(|one| seen.insert(*one)).cloned().collect()
}

/// The credential that was given whole, or else the keychain's. Of several registries there, a person at a terminal
/// chooses one; where there is none, as in cron, each Secret's content does.
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
    // A manifest is made without a cluster: there is no Secret to read.
    if known.len() > 1 && system.person.is_none() && args.manifest_format().is_none() {
        let of = |registry: &&Registry| {
            let own = keychain.own_tokens(registry)?;
            Ok(kept(&keychain, registry, args)?.replacing(own))
        };
        return known.iter().map(of).collect();
    }
    let registry = choose::registry(registry, &items, "name one with --registry REGISTRY", system)?;
    let supply = kept(&keychain, &registry, args)?;
    system.output.detail(format_args!(
        "taking the keychain's credential of {} at {registry} for {}",
        supply.credential.username, supply.usage
    ));
    Ok(vec![supply])
}

/// What the keychain has of a registry for a cluster.
fn kept(keychain: &Keychain, registry: &Registry, args: &SyncArgs) -> Result<Rc<Supply>, CommandError> {
    let (credential, usage) = choose::credential(keychain, registry, args.usage, args.username.as_ref())?;
    Supply::new(credential, usage)
}

/// The same for Secrets that say themselves which registry they are for: a keychain with several is no question then.
///
/// What they say is not believed: their content has to prove that they are ours, unless the labels are to be trusted.
/// A token that is handed over proves only what holds it already: no keychain is asked then, as there is none in CI.
fn supplies(args: &SyncArgs, system: &mut System<'_>) -> Result<Supplies, CommandError> {
    let proved = |supply: Rc<Supply>, own: &dyn Fn() -> Result<OwnTokens, CommandError>| {
        if args.trust_labels {
            return Ok(supply);
        }
        Ok::<_, CommandError>(supply.replacing(own()?))
    };
    let registry = match given(args, system)? {
        Ok(supply) => {
            let token = supply.credential.token.clone();
            let own = || Ok(OwnTokens::only(vec![token.clone()]));
            return Ok(Supplies::Only(proved(supply, &own)?));
        }
        Err(registry) => registry,
    };
    let keychain = system.keychain()?;
    let of = |registry: &Registry| proved(kept(&keychain, registry, args)?, &|| Ok(keychain.own_tokens(registry)?));
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

/// What the token flags give; the registry of the flags where they give none.
fn given(args: &SyncArgs, system: &mut System<'_>) -> Result<Result<Rc<Supply>, Option<Registry>>, CommandError> {
    let given = token_source::given(&args.token, args.registry.clone(), args.username.clone(), system)?;
    Ok(match token_source::complete(given)? {
        // A token that is handed to sync is meant for the cluster, whatever else it may do.
        Ok(credential) => Ok(Supply::new(credential, args.usage.unwrap_or(Use::Cluster))?),
        Err(given) => Err(given.registry),
    })
}

#[cfg(test)]
pub(in crate::commands) mod tests {
    use super::*;
    use crate::model::Token;

    pub(in crate::commands) fn test_supply(registry: &str) -> Rc<Supply> {
        let credential = Credential {
            registry: registry.parse().unwrap(),
            username: "admin".parse().unwrap(),
            token: Token::parse("s3cret").unwrap(),
        };
        Supply::new(credential, Use::Cluster).unwrap()
    }

    #[test]
    fn an_identity_token_is_no_supply() {
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
    fn names_keep_their_order_and_come_once() {
        assert_eq!(each_once(&["b", "a", "b", "c", "a"]), ["b", "a", "c"]);
    }
}
