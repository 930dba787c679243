//! What can be asked of the ledger, and what changes in it. Pure.

use std::collections::BTreeSet;

use k8s_openapi::jiff::{SignedDuration, Timestamp};

use super::document::{
    ActionsPlace, FilePlace, KnownCluster, KnownCredential, KnownToken, Ledger, SecretPlace, SecretPlaces,
    TokenAtServer,
};
use super::known_path::KnownPath;
use crate::model::{ActionsSecret, ClusterId, Fingerprint, Registry, ServiceAccountName, Target, Use, Username};

/// Which token it is, without the token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenId {
    pub registry: Registry,
    pub usage: Use,
    pub username: Username,
    /// Under each key of the keychain, the one that is used from now on last.
    pub fingerprints: Vec<Fingerprint>,
}

impl Ledger {
    pub fn credential(&self, registry: &Registry, usage: Use) -> Option<&KnownCredential> {
        let is_it = |one: &&KnownCredential| one.registry == *registry && one.usage == usage;
        self.credentials.iter().find(is_it)
    }

    /// The same; one that is not known yet is added.
    pub fn credential_mut(&mut self, registry: &Registry, usage: Use) -> &mut KnownCredential {
        let is_it = |one: &KnownCredential| one.registry == *registry && one.usage == usage;
        let at = self.credentials.iter().position(is_it).unwrap_or_else(|| {
            self.credentials.push(KnownCredential {
                registry: registry.clone(),
                usage,
                connection: super::Connection::default(),
                skipped: super::Skipped::default(),
                tokens: Vec::new(),
            });
            self.credentials.len() - 1
        });
        &mut self.credentials[at]
    }

    /// Everything that is known of a token, whatever it was for when that was noted.
    fn entries_of(&self, id: &TokenId) -> impl Iterator<Item = &KnownToken> {
        let of_it = self.credentials.iter().filter(|one| one.registry == id.registry);
        of_it.flat_map(|one| &one.tokens).filter(|token| id.is(token))
    }

    pub fn token(&self, id: &TokenId) -> Option<&KnownToken> {
        let credential = self.credential(&id.registry, id.usage)?;
        credential.tokens.iter().find(|token| id.is(token))
    }

    fn known_mut(&mut self, id: &TokenId) -> Option<&mut KnownToken> {
        let is_it = |one: &&mut KnownCredential| one.registry == id.registry && one.usage == id.usage;
        let credential = self.credentials.iter_mut().find(is_it)?;
        id.join(&mut credential.tokens);
        credential.tokens.iter_mut().find(|token| id.is(token))
    }

    /// The same; one that is not known yet is added.
    pub fn token_mut(&mut self, id: &TokenId, now: Timestamp) -> Option<&mut KnownToken> {
        let fingerprint = id.fingerprints.last()?.clone();
        let tokens = &mut self.credential_mut(&id.registry, id.usage).tokens;
        id.join(tokens);
        let at = tokens.iter().position(|token| id.is(token)).unwrap_or_else(|| {
            tokens.push(KnownToken {
                username: id.username.clone(),
                fingerprint,
                at_server: None,
                since: now,
                created: None,
                proved: None,
                replaced: None,
                revoked: None,
                secrets: SecretPlaces::default(),
                files: Vec::new(),
                actions: Vec::new(),
            });
            tokens.len() - 1
        });
        Some(&mut tokens[at])
    }

    /// A cluster was reached. One that was known by its server alone is known by its uid from now on.
    pub fn saw_cluster(&mut self, id: &ClusterId, server: &str, context: &str, now: Timestamp) {
        if let ClusterId::Uid(_) = id {
            let by_server = ClusterId::Server(server.to_owned());
            self.rename_cluster(&by_server, id);
        }
        let at = self.clusters.iter().position(|one| one.id == *id).unwrap_or_else(|| {
            self.clusters.push(KnownCluster {
                id: id.clone(),
                server: String::new(),
                contexts: BTreeSet::new(),
                seen: now,
            });
            self.clusters.len() - 1
        });
        // A name leads to one cluster at a time.
        for other in &mut self.clusters {
            other.contexts.remove(context);
        }
        let cluster = &mut self.clusters[at];
        server.clone_into(&mut cluster.server);
        if !context.is_empty() {
            cluster.contexts.insert(context.to_owned());
        }
        // Not at each look, so that one that changes nothing writes nothing.
        if is_old(cluster.seen, now) {
            cluster.seen = now;
        }
    }

    fn rename_cluster(&mut self, before: &ClusterId, after: &ClusterId) {
        self.clusters.retain(|one| one.id != *before);
        for token in self.credentials.iter_mut().flat_map(|one| &mut one.tokens) {
            token.secrets.rename_cluster(before, after);
        }
    }

