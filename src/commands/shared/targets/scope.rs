//! Which Secrets are meant, and what each of them is to hold.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::cluster::{Namespace, SecretName, Selector, ServiceAccountName, Target, Wanted};
use crate::commands::args::TargetArgs;
use crate::commands::shared::token_id::token_id;
use crate::commands::sync::SyncArgs;
use crate::error::CommandError;
use crate::keychain::Keychain;
use crate::ledger::TokenId;
use crate::model::{CommandLine, Credential, OwnTokens, Registry, Use};

/// A credential that Secrets are to hold, shared by all of them.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::commands) struct Supply {
    pub(in crate::commands) credential: Credential,
    pub(in crate::commands) usage: Use,
    /// What a Secret has to hold to get it, where no person named the Secret.
    pub(in crate::commands) replaces: Option<OwnTokens>,
    /// Which token it is; `None` where it was handed over, and no keychain keeps it.
    pub(in crate::commands) id: Option<TokenId>,
}

impl Supply {
    /// Refuses what kubelet could not use.
    pub(in crate::commands) fn new(credential: Credential, usage: Use) -> Result<Rc<Self>, CommandError> {
        for_kubelet(&credential)?;
        Ok(Rc::new(Self {
            credential,
            usage,
            replaces: None,
            id: None,
        }))
    }

    /// The same with one that this keychain keeps.
    pub(in crate::commands) fn of_keychain(
        credential: Credential,
        usage: Use,
        keychain: &Keychain,
    ) -> Result<Rc<Self>, CommandError> {
        for_kubelet(&credential)?;
        let id = token_id(keychain, usage, &credential)?;
        Ok(Rc::new(Self {
            credential,
            usage,
            replaces: None,
            id,
        }))
    }

    /// The same for Secrets alone that hold one of these tokens.
    pub(in crate::commands) fn replacing(self: &Rc<Self>, own: OwnTokens) -> Rc<Self> {
        Rc::new(Self {
            credential: self.credential.clone(),
            usage: self.usage,
            replaces: Some(own),
            id: self.id.clone(),
        })
    }
}

/// Refuses a credential that kubelet passes over: of an entry it reads user and password alone.
pub(in crate::commands) fn for_kubelet(credential: &Credential) -> Result<(), CommandError> {
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
pub(in crate::commands) struct Job {
    pub(in crate::commands) target: Target,
    /// At least one, each of another registry.
    pub(in crate::commands) supplies: Vec<Rc<Supply>>,
    /// Those that are to pull with it.
    pub(in crate::commands) service_accounts: Vec<ServiceAccountName>,
    /// A person named the Secret and no registry: its content has to say which of the supplies it gets.
    pub(in crate::commands) chosen_by_content: bool,
}

impl Job {
    /// A Secret that is to hold this one credential, if its content proves that it may.
    pub(in crate::commands) fn of_one(target: Target, supply: &Rc<Supply>) -> Self {
        Self {
            target,
            supplies: vec![supply.clone()],
            service_accounts: Vec::new(),
            chosen_by_content: false,
        }
    }

    pub(in crate::commands) fn wanted(&self) -> Vec<Wanted<'_>> {
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
pub(in crate::commands) struct Template {
    pub(super) secret: SecretName,
    /// At least one. Of several, the Secret's content has to choose.
    pub(super) supplies: Vec<Rc<Supply>>,
}

impl Template {
    pub(super) fn in_namespace(&self, namespace: Namespace) -> Job {
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
pub(in crate::commands) struct Batch {
    /// `None`: the current one, or the cluster that this runs in.
    pub(in crate::commands) context: Option<String>,
    pub(in crate::commands) scope: Scope,
}

/// Which Secrets of a context.
#[derive(Clone, Debug)]
pub(in crate::commands) enum Scope {
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
pub(in crate::commands) enum Supplies {
    /// This one registry is meant: Secrets of others are not.
    Only(Rc<Supply>),
    /// Whatever the keychain has, or why it has none.
    Keychain(BTreeMap<Registry, Result<Rc<Supply>, CommandError>>),
}

/// What a command line asks for.
pub(super) struct Asked<'a> {
    pub(super) targets: &'a TargetArgs,
    pub(super) contexts: &'a [String],
    pub(super) source: Source<'a>,
}

/// Where the credentials come from.
pub(super) enum Source<'a> {
    /// The flags of `sync`, the file that they name, or the keychain.
    Sync(&'a SyncArgs),
    /// There is only this one.
    Only(&'a Rc<Supply>),
}

impl Scope {
    /// The credentials that are meant, as far as no cluster has to be asked for that.
    pub(in crate::commands) fn supplies(&self) -> Vec<Rc<Supply>> {
        match self {
            Self::Jobs(jobs) => jobs.iter().flat_map(|job| job.supplies.iter().cloned()).collect(),
            Self::ContextNamespace(template) | Self::Labelled(_, template) => template.supplies.clone(),
            Self::Managed(Supplies::Only(supply)) => vec![supply.clone()],
            Self::Managed(Supplies::Keychain(_)) => Vec::new(),
        }
    }
}

impl Asked<'_> {
    /// The namespaces that the flags name.
    pub(super) fn scope(&self, secret: SecretName, supplies: Vec<Rc<Supply>>) -> Scope {
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

    pub(super) fn in_contexts(&self, scope: &Scope) -> Vec<Batch> {
        let batch = |context| Batch {
            context,
            scope: scope.clone(),
        };
        contexts(self.contexts).into_iter().map(batch).collect()
    }
}

/// The command that says which registry a Secret is for.
pub(in crate::commands) fn with_registry(target: &Target) -> CommandLine {
    CommandLine::new("kubectl regcred sync")
        .option("-n", "NAMESPACE", target.namespace.as_str())
        .option("--secret", "NAME", target.secret.as_str())
        .words("--registry REGISTRY")
}

/// The contexts of a command line; the current one where there is none.
pub(in crate::commands) fn contexts(given: &[String]) -> Vec<Option<String>> {
    if given.is_empty() {
        return vec![None];
    }
    each_once(given).into_iter().map(Some).collect()
}

/// In the order that they were given.
pub(in crate::commands) fn each_once<T: Clone + Ord>(given: &[T]) -> Vec<T> {
    let mut seen = BTreeSet::new();
    given.iter().filter(|one| seen.insert(*one)).cloned().collect()
}
