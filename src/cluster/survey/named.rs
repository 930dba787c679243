//! Looks up the Secrets that are named by other objects but were not in the lists.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use futures_util::stream::{StreamExt as _, iter};

use super::assemble::targets as targets_of;
use super::gather::Gather;
use super::question::Question;
use super::secret::{SeenSecret, Tokens, reduce};
use crate::cluster::error::Error;
use crate::cluster::reader::places::NAMESPACES_AT_ONCE;
use crate::cluster::resource::Resource;
use crate::cluster::secret::observe::observe;
use crate::cluster::secret::pull_secret::{LEGACY_PULL_SECRET_TYPE, PULL_SECRET_TYPE};
use crate::model::{Namespace, Target};

/// The most names of one namespace that are looked up, one request each. A pod can name thousands of Secrets that are
/// not there, and no other namespace is to wait for that: the rest counts as not looked at.
const MAX_ASKED: usize = 100;

/// The state of a Secret that was looked up by name.
enum NamedSecretState {
    /// There is no pull Secret of this name; `true` if there is a Secret of another type.
    Absent(bool),
    There(Box<SeenSecret>),
}

impl<'a> Gather<'a> {
    /// Looks for the Secrets that are named anywhere and that were not among those that were read: which of them are not
    /// there, and which are of another type. Where Secrets may not be listed, they may still be got by name.
    pub(super) async fn find_named(
        &self,
        question: &Question<'_>,
        tokens: &RefCell<Tokens<'a>>,
    ) -> Result<BTreeMap<Target, bool>, Error> {
        let mut absent = BTreeMap::new();
        let named: Vec<(Target, bool)> = {
            let gathered = self.gathered.borrow();
            let mut wanted: BTreeSet<Target> = question.targets.iter().cloned().collect();
            let mut add = |target: Target| {
                // Ours, in a format that kubelet passes over.
                let seen = gathered.secrets.get(&target);
                if seen.is_some_and(|secret| !secret.format.is_for_kubelet()) {
                    absent.insert(target.clone(), true);
                }
                wanted.insert(target);
            };
            for one in gathered.pods.iter().chain(&gathered.workloads) {
                targets_of(&one.namespace, &one.own_secrets).for_each(&mut add);
            }
            for account in &gathered.accounts {
                targets_of(&account.namespace, &account.pull_secrets).for_each(&mut add);
            }
            question.named.iter().cloned().for_each(&mut add);
            let expected: BTreeSet<&Target> = question.targets.iter().collect();
            let mut asked: BTreeMap<Namespace, usize> = BTreeMap::new();
            let is_asked_about = |target: &Target| {
                if gathered.secrets.contains_key(target) {
                    return false;
                }
                let asked = asked.entry(target.namespace.clone()).or_default();
                *asked += 1;
                *asked <= MAX_ASKED || expected.contains(target)
            };
            let unknown = wanted.into_iter().filter(is_asked_about);
            unknown
                .map(|target| {
                    let is_listed = self.reading.has_seen(Resource::Secrets, &target.namespace);
                    (target, is_listed)
                })
                .collect()
        };
        let looks = named.into_iter().map(|(target, is_listed)| async move {
            let found = if is_listed {
                self.is_of_another_type(&target).await.map(NamedSecretState::Absent)
            } else {
                self.get(&target, tokens).await
            };
            (target, found)
        });
        let mut looks = iter(looks).buffer_unordered(NAMESPACES_AT_ONCE);
        while let Some((target, state)) = looks.next().await {
            match state {
                Ok(NamedSecretState::Absent(is_of_another_type)) => {
                    absent.insert(target, is_of_another_type);
                }
                Ok(NamedSecretState::There(secret)) => {
                    self.gathered.borrow_mut().secrets.insert(target, *secret);
                }
                // Already recorded with its kind and namespace, which may not be listed either.
                Err(Error::Forbidden(_)) => {}
                Err(error) => self.reading.record(Resource::Secrets, Some(&target.namespace), error)?,
            }
        }
        Ok(absent)
    }

    /// Only its metadata is requested: its data is not needed.
    async fn is_of_another_type(&self, target: &Target) -> Result<bool, Error> {
        let fields = format!(
            "metadata.name={},type!={PULL_SECRET_TYPE},type!={LEGACY_PULL_SECRET_TYPE}",
            target.secret
        );
        let found = self
            .reading
            .reader
            .names(Resource::Secrets, &target.namespace, &fields)
            .await?;
        Ok(!found.is_empty())
    }

    async fn get(&self, target: &Target, tokens: &RefCell<Tokens<'a>>) -> Result<NamedSecretState, Error> {
        let observed = observe(self.reading.reader.cluster, target).await?;
        Ok(match observed {
            None => NamedSecretState::Absent(false),
            Some(observed) => match reduce(&observed, &mut tokens.borrow_mut()) {
                Some(secret) => NamedSecretState::There(Box::new(secret)),
                None => NamedSecretState::Absent(true),
            },
        })
    }
}
