//! Diagnoses why an image is not pulled. Pure.

use super::report::Survey;
use super::secret::{HeldToken, SeenEntry, SeenSecret, State};
use super::stuck::{Cause, StuckPull, Verdict};
use crate::cluster::workload::message::PullFailure;
use crate::cluster::workload::model::{INVALID_NAME, NEVER_PULLED};
use crate::model::pull::{EntryAt, Mismatch, Pull, PullSecret, pull};
use crate::model::{Namespace, Target, printable};

/// kubelet tries again after at most five minutes (`MaxImageBackOff`); a slow registry takes its time on top.
const RETRY: i64 = 360;
/// The longest key that is shown, in characters.
const MAX_KEY: usize = 120;

/// The known state of the Secrets that a pod names.
pub(super) struct Named<'a> {
    namespace: &'a Namespace,
    names: &'a [String],
    survey: &'a Survey,
}

impl<'a> Named<'a> {
    pub(super) fn new(survey: &'a Survey, namespace: &'a Namespace, names: &'a [String]) -> Self {
        Self {
            namespace,
            names,
            survey,
        }
    }

    fn target(&self, name: &str) -> Option<Target> {
        Some(Target {
            namespace: self.namespace.clone(),
            secret: name.parse().ok()?,
        })
    }

    fn seen(&self, name: &str) -> Option<&'a SeenSecret> {
        let secret = self.survey.secret(&self.target(name)?)?;
        Some(secret).filter(|secret| secret.format.is_for_kubelet())
    }

    /// `Some(true)` for one that is there, but of another type; `None` where it could not be looked for.
    fn is_of_wrong_type(&self, name: &str) -> Option<bool> {
        let missing = self.survey.missing_secret(&self.target(name)?)?;
        Some(missing.is_of_wrong_type)
    }

    /// Those of the names that could not be looked at.
    pub(super) fn has_unseen(&self) -> bool {
        self.names
            .iter()
            .any(|name| self.seen(name).is_none() && self.is_of_wrong_type(name).is_none())
    }

    /// The first of the names that could not be looked at. One that no Secret can have needs no look.
    pub(super) fn unseen(&self) -> Option<&'a String> {
        let is_unseen = |name: &&String| {
            self.target(name).is_some() && self.seen(name).is_none() && self.is_of_wrong_type(name).is_none()
        };
        self.names.iter().find(is_unseen)
    }

    /// The first of the names under which kubelet finds no pull Secret, and whether there is a Secret of another type.
    pub(super) fn absent(&self) -> Option<(&'a String, bool)> {
        let wrong_type = |name: &str| match self.target(name) {
            Some(_) => self.is_of_wrong_type(name),
            None => Some(false),
        };
        self.names.iter().find_map(|name| Some((name, wrong_type(name)?)))
    }

    fn with_state(&self, wrong_type: bool) -> Vec<String> {
        let is_so = |name: &&String| self.seen(name).is_none() && self.is_of_wrong_type(name) == Some(wrong_type);
        self.names.iter().filter(is_so).cloned().collect()
    }

    /// How many keys an image has to be compared with.
    pub(super) fn keys(&self) -> usize {
        let states = self.names.iter().filter_map(|name| self.seen(name));
        let keys = states.map(|secret| match &secret.state {
            State::Entries(entries) => entries.len(),
            State::Empty | State::Broken { .. } => 0,
        });
        keys.sum()
    }

    /// What kubelet makes of them for an image.
    pub(super) fn pull(&self, image: &str) -> Pull {
        let secrets: Vec<_> = self
            .names
            .iter()
            .map(|name| match self.seen(name).map(|secret| &secret.state) {
                None if self.is_of_wrong_type(name) == Some(false) => PullSecret::Missing,
                None | Some(State::Empty) => PullSecret::Unusable,
                Some(State::Broken { .. }) => PullSecret::Broken,
                Some(State::Entries(entries)) => {
                    PullSecret::Entries(entries.iter().map(|entry| entry.key.as_str()).collect())
                }
            })
            .collect();
        pull(image, &secrets)
    }

    pub(super) fn entry(&self, at: EntryAt) -> Option<(&'a SeenSecret, &'a SeenEntry)> {
        let secret = self.seen(self.names.get(at.secret)?)?;
        match &secret.state {
            State::Entries(entries) => Some((secret, entries.get(at.entry)?)),
            State::Empty | State::Broken { .. } => None,
        }
    }
}

impl Survey {
    /// Takes the causes of [`Survey::stuck`], in its order, as [`Survey::diagnose`] has them with what registries say.
    pub fn set_causes(&mut self, causes: Vec<Cause>) {
        for (stuck, cause) in self.stuck.iter_mut().zip(causes) {
            stuck.cause = cause;
        }
    }