    /// The Secret is about to get the token: from now on it is looked for there, whether or not that succeeds.
    pub fn will_write(
        &mut self,
        id: &TokenId,
        cluster: &ClusterId,
        target: &Target,
        service_accounts: &[ServiceAccountName],
        now: Timestamp,
    ) {
        let Some(token) = self.token_mut(id, now) else { return };
        let place = token.secrets.place_mut(cluster, target);
        place.add_service_accounts(service_accounts);
    }

    /// The Secret was seen to hold the token, and no other one of this registry.
    pub fn holds(&mut self, id: &TokenId, cluster: &ClusterId, target: &Target, now: Timestamp) {
        self.holds_all(std::slice::from_ref(id), cluster, target, now);
    }

    /// The Secret was seen to hold these tokens of one registry, and no other one of it.
    pub fn holds_all(&mut self, ids: &[TokenId], cluster: &ClusterId, target: &Target, now: Timestamp) {
        let Some(first) = ids.first() else { return };
        if ids.iter().any(|id| id.fingerprints.is_empty()) {
            return;
        }
        let mut accounts = Vec::new();
        for credential in self.credentials.iter_mut().filter(|one| one.registry == first.registry) {
            let usage = credential.usage;
            for token in &mut credential.tokens {
                if !ids.iter().any(|id| id.usage == usage && id.is(token))
                    && let Some(place) = token.secrets.remove(cluster, target)
                {
                    accounts.extend(place.service_accounts);
                }
            }
        }
        for id in ids {
            self.holds_too(id, cluster, target, now);
            self.will_write(id, cluster, target, &accounts, now);
        }
    }

    /// The Secret was seen to hold the token, and it is not known which other ones.
    pub fn holds_too(&mut self, id: &TokenId, cluster: &ClusterId, target: &Target, now: Timestamp) {
        let Some(token) = self.token_mut(id, now) else { return };
        let place = token.secrets.place_mut(cluster, target);
        if place.seen.is_none_or(|seen| is_old(seen, now)) {
            place.seen = Some(now);
        }
    }

    /// The Secret was not given the token that it was about to be given.
    pub fn not_written(&mut self, id: &TokenId, cluster: &ClusterId, target: &Target) {
        if let Some(token) = self.known_mut(id)
            && token
                .secrets
                .get(cluster, target)
                .is_some_and(|place| place.seen.is_none())
        {
            token.secrets.remove(cluster, target);
        }
    }

    /// The Secret was seen to hold no token of this registry that is known here, or is gone.
    pub fn holds_none(&mut self, registry: &Registry, cluster: &ClusterId, target: &Target) {
        let of_it = self.credentials.iter_mut().filter(|one| one.registry == *registry);
        for token in of_it.flat_map(|one| &mut one.tokens) {
            token.secrets.remove(cluster, target);
        }
    }

    /// The Secret is not in the lists of these ServiceAccounts.
    pub fn not_attached(&mut self, cluster: &ClusterId, target: &Target, accounts: &[ServiceAccountName]) {
        for token in self.credentials.iter_mut().flat_map(|one| &mut one.tokens) {
            if let Some(place) = token.secrets.get_mut(cluster, target) {
                place.service_accounts.retain(|account| !accounts.contains(account));
            }
        }
    }

    /// The token was read from this file, which may still hold it.
    pub fn was_in_file(&mut self, id: &TokenId, path: KnownPath, now: Timestamp) {
        let Some(token) = self.token_mut(id, now) else { return };
        token.files.retain(|file| file.path != path);
        token.files.push(FilePlace { path, seen: now });
    }

    /// The secret of Actions is about to get the token: from now on it may hold it.
    pub fn will_write_actions(&mut self, id: &TokenId, secret: &ActionsSecret, now: Timestamp) {
        let Some(token) = self.token_mut(id, now) else { return };
        if token.actions.iter().all(|place| place.secret != *secret) {
            let secret = secret.clone();
            token.actions.push(ActionsPlace { secret, written: None });
        }
    }

    /// The server took the token, and the secret holds no other one.
    pub fn wrote_actions(&mut self, id: &TokenId, secret: &ActionsSecret, now: Timestamp) {
        self.no_actions(&id.registry, secret);
        let Some(token) = self.token_mut(id, now) else { return };
        token.actions.push(ActionsPlace {
            secret: secret.clone(),
            written: Some(now),
        });
    }

    /// The server did not take the token that the secret was about to get.
    pub fn did_not_write_actions(&mut self, id: &TokenId, secret: &ActionsSecret) {
        if let Some(token) = self.known_mut(id) {
            token
                .actions
                .retain(|place| place.secret != *secret || place.written.is_some());
        }
    }

