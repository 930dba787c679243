//! What is to be done, by contexts.

use std::rc::Rc;

use super::supply::{Supplies, Supply};
use crate::cluster::{Namespace, SecretName, Selector, ServiceAccountName, Target, Wanted};

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
    /// Exactly these; no cluster has to list them.
    Jobs(Vec<Job>),
    /// One in the context's own namespace.
    ContextNamespace(Template),
    /// One in each namespace with these labels.
    Labelled(Selector, Template),
    /// Those that are there and ours.
    Managed(Supplies),
}
