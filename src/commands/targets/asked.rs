//! What a command line asks for, before any file or cluster is read.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::batch::{Batch, Scope, Template};
use super::supply::Supply;
use crate::cluster::SecretName;
use crate::commands::args::TargetArgs;
use crate::commands::sync::SyncArgs;

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

impl Asked<'_> {
    /// The namespaces that the flags name.
    pub(super) fn scope(&self, secret: SecretName, supplies: Vec<Rc<Supply>>) -> Scope {
        let template = Template { secret, supplies };
        if let Some(selector) = &self.targets.selector {
            return Scope::Labelled(selector.clone(), template);
        }
        if self.targets.namespaces.is_empty() {
            return Scope::ContextNamespace(template);
        }
        let namespaces = each_once(&self.targets.namespaces).into_iter();
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_keep_their_order_and_come_once() {
        assert_eq!(each_once(&["b", "a", "b", "c", "a"]), ["b", "a", "c"]);
    }
}
