//! The selected Secrets, and the credential for each of them.

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use crate::cluster::{Namespace, Over, SecretFormat, SecretName, Selector, ServiceAccountName, Target, Wanted};
use crate::commands::args::TargetArgs;
use crate::commands::shared::authorship::Authorship;
use crate::commands::shared::token_id::token_id;
use crate::commands::sync::SyncArgs;
use crate::error::CommandError;
use crate::keychain::{self, Keychain};
use crate::ledger::TokenId;
use crate::model::{ActionsSecret, CommandLine, Credential, OwnTokens, Registry, Token, Use, UseName};

/// A credential to write into Secrets, shared by all of them.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::commands) struct Supply {
    pub(in crate::commands) credential: Credential,
    pub(in crate::commands) usage: Use,
    /// The tokens of which a Secret must hold one to get the credential, if the user has not named the Secret.
    pub(in crate::commands) replaces: Option<OwnTokens>,
    /// This user's tokens of the registry for the same use: it may take their place without a question.
    pub(in crate::commands) own: OwnTokens,
    /// This user's tokens of the registry for other uses: it does not take their place.
    others: Vec<(Option<UseName>, OwnTokens)>,
    /// Which token it is; `None` where it was handed over, and no keychain keeps it.
    pub(in crate::commands) id: Option<TokenId>,
}

impl Supply {
    /// Fails for a credential that kubelet cannot use.
    pub(in crate::commands) fn new(credential: Credential, usage: Use) -> Result<Rc<Self>, CommandError> {
        for_kubelet(&credential)?;
        Ok(Rc::new(Self {
            own: OwnTokens::only(vec![credential.token.clone()]),
            others: Vec::new(),
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
        let by_name = match keychain.own_tokens_by_name(&credential.registry) {
            // Without the earlier ones, more is asked about than need be.
            Err(keychain::Error::Damaged(_)) => {
                let current = keychain.current_tokens(&credential.registry)?.into_iter();
                current.map(|(name, tokens)| (name, OwnTokens::only(tokens))).collect()
            }
            by_name => by_name?,
        };
        let (own, others): (Vec<_>, Vec<_>) = by_name.into_iter().partition(|(name, _)| *name == usage.name());
        Ok(Rc::new(Self {
            credential,
            usage,
            replaces: None,
            own: own.into_iter().map(|(_, own)| own).next().unwrap_or_default(),
            others,
            id,
        }))
    }

    /// The same, also in the place of this user's tokens for other uses.
    pub(in crate::commands) fn over_other_uses(self: &Rc<Self>) -> Rc<Self> {
        Rc::new(Self {
            others: Vec::new(),
            ..self.copy()
        })
    }

    fn copy(&self) -> Self {
        Self {
            credential: self.credential.clone(),
            usage: self.usage,
            replaces: self.replaces.clone(),
            own: self.own.clone(),
            others: self.others.clone(),
            id: self.id.clone(),
        }
    }

    /// What a Secret is to hold, whatever other token it holds.
    pub(in crate::commands) fn wanted(&self) -> Wanted<'_> {
        Wanted {
            credential: &self.credential,
            usage: self.usage,
            replaces: self.replaces.as_ref(),
            others: &self.others,
            over: Over::Anything,
            writer: None,
        }
    }

    /// The same, in this name, and over other tokens only where that is meant or they were cleared.
    pub(in crate::commands) fn wanted_by<'a>(
        &'a self,
        authorship: &'a Authorship,
        cleared: &'a [(Registry, Token)],
    ) -> Wanted<'a> {
        Wanted {
            over: if authorship.takes_over {
                Over::Anything
            } else {
                Over::Known {
                    own: &self.own,
                    cleared,
                }
            },
            writer: Some(&authorship.writer),
            ..self.wanted()
        }
    }

    /// The same, but only for Secrets that hold one of these tokens.
    pub(in crate::commands) fn replacing(self: &Rc<Self>, own: OwnTokens) -> Rc<Self> {
        Rc::new(Self {
            replaces: Some(own),
            ..self.copy()
        })
    }
}

/// Refuses a credential that kubelet ignores: it reads only user and password of an entry.
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

/// One Secret with what to write into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::commands) struct Job {
    pub(in crate::commands) target: Target,
    /// At least one. Of several for one registry, each for another use, the Secret's content decides.
    pub(in crate::commands) supplies: Vec<Rc<Supply>>,
    /// The ServiceAccounts to attach it to.
    pub(in crate::commands) service_accounts: Vec<ServiceAccountName>,
    /// The user has named the Secret, but no registry or use: its content decides which of the supplies it gets.
    pub(in crate::commands) chosen_by_content: bool,
    /// The format that a list asks for; `None`: the one that the Secret has.
    pub(in crate::commands) format: Option<SecretFormat>,
}

