//! The scope of `status`, from the flags and the file.

use std::collections::{BTreeMap, BTreeSet};

use super::args::StatusArgs;
use super::cluster_view::{ClusterView, Expected};
use super::credentials::StoredCredentials;
use super::findings::registries::ScopeFlags;
use super::given_flags::Flag;
use crate::cluster::{Namespace, SecretName, Selector, Target};
use crate::commands::shared::targets::{self, ListedSecret};
use crate::commands::system::System;
use crate::error::CommandError;
use crate::model::{Credential, MaxAge, Registry, Use};

/// The namespaces of each context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Where {
    /// The context's own namespace, in which no Secret is expected.
    Context,
    Named(Vec<Namespace>),
    Selected(Selector),
    All,
    /// The namespaces of the list's Secrets.
    Listed,
}

/// What `status` checks.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) places: Where,
    /// The contexts to check, named as in the flags; `None` is the current one.
    pub(super) contexts: Vec<Option<String>>,
    /// The contexts of the command line, for Secrets that have no context in the list.
    given: Vec<Option<String>>,
    /// Only these registries; all if it is empty.
    registries: Vec<Registry>,
    secret: SecretName,
    /// Whether the Secret was named, so that another one cannot replace it.
    is_by_name: bool,
    listed: Vec<ListedSecret>,
    /// The credentials of a file's variables, which replace the keychain's.
    pub(super) credentials: Vec<(Credential, Use)>,
    pub(super) flags: ScopeFlags,
    /// A token that is older is a finding.
    pub(super) max_token_age: Option<MaxAge>,
    /// No flag is about clusters.
    pub(super) is_default: bool,
}

impl Scope {
    pub(super) fn of(args: &StatusArgs, system: &mut System<'_>) -> Result<Self, CommandError> {
        let look = match &args.scope.file {
            Some(path) => Some(targets::inspect(
                path,
                args.scope.deployment.as_deref(),
                &args.secret,
                system,
            )?),
            None => None,
        };
        let look = look.unwrap_or_default();
        let places = if args.scope.all_namespaces {
            Where::All
        } else if !look.secrets.is_empty() {
            Where::Listed
        } else if let Some(selector) = &args.scope.selector {
            Where::Selected(selector.clone())
        } else if args.scope.namespaces.is_empty() {
            Where::Context
        } else {
            Where::Named(targets::each_once(&args.scope.namespaces))
        };
        let mut this = Self {
            contexts: Vec::new(),
            given: targets::contexts(&args.cluster.contexts),
            registries: if args.scope.file.is_some() {
                look.registries
            } else {
                args.registries.clone()
            },
            is_by_name: look.secret.is_some() || args.secret.as_str() != SecretName::DEFAULT,
            secret: look.secret.unwrap_or_else(|| args.secret.clone()),
            listed: look.secrets,
            credentials: look.credentials,
            flags: scope_flags(args),
            max_token_age: args.max_token_age,
            is_default: places == Where::Context
                && args.cluster.contexts.is_empty()
                && args.cluster.kubeconfig.is_none(),
            places,
        };
        this.contexts = this.all_contexts();
        Ok(this)
    }

    /// The contexts, including those of the list.
    fn all_contexts(&self) -> Vec<Option<String>> {
        if self.places != Where::Listed {
            return self.given.clone();
        }
        let named = self.listed.iter().map(|listed| listed.context.clone());
        let all: Vec<_> = named
            .flat_map(|context| match context {
                Some(context) => vec![Some(context)],
                None => self.given.clone(),
            })
            .collect();
        targets::each_once(&all)
    }

    /// The registries that were named.
    pub(super) fn filter(&self) -> &[Registry] {
        &self.registries
    }

    /// The registries for which a Secret is expected. Credentials for docker count only if there are none for clusters.
    pub(super) fn own(&self, credentials: &StoredCredentials) -> Vec<Registry> {
        if self.registries.is_empty() && !credentials.held.is_empty() {
            return credentials.registries();
        }
        self.registries(credentials)
    }