    /// The secret is gone, or not to be kept any more.
    pub fn no_actions(&mut self, registry: &Registry, secret: &ActionsSecret) {
        let of_it = self.credentials.iter_mut().filter(|one| one.registry == *registry);
        for token in of_it.flat_map(|one| &mut one.tokens) {
            token.actions.retain(|place| place.secret != *secret);
        }
    }

    /// Whether the server took this token for the secret, and no other one since.
    pub fn has_actions(&self, id: &TokenId, secret: &ActionsSecret) -> bool {
        let mut places = self.entries_of(id).flat_map(|token| &token.actions);
        let is_written = places.any(|place| place.secret == *secret && place.written.is_some());
        let of_it = self.credentials.iter().filter(|one| one.registry == id.registry);
        let mut others = of_it.flat_map(|one| &one.tokens).filter(|token| !id.is(token));
        let may_hold = |token: &KnownToken| token.actions.iter().any(|place| place.secret == *secret);
        is_written && !others.any(may_hold)
    }

    /// The secrets of Actions that may hold this token.
    pub fn actions_with(&self, id: &TokenId) -> BTreeSet<&ActionsSecret> {
        let places = self.entries_of(id).flat_map(|token| &token.actions);
        places.map(|place| &place.secret).collect()
    }

    /// The secrets of Actions that hold a token of the registry which is none of these, and is not known to be revoked.
    pub fn actions_without(&self, registry: &Registry, tokens: &BTreeSet<Fingerprint>) -> BTreeSet<&ActionsSecret> {
        let of_it = self.credentials.iter().filter(|one| one.registry == *registry);
        let others = of_it.flat_map(|one| &one.tokens);
        let others = others.filter(|token| token.revoked.is_none() && !tokens.contains(&token.fingerprint));
        others
            .flat_map(|token| &token.actions)
            .map(|place| &place.secret)
            .collect()
    }

    /// The registry accepted the token.
    pub fn proved(&mut self, id: &TokenId, now: Timestamp) {
        if let Some(token) = self.token_mut(id, now) {
            token.proved = Some(now);
        }
    }

    /// Whether the registry accepted the token within the last `age`, and it was not revoked.
    pub fn is_proved(&self, id: &TokenId, age: SignedDuration, now: Timestamp) -> bool {
        let token = self.token(id).filter(|token| token.revoked.is_none());
        let proved = token.and_then(|token| token.proved);
        // A proof of tomorrow is a clock that was wrong.
        proved.is_some_and(|proved| proved <= now && now.duration_since(proved) <= age)
    }

    /// The token is the one that this credential has now; every other one is replaced.
    pub fn is_current(&mut self, id: &TokenId, now: Timestamp) {
        if self.token_mut(id, now).is_none() {
            return;
        }
        for token in &mut self.credential_mut(&id.registry, id.usage).tokens {
            token.replaced = if id.is(token) {
                None
            } else {
                token.replaced.or(Some(now))
            };
        }
    }

    /// The keychain has the token no more.
    pub fn replaced(&mut self, id: &TokenId, now: Timestamp) {
        if let Some(token) = self.known_mut(id) {
            token.replaced = token.replaced.or(Some(now));
        }
    }

    /// The server made the token just now, and what it calls it.
    pub fn was_made(&mut self, id: &TokenId, at_server: TokenAtServer, now: Timestamp) {
        if let Some(token) = self.token_mut(id, now) {
            token.at_server = Some(at_server);
            token.created = Some(now);
        }
    }

    /// When the server made the token.
    pub fn was_created(&mut self, id: &TokenId, created: Timestamp) {
        if let Some(token) = self.known_mut(id) {
            token.created = Some(created);
        }
    }

    /// The token was revoked: what still holds it holds a dead one.
    pub fn revoked(&mut self, id: &TokenId, now: Timestamp) {
        if let Some(token) = self.known_mut(id) {
            token.revoked = Some(now);
            token.replaced = token.replaced.or(Some(now));
        }
    }

    /// The Secrets that may hold a token of this registry in the cluster that answered at this address, also under the name
    /// that it has while its uid may not be read.
    pub fn secrets_at(&self, server: &str, cluster: &ClusterId, registry: &Registry) -> BTreeSet<Target> {
        let by_address = ClusterId::Server(server.to_owned());
        let mut secrets = self.secrets_in(registry, cluster);
        secrets.append(&mut self.secrets_in(registry, &by_address));
        secrets
    }

    /// The Secrets of a cluster that may hold a token of this registry.
    pub fn secrets_in(&self, registry: &Registry, cluster: &ClusterId) -> BTreeSet<Target> {
        let places = self.places_of(registry).filter(|(_, place)| place.cluster == *cluster);
        places.map(|(_, place)| place.target.clone()).collect()
    }

