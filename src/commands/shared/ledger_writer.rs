//! Keeping the ledger while Secrets are written: what is about to be written is noted before, what was seen after.

use std::fmt;

use k8s_openapi::jiff::Timestamp;

use super::apply::{After, AfterResult};
use super::targets::Job;
use crate::cluster::{self, Cluster, Target};
use crate::commands::system::System;
use crate::error::CommandError;
use crate::ledger::{self, Ledger, LedgerError, TokenAtServer, TokenId};
use crate::model::{ClusterId, Registry, ServiceAccountName, Use};
use crate::registry::Minted;
use crate::sys::env::Env;

/// Keeps the ledger of a run.
pub(in crate::commands) struct LedgerWriter {
    env: Env,
    /// A dry run changes nothing.
    is_kept: bool,
    /// What is written is what the keychain gives out: a rotation says itself when that is so.
    is_current: bool,
    has_failed: bool,
}

/// What was seen of one Secret.
pub(in crate::commands) enum Observation {
    /// It holds this token.
    Holds(Target, TokenId),
    /// It was not written, and is not known to hold this token.
    NotWritten(Target, TokenId),
    /// It holds no token of this registry.
    HoldsNone(Target, Registry),
    /// It is not in the lists of these ServiceAccounts.
    NotAttached(Target, Vec<ServiceAccountName>),
}

impl LedgerWriter {
    pub(in crate::commands) fn new(env: &Env, is_kept: bool) -> Self {
        Self {
            env: env.clone(),
            is_kept,
            is_current: true,
            has_failed: false,
        }
    }

    /// The same for a rotation.
    pub(in crate::commands) fn of_rotation(env: &Env, is_kept: bool) -> Self {
        Self {
            is_current: false,
            ..Self::new(env, is_kept)
        }
    }

    /// The cluster, where there is anything to note: a token that was handed over and is not this machine's is not noted.
    pub(in crate::commands) async fn cluster(&self, cluster: &Cluster, jobs: &[Job]) -> Option<ClusterId> {
        if !self.is_kept || jobs.iter().all(|job| job.ids().next().is_none()) {
            return None;
        }
        // Where it does not answer, the work on its Secrets says so.
        cluster.id().await.ok()
    }

    /// Notes what is about to be written, so that it is found again even if this process is killed. Returns the cluster as
    /// the ledger knows it.
    pub(in crate::commands) fn begin(
        &mut self,
        id: Option<ClusterId>,
        cluster: &Cluster,
        jobs: &[Job],
        after: &After,
        system: &mut System<'_>,
    ) -> Option<ClusterId> {
        let mut id = id?;
        let now = Timestamp::now();
        let is_current = self.is_current;
        let noted = ledger::update(&self.env, |ledger| {
            id = ledger.cluster_at(cluster.server(), id.clone());
            ledger.saw_cluster(&id, cluster.server(), cluster.context(), now);
            let mut current: Vec<&TokenId> = Vec::new();
            for (job, token) in jobs.iter().flat_map(|job| job.ids().map(move |id| (job, id))) {
                if is_current && !current.contains(&token) {
                    ledger.is_current(token, now);
                    current.push(token);
                }
                let accounts: Vec<_> = after.accounts_of(job).into_iter().cloned().collect();
                ledger.will_write(token, &id, &job.target, &accounts, now);
            }
        });
        self.report(noted, system);
        Some(id)
    }

    /// Notes what came of it, and which tokens work.
    pub(in crate::commands) fn end(
        &mut self,
        cluster: Option<&ClusterId>,
        seen: &[Observation],
        proven: &[TokenId],
        system: &mut System<'_>,
    ) {
        if !self.is_kept || (seen.is_empty() && proven.is_empty()) {
            return;
        }
        let now = Timestamp::now();
        let noted = ledger::update(&self.env, |ledger| {
            for one in seen {
                match (one, cluster) {
                    (Observation::Holds(target, token), Some(cluster)) => {
                        ledger.holds(token, cluster, target, now);
                        ledger.is_kept(token, cluster, target);
                    }
                    (Observation::NotWritten(target, token), Some(cluster)) => {
                        ledger.not_written(token, cluster, target);
                    }
                    (Observation::HoldsNone(target, registry), Some(cluster)) => {
                        ledger.holds_none(registry, cluster, target);
                    }
                    (Observation::NotAttached(target, accounts), Some(cluster)) => {
                        ledger.not_attached(cluster, target, accounts);
                    }
                    (_, None) => {}
                }
            }
            for token in proven {
                ledger.proved(token, now);
            }
        });
        self.report(noted, system);
    }