    /// Whether the file's variables have all the credentials, so that the keychain is not needed.
    pub(super) fn brings_all(&self) -> bool {
        let has = |registry: &Registry| self.credentials.iter().any(|(one, _)| one.registry == *registry);
        !self.registries.is_empty() && self.registries.iter().all(has)
    }

    /// The registries to check.
    pub(super) fn registries(&self, credentials: &StoredCredentials) -> Vec<Registry> {
        let mut registries = if self.registries.is_empty() {
            credentials
                .registries()
                .into_iter()
                .chain(credentials.in_docker.iter().cloned())
                .collect()
        } else {
            self.registries.clone()
        };
        registries.sort();
        registries.dedup();
        registries
    }

    /// The namespaces of a context, if they are known without asking the cluster.
    pub(super) fn namespaces(&self, context: Option<&str>, own: &Namespace) -> Vec<Namespace> {
        match &self.places {
            Where::Context => vec![own.clone()],
            Where::Named(namespaces) => namespaces.clone(),
            Where::Listed => {
                let all: Vec<_> = self
                    .listed_in(context)
                    .map(|listed| listed.target.namespace.clone())
                    .collect();
                targets::each_once(&all)
            }
            Where::Selected(_) | Where::All => Vec::new(),
        }
    }

    fn listed_in<'a>(&'a self, context: Option<&'a str>) -> impl Iterator<Item = &'a ListedSecret> {
        // As in sync, an entry without a context applies to the contexts of the command line, not to those of other entries.
        let is_given = self.given.iter().any(|given| given.as_deref() == context);
        let is_there = move |listed: &&ListedSecret| match &listed.context {
            Some(named) => Some(named.as_str()) == context,
            None => is_given,
        };
        self.listed.iter().filter(is_there)
    }

    /// The Secrets that should exist in these namespaces of a context, sorted by target without duplicates.
    pub(super) fn expected(
        &self,
        context: Option<&str>,
        namespaces: &[Namespace],
        registries: &[Registry],
    ) -> Vec<Expected> {
        if self.places == Where::Listed {
            let mut all: BTreeMap<&Target, Expected> = BTreeMap::new();
            for listed in self.listed_in(context) {
                let expected = all.entry(&listed.target).or_insert_with(|| Expected {
                    target: listed.target.clone(),
                    registries: Vec::new(),
                    uses: Vec::new(),
                    service_accounts: Vec::new(),
                    is_by_name: true,
                    is_for_kubelet: listed.is_for_kubelet,
                });
                expected.registries.push(listed.registry.clone());
                expected
                    .uses
                    .extend(listed.usage.map(|usage| (listed.registry.clone(), usage)));
                expected.service_accounts.extend(listed.service_accounts.clone());
            }
            return all.into_values().collect();
        }
        // If there are several registries, it is not known which one the Secret is for.
        let [registry] = registries else {
            return Vec::new();
        };
        if matches!(self.places, Where::Context | Where::All) && !self.is_by_name {
            return Vec::new();
        }
        let each: BTreeSet<&Namespace> = namespaces.iter().collect();
        each.into_iter()
            .map(|namespace| Expected {
                target: Target {
                    namespace: namespace.clone(),
                    secret: self.secret.clone(),
                },
                registries: vec![registry.clone()],
                uses: Vec::new(),
                service_accounts: Vec::new(),
                is_by_name: self.is_by_name,
                is_for_kubelet: true,
            })
            .collect()
    }
}

impl Scope {
    /// The flags with the namespaces of a Role, for `rbac`.
    pub(super) fn role_flags(&self, view: &ClusterView<'_>) -> Vec<Flag> {
        match &self.places {
            Where::All => vec![Flag::alone("-A")],
            Where::Selected(selector) => vec![Flag::new("-l", "SELECTOR", selector)],
            Where::Context | Where::Named(_) | Where::Listed => {
                let namespaces = self.namespaces(view.flag, view.namespace);
                namespaces
                    .iter()
                    .map(|namespace| Flag::new("-n", "NAMESPACE", namespace))
                    .collect()
            }
        }
    }
}