    /// Why a container waits for its image; `ask` has what the registry says about a token.
    #[must_use]
    pub fn diagnose(&self, stuck: &StuckPull, ask: &dyn Fn(HeldToken) -> Option<Verdict>) -> Cause {
        // No Secret can cause or cure these.
        match (stuck.reason.as_str(), stuck.said) {
            (INVALID_NAME, _) => return Cause::InvalidName,
            (NEVER_PULLED, _) => return Cause::NeverPulled,
            (_, PullFailure::OtherPlatform) => return Cause::OtherPlatform,
            _ => {}
        }
        let named = Named::new(self, &stuck.namespace, &stuck.pull_secrets);
        let has_credential = !stuck.pull.entries().is_empty();
        if let Pull::Fails { secret } = stuck.pull {
            return Cause::SecretBroken {
                secret: stuck.pull_secrets[secret].clone(),
            };
        }
        if stuck.said == PullFailure::Unreachable {
            return Cause::Unreachable;
        }
        if stuck.said == PullFailure::Page {
            return Cause::Page;
        }
        if stuck.said == PullFailure::NotFound {
            return Cause::TagMissing {
                with_credential: has_credential,
            };
        }
        if stuck.said == PullFailure::Else || named.has_unseen() {
            return Cause::Unknown;
        }
        if has_credential {
            return self.with_credential(stuck, &named, ask);
        }
        self.without_credential(stuck, &named)
    }

    /// kubelet has something to log in with.
    fn with_credential(
        &self,
        stuck: &StuckPull,
        named: &Named<'_>,
        ask: &dyn Fn(HeldToken) -> Option<Verdict>,
    ) -> Cause {
        let entries = stuck.pull.entries().iter();
        let tried: Vec<_> = entries.filter_map(|at| named.entry(*at)).collect();
        let verdict = |entry: &SeenEntry| entry.login.as_ref().and_then(|held| ask(held.token));
        // One that the registry accepts or, if it was not asked, one from the keychain.
        let good = tried.iter().find(|(_, entry)| match verdict(entry) {
            Some(verdict) => verdict == Verdict::Accepted,
            None => matches!(entry.login.as_ref().map(|held| held.token), Some(HeldToken::Stored(_))),
        });
        // What was there before the pod was made, kubelet has tried.
        let is_new = |secret: &SeenSecret| {
            secret.written.is_some_and(|written| {
                self.taken - written < RETRY && stuck.created.is_none_or(|created| written > created)
            })
        };
        if let Some((secret, entry)) =
            good.filter(|(secret, _)| is_new(secret) || stuck.said == PullFailure::Undecodable)
        {
            return Cause::Heals {
                secret: secret.target.secret.to_string(),
                token: entry.login.as_ref().map(|held| held.token),
            };
        }
        let Some((secret, entry)) = good.or(tried.first()) else {
            return Cause::Unknown;
        };
        let verdict = verdict(entry);
        if stuck.said != PullFailure::Rejected && verdict != Some(Verdict::Rejected) {
            return Cause::Unknown;
        }
        Cause::TokenRejected {
            secret: secret.target.secret.to_string(),
            key: printable(&entry.key, MAX_KEY),
            login: entry.login.clone(),
            verdict,
        }
    }

    /// It pulls anonymously, unless the node has a credential of its own.
    fn without_credential(&self, stuck: &StuckPull, named: &Named<'_>) -> Cause {
        let of_account = stuck.account_secrets.as_deref().unwrap_or_default();
        let account = Named::new(self, &stuck.namespace, of_account);
        let would_do = account.pull(&stuck.image);
        // A pod without a controller has the list that its author wrote.
        let is_of_account = stuck.pull_secrets.is_empty()
            || match stuck.template_has_secrets {
                Some(has) => !has,
                None => stuck.controller.is_some(),
            };
        if !would_do.entries().is_empty() && is_of_account && of_account != stuck.pull_secrets {
            let mut places: Vec<_> = would_do.entries().iter().map(|at| at.secret).collect();
            places.sort_unstable();
            places.dedup();
            return Cause::OlderThanAccount {
                account: stuck.account.clone(),
                secrets: places.into_iter().map(|place| of_account[place].clone()).collect(),
            };
        }
        if stuck.pull_secrets.is_empty() && stuck.account_secrets.is_none() {
            return Cause::Unknown;
        }
        if stuck.pull_secrets.is_empty() {
            return Cause::NoPullSecret {
                account: stuck.account.clone(),
            };
        }
        let (missing, of_wrong_type) = (named.with_state(false), named.with_state(true));
        let mismatches = match &stuck.pull {
            Pull::Tries { mismatches, .. } => mismatches.as_slice(),
            Pull::Fails { .. } => &[],
        };
        let near = |is_so: fn(&Mismatch) -> bool| {
            let found = mismatches.iter().find(|(_, why)| is_so(why))?;
            let (secret, entry) = named.entry(found.0)?;
            Some((
                secret.target.secret.to_string(),
                printable(&entry.key, MAX_KEY),
                found.1.clone(),
            ))
        };
        if let Some((secret, key, why)) = near(Mismatch::is_near) {
            return Cause::KeyMismatch { secret, key, why };
        }
        if !missing.is_empty() {
            return Cause::SecretMissing { secrets: missing };
        }
        if !of_wrong_type.is_empty() {
            return Cause::WrongType { secrets: of_wrong_type };
        }
        Cause::EntryMissing {
            secrets: stuck.pull_secrets.clone(),
            similar: near(|why| *why == Mismatch::Similar).map(|(_, key, _)| key),
        }
    }
}
