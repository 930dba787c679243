//! Many Secrets: a few at a time, reported in order, and none of them stops the others.

use std::collections::BTreeMap;
use std::pin::pin;

use futures_util::StreamExt as _;
use futures_util::future::{Either, select};
use futures_util::stream::FuturesUnordered;

use super::after::After;
use super::follow::Rollouts;
use super::interrupt::Interrupt;
use super::one::{self, Done, Failure};
use super::report::{Left, Report, Row};
use crate::cluster::{self, Cluster, ConnectOptions, SyncOptions};
use crate::commands::shared::book::{Book, Seen};
use crate::commands::shared::proof::Proofs;
use crate::commands::shared::targets::{Batch, Found, Job, find};
use crate::commands::system::System;
use crate::error::CommandError;

/// How many Secrets of a cluster are worked on at a time: one connection each, and few enough for a small API server.
pub(in crate::commands) const AT_ONCE: usize = 8;

/// What came of one job.
type Ended = (Job, Result<Done, CommandError>);

/// Everything that the batches of a run share.
pub(in crate::commands) struct Run<'a, 'b> {
    pub(in crate::commands) options: SyncOptions,
    pub(in crate::commands) after: &'a After,
    pub(in crate::commands) proofs: &'a Proofs,
    pub(in crate::commands) book: &'a mut Book,
    /// What was restarted.
    pub(in crate::commands) rollouts: Rollouts,
    pub(in crate::commands) report: &'a mut Report,
    pub(in crate::commands) interrupt: &'a mut Interrupt,
    pub(in crate::commands) system: &'a mut System<'b>,
}

impl Run<'_, '_> {
    /// Connects to the context, finds its Secrets and works through them.
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
            // Nothing is under way that would have to come to its end.
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

    /// Works through the Secrets of a context that were found before.
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
        let id = self.book.begin(cluster, &found.jobs, self.system).await;
        let mut seen = Vec::new();
        let worked = self.work(cluster, found.jobs, &mut seen).await;
        self.book.end(id.as_ref(), &seen, &self.proofs.proven(), self.system);
        worked
    }

    async fn work(&mut self, cluster: &Cluster, jobs: Vec<Job>, seen: &mut Vec<Seen>) -> Result<(), CommandError> {
        let (total, options, after, proofs) = (jobs.len(), self.options, self.after, self.proofs);
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
                    let result = one::sync(cluster, &job, options, after, proofs).await;
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
                self.system.output.say(format_args!(
                    "interrupted: waiting for {} that {are} under way; Ctrl-C again ends at once",
                    under_way.len()
                ));
                continue;
            };
            let Some((at, job, result)) = next else { break };
            finished += 1;
            begun.remove(&at);
            // What looks like the cluster's failure can be one connection's. A dead one is reported once, not for each.
            if matches!(&result, Err(Failure::Cluster(error)) if may_be_over(error)) {
                is_over = match select(pin!(cluster.check()), pin!(self.interrupt.pressed())).await {
                    Either::Left((answer, _)) => answer.is_err(),
                    Either::Right(_) => false,
                };
            }
            let result = result
                .map_err(CommandError::from)
                .and_then(|done| one::chosen(&job, done));
            if let Ok(done) = &result {
                seen.extend(job.seen(&done.given));
            }
            ended.put(at, (job, result));
            while let Some(one) = ended.next() {
                self.row(cluster, one)?;
            }
            if is_over {
                break;
            }
        }
        // Those behind one that was given up.
        for one in ended.rest() {
            self.row(cluster, one)?;
        }
        self.system.output.end_progress();
        for target in begun.values() {
            self.report.left(cluster.context(), target, Left::CutOff);
        }
        for (_, job) in waiting {
            self.report.left(cluster.context(), &job.target, Left::NotTried);
        }
        Ok(())
    }

    fn row(&mut self, cluster: &Cluster, (job, result): Ended) -> Result<(), CommandError> {
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

/// Whether the other targets might fare no better.
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
    fn what_ends_early_waits_for_its_turn() {
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