/// The scope flags for a command that changes the same Secrets.
fn scope_flags(args: &StatusArgs) -> ScopeFlags {
    let namespaces = args.scope.namespaces.iter();
    let mut flags: Vec<Flag> = namespaces
        .map(|namespace| Flag::new("-n", "NAMESPACE", namespace))
        .collect();
    if let Some(selector) = &args.scope.selector {
        flags.push(Flag::new("-l", "SELECTOR", selector));
    }
    if args.scope.all_namespaces {
        flags.push(Flag::alone("-A"));
    }
    if let Some(file) = &args.scope.file {
        flags.push(Flag::new("-f", "FILE", &file.display()));
    }
    if let Some(deployment) = &args.scope.deployment {
        flags.push(Flag::new("--deployment", "NAME", deployment));
    }
    if args.secret.as_str() != SecretName::DEFAULT {
        flags.push(Flag::new("--secret", "SECRET", &args.secret));
    }
    let contexts = args.cluster.contexts.iter();
    flags.extend(contexts.map(|context| Flag::new("--context", "CONTEXT", context)));
    ScopeFlags { flags }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Token;

    fn listed(namespace: &str, context: Option<&str>) -> ListedSecret {
        ListedSecret {
            context: context.map(str::to_owned),
            target: Target {
                namespace: namespace.parse().unwrap(),
                secret: "pull".parse().unwrap(),
            },
            registry: "gitea.example.com".parse().unwrap(),
            usage: None,
            service_accounts: Vec::new(),
            is_for_kubelet: true,
        }
    }

    fn scope(listed: Vec<ListedSecret>, given: &[Option<&str>]) -> Scope {
        let mut scope = Scope {
            max_token_age: None,
            places: Where::Listed,
            contexts: Vec::new(),
            given: given.iter().map(|context| context.map(str::to_owned)).collect(),
            registries: vec!["gitea.example.com".parse().unwrap()],
            secret: "pull".parse().unwrap(),
            is_by_name: true,
            listed,
            credentials: Vec::new(),
            flags: ScopeFlags::default(),
            is_default: false,
        };
        scope.contexts = scope.all_contexts();
        scope
    }

    /// Otherwise it would need permissions, and report missing Secrets, in contexts that sync does not write to.
    #[test]
    fn a_secret_without_a_context_is_expected_only_in_the_given_contexts() {
        let own = Namespace::of_default();
        for (given, here, prod) in [
            (vec![None], vec!["here"], vec!["there"]),
            (vec![Some("prod")], vec![], vec!["here", "there"]),
            (vec![Some("test"), None], vec!["here"], vec!["there"]),
        ] {
            let scope = scope(vec![listed("here", None), listed("there", Some("prod"))], &given);
            let namespaces = |context| -> Vec<String> {
                let found = scope.namespaces(context, &own);
                found.iter().map(ToString::to_string).collect()
            };
            assert_eq!(namespaces(None), here, "{given:?}");
            assert_eq!(namespaces(Some("prod")), prod, "{given:?}");
            let expected = scope.expected(Some("prod"), &[], &[]);
            assert_eq!(expected.len(), prod.len(), "{given:?}");
            for context in &scope.contexts {
                assert!(!namespaces(context.as_deref()).is_empty(), "{context:?} of {given:?}");
            }
        }
    }

    #[test]
    fn the_keychain_is_not_needed_if_the_file_has_every_token() {
        let credential = |registry: &str| Credential {
            registry: registry.parse().unwrap(),
            username: "admin".parse().unwrap(),
            token: Token::parse("token").unwrap(),
        };
        let mut scope = scope(vec![listed("here", None)], &[None]);
        assert!(!scope.brings_all());
        scope.credentials = vec![(credential("gitea.example.com"), Use::Cluster)];
        assert!(scope.brings_all());
        scope.registries.push("ghcr.io".parse().unwrap());
        assert!(!scope.brings_all());
        scope.registries.clear();
        assert!(!scope.brings_all(), "without a registry it is about all of them");
    }
}
