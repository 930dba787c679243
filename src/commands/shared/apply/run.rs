//! Processes many Secrets, a few at a time. Results are reported in order, and a failure does not stop the others.

use std::collections::BTreeMap;
use std::pin::pin;

use futures_util::StreamExt as _;
use futures_util::future::{Either, join, select};
use futures_util::stream::FuturesUnordered;

use super::after::After;
use super::follow::Rollouts;
use super::interrupt::Interrupt;
use super::one::{self, Done, Failure};
use super::report::{Report, Row, Unfinished};
use crate::cluster::{self, Cluster, ConnectOptions, SecretReader, SyncOptions};
use crate::commands::shared::authorship::Authorship;
use crate::commands::shared::kept::Kept;
use crate::commands::shared::ledger_writer::{LedgerWriter, Observation};
use crate::commands::shared::proof::Proofs;
use crate::commands::shared::targets::{Batch, Found, Job, find};
use crate::commands::system::System;
use crate::error::CommandError;

/// How many Secrets of a cluster are processed at a time. Far away, fewer wait for round trips; more gain little and make a
/// small API server busy (docs/performance.md).
pub(in crate::commands) const AT_ONCE: usize = 64;

/// The result of one job.
type JobResult = (Job, Result<Done, CommandError>);

/// What all batches of a run share.
pub(in crate::commands) struct Run<'a, 'b> {
    pub(in crate::commands) options: SyncOptions,
    pub(in crate::commands) after: &'a After,
    pub(in crate::commands) proofs: &'a Proofs,
    pub(in crate::commands) authorship: &'a Authorship,
    pub(in crate::commands) kept: &'a mut Kept,
    pub(in crate::commands) ledger: &'a mut LedgerWriter,
    /// The restarts to follow.
    pub(in crate::commands) rollouts: Rollouts,
    pub(in crate::commands) report: &'a mut Report,
    pub(in crate::commands) interrupt: &'a mut Interrupt,
    pub(in crate::commands) system: &'a mut System<'b>,
}

impl Run<'_, '_> {
    /// Connects to the context, finds its Secrets and processes them.
    pub(in crate::commands) async fn batch(
        &mut self,
        batch: Batch,
        connect: &ConnectOptions,
    ) -> Result<(), CommandError> {
        if self.interrupt.times() > 0 {
            self.report.not_begun(batch.context.as_deref());
            return Ok(());
        }
        for supply in batch.scope.supplies() {
            self.proofs.begin(&supply);
        }
        let env = self.system.env.clone();
        let connecting = async {
            let cluster = Cluster::connect(&env, connect).await?;
            let found = find(batch.scope, &cluster)
                .await
                .map_err(|error| error.for_access(&self.after.access))?;
            Ok::<_, cluster::Error>((cluster, found))
        };
        let begun = match select(pin!(connecting), pin!(self.interrupt.pressed())).await {
            Either::Left((begun, _)) => begun,
            // Nothing is being written yet, so this can be dropped.
            Either::Right(_) => {
                self.report.not_begun(batch.context.as_deref());
                return Ok(());
            }
        };
        let (cluster, found) = match begun {
            Ok(begun) => begun,
            Err(error) => {
                let is_list = matches!(&error, cluster::Error::Forbidden(forbidden) if forbidden.verb == "list");
                let hint = is_list.then(|| "or name the namespaces, which needs no list: -n NAMESPACE".to_owned());
                let error = CommandError::from(error).hints(hint);
                self.report
                    .cluster_failed(batch.context.as_deref(), &error, self.system);
                return Ok(());
            }
        };
        self.system
            .output
            .detail(format_args!("connected to {}", cluster.place()));
        self.found(&cluster, found).await
    }

    /// Processes the Secrets of a context, which were found before.
    pub(in crate::commands) async fn found(&mut self, cluster: &Cluster, found: Found) -> Result<(), CommandError> {
        self.report.found(&found, self.system);
        for (target, error) in found.lacking {
            let row = Row {
                context: cluster.context(),
                target: &target,
                result: Err(error),
            };
            self.report.row(row, self.system)?;
        }
        let reading = SecretReader::ahead(cluster, found.jobs.iter().map(|job| &job.target));
        let interrupt = self.interrupt.clone();
        let identifying = interrupt.or(self.ledger.cluster(cluster, &found.jobs));
        // After Ctrl-C nothing is written, so nothing has to be noted before.
        let (id, reader) = join(identifying, interrupt.or(reading)).await;
        let id = id.unwrap_or(None);
        let reader = reader.unwrap_or_else(|_| SecretReader::new(cluster));
        let jobs = self.still_kept(cluster, found.jobs)?;
        let id = self.ledger.begin(id, cluster, &jobs, self.after, self.system);
        let mut observed = Vec::new();
        let worked = self.work(&reader, jobs, &mut observed).await;
        let proven = self.proofs.proven();
        self.ledger.end(id.as_ref(), &observed, &proven, self.system);
        worked
    }

    /// Reports the jobs whose credentials the keychain has no more, and returns the others.
    fn still_kept(&mut self, cluster: &Cluster, jobs: Vec<Job>) -> Result<Vec<Job>, CommandError> {
        let supplies = jobs.iter().flat_map(|job| &job.supplies);
        self.kept.look_again(supplies, self.system);
        let mut kept = Vec::with_capacity(jobs.len());
        for job in jobs {
            let checked = job.supplies.iter().try_for_each(|supply| self.kept.check(supply));
            match checked {
                Ok(()) => kept.push(job),
                Err(error) => {
                    let row = Row {
                        context: cluster.context(),
                        target: &job.target,
                        result: Err(error.on(format_args!("{} was not written", job.target))),
                    };
                    self.report.row(row, self.system)?;
                }
            }
        }
        Ok(kept)
    }

