//! What earlier rotations skipped, as long as it is not in use again.

use std::collections::BTreeSet;

use super::document::Ledger;
use super::places::TokenId;
use super::skipped::Skipped;
use crate::model::{ClusterId, Registry, Target, Use};

impl Ledger {
    /// What earlier rotations of these credentials skipped, without the contexts of clusters that have one of these tokens:
    /// they were given it since.
    pub fn skipped(&self, registry: &Registry, uses: &[Use], tokens: &[TokenId]) -> Skipped {
        let mut skipped = Skipped::default();
        for known in uses.iter().filter_map(|usage| self.credential(registry, *usage)) {
            skipped.add(&known.skipped);
        }
        let tokens = tokens.iter().filter_map(|id| self.token(id));
        let clusters: BTreeSet<&ClusterId> = tokens
            .flat_map(|token| token.secrets.iter().map(|place| &place.cluster))
            .collect();
        for cluster in clusters {
            let names = self.names_of(cluster);
            skipped.contexts.retain(|name| !names.contains(name));
        }
        skipped
    }

    /// The cluster has the current token of this credential: its contexts are not skipped any more.
    pub fn has_current(&mut self, registry: &Registry, usage: Use, cluster: &ClusterId) {
        let names = self.names_of(cluster);
        let skipped = &mut self.credential_mut(registry, usage).skipped;
        skipped.contexts.retain(|name| !names.contains(name));
    }

    /// The Secret is kept in sync: neither it, nor its namespace or its cluster's contexts are skipped any more.
    pub fn is_kept(&mut self, token: &TokenId, cluster: &ClusterId, target: &Target) {
        self.has_current(&token.registry, token.usage, cluster);
        let skipped = &mut self.credential_mut(&token.registry, token.usage).skipped;
        skipped.namespaces.remove(&target.namespace);
        skipped.secrets.remove(target);
    }

    /// The names by which a cluster can be skipped.
    fn names_of(&self, id: &ClusterId) -> BTreeSet<String> {
        let contexts = self.cluster(id).into_iter().flat_map(|known| known.contexts.clone());
        contexts.chain([id.to_string()]).collect()
    }
}