impl Job {
    /// A Secret that is to hold this one credential, if its content proves that it may.
    pub(in crate::commands) fn of_one(target: Target, supply: &Rc<Supply>) -> Self {
        Self {
            target,
            supplies: vec![supply.clone()],
            service_accounts: Vec::new(),
            chosen_by_content: false,
            format: None,
        }
    }

    pub(in crate::commands) fn wanted(&self) -> Vec<Wanted<'_>> {
        self.supplies.iter().map(|supply| supply.wanted()).collect()
    }
}

/// A job for every selected namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::commands) struct Template {
    pub(super) secret: SecretName,
    /// At least one. If there are several, the Secret's content decides.
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
            format: None,
        }
    }
}

/// The Secrets of one context.
#[derive(Debug)]
pub(in crate::commands) struct Batch {
    /// `None`: the current context, or the cluster that this process runs in.
    pub(in crate::commands) context: Option<String>,
    pub(in crate::commands) scope: Scope,
}

/// A secret of Actions with what to write into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::commands) struct ActionsJob {
    pub(in crate::commands) secret: ActionsSecret,
    pub(in crate::commands) supply: Rc<Supply>,
}

/// What a command line selects.
#[derive(Debug, Default)]
pub(in crate::commands) struct Selected {
    /// One for each context, in the order of the command line.
    pub(in crate::commands) batches: Vec<Batch>,
    /// Only of a list.
    pub(in crate::commands) actions: Vec<ActionsJob>,
}

impl From<Vec<Batch>> for Selected {
    fn from(batches: Vec<Batch>) -> Self {
        Self {
            batches,
            actions: Vec::new(),
        }
    }
}

/// The selected Secrets of a context.
#[derive(Clone, Debug)]
pub(in crate::commands) enum Scope {
    /// These Secrets, known without asking the cluster.
    Jobs(Vec<Job>),
    /// One in the context's own namespace.
    ContextNamespace(Template),
    /// One in each namespace with these labels.
    Labelled(Selector, Template),
    /// The existing Secrets that hold a token of ours.
    Managed(Supplies),
}

/// The credentials for Secrets that are found in the cluster.
#[derive(Clone, Debug)]
pub(in crate::commands) enum Supplies {
    /// One registry is selected: Secrets for other registries are not written. At least one, each for another use.
    Only(Vec<Rc<Supply>>),
    /// For each registry in the keychain, its credentials or why they cannot be used.
    Keychain(BTreeMap<Registry, Result<Vec<Rc<Supply>>, CommandError>>),
}

/// The selection on a command line.
pub(super) struct Asked<'a> {
    pub(super) targets: &'a TargetArgs,
    pub(super) contexts: &'a [String],
    pub(super) source: Source<'a>,
}

/// Where the credentials come from.
pub(super) enum Source<'a> {
    /// The flags of `sync`, the file that they name, or the keychain.
    Sync(&'a SyncArgs),
    /// A single credential.
    Only(&'a Rc<Supply>),
}

impl Scope {
    /// The credentials that are meant, as far as no cluster has to be asked for that.
    pub(in crate::commands) fn supplies(&self) -> Vec<Rc<Supply>> {
        match self {
            Self::Jobs(jobs) => jobs.iter().flat_map(|job| job.supplies.iter().cloned()).collect(),
            Self::ContextNamespace(template) | Self::Labelled(_, template) => template.supplies.clone(),
            Self::Managed(Supplies::Only(supplies)) => supplies.clone(),
            Self::Managed(Supplies::Keychain(_)) => Vec::new(),
        }
    }

    /// Whether a token of the keychain is meant, and not only one that was handed over.
    pub(in crate::commands) fn is_of_keychain(&self) -> bool {
        let is_kept = |supply: &Rc<Supply>| supply.id.is_some();
        matches!(self, Self::Managed(Supplies::Keychain(_))) || self.supplies().iter().any(is_kept)
    }
}

impl Asked<'_> {
    /// The scope that the namespace flags select.
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

/// The command that names the registry of a Secret.
pub(in crate::commands) fn with_registry(target: &Target) -> CommandLine {
    CommandLine::new("kubectl regcred sync")
        .option("-n", "NAMESPACE", target.namespace.as_str())
        .option("--secret", "NAME", target.secret.as_str())
        .words("--registry REGISTRY")
}

/// The contexts of a command line, or the current one if there is none.
pub(in crate::commands) fn contexts(given: &[String]) -> Vec<Option<String>> {
    if given.is_empty() {
        return vec![None];
    }
    each_once(given).into_iter().map(Some).collect()
}

/// Removes duplicates and keeps the order.
pub(in crate::commands) fn each_once<T: Clone + Ord>(given: &[T]) -> Vec<T> {
    let mut seen = BTreeSet::new();
    given.iter().filter(|one| seen.insert(*one)).cloned().collect()
}