    async fn work(
        &mut self,
        reader: &SecretReader<'_>,
        jobs: Vec<Job>,
        observed: &mut Vec<Observation>,
    ) -> Result<(), CommandError> {
        let (total, options, after, proofs) = (jobs.len(), self.options, self.after, self.proofs);
        let (cluster, authorship) = (reader.cluster(), self.authorship);
        let mut waiting = jobs.into_iter().enumerate();
        let mut under_way = FuturesUnordered::new();
        let mut begun = BTreeMap::new();
        let mut ended = InOrder::default();
        let mut finished = 0;
        let mut is_over = false;
        loop {
            while under_way.len() < AT_ONCE && self.interrupt.times() == 0 {
                let Some((at, job)) = waiting.next() else { break };
                begun.insert(at, job.target.clone());
                under_way.push(async move {
                    let result = one::sync(reader, &job, options, after, proofs, authorship).await;
                    (at, job, result)
                });
            }
            self.progress(finished, total);
            let next = match select(under_way.next(), pin!(self.interrupt.pressed())).await {
                Either::Left((next, _)) => Some(next),
                Either::Right(_) => None,
            };
            let Some(next) = next else {
                if self.interrupt.times() > 1 {
                    break;
                }
                let are = if under_way.len() == 1 { "is" } else { "are" };
                self.system.output.info(format_args!(
                    "interrupted: waiting for {} that {are} in progress; press Ctrl-C again to stop immediately",
                    under_way.len()
                ));
                continue;
            };
            let Some((at, job, result)) = next else { break };
            finished += 1;
            begun.remove(&at);
            // A connection error may concern one request only. An unreachable cluster is reported once, not for each Secret.
            if matches!(&result, Err(Failure::Cluster(error)) if may_be_over(error)) {
                is_over = match select(pin!(cluster.check()), pin!(self.interrupt.pressed())).await {
                    Either::Left((answer, _)) => answer.is_err(),
                    Either::Right(_) => false,
                };
            }
            match &result {
                Ok(done) => {
                    observed.extend(job.observations(&done.given));
                    observed.extend(done.after.observation(&job.target));
                }
                Err(Failure::Cluster(error)) => observed.extend(job.observations_after(error)),
                Err(Failure::Unproven(_)) => {}
            }
            let result = result
                .map_err(CommandError::from)
                .and_then(|done| one::chosen(&job, done));
            ended.put(at, (job, result));
            while let Some(one) = ended.next() {
                self.row(cluster, one)?;
            }
            if is_over {
                break;
            }
        }
        // Results that wait for an earlier one, which was cancelled.
        for one in ended.rest() {
            self.row(cluster, one)?;
        }
        self.system.output.end_progress();
        for target in begun.values() {
            self.report.left(cluster.context(), target, Unfinished::CutOff);
        }
        for (_, job) in waiting {
            self.report.left(cluster.context(), &job.target, Unfinished::NotTried);
        }
        Ok(())
    }

    fn row(&mut self, cluster: &Cluster, (job, result): JobResult) -> Result<(), CommandError> {
        let row = Row {
            context: cluster.context(),
            target: &job.target,
            result,
        };
        if let Ok(done) = &row.result {
            let registries: Vec<_> = job
                .supplies
                .iter()
                .map(|supply| supply.credential.registry.clone())
                .collect();
            for restarted in done.after.workloads.iter().filter_map(|row| row.restarted.clone()) {
                self.rollouts
                    .add(cluster, &job.target.namespace, restarted, &registries);
            }
        }
        self.report.row(row, self.system)
    }

    fn progress(&mut self, finished: usize, total: usize) {
        if total > 1 {
            self.system.output.progress(format_args!("{finished}/{total} Secrets"));
        }
    }
}

/// Whether the other targets of this cluster may fail in the same way.
fn may_be_over(error: &cluster::Error) -> bool {
    error.is_about_the_cluster() || matches!(error, cluster::Error::Busy { .. } | cluster::Error::Timeout { .. })
}

/// Returns results that arrive in any order in the order of the requests.
struct InOrder<T> {
    next: usize,
    early: BTreeMap<usize, T>,
}

impl<T> Default for InOrder<T> {
    fn default() -> Self {
        Self {
            next: 0,
            early: BTreeMap::new(),
        }
    }
}

impl<T> InOrder<T> {
    fn put(&mut self, at: usize, one: T) {
        self.early.insert(at, one);
    }

    fn next(&mut self) -> Option<T> {
        let one = self.early.remove(&self.next)?;
        self.next += 1;
        Some(one)
    }

    fn rest(self) -> impl Iterator<Item = T> {
        self.early.into_values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_returned_in_the_order_of_the_requests() {
        let mut order = InOrder::default();
        let mut out = Vec::new();
        for at in [2, 0, 1, 5, 4] {
            order.put(at, at);
            while let Some(one) = order.next() {
                out.push(one);
            }
        }
        assert_eq!(out, [0, 1, 2]);
        assert_eq!(order.rest().collect::<Vec<_>>(), [4, 5]);
    }
}