    /// Notes what was seen in a cluster without giving out a token there.
    pub(in crate::commands) async fn saw(&mut self, cluster: &Cluster, seen: &[Observation], system: &mut System<'_>) {
        if !self.is_kept || seen.is_empty() {
            return;
        }
        let Ok(id) = cluster.id().await else { return };
        let id = read(system).cluster_at(cluster.server(), id);
        self.end(Some(&id), seen, &[], system);
    }

    /// A ledger that cannot be kept is no reason to leave a Secret without its token: labels still find it.
    fn report(&mut self, noted: Result<(), LedgerError>, system: &mut System<'_>) {
        let Err(error) = noted else { return };
        if !std::mem::replace(&mut self.has_failed, true) {
            let warning = CommandError::failed(format_args!(
                "{error}: where the token was written is not remembered, and rotate finds it by its label alone"
            ));
            system.output.warn_of(&warning.hints(error.hint()));
        }
    }
}

/// Changes what is remembered outside of a run over Secrets.
pub(in crate::commands) fn update(system: &mut System<'_>, change: impl FnOnce(&mut Ledger, Timestamp)) {
    let now = Timestamp::now();
    if let Err(error) = ledger::update(&system.env, |ledger| change(ledger, now)) {
        system.output.warn_of(&error.into());
    }
}

/// What is remembered; nothing, with a warning, where that cannot be read.
pub(in crate::commands) fn read(system: &mut System<'_>) -> Ledger {
    match ledger::read(&system.env) {
        Ok(ledger) => ledger,
        Err(error) => {
            system.output.warn_of(&error.into());
            Ledger::default()
        }
    }
}

/// The ledger, before a token is revoked: it may know places that nothing else shows, such as secrets of Actions, so one that
/// cannot be read holds the revoking up, unless it is to be done anyway.
pub(in crate::commands) fn read_to_revoke(
    what: impl fmt::Display,
    revoke_anyway: bool,
    system: &mut System<'_>,
) -> Result<Ledger, CommandError> {
    match ledger::read(&system.env) {
        Err(error) if !revoke_anyway && !matches!(error, LedgerError::NoHome) => Err(CommandError::from(error)
            .on(format_args!(
                "{what} is not revoked, because the ledger may know more places that need it"
            ))
            .hint("--revoke-anyway revokes it all the same")),
        _ => Ok(read(system)),
    }
}

impl From<&Minted> for TokenAtServer {
    fn from(minted: &Minted) -> Self {
        Self {
            id: minted.id,
            name: minted.name.to_string(),
        }
    }
}

impl AfterResult {
    /// What is known now of the ServiceAccounts of this Secret.
    pub(in crate::commands) fn observation(&self, target: &Target) -> Option<Observation> {
        let accounts = self.not_attached.clone();
        (!accounts.is_empty()).then(|| Observation::NotAttached(target.clone(), accounts))
    }
}

impl Job {
    /// The tokens of the keychain that it is to hold.
    fn ids(&self) -> impl Iterator<Item = &TokenId> {
        self.supplies.iter().filter_map(|supply| supply.id.as_ref())
    }

    /// What is known of it once it was worked on; `given` are the credentials that it holds now.
    pub(in crate::commands) fn observations(&self, given: &[(Registry, Use)]) -> Vec<Observation> {
        let seen = |id: &TokenId| {
            if given
                .iter()
                .any(|(registry, usage)| *registry == id.registry && *usage == id.usage)
            {
                Observation::Holds(self.target.clone(), id.clone())
            } else {
                Observation::NotWritten(self.target.clone(), id.clone())
            }
        };
        self.ids().map(seen).collect()
    }

    /// What is known of it after a failure: in a namespace that is not there or takes nothing new, it was not made.
    pub(in crate::commands) fn observations_after(&self, error: &cluster::Error) -> Vec<Observation> {
        match error {
            cluster::Error::NamespaceNotFound { .. } => self
                .ids()
                .map(|id| Observation::HoldsNone(self.target.clone(), id.registry.clone()))
                .collect(),
            cluster::Error::NamespaceTerminating { .. } => self.observations(&[]),
            _ => Vec::new(),
        }
    }
}