    /// The clusters in which a Secret may hold a token of this registry.
    pub fn clusters_of(&self, registry: &Registry) -> Vec<&KnownCluster> {
        let ids: BTreeSet<&ClusterId> = self.places_of(registry).map(|(_, place)| &place.cluster).collect();
        self.clusters
            .iter()
            .filter(|cluster| ids.contains(&cluster.id))
            .collect()
    }

    /// Every Secret that may hold a token of this registry.
    pub fn places_of(&self, registry: &Registry) -> impl Iterator<Item = (&KnownToken, &SecretPlace)> {
        let of_it = self.credentials.iter().filter(move |one| one.registry == *registry);
        let tokens = of_it.flat_map(|one| &one.tokens);
        tokens.flat_map(|token| token.secrets.iter().map(move |place| (token, place)))
    }

    /// The ServiceAccounts that this machine attached a Secret to.
    pub fn service_accounts(&self, cluster: &ClusterId, target: &Target) -> BTreeSet<&ServiceAccountName> {
        let tokens = self.credentials.iter().flat_map(|credential| &credential.tokens);
        let places = tokens.filter_map(|token| token.secrets.get(cluster, target));
        places.flat_map(|place| &place.service_accounts).collect()
    }

    /// The cluster that answered at this address. Where its uid may not be read, it is the only one that was known there.
    pub fn cluster_at(&self, server: &str, id: ClusterId) -> ClusterId {
        let is_there = |one: &&KnownCluster| one.server == server && matches!(one.id, ClusterId::Uid(_));
        let mut there = self.clusters.iter().filter(is_there);
        match (&id, there.next(), there.next()) {
            (ClusterId::Server(_), Some(only), None) => only.id.clone(),
            _ => id,
        }
    }

    /// The cluster, where it is known.
    pub fn cluster(&self, id: &ClusterId) -> Option<&KnownCluster> {
        self.clusters.iter().find(|one| one.id == *id)
    }

    /// Takes out what says nothing, and sorts the rest.
    pub(super) fn tidy(&mut self) {
        for credential in &mut self.credentials {
            credential.tokens.retain(|token| {
                let is_past = token.replaced.is_some() || token.revoked.is_some();
                !is_past || !token.secrets.is_empty() || !token.files.is_empty() || !token.actions.is_empty()
            });
            for token in &mut credential.tokens {
                token.files.sort_by(|one, other| one.path.cmp(&other.path));
                token.actions.sort_by(|one, other| one.secret.cmp(&other.secret));
            }
        }
        self.credentials.retain(|one| {
            !one.tokens.is_empty() || !one.skipped.is_empty() || one.connection != super::Connection::default()
        });
        self.credentials
            .sort_by(|one, other| (&one.registry, one.usage).cmp(&(&other.registry, other.usage)));
        let tokens = self.credentials.iter().flat_map(|one| &one.tokens);
        let needed: BTreeSet<ClusterId> = tokens
            .flat_map(|token| token.secrets.iter().map(|place| place.cluster.clone()))
            .collect();
        self.clusters.retain(|cluster| needed.contains(&cluster.id));
        self.clusters.sort_by(|one, other| one.id.cmp(&other.id));
    }
}

/// Whether it is time to note again that something was seen.
fn is_old(seen: Timestamp, now: Timestamp) -> bool {
    seen > now || now.duration_since(seen) > SignedDuration::from_hours(24)
}

impl TokenId {
    fn is(&self, token: &KnownToken) -> bool {
        self.fingerprints.contains(&token.fingerprint)
    }

    /// Makes one entry of those of this token: two keychains that are one now noted it under a key each.
    fn join(&self, tokens: &mut Vec<KnownToken>) {
        if tokens.iter().filter(|token| self.is(token)).count() < 2 {
            return;
        }
        let (own, others): (Vec<_>, Vec<_>) = std::mem::take(tokens).into_iter().partition(|token| self.is(token));
        *tokens = others;
        tokens.extend(own.into_iter().reduce(KnownToken::joined));
    }
}

impl KnownToken {
    /// What this entry and another one of the same token say.
    fn joined(mut self, other: Self) -> Self {
        self.since = self.since.min(other.since);
        self.at_server = self.at_server.or(other.at_server);
        self.created = self.created.or(other.created);
        self.proved = self.proved.max(other.proved);
        self.replaced = self.replaced.and(other.replaced);
        self.revoked = self.revoked.or(other.revoked);
        for place in &other.secrets {
            self.secrets.add(place);
        }
        for file in other.files {
            self.files.retain(|one| one.path != file.path || one.seen > file.seen);
            if self.files.iter().all(|one| one.path != file.path) {
                self.files.push(file);
            }
        }
        for place in other.actions {
            match self.actions.iter_mut().find(|one| one.secret == place.secret) {
                Some(one) => one.written = one.written.max(place.written),
                None => self.actions.push(place),
            }
        }
        self
    }
}

#[cfg(test)]
mod tests;
